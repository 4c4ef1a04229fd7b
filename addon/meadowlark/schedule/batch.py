"""Whether a sentence may join those that an engine is speaking already. Pure.

Sentences join and leave between the steps of an engine, so there is no batch to be formed and nobody waits until one is
full. What is left to decide: whether one more would leave somebody without audio.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .policy import LONGEST_NEWCOMER_WAIT, SPARE_SECONDS, Waiting


@dataclass(frozen=True, slots=True)
class Batching:
    """What an engine gains by speaking several sentences at a time."""

    places: int = 1
    """The most at a time."""

    share: float = 1.0
    """Work that each further sentence adds, as a share of that of one alone; 1 = company gains nothing."""

    def slower(self, count: int) -> float:
        """How many times as long as alone each of so many sentences takes."""
        return 1 + self.share * (max(1, count) - 1)

    @property
    def in_company(self) -> float:
        """Of the time that a sentence takes alone, what it costs the engine when every place is taken."""
        return self.slower(self.places) / self.places


@dataclass(frozen=True, slots=True)
class Speaking:
    """A sentence that is being spoken. Times as in Waiting."""

    left: float
    """Seconds of work that it still needs, were it alone."""

    lasts_until: float
    """When its listener will have heard all of it; it must be done by then, and what follows is due."""


def may_join(
    chosen: Waiting, speaking: Sequence[Speaking], others: Sequence[Waiting], now: float, batching: Batching
) -> bool:
    """Whether a sentence may begin now, while others are being spoken.

    Not if one of them would be made so slow by it that its listener runs dry, or if somebody who listens would find no
    place in time for his next sentence; unless they would anyhow. others: who wait too, and who will come again.
    """
    if not speaking:
        return True
    if len(speaking) >= batching.places or batching.share >= 1:
        return False
    if chosen.runs_dry_at is None and now - chosen.since >= LONGEST_NEWCOMER_WAIT:
        return True
    listening = [each for each in others if each.ticket != chosen.ticket]
    joined = [*speaking, Speaking(chosen.work, math.inf)]
    return _left_dry(joined, listening, now, batching) <= _left_dry(speaking, listening, now, batching)


def ends(speaking: Sequence[Speaking], now: float, batching: Batching) -> list[float]:
    """When each will be done if nobody else comes."""
    found = [now] * len(speaking)
    at, done = now, 0.0
    for rank, place in enumerate(sorted(range(len(speaking)), key=lambda each: speaking[each].left)):
        at += (speaking[place].left - done) * batching.slower(len(speaking) - rank)
        done = speaking[place].left
        found[place] = at
    return found


def _left_dry(
    speaking: Sequence[Speaking], others: Sequence[Waiting], now: float, batching: Batching
) -> frozenset[tuple[str, int]]:
    """Who is left without audio: places of those who speak, tickets of the others."""
    return frozenset(_dry(speaking, others, now, batching))


def _dry(
    speaking: Sequence[Speaking], others: Sequence[Waiting], now: float, batching: Batching
) -> Iterator[tuple[str, int]]:
    done = ends(speaking, now, batching)
    for place, end in enumerate(done):
        if end + SPARE_SECONDS > speaking[place].lasts_until:
            yield "speaking", place
    listening = sorted((each.runs_dry_at, each.ticket, each.first) for each in others if each.runs_dry_at is not None)
    free = [now] * (batching.places - len(speaking)) + sorted(done)
    for turn, (dry, ticket, first) in enumerate(listening):
        begins = free[min(turn, len(free) - 1)]  # beyond that the order is the policy's business
        if begins + first * batching.slower(batching.places) + SPARE_SECONDS > dry:
            yield "waiting", ticket
