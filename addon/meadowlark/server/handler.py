"""One connection: events are read while speech is sent, each in a task of its own.

Knows Wyoming and Home Assistant's ways with it; knows nothing of engines. Whatever goes wrong ends in one place,
`serve`: the client is told with an `error` event and the connection is closed, because Home Assistant before 2026.9
ignores the event and would wait for ever.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field

from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event
from wyoming.ping import Ping, Pong
from wyoming.tts import SynthesizeStopped

from ..errors import LimitError, MeadowlarkError, RequestError
from ..repeats import Repeats
from ..speech import NothingToSayError, Speaker, SpeechRequest
from .framing import EventReader, encode
from .info import PROGRAM, InfoBytes
from .limits import Limits
from .outlet import GoneError, Outlet, audio_events
from .request import Request, TextFeed, is_ssml, text_of, voice_of

_LOGGER = logging.getLogger(__name__)

_WAITING_REQUESTS = 4
"""Requests that one connection may have waiting behind the one that is spoken."""


@dataclass(frozen=True, slots=True)
class Service:
    """What all connections share."""

    speaker: Speaker
    limits: Limits
    info: InfoBytes = field(default_factory=InfoBytes)
    repeats: Repeats = field(default_factory=Repeats)


class Connection:
    """A client, from its first event to its last."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        service: Service,
        *,
        refusal: MeadowlarkError | None = None,
        idle_seconds: float | None = None,
    ) -> None:
        """`refusal`: what every request is answered with; `describe` and `ping` still work."""
        self._stream = reader
        self._outlet = Outlet(writer, service.limits.stall_seconds)
        self._events = EventReader(reader, service.limits)
        self._service = service
        self._limits = service.limits
        self.refusal = refusal
        self._idle_seconds = service.limits.idle_seconds if idle_seconds is None else idle_seconds
        self._program = ""
        self._open: Request | None = None  # its text is arriving
        self._pending: list[Request] = []  # being spoken, then waiting
        self._turns: asyncio.Queue[Request | None] = asyncio.Queue()
        self._midway = False  # a reply has begun to be heard and is not whole
        self._ending: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self.client = _client(writer)
        self.quiet_since = asyncio.get_running_loop().time()

    @property
    def idle(self) -> bool:
        """True while the client waits for nothing and has not been told to go."""
        return not self._pending and self._ending is None

    def stuck_seconds(self, now: float) -> float:
        """For how long the client has taken nothing of what waits for it. now: loop time."""
        since = self._outlet.stuck_since
        return 0.0 if since is None else now - since

    async def serve(self) -> None:
        """Talk with the client until it leaves, fails, or `end` is called; never raises."""
        self._task = asyncio.current_task()
        error: BaseException = GoneError("done")
        try:
            if self._ending is None:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._speak())
                    await self._listen()
        except BaseExceptionGroup as group:
            error = group.exceptions[0]
        except asyncio.CancelledError:
            if self._ending is None:
                self._outlet.abort()
                raise
        await self._outlet.close(self._explained(self._ending or error), self._stream, torn=self._midway)

    def end(self, error: MeadowlarkError | None = None) -> None:
        """Stop whatever is going on; the client is told why."""
        self._ending = self._ending or error or GoneError("closed by the server")
        if self._task is not None:
            self._task.cancel()

    # From the client

    async def _listen(self) -> None:
        while await self._ready():
            event = await self._next_event()
            answer = self._take(event)
            if answer:
                await self._outlet.send(answer)
        if self._open is not None:
            raise GoneError("left in the middle of a stream")
        self._turns.put_nowait(None)  # only the sending side may be closed: what was asked for is still delivered

    async def _ready(self) -> bool:
        """Wait for an event to begin, but for ever only while the client waits for us; False when there is none."""
        while True:
            try:
                async with asyncio.timeout_at(self.quiet_since + self._idle_seconds) as limit:
                    return await self._events.ready()
            except TimeoutError as error:
                if not limit.expired():  # the network's own time limit: the other machine is gone
                    raise GoneError(str(error)) from error
                if any(request.feed.complete for request in self._pending):
                    self.quiet_since = _now()
                elif self.quiet_since + self._idle_seconds <= _now():
                    raise self.refusal or LimitError(
                        f"no event for {self._idle_seconds:g} s (idle_seconds): connect again for the next request"
                    ) from None
            except OSError as error:
                raise GoneError(str(error)) from error

    async def _next_event(self) -> Event:
        try:
            return await self._events.read()
        except OSError as error:
            raise GoneError(str(error)) from error
        finally:
            self.quiet_since = _now()

    def _take(self, event: Event) -> bytes:
        """Act on an event; return what is to be answered at once."""
        match event.type:
            case "describe":
                return self._service.info.of(self._service.speaker.catalog)
            case "ping":
                return encode(Pong(Ping.from_event(event).text).event())
            case "select-program":
                self._select(event)
            case "synthesize" if self._open is None:
                self._begin(event, streamed=False).push(text_of(event))
                self._finish()
            case "synthesize":
                pass  # inside a stream Home Assistant sends the whole text again, for servers that cannot stream
            case "synthesize-start":
                self._begin(event, streamed=True)
            case "synthesize-chunk":
                self._streaming(event).push(text_of(event))
            case "synthesize-stop":
                self._streaming(event)
                self._finish()
            case other:
                _LOGGER.debug("%s: ignored event %r", self.client, other)
        return b""

    def _select(self, event: Event) -> None:
        name = event.data.get("name")
        programs = [PROGRAM, *(engine.id for engine in self._service.speaker.catalog.engines)]
        if name not in programs:
            raise RequestError(f"there is no program {str(name)[:80]!r}: choose one of {', '.join(programs)}")
        self._program = "" if name == PROGRAM else name

    def _begin(self, event: Event, *, streamed: bool) -> TextFeed:
        """Queue a reply, whose engine may begin to load before there is text."""
        if self.refusal is not None:
            raise self.refusal
        if self._open is not None:
            raise RequestError("synthesize-start inside a stream: send synthesize-stop first")
        if len(self._pending) > _WAITING_REQUESTS:
            raise LimitError(f"more than {_WAITING_REQUESTS} requests are waiting on this connection: open another one")
        feed = TextFeed(self._limits.text_chars)
        deadline = _now() + self._limits.request_seconds
        self._open = Request(voice_of(event, self._program), feed, is_ssml(event), streamed, deadline)
        self._pending.append(self._open)
        self._turns.put_nowait(self._open)
        return feed

    def _streaming(self, event: Event) -> TextFeed:
        if self._open is None:
            raise RequestError(f"{event.type} outside a stream: send synthesize-start first")
        return self._open.feed

    def _finish(self) -> None:
        if self._open is not None:
            self._open.feed.finish()
            self._open = None

    # To the client

    async def _speak(self) -> None:
        """Give the replies in the order in which they were asked for."""
        while request := await self._turns.get():
            await self._reply(request)
            self._pending.remove(request)
            self.quiet_since = _now()
            if self._service.speaker.draining.is_set() and not self._pending:
                raise GoneError("the server is shutting down")

    async def _reply(self, request: Request) -> None:
        try:
            async with asyncio.timeout_at(request.deadline) as limit:
                await self._send_speech(request)
        except TimeoutError:
            if not limit.expired():
                raise
            raise LimitError(
                f"the request took longer than {self._limits.request_seconds:g} s (request_seconds): "
                "send less text at once, or raise the limit"
            ) from None
        except asyncio.CancelledError:
            # A task group takes a child's own CancelledError for a quiet end; the client would wait for ever.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise RuntimeError("the speaker cancelled itself") from None

    async def _send_speech(self, request: Request) -> None:
        """Send one audio-start, chunks, one audio-stop: of several formats Home Assistant takes the first for all."""
        speech = self._service.speaker.speak(SpeechRequest(request.text(), request.voice, self.client))
        async with aclosing(speech):
            async for pcm in speech:
                if not pcm.data:  # an audio-start for it would look like an answer
                    continue
                head = b"" if self._midway else encode(AudioStart(pcm.rate, 2, 1).event())
                self._midway = True
                await self._outlet.send(head + audio_events(pcm))
        if not self._midway:
            raise NothingToSayError("There is nothing to say in this text; send some words.")
        end = encode(AudioStop().event())
        await self._outlet.send(end + encode(SynthesizeStopped().event()) if request.streamed else end)
        self._midway = False

    # The end

    def _explained(self, error: BaseException) -> MeadowlarkError | None:
        """Log how the connection ends, once; return what the client must be told."""
        match error:
            case GoneError():
                _LOGGER.debug("%s: %s", self.client, error)
                return None
            case RequestError():
                level = self._service.repeats.level(self.client, str(error))
                _LOGGER.log(level, "%s: %s", self.client, error)
                return error
            case MeadowlarkError():
                _LOGGER.warning("%s: %s", self.client, error)
                return error
        _LOGGER.error("%s: unexpected error", self.client, exc_info=error)
        return MeadowlarkError("internal error: the server's log says more")


def _client(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "local client"


def _now() -> float:
    return asyncio.get_running_loop().time()
