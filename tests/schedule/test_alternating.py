"""The gate in front of an engine whose open sentences alternate."""

from __future__ import annotations

import asyncio

import pytest

from meadowlark.schedule.alternating import AlternatingTurns
from meadowlark.schedule.batch import Batching
from meadowlark.schedule.queue import Expected
from meadowlark.testing.clock import FakeClock

LONG = Expected(work=1.0, speech=4.0, rest=36.0, first=0.025)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(100.0)


@pytest.fixture
def turns(clock: FakeClock) -> AlternatingTurns:
    turns = AlternatingTurns(clock)
    turns.batching = Batching(8, 0.3)
    return turns


class Listener:
    """Somebody with a sentence, in a task of its own."""

    def __init__(self, turns: AlternatingTurns, runs_dry_at: float | None = None, expected: Expected = LONG) -> None:
        self.turns = turns
        self.place: int | None = None
        self.done = asyncio.Event()
        self.task = asyncio.create_task(self._speak(runs_dry_at, expected))

    async def _speak(self, runs_dry_at: float | None, expected: Expected) -> None:
        async with self.turns.turn(runs_dry_at, expected, self) as self.place:
            await self.done.wait()

    async def end(self) -> None:
        self.done.set()
        await self.task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_newcomer_is_let_in_by_a_chunk_that_gives_the_other_something_in_hand(
    turns: AlternatingTurns,
) -> None:
    first = Listener(turns)
    await settle()
    assert first.place is not None
    turns.heard(first.place, 0.1, 100.1)
    second = Listener(turns)
    await settle()
    assert second.place is None
    assert len(turns) == turns.newcomers == 1

    turns.heard(first.place, 0.4, 100.5)
    await settle()
    assert second.place is not None
    assert len(turns) == 0
    await asyncio.gather(first.end(), second.end())


async def test_the_fifth_waits_until_one_is_done_and_is_told_how_long(turns: AlternatingTurns) -> None:
    """At RTF 0.25 four are all it can do."""
    four = [Listener(turns, 100.3) for _ in range(4)]
    await settle()
    fifth = Listener(turns)
    await settle()
    assert fifth.place is None
    assert turns.wait_of_newcomer() > 0.5

    for each in four:
        await each.end()
    await settle()
    assert fifth.place is not None
    assert turns.wait_of_newcomer() < 0.1
    await fifth.end()


async def test_who_will_return_keeps_its_place_until_it_runs_dry(turns: AlternatingTurns, clock: FakeClock) -> None:
    for n in range(4):
        turns.will_return(n, 102.0, LONG)
    other = Listener(turns, 150.0)
    newcomer = Listener(turns)
    await settle()
    assert other.place is not None
    assert newcomer.place is None

    clock.advance(2.5)
    turns.heard(other.place, 0.1, 150.1)
    await settle()
    assert newcomer.place is not None
    await asyncio.gather(other.end(), newcomer.end())


async def test_an_idle_engine_has_time_for_a_newcomer_however_many_listen(turns: AlternatingTurns) -> None:
    for n in range(24):
        turns.will_return(n, 100.6, LONG)
    assert turns.wait_of_newcomer() == 0.0
    newcomer = Listener(turns)
    await settle()
    assert newcomer.place is not None
    await newcomer.end()


async def test_one_who_leaves_makes_room_waiting_or_being_spoken(turns: AlternatingTurns) -> None:
    turns.batching = Batching(1)
    speaking, leaving, waiting = (Listener(turns) for _ in range(3))
    await settle()
    assert [each.place is not None for each in (speaking, leaving, waiting)] == [True, False, False]
    leaving.task.cancel()
    speaking.task.cancel()
    await settle()
    assert waiting.place is not None
    await waiting.end()
    await asyncio.gather(leaving.task, speaking.task, return_exceptions=True)
    assert len(turns) == 0


async def test_apart_lets_nobody_else_in(turns: AlternatingTurns) -> None:
    speaking = Listener(turns)
    await settle()
    assert speaking.place is not None
    async with turns.apart(speaking.place):
        other = Listener(turns)
        await settle()
        assert other.place is None
    await speaking.end()
    await settle()
    assert other.place is not None
    await other.end()
