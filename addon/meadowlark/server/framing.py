"""Wyoming events on a byte stream, read within limits.

The library's own reader trusts the lengths that it is told; this one checks them before it reads, and names what is
wrong. Payloads are skipped: no event that a speech server understands has one, so garbage never holds memory.
"""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

from wyoming.event import Event, write_event

from ..errors import LimitError, RequestError
from .limits import Limits

HEADER_BYTES = 65_536
"""Longest header line, the library's own bound; longer text belongs into the data block."""

_SKIP_BYTES = 65_536


class EventReader:
    """Reads events one by one from a stream made with `limit=HEADER_BYTES`."""

    def __init__(self, stream: asyncio.StreamReader, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._begun = b""

    async def ready(self) -> bool:
        """Wait until an event begins; False at the end of the stream. May be cancelled without loss."""
        if not self._begun:
            self._begun = await self._stream.read(1)
        return bool(self._begun)

    async def read(self) -> Event:
        """Return the event that has begun, without its payload; raises RequestError, LimitError, or OSError."""
        try:
            async with asyncio.timeout(self._limits.stall_seconds):
                return await self._read()
        except TimeoutError:
            raise LimitError(
                f"the event was not complete after {self._limits.stall_seconds:g} s: send whole events"
            ) from None
        except asyncio.IncompleteReadError:
            raise RequestError("the connection ended in the middle of an event: send whole events") from None

    async def _read(self) -> Event:
        await self.ready()
        begun, self._begun = self._begun, b""
        if begun != b"{":
            raise RequestError(f"this port speaks Wyoming, whose events begin with {{ and not with {begun!r}")
        header = _parse(begun + await self._header(), "header")
        data_bytes = _length(header, "data_length")
        payload_bytes = _length(header, "payload_length")
        if data_bytes + payload_bytes > self._limits.event_bytes:
            raise LimitError(
                f"the event has {data_bytes + payload_bytes} bytes, {self._limits.event_bytes} are allowed: "
                "send the text in several synthesize-chunk events"
            )
        kind, data = header.get("type"), header.get("data") or {}
        if not isinstance(kind, str):
            raise RequestError('the event\'s header has no type: it needs a string, as in {"type": "describe"}')
        if not isinstance(data, dict):
            raise RequestError(f"the data of {kind!r} is no JSON object")
        if data_bytes:
            data |= _parse(await self._stream.readexactly(data_bytes), f"data of {kind!r}")
        await self._skip(payload_bytes)
        return Event(kind, data)

    async def _header(self) -> bytes:
        try:
            return await self._stream.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise LimitError(
                f"the event's header line is longer than {HEADER_BYTES} bytes: send long text under data_length"
            ) from None

    async def _skip(self, size: int) -> None:
        while size:
            piece = await self._stream.read(min(size, _SKIP_BYTES))
            if not piece:
                raise asyncio.IncompleteReadError(b"", size)
            size -= len(piece)


def encode(event: Event) -> bytes:
    """Return the bytes of an event, for one write: a client wakes up once per event, not once per part."""
    buffer = io.BytesIO()
    write_event(event, buffer)
    return buffer.getvalue()


def _parse(source: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(source.decode())
        # Half an emoji is valid JSON ("\ud83d") but no Unicode: it could be neither spoken nor sent back.
        if b"\\ud" in source.lower():
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore"))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the event's {what} is not JSON ({error}): begins with {source[:40]!r}") from None
    if not isinstance(value, dict):
        raise RequestError(f"the event's {what} is no JSON object: begins with {source[:40]!r}")
    return value


def _length(header: dict[str, Any], key: str) -> int:
    value = header.get(key)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RequestError(f"{key} is {str(value)[:40]!r}: it needs a whole number of bytes, 0 or more")
    return value
