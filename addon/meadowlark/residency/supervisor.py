"""Keeps engines resident in their workers: carries out what the policies decide.

Knows nothing of text, Wyoming or voices. An engine is loaded when it is leased, stays while there is room, and is
started again when it dies. What goes of its own accord, for neighbours or because nobody needs it, is keeper.py's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

from ..api import EngineManifest, Utterance
from ..errors import LoadError, RefusedError, WorkerError
from ..schedule.alternating import AlternatingTurns
from ..schedule.policy import pick
from ..schedule.queue import Pick, Turns
from ..worker.patience import patience
from ..worker.process import Launch
from .chronicle import QUARANTINE_DEATHS, Chronicle
from .devices import Devices, Memory
from .engine import Engine, Worker
from .lease import Lease
from .ledger import Ledger
from .policy import Decision, Load, Need, Refuse, Snapshot, Use, Wait, decide
from .rooms import MEMORY_BACK_POLL, MEMORY_BACK_SHARE, Rooms
from .rooms import Budget as Budget

_LOGGER = logging.getLogger(__name__)

LONGEST_REST = 3.0
"""A listener waits so many seconds for an engine that rests after deaths; beyond that it is refused."""

SESSION_SECONDS = 480.0
"""Of disuse, after which a request begins a session: how early its load began tells what a reload would cost."""

SHORTEST_PATIENCE = 3.0
"""Seconds of silence after which even a fast engine counts as hung: a new worker takes 20 ms, a satellite waits 5 s."""

FIRST_PATIENCE = 10.0
"""The same before a new worker's first sentence is done, of an engine known for its speed."""

LOAD_PATIENCE = 30.0
LOAD_MARGIN = 10.0
"""A load of so many seconds, and so many times what it usually takes, has hung: a cold disk is slow, not dead."""

GONE_SECONDS = 30.0
"""A killed process that is there for longer is held by its driver, perhaps for ever."""

LOOK_AGAIN_SECONDS = 1.0
"""An engine that waits for memory looks again after so long: no neighbour tells that it has gone."""

Start = Callable[[Launch], Coroutine[Any, Any, Worker]]


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
        self.make_room: Callable[[str, int], Coroutine[Any, Any, int]] | None = None
        """Asks neighbours for bytes on a device kind before an engine goes elsewhere or is refused; what came back."""
        self._start = start
        self._clock = clock
        self._chronicle = Chronicle(self.ledger, clock, wall_clock, lambda: self.on_health())
        self._choose = choose
        self._engines: dict[str, Engine] = {}
        self._placing = asyncio.Lock()
        self._changed = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()
        self._closing = False

    def install(self, launches: Iterable[tuple[EngineManifest, Launch]], *, pinned: Iterable[str] = ()) -> None:
        """Make engines known; those known before keep their worker."""
        for manifest, launch in launches:
            engine = self._engines.get(manifest.id)
            if engine:
                engine.manifest, engine.launch = manifest, launch
            else:
                self._engines[manifest.id] = self._remembered(manifest, launch)
        for each in pinned:
            self._engines[each].pinned = True
        self.rooms.check_budget()

    @property
    def engines(self) -> tuple[Engine, ...]:
        """For those who show them, and the keeper."""
        return tuple(self._engines.values())

    def engine(self, engine_id: str) -> Engine:
        """One of them; KeyError."""
        return self._engines[engine_id]

    @property
    def quarantined(self) -> dict[str, str]:
        """Engine id → why it is not trusted now."""
        return {
            each.id: f"died {each.deaths} times in a row: {each.last_death}"
            for each in self._engines.values()
            if each.deaths >= QUARANTINE_DEATHS
        }

    @contextmanager
    def lease(self, engine_id: str) -> Iterator[Lease]:
        """Hold an engine; its load begins now, before there is anything to say."""
        engine = self._engines[engine_id]
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
            self._notify()

    def prewarm(self, engine_id: str) -> None:
        """Begin to load an engine, if it is not there."""
        engine = self._engines[engine_id]
        if not engine.ready and engine.loading is None and not self._closing:
            engine.loading = asyncio.create_task(self._load(engine), name=f"load {engine_id}")
            engine.loading.add_done_callback(lambda task: self._loaded(engine, task))

    async def first_ready(self, engine_ids: Sequence[str]) -> str | None:
        """Begin to load these engines; the first that can speak, None when none can be loaded."""
        for each in engine_ids:
            self.prewarm(each)
        engines = [self._engines[each] for each in engine_ids]
        while True:
            ready = next((each.id for each in engines if each.ready), None)
            loading = {each.loading for each in engines if each.loading}
            if ready or not loading:
                return ready
            await asyncio.wait(loading, return_when=asyncio.FIRST_COMPLETED)

    def resting(self, engine_id: str) -> float:
        """Seconds until an engine that has died may be started again; 0 = it may."""
        return self._chronicle.resting(self._engines[engine_id])

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
        engine = self._engines[engine_id]
        if not engine.worker or not engine.ready or any(each.leases for each in self._engines.values()):
            return False
        engine.leases += 1  # it is not evicted meanwhile
        try:
            await engine.worker.prepare(utterance)
        except WorkerError as error:
            _LOGGER.info("%s could not be opened ahead: %s", utterance.voice.id, error)
        finally:
            engine.leases -= 1
            self._notify()
        return True

    async def replace(self, engine: Engine) -> None:
        """End a worker that is not to be trusted any more; the next sentence gets a new one."""
        async with self._placing:
            await self._evict(engine, "it may be damaged")

    async def evict(self, engine_id: str, why: str) -> bool:
        """End an idle engine's worker; returns when its process is gone. False when it is no longer idle."""
        engine = self._engines[engine_id]
        async with self._placing:
            if not engine.worker or not engine.resident.idle:
                return False
            await self._evict(engine, why)
            return True

    async def close(self) -> None:
        """End every worker."""
        self._closing = True
        loading = [engine.loading for engine in self._engines.values() if engine.loading]
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)
        await asyncio.gather(*(self._evict(engine, "the server stops") for engine in self._engines.values()))
        await asyncio.gather(*self._ending)

    def snapshot(self, without: Collection[str] = ()) -> Snapshot:
        """What the policy may look at, now. without: devices that are out of the question."""
        residents = tuple(
            replace(engine.resident, regret=self.regret(engine)) for engine in self._engines.values() if engine.device
        )
        return Snapshot(self.rooms.read(self._engines.values(), without), residents)

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

    async def _load(self, engine: Engine) -> Worker:
        """Room for it, then its worker. Out of memory: once more with every idle engine gone, then the next device."""
        if engine.worker:  # killed a moment ago: first its memory comes back
            await asyncio.wait({engine.worker.exited}, timeout=GONE_SECONDS)
            if engine.worker:
                raise LoadError(engine.id, f"its process {engine.worker.pid} was killed and does not end")
        await self._rest(engine)
        full: list[str] = []
        while True:
            device = await self._place(engine, without=[each for each in full if full.count(each) > 1])
            begun = self._clock()
            before = self.rooms.memory(device)
            spare = self.rooms.spare(self._engines.values(), device)
            launch = replace(engine.launch, device=device, visible=before.uuid if before else "", spare_bytes=spare)
            try:
                worker = await self._in_time(engine, self._start(launch))
            except LoadError as error:
                engine.device = ""
                if not error.out_of_memory:
                    raise
                full.append(device)
                _LOGGER.warning("%s ran out of memory on %s: %s", engine.id, device, error)
                if full.count(device) > 1:  # so that those who ask on do not clear the device again and again
                    self._chronicle.died(engine, f"it ran out of memory on {device}")
                else:
                    await self._clear(device)
                    await self._ask_neighbours(engine.need, device.partition(":")[0])
            except BaseException:
                engine.device = ""
                raise
            else:
                self._arrived(engine, worker, self._clock() - begun, before)
                return worker

    async def _in_time(self, engine: Engine, start: Coroutine[Any, Any, Worker]) -> Worker:
        """A load, given up when it takes far longer than it ever has; one never measured has all the time it wants."""
        known = engine.estimate
        usual = known.load_seconds + known.warm_up_seconds
        limit = max(LOAD_PATIENCE, LOAD_MARGIN * usual) if known.loads else None
        try:
            async with asyncio.timeout(limit):
                return await start
        except TimeoutError:
            raise LoadError(engine.id, f"hung: loading takes {usual:.1f} s, not more than {limit:.0f} s") from None

    async def _rest(self, engine: Engine) -> None:
        """Wait out the pause after deaths."""
        pause = self.resting(engine.id)
        if pause > LONGEST_REST:
            raise RefusedError(
                f"{engine.id} died {engine.deaths} times in a row ({engine.last_death}) and is tried again "
                f"in {pause:.0f} s. Choose another voice meanwhile; the log says more."
            )
        if pause > 0:
            await asyncio.sleep(pause)

    async def _place(self, engine: Engine, without: Collection[str]) -> str:
        """Find room for an engine, making it where the policy says so; the device's id. Raises RefusedError."""
        need = engine.need
        asked, told = self.make_room is None, False
        while True:
            self._changed.clear()
            async with self._placing:
                decision = decide(self.snapshot(without), need)
                last_word = asked or _is_first_choice(decision, need)
                if isinstance(decision, Load) and last_word and await self._took(engine, decision):
                    engine.device = decision.device
            if engine.device and not engine.leaving:
                if await self._has_room(engine):
                    return engine.device
                engine.device = ""  # a neighbour was faster: another look
            elif not last_word:
                asked = True
                await self._ask_neighbours(need)
            elif isinstance(decision, Refuse) and not self.rooms.may_come_back():
                tried = f" after running out of memory on {', '.join(sorted(set(without)))}" if without else ""
                raise RefusedError(f"{engine.id} cannot be loaded{tried}: {decision.reason}.")
            elif not isinstance(decision, Load):
                if isinstance(decision, Wait) and not told:
                    told = True
                    _LOGGER.info("%s waits for memory: %s speaking", engine.id, ", ".join(decision.busy))
                if not engine.leases:
                    raise RefusedError(f"{engine.id}: nobody waits for it any more.")
                await self._change(MEMORY_BACK_POLL if isinstance(decision, Refuse) else LOOK_AGAIN_SECONDS)

    async def _took(self, engine: Engine, decision: Load) -> bool:
        """Evict who stands in the way; False when one of them has been leased meanwhile."""
        for each in decision.evict:
            if not self._engines[each].resident.idle:
                return False
            await self._evict(self._engines[each], f"{engine.id} needs its place")
        return True

    async def _has_room(self, engine: Engine) -> bool:
        """Whether the device that an engine has been given shows its memory, perhaps only after a while."""

        others = [each for each in self._engines.values() if each is not engine]

        def shown() -> bool:
            here = next((each for each in self.rooms.read(others) if each.id == engine.device), None)
            return here is None or here.free >= dict(engine.need.bytes)[engine.kind]

        return await self.rooms.in_a_while(shown)

    async def _change(self, seconds: float) -> None:
        """Wait until an engine comes or goes, or so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _ask_neighbours(self, need: Need, kind: str = "") -> None:
        """Before an engine goes to its second choice: perhaps somebody on its first has room to give."""
        kind = kind or need.bytes[0][0]
        if self.make_room and any(memory.device.partition(":")[0] == kind for memory in self.devices.read()):
            await self.make_room(kind, dict(need.bytes)[kind] + self.rooms.budget.reserve)

    async def _clear(self, device: str) -> None:
        """Evict every idle engine of a device that has run full, and wait until it shows their memory."""
        before, size = self.rooms.memory(device), 0
        async with self._placing:
            for engine in self._engines.values():
                if engine.device == device and engine.worker and engine.resident.idle:
                    size += engine.bytes
                    await self._evict(engine, f"{device} is full")

        def shown() -> bool:
            now = self.rooms.memory(device)
            return not (before and now) or now.free - before.free >= size * MEMORY_BACK_SHARE

        if size and not await self.rooms.in_a_while(shown):
            _LOGGER.warning("%s does not show the memory of the engines that left it; trying all the same", device)

    async def _evict(self, engine: Engine, why: str) -> None:
        """End a worker; it comes to its end even when whoever wanted that has left."""
        if engine.worker is None:
            return
        _LOGGER.info("Evicting %s from %s (%.0f MB): %s", engine.id, engine.device, engine.bytes / 1e6, why)
        worker, engine.worker, engine.leaving = engine.worker, None, True
        ending = asyncio.create_task(self._end(engine, worker), name=f"end {engine.id}")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        await asyncio.shield(ending)

    async def _end(self, engine: Engine, worker: Worker) -> None:
        try:
            await worker.stop()
        finally:
            self._vacate(engine)
            engine.leaving = False

    def _vacate(self, engine: Engine) -> None:
        """Its process is gone."""
        self.rooms.left(engine.device)
        engine.worker, engine.device, engine.bytes = None, "", 0
        self._notify()

    def _arrived(self, engine: Engine, worker: Worker, seconds: float, before: Memory | None) -> None:
        """A worker has loaded its engine."""
        used = fell = 0
        if not engine.device.startswith("cpu"):
            after = self.rooms.memory(engine.device)
            fell = before.free - after.free if before and after else 0
            used = self.devices.used_by(worker.pid).get(engine.device, 0)
        self._chronicle.arrived(engine, worker, seconds, used, fell)
        worker.exited.add_done_callback(lambda exited: self._gone(engine, worker, exited))

    def _loaded(self, engine: Engine, task: asyncio.Task[Worker]) -> None:
        engine.loading = None
        self._notify()
        if not task.cancelled() and (error := task.exception()):
            _LOGGER.log(logging.ERROR if engine.leases else logging.INFO, "%s", error)
            if isinstance(error, LoadError):
                self._chronicle.died(engine, str(error).removeprefix(f"{engine.id}: "))

    def _gone(self, engine: Engine, worker: Worker, exited: asyncio.Future[str]) -> None:
        """A worker has ended: expected when it was evicted, else a death."""
        if engine.worker is not worker:
            return
        self._vacate(engine)
        if not self._closing:
            reason = "cancelled" if exited.cancelled() else exited.result()
            self._chronicle.died(engine, reason)
            _LOGGER.error("%s (pid %d) died: %s; %d in a row", engine.id, worker.pid, reason, engine.deaths)

    def _remembered(self, manifest: EngineManifest, launch: Launch) -> Engine:
        """An engine with what is remembered of it."""
        turns = AlternatingTurns(self._clock) if manifest.alternates else Turns(self._clock, self._choose)
        engine = Engine(manifest, launch, turns, self.ledger)
        self._chronicle.recall(engine)
        return engine

    def _notify(self) -> None:
        self._changed.set()


def _is_first_choice(decision: Decision, need: Need) -> bool:
    """Whether the engine gets a place on the kind of device that it wants most, without anybody's help."""
    match decision:
        case Use():
            return True
        case Load(device, _):
            return device.partition(":")[0] == need.bytes[0][0]
    return False
