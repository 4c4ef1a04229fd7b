"""Who goes next: about to run dry, then newcomers, then the rest, and nobody starves."""

from __future__ import annotations

import random

import pytest

from meadowlark.schedule.policy import Waiting, pick, pick_first_come

NEW_A = Waiting(1, since=10.0, runs_dry_at=None)
NEW_B = Waiting(2, since=11.0, runs_dry_at=None)
DRY_SOON = Waiting(3, since=11.5, runs_dry_at=12.5)
DRY_SOONER = Waiting(4, since=11.9, runs_dry_at=12.2)
COMFORTABLE = Waiting(0, since=5.0, runs_dry_at=40.0)
WELL_OFF = Waiting(6, since=1.0, runs_dry_at=60.0)


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        ([NEW_A, DRY_SOON, COMFORTABLE], DRY_SOON),
        ([DRY_SOON, DRY_SOONER], DRY_SOONER),
        ([COMFORTABLE, NEW_B, NEW_A], NEW_A),
        ([WELL_OFF, COMFORTABLE], COMFORTABLE),
    ],
)
def test_order(waiting: list[Waiting], expected: Waiting) -> None:
    assert pick(waiting, now=12.0) is expected


def test_a_newcomer_becomes_urgent() -> None:
    assert pick([NEW_A, DRY_SOONER], now=12.0) is DRY_SOONER
    late = Waiting(9, since=15.0, runs_dry_at=16.0)
    assert pick([NEW_A, late], now=15.5) is NEW_A


def test_the_rest_become_urgent() -> None:
    assert pick([COMFORTABLE, Waiting(7, since=39.0, runs_dry_at=None)], now=39.5) is COMFORTABLE


def test_nobody_starves_under_endless_newcomers() -> None:
    """One newcomer a second, each served in a second: those who wait are still served in time."""
    waiting = [Waiting(0, since=0.0, runs_dry_at=None), Waiting(1, since=0.0, runs_dry_at=30.0)]
    served: dict[int, float] = {}
    for second in range(1, 60):
        waiting.append(Waiting(second + 1, since=float(second), runs_dry_at=None))
        chosen = pick(waiting, now=float(second))
        waiting.remove(chosen)
        served[chosen.ticket] = second
    assert served[0] <= 5
    assert served[1] <= 30


def test_does_not_depend_on_the_order_given() -> None:
    everybody = [NEW_A, NEW_B, DRY_SOON, DRY_SOONER, COMFORTABLE, WELL_OFF]
    for seed in range(20):
        shuffled = random.Random(seed).sample(everybody, len(everybody))
        assert pick(shuffled, now=12.0) is DRY_SOONER
        assert pick_first_come(shuffled, now=12.0) is COMFORTABLE
