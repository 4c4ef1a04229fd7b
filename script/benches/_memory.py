"""Real memory of real processes, seen as a device: what workers hold, a neighbour that grows, a machine of N bytes.

`python _memory.py watch PID` samples the workers of a server until its standard input ends, and prints what it saw.
`python _memory.py neighbour` takes as many bytes as each line of its standard input says, and prints "ok".
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from meadowlark.residency.devices import Memory

SAMPLE_SECONDS = 0.03


def siblings() -> list[int]:
    """The processes that have this one's parent, itself included."""
    return children(os.getppid())


def children(pid: int) -> list[int]:
    """Of a process; none when it has ended."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def workers(server: int) -> list[int]:
    """The workers of a server: its children's children."""
    return [worker for nursery in children(server) for worker in children(nursery)]


def anonymous_bytes(pid: int) -> int:
    """What a process has of its own beyond what it shares with its parent since the fork; cheap."""
    own, parent = _status(pid)
    return max(0, own - _status(parent)[0])


def proportional_bytes(pid: int) -> int:
    """PSS, exact: 45 ms for a gigabyte."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _status(pid: int) -> tuple[int, int]:
    """(anonymous resident bytes, parent)."""
    found = {"RssAnon": 0, "PPid": 0}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            key, _, value = line.partition(":")
            if key in found:
                found[key] = int(value.split()[0])
    return found["RssAnon"] * 1024, found["PPid"]


class Machine:
    """Devices of one "cpu" with so many bytes, of which our workers and a neighbour really hold what they hold."""

    def __init__(self, total: int) -> None:
        self._total = total
        self.neighbour = 0
        """Its pid; 0 = none."""

    @property
    def free(self) -> int:
        """What nobody holds."""
        held = sum(map(proportional_bytes, workers(os.getpid())))
        return self._total - held - (proportional_bytes(self.neighbour) if self.neighbour else 0)

    def read(self) -> tuple[Memory, ...]:
        return (Memory("cpu", self._total, max(0, self.free)),)

    def used_by(self, pid: int) -> dict[str, int]:
        return {}


@asynccontextmanager
async def helper(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """This file as a process; gone when the block ends."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, *arguments, stdin=pipe, stdout=pipe)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _watch(server: int) -> None:
    """Sample until told to stop: peak of the sum over all workers, how often, the longest time between two looks."""
    peak, samples, longest, most = 0, 0, 0.0, 0
    begun = last = time.monotonic()
    while not select.select([sys.stdin], [], [], 0)[0]:
        pids = workers(server)
        peak = max(peak, sum(map(proportional_bytes, pids)))
        most = max(most, len(pids))
        samples += 1
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        time.sleep(SAMPLE_SECONDS)
    hz = samples / (time.monotonic() - begun)
    print(json.dumps({"peak_mb": peak / 1e6, "samples_hz": hz, "longest_s": longest, "workers": most}))


def _neighbour() -> None:
    held = []
    for line in sys.stdin:
        held.append(bytearray(b"\1") * int(line))
        print("ok", flush=True)


if __name__ == "__main__":
    _watch(int(sys.argv[2])) if sys.argv[1] == "watch" else _neighbour()
