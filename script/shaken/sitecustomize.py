"""Makes every Python process that finds this on its path behave as it might on a slow and busy machine.

What nobody promises is made likely: work in threads ends in any order, sockets are read in small pieces and in any
order, threads and processes begin late, the event loop stands still for a moment. What is promised stays as it is: the
order of callbacks in an event loop, of bytes in a stream. For `script/shake`; patches asyncio where it is private.
"""

from __future__ import annotations

import asyncio.base_events
import asyncio.selector_events
import functools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

_PIECES: Final = (3, 64, 1000, 4096, 65_536, 262_144)
"""Bytes that one read of a socket brings at most."""

_draw = random.SystemRandom()  # a fork draws its own lots
_sleep = time.sleep  # tests may replace it


def _nap(seconds: float = 0.03) -> None:
    """In half of the cases none, otherwise rather a short one."""
    if _draw.random() < 0.5:
        _sleep(seconds * _draw.random() ** 2)


def _with_naps(run: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run)
    def late(*arguments: Any, **named: Any) -> Any:
        _nap()
        try:
            return run(*arguments, **named)
        finally:
            _nap()

    return late


def _shake_event_loops() -> None:
    loop, selecting = asyncio.base_events.BaseEventLoop, asyncio.selector_events.BaseSelectorEventLoop
    submit, turn, process = loop.run_in_executor, loop._run_once, selecting._process_events

    def run_in_executor(self: Any, executor: Any, work: Callable[..., Any], *arguments: Any) -> Any:
        return submit(self, executor, _with_naps(lambda: work(*arguments)))

    def run_once(self: Any) -> None:
        if _draw.random() < 0.02:
            _sleep(0.02 * _draw.random())
        turn(self)

    def process_events(self: Any, ready: Iterable[Any]) -> None:
        events = _draw.sample(list(ready), len(list(ready)))
        if _draw.random() < 0.3:
            events = events[: (len(events) + 1) // 2]  # the others are ready the next time too
        process(self, events)

    loop.run_in_executor, loop._run_once, selecting._process_events = run_in_executor, run_once, process_events
    size = property(lambda _: _draw.choice(_PIECES), lambda _, __: None)
    asyncio.selector_events._SelectorSocketTransport.max_size = size


def _shake_threads_and_processes() -> None:
    threading.Thread.run = _with_naps(threading.Thread.run)
    subprocess.Popen.__init__ = _with_naps(subprocess.Popen.__init__)
    sys.setswitchinterval(1e-4)


_shake_event_loops()
_shake_threads_and_processes()
