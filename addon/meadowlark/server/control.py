"""The control socket: what other programs of this machine may ask of a running server. HTTP on a unix socket.

    curl --unix-socket data/control.sock http://meadowlark/engines
    curl --unix-socket data/control.sock http://meadowlark/yield -d '{"bytes": 2000000000, "device": "cuda:0"}'
    curl --unix-socket data/control.sock http://meadowlark/prewarm -d '{"voice": "kokoro/af_heart"}'
    curl --unix-socket data/control.sock http://meadowlark/voices
    curl --unix-socket data/control.sock 'http://meadowlark/voices?name=anna&text=Hello.' --data-binary @anna.wav
    curl --unix-socket data/control.sock http://meadowlark/voices/anna -X DELETE

Only the user who runs the server can open it (mode 0600), so nobody else is asked who he is. One request a connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec

from ..enrolment import OwnVoice, Wish
from ..errors import MeadowlarkError, RefusedError, RequestError, VoiceError
from .control_http import HEAD_BYTES, Head, HttpError, decoded, drain_unread, read_body, read_head, response, save_body

_LOGGER = logging.getLogger(__name__)

CONNECTIONS: Final = 16
REQUEST_SECONDS: Final = 5.0
WORK_SECONDS: Final = 60.0
"""A driver that gives back gigabytes may take tens of seconds."""

UPLOAD_SECONDS: Final = 60.0

UPLOAD: Final = ".upload-"

LONGEST_PATH: Final = 107
"""Bytes that the kernel has room for in a socket's address."""


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

    async def voices(self) -> Sequence[OwnVoice]:
        """The user's reference voices."""

    async def enroll(self, wish: Wish, recording: Path) -> OwnVoice:
        """Check a recording, keep a copy of it and offer the voice. Raises RequestError, MeadowlarkError."""

    async def forget(self, name: str) -> int:
        """Remove a reference voice; how many files were deleted. Raises VoiceError, MeadowlarkError."""


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
class Engines:
    engines: tuple[EngineState, ...]


@dataclass(frozen=True, slots=True)
class Voices:
    voices: tuple[OwnVoice, ...]


@dataclass(frozen=True, slots=True)
class _Enroll:
    name: str
    text: str
    path: str
    language: str = ""
    origin: str = ""
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Forgotten:
    voice: str
    files: int


@dataclass(frozen=True, slots=True)
class _Problem:
    error: str


class ControlSocket:
    """The listening end. A server without one serves all the same, so that `start` warns and does not raise."""

    def __init__(
        self,
        path: Path,
        controls: Controls,
        *,
        request_seconds: float = REQUEST_SECONDS,
        work_seconds: float = WORK_SECONDS,
        upload_seconds: float = UPLOAD_SECONDS,
    ) -> None:
        self.path = path
        self._controls = controls
        self._request_seconds = request_seconds
        self._work_seconds = work_seconds
        self._upload_seconds = upload_seconds
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> bool:
        """Listen; False, with the reason in the log, when that is not possible."""
        try:
            sock = _bind(self.path)
            left = tuple(self.path.parent.glob(f"{UPLOAD}*"))  # before anybody can send more; no other server runs here
            self._listener = await asyncio.start_unix_server(self._accept, sock=sock, limit=HEAD_BYTES)
        except OSError as error:
            _LOGGER.warning("No control socket at %s: %s. Speech is not affected", self.path, error.strerror or error)
            return False
        await asyncio.to_thread(_sweep, left)
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
            status, answer = await self._reply(reader, writer)
            if status:
                writer.write(response(status, answer))
                async with asyncio.timeout(self._request_seconds):
                    await writer.drain()
                    if status != 200:
                        writer.write_eof()  # it may wait for the end before it hangs up
                        await drain_unread(reader)
        except (OSError, TimeoutError):
            pass  # the client has gone, or does not read
        finally:
            writer.close()

    async def _reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, object]:
        """Status and body; status 0 when the client left without asking."""
        try:
            try:
                async with asyncio.timeout(self._request_seconds):
                    head = await read_head(reader)
            except ConnectionError:
                head = None
            if head is None:
                return 0, None
            if len(self._connections) > CONNECTIONS:
                raise HttpError(503, f"more than {CONNECTIONS} requests at once: ask again in a moment")  # noqa: TRY301
            if (head.method, head.path) == ("POST", "/voices") and "name" in head.query:
                return 200, await self._take_voice(reader, writer, head)
            async with asyncio.timeout(self._request_seconds):
                body = await read_body(reader, head)
            async with asyncio.timeout(self._work_seconds):
                return 200, await self._answer(head, body)
        except HttpError as error:
            return error.status, _Problem(str(error))
        except TimeoutError:
            return 408, _Problem("this took too long: send the request at once, and yield less at a time")
        except MeadowlarkError as error:
            return _status(error), _Problem(str(error))
        except Exception:
            _LOGGER.exception("A request on the control socket failed; please report this")
            return 500, _Problem("the server failed; its log says more")

    async def _take_voice(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head) -> object:
        """A recording as the body: to disk, for many at once would not fit into the memory of a small board."""
        fields = {"name", "text", "language", "origin", "consent"}
        if unknown := head.query.keys() - fields:
            raise HttpError(400, f"/voices knows no {sorted(unknown)[0][:40]!r}: it takes {', '.join(sorted(fields))}")
        with tempfile.TemporaryDirectory(prefix=UPLOAD, dir=self.path.parent) as folder:
            recording = Path(folder) / "recording"
            async with asyncio.timeout(self._upload_seconds):
                await save_body(reader, writer, head, recording)
            async with asyncio.timeout(self._work_seconds):
                return await self._controls.enroll(Wish(**{"text": "", **head.query}), recording)

    async def _answer(self, head: Head, body: bytes) -> object:
        match head.path.split("/")[1:], head.method:
            case ["engines"], "GET":
                return Engines(tuple(self._controls.engines()))
            case ["yield"], "POST":
                order = decoded(body, _Yield, '{"bytes": 2000000000} or {"bytes": …, "device": "cuda:0"}')
                _LOGGER.info("Asked to yield %.0f MB%s", order.bytes / 1e6, f" of {order.device}" * bool(order.device))
                begun = time.monotonic()
                freed = await self._controls.yield_memory(order.bytes, order.device)
                return _Yielded(order.bytes, freed, freed >= order.bytes, round(time.monotonic() - begun, 3))
            case ["prewarm"], "POST":
                wish = decoded(body, _Prewarm, '{"engine": "kokoro"} or {"voice": "kokoro/af_heart"}')
                if not (wish.engine or wish.voice):
                    raise HttpError(400, 'name an engine or a voice: {"engine": "kokoro"}')
                return _Prewarmed(self._controls.prewarm(wish.engine or wish.voice))
            case ["voices"], "GET":
                return Voices(tuple(await self._controls.voices()))
            case ["voices"], "POST":
                new = decoded(body, _Enroll, '{"name": "anna", "text": "what is said", "path": "/home/me/anna.wav"}')
                if not new.path.startswith("/") or "\0" in new.path:
                    raise HttpError(400, "`path` must begin with /: it is read by the server, wherever that runs")
                return await self._controls.enroll(
                    Wish(new.name, new.text, new.language, new.origin, new.consent), Path(new.path)
                )
            case ["voices", *name], "DELETE" if name:
                return Forgotten("/".join(name), await self._controls.forget("/".join(name)))
            case [first, *rest], _ if first in METHODS and (not rest or first == "voices"):
                raise HttpError(405, f"{head.path} takes {METHODS[first]}, not {head.method}")
        there = ", ".join(f"{method} /{path}" for path, method in METHODS.items())
        raise HttpError(404, f"there is no {head.path}; there are {there}")


METHODS: Final = {"engines": "GET", "yield": "POST", "prewarm": "POST", "voices": "GET, POST or DELETE"}


def _status(error: MeadowlarkError) -> int:
    match error:
        case VoiceError():
            return 404
        case RequestError():
            return 400
        case RefusedError():
            return 503
    return 500


def _bind(path: Path) -> socket.socket:
    """A socket that only this user can open; raises OSError with what stands in the way."""
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(address(path))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)  # before it listens: until then nobody can connect
    except BaseException:
        sock.close()
        raise
    return sock


def _sweep(left: Iterable[Path]) -> None:
    """Remove what clients were sending when a server of this folder was killed."""
    for each in left:
        shutil.rmtree(each, ignore_errors=True)


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
            probe.connect(address(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise OSError(0, "another server runs with this data folder; give each its own with --data-dir")


def address(path: Path) -> str:
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise OSError(0, f"its path has more than {LONGEST_PATH} bytes; choose a shorter --data-dir")
    return str(path)
