"""Two engines on the same machine at the same time: each a process of its own, speaking in turn."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _measure import median

SIDES = Path(__file__).parent / "sides"
PROCESSORS = 2
REST_SECONDS = 0.5


@dataclass(frozen=True)
class Turn:
    """One utterance. Seconds."""

    first: float
    total: float
    cpu: float
    audio: float
    peak_mb: float


Speak = Callable[..., Turn]


def arguments(description: str) -> argparse.Namespace:
    """The options of all comparisons."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--models", type=Path, required=True, help="the folder that script/random-models made")
    parser.add_argument("--runs", type=int, default=7, help="turns of each side (7)")
    parser.add_argument("--quick", action="store_true", help="two turns, to see that it works")
    given = parser.parse_args()
    if not (given.models / "venv").exists():
        parser.error(f"{given.models} has no venv: script/random-models {given.models} makes it, and the models")
    given.runs = 2 if given.quick else given.runs
    return given


def theirs(models: Path) -> str:
    """The interpreter that has the packages compared with."""
    return str(models / "venv" / "bin" / "python")


@contextmanager
def side(script: str, interpreter: str = sys.executable, **settings: Any) -> Iterator[Speak]:
    """A function that has this side speak; on two processors, like the other one."""
    cpus = sorted(os.sched_getaffinity(0))[:PROCESSORS]
    process = subprocess.Popen(
        [interpreter, str(SIDES / f"{script}.py"), json.dumps({"cpus": cpus, **settings})],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if os.environ.get("BENCH_LOG") else subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin
    assert process.stdout

    def speak(**order: Any) -> Turn:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        return Turn(**_answer(process.stdout.readline(), script))

    try:
        _answer(process.stdout.readline(), script)
        yield speak
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()


def in_turns(runs: int, *speakers: Callable[[], Turn]) -> list[list[Turn]]:
    """Each speaks once unheard, then `runs` times, one after the other, so that a busy minute is busy for all."""
    for speak in speakers:
        speak()
    rounds = [[_rested(speak) for speak in speakers] for _ in range(runs)]
    return [list(each) for each in zip(*rounds, strict=True)]


def _rested(speak: Callable[[], Turn]) -> Turn:
    """The threads of the other side, which spoke before, may still spin for a while and take the processors."""
    time.sleep(REST_SECONDS)
    return speak()


def ratio(theirs: list[Turn], ours: list[Turn], of: Callable[[Turn], float]) -> float:
    """Theirs through ours: the median over the rounds, in which both met the same machine."""
    return median([of(one) / of(other) for one, other in zip(theirs, ours, strict=True)])


def rtf(turn: Turn) -> float:
    """Seconds of work for a second of audio."""
    return turn.total / turn.audio


def _answer(line: str, script: str) -> Mapping[str, Any]:
    if not line:
        sys.exit(f"{script} has ended; run again with BENCH_LOG=1 to see why")
    return json.loads(line)  # type: ignore[no-any-return]
