"""eSpeak NG: the engine that is always there. Every language at once, no download, first audio in a millisecond.

Light: reads espeak-ng's voice files and loads nothing; the work is done in `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from meadowlark.api import Attribution, EngineManifest, Value, Voice, hookimpl
from meadowlark_espeakng.voices import BaseVoice, base_voices, variant_names

from .languages import display_name, languages, voice_id
from .markers import MARKERS

FEMALE, MALE = "f2", "m3"
"""The variants that are advertised for every voice; all others are there for those who ask by name."""


@hookimpl
def register_engines(register: Callable[[EngineManifest], None]) -> None:
    """Register espeak-ng with every voice of its data."""
    register(manifest())


@hookimpl
def check_options(options: Mapping[str, Value]) -> None:
    """Raise OptionError for what espeak cannot do."""
    from . import settings  # ctypes, only where there are options

    settings.check(options, variant_names())


def manifest() -> EngineManifest:
    """Raises InstallationError, with the remedy, where espeak-ng is not installed."""
    return EngineManifest(
        id="espeak",
        title="eSpeak NG",
        license="GPL-3.0-or-later",
        pipeline="meadowlark_espeak.pipeline:EspeakPipeline",
        sample_rate=22050,
        voices=tuple(_voices()),
        variants=variant_names(),
        markers=MARKERS,
        memory={"cpu": 16 * 1024**2},  # the whole worker: 14 MB after the first voice, 23 MB after all of them
        preload=("meadowlark_espeak.pipeline",),
        streaming=True,
        samples=False,  # lengths differ by up to 1 %: voiced sounds end with a period of the voice, whose phase is kept
        last_resort=True,
        attribution=Attribution("eSpeak NG", "https://github.com/espeak-ng/espeak-ng"),
        description="Every language at once, from the box: a small formant synthesizer that needs no model",
    )


def _voices() -> Iterator[Voice]:
    """Three of each language, in the order in which people look for them."""
    for base in sorted((each for each in base_voices() if each.has_dictionary), key=display_name):
        yield _voice(base, "", "")
        yield _voice(base, FEMALE, "female")
        yield _voice(base, MALE, "male")


def _voice(base: BaseVoice, variant: str, gender: str) -> Voice:
    options = {"identifier": base.identifier}
    return Voice(
        id=f"{voice_id(base)}+{variant}" if variant else voice_id(base),
        languages=languages(base),
        name=f"{display_name(base)}, {gender}" if gender else display_name(base),
        options={**options, "variant": variant} if variant else options,
    )
