"""Names, languages and speakers → voices."""

from __future__ import annotations

import asyncio
import itertools
import re
from pathlib import Path

import pytest

from meadowlark.api import EngineManifest, Voice
from meadowlark.catalog import LONGEST_REMEMBERED, MOST_REMEMBERED, Catalog, VoiceRequest
from meadowlark.discovery import discover
from meadowlark.errors import MOST_ECHOED, VoiceError
from meadowlark.plugins import Registry
from meadowlark.unknown_voices import PUBLISHED


def engine(engine_id: str, *voices: Voice, **more: object) -> EngineManifest:
    return EngineManifest(engine_id, engine_id.title(), "MIT", "a.b:C", 22050, voices=voices, **more)  # type: ignore[arg-type]


ROBOT = engine(
    "robot",
    Voice("en-us", ("en-US", "en")),
    Voice("en-gb", ("en-GB",)),
    Voice("de", ("de",)),
    Voice("cmn", ("zh-CN", "zh")),
    Voice("pt", ("pt-PT",)),
    Voice("pt-br", ("pt-BR",)),
    variants=("f1", "Whisper"),
    last_resort=True,
)
NICE = engine("nice", Voice("heart", ("en-US",), speakers=("Anna", "Ben")), Voice("de_thorsten-high", ("de-DE",)))
REGISTRY = Registry(engines=(ROBOT, NICE))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (VoiceRequest("robot/en-gb"), "robot/en-gb"),
        (VoiceRequest("ROBOT/EN_GB"), "robot/en-gb"),
        (VoiceRequest("heart"), "nice/heart"),
        (VoiceRequest("de-thorsten-high"), "nice/de_thorsten-high"),
        (VoiceRequest("robot/en-us+f1"), "robot/en-us+f1"),
        (VoiceRequest("en-us+whisper"), "robot/en-us+Whisper"),
        (VoiceRequest("robot"), "robot/en-us"),
        (VoiceRequest("de"), "nice/de_thorsten-high"),  # a language before the last resort's id
        (VoiceRequest("robot/de"), "robot/de"),
        (VoiceRequest("robot/pt-BR"), "robot/pt-br"),
        (VoiceRequest("robot/zh-cn"), "robot/cmn"),
        (VoiceRequest("en-gb"), "robot/en-gb"),
        (VoiceRequest("de-AT"), "nice/de_thorsten-high"),
        (VoiceRequest("zh_Hant_TW"), "robot/cmn"),
        (VoiceRequest(language="de"), "nice/de_thorsten-high"),  # the last resort speaks last
        (VoiceRequest(language="de_DE"), "nice/de_thorsten-high"),
        (VoiceRequest(language="en-GB"), "nice/heart"),
        (VoiceRequest(language="en-GB", engine="robot"), "robot/en-gb"),
        (VoiceRequest(language="en-AU"), "nice/heart"),
        (VoiceRequest(language="zh"), "robot/cmn"),
        (VoiceRequest(language="pt"), "robot/pt"),
        (VoiceRequest(language="pt-PT"), "robot/pt"),
        (VoiceRequest(engine="robot"), "robot/en-us"),
        (VoiceRequest("en-gb", engine="robot"), "robot/en-gb"),
        (VoiceRequest(), "nice/heart"),
        (VoiceRequest("heart", speaker="ben"), "nice/heart"),
    ],
)
def test_resolves(request_: VoiceRequest, expected: str) -> None:
    choice = Catalog(REGISTRY).resolve(request_)
    assert choice.name == expected
    assert choice.speaker == ("Ben" if request_.speaker else "")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (VoiceRequest("robot/en-uk"), "Did you mean robot/en-us"),
        (VoiceRequest("hart"), "nice/heart"),
        (VoiceRequest("en_US-lessac-medium"), "No voice 'en_US-lessac-medium'"),
        (VoiceRequest("x" * 900), "No voice '" + "x" * 80 + "' is"),
        (VoiceRequest("en-us+nobody"), "No voice 'en-us+nobody'"),
        (VoiceRequest("nowhere/en-us"), "nor an engine 'nowhere'. Did you mean"),
        (VoiceRequest("nowhere/en-us"), "`pip install meadowlark-nowhere`, or `script/setup nowhere`"),
        (VoiceRequest("robbot/en-us"), "No voice 'robbot/en-us' is installed. Did you mean robot/en-us"),
        (VoiceRequest("heart", engine="robot"), "No voice 'heart'"),
        (VoiceRequest(engine="nobody"), "Installed: nice, robot"),
        (
            VoiceRequest(language="xx"),
            "No installed voice speaks 'xx'. Install an engine or a voice that does. Spoken ",
        ),
        (VoiceRequest(language="xx"), "Spoken here: de, en, pt, zh."),
        (
            VoiceRequest(language="zh", engine="nice"),
            "No installed voice speaks 'zh' in the engine asked for; robot/cmn",
        ),
        (VoiceRequest("heart", speaker="Carl"), "It has: Anna, Ben"),
        (VoiceRequest("de", speaker="Carl"), "leave `speaker` out"),
    ],
)
def test_refuses_with_a_remedy(request_: VoiceRequest, says: str) -> None:
    with pytest.raises(VoiceError, match=re.escape(says)):
        Catalog(REGISTRY).resolve(request_)


@pytest.mark.parametrize("words", ["x" * 100_000, "en\0\x1b[2J\n", "\0" * 100_000], ids=["long", "control", "both"])
@pytest.mark.parametrize("request_", ["name", "language", "speaker", "engine", "robbot/", "robot/", "/", "nice/heart+"])
def test_what_a_client_writes_is_quoted_short_and_escaped(request_: str, words: str) -> None:
    """It goes into the log."""
    asked = VoiceRequest(**{request_: words}) if request_.isalpha() else VoiceRequest(request_ + words)
    with pytest.raises(VoiceError) as caught:
        Catalog(REGISTRY, awaiting={"nice"}).resolve(asked)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 300 + MOST_ECHOED * len(r"\x00")


def test_a_strange_voice_of_the_settings_is_remembered_short() -> None:
    choice = Catalog(REGISTRY, "x" * 100_000, awaiting={"nice"}).resolve(VoiceRequest())
    assert (choice.name, choice.instead_of) == ("nice/heart", "x" * MOST_ECHOED)


@pytest.mark.parametrize("name", ["fish_speech", "Fish_Speech", "fish_speech/anna", "fish_speech_s2"])
def test_a_published_engine_that_is_not_installed_is_no_voice_of_a_list(name: str) -> None:
    catalog = Catalog(REGISTRY, awaiting={"nice"})
    assert not catalog.awaited(name)
    with pytest.raises(VoiceError) as caught:
        catalog.named(name)
    assert "`pip install meadowlark-fish_speech`, or `script/setup fish_speech`" in str(caught.value)
    assert "pull" not in str(caught.value)
    assert catalog.awaited("en_US-lessac") == ("nice",)


def test_the_published_engines_are_those_of_this_repository(tmp_path: Path) -> None:
    folders = Path(__file__).parents[1].glob("plugins/*/pyproject.toml")
    plugins = {each.parent.name for each in folders} - {"espeakng", "example"}  # a library; beeps
    assert set(PUBLISHED.values()) == plugins
    rows = asyncio.run(discover(tmp_path)).rows
    installed = {engine: row.name for row in rows if row.name in plugins for engine in row.engines}
    assert installed == {engine: plugin for engine, plugin in PUBLISHED.items() if plugin in installed.values()}


def test_an_unspoken_language_names_what_to_fetch_or_install() -> None:
    with pytest.raises(VoiceError, match=r"one could be had: `meadowlark pull nice/de_thorsten-high`\."):
        Catalog(Registry(engines=(NICE,)), absent={"nice/de_thorsten-high"}).resolve(VoiceRequest(language="de"))
    with pytest.raises(VoiceError, match=r"espeak \(package meadowlark-espeak\) speaks more .* Spoken here: de, en\."):
        Catalog(Registry(engines=(NICE,))).resolve(VoiceRequest(language="cs"))


def test_falls_back_only_where_allowed() -> None:
    choice = Catalog(REGISTRY, "robot/de", fallback=True).resolve(VoiceRequest("gone/voice"))
    assert (choice.name, choice.instead_of) == ("robot/de", "gone/voice")
    hostile = Catalog(REGISTRY, "robot/de", fallback=True).resolve(VoiceRequest("x" * 1_000_000))
    assert hostile.instead_of == "x" * MOST_ECHOED  # it goes into the log


def test_fallback_keeps_the_language_asked_for() -> None:
    choice = Catalog(REGISTRY, "robot/de", fallback=True).resolve(VoiceRequest("gone", language="en-GB"))
    assert choice.name == "nice/heart"


def test_default_is_configured_or_of_the_house() -> None:
    assert Catalog(REGISTRY, "robot/de").default == "robot/de"
    assert Catalog(REGISTRY, "robot/en-us+f1").default == "robot/en-us+f1"
    assert Catalog(REGISTRY, "robot").default == "robot/en-us"
    assert Catalog(REGISTRY, language="de").default == "nice/de_thorsten-high"
    assert Catalog(REGISTRY, "robot", language="de").default == "robot/de"
    assert Catalog(REGISTRY).default == "nice/heart"
    assert Catalog(Registry()).default == ""


def test_the_defaults_engine_comes_first() -> None:
    assert [each.id for each in Catalog(REGISTRY, "robot/de").engines] == ["robot", "nice"]
    assert [each.id for each in Catalog(REGISTRY).engines] == ["nice", "robot"]


def test_a_configured_voice_that_is_gone_is_said_not_replaced() -> None:
    with pytest.raises(VoiceError, match="the settings"):
        Catalog(REGISTRY, "gone/voice").resolve(VoiceRequest())
    assert Catalog(REGISTRY, "gone/voice", fallback=True).resolve(VoiceRequest()).name == "nice/heart"


def test_nothing_installed() -> None:
    with pytest.raises(VoiceError, match="meadowlark plugins"):
        Catalog(Registry()).resolve(VoiceRequest("x"))


ABSENT = ("nice/heart", "nice/de_thorsten-high")


@pytest.mark.parametrize(
    ("request_", "expected", "waits"),
    [
        (VoiceRequest("nice/heart"), "nice/heart", True),  # by name it is found, and fetched
        (VoiceRequest("nice"), "nice/heart", True),
        (VoiceRequest(language="de"), "robot/de", False),  # nobody waits for a language
        (VoiceRequest("de"), "robot/de", False),
        (VoiceRequest(), "robot/en-us", False),
        (VoiceRequest("robot/en-gb"), "robot/en-gb", False),
    ],
)
def test_voices_whose_files_are_not_there(request_: VoiceRequest, expected: str, waits: bool) -> None:
    choice = Catalog(REGISTRY, absent=ABSENT).resolve(request_)
    assert (choice.name, choice.waits) == (expected, waits)


def test_absent_voices_are_listed_only_on_request() -> None:
    def listed(catalog: Catalog) -> set[str]:
        return {f"{each.id}/{voice.id}" for each in catalog.engines for voice in each.voices}

    assert not listed(Catalog(REGISTRY, absent=ABSENT)) & set(ABSENT)
    assert listed(Catalog(REGISTRY, absent=ABSENT, advertise_absent=True)) == listed(Catalog(REGISTRY))
    assert Catalog(REGISTRY, "nice/heart", absent=ABSENT).default == "nice/heart"


EMPTY = engine("empty")
SOME = engine("some", Voice("here", ("fr-FR",)))


def test_a_name_may_be_in_a_list_that_is_not_here() -> None:
    catalog = Catalog(Registry((ROBOT, NICE, EMPTY, SOME)), awaiting={"empty", "some"})
    assert catalog.awaited("empty/en_US-x-low") == ("empty",)
    assert catalog.awaited("EMPTY") == ("empty",)
    assert catalog.awaited("en_US-x-low") == ("empty", "some")
    assert catalog.awaited("heart") == catalog.awaited("some/here") == catalog.awaited("") == ()
    assert catalog.awaited("en_US-x-low", bare=False) == ()
    assert catalog.awaited("empty", bare=False) == ("empty",)
    assert catalog.awaited("nice/nobody") == catalog.awaited("nowhere/x") == ()


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        (VoiceRequest("empty/en_US-x-low"), "`meadowlark pull empty/en_US-x-low` looks there"),
        (VoiceRequest("empty"), "`meadowlark pull empty` looks there"),
        (VoiceRequest("en_US-x-low"), "`meadowlark pull empty/en_US-x-low`, `meadowlark pull some/en_US-x-low` looks"),
        (VoiceRequest("empty/$(reboot)"), "`meadowlark pull empty` looks there"),
        (VoiceRequest(engine="empty"), "`meadowlark pull empty` looks there"),
    ],
)
def test_the_error_names_the_command_that_looks_in_the_list(request_: VoiceRequest, command: str) -> None:
    catalog = Catalog(Registry((ROBOT, EMPTY, SOME)), awaiting={"empty", "some"})
    with pytest.raises(VoiceError, match=re.escape(command)):
        catalog.resolve(request_)


def test_another_voice_speaks_for_the_configured_one_until_its_list_is_here() -> None:
    registry = Registry((ROBOT, EMPTY))
    choice = Catalog(registry, "empty/en_US-x-low", awaiting={"empty"}).resolve(VoiceRequest())
    assert (choice.name, choice.instead_of) == ("robot/en-us", "empty/en_US-x-low")
    with pytest.raises(VoiceError, match="It is the voice of the settings"):
        Catalog(registry, "empty/en_US-x-low").resolve(VoiceRequest())


def test_asked_again_it_is_the_same_choice() -> None:
    catalog = Catalog(REGISTRY, language="de")
    for request in (VoiceRequest(), VoiceRequest("robot/en-gb+f1"), VoiceRequest(language="en_US", speaker="Ben")):
        assert catalog.resolve(request) is catalog.resolve(request)
    assert catalog.resolve(VoiceRequest(language="en_US", speaker="Anna")).speaker == "Anna"
    assert catalog.resolve(VoiceRequest(language="en_US", engine="robot")).name == "robot/en-us"
    assert catalog.of_engine("robot", "pt-BR") is catalog.of_engine("robot", "pt-BR")
    assert catalog.of_engine("robot", "pt").voice.id == "pt"
    assert catalog.of_engine("nice", "pt").voice.id == "de_thorsten-high"


def test_clients_cannot_fill_the_memory_with_names() -> None:
    catalog = Catalog(REGISTRY)
    names = ["".join(letters) for letters in itertools.product(*zip("robot/en-gb", "ROBOT/EN_GB", strict=True))]
    assert len(set(names)) > MOST_REMEMBERED
    assert {catalog.resolve(VoiceRequest(name)).name for name in names} == {"robot/en-gb"}
    first, last = VoiceRequest(names[0]), VoiceRequest(names[-1])
    assert catalog.resolve(first) is catalog.resolve(first)
    assert catalog.resolve(last) is not catalog.resolve(last)


@pytest.mark.parametrize(
    "long",
    [
        VoiceRequest("nice/heart", language="x" * LONGEST_REMEMBERED),
        VoiceRequest("nice/" + " " * LONGEST_REMEMBERED + "heart"),
    ],
    ids=["language", "name"],
)
def test_nor_with_long_ones(long: VoiceRequest) -> None:
    catalog = Catalog(REGISTRY)
    assert catalog.resolve(long).name == "nice/heart"
    assert catalog.resolve(long) is not catalog.resolve(long)
