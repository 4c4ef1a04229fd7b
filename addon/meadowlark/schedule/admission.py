"""Who may join the line for an engine, when more is asked of it than it can give. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .policy import Waiting, keeps_time

LONGEST_QUEUE_SECONDS: Final = 8.0
"""A newcomer who would wait longer for first audio is better served elsewhere, or told."""

MOST_NEWCOMERS: Final = 256
"""Waiting for one engine, whatever the estimates say."""


@dataclass(frozen=True, slots=True)
class Line:
    """An engine that could speak a reply, and what a newcomer would find there."""

    engine: str
    seconds: float
    """Until first audio (`expected_wait`, and the load if it is not resident)."""

    newcomers: int = 0
    """Who wait there and have heard nothing yet."""


@dataclass(frozen=True, slots=True)
class Admit:
    """Join the line of this engine."""

    engine: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The engine asked for has too much to do; this one speaks sooner."""

    engine: str


@dataclass(frozen=True, slots=True)
class TooMuch:
    """Nobody can speak it soon enough."""

    reason: str

    retry_seconds: float
    """After which it may go."""


Admission = Admit | Turn | TooMuch


def admit(asked: Line, others: Sequence[Line] = (), longest: float = LONGEST_QUEUE_SECONDS) -> Admission:
    """A queue with a bound, then the fastest other engine (its fallbacks, in order of preference), then a refusal."""
    if _short(asked, longest):
        return Admit(asked.engine)
    for other in others:
        if _short(other, longest):
            return Turn(other.engine)
    return TooMuch(
        f"{asked.newcomers} listeners wait for {asked.engine} already and the next would hear nothing for "
        f"{asked.seconds:.0f} s; ask again then, or install a faster voice",
        asked.seconds,
    )


def expected_wait(
    newcomer: Waiting, waiting: Sequence[Waiting], now: float, absent: Sequence[Waiting] = (), busy: float = 0.0
) -> float:
    """Seconds until a newcomer's first audio, at most, if nobody else comes. busy: left of the present sentence."""
    ahead = [each for each in waiting if each.runs_dry_at is None and each.ticket != newcomer.ticket]
    listening = [each for each in (*waiting, *absent) if each.runs_dry_at is not None]
    if not ahead and keeps_time([newcomer, *listening], now + busy):
        return busy + newcomer.first
    return busy + sum(_work(each) for each in (*ahead, *listening)) + newcomer.first


def _short(line: Line, longest: float) -> bool:
    return line.seconds <= longest and line.newcomers < MOST_NEWCOMERS


def _work(each: Waiting) -> float:
    """Of the engine, for all that is known of a reply."""
    return each.work * (1 + each.rest / each.speech)
