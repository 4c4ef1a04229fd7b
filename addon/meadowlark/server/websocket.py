"""A WebSocket client (RFC 6455), as much as Home Assistant needs: text both ways, pings answered, no extensions."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from enum import IntEnum
from typing import Final
from urllib.parse import urlsplit

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""From the RFC: proves that the other end speaks WebSocket."""

_HEAD_BYTES: Final = 16 * 1024
MESSAGE_BYTES: Final = 8 * 1024 * 1024
CONNECT_SECONDS: Final = 10.0


class WebSocketError(ConnectionError):
    """The other end does not speak WebSocket, or has closed."""


class _Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class WebSocket:
    """A connection; made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, url: str, headers: dict[str, str] | None = None) -> WebSocket:
        """Connect to ws://… or wss://…; raises OSError (WebSocketError, TimeoutError)."""
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        port = parts.port or (443 if secure else 80)
        async with asyncio.timeout(CONNECT_SECONDS):
            streams = await asyncio.open_connection(parts.hostname, port, ssl=secure or None, limit=_HEAD_BYTES)
            socket = cls(*streams)
            try:
                await socket._shake_hands(parts.netloc, parts.path or "/", headers or {})
            except BaseException:
                socket.close()
                raise
        return socket

    async def send(self, text: str) -> None:
        """One message."""
        self._write(_Opcode.TEXT, text.encode())
        await self._writer.drain()

    async def receive(self, quiet_seconds: float) -> str:
        """The next message; raises OSError when the other end closes, or sends nothing at all for so long."""
        message = bytearray()
        while True:
            async with asyncio.timeout(quiet_seconds):
                final, opcode, payload = await self._frame(MESSAGE_BYTES - len(message))
            match opcode:
                case _Opcode.PING:
                    self._write(_Opcode.PONG, payload)
                case _Opcode.CLOSE:
                    raise WebSocketError(f"closed by the other end ({_why_closed(payload)})")
                case _Opcode.TEXT | _Opcode.BINARY | _Opcode.CONTINUATION:
                    message += payload
                    if final:
                        return message.decode(errors="replace")

    def close(self) -> None:
        """Say goodbye; never waits."""
        if not self._writer.is_closing():
            self._write(_Opcode.CLOSE, (1000).to_bytes(2, "big"))
            self._writer.close()

    async def _shake_hands(self, host: str, path: str, headers: dict[str, str]) -> None:
        key = base64.b64encode(os.urandom(16))
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key.decode()}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise WebSocketError("it does not speak HTTP") from error
        status, *answers = head.decode("latin-1").split("\r\n")
        if status.split(" ")[1:2] != ["101"]:
            raise WebSocketError(f"it answers {status[:80]!r}")
        accepted = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest()).decode()
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in answers)}
        if fields.get("sec-websocket-accept") != accepted:
            raise WebSocketError("it does not speak WebSocket")

    async def _frame(self, most: int) -> tuple[bool, int, bytes]:
        """(last of its message, opcode, payload)."""
        try:
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
            if second & 0x80 or size > most:
                raise WebSocketError(f"a frame of {size} bytes, masked or too large")
            return bool(first & 0x80), first & 0x0F, await self._reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise WebSocketError("the connection ended") from error

    def _write(self, opcode: _Opcode, payload: bytes) -> None:
        """A frame, masked as a client must."""
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | opcode, 0x80 | size))
        elif size < 1 << 16:
            head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place & 3] for place, byte in enumerate(payload))
        self._writer.write(head + mask + masked)


def _why_closed(payload: bytes) -> str:
    code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
    return f"{code} {payload[2:].decode(errors='replace')}".strip()
