"""speak(): from text to sound. The map of the whole; start reading here.

    request ─► catalog: which engine, which voice
            ─► supervisor: a lease; the load starts now, before the first sentence
            ─► incoming, text: chunks → markers lifted out → sentences
            ─► delivery: the engine asked for, or a fallback when that one is late or fails
            ─► the engine's worker, sentence by sentence, when the schedule says so
            ─► reply: Pcm, as it comes

Knows nothing of Wyoming: the server, `meadowlark say` and the tests all call it the same way.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from weakref import WeakSet

from .api import Value
from .catalog import Catalog, Choice
from .catalog import VoiceRequest as VoiceRequest
from .delivery import Delivery, Means
from .errors import RefusedError, RequestError
from .fallbacks import Fallbacks, Wishes
from .incoming import LOST_SECONDS, Incoming
from .repeats import Repeats
from .reply import Reply
from .residency.supervisor import Supervisor
from .schedule.pieces import MOST_CHARS, first_clause_chars, longest_piece_chars
from .text import MarkerMap, Segmenter
from .text.lexicon import Lexicon
from .text.normalize import Normalizer

_LOGGER = logging.getLogger(__name__)


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

    voices: tuple[str, ...] = ()
    """Who has been heard in the reply until now: another than was asked for when that one cannot speak in time."""


@dataclass(frozen=True, slots=True)
class Words:
    """How what is written becomes words."""

    spoken: bool = True
    """Numbers, units, dates and the like in words; False leaves them to the engines."""

    lexicon: Lexicon | None = None
    """The user's own."""


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
        words: Words | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """options: the user's settings by engine id. wishes: for when a voice cannot speak in time.

        words: how numbers and the user's own words are said.
        """
        self.catalog = catalog
        """Replaced as a whole when voices come or go."""
        self.draining = asyncio.Event()
        """Set when the server stops: replies end at their next sentence boundary, with an error that says so."""
        self.fallbacks = Fallbacks(supervisor, wishes or Wishes(), clock)
        self.files: Callable[[Choice], Mapping[str, str]] = lambda _: {}
        """Paths of a voice's model files, from the model store."""
        self.why_absent: Callable[[Choice], str] = lambda _: "has no files"
        """Called when a voice without its files is asked for: has them fetched; why it cannot speak, after its name."""
        self._cutting = asyncio.Lock()
        self._repeats = Repeats()
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
        self._words = words or Words()
        self._normalizers: dict[str, Normalizer] = {}
        self._told: set[str] = set()
        """Why pronunciations in texts were not used, as far as the log has it."""
        self._replies: WeakSet[Reply] = WeakSet()
        self._maps: tuple[Catalog, dict[str, MarkerMap]] = (catalog, {})

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """The reply, piece by piece, each as soon as it exists. Closing the generator cancels.

        Raises VoiceError, NothingToSayError, LoadError, RefusedError, WorkerError; audio may have come before.
        """
        catalog = self.catalog
        choice = catalog.resolve(request.voice)
        if choice.instead_of:
            level = self._repeats.level(request.client, choice.instead_of)
            _LOGGER.log(level, "%r is not installed; %s speaks to %s", choice.instead_of, choice.name, request.client)
        reply = Reply(choice.manifest.sample_rate, self._clock, self._replies)
        with Delivery(self._means, catalog, choice, reply) as delivery:
            producer = asyncio.create_task(self._produce(request, choice, delivery, reply), name=f"reply {choice.name}")
            try:
                async for data in reply.pieces(producer):
                    yield Pcm(reply.rate, data, tuple(reply.voices))
            finally:
                producer.cancel()
                await asyncio.gather(producer, return_exceptions=True)
        if not reply.speech_seconds:
            raise NothingToSayError(f"There is nothing to say in this text that {choice.name} could speak; send words.")

    async def _produce(self, request: SpeechRequest, choice: Choice, delivery: Delivery, reply: Reply) -> None:
        """Sentences through an engine into the reply, never much further than the client has taken."""
        normalizer = await self._normalizer(choice.language)
        incoming = Incoming(
            request.text,
            lambda: self._segmenter(choice, normalizer),
            self.draining,
            reply.started.is_set,
            self._cutting,
            lambda: _LOGGER.warning(
                "%s: the stream was not ended, and no text has come for %g s: the language model may have failed. "
                "The reply ends here",
                request.client,
                LOST_SECONDS,
            ),
        )
        async with aclosing(incoming.sentences()) as sentences:
            async for sentence, rest_chars in sentences:
                await reply.room()
                if self.draining.is_set():
                    raise RefusedError("The server is shutting down; the rest of the text was not spoken.")
                await delivery.say(sentence, rest_chars)

    async def _normalizer(self, language: str) -> Normalizer | None:
        """The language's; made once, in a thread: its tables take 30 to 85 ms."""
        if self._words.spoken and language not in self._normalizers:
            self._normalizers[language] = await asyncio.to_thread(Normalizer, language, self._words.lexicon)
        return self._normalizers.get(language)

    async def warm_up(self) -> None:
        """Have what the default voice needs at hand before anybody asks."""
        if self.catalog.default:
            await self._normalizer(self.catalog.named(self.catalog.default).language)

    def _segmenter(self, choice: Choice, normalizer: Normalizer | None) -> Segmenter:
        """Cuts as suits the engine's measured speed, and how many listen to it."""
        engine = self._supervisor.engine(choice.manifest.id)
        speed, others = engine.speed, max(0, engine.leases - engine.turns.batching.places)  # who find no place
        return Segmenter(
            self._marker_map(choice),
            choice.language,
            max_chars=longest_piece_chars(speed, others) if speed else MOST_CHARS,
            first_clause_chars=first_clause_chars(speed) if speed else None,
            normalize=normalizer,
            left_out=self._left_out,
        )

    def _left_out(self, why: str) -> None:
        if why not in self._told:
            self._told.add(why)
            _LOGGER.warning("A pronunciation in a text, [word](/ipa/), was left out: %s", why)

    def _marker_map(self, choice: Choice) -> MarkerMap:
        """The engine's; made once for each catalog: it takes a millisecond, which first audio would wait for."""
        if self._maps[0] is not self.catalog:
            self._maps = (self.catalog, {})
        maps = self._maps[1]
        if choice.manifest.id not in maps:
            maps[choice.manifest.id] = MarkerMap(choice.manifest.markers, self.catalog.markers)
        return maps[choice.manifest.id]
