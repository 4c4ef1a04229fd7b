"""One process, held by its pidfd: killed for sure, never another that has inherited its number. Linux 5.3 and newer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal


class Watch:
    """Owns a pidfd until the process is gone. One event loop."""

    def __init__(self, pidfd: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._pidfd: int | None = pidfd
        self.gone: asyncio.Future[None] = self._loop.create_future()
        """Done when the process has ended and its memory is back; somebody may still have to reap it."""

        self._loop.add_reader(pidfd, self.close)

    def kill(self) -> None:
        """SIGKILL, at any time, as often as you like."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Look no longer: it has gone, or is known to have."""
        if self._pidfd is None:
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = None
        if not self.gone.done():
            self.gone.set_result(None)
