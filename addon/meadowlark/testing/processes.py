"""Processes and shared memory as /proc shows them, to see what an engine leaves behind. Linux."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken for a later one with its number."""

    pid: int
    started: int
    """Clock ticks after boot."""

    name: str
    parent: int
    session: int


def process(pid: int) -> Process | None:
    """The living process with this number."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    name, _, rest = stat.partition("(")[2].rpartition(")")
    state, parent, _, session, *more = rest.split()
    if state in "ZX":  # only its exit status is left
        return None
    return Process(pid, int(more[15]), name, int(parent), int(session))


def offspring(pid: int) -> tuple[Process, ...]:
    """The living descendants of a process, and those of its session that were orphaned."""
    root = process(pid)
    everybody = tuple(_everybody())
    family = {pid}
    while grown := {each.pid for each in everybody if each.parent in family} - family:
        family |= grown
    if root:
        family |= {each.pid for each in everybody if each.session == root.session and each.parent == 1}
        family.discard(root.session)  # its leader is the nursery, which outlives its workers
    return tuple(each for each in everybody if each.pid in family - {pid})


def shared_memory(pid: int) -> tuple[Path, ...]:
    """Files in /dev/shm that a process has mapped."""
    try:
        lines = (_PROC / str(pid) / "maps").read_text().splitlines()
    except OSError:
        return ()
    paths = {line.split(maxsplit=5)[5] for line in lines if "/dev/shm/" in line}
    return tuple(Path(each) for each in sorted(paths) if not each.endswith("(deleted)"))


def survivors(processes: tuple[Process, ...], seconds: float) -> tuple[Process, ...]:
    """Those that still live after so many seconds; returns as soon as none does."""
    deadline = time.monotonic() + seconds
    while True:
        alive = tuple(each for each in processes if _lives(each))
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.02)


def _lives(known: Process) -> bool:
    now = process(known.pid)
    return now is not None and now.started == known.started


def _everybody() -> Iterator[Process]:
    for path in _PROC.iterdir():
        if path.name.isdigit() and (found := process(int(path.name))):
            yield found
