"""Listening, and all connections together: how many there may be, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence

from ..errors import LimitError, RefusedError
from ..speech import Speaker
from .endpoint import Endpoint, UnixEndpoint, bound, listen, parse
from .handler import Connection, Service
from .limits import Limits
from .outlet import error_event

_LOGGER = logging.getLogger(__name__)

_RESERVE = 32
"""Connections beyond the limit that may ask `describe`: Home Assistant must find us also while all are speaking."""

_STUCK_SECONDS = 8.0
"""A client that plays what it reads takes audio every 2 s at least; one that has not for so long gives way."""

_RESERVE_SECONDS = 5.0
"""Home Assistant's own limit for an answer to `describe`."""

_SEND_BUFFER = 131_072
"""The kernel's share of a slow client's audio; its own choice grows to 4 MiB for each."""

_CLOSE_SECONDS = 2.0
"""For the last errors to reach their clients at the end."""


class Server:
    """The Wyoming server; takes no signals, so that its owner decides when to stop."""

    def __init__(self, speaker: Speaker, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._service = Service(speaker, self._limits)
        self._listeners: list[asyncio.Server] = []
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._full = False
        self.endpoints: tuple[Endpoint, ...] = ()

    async def start(self, uris: Sequence[str]) -> None:
        """Listen on all of the URIs or on none; raises SettingsError."""
        self._service.info.of(self._service.speaker.catalog)  # the first client should not pay for it
        try:
            for endpoint in [parse(uri) for uri in uris]:
                listener = await listen(endpoint, self._accept)
                self._listeners.append(listener)
                self.endpoints += bound(listener, endpoint)
        except BaseException:
            await self.stop(0)
            raise
        _LOGGER.info("Listening on %s", ", ".join(map(str, self.endpoints)))

    async def stop(self, grace: float) -> None:
        """Close idle connections now, speaking ones with their last reply or after `grace` seconds with an error.

        The speaker is told first, so that it ends its replies with their current sentence.
        """
        self._service.speaker.draining.set()
        for listener in self._listeners:
            listener.close()
        for endpoint in self.endpoints:
            if isinstance(endpoint, UnixEndpoint):
                with contextlib.suppress(OSError):
                    endpoint.path.unlink()
        for connection in self._connections:
            if connection.idle:
                connection.end()
        await self._ended(grace)
        for connection in self._connections:
            connection.end(RefusedError("the server is shutting down: ask again in a moment"))
        await self._ended(_CLOSE_SECONDS)
        for task in self._connections.values():
            task.cancel()
        self._listeners.clear()
        self.endpoints = ()

    async def _ended(self, seconds: float) -> None:
        if self._connections:
            await asyncio.wait(self._connections.values(), timeout=seconds)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Give a new client a task of its own; what happens there reaches nobody else."""
        _tune(writer)
        crowd = len(self._connections) - self._limits.connections
        full = crowd >= 0 and not self._make_room()
        self._note_full(full)
        refusal = LimitError(f"too many connections (limit {self._limits.connections}): try again later")
        if crowd >= _RESERVE:
            writer.write(error_event(refusal))
            writer.close()
            return
        if full:
            connection = Connection(reader, writer, self._service, refusal=refusal, idle_seconds=_RESERVE_SECONDS)
        else:
            connection = Connection(reader, writer, self._service)
        task = asyncio.create_task(connection.serve())
        self._connections[connection] = task
        task.add_done_callback(lambda _: self._connections.pop(connection))

    def _make_room(self) -> bool:
        """End the connection that has been idle longest, else the one that has taken no audio longest.

        Holding connections open, or not reading from them, keeps nobody out for long.
        """
        now = asyncio.get_running_loop().time()
        idle = [each for each in self._connections if each.idle and each.refusal is None]
        longest = min(idle, key=lambda each: each.quiet_since, default=None)
        if longest and longest.quiet_since <= now - self._limits.stall_seconds:
            longest.end(LimitError("the connection was idle, and others needed it: connect again for the next request"))
            return True
        stuck = max(self._connections, key=lambda each: each.stuck_seconds(now), default=None)
        if stuck and stuck.stuck_seconds(now) >= min(_STUCK_SECONDS, self._limits.stall_seconds):
            stuck.end(LimitError("no audio was taken, and others needed the connection: read what is sent"))
            return True
        return False

    def _note_full(self, full: bool) -> None:
        if full and not self._full:
            _LOGGER.warning(
                "All %d connections are in use: further ones may only ask what voices there are",
                self._limits.connections,
            )
        self._full = full


def _tune(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
