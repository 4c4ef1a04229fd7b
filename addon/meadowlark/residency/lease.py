"""A listener's hold on an engine: while it lasts, the engine is not evicted, and sentences are spoken in their turn."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Protocol

from ..api import Utterance
from ..errors import WorkerError
from ..schedule.queue import Expected
from .engine import Engine

_LOGGER = logging.getLogger(__name__)


class Attempts(Protocol):
    """What a lease asks of the supervisor."""

    def attempt(
        self, engine: Engine, utterance: Utterance, rate: int | None, gain: float, dry_at: float | None
    ) -> AsyncGenerator[bytes, None]: ...
    async def replace(self, engine: Engine) -> None: ...


class Lease:
    """Made by Supervisor.lease."""

    def __init__(self, attempts: Attempts, engine: Engine, clock: Callable[[], float], begins_session: bool) -> None:
        self._attempts = attempts
        self._engine = engine
        self._clock = clock
        self._begun = clock() if begins_session else None
        """Until the first sentence: the head start that its load had."""

    async def speak(
        self,
        utterance: Utterance,
        *,
        rate: int | None = None,
        gain: float = 1.0,
        runs_dry_at: float | None = None,
        rest_chars: int = 0,
        again: bool = False,
    ) -> AsyncGenerator[bytes, None]:
        """The sentence as s16le mono, when its turn has come, as it comes. Consume it promptly: others wait.

        rate: Hz to resample to. gain: factor on the samples. runs_dry_at: when the listener will have heard all that
        was sent; None = nothing yet. rest_chars: of text expected to follow it. again: it has broken off before.
        A sentence that fails is spoken once more, apart from others if the worker died; when some of it was sent
        already, the second attempt goes on where the first one stopped (except on engines that sample, which never say
        it the same way twice).
        Raises LoadError, RefusedError, WorkerError.
        """
        engine = self._engine
        if self._begun is not None:
            engine.head_starts = engine.head_starts.learn(self._clock() - self._begun)
            self._begun = None
        known, chars = engine.estimate, len(utterance.text)
        speech = known.speech_seconds(chars)
        work, rest = known.rtf(chars) * speech, known.speech_seconds(rest_chars) if rest_chars else 0.0
        first = known.first_audio_seconds(chars) if engine.manifest.streaming else work
        async with AsyncExitStack() as turn:
            expected = Expected(work, speech, rest, first)
            place = await turn.enter_async_context(engine.turns.turn(runs_dry_at, expected, self))
            sent, dry, apart = 0, runs_dry_at, again
            if apart:
                await turn.enter_async_context(engine.turns.apart(place))
            for last_attempt in (False, True):
                skip = sent
                try:
                    async with aclosing(self._attempts.attempt(engine, utterance, rate, gain, dry)) as chunks:
                        async for chunk in chunks:
                            fresh = chunk[skip:]
                            skip -= len(chunk) - len(fresh)
                            if fresh:
                                dry = self._clock() if dry is None else max(dry, self._clock()) if not sent else dry
                                seconds = len(fresh) / 2 / (rate or engine.manifest.sample_rate)
                                dry += seconds
                                sent += len(fresh)
                                engine.turns.heard(place, seconds, dry)
                                yield fresh
                except WorkerError as error:
                    worker, gives_up = engine.worker, last_attempt or bool(sent and engine.manifest.samples)
                    worn = error.out_of_memory or is_poisoned(engine, error)
                    if not apart and (worn or not (gives_up or engine.ready)):
                        # Of those who died together one may be to blame: he must not take the others along again.
                        apart = True
                        await turn.enter_async_context(engine.turns.apart(place))
                    if worn and engine.worker is worker:
                        await self._attempts.replace(engine)  # before anybody else's turn comes
                    if gives_up:
                        raise
                    _LOGGER.warning("%s; the sentence is tried once more", error)
                else:
                    if rest > 0 and dry is not None:
                        share = min(1.0, rest / speech) if speech else 1.0
                        following = Expected(work * share, speech * share, max(0.0, rest - speech), first)
                        engine.turns.will_return(self, dry, following)
                    return


def is_poisoned(engine: Engine, error: WorkerError) -> bool:
    """Whether the worker's CUDA context may be broken: after one CUDA error every later call there fails too."""
    text = str(error).lower()
    return not engine.device.startswith("cpu") and any(word in text for word in ("cuda", "cudnn", "cublas"))
