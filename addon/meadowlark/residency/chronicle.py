"""What engines are remembered by: what their loads took, how fast they spoke, how often they died in a row.

All of it goes to the ledger, and what an engine is to do about it now (how long it rests, how much it takes) to the
engine itself. Carries nothing out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..worker.messages import Done
from .engine import Engine, Worker
from .gpus import bytes_held
from .ledger import Ledger
from .policy import restart_pause

_LOGGER = logging.getLogger(__name__)

QUARANTINE_DEATHS = 3
"""So many deaths in a row are told to clients: two may be one bad sentence and its retry."""


class Chronicle:
    """Of all engines of a server."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        on_health: Callable[[], None],
    ) -> None:
        """on_health: called when an engine has been quarantined or has recovered."""
        self.ledger = ledger
        self._clock = clock
        self._wall_clock = wall_clock
        self._on_health = on_health

    def recall(self, engine: Engine) -> None:
        """Deaths in a row outlive the server, and so does the pause after them."""
        death = self.ledger.death(engine.id)
        if death and death.in_a_row:
            engine.deaths, engine.last_death = death.in_a_row, death.reason
            rest = min(death.rests_until - self._wall_clock(), restart_pause(death.in_a_row))
            engine.rests_until = self._clock() + max(0.0, rest)

    def resting(self, engine: Engine) -> float:
        """Seconds until an engine that has died may be started again; 0 = it may."""
        return max(0.0, engine.rests_until - self._clock())

    def arrived(self, engine: Engine, worker: Worker, seconds: float, used: int, fell: int) -> None:
        """A worker has loaded its engine in so many seconds. Of its GPU: bytes that it is seen to use, and by how many
        the free ones fell."""
        loaded, size, peak = worker.loaded, worker.loaded.memory_bytes, worker.loaded.peak_bytes
        if _on_gpu(engine):
            size = bytes_held(used, loaded.device_bytes, fell)
            engine.context_bytes = max(0, size - loaded.device_bytes)
            peak = max(size, loaded.device_peak_bytes + engine.context_bytes)
        self.ledger.record_load(
            engine.id,
            _kind(engine),
            bytes=size,
            load_seconds=seconds - loaded.warm_up_seconds,
            warm_up_seconds=loaded.warm_up_seconds,
            peak_bytes=peak,
        )
        engine.worker, engine.last_used = worker, self._clock()
        engine.turns.batching = engine.batching
        engine.bytes = size or engine.estimate.bytes
        _LOGGER.info("Loaded %s on %s in %.2f s (%.0f MB)", engine.id, engine.device, seconds, engine.bytes / 1e6)

    def spoken(self, engine: Engine, done: Done | None, chars: int) -> None:
        """A sentence is done: how fast it was, and that the engine is well."""
        if done and engine.device:
            held, peak = _held(done, engine)
            self.ledger.record_sentence(
                engine.id,
                _kind(engine),
                chars=chars,
                audio_seconds=done.audio_seconds,
                seconds=done.seconds,
                first_audio_seconds=done.first_audio_seconds,
                bytes=_needed(held, done.kept_bytes),
                peak_bytes=_needed(peak, done.kept_bytes),
                together=done.together,
            )
            engine.turns.batching = engine.batching
            if done.level:
                engine.heard(done.level)
            engine.bytes = held or engine.bytes
        was_quarantined = engine.deaths >= QUARANTINE_DEATHS
        engine.deaths = 0
        if self.ledger.record_recovery(engine.id) and was_quarantined:
            _LOGGER.info("%s has recovered", engine.id)
            self._on_health()

    def opened(self, engine: Engine, done: Done | None, seconds: float) -> None:
        """A voice has been opened ahead in so many seconds: the engine holds more now.

        Its peak says nothing of the next load: it comes once for each voice that is new.
        """
        engine.opened(seconds)
        if done and engine.device:
            engine.bytes = _held(done, engine)[0] or engine.bytes

    def died(self, engine: Engine, reason: str) -> None:
        """Its worker is gone, or it could not be loaded: it rests for a while."""
        engine.deaths += 1
        engine.last_death = reason
        pause = restart_pause(engine.deaths)
        engine.rests_until = self._clock() + pause
        now = self._wall_clock()
        self.ledger.record_death(engine.id, at=now, reason=reason, in_a_row=engine.deaths, rests_until=now + pause)
        if engine.deaths == QUARANTINE_DEATHS:
            self._on_health()


def _on_gpu(engine: Engine) -> bool:
    return not engine.device.startswith("cpu")


def _kind(engine: Engine) -> str:
    return engine.device.partition(":")[0]


def _held(done: Done, engine: Engine) -> tuple[int, int]:
    """Bytes on its device after a job, and the most during it; 0 = not measured."""
    if _on_gpu(engine):
        return _with_context(done.device_bytes, engine), _with_context(done.device_peak_bytes, engine)
    return done.memory_bytes, done.peak_bytes


def _with_context(size: int, engine: Engine) -> int:
    """What an allocator holds and the context around it; 0 = not measured."""
    return size + engine.context_bytes if size else 0


def _needed(size: int, kept: int) -> int:
    """What the next load would take: without what the engine holds because there is room; 0 = not measured."""
    return max(1, size - kept) if size else 0
