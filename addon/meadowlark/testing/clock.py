"""A clock that stands still until it is told to move."""

from __future__ import annotations


class FakeClock:
    """Call it for the time, in seconds; set `now` or call `advance`."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
