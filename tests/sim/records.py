"""Traces, and their recorded form: JSON lines, one request or one change of a neighbour a line, in any order.

    {"at": 25212.0, "engine": "fast", "audio": 2.4}
    {"at": 25260.5, "engine": "fast", "audio": 11.0, "text_after": 0.8, "listened": 4.5, "listener": "kitchen"}
    {"at": 30000.0, "neighbour_bytes": 9000000000}

at               seconds, local wall clock, from midnight of a Monday; or since 1970, and the first Monday is found
engine           as in the table of engines
audio            seconds of speech
text_after       seconds from `at` (the request) until the first sentence was whole; 0 = it came with the request
listened         seconds before `at` at which the listener's satellite began to listen; 0 = nobody spoke to it
listener         whose satellite; empty = unknown
neighbour_bytes  what other programs hold of the device from `at` on
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

WEEK = 7 * 86400.0

FIRST_MONDAY = 4 * 86400.0
"""1970-01-05, in seconds since 1970."""

SINCE_1970 = 52 * WEEK
"""Times beyond a year are taken to be seconds since 1970."""


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """One reply that somebody wanted."""

    at: float
    engine: str
    audio: float
    text_after: float = 0.0
    listened: float = 0.0
    listener: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Neighbour:
    """Other programs on the device hold so much from now on."""

    at: float
    neighbour_bytes: int


@dataclass(frozen=True, slots=True)
class Trace:
    """Who asked for what, and what the neighbours did; each in order of time."""

    asked: tuple[Asked, ...]
    neighbours: tuple[Neighbour, ...] = ()


def trace(asked: Iterable[Asked], neighbours: Iterable[Neighbour] = ()) -> Trace:
    """A trace, put in order."""
    return Trace(tuple(sorted(asked)), tuple(sorted(neighbours)))


def write(path: Path, recorded: Trace) -> None:
    """In the recorded form, defaults left out."""
    with path.open("w", encoding="utf-8") as file:
        for each in sorted((*recorded.asked, *recorded.neighbours), key=lambda each: each.at):
            defaults = {one.name: one.default for one in fields(each)}
            kept = {key: value for key, value in asdict(each).items() if value != defaults[key]}
            file.write(json.dumps(kept) + "\n")


def read(path: Path) -> Trace:
    """A recorded trace. Raises ValueError naming the line."""
    with path.open(encoding="utf-8") as file:
        lines = [_parsed(number, line) for number, line in enumerate(file, 1) if line.strip()]
    first = min((each.at for each in lines), default=0.0)
    if first > SINCE_1970:
        monday = (first - FIRST_MONDAY) // WEEK * WEEK + FIRST_MONDAY
        lines = [replace(each, at=each.at - monday) for each in lines]
    return trace(
        (each for each in lines if isinstance(each, Asked)), (each for each in lines if isinstance(each, Neighbour))
    )


def _parsed(number: int, line: str) -> Asked | Neighbour:
    try:
        values = json.loads(line)
        each = Neighbour(**values) if "neighbour_bytes" in values else Asked(**values)
        numbers = [each.at, *((each.audio, each.text_after, each.listened) if isinstance(each, Asked) else ())]
        if any(one < 0 for one in numbers):
            raise ValueError("times are 0 or more")  # noqa: TRY301 - said with the line, as the others
    except (TypeError, ValueError) as error:
        raise ValueError(f"line {number}: {error}") from error
    return each
