"""One schema, four sources, errors that name the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meadowlark.errors import SettingsError
from meadowlark.settings import KEYS, Settings, load, read_lexicon


def test_defaults() -> None:
    assert load({}, environ={}) == Settings(data_dir=Path("~/.local/share/meadowlark").expanduser())
    assert load({}, environ={"XDG_DATA_HOME": "/d"}).data_dir == Path("/d/meadowlark")


def test_order_of_sources(tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"voice": "d", "memory_budget_mb": 4, "debug_logging": True, "voice_fallback": True}))
    config = tmp_path / "meadowlark.yaml"
    config.write_text("voice: c\nmemory_budget_mb: 3\nmax_connections: 3\n")
    environ = {"SUPERVISOR_TOKEN": "x", "MEADOWLARK_VOICE": "b", "MEADOWLARK_MEMORY_BUDGET_MB": "2"}
    settings = load({"voice": "a", "uri": None}, config, environ, options)
    assert (settings.voice, settings.memory_budget_mb, settings.max_connections) == ("a", 2, 3)
    assert settings.debug
    assert settings.voice_fallback


def test_options_are_read_only_in_the_add_on(tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    options.write_text('{"voice": "d"}')
    assert load({}, environ={}, options=options).voice == ""
    assert load({}, environ={"MEADOWLARK_OPTIONS": str(options)}).voice == "d"


def test_engine_options_in_both_forms(tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    entry = {"engine": "espeak", "name": "rate", "value": "160"}
    options.write_text(json.dumps({"engine_options": [entry], "voice": None}))
    assert load({}, environ={"SUPERVISOR_TOKEN": "x"}, options=options).engines == {"espeak": {"rate": 160}}
    environ = {"MEADOWLARK_ENGINES": "{espeak: {rate: 160, soft: true}}"}
    assert load({}, environ=environ).engines == {"espeak": {"rate": 160, "soft": True}}


def test_every_key_can_come_from_the_environment() -> None:
    values = {
        "uri": "unix:///run/m.sock",
        "voice": "de",
        "voice_fallback": "true",
        "zeroconf": "no",
        "zeroconf_name": "kitchen",
        "data_dir": "/d",
        "voice_dir": "/v",
        "engines": "{}",
        "preload": "0",
        "memory_budget_mb": "7",
        "environments": "[/a/bin/python]",
        "disabled_plugins": "[a, b]",
        "max_connections": "1",
        "max_text_chars": "2",
        "max_event_bytes": "3",
        "request_seconds": "4.5",
        "idle_seconds": "5",
        "stall_seconds": "6",
        "debug": "1",
        "always_speak": "false",
        "fallbacks": '{de: piper, "": espeak}',
        "first_audio_budget": "2.5",
        "voice_changes": "true",
        "memory_reserve_mb": "100",
        "pinned": "[espeak]",
        "keep_loaded": "true",
        "release_seconds": "60",
        "ollama_url": "http://127.0.0.1:11434",
        "satellites": "false",
        "normalize": "false",
        "lexicon": "/l.yaml",
        "hub_token": "hf_x",
        "hub_endpoint": "https://mirror.example",
        "advertise_downloadable": "true",
    }
    assert set(values) == set(KEYS)
    settings = load({}, environ={f"MEADOWLARK_{key.upper()}": value for key, value in values.items()})
    assert settings.zeroconf is False
    assert settings.preload is False
    assert settings.environments == ("/a/bin/python",)
    assert settings.disabled_plugins == ("a", "b")
    assert settings.voices == Path("/v")
    assert settings.fallbacks == {"de": "piper", "": "espeak"}
    assert settings.pinned == ("espeak",)
    assert settings.limits.request_seconds == 4.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("voise: x", "Unknown setting 'voise' in .*yaml. Did you mean 'voice'"),
        ("zzz: x", "Allowed: uri, voice"),
        ("max_connections: many", "max_connections is 'many' in .*yaml: expected `int`"),
        ("max_connections: 0", "max_connections is 0 in .*yaml: must be a number above 0"),
        ("request_seconds: .nan", "request_seconds is nan in .*yaml: must be a number above 0"),
        ("memory_budget_mb: -1", "must be 0 .automatic. or more"),
        ("engines: {espeak: fast}", "engines is .* expected `object`"),
        ("engines: {espeak: {rate: [1]}}", "engines is "),
        ("uri: http://x", "tcp://HOST:PORT"),
        ("voice: no", "voice is False in .*yaml: expected `str`, got `bool`.*write such a word in quotes"),
        ("fallbacks: {de: off}", "got `bool`.*in quotes"),
        ("fallbacks: {no: espeak}", "fallbacks is .*in quotes"),
        ("- a\n- b", "key: value"),
        ("a: [", "not valid YAML"),
    ],
)
def test_errors_name_source_key_and_remedy(text: str, says: str, tmp_path: Path) -> None:
    config = tmp_path / "s.yaml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=says):
        load({}, config, environ={})


@pytest.mark.parametrize("value", ["[1", "{a: 1}", "2026-01-01", ""])
def test_an_engine_judges_an_odd_option_of_the_add_on(tmp_path: Path, value: str) -> None:
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"engine_options": [{"engine": "espeak", "name": "rate", "value": value}]}))
    assert load({}, environ={"MEADOWLARK_OPTIONS": str(options)}).engines == {"espeak": {"rate": value}}


@pytest.mark.parametrize("key", ["engine_options", "fallbacks"])
@pytest.mark.parametrize("value", [7, "de", {"de": "espeak"}, [{"language": "de"}]])
def test_a_list_of_the_add_on_that_is_none(tmp_path: Path, key: str, value: object) -> None:
    options = tmp_path / "options.json"
    options.write_text(json.dumps({key: value}))
    with pytest.raises(SettingsError, match=f"{key}, entry 1"):
        load({}, environ={"MEADOWLARK_OPTIONS": str(options)})


def test_blanks_around_what_was_pasted_into_the_form_do_not_count(tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"hub_token": "hf_abc\n", "voice": " ", "fallbacks": [{"voice": " espeak "}]}))
    settings = load({}, environ={"MEADOWLARK_OPTIONS": str(options)})
    assert (settings.hub_token, settings.voice, settings.fallbacks) == ("hf_abc", "", {"": "espeak"})


def test_missing_file_and_bad_entry(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Cannot read the settings file"):
        load({}, tmp_path / "none.yaml", environ={})
    options = tmp_path / "options.json"
    options.write_text('{"engine_options": [{"engine": "espeak"}]}')
    with pytest.raises(SettingsError, match="engine_options, entry 1"):
        load({}, environ={"MEADOWLARK_OPTIONS": str(options)})


def test_the_lexicon(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert read_lexicon(settings) == {}
    (tmp_path / "lexicon.yaml").write_text("en: {HVAC: H vac, Siobhan: /ʃɪˈvɔːn/}", encoding="utf-8")
    assert read_lexicon(settings) == {"en": {"HVAC": "H vac", "Siobhan": "/ʃɪˈvɔːn/"}}
    wrong = {
        "de: {on: an}": 1,
        "de:\n  Licht: Licht\n  on: an\n": 3,
        "en: {a: b}\nno:\n  NRK: enn er ko\n": 2,
        "en:\n  Q4: 4\n": 2,
        "en:\n  - a\n": 2,
        "en: words\n": 1,
        "- en\n": 1,
    }
    for text, line in wrong.items():
        (tmp_path / "lexicon.yaml").write_text(text)
        with pytest.raises(SettingsError, match=f"line {line}: .*in quotes"):
            read_lexicon(settings)
    with pytest.raises(SettingsError, match="Cannot read"):
        read_lexicon(Settings(lexicon=tmp_path / "none.yaml"))
    with pytest.raises(SettingsError, match=r"Cannot read the lexicon .*null byte"):
        read_lexicon(Settings(lexicon=Path("/share/a\0b")))


def test_the_lexicon_of_the_voices_folder_goes_first(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", voice_dir=tmp_path / "share")
    for folder, word in ((settings.data_dir, "data"), (settings.voices, "share")):
        folder.mkdir()
        (folder / "lexicon.yaml").write_text(f"en: {{HVAC: {word}}}")
        assert read_lexicon(settings) == {"en": {"HVAC": word}}


@pytest.mark.parametrize("token", ["hf_secret with space", "hf_secret\n", "hf_sécret", "hf_secret\x00"])
def test_a_token_is_never_shown(tmp_path: Path, token: str) -> None:
    with pytest.raises(SettingsError, match="hub_token") as caught:
        load({"hub_token": token}, environ={})
    assert "cret" not in str(caught.value)
    (tmp_path / "x.yaml").write_text("hub_token: {secret: 12345}")
    with pytest.raises(SettingsError, match="hub_token is not shown here") as caught:
        load({}, tmp_path / "x.yaml", environ={})
    assert "12345" not in str(caught.value)


def test_a_fallback_of_the_add_on_without_a_voice_silences_no_house(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "options.json"
    path.write_text('{"fallbacks": [{"voice": "espeak"}, {"language": "de", "voice": " "}, {"voice": null}]}')
    assert load({}, environ={"MEADOWLARK_OPTIONS": str(path)}).fallbacks == {"": "espeak"}
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("WARNING", f"fallbacks, entry 2 in {path}, for de, names no `voice`: it is ignored"),
        ("WARNING", f"fallbacks, entry 3 in {path}, for every language, names no `voice`: it is ignored"),
    ]


def test_a_fallback_of_the_add_on_is_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "options.json"
    path.write_text('{"fallbacks": [{"voice": "espeak"}, "piper"]}')
    with pytest.raises(SettingsError, match="fallbacks, entry 2"):
        load({}, environ={"MEADOWLARK_OPTIONS": str(path)})


def test_a_mirror_is_an_address() -> None:
    for wrong in ("mirror", "https://", "https://a mirror.example", "https://mirror.example ", "ftp://mirror.example"):
        with pytest.raises(SettingsError, match=f"hub_endpoint is '{wrong}' in the command line: write an address"):
            load({"hub_endpoint": wrong}, environ={})
    for right in ("https://mirror.example/hf", "http://10.0.0.2:8080"):
        assert load({"hub_endpoint": right}, environ={}).hub_endpoint == right


def test_the_clone_s_data_folder_is_only_the_usual_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """script/run names it; whoever names another is heard."""
    environ = {"MEADOWLARK_DEFAULT_DATA_DIR": "/clone/data", "XDG_DATA_HOME": "/d"}
    config = tmp_path / "s.yaml"
    config.write_text("data_dir: /config")
    assert load({}, environ=environ).data_dir == Path("/clone/data")
    assert load({}, config, environ).data_dir == Path("/config")
    assert load({}, config, {**environ, "MEADOWLARK_DATA_DIR": "/variable"}).data_dir == Path("/variable")
    assert not caplog.text
