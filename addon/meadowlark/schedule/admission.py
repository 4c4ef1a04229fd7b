"""Who may join the line for an engine, when more is asked of it than it can give. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from .policy import LEAST_SPEECH, Waiting, fits_easily, pick, turn_of_newcomer

LONGEST_QUEUE_SECONDS: Final = 8.0
"""A newcomer who would wait longer for first audio is better served elsewhere, or told."""

FARTHEST_SECONDS: Final = 30.0
"""Nobody's wait is foreseen beyond that; 10 listeners take a few milliseconds."""

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
    crowd = (
        f"{asked.newcomers} listeners wait for {asked.engine} already"
        if asked.newcomers
        else f"{asked.engine} speaks to as many as it can"
    )
    return TooMuch(
        f"{crowd} and the next would hear nothing for {asked.seconds:.0f} s; ask again then, or install a faster voice",
        asked.seconds,
    )


def expected_wait(
    newcomer: Waiting, waiting: Sequence[Waiting], now: float, absent: Sequence[Waiting] = (), busy: float = 0.0
) -> float:
    """Seconds until a newcomer's first audio if nobody else comes, played through with `pick`.

    absent: who may come again. They keep their place before newcomers until they run dry, but only where others wait
    who can be spoken to meanwhile: an engine that has nothing to do turns to the newcomer at once, however many listen.
    busy: left of the sentence that is being spoken. No more than FARTHEST_SECONDS are played through.
    """
    line = [newcomer, *(each for each in waiting if each.ticket != newcomer.ticket)]
    at = now + busy
    if fits_easily([*line, *absent], at):  # then newcomers go first, in their turn
        mine = turn_of_newcomer(newcomer, now)
        before = [each for each in line if each.runs_dry_at is None and turn_of_newcomer(each, now) < mine]
        return busy + sum(each.work for each in before) + newcomer.first
    while at - now < FARTHEST_SECONDS:
        chosen = pick(line, at, [each for each in absent if (each.runs_dry_at or 0.0) > at])
        if chosen is newcomer:
            break
        line = [each for each in line if each is not chosen]
        if chosen.rest > 0:
            line.append(_next_sentence(chosen, at))
        at += chosen.work
    return at - now + newcomer.first


def _next_sentence(said: Waiting, at: float) -> Waiting:
    """What follows a sentence whose work begins now: taken to be like it, or all that is left."""
    heard = at + said.first if said.runs_dry_at is None else max(said.runs_dry_at, at + said.first)
    usual = max(said.speech, LEAST_SPEECH)
    share = min(1.0, said.rest / usual)
    return replace(
        said,
        runs_dry_at=heard + said.speech,
        work=said.work * share,
        speech=usual * share,
        rest=max(0.0, said.rest - usual),
    )


def _short(line: Line, longest: float) -> bool:
    return line.seconds <= longest and line.newcomers < MOST_NEWCOMERS
