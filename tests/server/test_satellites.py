"""Satellites: a fake Home Assistant with a WebSocket of its own, which also breaks in every way."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from meadowlark.server.homeassistant import HomeAssistant
from meadowlark.server.satellites import Satellites
from meadowlark.server.websocket import MESSAGE_BYTES, WebSocket, WebSocketError

pytestmark = pytest.mark.usefixtures("virtual_time")

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Link:
    """One client's connection, seen from Home Assistant."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def shake_hands(self) -> str:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        magic = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode() + magic).digest()).decode()
        self.writer.write(f"HTTP/1.1 101 X\r\nupgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        return head.split(" ")[1]

    def frame(self, payload: bytes, opcode: int = TEXT, final: bool = True) -> None:
        size = len(payload)
        length = (
            bytes([size])
            if size < 126
            else b"\x7e" + size.to_bytes(2, "big")
            if size < 65536
            else b"\x7f" + size.to_bytes(8, "big")
        )
        self.writer.write(bytes([opcode | 0x80 * final]) + length + payload)

    def say(self, message: Any) -> None:
        self.frame(json.dumps(message).encode())

    async def hear(self) -> tuple[int, bytes]:
        """(opcode, payload) of a client's frame, which must be masked."""
        first, second = await self.reader.readexactly(2)
        assert second & 0x80
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        mask = await self.reader.readexactly(4)
        data = await self.reader.readexactly(size)
        return first & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))

    async def told(self) -> Any:
        opcode, payload = await self.hear()
        assert opcode == TEXT
        return json.loads(payload)

    async def log_in(self) -> None:
        assert await self.shake_hands() == "/core/websocket"
        self.say({"type": "auth_required", "ha_version": "2026.11.0"})
        assert await self.told() == {"type": "auth", "access_token": "secret"}
        self.say({"type": "auth_ok", "ha_version": "2026.11.0"})
        order = await self.told()
        assert order == {"id": 1, "type": "subscribe_entities", "include": {"domains": ["assist_satellite"]}}
        self.say({"id": 1, "type": "result", "success": True, "result": None})

    def event(self, **event: Any) -> None:
        self.say({"id": 1, "type": "event", "event": event})

    def state(self, state: str, entity: str = "assist_satellite.kitchen") -> None:
        self.event(c={entity: {"+": {"s": state, "lc": 1.0, "c": "01H"}}})


class HomeAssistantDouble:
    """Accepts connections; each is handed to the test."""

    def __init__(self) -> None:
        self.links: asyncio.Queue[Link] = asyncio.Queue()
        self.all: list[Link] = []
        self.url = ""

    async def link(self) -> Link:
        async with asyncio.timeout(5):
            return await self.links.get()


@pytest.fixture
async def house() -> AsyncIterator[HomeAssistantDouble]:
    double = HomeAssistantDouble()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(reader, writer)
        double.all.append(link)
        double.links.put_nowait(link)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    double.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield double
    server.close()
    for link in double.all:
        link.writer.close()
    await server.wait_closed()


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
async def watching(house: HomeAssistantDouble, woken: list[str]) -> AsyncIterator[asyncio.Task[None]]:
    api = HomeAssistant("secret", house.url, retry_seconds=0.01)
    task = asyncio.create_task(Satellites(api, woken.append, quiet_seconds=0.5).watch())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    return wait


async def test_who_begins_to_listen(
    house: HomeAssistantDouble, watching: asyncio.Task[None], woken: list[str], until: Until
) -> None:
    link = await house.link()
    await link.log_in()
    link.event(a={"assist_satellite.kitchen": {"s": "idle", "a": {}}, "assist_satellite.hall": {"s": "listening"}})
    await until(lambda: woken == ["assist_satellite.hall"])
    for state in ("listening", "processing", "responding", "idle", "processing", "idle"):
        link.state(state)
    link.state("listening", "light.kitchen")  # what was not asked for
    link.event(c={"assist_satellite.kitchen": {"+": {"a": {"friendly_name": "Kitchen"}}}})
    link.event(r=["assist_satellite.kitchen"])
    link.event(a={"assist_satellite.attic": {"s": "listening"}})
    await until(lambda: "assist_satellite.attic" in woken)
    assert woken == [f"assist_satellite.{room}" for room in ("hall", "kitchen", "kitchen", "attic")]


async def test_pings_are_answered(house: HomeAssistantDouble, watching: asyncio.Task[None]) -> None:
    link = await house.link()
    await link.log_in()
    link.frame(b"are you there", PING)
    assert await link.hear() == (PONG, b"are you there")


async def test_fragments_and_lists(
    house: HomeAssistantDouble, watching: asyncio.Task[None], woken: list[str], until: Until
) -> None:
    link = await house.link()
    await link.log_in()
    text = json.dumps([{"id": 1, "type": "event", "event": {"a": {"assist_satellite.a": {"s": "listening"}}}}]).encode()
    link.frame(text[:10], TEXT, final=False)
    link.frame(b"", PING)
    link.frame(text[10:30], 0, final=False)
    link.frame(text[30:], 0)
    await until(lambda: woken)
    padding = {"assist_satellite.b": {"s": "listening", "a": {"x": "y" * 100_000}}}  # a frame with a long length
    link.event(a=padding)
    await until(lambda: len(woken) == 2)


@pytest.mark.parametrize("end", ["close", "vanish", "silence", "garbage"])
async def test_it_comes_back(
    house: HomeAssistantDouble,
    watching: asyncio.Task[None],
    woken: list[str],
    until: Until,
    end: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Home Assistant restarts, falls off the network, hangs, or sends what nobody understands."""
    link = await house.link()
    await link.log_in()
    match end:
        case "close":
            link.frame((1001).to_bytes(2, "big") + b"going away", CLOSE)
        case "vanish":
            link.writer.transport.abort()
        case "garbage":
            link.frame(b"<html>")
    again = await house.link()
    await again.log_in()
    again.state("listening")
    await until(lambda: woken)
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


async def test_while_home_assistant_is_away_there_is_one_line(
    house: HomeAssistantDouble, watching: asyncio.Task[None], caplog: pytest.LogCaptureFixture
) -> None:
    for raw in (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"", b"SSH-2.0\r\n\r\n", b"x" * 40_000):
        link = await house.link()
        link.writer.write(raw)
        link.writer.close()
    link = await house.link()
    assert "/core/websocket" in (await link.reader.readuntil(b"\r\n\r\n")).decode()
    link.writer.write(b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: bm9ib2R5\r\n\r\n")
    await (await house.link()).log_in()
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "502 Bad Gateway" in warnings[0]


async def test_a_token_that_is_refused_is_not_tried_for_ever(
    house: HomeAssistantDouble, watching: asyncio.Task[None], caplog: pytest.LogCaptureFixture
) -> None:
    link = await house.link()
    await link.shake_hands()
    link.say({"type": "auth_required"})
    await link.told()
    link.say({"type": "auth_invalid", "message": "Invalid access"})
    await asyncio.wait_for(watching, 5)
    assert "homeassistant_api" in caplog.text


async def test_a_home_assistant_too_old_to_filter(
    house: HomeAssistantDouble, watching: asyncio.Task[None], caplog: pytest.LogCaptureFixture
) -> None:
    link = await house.link()
    await link.shake_hands()
    link.say({"type": "auth_required"})
    await link.told()
    link.say({"type": "auth_ok"})
    await link.told()
    link.say({"id": 1, "type": "result", "success": False, "error": {"code": "invalid_format"}})
    await asyncio.wait_for(watching, 5)
    assert "invalid_format" in caplog.text


NONSENSE = [None, 7, [], {"a": 7}, {"a": {"assist_satellite.x": 7}}, {"c": {"assist_satellite.x": {"+": []}}}, {"r": 7}]


@pytest.mark.parametrize("event", [*NONSENSE, {"a": {"assist_satellite.x": {"s": ["listening"]}}}])
async def test_events_of_another_shape(
    house: HomeAssistantDouble, watching: asyncio.Task[None], woken: list[str], until: Until, event: Any
) -> None:
    link = await house.link()
    await link.log_in()
    link.say({"id": 1, "type": "event", "event": event})
    link.say("what?")
    link.state("listening")
    await until(lambda: woken == ["assist_satellite.kitchen"])


async def test_a_message_without_end(house: HomeAssistantDouble) -> None:
    connecting = asyncio.create_task(WebSocket.connect(house.url.replace("http", "ws")))
    link = await house.link()
    assert await link.shake_hands() == "/"
    socket = await connecting
    link.writer.write(bytes([0x81, 127]) + (MESSAGE_BYTES + 1).to_bytes(8, "big"))
    with pytest.raises(WebSocketError, match="too large"):
        await socket.receive(5)
    socket.close()
    socket.close()


async def test_long_messages_are_framed_rightly(house: HomeAssistantDouble) -> None:
    connecting = asyncio.create_task(WebSocket.connect(house.url.replace("http", "ws") + "/x", {"X-Y": "z"}))
    link = await house.link()
    assert await link.shake_hands() == "/x"
    socket = await connecting
    for size in (0, 125, 126, 65535, 65536):
        text = "ä" * (size // 2) + "x" * (size % 2)
        await socket.send(text)
        assert await link.hear() == (TEXT, text.encode())
    socket.close()
    assert await link.hear() == (CLOSE, (1000).to_bytes(2, "big"))
