"""Sentences of many listeners on one engine, driven by the real order policy: first audio and gaps.

One engine speaks one sentence at a time, `rtf` seconds of work per second of speech; it streams, so that audio comes as
it is made. Replies have 1-8 sentences of 4.3 s on average; a third of them come as whole texts, the others from a
language model at 100 characters a second. A reply asks for its next sentence when the one before is made and the text
is there, as speech.py does. The listener plays from the first audio on; a gap is the time for which there is nothing to
play.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from meadowlark import incoming
from meadowlark.schedule.flow import join
from meadowlark.schedule.policy import Waiting, pick
from meadowlark.worker.urgency import Pace, most_urgent

Pick = Callable[[Sequence[Waiting], float, Sequence[Waiting]], Waiting]

CHARS_PER_SECOND = 15.0
"""Of speech."""

MODEL_CHARS_PER_SECOND = 100.0
"""Of a local language model that writes 25 tokens a second."""

SATELLITES = 6
"""As in the household of traces.py."""

UNWRITTEN_SECONDS = incoming.USUAL_CHARS / CHARS_PER_SECOND
"""Of speech, expected to follow while a text is still being written."""

CHUNK_SECONDS = 0.1
"""Audio per chunk."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a listener asks for."""

    sentences: tuple[tuple[float, float], ...]
    """(seconds after asking when its text is whole, seconds of speech) of each."""

    at: float | None = None
    """When it is asked for; None: `thinks` seconds after this satellite has heard its last reply."""

    satellite: int = -1
    """Replies of one satellite come one after the other."""

    thinks: float = 0.0


def hotel(seed: int, load: float, rtf: float, count: int) -> list[Reply]:
    """Endlessly many listeners: replies come whatever happens, so often that the engine works `load` of the time."""
    dice = random.Random(f"order {seed}")
    shapes = [_sentences(dice) for _ in range(count)]
    mean = _mean(shapes)
    at, found = 0.0, []
    for shape in shapes:
        at += dice.expovariate(load / (mean * rtf))
        found.append(Reply(shape, at))
    return found


def house(seed: int, load: float, rtf: float, count: int, satellites: int = SATELLITES) -> list[Reply]:
    """So many satellites, each of which asks again some time after it has heard its reply; the engine would work `load`
    of the time if nobody ever had to wait. Thinking takes an exponentially distributed time."""
    dice = random.Random(f"order {seed}")
    shapes = [_sentences(dice) for _ in range(count)]
    mean = _mean(shapes)
    thinks = satellites * mean * rtf / load - mean
    if thinks <= 0:
        raise ValueError(f"{satellites} satellites cannot make a load of {load} at RTF {rtf}")
    return [Reply(shape, None, n % satellites, dice.expovariate(1 / thinks)) for n, shape in enumerate(shapes)]


def _mean(shapes: Sequence[tuple[tuple[float, float], ...]]) -> float:
    return sum(audio for shape in shapes for _, audio in shape) / len(shapes)


def _sentences(dice: random.Random) -> tuple[tuple[float, float], ...]:
    written, from_model = 0.0, dice.random() < 2 / 3
    shape = []
    for _ in range(dice.choice((1, 1, 2, 3, 3, 4, 6, 8))):
        audio = min(15.0, max(0.8, dice.lognormvariate(1.3, 0.55)))
        written += audio * CHARS_PER_SECOND
        shape.append((max(0.0, written - 60) / MODEL_CHARS_PER_SECOND if from_model else 0.0, audio))
    return tuple(shape)


@dataclass(slots=True)
class Outcome:
    """What the listeners had of it."""

    first_audio: list[float] = field(default_factory=list)
    """Seconds from the first whole sentence to first audio, per reply."""

    gaps: list[float] = field(default_factory=list)
    """Seconds of silence within each reply for which the engine is to blame."""

    def percentile(self, share: float) -> float:
        """Of the first audio."""
        ordered = sorted(self.first_audio)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def gap(self) -> float:
        """Seconds per reply."""
        return sum(self.gaps) / len(self.gaps)


@dataclass(slots=True)
class _Listener:
    reply: Reply
    index: int
    asked_at: float = 0.0
    following: _Listener | None = None
    """The same satellite's next reply."""
    next: int = 0
    playing_until: float | None = None
    """When all that was sent has been played; None = nothing sent."""
    gap: float = 0.0


def simulate(
    asked: Sequence[Reply],
    choose: Pick,
    *,
    rtf: float = 0.25,
    streams: bool = True,
    ahead_seconds: float = 30.0,
    estimates: bool = True,
    longest_piece: float = math.inf,
) -> Outcome:
    """Serve all replies.

    ahead_seconds: a reply with more speech ahead asks for no more. estimates: the work of a sentence is known.
    longest_piece: seconds of speech; sentences are cut at clauses so that none is longer.
    """
    asked = [replace(each, sentences=tuple(_cut(each.sentences, longest_piece))) for each in asked]
    return _Order(asked, choose, rtf, streams, ahead_seconds, estimates).run()


def _cut(sentences: Sequence[tuple[float, float]], longest: float) -> Iterator[tuple[float, float]]:
    for written, audio in sentences:
        pieces = max(1, math.ceil(audio / longest))
        yield from [(written, audio / pieces)] * pieces


def simulate_alternating(
    asked: Sequence[Reply],
    *,
    rtf: float = 0.25,
    chunk_seconds: float = CHUNK_SECONDS,
    places: int = 8,
    ahead_seconds: float = 30.0,
    estimates: bool = True,
) -> Outcome:
    """Serve all replies on an engine whose open sentences alternate: `schedule.flow.join` says whose sentence is begun,
    the worker makes a chunk of whichever is most urgent, and learns of a new one only at the end of a chunk."""
    return _Alternating(asked, rtf, chunk_seconds, places, ahead_seconds, estimates).run()


class _Order:
    def __init__(
        self, asked: Sequence[Reply], choose: Pick, rtf: float, streams: bool, ahead_seconds: float, estimates: bool
    ) -> None:
        self._choose = choose
        self._rtf = rtf
        self._streams = streams
        self._ahead = ahead_seconds
        self._estimates = estimates
        self._listeners = [_Listener(reply, n) for n, reply in enumerate(asked)]
        self._waiting: dict[int, tuple[Waiting, _Listener]] = {}
        self._tickets = itertools.count()
        self._absent: dict[int, Waiting] = {}
        self._busy = False
        self._outcome = Outcome()
        self._events: list[tuple[float, int, str]] = []
        latest: dict[int, _Listener] = {}
        for each in self._listeners:
            before = latest.get(each.reply.satellite) if each.reply.at is None else None
            latest[each.reply.satellite] = each
            if before:
                before.following = each
            else:
                self._arrive(each, each.reply.thinks if each.reply.at is None else each.reply.at)

    def run(self) -> Outcome:
        while self._events:
            now, index, what = heapq.heappop(self._events)
            listener = self._listeners[index]
            if what == "made":
                self._busy = False
                self._made(listener, now)
            else:
                self._ask(listener, now)
            self._work_on(now)
        self._outcome.gaps = [each.gap for each in self._listeners]
        return self._outcome

    def _work_on(self, now: float) -> None:
        """Begin what comes next, when all that happens now has happened."""
        if not self._busy and self._waiting and not (self._events and self._events[0][0] <= now):
            self._serve(now)

    def _made(self, listener: _Listener, now: float) -> None:
        """A sentence of this listener."""
        self._go_on(listener, now)

    def _arrive(self, listener: _Listener, at: float) -> None:
        listener.asked_at = at
        heapq.heappush(self._events, (at + listener.reply.sentences[0][0], listener.index, "asks"))

    def _go_on(self, listener: _Listener, now: float) -> None:
        """The listener's next sentence, when its text is there and there is not too much ahead."""
        listener.next += 1
        assert listener.playing_until is not None
        if listener.next == len(listener.reply.sentences):
            if listener.following:
                self._arrive(listener.following, listener.playing_until + listener.following.reply.thinks)
            return
        written = listener.asked_at + listener.reply.sentences[listener.next][0]
        self._absent[listener.index] = self._about(listener, now)
        heapq.heappush(self._events, (max(now, written, listener.playing_until - self._ahead), listener.index, "asks"))

    def _ask(self, listener: _Listener, now: float) -> None:
        waiting = self._about(listener, now)
        self._absent.pop(listener.index, None)
        self._waiting[waiting.ticket] = (waiting, listener)

    def _about(self, listener: _Listener, now: float) -> Waiting:
        """The listener's next sentence, as the server knows it."""
        waiting = Waiting(next(self._tickets), now, listener.playing_until)
        if not self._estimates:
            return waiting
        written, audio = listener.reply.sentences[listener.next]
        if listener.asked_at + written > now:
            return replace(waiting, first=self._rtf * CHUNK_SECONDS if self._streams else waiting.work)
        work = self._rtf * audio
        first = self._rtf * CHUNK_SECONDS if self._streams else work
        return replace(waiting, work=work, speech=audio, rest=self._rest(listener, now), first=first)

    def _rest(self, listener: _Listener, now: float) -> float:
        """Speech after this sentence as far as its text is there; some more while it is being written."""
        later = listener.reply.sentences[listener.next + 1 :]
        written = [audio for after, audio in later if listener.asked_at + after <= now]
        return sum(written) + (UNWRITTEN_SECONDS if len(written) < len(later) else 0.0)

    def _serve(self, now: float) -> None:
        chosen = self._choose([waiting for waiting, _ in self._waiting.values()], now, [*self._absent.values()])
        waiting, listener = self._waiting.pop(chosen.ticket)
        written, audio = listener.reply.sentences[listener.next]
        work = self._rtf * audio
        heard = now + (self._rtf * min(CHUNK_SECONDS, audio) if self._streams else work)
        if listener.playing_until is None:
            self._outcome.first_audio.append(heard - (listener.asked_at + written))
            listener.playing_until = heard + audio
        else:
            late = max(0.0, heard - max(listener.playing_until, waiting.since))
            listener.gap += late
            listener.playing_until = max(heard, listener.playing_until) + audio
        self._busy = True
        heapq.heappush(self._events, (now + work, listener.index, "made"))


@dataclass(slots=True)
class _Open:
    """A sentence that is being spoken."""

    listener: _Listener
    waiting: Waiting
    """As the core knows it now."""
    left: float
    """Of its speech."""
    since: float

    @property
    def number(self) -> int:
        return self.waiting.ticket

    @property
    def dry_at(self) -> float:
        return -math.inf if self.listener.playing_until is None else self.listener.playing_until


class _Alternating(_Order):
    def __init__(
        self,
        asked: Sequence[Reply],
        rtf: float,
        chunk_seconds: float,
        places: int,
        ahead_seconds: float,
        estimates: bool,
    ) -> None:
        self._chunk = chunk_seconds
        self._places = places
        self._open: list[_Open] = []
        self._pace = Pace()
        super().__init__(asked, pick, rtf, True, ahead_seconds, estimates)

    def _work_on(self, now: float) -> None:
        self._make(now)
        self._let_in(now)
        self._make(now)

    def _let_in(self, now: float) -> None:
        while True:
            waiting = [each for each, _ in self._waiting.values()]
            spoken = [each.waiting for each in self._open]
            chosen = join(waiting, spoken, now, [*self._absent.values()], self._places)
            if chosen is None:
                return
            waits, listener = self._waiting.pop(chosen.ticket)
            self._open.append(_Open(listener, waits, listener.reply.sentences[listener.next][1], now))

    def _make(self, now: float) -> None:
        """Begin a chunk, if nobody's is being made."""
        if self._busy or not self._open or (self._events and self._events[0][0] <= now):
            return
        urgent = most_urgent(self._open, now, self._pace)
        self._busy = True
        work = self._rtf * min(self._chunk, urgent.left)
        self._pace.note(work, first=urgent.dry_at == -math.inf)
        heapq.heappush(self._events, (now + work, urgent.listener.index, "made"))

    def _made(self, listener: _Listener, now: float) -> None:
        """A chunk of this listener's sentence."""
        opened = next(each for each in self._open if each.listener is listener)
        audio = min(self._chunk, opened.left)
        if listener.playing_until is None:
            self._outcome.first_audio.append(now - (listener.asked_at + listener.reply.sentences[0][0]))
            listener.playing_until = now + audio
        else:
            listener.gap += max(0.0, now - max(listener.playing_until, opened.waiting.since))
            listener.playing_until = max(now, listener.playing_until) + audio
        opened.left -= audio
        opened.waiting = opened.waiting.heard(audio, listener.playing_until)
        if opened.left < 1e-9:
            self._open.remove(opened)
            self._go_on(listener, now)
