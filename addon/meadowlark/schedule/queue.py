"""Sentences wait here for their engine; the policy says who goes next."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .admission import expected_wait
from .policy import SPEECH_SECONDS, WORK_SECONDS, Waiting, pick


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a sentence before it is spoken. Seconds; see Waiting."""

    work: float = WORK_SECONDS
    speech: float = SPEECH_SECONDS
    rest: float = SPEECH_SECONDS
    first: float = 0.1


Pick = Callable[[Sequence[Waiting], float, Sequence[Waiting]], Waiting]
"""(who waits, now, who is listening and will come again) → who is next."""


class Turns:
    """One engine's turn-taking: at most `places` sentences at a time, the next one picked when a place becomes free."""

    def __init__(self, clock: Callable[[], float], choose: Pick = pick, places: int = 1) -> None:
        self._clock = clock
        self._choose = choose
        self._free = places
        self._busy_until = 0.0
        """When the sentence that is being spoken should be done."""
        self._tickets = itertools.count()
        self._waiting: dict[int, tuple[Waiting, asyncio.Future[None]]] = {}
        self._absent: dict[object, Waiting] = {}
        """Replies between two sentences."""

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def newcomers(self) -> int:
        """How many wait who have heard nothing yet."""
        return sum(each.runs_dry_at is None for each, _ in self._waiting.values())

    def wait_of_newcomer(self) -> float:
        """Seconds that somebody who came now would wait for the engine, at most, as far as is known."""
        now = self._clock()
        newcomer = Waiting(-1, now, None, first=0.0)
        waiting = [each for each, called in self._waiting.values() if not called.done()]
        busy = 0.0 if self._free else max(0.0, self._busy_until - now)
        return expected_wait(newcomer, waiting, now, self._listening(now), busy)

    def will_return(self, who: object, runs_dry_at: float, expected: Expected) -> None:
        """A reply whose sentence is done has more to say, once its text is there. Until then, or until its listener has
        run dry, newcomers are let in only as far as it keeps its place."""
        self._absent[who] = self._about(runs_dry_at, expected)

    def _listening(self, now: float) -> list[Waiting]:
        """Replies that will come again; one that ran dry waits for its text, and nobody need wait for it."""
        self._absent = {who: each for who, each in self._absent.items() if (each.runs_dry_at or 0.0) > now}
        return list(self._absent.values())

    def _about(self, runs_dry_at: float | None, known: Expected) -> Waiting:
        return Waiting(
            next(self._tickets),
            self._clock(),
            runs_dry_at,
            work=known.work,
            speech=known.speech,
            rest=known.rest,
            first=known.first,
        )

    @asynccontextmanager
    async def turn(
        self, runs_dry_at: float | None, expected: Expected | None = None, who: object = None
    ) -> AsyncIterator[None]:
        """Wait until it is this sentence's turn, and hold the place until the block ends. who: of `will_return`."""
        known = expected or Expected()
        self._absent.pop(who, None)
        if self._free and not self._waiting:
            self._free -= 1
        else:
            await self._wait(self._about(runs_dry_at, known))
        self._busy_until = self._clock() + known.work
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, me: Waiting) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[me.ticket] = (me, called)
        try:
            await called
        except asyncio.CancelledError:
            if self._waiting.pop(me.ticket, None) is None:  # called in the same moment: the place is ours to pass on
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the place to the next in line, or free it. Who has just been cancelled is no longer in line."""
        waiting = [each for each, called in self._waiting.values() if not called.done()]
        if not waiting:
            self._free += 1
            return
        now = self._clock()
        chosen = self._choose(waiting, now, self._listening(now))
        _, called = self._waiting.pop(chosen.ticket)
        called.set_result(None)
