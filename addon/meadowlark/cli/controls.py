"""What the control socket sets off, carried out by the house."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from ..enrolment import Enrolment, OwnVoice, Wish
from ..errors import MeadowlarkError
from ..residency.engine import Engine
from ..server.control import EngineState
from .wiring import House

_LOGGER = logging.getLogger(__name__)


class HouseControls:
    """server.control.Controls over a House."""

    def __init__(self, house: House) -> None:
        self._house = house
        shelves = house.store.shelves
        self._enrolment = Enrolment(shelves.voices, shelves.models.parent)

    async def yield_memory(self, wanted: int, device: str) -> int:
        """Let idle engines go until so many bytes are free; the bytes proven back."""
        return await self._house.keeper.yield_memory(wanted, device)

    def prewarm(self, name: str) -> str:
        """Begin to load the engine of an engine's or a voice's name; its id. Raises VoiceError."""
        engine = self._house.catalog.named(name).manifest.id
        self._house.supervisor.prewarm(engine)
        return engine

    def engines(self) -> Sequence[EngineState]:
        """Every engine."""
        return [self._state(each) for each in self._house.supervisor.engines]

    async def tidy(self) -> None:
        """Remove what a killed server has left of voices that were being enrolled."""
        try:
            await asyncio.to_thread(self._enrolment.sweep)
        except MeadowlarkError as error:
            _LOGGER.warning("What was left of enrolments stays: %s", error)

    async def voices(self) -> Sequence[OwnVoice]:
        """The user's reference voices."""
        return await asyncio.to_thread(self._enrolment.voices, self._house.registry)

    async def enroll(self, wish: Wish, recording: Path) -> OwnVoice:
        """Check a recording, keep a copy of it and offer the voice at once. Raises RequestError, MeadowlarkError."""
        name = await self._enrolment.add(wish, recording, self._house.registry)
        await self._house.rediscover()
        added = next((each for each in await self.voices() if each.name == name), OwnVoice(name, wish.text))
        _LOGGER.info("Enrolled the voice %s; it is used by %s", name, ", ".join(added.used_by) or "no engine")
        return added

    async def forget(self, name: str) -> int:
        """Remove a reference voice. Raises VoiceError, MeadowlarkError."""
        count = await asyncio.to_thread(self._enrolment.remove, name)
        await self._house.rediscover()
        _LOGGER.info("Removed the voice %s", name)
        return count

    def _state(self, engine: Engine) -> EngineState:
        rests = self._house.supervisor.resting(engine.id)
        return EngineState(
            engine.id,
            "resident" if engine.ready else "loading" if engine.loading else "resting" if rests else "absent",
            device=engine.device,
            bytes=engine.bytes,
            leases=engine.leases,
            pinned=engine.pinned,
            idle_seconds=0.0 if engine.leases or not engine.ready else time.monotonic() - engine.last_used,
            deaths=engine.deaths,
            last_death=engine.last_death,
            rests_seconds=rests,
        )
