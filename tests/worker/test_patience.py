"""How long silence is bearable."""

from __future__ import annotations

import pytest

from meadowlark.worker.patience import patience


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
