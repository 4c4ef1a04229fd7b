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


Pick = Callable[[Sequence[Waiting], float], Waiting]


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
        return expected_wait(newcomer, waiting, now, busy=0.0 if self._free else max(0.0, self._busy_until - now))

    @asynccontextmanager
    async def turn(self, runs_dry_at: float | None, expected: Expected | None = None) -> AsyncIterator[None]:
        """Wait until it is this sentence's turn, and hold the place until the block ends."""
        known = expected or Expected()
        if self._free and not self._waiting:
            self._free -= 1
        else:
            await self._wait(
                Waiting(
                    next(self._tickets),
                    self._clock(),
                    runs_dry_at,
                    work=known.work,
                    speech=known.speech,
                    rest=known.rest,
                    first=known.first,
                )
            )
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
        chosen = self._choose(waiting, self._clock())
        _, called = self._waiting.pop(chosen.ticket)
        called.set_result(None)
