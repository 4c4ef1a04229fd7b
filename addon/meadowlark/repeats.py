"""The same mistake again and again is one line a minute in the log, not one each time. Pure but for the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

SECONDS: Final = 60.0

MOST: Final = 512
"""Mistakes remembered: a client that makes a new one each time does not fill the memory."""


class Repeats:
    """Who has made which mistake lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}
        """(machine, mistake) → when it was last logged as a warning; the oldest first."""

    def level(self, client: str, mistake: str) -> int:
        """WARNING for what this machine has not been warned of within a minute, DEBUG for a repetition.

        client: "address:port" or a name; connections of one machine count as one.
        """
        key, now = (client.rpartition(":")[0] or client, mistake), self._clock()
        if now - self._said.get(key, -SECONDS) < SECONDS:
            return logging.DEBUG
        self._said.pop(key, None)
        self._said[key] = now
        while len(self._said) > MOST:
            del self._said[next(iter(self._said))]
        return logging.WARNING
