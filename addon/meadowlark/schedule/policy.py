"""Whose sentence next. Pure: no clock, no lock."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

FIRST_AUDIO_SECONDS: Final = 1.5
"""A newcomer should hear something within so long of asking: satellites give up at 2 s."""

LONGEST_NEWCOMER_WAIT: Final = 60.0
"""Seconds after which a newcomer goes first whoever runs dry, so that nobody starves: far beyond what admission lets
wait, unless estimates are wrong."""

SECONDS_PER_WAITED: Final = 0.5
"""A newcomer passes one whose reply is so much shorter for each second that it has waited longer."""

SPEECH_SECONDS: Final = 4.0
"""Speech in a sentence of which nothing is known: about 60 characters."""

WORK_SECONDS: Final = 1.0
"""Work for such a sentence: a real-time factor of 0.25."""

LEAST_SPEECH: Final = 0.2
"""Speech of a sentence that has none to speak of, such as a lone laugh."""

FORESEEN_SECONDS: Final = 60.0
"""Of the engine's work; a plan farther ahead is never kept."""

SPARE_SECONDS: Final = 0.2
"""Kept between what is planned and what runs dry: work is estimated, and chunks take a moment on their way."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sentence that waits for its engine. Times in seconds of one monotonic clock."""

    ticket: int
    """Counts up: who came first."""

    since: float
    """When this sentence came."""

    runs_dry_at: float | None
    """When the listener has heard all that was sent; None = a newcomer, who has heard nothing yet."""

    work: float = WORK_SECONDS
    """Seconds of the engine that it is expected to take."""

    speech: float = SPEECH_SECONDS
    """Seconds of speech that it is expected to give."""

    rest: float = SPEECH_SECONDS
    """Seconds of speech that the listener is expected to want after it: what is known of the text, and a sentence more
    while it is still being written."""

    first: float = 0.1
    """Seconds from the start of the work to its first audio; as long as `work` on an engine that does not stream."""

    def heard(self, seconds: float, runs_dry_at: float) -> Waiting:
        """What is left of the sentence when so many seconds of it have been made, and its listener runs dry then."""
        usual = max(self.speech, LEAST_SPEECH)
        left = max(LEAST_SPEECH, usual - seconds)  # never nothing: from these two follows how fast the engine is
        return replace(self, runs_dry_at=runs_dry_at, speech=left, work=self.work * left / usual)


def pick(waiting: Sequence[Waiting], now: float, absent: Sequence[Waiting] = ()) -> Waiting:
    """The sentence to speak next: who is about to run dry, then newcomers, then the rest by playout deadline.

    absent: listeners whose next sentence is not here yet, because its text is still being written; as much as is known.
    "About to run dry" is planned, not a fixed time: a newcomer goes first only when, served by their deadlines, nobody
    who listens would run dry until their replies are said. Of the newcomers short replies go first, sooner the longer
    they wait. The rest become urgent as their audio plays, replies end, and after LONGEST_NEWCOMER_WAIT a newcomer goes
    first: nobody waits for ever.
    """
    newcomers = [each for each in waiting if each.runs_dry_at is None]
    listening = [each for each in waiting if each.runs_dry_at is not None]
    if newcomers:
        oldest = min(newcomers, key=lambda each: (each.since, each.ticket))
        if now - oldest.since >= LONGEST_NEWCOMER_WAIT:
            return oldest
        in_turn = sorted(newcomers, key=lambda each: turn_of_newcomer(each, now))
        if fits_easily([*waiting, *absent], now):
            return in_turn[0]
        for each in in_turn:
            if keeps_time([each, *listening, *absent], now):
                return each
    return min(listening or newcomers, key=deadline)


def fits_easily(everybody: Sequence[Waiting], now: float) -> bool:
    """Whether all keep time in whatever order, which spares the planning: 0.02 ms for 32 instead of 1 to 6 ms.

    Before anybody runs dry there is time for all that is due at once, and then for as much as all of them can play.
    """
    if sum(each.work / max(each.speech, LEAST_SPEECH) for each in everybody) > 1:
        return False
    due = [now + each.first + each.speech if each.runs_dry_at is None else each.runs_dry_at for each in everybody]
    sentences = [1 + (each.runs_dry_at is None) + (each.speech < LEAST_SPEECH) for each in everybody]
    work = sum(each.work * count for each, count in zip(everybody, sentences, strict=True))
    return now + work + max(each.first for each in everybody) + SPARE_SECONDS <= min(due)


def keeps_time(waiting: Sequence[Waiting], now: float) -> bool:
    """Whether nobody is left without audio if the first is served now and then always whoever runs dry first.

    What comes after a listener's present sentence is taken to be like it. FORESEEN_SECONDS are looked at. The first may
    be late with what follows if its engine is slower than speech: that is no fault of the others.
    """
    queue = [(deadline(each)[0], place, each.speech, each.rest) for place, each in enumerate(waiting) if place]
    heapq.heapify(queue)
    first = waiting[0]
    at, heard = now + first.work, now + first.first
    if first.rest > 0 and first.work < first.speech:
        heapq.heappush(queue, _following(first, heard, 0, first.speech, first.rest))
    while queue and at < now + FORESEEN_SECONDS:
        due, place, speech, rest = heapq.heappop(queue)
        each = waiting[place]
        if at + each.first + SPARE_SECONDS > due:
            return False
        at += each.work * speech / max(each.speech, LEAST_SPEECH)
        if rest > 0:
            heapq.heappush(queue, _following(each, due, place, speech, rest))
    return True


def _following(each: Waiting, due: float, place: int, speech: float, rest: float) -> tuple[float, int, float, float]:
    """(when it is due, its place, its speech, what is left after it) of the sentence after one that was due."""
    usual = max(each.speech, LEAST_SPEECH)
    return due + speech, place, min(usual, rest), rest - usual


def pick_first_come(waiting: Sequence[Waiting], now: float, absent: Sequence[Waiting] = ()) -> Waiting:
    """First come, first served: the reference that the benchmark compares with."""
    return min(waiting, key=lambda each: each.ticket)


def pick_deadline(waiting: Sequence[Waiting], now: float, absent: Sequence[Waiting] = ()) -> Waiting:
    """Plain earliest deadline, newcomers due FIRST_AUDIO_SECONDS after they came: the other reference."""
    return min(waiting, key=deadline)


def deadline(each: Waiting) -> tuple[float, int]:
    """When its next audio is due, and who came first."""
    return (each.since + FIRST_AUDIO_SECONDS if each.runs_dry_at is None else each.runs_dry_at), each.ticket


def turn_of_newcomer(each: Waiting, now: float) -> tuple[float, int]:
    """Short replies first, sooner the longer they wait."""
    return each.speech + each.rest - SECONDS_PER_WAITED * (now - each.since), each.ticket
