"""A server on loopback with a speaker that does as it is told, and clients that do not."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from wyoming.client import AsyncClient
from wyoming.event import Event, async_read_event

from meadowlark.api import EngineManifest, Voice
from meadowlark.errors import VoiceError
from meadowlark.server.endpoint import TcpEndpoint
from meadowlark.server.framing import encode
from meadowlark.server.limits import Limits
from meadowlark.server.server import Server
from meadowlark.speech import Pcm, SpeechRequest

RATE = 16_000


@dataclass
class FakeCatalog:
    engines: tuple[EngineManifest, ...]
    default: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


def manifest(engine: str, *voices: Voice, title: str = "") -> EngineManifest:
    return EngineManifest(
        id=engine,
        title=title or engine.title(),
        license="Apache-2.0",
        pipeline="nowhere:Nothing",
        sample_rate=RATE,
        voices=voices or (Voice("plain", ("en-US", "en"), "Plain"),),
    )


@dataclass
class FakeSpeaker:
    """Makes 100 samples for every character of a word; the script says what else a word does."""

    catalog: FakeCatalog = field(default_factory=lambda: FakeCatalog((manifest("tone"), manifest("bell"))))
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[SpeechRequest] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    speaking: int = 0
    impatient: bool = False
    """Takes a text for ended after its first piece, as the real one does when no more has come for long."""
    script: dict[str, Callable[[], Awaitable[Pcm | None]]] = field(default_factory=dict)

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        self.requests.append(request)
        self.speaking += 1
        place = len(self.texts)
        self.texts.append("")
        try:
            if request.voice.name == "nobody":
                raise VoiceError("No voice 'nobody' is installed.")
            async for text in request.text:
                self.texts[place] += text
                for word in text.split():
                    act = self.script.get(word)
                    pcm = await act() if act else Pcm(RATE, b"\1\0" * 100 * len(word))
                    if pcm:
                        yield pcm
                if self.impatient:
                    return
        finally:
            self.speaking -= 1


class Caller:
    """A Wyoming client that remembers what it was told."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.events: list[Event] = []
        self.torn = False
        """The server ended in the middle of an event."""

    async def send(self, *events: Event) -> None:
        for event in events:
            await self.client.write_event(event)

    async def synthesize(self, text: str, **data: Any) -> None:
        await self.send(Event("synthesize", {"text": text, **data}))

    async def stream(self, *chunks: str, **data: Any) -> None:
        """As Home Assistant does: the chunks, and the whole text again for servers that cannot stream."""
        await self.send(Event("synthesize-start", data))
        await self.send(*(Event("synthesize-chunk", {"text": chunk}) for chunk in chunks))
        await self.synthesize("".join(chunks), **data)
        await self.send(Event("synthesize-stop"))

    async def until(self, kind: str) -> Event:
        """Read on until an event of this type."""
        while event := await self.client.read_event():
            self.events.append(event)
            if event.type == kind:
                return event
        pytest.fail(f"closed before {kind}: {self.kinds}")

    async def rest(self) -> list[str]:
        """Read on until the server closes; the types since the last call."""
        self.events.clear()
        try:
            while event := await self.client.read_event():
                self.events.append(event)
        except asyncio.IncompleteReadError:
            self.torn = True
        return self.kinds

    @property
    def kinds(self) -> list[str]:
        """The types in order, a run of audio chunks as one."""
        return [kind for kind, _ in itertools.groupby(event.type for event in self.events)]

    @property
    def audio(self) -> bytes:
        return b"".join(event.payload or b"" for event in self.events if event.type == "audio-chunk")

    @property
    def error(self) -> dict[str, Any]:
        """The error that must have been the last event."""
        assert self.events[-1].type == "error", self.kinds
        return self.events[-1].data

    def vanish(self) -> None:
        """Leave as a crashed program does, with a reset connection."""
        assert self.client._writer
        reset = struct.pack("ii", 1, 0)
        self.client._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        self.client._writer.transport.abort()


class Raw:
    """A connection for bytes that no client library would send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *events: Event | bytes) -> None:
        self.writer.write(b"".join(each if isinstance(each, bytes) else encode(each) for each in events))

    async def rest(self) -> list[Event]:
        """All events until the server closes."""
        events: list[Event] = []
        try:
            while event := await async_read_event(self.reader):
                events.append(event)
        except ConnectionError:
            pass
        return events


@dataclass
class House:
    """A running server."""

    server: Server
    speaker: FakeSpeaker

    @property
    def uri(self) -> str:
        return str(self.server.endpoints[0])

    @property
    def connections(self) -> int:
        return len(self.server._connections)

    @asynccontextmanager
    async def call(self) -> AsyncIterator[Caller]:
        async with AsyncClient.from_uri(self.uri, read_timeout=10) as client:
            yield Caller(client)

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[Raw]:
        endpoint = self.server.endpoints[0]
        assert isinstance(endpoint, TcpEndpoint)
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        try:
            yield Raw(reader, writer)
        finally:
            writer.transport.abort()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true; the test's own time limit ends it."""
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


Start = Callable[..., Awaitable[House]]


@pytest.fixture
def speaker() -> FakeSpeaker:
    return FakeSpeaker()


@pytest.fixture
async def start(speaker: FakeSpeaker) -> AsyncIterator[Start]:
    """Start a server: `await start(uri=…, stall_seconds=…)`."""
    houses: list[House] = []

    async def _start(uri: str = "tcp://127.0.0.1:0", **limits: float | int) -> House:
        server = Server(speaker, Limits(**limits))  # type: ignore[arg-type]
        await server.start([uri])
        houses.append(House(server, speaker))
        return houses[-1]

    yield _start
    for house in houses:
        await house.server.stop(0)


@pytest.fixture
async def house(start: Start) -> House:
    return await start()
