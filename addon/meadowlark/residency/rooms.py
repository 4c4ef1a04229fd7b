"""What room engines have on every device: what it shows, less what is on its way, the reserve and the budget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from .devices import Devices, Memory
from .engine import Engine
from .policy import Device

_LOGGER = logging.getLogger(__name__)

MEMORY_BACK_SECONDS = 5.0
"""How long a device may take to show the memory of a worker that has ended; NVML lags by up to 2 s."""

MEMORY_BACK_POLL = 0.05

MEMORY_BACK_SHARE = 0.8
"""Of what an engine was measured to hold, the part that must be seen to come back: others take and give meanwhile."""

SPARE_PARTS = 8
"""An engine may hold one in so many of the bytes that are left when it has come: 512 MB of 4 GB."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much memory engines may take, in bytes."""

    total: int = 0
    """All engines together on the CPU; 0 = what the machine has free, less the reserve."""

    reserve: int = 256_000_000
    """Left to everybody else on each device."""


class Rooms:
    """The devices' memory as engines may use it."""

    def __init__(self, devices: Devices, budget: Budget, clock: Callable[[], float]) -> None:
        self.devices = devices
        self.budget = budget
        self._clock = clock
        self._left: dict[str, float] = {}
        """When an engine last left a GPU, which may show its memory as taken for a while."""

    def memory(self, device: str) -> Memory | None:
        """What a device shows now; None when it is not there any more."""
        return next((each for each in self.devices.read() if each.device == device), None)

    def read(self, engines: Iterable[Engine], without: Collection[str] = ()) -> tuple[Device, ...]:
        """What engines may still take on every device, and what they could take in all."""
        here = [each for each in engines if each.device]
        return tuple(_room(memory, here, self.budget) for memory in self.devices.read() if memory.device not in without)

    def spare(self, engines: Iterable[Engine], device: str) -> int:
        """Bytes that an engine which is being loaded there may hold beyond what it needs."""
        return next((each.free // SPARE_PARTS for each in self.read(engines) if each.id == device), 0)

    def over_budget(self, engines: Iterable[Engine], device: str) -> int:
        """Bytes that engines hold beyond what they may: one took more than its manifest says, or grew."""
        taken = sum(each.bytes for each in engines if each.device == device and not each.leaving)
        return max(0, taken - self.budget.total) if self.budget.total and device == "cpu" else 0

    def check_budget(self) -> None:
        """Say so when the machine has less than engines may take."""
        memory = self.memory("cpu")
        if memory and self.budget.total > memory.total:
            _LOGGER.warning(
                "memory_budget_mb is %d, but this machine has %d MB: engines get what there is, less %d MB of reserve",
                self.budget.total // 1_000_000,
                memory.total // 1_000_000,
                self.budget.reserve // 1_000_000,
            )

    def left(self, device: str) -> None:
        """An engine's process there is gone."""
        if device and not device.startswith("cpu"):
            self._left[device] = self._clock()

    def may_come_back(self) -> bool:
        """Whether an engine has left a GPU so lately that its memory may not be shown as free yet."""
        now = self._clock()
        return any(now - at < MEMORY_BACK_SECONDS for at in self._left.values())

    async def in_a_while(self, condition: Callable[[], bool]) -> bool:
        """Whether something about a device becomes true before it is too late."""
        deadline = self._clock() + MEMORY_BACK_SECONDS
        while not condition():
            if self._clock() >= deadline:
                return False
            await asyncio.sleep(MEMORY_BACK_POLL)
        return True


def _room(memory: Memory, engines: Iterable[Engine], budget: Budget) -> Device:
    """Of one device.

    An engine that is being loaded counts in full, though the device still shows its memory as free, or part of it.
    Pinned engines never make room.
    """
    here = [(each, each.resident.bytes) for each in engines if each.device == memory.device]
    taken, pinned = sum(size for _, size in here), sum(size for each, size in here if each.pinned)
    coming = sum(size for each, size in here if each.coming)
    room, capacity = memory.free - coming, min(memory.free + taken, memory.total) - pinned
    room, capacity = room - budget.reserve, capacity - budget.reserve
    if budget.total and memory.device == "cpu":
        room, capacity = min(room, budget.total - taken), min(capacity, budget.total - pinned)
    return Device(memory.device, max(0, room), max(0, capacity))
