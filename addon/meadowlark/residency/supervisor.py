"""Keeps engines resident in their workers: an engine is loaded when it is leased, and started again when it dies.

Knows nothing of text, Wyoming or voices. How an engine comes is loading.py's, how it goes residents.py's; what goes of
its own accord, for neighbours or because nobody needs it, keeper.py's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager

from ..api import EngineManifest, Utterance
from ..errors import LoadError, RefusedError, WorkerError
from ..schedule.alternating import AlternatingTurns
from ..schedule.policy import pick
from ..schedule.queue import Pick, Turns
from ..worker.patience import patience
from ..worker.process import Launch
from .chronicle import QUARANTINE_DEATHS, Chronicle
from .devices import Devices
from .engine import Engine, Worker
from .lease import Lease
from .ledger import Ledger
from .loading import LONGEST_REST as LONGEST_REST
from .loading import Loading, Start
from .policy import Snapshot
from .residents import MakeRoom, Residents
from .rooms import Budget as Budget
from .rooms import Rooms

_LOGGER = logging.getLogger(__name__)

SESSION_SECONDS = 480.0
"""Of disuse, after which a request begins a session: how early its load began tells what a reload would cost."""

SHORTEST_PATIENCE = 3.0
"""Seconds of silence after which even a fast engine counts as hung: a new worker takes 20 ms, a satellite waits 5 s."""

FIRST_PATIENCE = 10.0
"""The same before a new worker's first sentence is done, of an engine known for its speed."""


class Supervisor:
    """All engines of this server."""

    def __init__(
        self,
        start: Start,
        devices: Devices,
        budget: Budget | None = None,
        ledger: Ledger | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        choose: Pick = pick,
    ) -> None:
        self.devices = devices
        self.rooms = Rooms(devices, budget or Budget(), clock)
        self.ledger = ledger or Ledger()
        self.on_health: Callable[[], None] = lambda: None
        """Called when an engine has been quarantined or has recovered."""
        self.on_use: Callable[[Engine], None] = lambda _: None
        """Called when an engine is leased."""
        self.regret: Callable[[Engine], float | None] = lambda _: None
        """Seconds that listeners are expected to wait for an engine if it goes (idle.regret)."""
        self.make_room: MakeRoom | None = None
        """Asks neighbours for bytes on a device kind before an engine goes elsewhere or is refused; what came back."""
        self._clock = clock
        self._chronicle = Chronicle(self.ledger, clock, wall_clock, lambda: self.on_health())
        self._residents = Residents(self.rooms, self._chronicle, lambda engine: self.regret(engine))
        self._loading = Loading(start, self._residents, clock, lambda: self.make_room)
        self._choose = choose

    def install(self, launches: Iterable[tuple[EngineManifest, Launch]], *, pinned: Iterable[str] = ()) -> None:
        """Make engines known; those known before keep their worker."""
        for manifest, launch in launches:
            engine = self._residents.by_id.get(manifest.id)
            if engine:
                engine.manifest, engine.launch = manifest, launch
            else:
                self._residents.by_id[manifest.id] = self._remembered(manifest, launch)
        for each in pinned:
            self._residents.by_id[each].pinned = True
        self.rooms.check_budget()

    @property
    def engines(self) -> tuple[Engine, ...]:
        """For those who show them, and the keeper."""
        return tuple(self._residents.by_id.values())

    def engine(self, engine_id: str) -> Engine:
        """One of them; KeyError."""
        return self._residents.by_id[engine_id]

    @property
    def quarantined(self) -> dict[str, str]:
        """Engine id → why it is not trusted now."""
        return {
            each.id: f"died {each.deaths} times in a row: {each.last_death}"
            for each in self.engines
            if each.deaths >= QUARANTINE_DEATHS
        }

    @contextmanager
    def lease(self, engine_id: str) -> Iterator[Lease]:
        """Hold an engine; its load begins now, before there is anything to say."""
        engine = self.engine(engine_id)
        begins_session = not engine.leases and self._clock() - engine.last_used > SESSION_SECONDS
        engine.leases += 1
        lease = Lease(self, engine, self._clock, begins_session)
        try:
            self.on_use(engine)
            self.prewarm(engine_id)
            yield lease
        finally:
            engine.turns.will_not_return(lease)
            engine.leases -= 1
            engine.last_used = self._clock()
            self._residents.notify()

    def prewarm(self, engine_id: str) -> None:
        """Begin to load an engine, if it is not there."""
        engine = self.engine(engine_id)
        if not engine.ready and engine.loading is None and not self._residents.closing:
            engine.loading = asyncio.create_task(self._loading.load(engine), name=f"load {engine_id}")
            engine.loading.add_done_callback(lambda task: self._loaded(engine, task))

    async def first_ready(self, engine_ids: Sequence[str]) -> str | None:
        """Begin to load these engines; the first that can speak, None when none can be loaded."""
        for each in engine_ids:
            self.prewarm(each)
        engines = [self.engine(each) for each in engine_ids]
        while True:
            ready = next((each.id for each in engines if each.ready), None)
            loading = {each.loading for each in engines if each.loading}
            if ready or not loading:
                return ready
            await asyncio.wait(loading, return_when=asyncio.FIRST_COMPLETED)

    def resting(self, engine_id: str) -> float:
        """Seconds until an engine that has died may be started again; 0 = it may."""
        return self._chronicle.resting(self.engine(engine_id))

    async def attempt(
        self, engine: Engine, utterance: Utterance, rate: int | None, gain: float, dry_at: float | None
    ) -> AsyncGenerator[bytes, None]:
        """One try at a sentence, with a worker that is ready. dry_at: when its listener runs dry, None = a newcomer."""
        worker = await self._ready(engine)
        chars = len(utterance.text)
        pace, floor = engine.seconds_per_char(chars), SHORTEST_PATIENCE
        if pace is None and engine.estimate.sentences:
            pace, floor = engine.estimate.rtf(chars) * engine.estimate.pace * engine.slower, FIRST_PATIENCE
        limit = patience(chars, pace, floor=floor)
        speech = worker.speak(utterance, rate=rate, gain=gain, patience=limit, dry_at=dry_at)
        async with aclosing(speech) as chunks:
            async for chunk in chunks:
                yield chunk
        self._chronicle.spoken(engine, worker.last_done, chars)

    async def prepare(self, engine_id: str, utterance: Utterance) -> bool:
        """Have a resident engine open what an utterance needs; False = it is not there, or somebody listens now."""
        engine = self.engine(engine_id)
        if not engine.worker or not engine.ready or any(each.leases for each in self.engines):
            return False
        engine.leases += 1  # it is not evicted meanwhile
        engine.opens_since = begun = self._clock()
        try:
            done = await engine.worker.prepare(utterance)
            self._chronicle.opened(engine, done, self._clock() - begun)
        except WorkerError as error:
            _LOGGER.info("%s could not be opened ahead: %s", utterance.voice.id, error)
        finally:
            engine.opens_since = None
            engine.leases -= 1
            self._residents.notify()
        return True

    def opening(self, engine_id: str) -> float:
        """Seconds until an engine that opens a voice ahead can speak, as far as is known; 0 = it opens none."""
        return self.engine(engine_id).opening_left(self._clock())

    async def replace(self, engine: Engine) -> None:
        """End a worker that is not to be trusted any more; the next sentence gets a new one."""
        async with self._residents.placing:
            await self._residents.evict(engine, "it may be damaged")

    async def evict(self, engine_id: str, why: str) -> bool:
        """End an idle engine's worker; returns when its process is gone. False when it is no longer idle."""
        engine = self.engine(engine_id)
        async with self._residents.placing:
            if not engine.worker or not engine.resident.idle:
                return False
            await self._residents.evict(engine, why)
            return True

    async def close(self) -> None:
        """End every worker."""
        self._residents.closing = True
        loading = [engine.loading for engine in self.engines if engine.loading]
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)
        await self._residents.close()

    def snapshot(self) -> Snapshot:
        """What the policies may look at, now."""
        return self._residents.snapshot()

    async def _ready(self, engine: Engine) -> Worker:
        """A living worker; waits for its load. Raises LoadError, RefusedError."""
        while not (engine.worker and engine.worker.alive):
            self.prewarm(engine.id)
            loading = engine.loading
            if loading:
                await asyncio.wait({loading})  # a listener who leaves must not end the load that others wait for
            if loading is None or loading.cancelled():
                raise RefusedError("The server is shutting down.")
            loading.result()
        return engine.worker

    def _loaded(self, engine: Engine, task: asyncio.Task[Worker]) -> None:
        engine.loading = None
        self._residents.notify()
        if not task.cancelled() and (error := task.exception()):
            _LOGGER.log(logging.ERROR if engine.leases else logging.INFO, "%s", error)
            if isinstance(error, LoadError):
                self._chronicle.died(engine, str(error).removeprefix(f"{engine.id}: "))

    def _remembered(self, manifest: EngineManifest, launch: Launch) -> Engine:
        """An engine with what is remembered of it."""
        turns = AlternatingTurns(self._clock) if manifest.alternates else Turns(self._clock, self._choose)
        engine = Engine(manifest, launch, turns, self.ledger)
        self._chronicle.recall(engine)
        return engine
