"""Which voices are opened before anybody asks for them, and when."""

from __future__ import annotations

from collections.abc import Iterable

from meadowlark.ahead import MOST_ARRIVALS, Ahead
from meadowlark.api import EngineManifest, Utterance, Voice
from meadowlark.catalog import Catalog
from meadowlark.plugins import Registry


class Engines:
    """In the place of the supervisor."""

    def __init__(self, *resident: str) -> None:
        self.resident = set(resident)
        self.opened: list[str] = []
        self.utterances: list[Utterance] = []

    async def prepare(self, engine_id: str, utterance: Utterance) -> bool:
        if engine_id not in self.resident:
            return False
        self.opened.append(f"{engine_id}/{utterance.voice.id}")
        self.utterances.append(utterance)
        return True


def catalog_of(default: str = "a/one", absent: Iterable[str] = (), **voices: str) -> Catalog:
    """Engines with their voices: a="one two"."""
    engines = tuple(
        EngineManifest(
            engine,
            engine,
            "MIT",
            "x:Y",
            22050,
            tuple(Voice(each, ("en",), options={"of": each}) for each in ids.split()),
        )
        for engine, ids in voices.items()
    )
    return Catalog(Registry(engines), default, absent=frozenset(absent))


def ahead(engines: Engines, *configured: str) -> Ahead:
    options = {"a": {"rate": 2, "of": "all"}}
    return Ahead(engines, configured, options, lambda choice: {"file": choice.voice.id})  # type: ignore[arg-type]


async def look(opener: Ahead, catalog: Catalog, times: int = 5) -> None:
    for _ in range(times):
        await opener.look(catalog)


async def test_the_voices_of_the_settings_are_opened_once() -> None:
    engines = Engines("a", "b")
    opener = ahead(engines, "b/four", "b", "c/none")
    await look(opener, catalog_of(a="one two", b="three four"))
    assert engines.opened == ["a/one", "b/four"]


async def test_one_at_a_look_as_the_engine_will_be_asked_to_speak() -> None:
    engines = Engines("a", "b")
    opener, catalog = ahead(engines, "b/three"), catalog_of(a="one", b="three")
    await opener.look(catalog)
    assert engines.opened == ["a/one"]
    (utterance,) = engines.utterances
    assert utterance.text
    assert dict(utterance.options) == {"rate": 2, "of": "one"}
    assert utterance.files == {"file": "one"}


async def test_an_engine_that_is_not_there_yet_keeps_nobody_waiting() -> None:
    engines = Engines("b")
    opener, catalog = ahead(engines, "b/three"), catalog_of(a="one", b="three")
    await look(opener, catalog)
    assert engines.opened == ["b/three"]
    engines.resident.add("a")
    await look(opener, catalog)
    assert engines.opened == ["b/three", "a/one"]


async def test_what_comes_while_the_server_runs_is_opened() -> None:
    engines = Engines("a")
    opener = ahead(engines)
    await look(opener, catalog_of(a="one two three", absent=["a/three"]))
    await look(opener, catalog_of(a="one two three four"))
    assert engines.opened == ["a/one", "a/three", "a/four"]


async def test_what_goes_and_comes_again_is_opened_again() -> None:
    engines = Engines("a")
    opener = ahead(engines)
    for voices in ("one two", "one", "one two"):
        await look(opener, catalog_of(a=voices))
    assert engines.opened == ["a/one", "a/two"]


async def test_a_whole_collection_is_not_opened() -> None:
    engines = Engines("a")
    opener = ahead(engines)
    await look(opener, catalog_of(a="one"))
    await look(opener, catalog_of(a="one " + " ".join(f"v{n}" for n in range(MOST_ARRIVALS + 1))))
    assert engines.opened == ["a/one"]


async def test_the_speakers_of_one_model_are_one_voice() -> None:
    engines = Engines("a")
    opener = ahead(engines)
    await look(opener, catalog_of(a="one"))
    await look(opener, catalog_of(a="one many " + " ".join(f"many+{n}" for n in range(900))))
    assert engines.opened == ["a/one", "a/many"]
