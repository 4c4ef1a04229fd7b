"""The gate in front of an engine."""

from __future__ import annotations

import asyncio

import pytest

from meadowlark.schedule.policy import pick_first_come
from meadowlark.schedule.queue import Turns
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
