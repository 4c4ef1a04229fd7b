"""Several listeners on one engine that speaks several sentences at a time: the real turn-taking, in a time of its own.

A step makes CHUNK_SECONDS of audio of every sentence that is being spoken and takes `rtf` times that, and `share` of it
more for each further sentence. Replies are those of order.py; a listener behaves as speech.py does.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Sequence

from meadowlark.schedule.batch import Batching
from meadowlark.schedule.queue import Expected, Turns

from .order import Outcome, Reply

CHUNK_SECONDS = 0.2

AHEAD_SECONDS = 30.0
"""A reply with more speech ahead asks for no more."""

SHARE = 0.15


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: the time has come at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Hours in seconds."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def simulate(replies: Sequence[Reply], *, places: int, rtf: float, share: float = SHARE) -> Outcome:
    """Serve all replies: those of a satellite one after the other, the others when they are due."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_serve(replies, Batching(places, share), rtf))


async def _serve(replies: Sequence[Reply], batching: Batching, rtf: float) -> Outcome:
    engine, outcome = _Engine(batching, rtf), Outcome()
    chains: dict[object, list[Reply]] = {}
    for number, reply in enumerate(replies):
        chains.setdefault(("alone", number) if reply.at is not None else reply.satellite, []).append(reply)
    async with asyncio.TaskGroup() as group:
        for chain in chains.values():
            group.create_task(_satellite(chain, engine, outcome))
    return outcome


class _Engine:
    def __init__(self, batching: Batching, rtf: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.turns = Turns(self._loop.time, batching=batching)
        self.rtf, self._batching = rtf, batching
        self.speaking = 0

    async def step(self) -> None:
        """Until this sentence's next chunk is there."""
        await asyncio.sleep(CHUNK_SECONDS * self.rtf * self._batching.slower(self.speaking))

    def expected(self, audio: float, rest: float) -> Expected:
        """What is known of a sentence: all."""
        return Expected(self.rtf * audio, audio, rest, self.rtf * CHUNK_SECONDS)


async def _satellite(replies: Sequence[Reply], engine: _Engine, outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()
    for reply in replies:
        await asyncio.sleep(reply.thinks if reply.at is None else reply.at - loop.time())
        playing_until = await _listen(reply, engine, outcome)
        await asyncio.sleep(max(0.0, playing_until - loop.time()))


async def _listen(reply: Reply, engine: _Engine, outcome: Outcome) -> float:
    """When all of a reply has been played."""
    loop, who = asyncio.get_running_loop(), object()
    asked_at, gap = loop.time(), 0.0
    playing_until: float | None = None
    for number, (written, audio) in enumerate(reply.sentences):
        due = asked_at + written
        ahead = playing_until - AHEAD_SECONDS if playing_until is not None else 0.0
        await asyncio.sleep(max(0.0, due - loop.time(), ahead - loop.time()))
        rest = sum(more for _, more in reply.sentences[number + 1 :])
        async with engine.turns.turn(playing_until, engine.expected(audio, rest), who):
            engine.speaking += 1
            try:
                made = 0.0
                while made < audio:
                    await engine.step()
                    now, chunk = loop.time(), min(CHUNK_SECONDS, audio - made)
                    if playing_until is None:
                        outcome.first_audio.append(now - asked_at - reply.sentences[0][0])
                        playing_until = now
                    gap += max(0.0, now - max(playing_until, due))
                    playing_until = max(playing_until, now) + chunk
                    made += chunk
            finally:
                engine.speaking -= 1
            if rest > 0 and playing_until is not None:
                engine.turns.will_return(who, playing_until, engine.expected(audio, max(0.0, rest - audio)))
    outcome.gaps.append(gap)
    assert playing_until is not None
    return playing_until
