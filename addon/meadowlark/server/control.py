"""The control socket: what other programs of this machine may ask of a running server. HTTP on a unix socket.

    curl --unix-socket data/control.sock http://meadowlark/engines
    curl --unix-socket data/control.sock http://meadowlark/yield -d '{"bytes": 2000000000, "device": "cuda:0"}'
    curl --unix-socket data/control.sock http://meadowlark/prewarm -d '{"voice": "kokoro/af_heart"}'

Only the user who runs the server can open it (mode 0600), so nobody else is asked who he is. One request a connection.
"""

from __future__ import annotations

import asyncio
import http
import logging
import os
import socket
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec

from ..errors import MeadowlarkError, RefusedError, RequestError, VoiceError

_LOGGER = logging.getLogger(__name__)

HEAD_BYTES: Final = 16 * 1024
BODY_BYTES: Final = 64 * 1024
ANSWER_BYTES: Final = 4 * 1024 * 1024
CONNECTIONS: Final = 16
REQUEST_SECONDS: Final = 5.0
WORK_SECONDS: Final = 60.0
"""A driver that gives back gigabytes may take tens of seconds."""

LONGEST_PATH: Final = 107
"""Bytes that the kernel has room for in a socket's address."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine of the running server, as GET /engines shows it."""

    engine: str
    state: str
    """"resident", "loading", "absent", or "resting" after deaths."""

    device: str = ""
    bytes: int = 0
    leases: int = 0
    """Listeners who hold it now."""

    pinned: bool = False
    idle_seconds: float = 0.0
    deaths: int = 0
    """In a row."""

    last_death: str = ""
    rests_seconds: float = 0.0
    """Until it is started again."""


class Controls(Protocol):
    """What the socket sets off."""

    async def yield_memory(self, wanted: int, device: str) -> int:
        """Let idle engines go until so many bytes are free; the bytes proven back. device: empty = wherever."""

    def prewarm(self, name: str) -> str:
        """Begin to load the engine of an engine's or a voice's name; its id. Raises VoiceError."""

    def engines(self) -> Sequence[EngineState]:
        """Every engine."""


@dataclass(frozen=True, slots=True)
class _Yield:
    bytes: Annotated[int, msgspec.Meta(gt=0, lt=1 << 53)]
    device: str = ""


@dataclass(frozen=True, slots=True)
class _Prewarm:
    engine: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class _Yielded:
    wanted: int
    freed: int
    enough: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class _Prewarmed:
    engine: str


@dataclass(frozen=True, slots=True)
class _Engines:
    engines: tuple[EngineState, ...]


@dataclass(frozen=True, slots=True)
class _Problem:
    error: str


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: bytes


class _HttpError(Exception):
    """The request cannot be answered; the text names the remedy."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ControlSocket:
    """The listening end. A server without one serves all the same, so that `start` warns and does not raise."""

    def __init__(
        self,
        path: Path,
        controls: Controls,
        *,
        request_seconds: float = REQUEST_SECONDS,
        work_seconds: float = WORK_SECONDS,
    ) -> None:
        self.path = path
        self._controls = controls
        self._request_seconds = request_seconds
        self._work_seconds = work_seconds
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> bool:
        """Listen; False, with the reason in the log, when that is not possible."""
        try:
            self._listener = await asyncio.start_unix_server(self._accept, sock=_bind(self.path), limit=HEAD_BYTES)
        except OSError as error:
            _LOGGER.warning("No control socket at %s: %s. Speech is not affected", self.path, error.strerror or error)
            return False
        _LOGGER.debug("Control socket at %s", self.path)
        return True

    async def stop(self) -> None:
        """Close; requests that are still at work are cut off."""
        if self._listener:
            self._listener.close()
            self._listener = None
            with suppress(OSError):
                self.path.unlink()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="control")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request and its answer; whatever happens in it stays here."""
        try:
            status, answer = await self._reply(reader)
            if status:
                writer.write(_response(status, answer))
                async with asyncio.timeout(self._request_seconds):
                    await writer.drain()
        except OSError:
            pass  # the client has gone, or does not read
        finally:
            writer.close()

    async def _reply(self, reader: asyncio.StreamReader) -> tuple[int, object]:
        """Status and body; status 0 when the client left without asking."""
        try:
            try:
                async with asyncio.timeout(self._request_seconds):
                    request = await _read(reader)
            except ConnectionError:
                request = None
            if request is None:
                return 0, None
            if len(self._connections) > CONNECTIONS:
                raise _HttpError(503, f"more than {CONNECTIONS} requests at once: ask again in a moment")  # noqa: TRY301
            async with asyncio.timeout(self._work_seconds):
                return 200, await self._answer(request)
        except _HttpError as error:
            return error.status, _Problem(str(error))
        except TimeoutError:
            return 408, _Problem("this took too long: send the request at once, and yield less at a time")
        except MeadowlarkError as error:
            return _status(error), _Problem(str(error))
        except Exception:
            _LOGGER.exception("A request on the control socket failed; please report this")
            return 500, _Problem("the server failed; its log says more")

    async def _answer(self, request: _Request) -> object:
        match request.path, request.method:
            case "/engines", "GET":
                return _Engines(tuple(self._controls.engines()))
            case "/yield", "POST":
                order = _decoded(request.body, _Yield, '{"bytes": 2000000000} or {"bytes": …, "device": "cuda:0"}')
                _LOGGER.info("Asked to yield %.0f MB%s", order.bytes / 1e6, f" of {order.device}" * bool(order.device))
                begun = time.monotonic()
                freed = await self._controls.yield_memory(order.bytes, order.device)
                return _Yielded(order.bytes, freed, freed >= order.bytes, round(time.monotonic() - begun, 3))
            case "/prewarm", "POST":
                wish = _decoded(request.body, _Prewarm, '{"engine": "kokoro"} or {"voice": "kokoro/af_heart"}')
                if not (wish.engine or wish.voice):
                    raise _HttpError(400, 'name an engine or a voice: {"engine": "kokoro"}')
                return _Prewarmed(self._controls.prewarm(wish.engine or wish.voice))
            case "/engines" | "/yield" | "/prewarm", _:
                method = "GET" if request.path == "/engines" else "POST"
                raise _HttpError(405, f"{request.path} takes {method}, not {request.method}")
        raise _HttpError(404, f"there is no {request.path}; there are GET /engines, POST /yield and POST /prewarm")


async def running_engines(path: Path, timeout: float = REQUEST_SECONDS) -> tuple[EngineState, ...] | None:
    """The engines of the server whose control socket this is; None when none runs. Raises MeadowlarkError."""
    try:
        async with asyncio.timeout(timeout):
            answer = await ask(path, "/engines")
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except (OSError, ValueError) as error:
        raise MeadowlarkError(
            f"The control socket {path} does not answer ({str(error) or 'no answer in time'}): "
            "is that the server's data folder, and are you its user?"
        ) from error
    return msgspec.convert(answer, _Engines).engines


async def ask(path: Path, target: str, body: object = None) -> Any:
    """What the server answers; raises OSError when there is none, MeadowlarkError when it says no, ValueError."""
    reader, writer = await asyncio.open_unix_connection(_address(path), limit=ANSWER_BYTES)
    try:
        content = b"" if body is None else msgspec.json.encode(body)
        method = "GET" if body is None else "POST"
        writer.write(
            f"{method} {target} HTTP/1.1\r\nHost: meadowlark\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        )
        writer.write(content)
        head, _, answer = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    decoded = msgspec.json.decode(answer)
    if b" 200 " not in head.split(b"\r\n")[0] + b" ":
        raise MeadowlarkError(str(decoded.get("error", decoded)) if isinstance(decoded, dict) else str(decoded))
    return decoded


async def _read(reader: asyncio.StreamReader) -> _Request | None:
    """The request; None when the client left before it was whole. Raises _HttpError."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise _HttpError(400, "the request ends before its head does") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise _HttpError(431, f"the request's head is larger than {HEAD_BYTES >> 10} KiB") from error
    first, *lines = head.rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _HttpError(400, "this is an HTTP/1.1 socket: GET /engines HTTP/1.1")
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "transfer-encoding" in headers:
        raise _HttpError(411, "send the body with a Content-Length, not in chunks")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise _HttpError(400, f"Content-Length is {length[:40]!r}, not a number of bytes")
    if len(length) > 9 or int(length) > BODY_BYTES:
        raise _HttpError(413, f"the body is larger than {BODY_BYTES >> 10} KiB")
    try:
        body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError as error:
        raise _HttpError(400, f"the body ends after {len(error.partial)} of {length} bytes") from error
    return _Request(words[0], words[1].partition("?")[0], body)


def _decoded(body: bytes, kind: type[_T], example: str) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise _HttpError(400, f"the body is not what is expected ({error}): send {example}") from error


def _status(error: MeadowlarkError) -> int:
    match error:
        case VoiceError():
            return 404
        case RequestError():
            return 400
        case RefusedError():
            return 503
    return 500


def _response(status: int, answer: object) -> bytes:
    body = msgspec.json.encode(answer) + b"\n"
    phrase = http.HTTPStatus(status).phrase
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def _bind(path: Path) -> socket.socket:
    """A socket that only this user can open; raises OSError with what stands in the way."""
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(_address(path))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)  # before it listens: until then nobody can connect
    except BaseException:
        sock.close()
        raise
    return sock


def _remove_stale(path: Path) -> None:
    """Remove what a killed server left behind; OSError where a living one is."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(0, "a file of that name is in the way; remove it")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(_address(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise OSError(0, "another server runs with this data folder; give each its own with --data-dir")


def _address(path: Path) -> str:
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise OSError(0, f"its path has more than {LONGEST_PATH} bytes; choose a shorter --data-dir")
    return str(path)
