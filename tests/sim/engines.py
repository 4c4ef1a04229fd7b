"""Eight engines as one meets them: from a small feed-forward voice to a 3B-class token engine."""

from __future__ import annotations

from dataclasses import dataclass

GB = 10**9

SPAWN_SECONDS = 0.02
"""A fork from the parked process that has the libraries imported (measured; DESIGN.md section 6)."""

CONTEXT_SECONDS = 0.25
"""A GPU context and the library handles of a new process."""

READ_BYTES_PER_SECOND = 2.0e9
"""Weights from a middling NVMe disk to the GPU. From the page cache it is more than twice as fast: see `--cached`."""

CACHED_BYTES_PER_SECOND = 6.0e9
"""Weights that are in the page cache, to the GPU over PCIe 3.0 x8 without pinned memory."""

UNLOAD_SECONDS = 0.2
"""Until the memory of an ended process is really free; paid by the load that needed the room."""


@dataclass(frozen=True, slots=True)
class SimEngine:
    """What the simulation knows of an engine."""

    id: str
    bytes: int
    """At rest on the device, context and buffers included."""

    weights: int
    """Bytes read at load."""

    warm_up: float
    """Seconds, with warm-up products cached on disk."""

    rtf: float
    """Seconds of work per second of speech."""

    def load_seconds(self, cached: bool = False) -> float:
        """From the decision to ready, when no engine has to go first."""
        speed = CACHED_BYTES_PER_SECOND if cached else READ_BYTES_PER_SECOND
        return SPAWN_SECONDS + CONTEXT_SECONDS + self.weights / speed + self.warm_up


def _engine(name: str, gigabytes: float, weights: float, warm_up: float, rtf: float) -> SimEngine:
    return SimEngine(name, int(gigabytes * GB), int(weights * GB), warm_up, rtf)


ENGINES = (
    _engine("announcer", 0.5, 0.1, 0.1, 0.02),
    _engine("fast", 1.0, 0.35, 0.3, 0.03),
    _engine("fast-de", 1.4, 0.6, 0.4, 0.05),
    _engine("multi", 2.4, 1.9, 0.8, 0.20),
    _engine("clone", 3.2, 2.5, 0.9, 0.30),
    _engine("guest", 3.8, 2.2, 1.0, 0.25),
    _engine("expressive", 4.7, 3.8, 1.2, 0.35),
    _engine("story", 5.6, 4.8, 1.5, 0.45),
)
"""22.6 GB together, so that 24 GB hold all of them; the largest is 5.6 GB, so that none is excluded from 6 GB."""
