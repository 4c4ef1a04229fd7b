"""The gate in front of an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from meadowlark.schedule.batch import Batching
from meadowlark.schedule.policy import Waiting, pick_first_come
from meadowlark.schedule.queue import LOOK_AGAIN_SECONDS, Expected, Turns
from meadowlark.testing.clock import FakeClock

pytestmark = pytest.mark.usefixtures("virtual_time")


async def take(turns: Turns, name: str, log: list[str], runs_dry_at: float | None = None) -> None:
    async with turns.turn(runs_dry_at):
        log.append(name)
        await asyncio.sleep(0.001)


async def test_one_at_a_time_in_the_policys_order() -> None:
    clock = FakeClock(100.0)
    turns, log = Turns(clock), list[str]()
    first = asyncio.create_task(take(turns, "first", log))
    await asyncio.sleep(0)
    rest = [
        asyncio.create_task(take(turns, "rest", log, 200.0)),
        asyncio.create_task(take(turns, "newcomer", log)),
        asyncio.create_task(take(turns, "dry", log, 100.5)),
    ]
    await asyncio.gather(first, *rest)
    assert log == ["first", "dry", "newcomer", "rest"]


async def test_first_come_first_served_is_a_policy_too() -> None:
    turns, log = Turns(FakeClock(), pick_first_come), list[str]()
    await asyncio.gather(*(take(turns, name, log, dry) for name, dry in (("a", None), ("b", 9.0), ("c", 0.1))))
    assert log == ["a", "b", "c"]


async def test_two_places() -> None:
    turns = Turns(FakeClock(), batching=Batching(2, 0.2))
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with turns.turn(None):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(7)))
    assert most == 2


async def test_a_cancelled_wait_loses_no_place() -> None:
    turns, log = Turns(FakeClock()), list[str]()
    release = asyncio.Event()

    async def hold() -> None:
        async with turns.turn(None):
            await release.wait()
        waiters[1].cancel()  # called, and cancelled before it could run

    holder = asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiters = [asyncio.create_task(take(turns, str(n), log)) for n in range(4)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    release.set()
    await holder
    await asyncio.gather(*waiters, return_exceptions=True)
    assert log == ["2", "3"]
    assert len(turns) == 0
    await asyncio.wait_for(take(turns, "later", log), 1)


async def test_an_error_inside_gives_the_place_back() -> None:
    turns = Turns(FakeClock())
    with pytest.raises(RuntimeError):
        async with turns.turn(None):
            raise RuntimeError
    log: list[str] = []
    await asyncio.wait_for(take(turns, "next", log), 1)
    assert log == ["next"]


async def test_newcomers_keep_the_place_of_who_will_return() -> None:
    """A reply between two sentences runs dry in 0.5 s: a second of work for a newcomer would make it late."""
    clock = FakeClock(100.0)
    for returns, expected in ((False, ["newcomer", "rest"]), (True, ["rest", "newcomer"])):
        turns, log = Turns(clock), list[str]()
        async with turns.turn(None):
            rest = [
                asyncio.create_task(take(turns, "newcomer", log)),
                asyncio.create_task(take(turns, "rest", log, 200.0)),
            ]
            await asyncio.sleep(0)
            if returns:
                turns.will_return("a reply", 100.5, Expected())
        await asyncio.gather(*rest)
        assert log == expected


async def test_who_will_not_return_after_all_holds_nobody_up() -> None:
    turns, log = Turns(FakeClock(100.0)), list[str]()
    async with turns.turn(None):
        waiting = [
            asyncio.create_task(take(turns, "newcomer", log)),
            asyncio.create_task(take(turns, "rest", log, 200.0)),
        ]
        await asyncio.sleep(0)
        turns.will_return("a reply", 100.5, Expected())
        turns.will_not_return("a reply")
        turns.will_not_return("another")
    await asyncio.gather(*waiting)
    assert log == ["newcomer", "rest"]


async def test_who_ran_dry_while_away_holds_nobody_up() -> None:
    clock = FakeClock(100.0)
    turns, log = Turns(clock), list[str]()
    async with turns.turn(None):
        waiting = [
            asyncio.create_task(take(turns, "newcomer", log)),
            asyncio.create_task(take(turns, "rest", log, 200.0)),
        ]
        await asyncio.sleep(0)
        turns.will_return("a reply", 100.5, Expected())
        clock.advance(1.0)
    await asyncio.gather(*waiting)
    assert log == ["newcomer", "rest"]


async def test_who_is_back_counts_once() -> None:
    turns = Turns(FakeClock(100.0))
    turns.will_return("a reply", 100.5, Expected())
    async with turns.turn(100.5, who="a reply"):
        assert turns.wait_of_newcomer() < 1.5


@pytest.mark.parametrize("batching", [Batching(), Batching(4, 0.3)])
async def test_an_idle_engine_has_time_for_a_newcomer_however_many_listen(batching: Batching) -> None:
    turns = Turns(FakeClock(100.0), batching=batching)
    for n in range(24):
        turns.will_return(n, 100.6, Expected())
    assert turns.idle
    assert turns.wait_of_newcomer() == 0.0
    async with turns.turn(100.5, Expected(work=2.0)):
        assert not turns.idle
        assert 0.0 < turns.wait_of_newcomer() <= 2.0
    await asyncio.wait_for(take(turns, "newcomer", []), 1)


ENOUGH = Expected(work=0.4, speech=4.0, rest=0.0, first=0.1)
"""A sentence of an engine that is ten times as fast as speech."""

SLOW = Expected(work=3.8, speech=4.0, rest=0.0, first=0.1)
"""Of one that hardly keeps up: in company it does not."""


class Guest:
    """Somebody in his turn, until he is told to go."""

    def __init__(self, turns: Turns, dry: float | None = None, expected: Expected = ENOUGH) -> None:
        self.begun = False
        self._leaves = asyncio.Event()
        self.task = asyncio.create_task(self._come(turns, dry, expected))

    async def _come(self, turns: Turns, dry: float | None, expected: Expected) -> None:
        async with turns.turn(dry, expected) as self.place:
            self.begun = True
            await self._leaves.wait()

    async def leave(self) -> None:
        self._leaves.set()
        await self.task


async def settle() -> None:
    """Let everybody do what can be done at once."""
    for _ in range(10):
        await asyncio.sleep(0)


async def guests(turns: Turns, *expected: Expected) -> list[Guest]:
    found = [Guest(turns, expected=each) for each in expected]
    await settle()
    return found


async def test_who_leaves_no_one_dry_joins_at_once() -> None:
    turns = Turns(FakeClock(), batching=Batching(3, 0.15))
    four = await guests(turns, *[ENOUGH] * 4)
    assert [each.begun for each in four] == [True, True, True, False]
    await four[1].leave()
    await settle()
    assert four[3].begun
    for each in (four[0], four[2], four[3]):
        await each.leave()


async def test_who_would_leave_another_dry_waits_though_there_is_a_place() -> None:
    clock = FakeClock(100.0)
    turns = Turns(clock, batching=Batching(4, 0.5))
    first, second = await guests(turns, SLOW, SLOW)
    assert (first.begun, second.begun) == (True, False)

    clock.advance(3.7)  # the first needs 0.1 s more, or 0.15 s in company, and plays until 104.1
    await asyncio.sleep(LOOK_AGAIN_SECONDS)
    await settle()
    assert second.begun
    await first.leave()
    await second.leave()


async def test_one_of_a_crowd_looks_for_all() -> None:
    looks = 0

    def choose(waiting: Sequence[Waiting], now: float, absent: Sequence[Waiting]) -> Waiting:
        nonlocal looks
        looks += 1
        return pick_first_come(waiting, now, absent)

    turns = Turns(FakeClock(), choose, Batching(2, 0.5))
    crowd = await guests(turns, *[SLOW] * 30)
    assert [each.begun for each in crowd] == [True] + [False] * 29
    looks = 0
    await asyncio.sleep(1.5 * LOOK_AGAIN_SECONDS)
    assert 0 < looks < 5
    for each in crowd:
        await each.leave()


async def test_places_that_come_are_taken_at_once_and_those_that_go_are_waited_for() -> None:
    turns = Turns(FakeClock())
    four = await guests(turns, *[ENOUGH] * 4)
    assert sum(each.begun for each in four) == 1
    turns.batching = Batching(3, 0.1)
    await settle()
    assert sum(each.begun for each in four) == 3
    turns.batching = Batching(1)
    await four[0].leave()
    await four[1].leave()
    await settle()
    assert not four[3].begun
    await four[2].leave()
    await settle()
    assert four[3].begun
    await four[3].leave()


async def test_one_apart_waits_for_all_and_all_wait_for_him() -> None:
    turns = Turns(FakeClock(), batching=Batching(3, 0.1))
    log: list[str] = []
    failed, release = asyncio.Event(), asyncio.Event()

    async def again(name: str) -> None:
        async with turns.turn(None, ENOUGH) as place:
            await failed.wait()
            async with turns.apart(place):
                log.append(name)
                await release.wait()
                log.append(f"{name} is done")

    other = (await guests(turns, ENOUGH))[0]
    retries = [asyncio.create_task(again(name)) for name in ("one", "two")]
    await settle()
    failed.set()
    await settle()
    late = (await guests(turns, ENOUGH))[0]
    assert not late.begun
    await other.leave()
    await settle()
    assert log == ["one"]
    release.set()
    await asyncio.gather(*retries)
    await settle()
    assert log == ["one", "one is done", "two", "two is done"]
    assert late.begun
    await late.leave()
    await asyncio.wait_for(take(turns, "later", log), 1)


async def test_one_apart_who_gives_up_holds_nobody() -> None:
    turns = Turns(FakeClock(), batching=Batching(2, 0.1))
    other = (await guests(turns, ENOUGH))[0]

    async def again() -> None:
        async with turns.turn(None, ENOUGH) as place, turns.apart(place):
            raise AssertionError("the other one is still there")

    giving_up = asyncio.create_task(again())
    await settle()
    giving_up.cancel()
    await asyncio.wait({giving_up})
    third = (await guests(turns, ENOUGH))[0]
    assert third.begun
    await other.leave()
    await third.leave()


async def test_a_newcomer_is_told_of_the_place_that_is_free_first() -> None:
    clock = FakeClock(100.0)
    turns = Turns(clock, batching=Batching(2, 0.5))
    assert turns.wait_of_newcomer() == 0.0
    first = (await guests(turns, Expected(work=1.0, speech=8.0)))[0]
    assert turns.wait_of_newcomer() == 0.0
    second = (await guests(turns, Expected(work=3.0, speech=24.0)))[0]
    assert turns.wait_of_newcomer() == pytest.approx(1.5)  # the first, half as slow again as alone
    clock.advance(0.75)
    assert turns.wait_of_newcomer() == pytest.approx(0.75)
    await first.leave()
    await second.leave()
