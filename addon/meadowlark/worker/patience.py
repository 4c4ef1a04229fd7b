"""How long a worker may be silent before it counts as hung. Pure."""

from __future__ import annotations

from typing import Final

_MARGIN: Final = 8.0
"""A neighbour on the GPU, a cold file cache and a throttled CPU slow an engine by as much; a hang is for ever."""

CANCEL_SECONDS: Final = 2.0
"""A worker that has not stopped speaking by then is killed, when nobody else listens to it."""

COMPANY_SECONDS: Final = 10.0
"""The same when others listen: none of them has been heard for so long. A step for all of them may take seconds."""


def patience(chars: int, seconds_per_char: float | None, floor: float = 10.0, first: float = 60.0) -> float:
    """Seconds without any audio that are bearable for a sentence of `chars` characters.

    `seconds_per_char` is what this engine has needed on this device (`Done.seconds` per character, the slowest lately);
    None until its first sentence is done, which may still compile and fill caches and therefore gets `first`. An engine
    that computes a whole sentence before it yields is silent for all of it: hence a sentence's time, and a margin.
    """
    if seconds_per_char is None:
        return max(first, floor)
    return max(floor, _MARGIN * chars * seconds_per_char)


def stops_until(asked: float, heard_at: float, *, others: bool) -> float:
    """When a worker that does not stop a sentence is to be killed, as far as is known now.

    asked: when it was told to stop. heard_at: when others were heard last. others: some listen still; a kill would take
    what they hear, so whoever gets audio is proof enough that the worker lives.
    """
    return max(asked, heard_at) + (COMPANY_SECONDS if others else CANCEL_SECONDS)
