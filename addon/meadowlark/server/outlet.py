"""The way to a client: whole events in single writes, no more held than it takes, and a last word that arrives."""

from __future__ import annotations

import asyncio
import contextlib
from functools import lru_cache

from wyoming.audio import AudioChunk
from wyoming.error import Error

from ..errors import MeadowlarkError
from ..speech import Pcm
from .framing import encode

_CHUNK_SECONDS = 0.1
_CHUNK_BYTES = 16_384

_BUFFER_BYTES = 65_536
"""Audio held for a client that reads slowly; more waits in the engine."""

_TORN = b'{"type": "error", "data_length": 1}\n'
"""The head of an event whose body never comes.

Home Assistant before 2026.9 ignores `error` and takes a closed connection for the end of a reply: it keeps the half
that it has in its cache on disk and plays that whenever the text is to be spoken again. In the middle of an event it
sees that the reply has failed (2026.2.3). Clients that heed `error` read no further.
"""

_LINGER_SECONDS = 1.0
"""How long an error may take to reach a client that is still sending."""


class GoneError(Exception):
    """Nobody is there any more, or need be told; says why, for the log."""


class Outlet:
    """Writes to one client."""

    def __init__(self, writer: asyncio.StreamWriter, stall_seconds: float) -> None:
        writer.transport.set_write_buffer_limits(_BUFFER_BYTES)
        self._writer = writer
        self._stall_seconds = stall_seconds
        self.stuck_since: float | None = None
        """Loop time since when the client has taken nothing of what waits for it; None = it takes what comes."""

    async def send(self, events: bytes) -> None:
        """Give events to the socket; wait only for a client that lags behind. Raises GoneError."""
        transport = self._writer.transport
        if transport.is_closing():
            raise GoneError("left")
        self._writer.write(events)
        while (held := transport.get_write_buffer_size()) > _BUFFER_BYTES:
            self.stuck_since = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await self._writer.drain()
            except TimeoutError:
                if transport.get_write_buffer_size() >= held:
                    raise GoneError(f"accepted no audio for {self._stall_seconds:g} s") from None
            except OSError as error:
                raise GoneError(str(error)) from error
            finally:
                self.stuck_since = None

    async def close(self, error: MeadowlarkError | None, stream: asyncio.StreamReader, *, torn: bool = False) -> None:
        """Close within a bounded time, after telling the error; never raises.

        `stream`: what the client still sends. `torn`: it has part of a reply, which it must not take for the whole.
        """
        try:
            if error is not None:
                await self._send_last(error_event(error) + (_TORN if torn else b""), stream)
            self._writer.close()
            async with asyncio.timeout(self._stall_seconds):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Close now, whatever has not been sent."""
        transport = self._writer.transport
        if transport.get_write_buffer_size() or not transport.is_closing():  # asyncio trips over one that is closed
            transport.abort()

    async def _send_last(self, events: bytes, stream: asyncio.StreamReader) -> None:
        """Send an error, and read on until the client has it: closing with bytes unread makes the system discard it."""
        self._writer.write(events)
        self._writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while await stream.read(_BUFFER_BYTES):
                    pass


def error_event(error: MeadowlarkError) -> bytes:
    """Return what a client is told of an error."""
    return encode(Error(str(error), error.code).event())


def audio_events(pcm: Pcm) -> bytes:
    """Return audio in events that a satellite's small buffers take, to be written by one system call."""
    size = min(int(pcm.rate * _CHUNK_SECONDS) * 2, _CHUNK_BYTES)
    events: list[bytes] = []
    for at in range(0, len(pcm.data), size):
        payload = pcm.data[at : at + size]
        events += (_chunk_head(pcm.rate, len(payload)), payload)
    return b"".join(events)


@lru_cache
def _chunk_head(rate: int, size: int) -> bytes:
    """What stands before the samples in an `audio-chunk` of so many bytes; nearly all are of one size."""
    return encode(AudioChunk(rate, 2, 1, bytes(size)).event())[:-size]
