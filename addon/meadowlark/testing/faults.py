"""Every way in which an engine can fail, to be done on purpose; FaultyEngine in engines.py says when."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn, TypeAlias

Fault: TypeAlias = Callable[[Iterator[Any]], Iterator[Any]]
"""Takes the chunks still to come and yields what the engine makes of them."""


class OutOfMemoryError(RuntimeError):
    """Named as torch's own, which nobody can import here."""


def _raise(chunks: Iterator[Any]) -> Iterator[Any]:
    raise ValueError("this engine is broken on purpose")
    yield


def _system_exit(chunks: Iterator[Any]) -> Iterator[Any]:
    sys.exit(3)
    yield


def _memory_error(chunks: Iterator[Any]) -> Iterator[Any]:
    raise MemoryError
    yield


def _device_memory_error(chunks: Iterator[Any]) -> Iterator[Any]:
    raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    yield


def _segfault(chunks: Iterator[Any]) -> Iterator[Any]:
    ctypes.string_at(0)
    yield


def _exit(chunks: Iterator[Any]) -> Iterator[Any]:
    os._exit(7)
    yield


def _orphan(chunks: Iterator[Any]) -> Iterator[Any]:
    """Dies, and a process that it had forked keeps its descriptors open for a while."""
    if os.fork() == 0:
        time.sleep(5)
    os._exit(7)
    yield


def _stop(chunks: Iterator[Any]) -> Iterator[Any]:
    os.kill(os.getpid(), signal.SIGSTOP)
    yield from chunks


def _hang(chunks: Iterator[Any]) -> Iterator[Any]:
    _sleep_for_ever()
    yield


def _dawdle(chunks: Iterator[Any]) -> Iterator[Any]:
    """At work for ever without a sound; others have their turns."""
    while True:
        time.sleep(0.005)
        yield b""


def _spin(chunks: Iterator[Any]) -> Iterator[Any]:
    while True:
        pass
    yield


def _hold_gil(chunks: Iterator[Any]) -> Iterator[Any]:
    while True:
        ctypes.PyDLL(None).pause()  # unlike CDLL, keeps the interpreter's lock
    yield


def _ignore_cancel(chunks: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from chunks
    finally:
        _sleep_for_ever()


def _print(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        print('{"type": "chunk", "data_length": 3}', flush=True)  # noqa: T201 - the fault
        os.write(1, b"noise on stdout\n\x00\xff")
        yield chunk


def _nan(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        chunk[len(chunk) // 2] = math.nan
        yield chunk


def _infinity(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        chunk[0] = math.inf
        yield chunk


def _nothing(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from ()


def _zeros(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield 0 * chunk


def _wrong_type(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield chunk.tolist()


def _stereo(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield chunk.repeat(2).reshape(-1, 2)


def _half_sample(chunks: Iterator[Any]) -> Iterator[Any]:
    yield b"\1\2\3"


def _endless(chunks: Iterator[Any]) -> Iterator[Any]:
    while True:
        yield bytes(range(256)) * 4096


def _sleep_for_ever() -> NoReturn:
    while True:
        time.sleep(3600)


FAULTS: Final[dict[str, Fault]] = {
    "raise": _raise,
    "system_exit": _system_exit,
    "memory_error": _memory_error,
    "device_memory_error": _device_memory_error,
    "segfault": _segfault,
    "exit": _exit,
    "orphan": _orphan,
    "stop": _stop,
    "hang": _hang,
    "dawdle": _dawdle,
    "spin": _spin,
    "hold_gil": _hold_gil,
    "ignore_cancel": _ignore_cancel,
    "print": _print,
    "nan": _nan,
    "infinity": _infinity,
    "nothing": _nothing,
    "zeros": _zeros,
    "wrong_type": _wrong_type,
    "stereo": _stereo,
    "half_sample": _half_sample,
    "endless": _endless,
}
"""Name → what it does to the chunks."""
