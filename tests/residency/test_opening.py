"""How much longer an opening takes, by those that were seen."""

from __future__ import annotations

import pytest

from meadowlark.residency.opening import GUESSED_SECONDS, seconds_left

MOSTLY_SHORT = (0.2, 0.3, 0.3, 0.3, 3.0, 5.0)


@pytest.mark.parametrize(
    ("elapsed", "seen", "left"),
    [
        (0.0, (), GUESSED_SECONDS),
        (0.5, (), GUESSED_SECONDS - 0.5),
        (0.0, MOSTLY_SHORT, 0.3),
        (1.0, MOSTLY_SHORT, 3.0),  # a long one, then: 2 or 4 s more
        (4.0, MOSTLY_SHORT, 1.0),
        (6.0, MOSTLY_SHORT, 6.0),
        (0.0, (0.0, 0.0), 0.0),  # an engine that opens nothing
    ],
)
def test_what_is_left(elapsed: float, seen: tuple[float, ...], left: float) -> None:
    assert seconds_left(elapsed, seen) == pytest.approx(left)
