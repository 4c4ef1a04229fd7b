"""What the control socket speaks of HTTP/1.1: one request a connection, a JSON answer; large bodies to disk."""

from __future__ import annotations

import asyncio
import http
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec

HEAD_BYTES: Final = 16 * 1024
BODY_BYTES: Final = 64 * 1024
UPLOAD_BYTES: Final = 32 * 1024 * 1024
"""60 s of 24-bit stereo at 48 kHz take 17 MB."""

BLOCK: Final = 256 * 1024

_T = TypeVar("_T")


class HttpError(Exception):
    """The request cannot be answered; the text names the remedy."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """What comes before the body."""

    method: str
    path: str
    """Percent signs decoded, without the query."""

    query: Mapping[str, str] = field(default_factory=dict)
    length: int = 0
    waits: bool = False
    """The client wants to be told to go on before it sends a large body (curl above 1 MB)."""


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The request line and the headers; None when the client left without a word. Raises HttpError."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")  # curl sends "é" as it is
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise HttpError(400, "the request ends before its head does") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise HttpError(431, f"the request's head is larger than {HEAD_BYTES >> 10} KiB") from error
    first, *lines = head.rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise HttpError(400, "this is an HTTP/1.1 socket: GET /engines HTTP/1.1")
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "transfer-encoding" in headers:
        raise HttpError(411, "send the body with a Content-Length, not in chunks")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise HttpError(400, f"Content-Length is {length[:40]!r}, not a number of bytes")
    path, _, query = words[1].partition("?")
    return Head(
        words[0],
        unquote(path),
        dict(parse_qsl(query, keep_blank_values=True)),
        int(length[:12]),
        headers.get("expect", "").lower() == "100-continue",
    )


async def read_body(reader: asyncio.StreamReader, head: Head) -> bytes:
    """A body in memory. Raises HttpError."""
    if head.length > BODY_BYTES:
        raise HttpError(413, f"the body is larger than {BODY_BYTES >> 10} KiB")
    try:
        return await reader.readexactly(head.length)
    except asyncio.IncompleteReadError as error:
        raise HttpError(400, f"the body ends after {len(error.partial)} of {head.length} bytes") from error


async def save_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head, path: Path) -> None:
    """A body into a file. Raises HttpError, OSError."""
    if head.length > UPLOAD_BYTES:
        raise HttpError(413, f"the recording is larger than {UPLOAD_BYTES >> 20} MiB; 5 to 30 s of speech are enough")
    if not head.length:
        raise HttpError(
            400, "there is no recording: send it as the body (curl --data-binary @FILE), or name its `path`"
        )
    if head.waits:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    left = head.length
    with path.open("wb") as file:
        while left:
            block = await reader.read(min(left, BLOCK))
            if not block:
                raise HttpError(400, f"the body ends after {head.length - left} of {head.length} bytes")
            await asyncio.to_thread(file.write, block)
            left -= len(block)


def decoded(body: bytes, kind: type[_T], example: str) -> _T:
    """A JSON body. Raises HttpError."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise HttpError(400, f"the body is not what is expected ({error}): send {example}") from error


def response(status: int, answer: object) -> bytes:
    """An answer, whole."""
    body = msgspec.json.encode(answer) + b"\n"
    phrase = http.HTTPStatus(status).phrase
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


async def drain_unread(reader: asyncio.StreamReader, most: int = 2 * UPLOAD_BYTES) -> None:
    """Read on what a client still sends after a refusal, until it hangs up: closing before would tear the answer away
    from it."""
    with suppress(OSError):
        while most > 0 and (block := await reader.read(BLOCK)):
            most -= len(block)
