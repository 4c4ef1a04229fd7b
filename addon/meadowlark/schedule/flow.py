"""Who joins those who are being spoken, on an engine whose open sentences alternate. Pure.

Such an engine can turn to somebody else after every chunk, so a sentence holds nobody up. Each listener is a flow:
nothing is due while there is audio in hand, then `rate` seconds of work in each second until the reply is said. With
whoever runs dry first served first, everybody is heard without a gap if at no moment more work is due than there was
time for. A newcomer costs the work up to its first chunk, and then is a listener like the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .admission import FARTHEST_SECONDS
from .policy import (
    FORESEEN_SECONDS,
    LEAST_SPEECH,
    LONGEST_NEWCOMER_WAIT,
    SPARE_SECONDS,
    Waiting,
    deadline,
    turn_of_newcomer,
)

OPEN_AT_LEAST: Final = 2
"""Sentences that the worker should have: the next is there when one ends."""

STEP_SECONDS: Final = 0.1
"""To which the wait of a newcomer is foreseen."""


_BEGINS, _RUNS_DRY, _ENDS = range(3)


@dataclass(frozen=True, slots=True)
class Flow:
    """What one listener will want of the engine. Seconds from now."""

    hand: float
    """Until it runs dry, or has its first chunk."""

    rate: float
    """Work that each second then asks for; at most 1."""

    length: float
    """For which it asks."""

    spare: float = 0.0
    """By which its audio should be there early; 0 = a newcomer: there is a little in its first chunk."""

    start: float = 0.0
    """When the work on its first chunk begins, of one who has heard nothing."""

    first: float = 0.0
    """That work."""


def join(
    waiting: Sequence[Waiting], spoken: Sequence[Waiting], now: float, absent: Sequence[Waiting], places: int
) -> Waiting | None:
    """Who of those that wait is spoken from now on, besides those who are; None = nobody yet.

    spoken: of these `work` and `speech` are what is left. absent: listeners whose next sentence is not here yet.
    A newcomer joins when everybody can be heard without a gap all the same, short replies first, sooner the longer they
    wait, and after LONGEST_NEWCOMER_WAIT whatever follows. A listener joins before any of those who are spoken runs dry
    sooner. A place is kept for listeners.
    """
    if not waiting or len(spoken) >= places:
        return None
    newcomers = [each for each in waiting if each.runs_dry_at is None]
    listening = [each for each in waiting if each.runs_dry_at is not None]
    if newcomers and len(spoken) < max(1, places - 1):
        oldest = min(newcomers, key=lambda each: (each.since, each.ticket))
        if now - oldest.since >= LONGEST_NEWCOMER_WAIT:
            return oldest
        others = flows([*spoken, *listening, *absent], now)
        begun = sum(each.first for each in spoken if each.runs_dry_at is None)
        for each in sorted(newcomers, key=lambda each: turn_of_newcomer(each, now)):
            if is_in_time([*others, _flow_of_newcomer(each, begun)]):
                return each
    if listening:
        soonest = min(listening, key=deadline)
        if len(spoken) < OPEN_AT_LEAST or _runs_dry(soonest, now) < min(_runs_dry(each, now) for each in spoken):
            return soonest
        return None
    return None if spoken else min(newcomers, key=deadline)


def wait_of_newcomer(
    newcomer: Waiting,
    waiting: Sequence[Waiting],
    spoken: Sequence[Waiting],
    now: float,
    absent: Sequence[Waiting] = (),
) -> float:
    """Seconds until the engine would turn to a newcomer, in the order in which `join` lets them in.

    No more than FARTHEST_SECONDS are foreseen.
    """
    everybody = flows([*spoken, *(each for each in waiting if each.runs_dry_at is not None), *absent], now)
    line = [*(each for each in waiting if each.runs_dry_at is None), newcomer]
    line.sort(key=lambda each: turn_of_newcomer(each, now))
    start = sum(each.first for each in spoken if each.runs_dry_at is None)
    for each in line:
        while not is_in_time([*everybody, flow := _flow_of_newcomer(each, start)]):
            start += max(STEP_SECONDS, start / 8)
            if start >= FARTHEST_SECONDS:
                return FARTHEST_SECONDS
        if each is newcomer:
            break
        everybody.append(flow)
        start += each.first
    return start


def flows(everybody: Iterable[Waiting], now: float) -> list[Flow]:
    """What each will want; newcomers whose work has begun are heard one after the other."""
    found, begun = [], 0.0
    for each in everybody:
        if each.runs_dry_at is None:
            found.append(_flow_of_newcomer(each, begun))
            begun += each.first
        else:
            found.append(_flow(each, max(0.0, each.runs_dry_at - now), SPARE_SECONDS))
    return found


def is_in_time(everybody: Iterable[Flow]) -> bool:
    """Whether nobody is left without audio, FORESEEN_SECONDS ahead. In the order of time: O(n log n)."""
    moments: list[tuple[float, int, Flow]] = []
    for each in everybody:
        moments.append((each.start, _BEGINS, each))
        moments.append((each.hand, _RUNS_DRY, each))
        moments.append((each.hand + each.length, _ENDS, each))
    at = due = rate = 0.0
    for moment, what, each in sorted(moments, key=lambda one: one[:2]):
        if moment > FORESEEN_SECONDS:
            break
        due += rate * (moment - at)
        at = moment
        if what == _BEGINS:
            due += each.first
            continue
        rate += each.rate if what == _RUNS_DRY else -each.rate
        if due + each.spare > at and due > 0 and (each.spare or what == _ENDS):
            return False
    return True


def _flow_of_newcomer(each: Waiting, start: float) -> Flow:
    return replace(_flow(each, start + each.first, 0.0), start=start, first=each.first)


def _flow(each: Waiting, hand: float, spare: float) -> Flow:
    """An engine that is slower than speech is no fault of the others: what it is late with, it is late with anyhow."""
    speech = each.speech + each.rest
    work = each.work / max(each.speech, LEAST_SPEECH) * speech
    rate = min(1.0, work / speech) if speech > 0 else 0.0
    return Flow(hand, rate, work / rate if rate > 0 else 0.0, spare)


def _runs_dry(each: Waiting, now: float) -> float:
    """One who is being spoken and has heard nothing yet will, as soon as its first chunk is made."""
    return now + each.first if each.runs_dry_at is None else each.runs_dry_at
