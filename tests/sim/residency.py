"""Engines on one device under a memory budget, driven by a trace and a rule; says what listeners waited for.

Time jumps from event to event. An engine is leased from the request until its reply is made (its real-time factor times
the speech, but at least until the text is whole); it is loaded when the request shows itself to the rule, in
`SimEngine.load_seconds`, and `UNLOAD_SECONDS` more when others had to go first. Loads go on side by side. A listener
waits from the moment the first sentence is whole until the engine is ready. A request that waits for busy engines is
tried again, in order, whenever one falls idle. What one engine's listeners wait for each other is order.py's matter.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from meadowlark.residency.neighbours import Sample
from meadowlark.residency.policy import Device, Load, Need, Refuse, Resident, Snapshot, Use, Wait

from .engines import UNLOAD_SECONDS, SimEngine
from .records import Asked, Neighbour, Trace
from .rules import Rule

TICKS = 6
"""Readings of the free memory after a neighbour moved, one a second: growth is then over or has shown itself."""


@dataclass(slots=True)
class Outcome:
    """What came of a trace under a rule."""

    utterances: int = 0
    waited: float = 0.0
    """Seconds, all listeners together."""

    cold: int = 0
    """Replies that had to wait."""

    refused: int = 0
    loads: int = 0
    unasked: int = 0
    """Loads that nobody had asked for."""

    longest: float = 0.0
    over_budget: int = 0
    """Bytes, at the worst moment; must be 0."""

    held: float = 0.0
    """Byte-seconds of residency."""

    squeezed: float = 0.0
    """Byte-seconds that neighbours wanted and did not find."""

    waits: dict[str, float] = field(default_factory=dict)
    """Seconds by engine."""

    @property
    def waited_per_1000(self) -> float:
        """Seconds per 1,000 utterances."""
        return 1000 * self.waited / max(1, self.utterances)


class _Kind(IntEnum):
    """Of an event; at the same moment in this order."""

    LOADED = 0
    DONE = 1
    NEIGHBOUR = 2
    TICK = 3
    SIGN = 4
    REQUEST = 5
    TEXT = 6
    CHECK = 7


@dataclass(slots=True)
class _Held:
    """A resident engine."""

    engine: SimEngine
    ready_at: float
    last_used: float
    leases: int = 0


def simulate(
    recorded: Trace, engines: Mapping[str, SimEngine], budget: int, rule: Rule, cached: bool = False
) -> Outcome:
    """Replay a trace. budget: bytes for engines and neighbours together."""
    return _Simulation(recorded, engines, budget, rule, cached).run()


class _Simulation:
    def __init__(
        self, recorded: Trace, engines: Mapping[str, SimEngine], budget: int, rule: Rule, cached: bool
    ) -> None:
        self._engines = engines
        self._budget = budget
        self._rule = rule
        self._load_seconds = {each.id: each.load_seconds(cached) for each in engines.values()}
        self._needs = {each.id: Need(each.id, (("cuda", each.bytes),)) for each in engines.values()}
        self._held: dict[str, _Held] = {}
        self._leases = dict.fromkeys(engines, 0)
        self._queue: deque[str] = deque()
        """Engines wanted that wait for busy ones, each once, in order."""
        self._listening: dict[str, list[Asked]] = {each: [] for each in engines}
        """Replies whose text is there and whose engine is not."""
        self._neighbour = 0
        self._samples: deque[Sample] = deque(maxlen=8)
        self._ticks_until = -1.0
        self._now = 0.0
        self._numbers = itertools.count()
        self._outcome = Outcome(utterances=len(recorded.asked), waits=dict.fromkeys(engines, 0.0))
        self._events: list[tuple[float, _Kind, int, Asked | Neighbour | str | None]] = []
        for each in recorded.asked:
            if rule.sign(each) < each.at:
                self._push(rule.sign(each), _Kind.SIGN, each)
            self._push(each.at, _Kind.REQUEST, each)
        for change in recorded.neighbours:
            self._push(change.at, _Kind.NEIGHBOUR, change)
        self._left = len(recorded.asked)
        if rule.check_seconds:
            self._push(rule.check_seconds, _Kind.CHECK, None)

    def run(self) -> Outcome:
        events = self._events
        while events and self._left:
            at, kind, _, about = heapq.heappop(events)
            self._pass_time(at)
            match kind, about:
                case (_Kind.SIGN, Asked() as asked):
                    self._want(asked.engine)
                case (_Kind.REQUEST, Asked() as asked):
                    self._request(asked)
                case (_Kind.TEXT, Asked() as asked):
                    self._text(asked)
                case (_Kind.LOADED, str() as engine):
                    self._loaded(engine)
                case (_Kind.DONE, str() as engine):
                    self._done(engine)
                case (_Kind.NEIGHBOUR, Neighbour() as change):
                    self._neighbour = change.neighbour_bytes
                    self._watch()
                case (_Kind.TICK, _):
                    self._tick()
                case _:
                    self._check()
        return self._outcome

    def _push(self, at: float, kind: _Kind, about: Asked | Neighbour | str | None) -> None:
        heapq.heappush(self._events, (at, kind, next(self._numbers), about))

    def _pass_time(self, at: float) -> None:
        if at > self._now:
            ours = self._ours
            self._outcome.held += ours * (at - self._now)
            self._outcome.squeezed += max(0, ours + self._neighbour - self._budget) * (at - self._now)
            self._now = at

    @property
    def _ours(self) -> int:
        return sum(each.engine.bytes for each in self._held.values())

    def _request(self, asked: Asked) -> None:
        if self._engines[asked.engine].bytes > self._budget:
            self._refuse(asked)
            return
        self._rule.used(asked)
        self._leases[asked.engine] += 1
        if asked.engine in self._held:
            self._held[asked.engine].leases += 1
            self._held[asked.engine].last_used = self._now
        if self._rule.sign(asked) <= asked.at:
            self._want(asked.engine)
        self._push(asked.at + asked.text_after, _Kind.TEXT, asked)

    def _text(self, asked: Asked) -> None:
        self._want(asked.engine)  # for rules that see it only now, and for engines that went after the sign
        held = self._held.get(asked.engine)
        if held and held.ready_at <= self._now:
            self._speak(asked)
        else:
            self._listening[asked.engine].append(asked)

    def _want(self, engine: str) -> None:
        known = engine in self._held or engine in self._queue or self._engines[engine].bytes > self._budget
        if not known and not self._try(engine):
            self._queue.append(engine)

    def _try(self, engine: str) -> bool:
        """Place an engine if it can be; False = it has to wait. One nobody asks for yet does not wait in the queue."""
        decision = self._rule.place(self._snapshot(), self._needs[engine], self._now)
        match decision:
            case Load(_, evict):
                for each in evict:
                    assert not self._held[each].leases
                    del self._held[each]
                self._load(engine, UNLOAD_SECONDS if evict else 0.0)
                return True
            case Use():
                return True
            case Wait():
                return not self._leases[engine]
            case Refuse():
                return not self._leases[engine]  # a neighbour holds the memory: as with busy ones, later
        raise AssertionError(decision)

    def _load(self, engine: str, after: float) -> None:
        ready_at = self._now + after + self._load_seconds[engine]
        self._held[engine] = _Held(self._engines[engine], ready_at, self._now, self._leases[engine] + 1)
        self._push(ready_at, _Kind.LOADED, engine)
        self._outcome.loads += 1
        self._outcome.over_budget = max(self._outcome.over_budget, self._ours + self._neighbour - self._budget)

    def _loaded(self, engine: str) -> None:
        held = self._held[engine]
        held.leases -= 1  # the load's own
        held.last_used = self._now
        for asked in self._listening[engine]:
            waited = self._now - (asked.at + asked.text_after)
            self._outcome.waited += waited
            self._outcome.waits[engine] += waited
            self._outcome.cold += 1
            self._outcome.longest = max(self._outcome.longest, waited)
            self._speak(asked)
        self._listening[engine] = []
        self._fell_idle()

    def _speak(self, asked: Asked) -> None:
        self._left -= 1
        self._push(self._now + asked.audio * self._engines[asked.engine].rtf, _Kind.DONE, asked.engine)

    def _refuse(self, asked: Asked) -> None:
        self._left -= 1
        self._outcome.refused += 1

    def _done(self, engine: str) -> None:
        self._leases[engine] -= 1
        self._held[engine].leases -= 1
        self._held[engine].last_used = self._now
        self._fell_idle()

    def _fell_idle(self) -> None:
        while self._queue and self._try(self._queue[0]):
            self._queue.popleft()

    def _check(self) -> None:
        residents = self._residents()
        for each in self._rule.idle([one for one in residents if one.idle], self._now):
            del self._held[each]
        early = None if self._queue else self._rule.early(self._snapshot(), self._now)
        if early:
            for each in early.evict:
                del self._held[each]
            self._outcome.unasked += 1
            self._load(early.engine, UNLOAD_SECONDS if early.evict else 0.0)
        self._push(self._now + self._rule.check_seconds, _Kind.CHECK, None)

    def _watch(self) -> None:
        """A neighbour moved: read the free memory each second for a while, on the second."""
        begin = self._ticks_until if self._ticks_until > self._now else float(int(self._now) + 1)
        until = int(self._now) + 1.0 + TICKS
        for second in range(int(begin), int(until)):
            self._push(float(second), _Kind.TICK, None)
        self._ticks_until = until

    def _tick(self) -> None:
        ours = self._ours
        steady = all(each.ready_at <= self._now for each in self._held.values())
        self._samples.append(Sample(self._now, self._budget - self._neighbour - ours, ours, steady))
        for each in self._rule.cede(self._samples, self._residents()):
            del self._held[each]
        self._fell_idle()

    def _residents(self) -> tuple[Resident, ...]:
        return tuple(
            Resident(name, "cuda:0", each.engine.bytes, each.leases, each.last_used)
            for name, each in self._held.items()
        )

    def _snapshot(self) -> Snapshot:
        room = self._budget - self._neighbour
        return Snapshot((Device("cuda:0", max(0, room - self._ours), max(0, room)),), self._residents())
