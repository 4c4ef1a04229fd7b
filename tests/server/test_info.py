"""What Home Assistant makes of our info."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from wyoming.event import read_event
from wyoming.info import Info

from meadowlark.api import Attribution, EngineManifest, Voice
from meadowlark.server.framing import encode
from meadowlark.server.info import InfoBytes, build


@dataclass
class FakeCatalog:
    engines: tuple[EngineManifest, ...] = ()
    default: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


def engine(name: str, *voices: Voice, **more) -> EngineManifest:
    return EngineManifest(name, more.pop("title", name.title()), "MIT", "x:Y", 16_000, voices, **more)


KOKORO = engine(
    "kokoro",
    Voice("af_heart", ("en-US",), "Heart"),
    Voice("af_bella", ("en-US",), "Bella", attribution=Attribution("hexgrad", "https://example.org")),
    Voice("bf_emma", ("en-GB", "en"), "Emma"),
    attribution=Attribution("Kokoro team", "https://example.com"),
)
ESPEAK = engine(
    "espeak",
    Voice("en-us", ("en-US", "en"), "English (America)"),
    Voice("en-us+f", ("en-US", "en"), "English (America), female", advertised=False),
    Voice("de", ("de-DE", "de"), "German"),
    Voice("af", ("af",), "Afrikaans"),
    Voice("many", ("x-test",), speakers=("1", "2")),
    title="eSpeak NG",
)
CATALOG = FakeCatalog((KOKORO, ESPEAK))


def shown(info: Info, language: str) -> list[str]:
    """Voice names as Home Assistant lists them: by description, within a language."""
    voices = [voice for voice in info.tts[0].voices if language in voice.languages]
    return [voice.name for voice in sorted(voices, key=lambda voice: voice.description or voice.name)]


def test_the_first_program_has_all_voices_and_each_engine_one_after_it():
    info = build(CATALOG)
    first, *engines = info.tts
    assert first.name == "meadowlark"
    assert [program.name for program in engines] == ["kokoro", "espeak"]
    assert [voice.name for voice in first.voices] == [voice.name for program in engines for voice in program.voices]
    assert [voice.name for voice in engines[1].voices] == ["espeak/en-us", "espeak/de", "espeak/af", "espeak/many"]
    for program in info.tts:
        assert program.installed
        assert program.supports_synthesize_streaming
        assert program.version
        assert all(voice.installed and voice.languages for voice in program.voices)


def test_languages_speakers_and_attributions():
    voices = {voice.name: voice for voice in build(CATALOG).tts[0].voices}
    assert voices["kokoro/bf_emma"].languages == ["en-GB", "en"]
    assert [speaker.name for speaker in voices["espeak/many"].speakers] == ["1", "2"]
    assert voices["espeak/de"].speakers is None
    assert voices["kokoro/af_bella"].attribution.name == "hexgrad"
    assert voices["kokoro/af_heart"].attribution.name == "Kokoro team"
    assert voices["espeak/de"].attribution.name == "eSpeak NG"


def test_descriptions_say_voice_and_engine():
    voices = {voice.name: voice.description.strip() for voice in build(CATALOG).tts[0].voices}
    assert voices["espeak/en-us"] == "English (America) · eSpeak NG"
    assert voices["espeak/many"] == "many · eSpeak NG"


def test_the_preferred_voice_of_a_language_is_shown_first():
    info = build(CATALOG)
    assert shown(info, "en-US") == ["kokoro/af_heart", "kokoro/af_bella", "espeak/en-us"]
    assert shown(info, "en-GB") == ["kokoro/bf_emma"]
    assert shown(info, "en") == ["kokoro/bf_emma", "kokoro/af_heart", "kokoro/af_bella", "espeak/en-us"]
    assert shown(info, "de") == ["espeak/de"]


REGIONS = engine(
    "regions",
    Voice("carib", ("en-029",), "A Caribbean"),
    Voice("gb", ("en_GB",), "B British"),
    Voice("us", ("en-US",), "C American"),
    Voice("rp", ("en-GB-x-rp",), "D Received"),
    Voice("shaw", ("en-Shaw",), "Shavian"),
    Voice("latin", ("fa-Latn", "x-test"), "Persian in Latin letters"),
    Voice("es-419", ("es-419", "es-MX"), "Latin America"),
    Voice("es", ("es-ES",), "Spain"),
    Voice("yue", ("yue", "zh-HK"), "Cantonese"),
    Voice("cmn", ("cmn", "zh-CN"), "Mandarin"),
)


def test_a_language_is_known_without_its_region_and_begins_with_the_usual_one():
    info = build(FakeCatalog((REGIONS,)))
    assert shown(info, "en") == ["regions/us", "regions/carib", "regions/gb", "regions/rp"]
    assert shown(info, "es") == ["regions/es", "regions/es-419"]
    assert shown(info, "zh") == ["regions/cmn", "regions/yue"]
    assert shown(info, "fa") == shown(info, "x") == []
    voices = {voice.name: voice.languages for voice in info.tts[0].voices}
    assert voices["regions/es-419"] == ["es-419", "es-MX", "es"]
    assert voices["regions/shaw"] == ["en-Shaw"]


def test_a_language_without_a_region_prefers_the_engine_that_the_catalog_prefers():
    both = FakeCatalog((engine("zebra", Voice("z", ("en-GB",), "Zoe")), REGIONS))
    assert shown(build(both), "en")[0] == "zebra/z"
    assert shown(build(both), "en-US") == ["regions/us"]


def test_only_voices_that_need_it_are_moved_up():
    dialects = engine("zebra", Voice("us", ("en-US",), "Us"), Voice("nyc", ("en-US-x-nyc", "en-US"), "Us, New York"))
    info = build(FakeCatalog((KOKORO, dialects)))
    assert shown(info, "en-US") == ["kokoro/af_heart", "kokoro/af_bella", "zebra/us", "zebra/nyc"]
    assert shown(info, "en-US-x-nyc") == ["zebra/nyc"]


def test_the_default_voice_comes_before_all():
    assert shown(build(FakeCatalog((KOKORO, ESPEAK), "espeak/en-us")), "en-US")[0] == "espeak/en-us"
    assert shown(build(FakeCatalog((KOKORO, ESPEAK), "kokoro/af_bella")), "en-US")[0] == "kokoro/af_bella"


def test_a_preferred_engine_leads_though_its_name_comes_later_in_the_alphabet():
    first = engine("zebra", Voice("z", ("de", "fr"), "Zoe"))
    second = engine("ant", Voice("a", ("fr-CA", "fr"), "Anna"), Voice("b", ("de",), "Bert"))
    info = build(FakeCatalog((first, second)))
    assert shown(info, "fr") == ["zebra/z", "ant/a"]
    assert shown(info, "de") == ["zebra/z", "ant/b"]


def test_without_voices_the_info_is_still_valid_and_the_log_says_so(caplog):
    info = Info.from_event(build(FakeCatalog((engine("mute"),))).event())
    assert [program.name for program in info.tts] == ["meadowlark"]
    assert info.tts[0].voices == []
    assert "meadowlark plugins" in caplog.text


def test_bytes_are_built_once_for_each_catalog(tmp_path):
    cache = InfoBytes()
    first = cache.of(CATALOG)
    assert cache.of(CATALOG) is first
    other = FakeCatalog((ESPEAK,))
    assert cache.of(other) != first
    (tmp_path / "info").write_bytes(cache.of(other))
    with (tmp_path / "info").open("rb") as file:
        event = read_event(file)
    assert Info.from_event(event) == build(other)
    assert event.data == build(other).event().data
    usual, ours = (json.loads(each.partition(b"\n")[0]) for each in (encode(build(other).event()), cache.of(other)))
    assert ours == usual | {"data_length": ours["data_length"]}


def test_an_engine_that_is_not_trusted_now_says_so():
    catalog = FakeCatalog((KOKORO,), notes={"kokoro": "died 3 times in a row: killed by SIGSEGV"})
    assert build(catalog).tts[1].description == "Kokoro (at rest: it died 3 times in a row: killed by SIGSEGV)"
