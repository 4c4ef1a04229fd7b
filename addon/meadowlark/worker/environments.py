"""The interpreters that engines live in: a nursery for each, started when first needed, from which workers are forked.

The core's end of nursery.py. Knows no engine beyond the name that it puts into errors.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections import deque
from collections.abc import Iterable
from typing import Final

from ..errors import LoadError
from .messages import Born, Exited, Fork, ForkFailed, from_packet, to_packet
from .spawn import Limits, Parked, park
from .watch import Watch

_LOGGER = logging.getLogger(__name__)

_END_SECONDS: Final = 3.0
_REPORT_SECONDS: Final = 5.0
"""It takes a millisecond; on a busy machine the nursery may be late."""

_PACKET_BYTES: Final = 4096


class Forked:
    """A worker process as the core holds it: the socket to it, and the process itself."""

    def __init__(self, sock: socket.socket, pid: int, pidfd: int) -> None:
        self.sock = sock
        self.pid = pid
        self._loop = asyncio.get_running_loop()
        self.exit: asyncio.Future[str] = self._loop.create_future()
        """How it ended, "killed by SIGSEGV"; done when it is really gone and its memory is back."""

        self._orphan = False
        self._watch = Watch(pidfd)
        self._watch.gone.add_done_callback(lambda _: self._gone())

    def kill(self) -> None:
        """SIGKILL, at any time, as often as you like."""
        self._watch.kill()

    def reaped(self, how: str) -> None:
        """It is gone, and this is how."""
        if not self.exit.done():
            self.exit.set_result(how)
        self._watch.close()

    def orphaned(self) -> None:
        """Its nursery is dead, so it is dying too and nobody will say how it ended."""
        self._orphan = True
        if self._watch.gone.done():
            self._gone()

    def _gone(self) -> None:
        if self._orphan:
            self.reaped("ended with its nursery")
        elif not self.exit.done():  # the nursery's report is on its way
            self._loop.call_later(_REPORT_SECONDS, self.reaped, "ended, nobody knows how")


class Nurseries:
    """All nurseries of this server. Bound to one event loop; `close` before that ends."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._nurseries: dict[tuple[str, tuple[str, ...]], _Nursery] = {}
        self._starting: dict[tuple[str, tuple[str, ...]], asyncio.Lock] = {}
        self._closed = False

    async def warm(self, engine: str, interpreter: str | None, preload: Iterable[str]) -> None:
        """Have this environment's nursery parked; LoadError when it does not start."""
        await self._nursery(engine, interpreter, preload)

    async def fork(self, engine: str, interpreter: str | None, preload: Iterable[str]) -> Forked:
        """A new worker process, still empty; LoadError when there can be none."""
        preload = tuple(preload)
        for _ in range(2):  # the nursery may have died unnoticed since its last fork
            nursery = await self._nursery(engine, interpreter, preload)
            try:
                return await nursery.fork(engine)
            except _NurseryDiedError:
                continue
        raise LoadError(engine, f"the parked process of {interpreter or sys.executable} dies when asked to fork")

    async def close(self) -> None:
        """End all nurseries and with them all workers; returns when they are gone."""
        self._closed = True
        await asyncio.gather(*(nursery.close() for nursery in self._nurseries.values()))
        self._nurseries.clear()

    async def _nursery(self, engine: str, interpreter: str | None, preload: Iterable[str]) -> _Nursery:
        """The one that is parked, else a new one; who comes while it starts waits for it."""
        key = (interpreter or sys.executable, tuple(sorted(set(preload))))
        async with self._starting.setdefault(key, asyncio.Lock()):
            if self._closed:
                raise LoadError(engine, "the server is shutting down")
            nursery = self._nurseries.get(key)
            if nursery is None or not nursery.alive:
                parked = await park(engine, *key, self._limits)
                nursery = self._nurseries[key] = _Nursery(parked, self._limits.fork)
                if self._closed:  # meanwhile
                    await nursery.close()
                    raise LoadError(engine, "the server is shutting down")
            return nursery


class _NurseryDiedError(Exception):
    """Before it could fork."""


class _Nursery:
    """A parked nursery: orders go out and are answered in turn, deaths are reported in between."""

    def __init__(self, parked: Parked, fork_seconds: float) -> None:
        self._fork_seconds = fork_seconds
        self._parked = parked
        self._control = parked.control
        self._orders: deque[tuple[asyncio.Future[Forked], socket.socket]] = deque()
        self._workers: dict[int, Forked] = {}
        self._lost = False
        asyncio.get_running_loop().add_reader(self._control, self._receive)

    @property
    def alive(self) -> bool:
        """As far as is known."""
        return not self._lost

    async def fork(self, engine: str) -> Forked:
        """A new worker; _NurseryDiedError, or LoadError when the machine has no room for a process."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        order: asyncio.Future[Forked] = asyncio.get_running_loop().create_future()
        try:
            with theirs:
                socket.send_fds(self._control, [to_packet(Fork(engine))], [theirs.fileno()])
        except OSError as error:
            ours.close()
            self._lose()
            raise _NurseryDiedError from error
        self._orders.append((order, ours))
        try:
            async with asyncio.timeout(self._fork_seconds):
                return await order
        except TimeoutError:
            self._parked.kill()
            raise LoadError(engine, "the parked process did not answer and was killed; try again") from None
        except ForkError as error:
            raise LoadError(engine, f"the machine cannot start another process: {error}") from error

    async def close(self) -> None:
        """Have it end its workers and itself; kill it when it does not."""
        if not self._lost:
            self._control.shutdown(socket.SHUT_WR)  # it still reports how its workers end
        try:
            async with asyncio.timeout(_END_SECONDS):
                await asyncio.shield(self._parked.ended)
        except TimeoutError:
            self._parked.kill()
            await self._parked.ended
        self._receive()  # its last words may lie there still
        self._lose()

    def _receive(self) -> None:
        """All that it has said."""
        while not self._lost:
            try:
                packet, fds, _, _ = socket.recv_fds(self._control, _PACKET_BYTES, 1)
            except BlockingIOError:
                return
            except OSError:
                packet, fds = b"", []
            if packet:
                self._understand(packet, fds)
            else:
                self._lose()

    def _understand(self, packet: bytes, fds: list[int]) -> None:
        match from_packet(packet):
            case Born(pid):
                self._born(pid, fds[0])
            case ForkFailed(message):
                order, sock = self._orders.popleft()
                sock.close()
                if not order.done():
                    order.set_exception(ForkError(message))
            case Exited(pid, how):
                if worker := self._workers.pop(pid, None):
                    worker.reaped(how)

    def _born(self, pid: int, pidfd: int) -> None:
        order, sock = self._orders.popleft()
        worker = self._workers[pid] = Forked(sock, pid, pidfd)
        if order.done():  # whoever ordered it has left
            sock.close()
            worker.kill()
        else:
            order.set_result(worker)

    def _lose(self) -> None:
        """It is dead: its orders fail, its workers die with it."""
        if self._lost:
            return
        self._lost = True
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        self._parked.kill()  # in case it only closed the socket
        for order, sock in self._orders:
            sock.close()
            if not order.done():
                order.set_exception(_NurseryDiedError())
        for worker in self._workers.values():
            worker.orphaned()
        self._orders.clear()
        self._workers.clear()


class ForkError(Exception):
    """The system refused a fork."""
