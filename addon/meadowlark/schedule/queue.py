"""Sentences wait here for their engine; the policies say who goes next, and whether while others are being spoken."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from .admission import expected_wait
from .batch import Batching, Speaking, ends, may_join
from .policy import SPEECH_SECONDS, WORK_SECONDS, Waiting, pick

LOOK_AGAIN_SECONDS = 0.25
"""Whether somebody may join is asked again after so long: listeners gain a lead as time passes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a sentence before it is spoken, alone. Seconds; see Waiting."""

    work: float = WORK_SECONDS
    speech: float = SPEECH_SECONDS
    rest: float = SPEECH_SECONDS
    first: float = 0.1


Pick = Callable[[Sequence[Waiting], float, Sequence[Waiting]], Waiting]
"""(who waits, now, who is listening and will come again) → who is next."""


class Turns:
    """One engine's turn-taking: a place for a sentence, or several where the engine speaks them at a time."""

    def __init__(self, clock: Callable[[], float], choose: Pick = pick, batching: Batching | None = None) -> None:
        self._clock = clock
        self._choose = choose
        self._batching = batching or Batching()
        self._tickets = itertools.count()
        self._waiting: dict[int, tuple[Waiting, asyncio.Future[None]]] = {}
        self._speaking: dict[int, Speaking] = {}
        self._seen_at = clock()
        """Until when the work of those who speak has been taken off."""
        self._apart: dict[int, Speaking] = {}
        """Who are to be spoken with nobody else; before they are, nobody joins."""
        self._one_apart = asyncio.Lock()
        self._silent = asyncio.Event()
        self._silent.set()
        self._absent: dict[object, Waiting] = {}
        """Replies between two sentences."""

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def batching(self) -> Batching:
        """How many are spoken at a time, and what that costs; may change at any time."""
        return self._batching

    @batching.setter
    def batching(self, batching: Batching) -> None:
        if batching != self._batching:
            self._take_off_work()
            self._batching = batching
            self._call()

    @property
    def idle(self) -> bool:
        """Whether nobody is spoken to or waits."""
        return not (self._waiting or self._speaking or self._apart)

    @property
    def newcomers(self) -> int:
        """How many wait who have heard nothing yet."""
        return sum(each.runs_dry_at is None for each, _ in self._waiting.values())

    def wait_of_newcomer(self, expected: Expected | None = None) -> float:
        """Seconds that somebody who came now would wait for the engine, at most, as far as is known."""
        now, known = self._clock(), expected or Expected()
        self._take_off_work()
        newcomer = Waiting(-1, now, None, work=known.work, speech=known.speech, rest=known.rest, first=0.0)
        waiting, absent = [each for each, _ in self._waiting.values()], self._listening(now)
        busy = 0.0
        speaking = [*self._speaking.values(), *self._apart.values()]
        if self._apart or not may_join(newcomer, speaking, [*waiting, *absent], now, self._batching):
            busy = min(ends(speaking, now, self._batching), default=now) - now
        return expected_wait(newcomer, self._in_company(waiting), now, self._in_company(absent), busy)

    def will_return(self, who: object, runs_dry_at: float, expected: Expected) -> None:
        """A reply whose sentence is done has more to say, once its text is there. Until then, or until its listener has
        run dry, newcomers are let in only as far as it keeps its place."""
        self._absent[who] = self._about(runs_dry_at, expected)

    def will_not_return(self, who: object) -> None:
        """Its text is at its end after all, or the listener has left: nobody need wait for it."""
        if self._absent.pop(who, None):
            self._call()

    @asynccontextmanager
    async def turn(
        self, runs_dry_at: float | None, expected: Expected | None = None, who: object = None
    ) -> AsyncIterator[int]:
        """Wait until it is this sentence's turn, and hold a place, whose number this is, until the block ends.

        who: of `will_return`."""
        self._absent.pop(who, None)
        me = self._about(runs_dry_at, expected or Expected())
        await self._wait(me)
        try:
            yield me.ticket
        finally:
            self._leave(me.ticket)

    def heard(self, place: int, seconds: float, runs_dry_at: float) -> None:
        """Within a turn: a chunk of so much audio has come, and the listener runs dry then."""

    @asynccontextmanager
    async def apart(self, place: int) -> AsyncIterator[None]:
        """Within a turn: wait until nobody else is being spoken, and let nobody join until the block ends."""
        self._take_off_work()
        self._apart[place] = self._speaking.pop(place)
        self._tell_silence()
        try:
            async with self._one_apart:
                await self._silent.wait()  # nobody begins meanwhile
                yield
        finally:
            self._apart.pop(place, None)
            self._call()

    def _listening(self, now: float) -> list[Waiting]:
        """Replies that will come again; one that ran dry waits for its text, and nobody need wait for it."""
        self._absent = {who: each for who, each in self._absent.items() if (each.runs_dry_at or 0.0) > now}
        return list(self._absent.values())

    def _about(self, runs_dry_at: float | None, known: Expected) -> Waiting:
        return Waiting(
            next(self._tickets),
            self._clock(),
            runs_dry_at,
            work=known.work,
            speech=known.speech,
            rest=known.rest,
            first=known.first,
        )

    async def _wait(self, me: Waiting) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[me.ticket] = (me, called)
        self._call()
        try:
            while not called.done():
                await asyncio.wait({called}, timeout=LOOK_AGAIN_SECONDS)
                if self._batching.places > 1 and next(iter(self._waiting), None) == me.ticket:
                    self._call()  # whoever has waited longest looks for all: 120 who did took 0.4 s of each second
        except asyncio.CancelledError:
            if self._waiting.pop(me.ticket, None) is None:  # called in the same moment: the place is ours to pass on
                self._leave(me.ticket)
            raise

    def _call(self) -> None:
        """Give places to the next in line, as long as there are any and the next may join."""
        while self._waiting and not self._apart and len(self._speaking) < max(1, self._batching.places):
            now = self._clock()
            self._take_off_work()
            waiting, absent = [each for each, _ in self._waiting.values()], self._listening(now)
            ticket = self._choose(self._in_company(waiting), now, self._in_company(absent)).ticket
            chosen, called = self._waiting[ticket]
            if not may_join(chosen, list(self._speaking.values()), [*waiting, *absent], now, self._batching):
                return
            del self._waiting[ticket]
            heard_at = chosen.runs_dry_at or now
            heard_from = max(heard_at, now + chosen.first * self._batching.slower(len(self._speaking) + 1))
            self._speaking[ticket] = Speaking(chosen.work, heard_from + chosen.speech)
            self._tell_silence()
            called.set_result(None)

    def _leave(self, ticket: int) -> None:
        """A sentence is over: its place is the next one's."""
        self._take_off_work()
        self._speaking.pop(ticket, None)
        self._tell_silence()
        self._call()

    def _take_off_work(self) -> None:
        """What has been done since the last look."""
        now = self._clock()
        done = (now - self._seen_at) / self._batching.slower(len(self._speaking))
        self._seen_at = now
        if done > 0:
            self._speaking = {
                ticket: replace(each, left=max(0.0, each.left - done)) for ticket, each in self._speaking.items()
            }

    def _tell_silence(self) -> None:
        if self._speaking:
            self._silent.clear()
        else:
            self._silent.set()

    def _in_company(self, sentences: Iterable[Waiting]) -> list[Waiting]:
        """As they are to those who plan for one sentence at a time: what they cost the engine when it speaks many."""
        if self._batching.places < 2:
            return list(sentences)
        share, slower = self._batching.in_company, self._batching.slower(self._batching.places)
        return [replace(each, work=each.work * share, first=each.first * slower) for each in sentences]
