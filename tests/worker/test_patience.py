"""How long silence is bearable."""

from __future__ import annotations

import math

import pytest

from meadowlark.worker.patience import patience, stops_until


@pytest.mark.parametrize(
    ("chars", "seconds_per_char", "expected"),
    [
        (40, None, 60.0),  # never measured: its first sentence may compile
        (40, 0.0001, 10.0),  # a fast engine: the floor
        (400, 0.05, 160.0),  # a slow one on a long sentence: eight times the 20 s it should need
        (0, 0.05, 10.0),
    ],
)
def test_patience_follows_the_measured_speed(chars, seconds_per_char, expected):
    assert patience(chars, seconds_per_char) == pytest.approx(expected)


def test_limits_can_be_given():
    assert patience(10, 0.0001, floor=0.5) == 0.5
    assert patience(10, None, first=5.0, floor=0.5) == 5.0
    assert patience(10, None, first=5.0) == 10.0  # never below the floor


@pytest.mark.parametrize(
    ("asked", "heard_at", "others", "expected"),
    [
        (100.0, -math.inf, False, 102.0),
        (100.0, 99.0, True, 110.0),  # a step for all of them is under way
        (100.0, 117.0, True, 127.0),  # whoever is heard proves that it lives
        (100.0, 117.0, False, 119.0),  # the last of them has just been heard to the end
    ],
)
def test_a_worker_that_does_not_stop_lives_as_long_as_others_are_heard(asked, heard_at, others, expected):
    assert stops_until(asked, heard_at, others=others) == expected
