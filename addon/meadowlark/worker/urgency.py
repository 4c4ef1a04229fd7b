"""Whose piece is made next, of sentences that take turns on one engine. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

SPARE_SECONDS: Final = 0.05
"""From the end of the work until the piece is with its listener."""

NEWCOMER_SECONDS: Final = 1.5
"""After which a newcomer goes first whoever runs dry: satellites give up at 2 s."""

ASSUMED_SECONDS: Final = 0.1
"""Of work for a piece when nothing has been measured."""

_RECENT: Final = 8
"""Pieces of which the longest is expected again: the length of a sentence and of its windows is not known here."""


class Speaking(Protocol):
    """A sentence that is being spoken. Times in seconds of one monotonic clock."""

    number: int
    since: float
    """When it was taken up."""

    dry_at: float
    """When its listener has heard all that has been made; minus infinity = a newcomer, who has heard nothing."""


_S = TypeVar("_S", bound=Speaking)


class Pace:
    """How long pieces take, from the latest."""

    def __init__(self) -> None:
        self._first: deque[float] = deque(maxlen=_RECENT)
        self._later: deque[float] = deque(maxlen=_RECENT)

    def note(self, seconds: float, *, first: bool) -> None:
        """A piece took so many seconds of work; first: a newcomer's, with what comes before it."""
        (self._first if first else self._later).append(seconds)

    @property
    def first(self) -> float:
        """Seconds that a newcomer's first piece will take."""
        return max(self._first, default=ASSUMED_SECONDS)

    @property
    def later(self) -> float:
        """Seconds that any other will take."""
        return max(self._later, default=ASSUMED_SECONDS)


def most_urgent(sentences: Sequence[_S], now: float, pace: Pace) -> _S:
    """A newcomer, unless somebody who listens would run dry meanwhile: then whoever does so first.

    A first piece is short. When many begin at once, each needs his second one before the last of them has his first.
    """
    newcomers = [each for each in sentences if each.dry_at == -math.inf]
    listening = sorted(
        (each for each in sentences if each.dry_at > -math.inf), key=lambda one: (one.dry_at, one.number)
    )
    if not newcomers:
        return listening[0]
    oldest = min(newcomers, key=lambda each: (each.since, each.number))
    if now - oldest.since >= NEWCOMER_SECONDS:
        return oldest
    done = now + pace.first
    for each in listening:
        done += pace.later
        if done + SPARE_SECONDS > each.dry_at:
            return listening[0]
    return oldest
