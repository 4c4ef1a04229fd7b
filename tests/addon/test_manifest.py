"""config.yaml, repository.yaml and translations against the Supervisor's rules (read in its source of 2026-08)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

import meadowlark
from meadowlark import settings

Rule = Callable[[Any], bool]


def one_of(*values: object) -> Rule:
    return lambda value: value in values


def matching(pattern: str) -> Rule:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def a(kind: type) -> Rule:
    return lambda value: type(value) is kind


def list_of(rule: Rule) -> Rule:
    return lambda value: isinstance(value, list) and bool(value) and all(map(rule, value))


def a_port(value: object) -> bool:
    return value is None or (type(value) is int and 0 < value < 65536)


VERSION = r"\d+\.\d+\.\d+(\.?\w+)?"
TYPE = (
    r"(bool|email|url|port|device(\(subsystem=[a-z]+\))?|(str|password)(\(\d*,\d*\))?"
    r"|int(\(-?\d*,-?\d*\))?|float(\(-?[\d.]*,-?[\d.]*\))?|match\(.+\)|list\(.+\))\??"
)

# Every key we use must be here: the Supervisor drops an unknown key without a word.
RULES: dict[str, Rule] = {
    "name": a(str),
    "version": matching(VERSION),
    "slug": matching(r"[-_.A-Za-z0-9]+"),
    "description": a(str),
    "url": matching(r"https?://\S+"),
    "arch": list_of(one_of("aarch64", "amd64")),
    "startup": one_of("initialize", "system", "services", "application", "once"),
    "boot": one_of("auto", "manual", "manual_only"),
    "init": a(bool),
    "stage": one_of("stable", "experimental", "deprecated"),
    "homeassistant": matching(VERSION),
    "image": matching(r"[a-z0-9./{}_-]+"),
    "discovery": list_of(a(str)),
    "homeassistant_api": a(bool),
    "hassio_api": a(bool),
    "ports": lambda value: all(matching(r"\d+(/(tcp|udp))?")(key) and a_port(port) for key, port in value.items()),
    "watchdog": matching(r"(https?|tcp)://\[HOST\]:\[PORT:\d+\].*"),
    "timeout": lambda value: type(value) is int and 10 <= value <= 300,
    "apparmor": a(bool),
    "environment": lambda value: all(re.fullmatch(r"\w+", key) and type(text) is str for key, text in value.items()),
    # The newer names (app_config, local_apps, …) and mappings instead of strings are unknown to older Supervisors.
    "map": list_of(matching(r"(ssl|share|media|backup|homeassistant_config)(:(rw|ro))?")),
    "backup": one_of("hot", "cold"),
    "backup_exclude": list_of(a(str)),
    "options": a(dict),
    "schema": a(dict),
}


def test_every_key_is_known_and_its_value_allowed(manifest: dict[str, Any]) -> None:
    assert set(manifest) <= set(RULES), "unknown keys are dropped silently"
    assert [key for key, value in manifest.items() if not RULES[key](value)] == []
    assert {"name", "version", "slug", "description", "arch"} <= set(manifest)
    assert "armv7" not in manifest["arch"]


def test_version_is_the_package_version(manifest: dict[str, Any], root: Path) -> None:
    assert manifest["version"] == meadowlark.__version__
    assert f'version: "{meadowlark.__version__}"' in (root / "config.yaml").read_text(encoding="utf-8"), "quote it"


def test_identity_never_changes(manifest: dict[str, Any]) -> None:
    """Home Assistant keeps `tcp://<host name from the slug>:10200` of the first discovery for ever."""
    assert manifest["slug"] == "meadowlark"
    assert list(manifest["ports"]) == ["10200/tcp"]


def test_the_kill_comes_after_the_grace(manifest: dict[str, Any]) -> None:
    """Replies end with their sentence, then connections close and workers end."""
    from meadowlark.cli.serve import GRACE_SECONDS  # here: it brings in the whole server

    assert manifest["timeout"] >= GRACE_SECONDS + 10


def test_wyoming_discovery_is_allowed(manifest: dict[str, Any]) -> None:
    assert manifest["discovery"] == ["wyoming"], "without it POST /discovery is refused with 403"


def test_the_house_language_may_be_asked(manifest: dict[str, Any]) -> None:
    assert manifest["homeassistant_api"] is True


def elements(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for value in schema.values():
            yield from elements(value)
    elif isinstance(schema, list):
        assert len(schema) == 1, "a list has one element: the type of all its entries"
        assert not isinstance(schema[0], list), "no list directly in a list"
        yield from elements(schema[0])
    else:
        assert isinstance(schema, str)
        yield schema


def test_schema_uses_the_supervisors_types(manifest: dict[str, Any]) -> None:
    assert [each for each in elements(manifest["schema"]) if not re.fullmatch(TYPE, each)] == []


def optional(kind: object) -> bool:
    """A list is optional when its element is; a mapping, in a list or not, never is."""
    return optional(kind[0]) if isinstance(kind, list) else isinstance(kind, str) and kind.endswith("?")


def fits(value: object, kind: Any) -> bool:
    """Whether the Supervisor would take `value` for an option of this type."""
    if isinstance(kind, list):
        return isinstance(value, list) and all(fits(each, kind[0]) for each in value)
    if isinstance(kind, dict):
        required = {key for key, each in kind.items() if not optional(each)}
        return (
            isinstance(value, dict)
            and required <= set(value) <= set(kind)
            and all(fits(each, kind[key]) for key, each in value.items())
        )
    name, _, argument = kind.removesuffix("?").partition("(")
    match name:
        case "bool":
            return type(value) is bool
        case "int":
            low, high = argument.removesuffix(")").split(",") if argument else ("", "")
            return type(value) is int and (not low or value >= int(low)) and (not high or value <= int(high))
        case "match":
            return isinstance(value, str) and re.match(argument[:-1], value) is not None
        case "str" | "password":
            return isinstance(value, str)
    return False


def test_defaults_are_given_exactly_where_they_must_be(manifest: dict[str, Any]) -> None:
    """A required option without a default, or an optional one whose default is null, keeps the add-on from starting."""
    options, schema = manifest["options"], manifest["schema"]
    required = {key for key, kind in schema.items() if not optional(kind)}
    assert required <= set(options) <= set(schema)
    assert {key: value for key, value in options.items() if not fits(value, schema[key])} == {}


CHOSEN: dict[str, Any] = {
    "voice": "espeak/en-us",
    "voice_fallback": True,
    "engine_options": [
        {"engine": "espeak", "name": "rate", "value": "180"},
        {"engine": "espeak", "name": "pitch", "value": "55"},
    ],
    "advertise_downloadable": True,
    "hub_token": "hf_abcdefgh",
    "hub_endpoint": "https://mirror.example",
    "lexicon": "/share/meadowlark/words.yaml",
    "normalize": False,
    "always_speak": False,
    "fallbacks": [{"language": "de", "voice": "piper"}, {"language": "", "voice": "espeak"}],
    "keep_loaded": True,
    "memory_budget_mb": 2048,
    "debug_logging": True,
}


def test_every_option_takes_effect(manifest: dict[str, Any], tmp_path: Path) -> None:
    """What a user can enter is in the schema, is read from options.json, and changes a setting."""
    assert set(CHOSEN) == set(manifest["schema"])
    assert {key: value for key, value in CHOSEN.items() if not fits(value, manifest["schema"][key])} == {}

    def loaded(options: dict[str, Any]) -> Any:
        path = tmp_path / "options.json"
        path.write_text(json.dumps(options), encoding="utf-8")
        return settings.load({}, environ={"MEADOWLARK_OPTIONS": str(path)})

    plain = loaded(manifest["options"])
    for key, value in CHOSEN.items():
        assert loaded({**manifest["options"], key: value}) != plain, f"{key} does nothing"
    assert loaded(CHOSEN).engines == {"espeak": {"rate": 180, "pitch": 55}}
    assert loaded(CHOSEN).fallbacks == {"de": "piper", "": "espeak"}
    assert loaded(CHOSEN).hub_token == "hf_abcdefgh"
    assert "hf_abcdefgh" not in repr(loaded(CHOSEN))


@pytest.mark.parametrize(
    ("right", "languages"),
    [(True, ("", "de", "en_GB", "zh-Hant-TW", "ca-ES-valencia")), (False, ("d", "de-", "Deutsch", "de CH"))],
)
def test_a_fallback_is_for_a_language_as_bcp_47_writes_it(
    manifest: dict[str, Any], right: bool, languages: tuple[str, ...]
) -> None:
    for each in languages:
        assert fits([{"language": each, "voice": "espeak"}], manifest["schema"]["fallbacks"]) is right, each


def test_emptied_fields_of_the_form_are_no_values(manifest: dict[str, Any], tmp_path: Path) -> None:
    """The Supervisor hands an emptied text field on as ""."""
    path = tmp_path / "options.json"
    path.write_text(json.dumps({**manifest["options"], "voice": "", "hub_token": "", "lexicon": ""}), encoding="utf-8")
    assert settings.load({}, environ={"MEADOWLARK_OPTIONS": str(path)}).voice == ""


def test_the_environment_names_settings(manifest: dict[str, Any]) -> None:
    for name, value in manifest["environment"].items():
        key = name.removeprefix(settings.PREFIX).lower()
        assert str(getattr(settings.load({}, environ={name: value}), key)) == value


def test_user_voices_are_in_a_mapped_folder(manifest: dict[str, Any]) -> None:
    folder = PurePosixPath(manifest["environment"]["MEADOWLARK_VOICE_DIR"])
    mapped = {PurePosixPath("/", entry.partition(":")[0]) for entry in manifest["map"]}
    assert mapped & set(folder.parents)


@pytest.mark.parametrize("path", ["models/voice.safetensors", "kokoro/models/a/b.onnx", "espeak/cache/warm.bin"])
def test_what_can_be_downloaded_stays_out_of_backups(manifest: dict[str, Any], path: str) -> None:
    """The Supervisor matches each pattern against every folder on the way down, and leaves out all below."""
    whole = PurePosixPath("/supervisor/addons/data/0a1b2c3d_meadowlark", path)
    assert any(step.match(each) for step in (whole, *whole.parents) for each in manifest["backup_exclude"])


@pytest.mark.parametrize("path", ["options.json", "voices/anna/reference.flac", "kokoro/footprint.json"])
def test_what_is_the_users_is_backed_up(manifest: dict[str, Any], path: str) -> None:
    whole = PurePosixPath("/supervisor/addons/data/0a1b2c3d_meadowlark", path)
    assert not any(step.match(each) for step in (whole, *whole.parents) for each in manifest["backup_exclude"])


def test_no_other_file_is_taken_for_a_manifest(tracked: list[str]) -> None:
    """The store reads every config.{yaml,yml,json} in the clone, the builder every build.*, hidden folders included."""
    taken = [path for path in tracked if re.fullmatch(r"(.*/)?(config|build|repository)\.(yaml|yml|json)", path)]
    assert sorted(taken) == ["config.yaml", "repository.yaml"]


def test_the_store_finds_what_it_shows(root: Path) -> None:
    for name in ("README.md", "DOCS.md", "CHANGELOG.md", "icon.png", "logo.png", "apparmor.txt", "Dockerfile"):
        assert (root / name).stat().st_size > 0, name


def test_repository(root: Path) -> None:
    repository = yaml.safe_load((root / "repository.yaml").read_text(encoding="utf-8"))
    assert set(repository) <= {"name", "url", "maintainer"}
    assert all(isinstance(value, str) and value for value in repository.values())
    assert "name" in repository


def translations() -> list[Path]:
    return sorted((Path(__file__).resolve().parents[2] / "translations").iterdir())


def untranslated(schema: Any, texts: dict[str, Any], where: str = "") -> list[str]:
    """Options without a name and a description, and texts without an option."""
    missing = [f"{where}{key}" for key in set(schema) ^ set(texts)]
    for key in set(schema) & set(texts):
        kind, text = schema[key], texts[key]
        missing += [f"{where}{key}.{part}" for part in ("name", "description") if not text.get(part)]
        kind = kind[0] if isinstance(kind, list) else kind
        missing += untranslated(kind if isinstance(kind, dict) else {}, text.get("fields", {}), f"{where}{key}.")
    return missing


@pytest.mark.parametrize("path", translations(), ids=lambda path: path.name)
def test_translation_is_complete(path: Path, manifest: dict[str, Any]) -> None:
    texts = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert re.fullmatch(r"[a-z]{2}(-[A-Z]{2})?\.yaml", path.name)
    assert set(texts) == {"configuration", "network"}
    assert untranslated(manifest["schema"], texts["configuration"]) == []
    assert set(texts["network"]) == set(manifest["ports"])


def test_english_is_there() -> None:
    assert "en.yaml" in [path.name for path in translations()]
