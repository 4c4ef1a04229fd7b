"""speak(): from text to sound. The map of the whole; start reading here.

    request ─► catalog: which engine, which voice
            ─► supervisor: a lease; the load starts now, before the first sentence
            ─► text: chunks → markers lifted out → sentences
            ─► delivery: the engine asked for, or a fallback when that one is late or fails
            ─► the engine's worker, sentence by sentence, when the schedule says so
            ─► reply: Pcm, as it comes

Knows nothing of Wyoming: the server, `meadowlark say` and the tests all call it the same way.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from .api import Value
from .catalog import Catalog, Choice
from .catalog import VoiceRequest as VoiceRequest
from .delivery import Delivery, Means
from .errors import RefusedError, RequestError
from .fallbacks import Fallbacks, Wishes
from .reply import Reply
from .residency.supervisor import Supervisor
from .schedule.pieces import MOST_CHARS, first_clause_chars, longest_piece_chars
from .text import MarkerMap, Segmenter, Sentence

_LOGGER = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""A text stream silent for so long gives what it surely has: a language model at work sends several tokens a second."""

USUAL_CHARS = 60
"""Expected to follow while a text is still being written: a sentence."""

PORTION_CHARS = 2_000
"""Cut into sentences at a time: 3 ms."""


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
        wishes: Wishes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """options: the user's settings by engine id. wishes: for when a voice cannot speak in time."""
        self.catalog = catalog
        """Replaced as a whole when voices come or go."""
        self.draining = asyncio.Event()
        """Set when the server stops: replies end at their next sentence boundary, with an error that says so."""
        self.fallbacks = Fallbacks(supervisor, wishes or Wishes())
        self.files: Callable[[Choice], Mapping[str, str]] = lambda _: {}
        """Paths of a voice's model files, from the model store."""
        self.why_absent: Callable[[Choice], str] = lambda _: "has no files"
        """Called when a voice without its files is asked for: has them fetched; why it cannot speak, after its name."""
        self._supervisor = supervisor
        self._means = Means(
            supervisor,
            self.fallbacks,
            options or {},
            lambda choice: self.files(choice),
            lambda choice: self.why_absent(choice),
            self._marker_map,
            clock,
        )
        self._clock = clock
        self._maps: tuple[Catalog, dict[str, MarkerMap]] = (catalog, {})

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """The reply, piece by piece, each as soon as it exists. Closing the generator cancels.

        Raises VoiceError, NothingToSayError, LoadError, RefusedError, WorkerError; audio may have come before.
        """
        catalog = self.catalog
        choice = catalog.resolve(request.voice)
        if choice.instead_of:
            _LOGGER.warning("%r is not installed; %s speaks to %s", choice.instead_of, choice.name, request.client)
        reply = Reply(choice.manifest.sample_rate, self._clock)
        with Delivery(self._means, catalog, choice, reply) as delivery:
            producer = asyncio.create_task(self._produce(request, choice, delivery, reply), name=f"reply {choice.name}")
            try:
                async for data in reply.pieces(producer):
                    yield Pcm(reply.rate, data)
            finally:
                producer.cancel()
                await asyncio.gather(producer, return_exceptions=True)
        if not reply.speech_seconds:
            raise NothingToSayError(f"There is nothing to say in this text that {choice.name} could speak; send words.")

    async def _produce(self, request: SpeechRequest, choice: Choice, delivery: Delivery, reply: Reply) -> None:
        """Sentences through an engine into the reply, never much further than the client has taken."""
        engine = self._supervisor.engine(choice.manifest.id)
        speed, others = engine.speed, engine.leases - 1
        segmenter = Segmenter(
            self._marker_map(choice),
            choice.language,
            max_chars=longest_piece_chars(speed, others) if speed else MOST_CHARS,
            first_clause_chars=first_clause_chars(speed) if speed else None,
        )
        async with aclosing(_sentences(request.text, segmenter)) as sentences:
            async for sentence, rest_chars in sentences:
                await reply.room()
                if self.draining.is_set():
                    raise RefusedError("The server is shutting down; the rest of the text was not spoken.")
                await delivery.say(sentence, rest_chars)

    def _marker_map(self, choice: Choice) -> MarkerMap:
        """The engine's; made once for each catalog: it takes a millisecond, which first audio would wait for."""
        if self._maps[0] is not self.catalog:
            self._maps = (self.catalog, {})
        maps = self._maps[1]
        if choice.manifest.id not in maps:
            maps[choice.manifest.id] = MarkerMap(choice.manifest.markers, self.catalog.markers)
        return maps[choice.manifest.id]


async def _sentences(text: AsyncIterator[str], segmenter: Segmenter) -> AsyncGenerator[tuple[Sentence, int], None]:
    """Sentences as soon as the stream, or a pause in it, lets them go; each with the characters expected after it."""
    pending: asyncio.Future[str | None] | None = None
    paused = False
    try:
        while True:
            pending = pending or asyncio.ensure_future(_next(text))
            await asyncio.wait({pending}, timeout=None if paused else PAUSE_SECONDS)
            if not pending.done():
                paused = True
                for each in _with_rest(segmenter.pause(), USUAL_CHARS):
                    yield each
                continue
            chunk, pending, paused = pending.result(), None, False
            if chunk is None:
                break
            for start in range(0, len(chunk), PORTION_CHARS):
                for each in _with_rest(segmenter.push(chunk[start : start + PORTION_CHARS]), USUAL_CHARS):
                    yield each
                await asyncio.sleep(0)  # others go on while a book is cut into sentences
        for each in _with_rest(segmenter.finish(), 0):
            yield each
    finally:
        if pending:
            pending.cancel()


def _with_rest(sentences: list[Sentence], coming: int) -> Iterator[tuple[Sentence, int]]:
    """Each with the characters after it: those of this list, and as many as may still come."""
    rest = sum(len(each.text) for each in sentences) + coming
    for each in sentences:
        rest -= len(each.text)
        yield each, rest


async def _next(text: AsyncIterator[str]) -> str | None:
    return await anext(text, None)
