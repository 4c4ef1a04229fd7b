"""The engines of this server as they are in memory: what room they leave to each other, how they go, what is learned.

Ends workers and notes their end, expected or not; starts none (loading.py), and knows nothing of sentences.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from typing import Any

from .chronicle import Chronicle
from .devices import Memory
from .engine import Engine, Worker
from .policy import Snapshot
from .rooms import MEMORY_BACK_SHARE, Rooms

_LOGGER = logging.getLogger(__name__)

MakeRoom = Callable[[str, int], Coroutine[Any, Any, int]]
"""Asks neighbours for bytes on a device kind; what came back."""


class Residents:
    """All engines of a server, resident or not."""

    def __init__(self, rooms: Rooms, chronicle: Chronicle, regret: Callable[[Engine], float | None]) -> None:
        """regret: seconds that listeners are expected to wait for an engine if it goes (idle.regret)."""
        self.rooms = rooms
        self.chronicle = chronicle
        self.by_id: dict[str, Engine] = {}
        """By id; nobody ever leaves."""
        self._regret = regret
        self.placing = asyncio.Lock()
        """Held by whoever gives a place to an engine or takes it away."""
        self.closing = False
        self._changed = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()

    def snapshot(self, without: Collection[str] = ()) -> Snapshot:
        """What the policy may look at, now. without: devices that are out of the question."""
        engines = self.by_id.values()
        residents = tuple(replace(each.resident, regret=self._regret(each)) for each in engines if each.device)
        return Snapshot(self.rooms.read(engines, without), residents)

    def arrived(self, engine: Engine, worker: Worker, seconds: float, before: Memory | None) -> None:
        """A worker has loaded its engine in so many seconds. before: what its GPU showed until then."""
        used = fell = 0
        if not engine.device.startswith("cpu"):
            after = self.rooms.memory(engine.device)
            fell = before.free - after.free if before and after else 0
            used = self.rooms.devices.used_by(worker.pid).get(engine.device, 0)
        self.chronicle.arrived(engine, worker, seconds, used, fell)
        worker.exited.add_done_callback(lambda exited: self._gone(engine, worker, exited))

    async def evict(self, engine: Engine, why: str) -> None:
        """End a worker; it comes to its end even when whoever wanted that has left. Hold `placing`."""
        if engine.worker is None:
            return
        _LOGGER.info("Evicting %s from %s (%.0f MB): %s", engine.id, engine.device, engine.bytes / 1e6, why)
        worker, engine.worker, engine.leaving = engine.worker, None, True
        ending = asyncio.create_task(self._end(engine, worker), name=f"end {engine.id}")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        await asyncio.shield(ending)

    async def clear(self, device: str) -> None:
        """Evict every idle engine of a device that has run full, and wait until it shows their memory."""
        before, size = self.rooms.memory(device), 0
        async with self.placing:
            for engine in self.by_id.values():
                if engine.device == device and engine.worker and engine.resident.idle:
                    size += engine.bytes
                    await self.evict(engine, f"{device} is full")

        def shown() -> bool:
            now = self.rooms.memory(device)
            return not (before and now) or now.free - before.free >= size * MEMORY_BACK_SHARE

        if size and not await self.rooms.in_a_while(shown):
            _LOGGER.warning("%s does not show the memory of the engines that left it; trying all the same", device)

    async def close(self) -> None:
        """End every worker."""
        await asyncio.gather(*(self.evict(engine, "the server stops") for engine in self.by_id.values()))
        await asyncio.gather(*self._ending)

    def notify(self) -> None:
        """Something has changed that whoever waits for memory may want to look at."""
        self._changed.set()

    def look(self) -> None:
        """From here on `change` waits for what is new."""
        self._changed.clear()

    async def change(self, seconds: float) -> None:
        """Wait until an engine comes or goes, or so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _end(self, engine: Engine, worker: Worker) -> None:
        try:
            await worker.stop()
        finally:
            self._vacate(engine)
            engine.leaving = False

    def _gone(self, engine: Engine, worker: Worker, exited: asyncio.Future[str]) -> None:
        """A worker has ended: expected when it was evicted, else a death."""
        if engine.worker is not worker:
            return
        self._vacate(engine)
        if not self.closing:
            reason = "cancelled" if exited.cancelled() else exited.result()
            self.chronicle.died(engine, reason)
            _LOGGER.error("%s (pid %d) died: %s; %d in a row", engine.id, worker.pid, reason, engine.deaths)

    def _vacate(self, engine: Engine) -> None:
        """Its process is gone."""
        self.rooms.left(engine.device)
        engine.worker, engine.device, engine.bytes = None, "", 0
        self.notify()
