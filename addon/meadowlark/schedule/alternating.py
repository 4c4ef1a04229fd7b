"""Turn-taking on an engine whose open sentences alternate: who is let in is planned anew with every chunk."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from .admission import expected_wait
from .batch import Speaking
from .flow import join, wait_of_newcomer
from .policy import Waiting
from .queue import Expected, Turns


class AlternatingTurns(Turns):
    """A place for each sentence that the worker has; whose chunk comes next is decided there."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._spoken: dict[int, Waiting] = {}
        """What is left of the sentences that have a place."""
        self._usual = Expected()
        """The last sentence, which tells how fast the engine is."""

    def wait_of_newcomer(self, expected: Expected | None = None) -> float:
        """Seconds that somebody with one more sentence like the last would wait for the engine, as far as is known.

        The shorter of two estimates, without a gap for anybody and sentence by sentence: one may be refused for this,
        and on a machine that is busy for a moment the first sees a crowd where there is none.
        """
        now, usual = self._clock(), self._usual
        newcomer = Waiting(sys.maxsize, now, None, work=usual.work, speech=usual.speech, rest=0.0, first=usual.first)
        waiting = [each for each, _ in self._waiting.values()]
        spoken, absent = [*self._spoken.values()], self._listening(now)
        return min(
            wait_of_newcomer(newcomer, waiting, spoken, now, absent),
            expected_wait(replace(newcomer, first=0.0), [*spoken, *waiting], now, absent),
        )

    def heard(self, place: int, seconds: float, runs_dry_at: float) -> None:
        """A chunk of so much audio has come: there may be time for others now."""
        if place in self._spoken:
            self._spoken[place] = self._spoken[place].heard(seconds, runs_dry_at)
            self._call()

    def _call(self) -> None:
        """Let in who may join those who are being spoken."""
        while self._waiting and not self._apart:
            now = self._clock()
            waiting = [each for each, _ in self._waiting.values()]
            spoken, places = [*self._spoken.values()], self._batching.places
            chosen = join(waiting, spoken, now, self._listening(now), places)
            if chosen is None:
                return
            _, called = self._waiting.pop(chosen.ticket)
            self._spoken[chosen.ticket] = chosen
            self._speaking[chosen.ticket] = Speaking(chosen.work, now + chosen.first + chosen.speech)
            self._tell_silence()
            called.set_result(None)

    def _about(self, runs_dry_at: float | None, known: Expected) -> Waiting:
        self._usual = known
        return super()._about(runs_dry_at, known)

    def _leave(self, ticket: int) -> None:
        self._spoken.pop(ticket, None)
        super()._leave(ticket)
