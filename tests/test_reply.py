"""The playout clock, and silence where a reply has stalled."""

from __future__ import annotations

import asyncio
import itertools
from weakref import WeakSet

import pytest

from meadowlark.reply import Reply
from meadowlark.residency.fallback import DRY_SECONDS, SILENCE_SECONDS, next_silence

pytestmark = pytest.mark.usefixtures("virtual_time")

RATE = 8000
SECOND = b"\1\0" * RATE


async def test_a_stall_is_bridged_with_paced_silence() -> None:
    """0.1 s of speech, then nothing for 2 s, then speech: the listener's buffer is never dry for 3 s, nor overfull."""
    clock = asyncio.get_running_loop().time
    reply = Reply(RATE, clock, WeakSet())

    async def produce() -> None:
        reply.add(SECOND[: RATE // 5])
        await asyncio.sleep(2.0)
        reply.add(SECOND)

    producer = asyncio.create_task(produce())
    arrivals: list[tuple[float, bytes]] = [(clock(), piece) async for piece in reply.pieces(producer)]
    speech = b"".join(piece for _, piece in arrivals if piece.count(0) < len(piece))
    silent = [piece for _, piece in arrivals if piece.count(0) == len(piece)]
    assert speech == SECOND[: RATE // 5] + SECOND
    stalled = 2.0 - 0.1 - DRY_SECONDS
    assert sum(map(len, silent)) / 2 / RATE == pytest.approx(stalled, abs=2 * SILENCE_SECONDS)
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(arrivals)]
    assert max(gaps) < 3.0
    assert reply.speech_seconds == pytest.approx(1.1)


async def test_no_silence_before_the_first_audio() -> None:
    reply = Reply(RATE, asyncio.get_running_loop().time, WeakSet())

    async def produce() -> None:
        await asyncio.sleep(DRY_SECONDS + 0.3)
        reply.add(SECOND)

    pieces = [piece async for piece in reply.pieces(asyncio.create_task(produce()))]
    assert b"".join(pieces) == SECOND


async def test_an_engine_ahead_of_its_listener_is_not_bridged() -> None:
    reply = Reply(RATE, asyncio.get_running_loop().time, WeakSet())

    async def produce() -> None:
        reply.add(SECOND * 3)
        await asyncio.sleep(DRY_SECONDS + 0.2)
        reply.add(SECOND)

    pieces = [piece async for piece in reply.pieces(asyncio.create_task(produce()))]
    assert b"".join(pieces) == SECOND * 4


async def test_many_clients_that_do_not_read_hold_less_each() -> None:
    replies: WeakSet[Reply] = WeakSet()
    crowd = [Reply(RATE, asyncio.get_running_loop().time, replies) for _ in range(1000)]
    crowd[0].add(SECOND * 10)  # allowed alone, not in a crowd
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(crowd[0].room(), 0.05)
    del crowd[1:]
    await asyncio.wait_for(crowd[0].room(), 0.05)


async def test_what_comes_in_the_moment_when_silence_is_due_is_not_held_up_by_it() -> None:
    loop = asyncio.get_running_loop()
    reply = Reply(RATE, loop.time, WeakSet())

    async def produce() -> None:
        reply.add(SECOND)
        due, _ = next_silence(loop.time() + 1.0, bridging=False)
        loop.call_at(due, loop.call_soon, reply.add, SECOND)  # no sooner than it is known that the time is over
        await asyncio.sleep(due - loop.time() + 0.001)

    assert b"".join([piece async for piece in reply.pieces(asyncio.create_task(produce()))]) == SECOND * 2
