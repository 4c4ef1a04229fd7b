"""The keeper with devices, clocks and workers that a test controls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from meadowlark.api import EngineManifest, Utterance, Voice
from meadowlark.residency import keeper as keeper_module
from meadowlark.residency.devices import Memory
from meadowlark.residency.idle import DAY, HOUR, KEEP, NEVER, Pattern
from meadowlark.residency.keeper import Keeper
from meadowlark.residency.ledger import Ledger
from meadowlark.residency.ledger_file import LedgerFile
from meadowlark.residency.supervisor import Budget, Supervisor
from meadowlark.testing.clock import FakeClock
from meadowlark.testing.devices import FakeDevices
from meadowlark.worker.messages import Done, Loaded
from meadowlark.worker.process import Launch

VOICE = Voice("v", ("en",))
MB = 1_000_000
SIZES = {"small": 100 * MB, "middle": 200 * MB, "large": 400 * MB}
MONDAY_EIGHT = 4 * DAY + 8 * HOUR
"""1970-01-05 was a Monday."""


class Resident:
    """A worker that holds memory and has nothing to say."""

    def __init__(self, house: House, launch: Launch) -> None:
        self.house, self.launch = house, launch
        self.pid = 1
        self.last_done: Done | None = None
        self.loaded = Loaded(0.0, 0.0, house.sizes[launch.engine])
        self.exited: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        house.devices.memory["cpu"] -= self.loaded.memory_bytes

    @property
    def alive(self) -> bool:
        return not self.exited.done()

    async def speak(
        self, utterance: Utterance, *, rate: int | None, gain: float, patience: float, dry_at: float | None
    ) -> AsyncGenerator[bytes, None]:
        yield b"\1\0"

    async def stop(self) -> None:
        if self.alive:
            self.exited.set_result("unloaded")
            self.house.devices.memory["cpu"] += self.loaded.memory_bytes - self.house.kept_back


class House:
    """1 GB, a reserve of 100 MB, three engines, and a clock for the machine and the wall."""

    def __init__(self, file: LedgerFile | None = None, total: int = 0, ledger: Ledger | None = None) -> None:
        self.devices = FakeDevices(cpu=1000 * MB)
        self.clock = FakeClock(MONDAY_EIGHT)
        self.sizes = dict(SIZES)
        self.kept_back = 0
        """Of what an engine gives, as much goes to somebody else at once."""
        self.supervisor = Supervisor(
            self.start, self.devices, Budget(total, 100 * MB), ledger, clock=self.clock, wall_clock=self.clock
        )
        self.supervisor.install(
            (
                EngineManifest(name, name, "MIT", "x:Y", 22050, (VOICE,), memory={"cpu": size}),
                Launch(name, "x:Y", 22050),
            )
            for name, size in SIZES.items()
        )
        self.keeper = Keeper(self.supervisor, file, clock=self.clock, local_clock=self.clock)

    async def start(self, launch: Launch) -> Resident:
        await asyncio.sleep(0)
        return Resident(self, launch)

    async def load(self, *names: str) -> None:
        for name in names:
            with self.supervisor.lease(name):
                loading = self.supervisor.engine(name).loading
                assert loading
                await loading
            self.clock.advance(1.0)

    async def looks(self, count: int, taken: int = 0) -> None:
        """So many looks, a second apart; before each, a neighbour takes so much."""
        for _ in range(count):
            self.clock.advance(1.0)
            self.devices.memory["cpu"] -= taken
            await self.keeper.look()

    @property
    def resident(self) -> list[str]:
        return [each.id for each in self.supervisor.engines if each.ready]


# Neighbours


async def test_a_neighbour_below_the_reserve_gets_the_smallest_sufficient_engine() -> None:
    house = House()
    await house.load("small", "middle", "large")
    await house.looks(1, taken=200 * MB)  # 100 MB are left
    assert len(house.resident) == 3
    house = House()
    await house.load("small", "middle", "large")
    await house.looks(1, taken=300 * MB)  # nothing is left: the reserve of 100 MB is wanted
    assert house.resident == ["middle", "large"]


async def test_a_neighbour_that_grows_gets_room_before_it_needs_it() -> None:
    house = House()
    await house.load("small", "middle")
    await house.looks(3)
    await house.looks(3, taken=90 * MB)  # 430 MB are free still, and in four seconds none would be
    assert len(house.resident) == 2
    await house.looks(1, taken=150 * MB)
    assert house.resident != ["small", "middle"]
    assert house.devices.memory["cpu"] > 100 * MB


async def test_who_is_leased_or_pinned_stays_whatever_a_neighbour_wants() -> None:
    house = House()
    await house.load("small", "middle", "large")
    house.supervisor.install((), pinned=("large",))
    with house.supervisor.lease("middle"):
        await house.looks(1, taken=300 * MB)
        assert house.resident == ["middle", "large"]


async def test_our_own_coming_and_going_is_no_neighbour() -> None:
    """A device that shows the memory of who has gone a moment later looks like a neighbour of that size."""
    house = House()
    await house.load("small", "middle", "large")
    await house.looks(3)
    house.kept_back = 400 * MB
    await house.supervisor.evict("large", "test")
    await house.looks(1)  # 300 MB free: it seems that somebody has taken 400 MB within a second
    assert house.resident == ["small", "middle"]
    house.devices.memory["cpu"] += 400 * MB
    await house.looks(3)
    assert house.resident == ["small", "middle"]


async def test_an_engine_larger_than_it_said_costs_others_their_place() -> None:
    house = House(total=700 * MB)
    house.sizes["large"] = 500 * MB
    await house.load("small", "middle")
    await house.load("large")
    assert sum(house.sizes[each] for each in house.resident) == 800 * MB
    await house.looks(1)
    assert house.resident == ["middle", "large"]


# Trouble


class Broken(FakeDevices):
    """Cannot be read while `broken`."""

    broken = True
    reads = 0

    def read(self) -> tuple[Memory, ...]:
        self.reads += 1
        if self.broken:
            raise OSError("the bus is gone")
        return super().read()


async def test_trouble_with_reading_is_told_once_and_looking_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "LOOK_SECONDS", 0.001)
    house = House()
    devices = house.supervisor.devices = Broken(cpu=1000 * MB)
    keeping = asyncio.create_task(house.keeper.run())
    try:
        await _until(lambda: devices.reads >= 5)
        assert len(_troubles(caplog)) == 1
        devices.broken = False
        seen = devices.reads
        await _until(lambda: devices.reads >= seen + 2)
        devices.broken = True  # another trouble, another line
        await _until(lambda: len(_troubles(caplog)) == 2)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def _troubles(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if "could not be looked after" in each.getMessage()]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110  conditions of many kinds, for a moment each
            await asyncio.sleep(0.001)


# The hour


async def test_what_nobody_is_likely_to_need_goes() -> None:
    house = House()
    for name in ("small", "large"):
        house.supervisor.ledger.record_load(name, "cpu", bytes=SIZES[name], load_seconds=5.0)
    await house.load("small", "large")
    house.clock.advance(60.0)
    await house.keeper.tidy()
    assert house.resident == ["small", "large"]  # a conversation may still be going on
    house.clock.advance(120 * DAY)
    await house.keeper.tidy()
    assert house.resident == []


async def test_limits_of_the_user_hold_whatever_is_likely() -> None:
    house = House()
    await house.load("small", "middle")
    house.supervisor.engine("small").limit = KEEP
    house.supervisor.engine("middle").limit = NEVER
    house.clock.advance(1.0)
    await house.keeper.tidy()
    assert house.resident == ["small"]
    house.clock.advance(7 * DAY)
    await house.keeper.tidy()
    assert house.resident == ["small"]


def _breakfasts(weeks: int = 3) -> Pattern:
    """Used at eight each day, a few sentences at a time."""
    pattern = Pattern()
    for day in range(7 * weeks):
        for minute in (0, 1, 3):
            pattern = pattern.learn(4 * DAY + day * DAY + 8 * HOUR + minute * 60)
    return pattern


async def test_an_engine_comes_back_at_its_hour_and_is_kept_through_it() -> None:
    house = House()
    engine = house.supervisor.engine("large")
    house.supervisor.ledger.record_load("large", "cpu", bytes=400 * MB, load_seconds=6.0)
    engine.pattern = _breakfasts()
    day = 4 * DAY + 21 * DAY
    house.clock.now = day + 2 * HOUR
    await house.keeper.tidy()
    assert engine.loading is None
    house.clock.now = day + 7.75 * HOUR
    await house.keeper.tidy()
    assert engine.loading
    await engine.loading
    house.clock.advance(600.0)
    await house.keeper.tidy()
    assert house.resident == ["large"]


async def test_an_engine_that_died_is_not_brought_back() -> None:
    house = House()
    engine = house.supervisor.engine("large")
    house.supervisor.ledger.record_load("large", "cpu", bytes=400 * MB, load_seconds=6.0)
    engine.pattern, engine.deaths = _breakfasts(), 1
    house.clock.now = 4 * DAY + 21 * DAY + 7.75 * HOUR
    await house.keeper.tidy()
    assert engine.loading is None


# The ledger's file


async def test_the_hours_learned_survive_a_restart(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "ledger.json")
    house = House(file)
    for _ in range(5):
        await house.load("small")
        await house.supervisor.evict("small", "test")
        house.clock.advance(DAY)
    learned = house.supervisor.engine("small").pattern
    assert sum(learned.sessions) > 3
    await house.keeper.save()

    again = House(file, ledger=file.read())
    recalled = again.supervisor.engine("small").pattern
    assert recalled.sessions == pytest.approx(learned.sessions, abs=1e-3)
    assert recalled.last_used == learned.last_used
    assert again.supervisor.engine("large").pattern == Pattern()  # never used: -inf is no number in JSON


async def test_a_spoilt_pattern_is_learned_anew(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger()
    ledger.extra("small").update({"habit.sessions": [1.0], "habit.day": []})
    house = House(ledger=ledger)
    assert house.supervisor.engine("small").pattern == Pattern()
    assert "learned anew" in caplog.text


async def test_a_disk_that_takes_nothing_costs_a_line_and_no_reply(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    house = House(LedgerFile(tmp_path / "file" / "ledger.json"))
    await house.keeper.save()
    await house.keeper.save()
    assert caplog.text.count("cannot be written") == 1
    await house.load("small")
    assert house.resident == ["small"]


async def test_no_two_writes_at_once_even_when_one_is_given_up(tmp_path: Path) -> None:
    class Slow(LedgerFile):
        most = busy = 0
        go = threading.Event()

        def write(self, data: bytes) -> bool:
            self.busy += 1
            self.most = max(self.most, self.busy)
            self.go.wait(5)
            self.busy -= 1
            return super().write(data)

    file = Slow(tmp_path / "ledger.json")
    house = House(file)
    first = asyncio.create_task(house.keeper.save())
    await _until(lambda: file.busy == 1)
    first.cancel()  # as at the end of the server, which saves once more
    last = asyncio.create_task(house.keeper.save())
    await asyncio.sleep(0.05)
    file.go.set()
    await last
    assert file.most == 1
    assert "small" in file.read().entries


# By request


async def test_memory_asked_back_is_proven() -> None:
    house = House()
    await house.load("small", "middle", "large")
    assert await house.keeper.yield_memory(150 * MB) == 200 * MB
    assert house.resident == ["small", "large"]
    assert await house.keeper.yield_memory(0) == 0
    assert await house.keeper.yield_memory(100 * MB, "cuda:0") == 0


async def test_only_what_the_device_shows_is_called_back() -> None:
    house = House()
    await house.load("large")
    house.kept_back = 150 * MB
    yielding = asyncio.create_task(house.keeper.yield_memory(400 * MB))
    await asyncio.sleep(0.2)
    assert not yielding.done()  # it waits for the rest
    house.clock.advance(10.0)
    assert await yielding == 250 * MB


async def test_nothing_is_yielded_when_everybody_speaks() -> None:
    house = House()
    await house.load("large")
    with house.supervisor.lease("large"):
        assert await house.keeper.yield_memory(100 * MB) == 0
    assert house.resident == ["large"]
