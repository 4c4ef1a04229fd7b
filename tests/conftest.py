"""What all tests share: time that waits for nobody and is never too short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

GRACE_SECONDS = 0.05
"""What the kernel of a busy machine may take from one end of a connection to the other; both are in this process."""


@pytest.fixture
async def virtual_time() -> AsyncIterator[None]:
    """The event loop's time stands still while anything can be done, and leaps to what is due when nothing can.

    A machine that is busy, or a debugger, makes no timer of such a test come too early. Threads are waited for.
    Connections are, where both ends are in this event loop. Not for tests with other processes.
    """
    loop: Any = asyncio.get_running_loop()
    now, at_work, select, submit = loop.time(), 0, loop._selector.select, loop.run_in_executor

    def leap(timeout: float | None) -> list[Any]:
        nonlocal now
        if timeout is None or timeout <= 0:
            return list(select(timeout))
        if at_work:
            return list(select(None))
        connections = len(loop._selector.get_map()) > 1  # one is the loop's own
        events = list(select(GRACE_SECONDS if connections else 0))
        if not events:
            now += timeout
        return events

    def count(executor: object, work: Callable[..., object], *arguments: object) -> Any:
        nonlocal at_work
        at_work += 1
        future = submit(executor, work, *arguments)
        future.add_done_callback(done)
        return future

    def done(_: object) -> None:
        nonlocal at_work
        at_work -= 1

    loop.time, loop._selector.select, loop.run_in_executor = lambda: now, leap, count
    yield
    del loop.time, loop._selector.select, loop.run_in_executor
