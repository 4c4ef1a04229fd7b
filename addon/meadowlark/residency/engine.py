"""One engine's state: its worker, its leases, what is known of it. Only the supervisor and the keeper change it."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from ..api import EngineManifest, Utterance
from ..schedule.batch import Batching
from ..schedule.pieces import Speed
from ..schedule.queue import Turns
from ..worker.messages import Done, Loaded
from ..worker.process import Launch
from .idle import Habit, HeadStarts, Limit, Pattern
from .ledger import WINDOW, Estimate, Ledger
from .opening import seconds_left
from .policy import Need, Resident

ASSUMED_BYTES = 200_000_000
"""For an engine whose manifest says nothing about memory, until it has been measured."""

LEVEL = "level"
"""Name of the loudness of the last sentences among an engine's lists in the ledger."""

OPENING = "opening"
"""Name of the seconds that its last openings of a voice took, likewise."""

USUAL_CHARS = 60
"""Characters of a sentence when nothing is known of it: four seconds of speech."""


class Worker(Protocol):
    """What residency asks of worker.process.WorkerProcess."""

    last_done: Done | None
    loaded: Loaded

    @property
    def alive(self) -> bool: ...
    @property
    def pid(self) -> int: ...
    @property
    def exited(self) -> asyncio.Future[str]: ...
    def speak(
        self, utterance: Utterance, *, rate: int | None, gain: float, patience: float, dry_at: float | None
    ) -> AsyncGenerator[bytes, None]: ...
    async def prepare(self, utterance: Utterance) -> Done | None: ...
    async def stop(self) -> None: ...


class Engine:
    """An installed engine, resident or not."""

    def __init__(self, manifest: EngineManifest, launch: Launch, turns: Turns, ledger: Ledger) -> None:
        self.manifest = manifest
        self.launch = launch
        self.turns = turns
        self.ledger = ledger
        self.pinned = False
        self.limit = Limit()
        self.leases = 0
        self.last_used = 0.0
        self.device = ""
        """Where it is or is being loaded; empty = nowhere."""
        self.bytes = 0
        """Measured when it was loaded, and after every sentence; 0 = not loaded."""
        self.context_bytes = 0
        """Of a GPU, beside what the engine's own allocator holds: the CUDA context and its libraries."""
        self.worker: Worker | None = None
        self.loading: asyncio.Task[Worker] | None = None
        self.leaving = False
        """It is being evicted."""
        self.opens_since: float | None = None
        """It is opening a voice that nobody has asked for yet, and speaks to nobody meanwhile; None = it is not."""
        self.deaths = 0
        """In a row, since it last spoke a sentence to its end."""
        self.rests_until = 0.0
        self.last_death = ""
        self.pattern = Pattern()
        self.head_starts = HeadStarts()

    @property
    def id(self) -> str:
        """The manifest's."""
        return self.manifest.id

    @property
    def ready(self) -> bool:
        """Whether it can speak at once."""
        return self.worker is not None and self.worker.alive

    @property
    def coming(self) -> bool:
        """Whether it is being loaded: its device does not show all of its memory yet."""
        return bool(self.device) and self.worker is None and not self.leaving

    @property
    def kind(self) -> str:
        """Of the device where it is, or would be first."""
        return self.device.partition(":")[0] if self.device else min(self._stated, key=_is_cpu)

    @property
    def need(self) -> Need:
        """What a load takes: the most it has been seen to take, else the manifest's estimate; GPUs before the CPU."""
        stated = self._stated
        known = {kind: self.ledger.estimate(self.id, kind, stated_bytes=size) for kind, size in stated.items()}
        kinds = sorted(known, key=_is_cpu)
        return Need(
            self.id,
            tuple((kind, known[kind].peak_bytes) for kind in kinds),
            tuple((kind, known[kind].rtf(USUAL_CHARS)) for kind in kinds if known[kind].sentences),
        )

    @property
    def estimate(self) -> Estimate:
        """What is known of it where it is, or would be first."""
        kind = self.kind
        return self.ledger.estimate(self.id, kind, stated_bytes=self.manifest.memory.get(kind, ASSUMED_BYTES))

    @property
    def _stated(self) -> Mapping[str, int]:
        """The manifest's bytes by kind of device."""
        return self.manifest.memory or {"cpu": ASSUMED_BYTES}

    @property
    def resident(self) -> Resident:
        """As the policies see it."""
        busy = self.leases + (self.loading is not None) + self.leaving
        return Resident(self.id, self.device, self.bytes or self.estimate.peak_bytes, busy, self.last_used, self.pinned)

    @property
    def level(self) -> float:
        """Root mean square of what it says, 0 to 1; 0 = not heard yet."""
        heard = self.ledger.extra(self.id).get(LEVEL, ())
        return statistics.median(heard) ** 0.5 if heard else 0.0

    def heard(self, mean_square: float) -> None:
        """Remember how loud a sentence was."""
        levels = self.ledger.extra(self.id).setdefault(LEVEL, [])
        levels.append(round(mean_square, 8))
        del levels[:-WINDOW]

    def opening_left(self, now: float) -> float:
        """Seconds until it will have opened the voice that it is opening ahead; 0 = it opens none."""
        if self.opens_since is None:
            return 0.0
        return seconds_left(now - self.opens_since, self.ledger.extra(self.id).get(OPENING, ()))

    def opened(self, seconds: float) -> None:
        """Remember how long an opening took."""
        openings = self.ledger.extra(self.id).setdefault(OPENING, [])
        openings.append(round(seconds, 3))
        del openings[:-WINDOW]

    @property
    def speed(self) -> Speed | None:
        """How fast it has been seen to speak, for those who cut text into pieces; None = not measured."""
        known = self.estimate
        if not known.sentences:
            return None
        return Speed(
            known.rtf(USUAL_CHARS),
            seconds_per_char=known.pace,
            streams=self.manifest.streaming,
            alternates=self.manifest.alternates,
        )

    @property
    def batching(self) -> Batching:
        """How many sentences it speaks at a time where it is, and what that costs; a worker must have said so."""
        places = self.worker.loaded.places if self.worker else 1
        return Batching(places, self.estimate.share) if places > 1 else Batching()

    @property
    def slower(self) -> float:
        """How many times as long as alone a sentence may take when others are spoken with it."""
        batching = self.turns.batching
        return batching.slower(batching.places)

    def seconds_per_char(self, chars: int) -> float | None:
        """Of silence to be expected, for a sentence of so many characters; None before the present worker's first.

        In full company, where it may be spoken in that. An engine that streams is silent until its first audio, and no
        longer between chunks; others for all their work.
        """
        if self.worker is None or self.worker.last_done is None:
            return None
        known = self.estimate
        if self.manifest.streaming:
            return known.first_audio_seconds(chars) / max(1, chars) * self.slower
        return known.rtf(chars) * known.pace * self.slower

    def habit(self, idle_since: float) -> Habit:
        """As the question of keeping it sees it. idle_since: local wall-clock seconds."""
        known = self.estimate
        wait = self.head_starts.expected_wait(known.load_seconds + known.warm_up_seconds)
        return Habit(self.id, self.bytes or known.bytes, wait, idle_since, self.pattern, self.limit)


def _is_cpu(kind: str) -> bool:
    return kind == "cpu"
