"""Keeps engines resident in their workers: carries out what the policies decide.

Knows nothing of text, Wyoming or voices. An engine is loaded when it is first leased, stays while there is room, and is
started again when it dies.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..api import EngineManifest, Utterance
from ..errors import LoadError, RefusedError, WorkerError
from ..schedule.policy import pick
from ..schedule.queue import Pick, Turns
from ..worker.messages import Loaded
from ..worker.patience import patience
from ..worker.process import Launch
from .devices import Devices
from .policy import Device, Load, Need, Refuse, Resident, Snapshot, Use, Wait, decide, restart_pause

_LOGGER = logging.getLogger(__name__)

ASSUMED_BYTES = 200_000_000
"""For an engine whose manifest says nothing about memory, until it has been measured."""

LONGEST_REST = 3.0
"""A listener waits so many seconds for an engine that rests after deaths; beyond that it is refused."""

SHORTEST_PATIENCE = 3.0
"""Seconds of silence after which even a fast engine counts as hung: a new worker takes 20 ms, a satellite waits 5 s."""

SPEED_WEIGHT = 0.3
"""Of the newest sentence in the running mean of seconds per character."""


class Worker(Protocol):
    """What the supervisor asks of worker.process.WorkerProcess."""

    @property
    def alive(self) -> bool: ...
    @property
    def pid(self) -> int: ...
    @property
    def exited(self) -> asyncio.Future[str]: ...
    @property
    def loaded(self) -> Loaded: ...
    def speak(self, utterance: Utterance, *, rate: int | None, patience: float) -> AsyncGenerator[bytes, None]: ...
    async def stop(self) -> None: ...


Start = Callable[[Launch], Coroutine[Any, Any, Worker]]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much memory engines may take, in bytes."""

    total: int = 0
    """All engines together on the CPU; 0 = what the machine has free, less the reserve."""

    reserve: int = 256_000_000
    """Left to everybody else on each device."""


class Engine:
    """One engine's state: its worker, its leases, its speed."""

    def __init__(self, manifest: EngineManifest, launch: Launch, turns: Turns) -> None:
        self.manifest = manifest
        self.launch = launch
        self.turns = turns
        self.pinned = False
        self.leases = 0
        self.last_used = 0.0
        self.device = ""
        """Where it is or is being loaded; empty = nowhere."""
        self.bytes = 0
        """Measured at its last load; 0 = never loaded."""
        self.worker: Worker | None = None
        self.loading: asyncio.Task[Worker] | None = None
        self.deaths = 0
        self.rests_until = 0.0
        self.last_death = ""
        self.seconds_per_char: float | None = None

    @property
    def ready(self) -> bool:
        """Whether it can speak at once."""
        return self.worker is not None and self.worker.alive

    @property
    def need(self) -> Need:
        """Bytes by device kind: measured where known, else the manifest's estimate; GPUs before the CPU."""
        stated = self.manifest.memory or {"cpu": ASSUMED_BYTES}
        known = {self.device.partition(":")[0]: self.bytes} if self.bytes else {}
        sizes = {kind: known.get(kind, size) for kind, size in stated.items()}
        return Need(self.manifest.id, tuple(sorted(sizes.items(), key=lambda item: item[0] == "cpu")))

    def learn(self, chars: int, seconds: float) -> None:
        """Remember how fast it speaks."""
        latest = seconds / max(1, chars)
        known = self.seconds_per_char
        self.seconds_per_char = latest if known is None else known + SPEED_WEIGHT * (latest - known)


class Lease:
    """A listener's hold on an engine: while it lasts, the engine is not evicted."""

    def __init__(self, supervisor: Supervisor, engine: Engine) -> None:
        self._supervisor = supervisor
        self._engine = engine

    async def speak(
        self, utterance: Utterance, *, rate: int | None = None, runs_dry_at: float | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The sentence as s16le mono, when its turn has come, as it comes. Consume it promptly: others wait.

        rate: Hz to resample to. runs_dry_at: when the listener will have heard all that was sent; None = nothing yet.
        A sentence that fails is spoken once more; when some of it was sent already, the second attempt goes on where
        the first one stopped (except on engines that sample, which never say it the same way twice).
        Raises LoadError, RefusedError, WorkerError.
        """
        engine = self._engine
        async with engine.turns.turn(runs_dry_at):
            sent = 0
            for last_attempt in (False, True):
                skip = sent
                try:
                    async with aclosing(self._supervisor.attempt(engine, utterance, rate)) as chunks:
                        async for chunk in chunks:
                            fresh = chunk[skip:]
                            skip -= len(chunk) - len(fresh)
                            if fresh:
                                sent += len(fresh)
                                yield fresh
                except WorkerError as error:
                    if last_attempt or (sent and engine.manifest.samples):
                        raise
                    _LOGGER.warning("%s; the sentence is tried once more", error)
                else:
                    return


class Supervisor:
    """All engines of this server."""

    def __init__(
        self,
        start: Start,
        devices: Devices,
        budget: Budget = Budget(),
        *,
        clock: Callable[[], float] = time.monotonic,
        choose: Pick = pick,
    ) -> None:
        self._start = start
        self._devices = devices
        self._budget = budget
        self._clock = clock
        self._choose = choose
        self._engines: dict[str, Engine] = {}
        self._placing = asyncio.Lock()
        self._changed = asyncio.Event()
        self._closing = False

    def install(self, launches: Iterable[tuple[EngineManifest, Launch]], *, pinned: Iterable[str] = ()) -> None:
        """Make engines known; those known before keep their worker."""
        for manifest, launch in launches:
            engine = self._engines.get(manifest.id)
            if engine:
                engine.manifest, engine.launch = manifest, launch
            else:
                self._engines[manifest.id] = Engine(manifest, launch, Turns(self._clock, self._choose))
        for each in pinned:
            self._engines[each].pinned = True

    @property
    def engines(self) -> tuple[Engine, ...]:
        """For those who show them."""
        return tuple(self._engines.values())

    @contextmanager
    def lease(self, engine_id: str) -> Iterator[Lease]:
        """Hold an engine; its load begins now, before there is anything to say."""
        engine = self._engines[engine_id]
        engine.leases += 1
        try:
            self.prewarm(engine_id)
            yield Lease(self, engine)
        finally:
            engine.leases -= 1
            engine.last_used = self._clock()
            self._notify()

    def prewarm(self, engine_id: str) -> None:
        """Begin to load an engine, if it is not there."""
        engine = self._engines[engine_id]
        if not engine.ready and engine.loading is None:
            engine.loading = asyncio.create_task(self._load(engine), name=f"load {engine_id}")
            engine.loading.add_done_callback(lambda task: self._loaded(engine, task))

    async def attempt(self, engine: Engine, utterance: Utterance, rate: int | None) -> AsyncGenerator[bytes, None]:
        """One try at a sentence, with a worker that is ready."""
        worker = await self._ready(engine)
        begun = time.monotonic()
        limit = patience(len(utterance.text), engine.seconds_per_char, floor=SHORTEST_PATIENCE)
        async with aclosing(worker.speak(utterance, rate=rate, patience=limit)) as chunks:
            async for chunk in chunks:
                yield chunk
        engine.learn(len(utterance.text), time.monotonic() - begun)
        engine.deaths = 0

    async def evict(self, engine_id: str) -> None:
        """End an engine's worker and wait until its memory is back."""
        async with self._placing:
            await self._evict(self._engines[engine_id])

    async def _evict(self, engine: Engine) -> None:
        if engine.worker:
            _LOGGER.info("Evicting %s from %s (%.0f MB)", engine.manifest.id, engine.device, engine.bytes / 1e6)
            worker, engine.worker = engine.worker, None
            await worker.stop()
            engine.device = ""
            self._notify()

    async def close(self) -> None:
        """End every worker."""
        self._closing = True
        loading = [engine.loading for engine in self._engines.values() if engine.loading]
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)
        await asyncio.gather(*(self._evict(engine) for engine in self._engines.values()))

    def snapshot(self) -> Snapshot:
        """What the policy may look at, now."""
        residents = tuple(
            Resident(
                engine.manifest.id,
                engine.device,
                engine.bytes or dict(engine.need.bytes).get(engine.device.partition(":")[0], 0),
                engine.leases + (engine.loading is not None),
                engine.last_used,
                engine.pinned,
            )
            for engine in self._engines.values()
            if engine.device
        )
        rooms = (self._room(memory.device, memory.free, residents) for memory in self._devices.read())
        return Snapshot(tuple(rooms), residents)

    def _room(self, device: str, free: int, residents: tuple[Resident, ...]) -> Device:
        """What engines may still take on a device, and what they could take in all.

        An engine that is being loaded counts in full, though the device still shows its memory as free, or part of it.
        """
        here = [each for each in residents if each.device == device]
        taken = sum(each.bytes for each in here)
        coming = sum(each.bytes for each in here if not self._engines[each.engine].ready)
        room, capacity = free - coming - self._budget.reserve, free + taken - coming - self._budget.reserve
        if self._budget.total and device == "cpu":
            room, capacity = min(room, self._budget.total - taken), min(capacity, self._budget.total)
        return Device(device, max(0, room), max(0, capacity))

    async def _ready(self, engine: Engine) -> Worker:
        """A living worker; waits for its load. Raises LoadError, RefusedError."""
        while not (engine.worker and engine.worker.alive):
            self.prewarm(engine.manifest.id)
            assert engine.loading
            await asyncio.shield(engine.loading)  # a listener who leaves must not end the load that others wait for
        return engine.worker

    async def _load(self, engine: Engine) -> Worker:
        if engine.worker:
            await asyncio.wait({engine.worker.exited})  # killed a moment ago: first its memory comes back
        await self._rest(engine)
        device = await self._place(engine)
        begun = self._clock()
        try:
            worker = await self._start(replace(engine.launch, device=device))
        except BaseException:
            engine.device = ""
            raise
        engine.worker, engine.bytes, engine.last_used = worker, worker.loaded.memory_bytes, self._clock()
        worker.exited.add_done_callback(lambda exited: self._gone(engine, worker, exited))
        _LOGGER.info(
            "Loaded %s on %s in %.2f s (%.0f MB)", engine.manifest.id, device, self._clock() - begun, engine.bytes / 1e6
        )
        return worker

    async def _rest(self, engine: Engine) -> None:
        """Wait out the pause after deaths."""
        pause = engine.rests_until - self._clock()
        if pause > LONGEST_REST:
            raise RefusedError(
                f"{engine.manifest.id} died {engine.deaths} times in a row ({engine.last_death}) and is tried again "
                f"in {pause:.0f} s. Choose another voice meanwhile; the log says more."
            )
        if pause > 0:
            await asyncio.sleep(pause)

    async def _place(self, engine: Engine) -> str:
        """Find room for an engine, making it where the policy says so; the device's id. Raises RefusedError."""
        while True:
            self._changed.clear()
            async with self._placing:
                match decide(self.snapshot(), engine.need):
                    case Load(device, evict):
                        for each in evict:
                            await self._evict(self._engines[each])
                        engine.device = device
                        return device
                    case Use():
                        return engine.device
                    case Refuse(reason):
                        raise RefusedError(f"{engine.manifest.id} cannot be loaded: {reason}.")
                    case Wait(busy):
                        _LOGGER.info("%s waits for memory: %s speaking", engine.manifest.id, ", ".join(busy))
            if not engine.leases:
                raise RefusedError(f"{engine.manifest.id}: nobody waits for it any more.")
            await self._changed.wait()

    def _loaded(self, engine: Engine, task: asyncio.Task[Worker]) -> None:
        engine.loading = None
        self._notify()
        if not task.cancelled() and (error := task.exception()):
            _LOGGER.error("%s", error)
            if isinstance(error, LoadError):
                self._count_death(engine, "it could not be loaded")

    def _gone(self, engine: Engine, worker: Worker, exited: asyncio.Future[str]) -> None:
        """A worker has ended: expected when it was evicted, else a death."""
        if engine.worker is not worker:
            return
        engine.worker, engine.device = None, ""
        if not self._closing:
            reason = "cancelled" if exited.cancelled() else exited.result()
            self._count_death(engine, reason)
            _LOGGER.error("%s (pid %d) died: %s; %d in a row", engine.manifest.id, worker.pid, reason, engine.deaths)
        self._notify()

    def _count_death(self, engine: Engine, reason: str) -> None:
        engine.deaths += 1
        engine.last_death = reason
        engine.rests_until = self._clock() + restart_pause(engine.deaths)

    def _notify(self) -> None:
        self._changed.set()
