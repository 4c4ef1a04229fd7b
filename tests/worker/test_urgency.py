"""Whose piece next: newcomers are heard soon, and nobody who listens runs dry for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from meadowlark.worker.urgency import ASSUMED_SECONDS, NEWCOMER_SECONDS, Pace, most_urgent

NEWCOMER = -math.inf


@dataclass
class Sentence:
    number: int
    since: float = 0.0
    dry_at: float = NEWCOMER
    first_at: float = math.inf
    gap: float = 0.0
    left: float = 10.0


def pace(first: float = 0.1, later: float = 0.05) -> Pace:
    found = Pace()
    found.note(first, first=True)
    found.note(later, first=False)
    return found


@pytest.mark.parametrize(
    ("dry", "chosen"),
    [
        ((NEWCOMER, NEWCOMER), 0),  # who came first
        ((5.0, 4.0), 1),  # who runs dry first
        ((4.0, NEWCOMER), 1),  # there is time for a first piece
        ((0.25, 0.25, NEWCOMER), 2),  # 0.1 + 0.05 + 0.05, and a little
        ((0.22, 0.22, NEWCOMER), 0),  # not in time for the second of them
        ((0.15, NEWCOMER), 0),
        ((-1.0, NEWCOMER), 0),  # has run dry
    ],
)
def test_who_is_next(dry: tuple[float, ...], chosen: int) -> None:
    sentences = [Sentence(number, dry_at=each) for number, each in enumerate(dry)]
    assert most_urgent(sentences, 0.0, pace()) is sentences[chosen]


def test_a_newcomer_does_not_wait_for_ever() -> None:
    sentences = [Sentence(0, dry_at=-3.0), Sentence(1, since=1.0)]
    assert most_urgent(sentences, 1.0 + NEWCOMER_SECONDS - 0.1, pace()) is sentences[0]
    assert most_urgent(sentences, 1.0 + NEWCOMER_SECONDS, pace()) is sentences[1]


def test_the_longest_of_the_latest_pieces_is_expected() -> None:
    found = Pace()
    assert (found.first, found.later) == (ASSUMED_SECONDS, ASSUMED_SECONDS)
    for seconds in (9.0, 0.1, 0.2, *[0.1] * 8):
        found.note(seconds, first=False)
    found.note(0.3, first=True)
    assert (found.first, found.later) == (0.3, 0.1)


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_who_begin_at_once_are_all_heard_without_a_gap(count: int) -> None:
    """First pieces of 0.25 s that take 0.1 s of work, others of 0.5 s that take 0.05 s: all at once run out at 8."""
    now, sentences, measured = 0.0, [Sentence(number) for number in range(count)], pace()
    while waiting := [each for each in sentences if each.left > 0]:
        chosen = most_urgent(waiting, now, measured)
        newcomer = chosen.dry_at == NEWCOMER
        now += 0.1 if newcomer else 0.05
        if newcomer:
            chosen.first_at = chosen.dry_at = now
        chosen.gap = max(chosen.gap, now - chosen.dry_at)
        length = 0.25 if newcomer else 0.5
        chosen.dry_at = max(chosen.dry_at, now) + length
        chosen.left -= length
    assert [each.gap for each in sentences if each.gap > 0] == []
    assert max(each.first_at for each in sentences) <= 0.2 * count
