"""Sentences that are spoken at the same time by one thread: each is asked for its next piece in turn.

One round is one piece of each. An engine that computes all of them in one step does so for the first that asks; others
compute as if they were alone. On engines that alternate only the most urgent is asked (urgency.py). Knows nothing of
sockets: child.py sends what comes of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

from ..api import Pipeline
from ..audio import level
from .job import framed, perform
from .memory import Footprint
from .messages import Done, Speak


class Job:
    """A sentence that is being spoken, and its figures."""

    def __init__(
        self,
        pipeline: Pipeline,
        speak: Speak,
        engine_rate: int,
        cancelled: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        """prepare: in the place of the pipeline's."""
        self.number = speak.job
        self._pipeline = pipeline
        self.dry_at = math.inf if speak.ahead else -math.inf if speak.dry_at is None else speak.dry_at
        """When its listener has heard all that has been made; minus infinity = a newcomer."""
        self.since = clock()
        self._gain = speak.gain
        self._clock = clock
        self._prepare = prepare or partial(pipeline.prepare, speak.utterance)
        self._begun = self.since
        self._pieces = iter(()) if speak.ahead else framed(perform(pipeline, speak, engine_rate, cancelled), clock)
        self.worked = self._first_work = 0.0
        """Seconds spent on this one alone, in all and until its first audio."""
        self._first_audio = self._audio_seconds = self._energy = 0.0
        self._rounds = self._company = 0
        self._peak_bytes = self._device_peak_bytes = 0

    def go_on(self, count: int) -> bytes | None:
        """Its next piece, empty where there is none yet; None at its end. count: sentences in this round.

        Raises Cancelled, JobError, or whatever the pipeline raises: then it is over."""
        if not self._rounds:
            self._prepare()
            self._begun = self._clock()
        self._rounds += 1
        self._company += count
        begun = self._clock()
        piece = next(self._pieces, None)
        now = self._clock()
        self.worked += now - begun
        if piece is None:
            return None
        if piece.payload:
            self._first_audio = self._first_audio or now - self._begun
            self._first_work = self._first_work or self.worked
            self.dry_at = max(self.dry_at, now) + piece.seconds
            self._audio_seconds += piece.seconds
            self._energy += level(piece.payload) * piece.seconds
        return piece.payload

    def note(self, took: Footprint) -> None:
        """Peaks up to now: they are about to be counted anew."""
        self._peak_bytes = max(self._peak_bytes, took.peak_bytes)
        self._device_peak_bytes = max(self._device_peak_bytes, took.device_peak_bytes)

    def done(self, took: Footprint, *, alternates: bool = False) -> Done:
        """What is to be told of a sentence that has come to its end. alternates: others were not computed with it."""
        self.note(took)
        if alternates:
            seconds, first, together = self.worked, self._first_work, 1.0
        else:
            seconds, first = self._clock() - self._begun, self._first_audio
            together = self._company / max(1, self._rounds)
        return Done(
            self.number,
            self._audio_seconds,
            seconds,
            first,
            took.memory_bytes,
            self._peak_bytes,
            took.device_bytes,
            self._device_peak_bytes,
            self._energy / max(self._audio_seconds, 1e-9) / self._gain**2,
            together,
            max(0, int(self._pipeline.kept_bytes)),
        )
