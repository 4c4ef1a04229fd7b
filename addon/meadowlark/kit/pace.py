"""Which quality keeps up with speech here: measured when an engine warms up, remembered for the next time it is loaded.

An engine is tried first at its quickest. What better grades would take is foreseen from what was measured, by what they
cost beside each other; the best that leaves room is loaded the next time, and measured in turn. So no start is spent on
trying, and a machine on which everything is quick ends at full quality after as many loads as there are grades.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOGGER = logging.getLogger(__name__)

LIMIT = 0.8
"""Of the time that speech lasts, which making it may take: the rest is for a machine that does other things as well."""

WINDOW = 5
"""Measurements that are remembered of each grade; their median counts."""


@dataclass(frozen=True, slots=True)
class Grade:
    """One way of computing an engine."""

    name: str
    cost: float
    """Time it takes beside the others; only the ratios count."""


def choose(grades: Sequence[Grade], rtf: Mapping[str, float], limit: float = LIMIT) -> Grade:
    """The best of these, best first, that was measured, or is foreseen, to make speech within `limit` of its time; the
    last where none is, or nothing is known. rtf: seconds of work for a second of speech, by name."""
    for grade in grades:
        expected = foreseen(grade, grades, rtf)
        if expected is not None and expected <= limit:
            return grade
    return grades[-1]


def foreseen(grade: Grade, grades: Sequence[Grade], rtf: Mapping[str, float]) -> float | None:
    """What is measured of a grade, else of the one nearest in cost, by their costs; None when nothing is known."""
    known = [each for each in grades if each.name in rtf]
    if not known:
        return None
    nearest = min(known, key=lambda each: max(each.cost / grade.cost, grade.cost / each.cost))
    return rtf[nearest.name] * grade.cost / nearest.cost


def machine(device: str, threads: int) -> str:
    """What a measurement is good for: another one is another machine."""
    if not device.startswith("cpu"):
        import torch  # heavy, and a CPU is known without it

        device = f"{device.partition(':')[0]} {torch.cuda.get_device_name(device)}"
    return f"{_processor()}, {os.cpu_count()} cores, {threads} threads, {device}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


class Paces:
    """What was measured of one engine, kept on disk by machine and grade."""

    def __init__(self, folder: Path, engine: str, machine: str) -> None:
        """engine: its id; each has a file of its own, for engines are measured at the same time."""
        self._path, self._key = folder / f"pace-{engine}.json", machine

    def rtf(self) -> dict[str, float]:
        """Seconds of work for a second of speech, by grade."""
        return {grade: statistics.median(values) for grade, values in self._here(self._read()).items()}

    def note(self, grade: str, rtf: float) -> None:
        """One more measurement. A folder that cannot be written is told of; nothing else depends on it."""
        if not rtf > 0:
            return
        paces = self._read()
        here = self._here(paces)
        here[grade] = [*here.get(grade, []), round(rtf, 4)][-WINDOW:]
        paces[self._key] = here
        beside = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(paces, indent=1), encoding="utf-8")
            beside.replace(self._path)
        except OSError as error:
            _LOGGER.warning("How fast the engine is here cannot be kept, and is measured again: %s", error)

    def _here(self, paces: Mapping[str, object]) -> dict[str, list[float]]:
        """Of this machine; what is no measurement counts for nothing."""
        found = paces.get(self._key)
        if not isinstance(found, dict):
            return {}
        numbers = {
            grade: [float(each) for each in values if isinstance(each, (int, float)) and each > 0]
            for grade, values in found.items()
            if isinstance(values, list)
        }
        return {grade: values for grade, values in numbers.items() if values}

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # not there yet, or not ours
        return found if isinstance(found, dict) else {}
