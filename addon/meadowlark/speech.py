"""speak(): from text to sound. The map of the whole; start reading here.

    request ─► catalog: which engine, which voice
            ─► supervisor: a lease; the load starts now, before the first sentence
            ─► text: chunks → markers lifted out → sentences
            ─► the engine's worker, sentence by sentence, when the schedule says so
            ─► Pcm, as it comes

Knows nothing of Wyoming: the server, `meadowlark say` and the tests all call it the same way.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from .api import Utterance, Value
from .catalog import Catalog, Choice
from .catalog import VoiceRequest as VoiceRequest
from .errors import RefusedError, RequestError
from .residency.lease import Lease
from .residency.supervisor import Supervisor
from .text import MarkerMap, Segmenter, Sentence

_LOGGER = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""A text stream silent for so long gives what it surely has: a language model at work sends several tokens a second."""

AHEAD_SECONDS = 30.0
"""Audio held for a client that does not read; the next sentence is begun only below it. 1.3 MB at 22050 Hz."""

PORTION_CHARS = 2_000
"""Cut into sentences at a time: 3 ms."""

PIECE_BYTES = 32_768
"""About 0.7 s at 22050 Hz."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to be spoken, perhaps still being written."""

    text: AsyncIterator[str]
    """Chunks, cut anywhere; ends when the text is whole."""

    voice: VoiceRequest = field(default_factory=VoiceRequest)

    client: str = ""
    """For the log."""


@dataclass(frozen=True, slots=True)
class Pcm:
    """A piece of a reply."""

    rate: int
    """Hz; never changes within a reply."""

    data: bytes
    """s16le, mono."""


class NothingToSayError(RequestError):
    """The text has no words and no sound that this engine can make."""

    code = "nothing-to-say"


class Speaker:
    """Speaks requests."""

    def __init__(
        self,
        catalog: Catalog,
        supervisor: Supervisor,
        options: Mapping[str, Mapping[str, Value]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """options: the user's settings by engine id."""
        self.catalog = catalog
        """Replaced as a whole when voices come or go."""
        self.draining = asyncio.Event()
        """Set when the server stops: replies end at their next sentence boundary, with an error that says so."""
        self._supervisor = supervisor
        self._options = options or {}
        self._clock = clock
        self._maps: tuple[Catalog, dict[str, MarkerMap]] = (catalog, {})

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """The reply, piece by piece, each as soon as it exists. Closing the generator cancels.

        Raises VoiceError, NothingToSayError, LoadError, RefusedError, WorkerError; audio may have come before.
        """
        choice = self.catalog.resolve(request.voice)
        if choice.instead_of:
            _LOGGER.warning(
                "%s asked for %r, which is not installed; %s speaks", request.client, choice.instead_of, choice.name
            )
        with self._supervisor.lease(choice.manifest.id) as lease:
            reply = _Reply(choice.manifest.sample_rate, self._clock)
            producer = asyncio.create_task(self._produce(request, choice, lease, reply), name=f"reply {choice.name}")
            try:
                async for data in reply.pieces(producer):
                    yield Pcm(reply.rate, data)
            finally:
                producer.cancel()
                await asyncio.gather(producer, return_exceptions=True)
        if not reply.seconds:
            raise NothingToSayError(
                f"There is nothing to say in this text that {choice.name} could speak; send some words."
            )

    async def _produce(self, request: SpeechRequest, choice: Choice, lease: Lease, reply: _Reply) -> None:
        """Sentences through the engine into the reply, never more than AHEAD_SECONDS more than the client has taken."""
        segmenter = Segmenter(self._marker_map(choice), choice.language)
        async with aclosing(_sentences(request.text, segmenter)) as sentences:
            async for sentence in sentences:
                await reply.room()
                if self.draining.is_set():
                    raise RefusedError("The server is shutting down; the rest of the text was not spoken.")
                await self._say(self._utterance(sentence, choice), lease, reply)

    async def _say(self, utterance: Utterance, lease: Lease, reply: _Reply) -> None:
        begun, before, first = self._clock(), reply.seconds, 0.0
        async with aclosing(lease.speak(utterance, runs_dry_at=reply.runs_dry_at)) as chunks:
            async for chunk in chunks:
                first = first or self._clock() - begun
                reply.add(chunk)
        took, spoken = self._clock() - begun, reply.seconds - before
        if spoken:
            _LOGGER.debug(
                "%s: %d characters, %.2f s of audio, first after %.1f ms, RTF %.3f",
                utterance.voice.id,
                len(utterance.text),
                spoken,
                first * 1e3,
                took / spoken,
            )

    def _marker_map(self, choice: Choice) -> MarkerMap:
        """The engine's; made once for each catalog: it takes a millisecond, which first audio would wait for."""
        if self._maps[0] is not self.catalog:
            self._maps = (self.catalog, {})
        maps = self._maps[1]
        if choice.manifest.id not in maps:
            maps[choice.manifest.id] = MarkerMap(choice.manifest.markers, self.catalog.markers)
        return maps[choice.manifest.id]

    def _utterance(self, sentence: Sentence, choice: Choice) -> Utterance:
        return Utterance(
            text=sentence.text,
            voice=choice.voice,
            language=choice.language,
            variant=choice.variant,
            speaker=choice.speaker,
            style=sentence.style.native if sentence.style else None,
            style_name=sentence.style.name if sentence.style else "",
            events=sentence.events,
            options={**self._options.get(choice.manifest.id, {}), **choice.voice.options},
        )


class _Reply:
    """Audio between the engine and the client, and the clock of its playing."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self.rate = rate
        self.seconds = 0.0
        """Of audio made so far."""
        self._clock = clock
        self._first_at: float | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._more = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def runs_dry_at(self) -> float | None:
        """When a listener who began with the first audio has heard all; None before."""
        return None if self._first_at is None else self._first_at + self.seconds

    def add(self, data: bytes) -> None:
        """Audio from the engine; never waits, so that a slow client does not hold the engine."""
        if self._first_at is None:
            self._first_at = self._clock()
        self.seconds += len(data) / 2 / self.rate
        self._held += len(data)
        self._pieces.append(data)
        self._more.set()

    async def room(self) -> None:
        """Wait until the client has taken enough for another sentence."""
        while self._held > AHEAD_SECONDS * 2 * self.rate:
            self._taken.clear()
            await self._taken.wait()

    async def pieces(self, producer: asyncio.Task[None]) -> AsyncIterator[bytes]:
        """All audio until the producer is done; raises what the producer raised, after the audio that came before."""
        producer.add_done_callback(lambda _: self._more.set())
        while True:
            while self._pieces:
                data = self._take()
                self._held -= len(data)
                self._taken.set()
                yield data
            if producer.done():
                producer.result()
                return
            self._more.clear()
            await self._more.wait()

    def _take(self) -> bytes:
        """What is there, as one piece of about PIECE_BYTES at most: an engine far ahead costs few system calls."""
        size, count = 0, 0
        while count < len(self._pieces) and size < PIECE_BYTES:
            size += len(self._pieces[count])
            count += 1
        data = b"".join(self._pieces[:count])
        del self._pieces[:count]
        return data


async def _sentences(text: AsyncIterator[str], segmenter: Segmenter) -> AsyncGenerator[Sentence, None]:
    """Sentences as soon as the stream, or a pause in it, lets them go."""
    pending: asyncio.Future[str | None] | None = None
    paused = False
    try:
        while True:
            pending = pending or asyncio.ensure_future(_next(text))
            await asyncio.wait({pending}, timeout=None if paused else PAUSE_SECONDS)
            if not pending.done():
                paused = True
                for sentence in segmenter.pause():
                    yield sentence
                continue
            chunk, pending, paused = pending.result(), None, False
            if chunk is None:
                break
            for start in range(0, len(chunk), PORTION_CHARS):
                for sentence in segmenter.push(chunk[start : start + PORTION_CHARS]):
                    yield sentence
                await asyncio.sleep(0)  # others go on while a book is cut into sentences
        for sentence in segmenter.finish():
            yield sentence
    finally:
        if pending:
            pending.cancel()


async def _next(text: AsyncIterator[str]) -> str | None:
    return await anext(text, None)
