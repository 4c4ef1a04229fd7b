"""Looks after the residents: lets go for neighbours and when nobody needs them, brings back what will be needed.

Once a second, in the background. The policies decide; the supervisor evicts and loads; the ledger is kept on disk.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from .devices import Memory
from .engine import Engine
from .idle import VICTIM_SECONDS, Pattern, bring_back, regret, release, restored, stored
from .ledger_file import LedgerFile, encode
from .neighbours import Sample, enough, yields
from .policy import Resident
from .supervisor import Supervisor

_LOGGER = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between looks at the devices' memory: two in the two seconds within which a neighbour must get its room."""

IDLE_LOOKS = 15
"""Looks between thoughts about idle engines."""

SAVE_LOOKS = 60
FIRST_SAVE_LOOKS = 10
"""Looks between saves of the ledger; the first comes early, so that `meadowlark engines` has something to show."""

SAMPLES = 8
PROOF_POLL = 0.05
PROOF_SECONDS = 5.0
"""For a device to show the memory of who has gone; NVML lags by up to 2 s."""

HABIT = "habit."
"""Prefix of an engine's use pattern among its lists in the ledger."""


def local_time() -> float:
    """Wall-clock seconds where the house stands: breakfast stays at breakfast time when the clocks change."""
    now = time.time()
    return now + time.localtime(now).tm_gmtoff


class Keeper:
    """One for a supervisor."""

    def __init__(
        self,
        supervisor: Supervisor,
        file: LedgerFile | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        local_clock: Callable[[], float] = local_time,
    ) -> None:
        self._supervisor = supervisor
        self._file = file
        self._clock = clock
        self._local_clock = local_clock
        self._samples: dict[str, deque[Sample]] = {}
        self._holdings: dict[str, tuple[str, ...]] = {}
        self._writing: asyncio.Future[bool] | None = None
        self._complained = False
        supervisor.on_use = self.used
        supervisor.regret = self.regret
        for engine in supervisor.engines:
            engine.pattern = _recall(supervisor.ledger.extra(engine.id)) or engine.pattern

    async def run(self) -> None:
        """Until cancelled; what goes wrong in one look is logged, and the next one goes on."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            looks += 1
            try:
                await self.look()
                if looks % IDLE_LOOKS == 0:
                    await self.tidy()
                if looks % SAVE_LOOKS == 0 or looks == FIRST_SAVE_LOOKS:
                    await self.save()
            except Exception:
                if not self._complained:  # once a second would bury all else
                    _LOGGER.exception("The residents could not be looked after; going on")
                self._complained = True
            else:
                self._complained = False

    def used(self, engine: Engine) -> None:
        """An engine is asked for: learn the hour."""
        engine.pattern = engine.pattern.learn(self._local_clock())

    def regret(self, engine: Engine) -> float:
        """Seconds that listeners are expected to wait for an engine soon if it goes now."""
        return regret(engine.habit(self._idle_since(engine)), self._local_clock(), VICTIM_SECONDS)

    async def look(self) -> None:
        """Read the devices; where a neighbour needs room, idle engines go before it fails."""
        readings = await asyncio.to_thread(self._supervisor.devices.read)  # NVML may take a quarter of a second
        for memory in readings:
            samples = self._samples.setdefault(memory.device, deque(maxlen=SAMPLES))
            samples.append(self._sample(memory))
            here = [each for each in self._supervisor.engines if each.device == memory.device]
            staying = [each.resident for each in here if not each.leaving]
            chosen = yields(
                samples,
                staying,
                reserve=self._supervisor.rooms.budget.reserve,
                coming=sum(each.bytes for each in here if each.leaving),
            )
            await self._let_go(chosen, f"others need {memory.device}, {memory.free / 1e6:.0f} MB were free")
            over = self._supervisor.rooms.over_budget(self._supervisor.engines, memory.device)
            await self._let_go(enough(staying, over), f"engines hold {over / 1e6:.0f} MB more than their budget")

    async def tidy(self) -> None:
        """Let go of what nobody is likely to need soon; bring back what is."""
        if not any(engine.leases for engine in self._supervisor.engines):
            _trim()
        now = self._local_clock()
        idle = [
            each
            for each in self._supervisor.engines
            if each.ready and each.resident.idle and not each.manifest.last_resort  # it stands in for all, and is small
        ]
        chosen = release((each.habit(self._idle_since(each)) for each in idle), now)
        await self._let_go(chosen, "nobody is likely to need it soon")
        absent = [
            (each.need, each.habit(self._idle_since(each)))
            for each in self._supervisor.engines
            if not each.device and each.loading is None and not each.deaths and each.id not in chosen
        ]
        coming = bring_back(self._supervisor.snapshot(), absent, now)
        if coming:
            _LOGGER.info("Loading %s: at this hour it is likely to be asked for", coming.engine)
            self._supervisor.prewarm(coming.engine)

    async def save(self) -> None:
        """Write the ledger; a disk that does not take it costs a log line, never a reply."""
        if self._file is None:
            return
        for engine in self._supervisor.engines:
            self._supervisor.ledger.extra(engine.id).update(_remember(engine.pattern))
        if self._writing:  # whoever wanted that may have been cancelled; its thread goes on
            await asyncio.wait({self._writing})
        self._writing = asyncio.ensure_future(asyncio.to_thread(self._file.write, encode(self._supervisor.ledger)))
        await asyncio.shield(self._writing)

    async def yield_memory(self, wanted: int, device: str = "") -> int:
        """Let idle engines go until so many bytes are back; the bytes that the devices prove. device: empty = any."""
        here = [each for each in self._supervisor.engines if each.device and device in ("", each.device)]
        residents = [each.resident for each in here if not each.leaving]
        before = await self._free(device)
        chosen = enough(residents, wanted)
        gone = await self._let_go(chosen, f"{wanted / 1e6:.0f} MB were asked back")
        expected = sum(each.bytes for each in residents if each.engine in gone)
        deadline = self._clock() + PROOF_SECONDS
        while gone:
            back = max(0, await self._free(device) - before)
            if back >= min(wanted, expected) or self._clock() >= deadline:
                return back
            await asyncio.sleep(PROOF_POLL)
        return 0

    async def _free(self, device: str) -> int:
        readings = await asyncio.to_thread(self._supervisor.devices.read)
        return sum(each.free for each in readings if device in ("", each.device))

    async def _let_go(self, chosen: Sequence[str], why: str) -> list[str]:
        """End those that are still idle; who has gone."""
        gone = await asyncio.gather(*(self._supervisor.evict(each, why) for each in chosen))
        return [each for each, done in zip(chosen, gone, strict=True) if done]

    def _sample(self, memory: Memory) -> Sample:
        """A reading, and what we held then; not steady when engines have come or gone since the last one.

        NVML shows the memory of who has gone only after a while, and a reading takes a moment in which engines may go:
        their memory would look like a neighbour's.
        """
        here: list[Resident] = []
        steady = True
        for each in self._supervisor.engines:
            if each.device == memory.device:
                here.append(each.resident)
                steady &= each.ready and not each.leaving
        names = tuple(each.engine for each in here)
        steady &= self._holdings.get(memory.device, names) == names
        self._holdings[memory.device] = names
        return Sample(self._clock(), memory.free, sum(each.bytes for each in here), steady)

    def _idle_since(self, engine: Engine) -> float:
        return self._local_clock() - (self._clock() - engine.last_used)


def _trim() -> None:
    """Give memory that a crowd of listeners has left behind back to the machine: glibc keeps it otherwise."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        pass


def _remember(pattern: Pattern) -> dict[str, list[float]]:
    """The pattern as the ledger holds it: lists of numbers, -1 for none."""
    lists = {
        key: value if isinstance(value, list) else [-1.0 if value is None else value]
        for key, value in stored(pattern).items()
    }
    return {HABIT + key: value for key, value in lists.items()}


def _recall(extra: dict[str, list[float]]) -> Pattern | None:
    """The pattern that the ledger holds; None when it holds none that can be used."""
    found = {key.removeprefix(HABIT): value for key, value in extra.items() if key.startswith(HABIT)}
    if not found:
        return None
    try:
        single = {key: found[key][0] for key in ("day", "last_used")}
        last = single["last_used"]
        return restored({**found, **single, "last_used": None if last < 0 or not math.isfinite(last) else last})
    except (KeyError, IndexError, ValueError) as error:
        _LOGGER.warning("A learned use pattern cannot be read (%s); it is learned anew", error)
        return None
