from __future__ import annotations

import re
import subprocess
import sys

import pytest

import meadowlark_espeak
from meadowlark.api import EngineManifest
from meadowlark.catalog import Catalog, VoiceRequest
from meadowlark.manifest import problems
from meadowlark.plugins import Registry
from meadowlark_espeak.languages import LANGUAGES, NAMES, bcp47
from meadowlark_espeakng.voices import base_voices

BCP_47 = re.compile(
    r"(?:[a-z]{2,3}|[a-z]{5,8})"  # language; 4 letters are reserved
    r"(?:-[A-Z][a-z]{3})?"  # script
    r"(?:-(?:[A-Z]{2}|[0-9]{3}))?"  # region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"  # private use
)
"""RFC 5646 without extended language subtags and extensions, in the conventional case."""


def test_the_core_finds_nothing_wrong(manifest: EngineManifest) -> None:
    assert not list(problems(manifest))


def test_the_hook_registers_it(manifest: EngineManifest) -> None:
    registered: list[EngineManifest] = []
    meadowlark_espeak.register_engines(registered.append)
    assert registered == [manifest]


def test_every_language_that_espeak_can_speak_has_three_voices(manifest: EngineManifest) -> None:
    spoken = [each.identifier for each in base_voices() if each.has_dictionary]
    advertised = [str(voice.options["identifier"]) for voice in manifest.voices]
    assert len(spoken) >= 138
    assert sorted(advertised) == sorted(spoken * 3)


def test_every_tag_is_bcp_47(manifest: EngineManifest) -> None:
    for voice in manifest.voices:
        for tag in voice.languages:
            assert BCP_47.fullmatch(tag), (voice.id, tag)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("de", "de"),
        ("en-us", "en-US"),
        ("es-419", "es-419"),
        ("fa-latn", "fa-Latn"),
        ("EN-gb-X-RP", "en-GB-x-rp"),
        ("vi-vn-x-central", "vi-VN-x-central"),
        ("zh-hant-tw", "zh-Hant-TW"),
    ],
)
def test_the_case_of_tags(theirs: str, ours: str) -> None:
    assert bcp47(theirs) == ours


def test_ids_names_and_tables_fit_each_other(manifest: EngineManifest) -> None:
    ids = [voice.id for voice in manifest.voices]
    names = [voice.name for voice in manifest.voices]
    assert len(set(ids)) == len(set(names)) == len(ids)
    assert not [each for each in ids if "/" in each or each != each.lower() or " " in each]
    identifiers = {each.identifier for each in base_voices()}
    assert identifiers.issuperset(LANGUAGES)
    assert identifiers.issuperset(NAMES)


def test_ids_are_stable() -> None:
    """They stand in people's automations."""
    ids = {voice.id for voice in meadowlark_espeak.manifest().voices}
    assert ids.issuperset(
        {"de", "en-us", "en-us+f2", "en-us+m3", "en-gb", "en-gb-scotland", "en-gb-x-rp", "cmn", "yue", "fr", "es-419"}
    )
    assert ids.issuperset({"pt", "pt-br", "nb", "vi", "vi-vn-x-south", "sr", "fa-latn", "cs+f2", "ru", "ja", "ko+m3"})


@pytest.mark.parametrize(
    ("asked", "voice"),
    [
        ("en-us", "en-us"),
        ("en", "en-us"),
        ("en_GB", "en-gb"),
        ("en-AU", "en-us"),
        ("de-DE", "de"),
        ("fr", "fr"),
        ("fr-fr", "fr"),
        ("fr-CA", "fr"),
        ("es", "es"),
        ("es-MX", "es-419"),
        ("pt", "pt"),
        ("pt-BR", "pt-br"),
        ("zh", "cmn"),
        ("zh-cn", "cmn"),
        ("zh-TW", "cmn"),
        ("zh-HK", "yue"),
        ("no", "nb"),
        ("nb-NO", "nb"),
        ("sr-Latn", "sr"),
        ("vi", "vi"),
        ("ca", "ca"),
        ("hy", "hy"),
    ],
)
def test_languages_as_home_assistant_asks_for_them(manifest: EngineManifest, asked: str, voice: str) -> None:
    catalog = Catalog(Registry((manifest,)))
    assert catalog.resolve(VoiceRequest(language=asked)).voice.id == voice


def test_any_variant_is_accepted_by_name(manifest: EngineManifest) -> None:
    catalog = Catalog(Registry((manifest,)))
    choice = catalog.resolve(VoiceRequest("espeak/en-us+klatt4"))
    assert (choice.voice.id, choice.variant) == ("en-us", "klatt4")
    advertised = catalog.resolve(VoiceRequest("espeak/en-us+f2"))
    assert (advertised.voice.id, advertised.variant, advertised.voice.options["variant"]) == ("en-us+f2", "", "f2")
    assert len(manifest.variants) == 104


def test_the_base_voice_comes_first_in_a_list_sorted_by_name(manifest: EngineManifest) -> None:
    """Home Assistant sorts by name, and takes the first where nothing is chosen."""
    for language, first in {"en-US": "en-us", "en-GB": "en-gb", "ca": "ca", "vi": "vi", "es-ES": "es"}.items():
        named = sorted((voice.name, voice.id) for voice in manifest.voices if language in voice.languages)
        assert named[0][1] == first


def test_importing_is_light() -> None:
    """The manifest is read in the process of the server's discovery."""
    code = (
        "import sys, meadowlark_espeak; meadowlark_espeak.manifest();"
        "heavy = {'ctypes', 'numpy', 'espeakng_loader', 'meadowlark_espeak.pipeline', 'meadowlark_espeakng.library'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_the_nursery_imports_starts_nothing(manifest: EngineManifest) -> None:
    """Workers are forked from a process that has imported this: no thread, no library, no numpy."""
    code = (
        f"import sys, threading, {', '.join(manifest.preload)};"
        "assert threading.active_count() == 1; assert 'espeak-ng' not in open('/proc/self/maps').read();"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore::ResourceWarning", "-c", code], check=True)
