"""How much longer an engine will be at opening a voice, before anybody asked for that. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

GUESSED_SECONDS: Final = 2.0
"""Of an engine never seen to open one: Piper takes 2-5 s for a voice that is new, 0.3 s for one that was cut before."""


def seconds_left(elapsed: float, seen: Sequence[float]) -> float:
    """After so many seconds; seen: what openings took. It is none of those that were over by now."""
    longer = [each - elapsed for each in seen or (GUESSED_SECONDS,) if each > elapsed]
    return statistics.median(longer) if longer else elapsed  # of what is known to be long, as long again
