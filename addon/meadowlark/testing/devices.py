"""Devices whose memory a test decides."""

from __future__ import annotations

from ..residency.devices import Memory


class FakeDevices:
    """Stands in for residency.devices.LocalDevices."""

    def __init__(self, **free: int) -> None:
        """Free bytes by device; "cuda_0" is written for "cuda:0"."""
        self.memory = {name.replace("_", ":"): size for name, size in free.items()}
        self.total = dict(self.memory)

    def read(self) -> tuple[Memory, ...]:
        """As set."""
        return tuple(Memory(name, self.total[name], size) for name, size in self.memory.items())
