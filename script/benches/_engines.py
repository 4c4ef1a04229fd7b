"""Engines for the residency bench, in real processes: one that holds real memory, and one that fails at random."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _memory import anonymous_bytes, siblings

from meadowlark.api import Utterance
from meadowlark.testing.engines import ToneEngine
from meadowlark.testing.faults import FAULTS

STEP_BYTES = 8 * 1024 * 1024
SLOW_LOAD_SECONDS = 4.0


class Sized(ToneEngine):
    """Takes its memory step by step, as a loader does, and fails as a full device would.

    Options: memory_bytes, bytes_per_second of the load, capacity_bytes of the device that it shares with the other
    workers of its nursery (0 = no end).
    """

    def load(self) -> None:
        """Take and touch the memory; MemoryError when the device has no more."""
        options = self.context.options
        size, speed = int(options.get("memory_bytes", 0)), float(options.get("bytes_per_second", 0))
        capacity = int(options.get("capacity_bytes", 0))
        self._held = []
        begun = time.monotonic()
        for start in range(0, size, STEP_BYTES):
            if capacity and held_by(siblings()) + STEP_BYTES > capacity:
                raise MemoryError(f"the device has no {STEP_BYTES >> 20} MiB left")
            self._held.append(bytearray(b"\1") * min(STEP_BYTES, size - start))
            if speed:
                time.sleep(max(0.0, begun + start / speed - time.monotonic()))

    def warm_up(self) -> None:
        """Make a second of nothing, which brings numpy in."""
        import numpy as np

        np.sin(np.arange(22050.0))


class Fitful(Sized):
    """Fails at random, in every way that an engine can. Options: seed, odds ("raise=0.03 segfault=0.01 slow_load=0.1").

    What it has done is added to the file "done" in its data folder, a line for each.
    """

    def load(self) -> None:
        """Take too long, run out of memory, or load."""
        match self._fate("slow_load", "load_oom"):
            case "slow_load":
                time.sleep(SLOW_LOAD_SECONDS)
            case "load_oom":
                raise MemoryError("on purpose")
        super().load()

    def synthesize(self, utterance: Utterance) -> Iterator[Any]:
        """Yield a tone, or the beginning of one."""
        chunks = super().synthesize(utterance)
        if fault := self._fate(*FAULTS):
            return self._faulty(chunks, fault)
        return chunks

    def _faulty(self, chunks: Iterator[Any], fault: str) -> Iterator[Any]:
        for _ in range(random.randrange(4) if fault != "nothing" else 0):  # too short a sentence is no fault to see
            if (chunk := next(chunks, None)) is not None:
                yield chunk
        yield from FAULTS[fault](chunks)

    def _fate(self, *kinds: str) -> str:
        """What goes wrong now, of these kinds; empty = nothing."""
        odds = dict(each.split("=") for each in str(self.context.options.get("odds", "")).split())
        throw = random.random()
        for kind in kinds:
            throw -= float(odds.get(kind, 0.0))
            if throw < 0:
                with (Path(self.context.data_dir) / "done").open("a") as file:
                    file.write(f"{kind}\n")
                return kind
        return ""


def held_by(pids: list[int]) -> int:
    """Bytes that these processes have to themselves, beyond what their nursery gave them."""
    return sum(anonymous_bytes(pid) for pid in pids)
