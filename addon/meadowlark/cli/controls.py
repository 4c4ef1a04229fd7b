"""What the control socket sets off, carried out by the house."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..residency.engine import Engine
from ..server.control import EngineState
from .wiring import House


class HouseControls:
    """server.control.Controls over a House."""

    def __init__(self, house: House) -> None:
        self._house = house

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
