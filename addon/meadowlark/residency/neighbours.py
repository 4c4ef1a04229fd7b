"""Which engines to release so that other programs on the device find room. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .policy import Resident

RECENT_SECONDS: Final = 3.5
"""Samples no older than this say how fast the others grow: at 1 Hz three or four of them."""

LOOKS_AHEAD_SECONDS: Final = 2.0
"""So far ahead the growth is believed to go on: as long as a worker takes to end and its memory to be back, doubled."""

NOISE_BYTES: Final = 64_000_000
"""Growth between two samples that is nobody's loading: caches and small buffers come and go."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A device's memory at one moment. Seconds and bytes."""

    at: float
    free: int
    ours: int
    """Held by our engines at that moment."""

    steady: bool = True
    """False while an engine of ours was being loaded or unloaded there: then `ours` is not what it seems."""


def yields(
    samples: Sequence[Sample], residents: Sequence[Resident], *, reserve: int, coming: int = 0
) -> tuple[str, ...]:
    """Idle engines to release now so that the reserve is free again, or stays free while somebody grows.

    samples: of one device, oldest first; residents: those on it. coming: bytes already on their way back.
    Empty when all is well, or when nobody may go.
    """
    if not samples:
        return ()
    now = samples[-1]
    foreseen = now.free + coming - int(growth(samples) * LOOKS_AHEAD_SECONDS)
    return enough(residents, reserve - foreseen)


def growth(samples: Sequence[Sample]) -> float:
    """Bytes a second by which others have grown lately; 0 when they have not, or it cannot be told."""
    recent = [each for each in samples if samples[-1].at - each.at <= RECENT_SECONDS]
    steady: list[Sample] = []
    for each in reversed(recent):
        if not each.steady:
            break
        steady.append(each)
    if len(steady) < 2:
        return 0.0
    last, first = steady[0], steady[-1]
    grown = (first.free + first.ours) - (last.free + last.ours)
    latest = (steady[1].free + steady[1].ours) - (last.free + last.ours)
    if grown < NOISE_BYTES or latest <= 0 or last.at <= first.at:
        return 0.0
    return grown / (last.at - first.at)


def enough(residents: Sequence[Resident], wanted: int) -> tuple[str, ...]:
    """Idle engines that give back so many bytes, as few as can be; all that are idle when they are not enough.

    The largest go first, until one alone is sufficient: of those the smallest, and the longest unused among equals.
    """
    idle = sorted((each for each in residents if each.idle), key=lambda each: (each.bytes, each.last_used, each.engine))
    chosen: list[str] = []
    while wanted > 0 and idle:
        last = next((each for each in idle if each.bytes >= wanted), None) or idle[-1]
        idle.remove(last)
        chosen.append(last.engine)
        wanted -= last.bytes
    return tuple(chosen)
