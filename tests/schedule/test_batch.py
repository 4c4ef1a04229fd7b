"""Who may join those who are being spoken already."""

from __future__ import annotations

import random

import pytest

from meadowlark.schedule.batch import Batching, Speaking, ends, may_join
from meadowlark.schedule.policy import LONGEST_NEWCOMER_WAIT, Waiting

FOUR = Batching(places=4, share=0.2)


def sentence(ticket: int, dry: float | None, *, work: float = 1.0, speech: float = 4.0, since: float = 0.0) -> Waiting:
    return Waiting(ticket, since, dry, work=work, speech=speech, rest=0.0, first=0.1)


NEW = sentence(0, None)


@pytest.mark.parametrize(
    ("left", "batching", "expected"),
    [
        ([], FOUR, []),
        ([2.0], FOUR, [2.0]),
        ([2.0, 2.0], FOUR, [2.4, 2.4]),
        ([3.0, 1.0], FOUR, [3.2, 1.2]),
        ([1.0, 1.0], Batching(2, 1.0), [2.0, 2.0]),
        ([0.0, 1.0], FOUR, [0.0, 1.0]),
    ],
)
def test_ends(left: list[float], batching: Batching, expected: list[float]) -> None:
    speaking = [Speaking(each, 99.0) for each in left]
    assert ends(speaking, 100.0, batching) == pytest.approx([100.0 + each for each in expected])


@pytest.mark.parametrize(
    ("speaking", "others", "batching", "joins"),
    [
        ([], [], Batching(), True),
        ([Speaking(1.0, 99.0)], [], FOUR, True),
        ([Speaking(1.0, 99.0)], [], Batching(1, 0.2), False),
        ([Speaking(1.0, 99.0)], [], Batching(4, 1.0), False),  # nothing gained
        ([Speaking(1.0, 99.0)] * 4, [], FOUR, False),  # full
        ([Speaking(2.0, 2.3)], [], FOUR, False),  # 2 s of work would take 2.2 s
        ([Speaking(2.0, 2.5)], [], FOUR, True),
        ([Speaking(2.0, 1.5)], [], FOUR, True),  # runs dry in any case
        ([Speaking(1.0, 99.0)], [sentence(1, 1.1)], Batching(2, 0.2), False),  # needs the other place
        ([Speaking(1.0, 99.0)], [sentence(1, 1.8)], Batching(2, 0.2), True),
        ([Speaking(1.0, 99.0)], [sentence(1, 0.4)], Batching(3, 0.2), True),
        ([Speaking(1.0, 99.0)], [sentence(1, 0.4), sentence(2, 0.5)], Batching(3, 0.2), False),
    ],
)
def test_may_join(speaking: list[Speaking], others: list[Waiting], batching: Batching, joins: bool) -> None:
    assert may_join(NEW, speaking, [NEW, *others], 0.0, batching) is joins


def test_nobody_waits_for_ever() -> None:
    speaking, late = [Speaking(2.0, LONGEST_NEWCOMER_WAIT + 2.1)], LONGEST_NEWCOMER_WAIT
    assert not may_join(NEW, speaking, [], late - 0.1, FOUR)
    assert may_join(NEW, speaking, [], late, FOUR)


@pytest.mark.parametrize("seed", range(50))
def test_who_may_join_keeps_nobody_from_what_he_had(seed: int) -> None:
    """Played through second by second: whoever was in time without the newcomer is so with him."""
    dice = random.Random(seed)
    batching = Batching(dice.randint(2, 5), dice.uniform(0.0, 0.9))
    speaking = [
        Speaking(left := dice.uniform(0.1, 5.0), left * dice.uniform(0.5, 3.0))
        for _ in range(dice.randint(1, batching.places - 1))
    ]
    new = sentence(0, None, work=dice.uniform(0.1, 5.0))
    if not may_join(new, speaking, [new], 0.0, batching):
        return
    alone, together = (
        _played([each.left for each in speaking], batching),
        _played([*(each.left for each in speaking), new.work], batching),
    )
    for place, each in enumerate(speaking):
        assert together[place] <= each.lasts_until or alone[place] + 0.2 > each.lasts_until


def _played(left: list[float], batching: Batching, tick: float = 0.001) -> list[float]:
    left, done, at = list(left), [0.0] * len(left), 0.0
    while any(each > 0 for each in left):
        active = [place for place, each in enumerate(left) if each > 0]
        at += tick
        for place in active:
            left[place] -= tick / batching.slower(len(active))
            if left[place] <= 0:
                done[place] = at
    return done
