"""What speaks several sentences at a time on a device, and how many."""

from __future__ import annotations

from collections.abc import Callable

from meadowlark.kit.decode import places_for
from meadowlark.kit.graphs import Recorder
from meadowlark.kit.precision import Bits, Plan

from .batch import choir
from .captured import CAPACITY, Captured
from .generate import Eager, Speaker
from .model import DualAR

CPU_PLACES = 2
"""Few CPUs have time to spare for more: see batch.py."""

GPU_PLACES = 4
"""At most; as many as the manifests say. Fewer where memory is short."""

RESERVE_BYTES = 1_000_000_000
"""Of a GPU, not for places: the encoder while it reads a recording (0.8 GB), or else what graphs and the codec work in,
and prompts of voices."""


def in_company(
    speaker: Speaker, plan: Plan, free_bytes: Callable[[str], int], recorder: Recorder | None = None
) -> tuple[Speaker, int]:
    """What speaks several sentences at a time where that gains, and how many it speaks.

    free_bytes: of a GPU, now that the weights are there. recorder: instead of a GPU's.
    """
    if isinstance(speaker, Eager) and (recorder is not None or plan.device.startswith("cuda")):
        places = gpu_places(speaker.model, free_bytes(plan.device))
        return Captured(speaker.model, places=places, recorder=recorder), places
    if plan.bits is Bits.FULL:
        return speaker, 1
    return choir(speaker, CPU_PLACES), CPU_PLACES


def gpu_places(model: DualAR, free: int) -> int:
    """How many sentences have room in so many free bytes."""
    length = min(CAPACITY, model.config.context)
    each = model.slow.cache(length, 1, model.plan.dtype, "meta").bytes
    return places_for(free, each, reserve=RESERVE_BYTES, most=GPU_PLACES)
