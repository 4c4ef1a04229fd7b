"""Devices whose memory a test decides."""

from __future__ import annotations

from ..residency.devices import Memory


class FakeDevices:
    """Stands in for residency.devices.LocalDevices."""

    def __init__(self, **free: int) -> None:
        """Free bytes by device; "cuda_0" is written for "cuda:0"."""
        self.memory = {name.replace("_", ":"): size for name, size in free.items()}
        """Free bytes now."""

        self.total = dict(self.memory)
        self.uuids: dict[str, str] = {}
        self.processes: dict[int, dict[str, int]] = {}
        """pid → bytes by device, as NVML would show them."""

    def read(self) -> tuple[Memory, ...]:
        """As set."""
        return tuple(
            Memory(name, self.total[name], size, self.uuids.get(name, "")) for name, size in self.memory.items()
        )

    def used_by(self, pid: int) -> dict[str, int]:
        """As set."""
        return self.processes.get(pid, {})
