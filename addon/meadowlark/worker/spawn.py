"""Starting a nursery in whatever interpreter an engine names, and saying clearly why that did not work."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .. import __version__
from ..errors import LoadError
from .messages import PROTOCOL, Hello, Importing, Message, Ready, describe_exit, from_packet
from .watch import Watch

_LOGGER = logging.getLogger(__name__)

_PACKET_BYTES: Final = 256 * 1024
_END_SECONDS: Final = 2.0
_TAIL_BYTES: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a nursery may take, in seconds; generous, for a small board reads slowly from its card."""

    hello: float = 30.0
    """From the start of the interpreter to its first word."""

    preload: float = 180.0
    """For each module to import."""

    fork: float = 10.0
    """It takes 10 ms; a nursery that needs so long is stopped or swapped out."""


class Parked:
    """A nursery process: its control socket, and its end."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.pid = process.pid
        self.control = control
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """How it ended; done when it is gone and has been reaped."""

        self._process = process
        self._watch = Watch(os.pidfd_open(process.pid))
        self._watch.gone.add_done_callback(lambda _: self._reap())

    def kill(self) -> None:
        """SIGKILL; its workers go with it."""
        self._watch.kill()

    def _reap(self) -> None:
        self.ended.set_result(describe_exit(self._process.wait()))  # at once: it is dead already


async def park(engine: str, interpreter: str, preload: tuple[str, ...], limits: Limits) -> Parked:
    """Start a nursery and wait until it can fork; LoadError with the reason and the remedy when it cannot."""
    tail = _Tail()
    try:
        parked = _spawn(engine, interpreter, preload, tail)
        try:
            ready = await _wait_until_ready(engine, interpreter, parked, tail, limits)
        except BaseException:
            parked.kill()
            await asyncio.wait({parked.ended}, timeout=_END_SECONDS)
            parked.control.close()
            raise
    finally:
        tail.close()
    _log_start(engine, ready, tail)
    return parked


def nursery_environ(ours: Mapping[str, str]) -> dict[str, str]:
    """Of a nursery: ours, and threads of OpenMP that sleep while they wait for each other, unless a user has said so.

    torch's spin: with two on two busy cores a second of Fish-Speech's sound took more than 10 s, asleep 1.4 to 2.4.
    """
    return {"OMP_WAIT_POLICY": "passive", **ours}


def _spawn(engine: str, interpreter: str, preload: tuple[str, ...], tail: _Tail) -> Parked:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    log_fd = _own_stderr()
    arguments = [str(theirs.fileno()), str(log_fd), *preload]
    try:
        process = subprocess.Popen(
            [
                interpreter,
                "-P",
                "-m",
                "meadowlark.worker.nursery",
                *arguments,
            ],  # -P: no module out of the working folder
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=tail.write_fd,
            pass_fds=(theirs.fileno(), log_fd),
            env=nursery_environ(os.environ),
            start_new_session=True,  # Ctrl-C is for the core alone
        )
    except OSError as error:
        ours.close()
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be run ({error.strerror})"
        raise LoadError(
            engine, f"the interpreter {interpreter} {reason}; name a Python with meadowlark in it"
        ) from error
    finally:
        theirs.close()
        os.close(log_fd)
        tail.close_write_end()
    ours.setblocking(False)
    return Parked(process, ours)


async def _wait_until_ready(engine: str, interpreter: str, parked: Parked, tail: _Tail, limits: Limits) -> Ready:
    hello: Hello | None = None
    module = ""
    while True:
        limit = limits.preload if module else limits.hello
        try:
            async with asyncio.timeout(limit):
                message = await _receive(parked.control)
        except TimeoutError:
            doing = f"importing {module} takes" if module else "starting takes"
            raise LoadError(
                engine,
                f"{doing} more than {limit:g} s in {interpreter}; check that installation"
                + (f": {interpreter} -c 'import {module}'" if module else ", is it a Python?"),
            ) from None
        match message:
            case Hello():
                hello = message
                _require_same_protocol(engine, interpreter, hello)
            case Importing(module):
                pass
            case Ready():
                return message
            case _:
                how = await _end_of(parked)
                if module:
                    raise LoadError(engine, f"importing {module} ended {interpreter} ({how}){tail.quote()}")
                raise LoadError(engine, _why_not_started(interpreter, how, tail))


async def _receive(control: socket.socket) -> Message | None:
    """The next packet; None at the end."""
    try:
        packet = await asyncio.get_running_loop().sock_recv(control, _PACKET_BYTES)
    except OSError:
        return None
    return from_packet(packet) if packet else None


async def _end_of(parked: Parked) -> str:
    try:
        async with asyncio.timeout(_END_SECONDS):
            return await asyncio.shield(parked.ended)
    except TimeoutError:
        return "it closed its control socket"


def _require_same_protocol(engine: str, interpreter: str, hello: Hello) -> None:
    if hello.protocol != PROTOCOL:
        raise LoadError(
            engine,
            f"{interpreter} has meadowlark {hello.version}, which does not fit {__version__} here; "
            f"{interpreter} -m pip install meadowlark=={__version__}",
        )


def _why_not_started(interpreter: str, how: str, tail: _Tail) -> str:
    said = tail.text()
    if "No module named meadowlark" in said or "No module named 'meadowlark" in said:
        return f"{interpreter} has no meadowlark; {interpreter} -m pip install meadowlark=={__version__}"
    return f"{interpreter} is not a Python (3.11 or newer) that can run meadowlark ({how}){tail.quote()}"


def _log_start(engine: str, ready: Ready, tail: _Tail) -> None:
    for line in tail.text().splitlines():
        _LOGGER.debug("%s: %s", engine, line)
    for module, reason in ready.failed.items():
        _LOGGER.warning("%s: could not preload %s: %s", engine, module, reason)
    if ready.threads:
        _LOGGER.warning(
            "%s: its preload modules start threads (%s), which forked workers will lack; take them out of `preload`",
            engine,
            ", ".join(ready.threads),
        )


def _own_stderr() -> int:
    """A copy of this process's stderr for the nursery; the null device where there is none."""
    try:
        return os.dup(2)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


class _Tail:
    """The last words on the stderr of a nursery that is starting."""

    def __init__(self) -> None:
        self._read_fd, self.write_fd = os.pipe()
        self._written = True
        os.set_blocking(self._read_fd, False)
        self._said = b""
        asyncio.get_running_loop().add_reader(self._read_fd, self._read)

    def text(self) -> str:
        """All that is remembered."""
        return self._said.decode(errors="replace").strip()

    def quote(self) -> str:
        """The last line for an error message, which is where Python puts the exception."""
        self._read()
        lines = self.text().splitlines()
        return f": {lines[-1][:300]}" if lines else ""

    def close_write_end(self) -> None:
        """The process has its own copy."""
        os.close(self.write_fd)

    def close(self) -> None:
        self._read()
        if self._read_fd >= 0:
            self._stop()

    def _read(self) -> None:
        for _ in range(16):  # not for ever: it may be a program that floods
            if self._read_fd < 0:
                return
            try:
                data = os.read(self._read_fd, _TAIL_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._stop()
            self._said = (self._said + data)[-_TAIL_BYTES:]

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._read_fd)
        os.close(self._read_fd)
        self._read_fd = -1
