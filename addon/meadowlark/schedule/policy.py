"""Whose sentence next. Pure: no clock, no lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

URGENT_SECONDS = 2.0
"""A listener with less audio than this ahead is served before newcomers: about one sentence on a slow engine."""

LONGEST_NEWCOMER_WAIT = 5.0
"""Seconds after which a newcomer is as urgent as a listener who runs dry now, so that nobody starves."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sentence that waits for its engine. Times in seconds of one monotonic clock."""

    ticket: int
    """Counts up: who came first."""

    since: float
    """When this sentence came."""

    runs_dry_at: float | None
    """When the listener has heard all that was sent; None = a newcomer, who has heard nothing yet."""


def pick(waiting: Sequence[Waiting], now: float) -> Waiting:
    """The sentence to speak next: who is about to run dry, then newcomers, then the rest by playout deadline.

    The rest become urgent as their audio plays, and newcomers as they wait, so nobody waits for ever.
    """
    return min(waiting, key=lambda each: _rank(each, now))


def pick_first_come(waiting: Sequence[Waiting], now: float) -> Waiting:
    """First come, first served: the reference that the benchmark compares with."""
    return min(waiting, key=lambda each: each.ticket)


def _rank(each: Waiting, now: float) -> tuple[int, float, int]:
    if each.runs_dry_at is None:
        deadline = each.since + LONGEST_NEWCOMER_WAIT
        return (0, deadline, each.ticket) if now >= deadline else (1, each.since, each.ticket)
    if each.runs_dry_at - now < URGENT_SECONDS:
        return 0, each.runs_dry_at, each.ticket
    return 2, each.runs_dry_at, each.ticket
