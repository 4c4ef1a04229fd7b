"""A parked process from which workers are forked: `python -m meadowlark.worker.nursery CONTROL LOG MODULE…`.

It runs in the engine's own interpreter and has imported the heavy modules once: a worker exists in 10 ms instead
of the second that importing torch takes. It touches no GPU and keeps to one thread, for no other lives on in a child.
CONTROL is a packet socket to the core, LOG where stderr goes once all is imported (until then the core reads it).
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import sys
import threading
import warnings
from typing import Final, NoReturn

from .. import __version__
from . import child
from .messages import (
    PROTOCOL,
    Born,
    Exited,
    Fork,
    ForkFailed,
    Hello,
    Importing,
    Message,
    Ready,
    describe_exit,
    from_packet,
    to_packet,
)

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PACKET_BYTES: Final = 4096


def main(arguments: list[str]) -> NoReturn:
    """Import, then fork until the core goes; never returns."""
    control = socket.socket(fileno=int(arguments[0]))
    log_fd = int(arguments[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the core decides when this ends; see child._UNHEARD
        signal.signal(number, signal.SIG_IGN)
    _die_with_parent()
    os.dup2(2, 1)  # what imports print belongs to the log
    _say(control, Hello(PROTOCOL, __version__))
    ready = _preload(arguments[2:], control)
    os.dup2(log_fd, 2)
    os.dup2(log_fd, 1)
    os.close(log_fd)
    gc.collect()
    gc.freeze()  # the collector would write into pages that the workers share
    _say(control, ready)
    _Nursery(control).run()


class _Nursery:
    """The children and the socket on which more are ordered."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, int] = {}  # pidfd → pid
        self._poll = select.poll()  # not epoll, whose descriptor a child would share
        self._poll.register(control, select.POLLIN)

    def run(self) -> NoReturn:
        """Fork on order and report who has died, until the core hangs up."""
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._control.fileno():
                    self._obey()
                else:
                    self._reap(fd)

    def _obey(self) -> None:
        try:
            packet, fds, _, _ = socket.recv_fds(self._control, _PACKET_BYTES, 4)
        except OSError:
            packet, fds = b"", []
        if not packet:
            self._end()
        order = from_packet(packet)
        if isinstance(order, Fork) and len(fds) == 1:
            self._fork(order.engine, fds[0])

    def _fork(self, engine: str, sock_fd: int) -> None:
        nursery = os.getpid()
        with warnings.catch_warnings():  # 3.12+ counts native threads too; OpenBLAS ends its own around a fork
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                pid = os.fork()
            except OSError as error:
                os.close(sock_fd)
                _say(self._control, ForkFailed(error.strerror or str(error)))
                return
        if pid == 0:
            self._become_worker(engine, sock_fd, nursery)
        os.close(sock_fd)
        pidfd = os.pidfd_open(pid)  # before anybody reaps it: this is surely our child
        self._children[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        _say(self._control, Born(pid), pidfd)

    def _become_worker(self, engine: str, sock_fd: int, nursery: int) -> NoReturn:
        try:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != nursery:  # it died in between
                os._exit(1)
            _prctl(_PR_SET_NAME, f"ml-{engine}"[:15].encode())
            self._control.close()
            for pidfd in self._children:
                os.close(pidfd)
            child.serve(sock_fd)
        finally:
            os._exit(1)  # never back into the nursery's loop

    def _reap(self, pidfd: int) -> None:
        pid = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        _say(self._control, Exited(pid, describe_exit(os.waitstatus_to_exitcode(status))))

    def _end(self) -> NoReturn:
        """The core has gone: nobody may outlive it."""
        for pidfd in self._children:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        for pidfd in list(self._children):
            self._reap(pidfd)
        os._exit(0)


def _preload(modules: list[str], control: socket.socket) -> Ready:
    """Import what can be imported; what cannot is the engine's trouble, told when it loads."""
    failed: dict[str, str] = {}
    for module in modules:
        _say(control, Importing(module))
        try:
            importlib.import_module(module)
        except BaseException as error:  # SystemExit too
            failed[module] = f"{type(error).__name__}: {error}"[:500]
    main_thread = threading.main_thread()
    return Ready(failed, tuple(thread.name for thread in threading.enumerate() if thread is not main_thread))


def _say(control: socket.socket, message: Message, *fds: int) -> None:
    try:
        socket.send_fds(control, [to_packet(message)], fds)
    except OSError:
        os._exit(0)  # the core has gone; the workers' death signals end them


def _die_with_parent() -> None:
    """Be killed when the core is, even while an import hangs. Had it gone already, the first word to it would fail."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int | bytes) -> None:
    ctypes.CDLL(None).prctl(option, value if isinstance(value, bytes) else ctypes.c_ulong(value))


if __name__ == "__main__":
    main(sys.argv[1:])
