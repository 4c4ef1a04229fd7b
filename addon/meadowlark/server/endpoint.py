"""Where the server listens: `tcp://host:port` or `unix:///path`, parsed and opened."""

from __future__ import annotations

import asyncio
import errno
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from ..errors import SettingsError
from .framing import HEADER_BYTES

_BACKLOG = 512
"""Connections that may wait to be accepted: a house that wakes up sends more than asyncio's 100."""

Accept: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A host and port; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """A socket in the file system."""

    path: Path

    def __str__(self) -> str:
        return f"unix://{self.path}"


Endpoint: TypeAlias = TcpEndpoint | UnixEndpoint


def parse(uri: str) -> Endpoint:
    """Return the endpoint that a URI means; raises SettingsError."""
    try:
        parts = urlsplit(uri)
        if parts.scheme == "tcp" and parts.hostname and parts.port is not None:
            return TcpEndpoint(parts.hostname, parts.port)
        if parts.scheme == "unix" and parts.path and not parts.netloc:
            return UnixEndpoint(Path(parts.path))
    except ValueError:  # a port that is no number or above 65535, a bracket that is not closed
        pass
    raise SettingsError(
        f"uri: {uri!r} is no address to listen on: use tcp://0.0.0.0:10200, tcp://[::]:10200 or unix:///path/to/socket"
    )


async def listen(endpoint: Endpoint, accept: Accept) -> asyncio.Server:
    """Start to listen; raises SettingsError with what stands in the way."""
    try:
        if isinstance(endpoint, UnixEndpoint):
            _remove_stale(endpoint.path)
            return await asyncio.start_unix_server(accept, endpoint.path, limit=HEADER_BYTES, backlog=_BACKLOG)
        return await asyncio.start_server(accept, endpoint.host, endpoint.port, limit=HEADER_BYTES, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsError(f"uri: cannot listen on {endpoint}: {_remedy(endpoint, error)}") from error


def bound(server: asyncio.Server, endpoint: Endpoint) -> tuple[Endpoint, ...]:
    """Return where the server really listens: addresses instead of names, the port that was chosen for 0."""
    if isinstance(endpoint, UnixEndpoint):
        return (endpoint,)
    return tuple(TcpEndpoint(*each.getsockname()[:2]) for each in server.sockets)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody serves; asyncio alone would take over a living server's path."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(errno.EEXIST, "it exists and is no socket: remove it or choose another path")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        if probe.connect_ex(str(path)) != errno.ECONNREFUSED:
            raise OSError(errno.EADDRINUSE, "in use")
    path.unlink(missing_ok=True)


def _remedy(endpoint: Endpoint, error: OSError) -> str:
    match endpoint, error.errno:
        case TcpEndpoint(port=port), errno.EADDRINUSE:
            return (
                f"port {port} is taken by another program. Find it with `ss -ltnp 'sport = :{port}'` and stop it, "
                "or choose another port with --uri"
            )
        case UnixEndpoint(), errno.EADDRINUSE:
            return "another server is listening there. Stop it or choose another path with --uri"
        case TcpEndpoint(port=port), errno.EACCES:
            return f"port {port} needs administrator rights. Choose one above 1023, 10200 for instance"
        case TcpEndpoint(host=host), errno.EADDRNOTAVAIL | None:  # asyncio gives no number from Python 3.13 on
            return f"{host} is no address of this machine. Use 0.0.0.0 for all of its addresses"
        case TcpEndpoint(host=host), _ if isinstance(error, socket.gaierror):
            return f"the name {host} is not known. Use an address, 0.0.0.0 for all of this machine's"
        case UnixEndpoint(path=path), errno.ENOENT:
            return f"the folder {path.parent} does not exist. Make it or choose another path"
        case UnixEndpoint(path=path), errno.EACCES:
            return f"{path.parent} may not be written by this user. Choose another path"
    return str(error.strerror or error)
