"""How an engine comes: its rest after deaths, a place for it, its worker, and another try when memory runs out.

The policy decides who goes for it; residents.py ends those.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from typing import Any

from ..errors import LoadError, RefusedError
from ..worker.process import Launch
from .engine import Engine, Worker
from .policy import Decision, Load, Need, Refuse, Use, Wait, decide
from .residents import MakeRoom, Residents
from .rooms import MEMORY_BACK_POLL

_LOGGER = logging.getLogger(__name__)

LONGEST_REST = 3.0
"""A listener waits so many seconds for an engine that rests after deaths; beyond that it is refused."""

LOAD_PATIENCE = 30.0
LOAD_MARGIN = 10.0
"""A load of so many seconds, and so many times what it usually takes, has hung: a cold disk is slow, not dead."""

GONE_SECONDS = 30.0
"""A killed process that is there for longer is held by its driver, perhaps for ever."""

LOOK_AGAIN_SECONDS = 1.0
"""An engine that waits for memory looks again after so long: no neighbour tells that it has gone."""

Start = Callable[[Launch], Coroutine[Any, Any, Worker]]


class Loading:
    """Of the engines among these residents."""

    def __init__(
        self,
        start: Start,
        residents: Residents,
        clock: Callable[[], float],
        neighbours: Callable[[], MakeRoom | None],
    ) -> None:
        """neighbours: who is asked before an engine goes elsewhere or is refused, if anybody can be."""
        self._neighbours = neighbours
        self._start = start
        self._residents = residents
        self._rooms = residents.rooms
        self._clock = clock

    async def load(self, engine: Engine) -> Worker:
        """Room for it, then its worker. Out of memory: once more with every idle engine gone, then the next device.

        Raises LoadError, RefusedError.
        """
        if engine.worker:  # killed a moment ago: first its memory comes back
            await asyncio.wait({engine.worker.exited}, timeout=GONE_SECONDS)
            if engine.worker:
                raise LoadError(engine.id, f"its process {engine.worker.pid} was killed and does not end")
        await self._rest(engine)
        full: list[str] = []
        while True:
            device = await self._place(engine, without=[each for each in full if full.count(each) > 1])
            begun = self._clock()
            before = self._rooms.memory(device)
            spare = self._rooms.spare(self._residents.by_id.values(), device)
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
                    self._residents.chronicle.died(engine, f"it ran out of memory on {device}")
                else:
                    await self._residents.clear(device)
                    await self._ask_neighbours(engine.need, device.partition(":")[0])
            except BaseException:
                engine.device = ""
                raise
            else:
                self._residents.arrived(engine, worker, self._clock() - begun, before)
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
        pause = self._residents.chronicle.resting(engine)
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
        asked, told = self._neighbours() is None, False
        while True:
            self._residents.look()
            async with self._residents.placing:
                decision = decide(self._residents.snapshot(without), need)
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
            elif isinstance(decision, Refuse) and not self._rooms.may_come_back():
                tried = f" after running out of memory on {', '.join(sorted(set(without)))}" if without else ""
                raise RefusedError(f"{engine.id} cannot be loaded{tried}: {decision.reason}.")
            elif not isinstance(decision, Load):
                if isinstance(decision, Wait) and not told:
                    told = True
                    _LOGGER.info("%s waits for memory: %s speaking", engine.id, ", ".join(decision.busy))
                if not engine.leases:
                    raise RefusedError(f"{engine.id}: nobody waits for it any more.")
                await self._residents.change(MEMORY_BACK_POLL if isinstance(decision, Refuse) else LOOK_AGAIN_SECONDS)

    async def _took(self, engine: Engine, decision: Load) -> bool:
        """Evict who stands in the way; False when one of them has been leased meanwhile."""
        for each in decision.evict:
            other = self._residents.by_id[each]
            if not other.resident.idle:
                return False
            await self._residents.evict(other, f"{engine.id} needs its place")
        return True

    async def _has_room(self, engine: Engine) -> bool:
        """Whether the device that an engine has been given shows its memory, perhaps only after a while."""
        others = [each for each in self._residents.by_id.values() if each is not engine]

        def shown() -> bool:
            here = next((each for each in self._rooms.read(others) if each.id == engine.device), None)
            return here is None or here.free >= dict(engine.need.bytes)[engine.kind]

        return await self._rooms.in_a_while(shown)

    async def _ask_neighbours(self, need: Need, kind: str = "") -> None:
        """Before an engine goes to its second choice: perhaps somebody on its first has room to give."""
        kind = kind or need.bytes[0][0]
        make_room, readings = self._neighbours(), self._rooms.devices.read()
        if make_room and any(memory.device.partition(":")[0] == kind for memory in readings):
            await make_room(kind, dict(need.bytes)[kind] + self._rooms.budget.reserve)


def _is_first_choice(decision: Decision, need: Need) -> bool:
    """Whether the engine gets a place on the kind of device that it wants most, without anybody's help."""
    match decision:
        case Use():
            return True
        case Load(device, _):
            return device.partition(":")[0] == need.bytes[0][0]
    return False
