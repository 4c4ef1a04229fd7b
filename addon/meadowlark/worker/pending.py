"""One sentence on its way through the core: what the worker has sent and the listener has not yet taken."""

from __future__ import annotations

import asyncio
from typing import Final

from ..errors import WorkerError
from .messages import Done

JOB_BYTES: Final = 64 * 1024 * 1024
"""23 minutes at 24 kHz: no sentence is so long, the engine has lost its end."""


class Pending:
    """A job of a worker. Filled by whoever reads the socket, emptied by the listener at his own pace."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.received = 0
        """Bytes so far."""

        self.cancelled = False
        """Nobody listens any more."""

        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the worker has finished with it, however."""

        self.heard_at = 0.0
        """When its last chunk came, in the event loop's time."""

        self.done: Done | None = None
        """Its figures, when it was spoken to its end."""

        self._queue: asyncio.Queue[bytes | WorkerError | None] = asyncio.Queue()  # bounded by JOB_BYTES

    @property
    def over(self) -> bool:
        """The worker has finished with it."""
        return self.ended.done()

    @property
    def waiting(self) -> bool:
        """Something has come that the listener has not taken."""
        return not self._queue.empty()

    async def next(self) -> bytes | None:
        """The next chunk; None after the last; WorkerError when there will be none."""
        item = await self._queue.get()
        if isinstance(item, WorkerError):
            raise item
        return item

    def push(self, payload: bytes) -> None:
        """A chunk has come."""
        self.received += len(payload)
        self.heard_at = asyncio.get_running_loop().time()
        if not self.cancelled:
            self._queue.put_nowait(payload)

    def finish(self, done: Done) -> None:
        """The last chunk has come."""
        self.done = done
        self._end(None)

    def fail(self, error: WorkerError) -> None:
        """No more will come."""
        self._end(error)

    def _end(self, last: WorkerError | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
            self._queue.put_nowait(last)
