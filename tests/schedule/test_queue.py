"""The gate in front of an engine."""

from __future__ import annotations

import asyncio

import pytest

from meadowlark.schedule.policy import pick_first_come
from meadowlark.schedule.queue import Expected, Turns
from meadowlark.testing.clock import FakeClock


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
    turns = Turns(FakeClock(), places=2)
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
