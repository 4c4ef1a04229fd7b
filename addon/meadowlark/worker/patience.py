"""How long a worker may be silent before it counts as hung. Pure."""

from __future__ import annotations

from typing import Final

_MARGIN: Final = 8.0
"""A neighbour on the GPU, a cold file cache and a throttled CPU slow an engine by as much; a hang is for ever."""


def patience(chars: int, seconds_per_char: float | None, floor: float = 10.0, first: float = 60.0) -> float:
    """Seconds without any audio that are bearable for a sentence of `chars` characters.

    `seconds_per_char` is what this engine has needed on this device (`Done.seconds` per character, the slowest lately);
    None until its first sentence is done, which may still compile and fill caches and therefore gets `first`. An engine
    that computes a whole sentence before it yields is silent for all of it: hence a sentence's time, and a margin.
    """
    if seconds_per_char is None:
        return max(first, floor)
    return max(floor, _MARGIN * chars * seconds_per_char)
