"""The house always speaks: late, dead and quarantined engines, and who speaks for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest

from meadowlark.api import EngineManifest, Marker, MarkerKind, Utterance, Voice
from meadowlark.catalog import Catalog, VoiceRequest
from meadowlark.errors import LoadError, RefusedError, WorkerError
from meadowlark.fallbacks import Wishes
from meadowlark.plugins import Registry
from meadowlark.residency.fallback import TRY_AGAIN_SECONDS
from meadowlark.residency.supervisor import Budget, Supervisor
from meadowlark.speech import Speaker, SpeechRequest
from meadowlark.testing.devices import FakeDevices
from meadowlark.worker.messages import Done, Loaded
from meadowlark.worker.process import Launch

pytestmark = pytest.mark.usefixtures("virtual_time")

MB = 1_000_000
RATES = {"grand": 8000, "small": 4000, "robot": 4000}
SAD = {name: Marker("sad", MarkerKind.STYLE, f"<{name} sad>") for name in RATES}


class Actor:
    """An engine's worker as a test wants it."""

    def __init__(self, house: House, launch: Launch) -> None:
        self.house = house
        self.name = launch.engine
        self.pid = 1
        self.last_done: Done | None = None
        self.loaded = Loaded(0.0, 0.0, 10 * MB)
        self.exited: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        return not self.exited.done()

    async def speak(
        self, utterance: Utterance, *, rate: int | None, gain: float, patience: float, dry_at: float | None
    ) -> AsyncGenerator[bytes, None]:
        self.house.said.append((self.name, utterance.text, utterance.style, rate, gain))
        fault = self.house.faults.get(self.name)
        if isinstance(fault, float):
            await asyncio.sleep(fault)
        elif fault:
            if fault is self.house.dies.get(self.name):
                self.exited.set_result("killed by SIGKILL")
            raise fault
        own = rate or RATES[self.name]
        if self.house.breaks_off.pop(self.name, False):
            yield b"\1\0" * (own // 2)
            self.exited.set_result("killed by SIGKILL")
            raise WorkerError(self.name, "died: killed by SIGKILL")
        yield b"\1\0" * own
        self.last_done = Done(1, 1.0, 0.01, 0.01, level=self.house.levels.get(self.name, 0.01))

    async def prepare(self, _: Utterance) -> Done | None:
        await self.house.opening.wait()
        return None

    async def stop(self) -> None:
        if self.alive:
            self.exited.set_result("unloaded")


class House:
    """grand (German and English), small (English, resident first), robot (the last resort)."""

    def __init__(self, wishes: Wishes | None = None, budget: Budget | None = None, *, samples: bool = False) -> None:
        self.said: list[tuple[str, str, object, int | None, float]] = []
        self.faults: dict[str, float | Exception] = {}
        self.dies: dict[str, Exception] = {}
        """Faults that end the process."""
        self.breaks_off: dict[str, bool] = {}
        """Those that die in the middle of their next sentence."""
        self.load_faults: dict[str, float | Exception] = {}
        self.levels: dict[str, float] = {}
        self.opening = asyncio.Event()
        """Ends what is opened ahead."""
        engines = tuple(
            EngineManifest(
                name,
                name,
                "MIT",
                "x:Y",
                rate,
                voices=tuple(Voice(f"{name}-{tag}", (tag,)) for tag in tags),
                markers=(SAD[name],),
                memory={"cpu": 10 * MB},
                last_resort=name == "robot",
                streaming=True,
                samples=samples,
            )
            for (name, rate), tags in zip(RATES.items(), (("en", "de"), ("en",), ("en", "de", "fr")), strict=True)
        )
        clock = asyncio.get_running_loop().time
        self.supervisor = Supervisor(self.start, FakeDevices(cpu=1000 * MB), budget or Budget(reserve=0), clock=clock)
        self.supervisor.install((each, Launch(each.id, "x:Y", each.sample_rate)) for each in engines)
        self.speaker = Speaker(
            Catalog(Registry(engines=engines), "grand"),
            self.supervisor,
            wishes=wishes or Wishes(budget=0.2),
            clock=clock,
        )

    async def start(self, launch: Launch) -> Actor:
        fault = self.load_faults.get(launch.engine)
        if isinstance(fault, float):
            await asyncio.sleep(fault)
        elif fault:
            raise fault
        return Actor(self, launch)

    async def reply(self, text: str = "One is here. Two is here.", voice: str = "") -> tuple[float, set[int]]:
        """(seconds of audio, rates)."""

        async def chunks() -> AsyncIterator[str]:
            yield text

        size, rates = 0.0, set()
        async with aclosing(self.speaker.speak(SpeechRequest(chunks(), VoiceRequest(voice)))) as pieces:
            async for pcm in pieces:
                size += len(pcm.data) / 2 / pcm.rate
                rates.add(pcm.rate)
        return size, rates

    @property
    def speakers(self) -> list[str]:
        return [name for name, *_ in self.said]


async def _text(text: str) -> AsyncIterator[str]:
    yield text


async def test_the_engine_asked_for_speaks_when_it_can() -> None:
    house = House()
    assert await house.reply() == (2.0, {8000})
    assert house.speakers == ["grand", "grand"]


async def test_the_detailed_log_holds_what_was_spoken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "meadowlark.delivery")
    await House().reply()
    said = [each.getMessage() for each in caplog.records if each.name == "meadowlark.delivery"]
    assert [each.split(",")[0] for each in said] == ["grand/grand-en: 'One is here.'", "grand/grand-en: 'Two is here.'"]


@pytest.mark.parametrize(
    "fault", [LoadError("grand", "no such file"), RefusedError("no memory")], ids=["load", "refused"]
)
async def test_an_engine_that_cannot_be_loaded_is_spoken_for_at_its_rate(fault: Exception) -> None:
    house = House()
    house.load_faults["grand"] = fault
    assert await house.reply() == (2.0, {8000})
    assert house.said == [("robot", "One is here.", None, 8000, 1.0), ("robot", "Two is here.", None, 8000, 1.0)]


async def test_an_engine_that_fails_is_tried_twice_then_spoken_for() -> None:
    house = House()
    house.faults["grand"] = WorkerError("grand", "ValueError")
    assert await house.reply() == (2.0, {8000})
    assert house.speakers == ["grand", "grand", "robot", "robot"]


async def test_an_engine_that_died_is_loaded_again_before_anybody_asks_for_it() -> None:
    house = House()
    house.faults["grand"] = house.dies["grand"] = WorkerError("grand", "killed by SIGKILL")
    assert await house.reply() == (2.0, {8000})
    assert house.speakers[-1] == "robot"
    loading = house.supervisor.engine("grand").loading
    assert loading
    await loading
    assert house.supervisor.engine("grand").ready


async def test_the_lightest_resident_engine_goes_before_the_last_resort() -> None:
    house = House()
    await house.reply(voice="small")
    house.said.clear()
    house.load_faults["grand"] = LoadError("grand", "no")
    await house.reply()
    assert house.speakers == ["small", "small"]
    house.said.clear()
    await house.reply(voice="grand/grand-de")  # which small does not speak
    assert house.speakers == ["robot", "robot"]


async def test_a_late_engine_is_spoken_for_within_the_budget_and_is_there_next_time() -> None:
    house = House()
    house.load_faults["grand"] = 0.6
    begun = asyncio.get_running_loop().time()
    assert await house.reply() == (2.0, {8000})
    assert asyncio.get_running_loop().time() - begun < 0.25
    assert set(house.speakers) == {"robot"}  # one voice for the whole reply
    await asyncio.sleep(0.5)
    house.said.clear()
    await house.reply()
    assert set(house.speakers) == {"grand"}


async def test_a_hung_engine_is_spoken_for_while_it_is_being_stopped() -> None:
    house = House()
    await house.reply()
    house.said.clear()
    house.faults["grand"] = 60.0
    begun = asyncio.get_running_loop().time()
    assert await house.reply() == (2.0, {8000})
    assert asyncio.get_running_loop().time() - begun < 0.25
    assert house.speakers == ["grand", "robot", "robot"]


async def test_the_fallback_takes_over_in_the_middle_of_a_reply() -> None:
    house = House()

    async def chunks() -> AsyncIterator[str]:
        yield "One is here. Two"
        await asyncio.sleep(0.05)
        house.faults["grand"] = WorkerError("grand", "died")
        yield " is here. Three is here."

    async with aclosing(house.speaker.speak(SpeechRequest(chunks()))) as pieces:
        assert sum([len(pcm.data) async for pcm in pieces]) == 3 * 2 * 8000
    assert house.speakers == ["grand", "grand", "grand", "robot", "robot"]


async def test_the_voice_may_come_back_where_the_user_allows_it() -> None:
    house = House(Wishes(budget=0.05, may_change=True))
    house.supervisor.ledger.record_load("grand", "cpu", bytes=MB, load_seconds=5.0)
    house.supervisor.ledger.record_load("robot", "cpu", bytes=MB, load_seconds=0.0)
    for name in ("grand", "robot"):
        house.supervisor.ledger.record_sentence(
            name, "cpu", chars=12, audio_seconds=1, seconds=0.01, first_audio_seconds=0.01
        )
    house.load_faults["grand"] = 0.15

    async def chunks() -> AsyncIterator[str]:
        yield "One is here. Two"
        await asyncio.sleep(0.3)
        yield " is here. Three is here."

    async with aclosing(house.speaker.speak(SpeechRequest(chunks()))) as pieces:
        async for _ in pieces:
            pass
    assert house.speakers == ["robot", "grand", "grand"]


async def test_markers_become_the_fallbacks_own() -> None:
    house = House()
    house.load_faults["grand"] = LoadError("grand", "no")
    await house.reply("(sad) It rains today.")
    assert house.said[0][2] == "<robot sad>"


async def test_a_fallback_is_as_loud_as_the_voice_it_speaks_for() -> None:
    house = House()
    house.levels = {"grand": 0.04, "robot": 0.01}
    await house.reply()
    await house.reply(voice="robot")
    house.said.clear()
    house.faults["grand"] = WorkerError("grand", "no")
    await house.reply()
    assert house.said[-1][0] == "robot"
    assert house.said[-1][4] == pytest.approx(2.0)


async def test_configured_fallbacks_come_first_and_their_voice_is_used() -> None:
    house = House(Wishes(budget=0.2, voices={"en": "small/small-en", "": "robot/robot-fr"}))
    house.load_faults["grand"] = LoadError("grand", "no")
    await house.reply()
    assert set(house.speakers) == {"small"}


async def test_nobody_speaks_where_the_user_wants_none() -> None:
    house = House(Wishes(allowed=False))
    house.load_faults["grand"] = LoadError("grand", "no such file")
    with pytest.raises(LoadError, match="no such file"):
        await house.reply()
    assert not house.said


@pytest.mark.parametrize(("samples", "seconds"), [(True, 2.5), (False, 2.0)])
async def test_a_sentence_that_breaks_off_is_said_again_where_nobody_else_may(samples: bool, seconds: float) -> None:
    """From its beginning, where no second rendering has the same length; else it goes on where it stopped."""
    house = House(Wishes(allowed=False), samples=samples)
    house.breaks_off["grand"] = True
    assert await house.reply() == (seconds, {8000})
    assert [text for _, text, *_ in house.said] == ["One is here.", "One is here.", "Two is here."]


async def test_it_is_said_again_once_and_by_another_voice_where_that_is_allowed() -> None:
    house = House(samples=True)
    house.breaks_off["grand"] = True
    assert await house.reply() == (2.5, {8000})
    assert house.speakers[:2] == ["grand", "robot"]
    house = House(Wishes(allowed=False), samples=True)
    house.breaks_off["grand"] = True
    replies = aiter(house.speaker.speak(SpeechRequest(_text("One is here."), VoiceRequest())))
    assert len((await anext(replies)).data)
    house.breaks_off["grand"] = True
    with pytest.raises(WorkerError, match="SIGKILL"):
        while True:
            await anext(replies)
    assert house.speakers == ["grand", "grand"]


async def test_when_all_fail_the_last_error_is_told() -> None:
    house = House()
    for name in RATES:
        house.load_faults[name] = LoadError(name, f"{name} is broken")
    with pytest.raises(LoadError, match="robot is broken"):
        await house.reply()


async def test_too_much_at_once_is_refused_with_the_reason_and_others_are_served() -> None:
    house = House(Wishes(allowed=False))
    house.supervisor.ledger.record_load("grand", "cpu", bytes=MB, load_seconds=0.0)
    house.supervisor.ledger.record_sentence(
        "grand", "cpu", chars=12, audio_seconds=1, seconds=3.0, first_audio_seconds=3.0
    )
    house.faults["grand"] = 0.05
    results = await asyncio.gather(*(house.reply("One is here.") for _ in range(8)), return_exceptions=True)
    refused = [each for each in results if isinstance(each, RefusedError)]
    assert refused
    assert "Too much to say at once" in str(refused[0])
    assert results.count((1.0, {8000})) == 8 - len(refused) >= 2


ROOM_FOR_ONE = Budget(15 * MB, 0)


async def test_a_fallback_takes_the_place_of_the_engine_that_fails() -> None:
    """The reply itself holds the failed engine: it must not wait for that one's memory."""
    house = House(budget=ROOM_FOR_ONE)
    house.faults["grand"] = WorkerError("grand", "ValueError")
    async with asyncio.timeout(5):
        assert await house.reply() == (2.0, {8000})
    assert house.speakers == ["grand", "grand", "robot", "robot"]


async def test_a_fallback_takes_the_place_of_an_engine_that_hangs() -> None:
    house = House(budget=ROOM_FOR_ONE)
    await house.reply()
    house.said.clear()
    house.faults["grand"] = 60.0
    async with asyncio.timeout(5):
        assert await house.reply() == (2.0, {8000})
    assert house.speakers == ["grand", "robot", "robot"]


async def test_a_late_engine_speaks_after_all_when_the_fallback_needs_its_place() -> None:
    house = House(budget=ROOM_FOR_ONE)
    house.load_faults["grand"] = 0.6
    async with asyncio.timeout(5):
        assert await house.reply() == (2.0, {8000})
    assert house.speakers == ["grand", "grand"]


async def test_so_does_one_that_was_foreseen_to_be_late() -> None:
    house = House(budget=ROOM_FOR_ONE)
    for name, seconds in (("grand", 5.0), ("robot", 0.01)):
        house.supervisor.ledger.record_load(name, "cpu", bytes=10 * MB, load_seconds=seconds)
        house.supervisor.ledger.record_sentence(
            name, "cpu", chars=12, audio_seconds=1, seconds=0.01, first_audio_seconds=0.01
        )
    house.load_faults["grand"] = 0.4
    async with asyncio.timeout(5):
        assert await house.reply() == (2.0, {8000})
    assert house.speakers == ["grand", "grand"]


async def test_a_slow_load_is_no_crowd() -> None:
    """Twenty seconds to load are no reason to refuse the only listener there is."""
    house = House(Wishes(allowed=False))
    house.supervisor.ledger.record_load("grand", "cpu", bytes=10 * MB, load_seconds=20.0)
    house.supervisor.ledger.record_sentence(
        "grand", "cpu", chars=12, audio_seconds=1, seconds=0.01, first_audio_seconds=0.01
    )
    assert await house.reply() == (2.0, {8000})


async def slow_by_its_figures(*, may_change: bool = False) -> House:
    """grand is resident, and has been seen in a busy minute only; of the robot it is known that it is quick."""
    house = House(Wishes(budget=1.5, may_change=may_change))
    await house.reply("One.")
    for name, seconds in (("grand", 0.8), ("robot", 0.01)):
        house.supervisor.ledger.record_load(name, "cpu", bytes=10 * MB, load_seconds=0.0)
        house.supervisor.ledger.record_sentence(
            name, "cpu", chars=30, audio_seconds=2.0, seconds=seconds, first_audio_seconds=seconds
        )
    house.said.clear()
    return house


LONG = f"One is {'really ' * 12}here."


async def test_an_engine_that_was_slow_once_is_not_silent_for_good() -> None:
    house = await slow_by_its_figures()
    for _ in range(3):  # each in time, so that there is no reason to wait before the next
        await house.reply(LONG)
    assert house.speakers == ["grand"] * 3


async def test_one_that_is_slow_indeed_is_tried_now_and_then() -> None:
    house = await slow_by_its_figures()
    house.faults["grand"] = 60.0
    await house.reply(LONG)
    assert house.speakers == ["grand", "robot"]

    house.said.clear()
    house.faults.clear()
    await house.reply("One.")  # which it says in time: nothing follows from that for a long sentence
    await house.reply(LONG)
    assert house.speakers == ["grand", "robot"]

    await asyncio.sleep(TRY_AGAIN_SECONDS)
    house.said.clear()
    await house.reply(LONG)
    await house.reply(LONG)
    assert house.speakers == ["grand", "grand"]


async def test_in_a_crowd_nobody_is_tried_against_the_figures() -> None:
    house = await slow_by_its_figures()
    house.faults["grand"] = 1.0
    await asyncio.gather(*(house.reply(LONG) for _ in range(3)))
    assert house.speakers.count("robot") == 2 * house.speakers.count("grand") > 0


async def test_nor_one_that_has_died_since_it_last_spoke() -> None:
    house = await slow_by_its_figures()
    house.supervisor.engine("grand").deaths = 1
    await house.reply(LONG)
    assert house.speakers == ["robot"]


async def opening_ahead(house: House) -> asyncio.Task[bool]:
    """The slow engine is at opening a voice, until `house.opening` is set."""
    house.opening.clear()
    utterance = Utterance("", house.speaker.catalog.named("grand").voice, "en")
    opening = asyncio.create_task(house.supervisor.prepare("grand", utterance))
    while not house.supervisor.opening("grand"):  # noqa: ASYNC110
        await asyncio.sleep(0)
    return opening


async def test_while_an_engine_opens_a_voice_ahead_it_is_late_by_that() -> None:
    """And it is not tried against its figures: they are good."""
    house = await slow_by_its_figures()
    for seconds in (0.5, 3.0, 3.0):
        house.supervisor.engine("grand").opened(seconds)
    for _ in range(2):
        opening = await opening_ahead(house)
        await house.reply("One.")
        assert house.speakers == ["robot"]
        house.said.clear()
        house.opening.set()
        assert await opening
    await house.reply("One.")
    assert house.speakers == ["grand"]
    house.said.clear()
    for _ in range(9):
        house.supervisor.engine("grand").opened(0.3)  # they are short for the most part
    opening = await opening_ahead(house)
    await house.reply("One.")
    assert house.speakers == ["grand"]
    house.opening.set()
    assert await opening


async def test_a_voice_comes_back_when_its_engine_has_opened_the_other_one() -> None:
    house = await slow_by_its_figures(may_change=True)
    house.supervisor.engine("grand").opened(9.0)
    opening = await opening_ahead(house)

    async def chunks() -> AsyncIterator[str]:
        yield "One is here. Two is here. Three"
        while len(house.said) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        house.opening.set()
        await opening
        yield " is here."

    async with aclosing(house.speaker.speak(SpeechRequest(chunks()))) as pieces:
        async for _ in pieces:
            pass
    assert house.speakers == ["robot", "robot", "grand"]


async def test_leases_end_with_the_reply() -> None:
    house = House()
    house.faults["grand"] = WorkerError("grand", "ValueError")
    await house.reply()
    assert [each.leases for each in house.supervisor.engines] == [0, 0, 0]


def test_impossible_fallbacks_are_said_at_start() -> None:
    async def problems() -> tuple[str, ...]:
        house = House(Wishes(voices={"fr": "small", "de": "nobody", "": "robot/robot-xx"}))
        return house.speaker.fallbacks.problems(house.speaker.catalog)

    found = asyncio.run(problems())
    assert len(found) == 3
    assert any("'small' does not speak 'fr'" in each for each in found)
    assert any("'nobody' is not installed" in each for each in found)
    assert any("robot/robot-xx" in each for each in found)
