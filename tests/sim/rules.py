"""Ways of keeping engines, as the simulation drives them: ours, from the real policies, and those in use elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from meadowlark.residency.idle import (
    PAUSES,
    RETURN_SECONDS,
    VICTIM_SECONDS,
    Habit,
    HeadStarts,
    Limit,
    Pattern,
    Return,
    bring_back,
    regret,
    release,
)
from meadowlark.residency.neighbours import Sample, yields
from meadowlark.residency.policy import Decision, Load, Need, Refuse, Resident, Snapshot, Use, Wait, decide

from .engines import SimEngine
from .records import FIRST_MONDAY, Asked


def at_text(asked: Asked) -> float:
    """A server that takes whole texts sees a request when its first sentence is there at the earliest."""
    return asked.at + asked.text_after


def at_start(asked: Asked) -> float:
    """`synthesize-start`, or `synthesize`."""
    return asked.at


def at_listening(asked: Asked) -> float:
    """The satellite begins to listen, where one does: known when the add-on may read Home Assistant's states."""
    return asked.at - asked.listened


class Rule(Protocol):
    """What the simulation asks of a way of keeping engines."""

    name: str
    check_seconds: float
    """How often `idle` and `early` are asked; 0 = never."""

    def sign(self, asked: Asked) -> float:
        """When a request shows itself."""

    def used(self, asked: Asked) -> None:
        """A reply was asked for, now."""

    def place(self, snapshot: Snapshot, need: Need, now: float) -> Decision:
        """Where to load an engine."""

    def idle(self, residents: Sequence[Resident], now: float) -> Sequence[str]:
        """Which to release; all given are idle."""

    def early(self, snapshot: Snapshot, now: float) -> Return | None:
        """Which to load unasked."""

    def cede(self, samples: Sequence[Sample], residents: Sequence[Resident]) -> Sequence[str]:
        """Which to release because a neighbour grows."""


class Lru:
    """The longest unused goes, one after the other, until there is room; nothing is given back otherwise."""

    name = "lru"
    check_seconds = 0.0

    def sign(self, asked: Asked) -> float:
        return at_text(asked)

    def used(self, asked: Asked) -> None:
        pass

    def place(self, snapshot: Snapshot, need: Need, now: float) -> Decision:
        return one_by_one(snapshot, need, lambda each: (each.last_used, each.engine))

    def idle(self, residents: Sequence[Resident], now: float) -> Sequence[str]:
        return ()

    def early(self, snapshot: Snapshot, now: float) -> Return | None:
        return None

    def cede(self, samples: Sequence[Sample], residents: Sequence[Resident]) -> Sequence[str]:
        return ()


class Timer(Lru):
    """Speaches: gone 300 s after its last use; for want of room the longest unused goes, which Speaches lacks."""

    name = "timer"
    check_seconds = 30.0
    seconds = 300.0

    def idle(self, residents: Sequence[Resident], now: float) -> Sequence[str]:
        return [each.engine for each in residents if now - each.last_used >= self.seconds]


class Ollama(Timer):
    """Ollama: 5 minutes of keep-alive; for want of room the idle runner with the shortest keep-alive goes.

    All have the same keep-alive unless a client says otherwise; then it takes them by name.
    """

    name = "ollama"

    def place(self, snapshot: Snapshot, need: Need, now: float) -> Decision:
        return one_by_one(snapshot, need, lambda each: (self.seconds, each.engine))


@dataclass(frozen=True, slots=True)
class Means:
    """What ours may use; all of it, unless a table asks what each is worth."""

    listening: bool = True
    release: bool = True
    bring_back: bool = True
    regret_seconds: float = VICTIM_SECONDS
    """Look-ahead of the choice of victims; 0 = smallest sufficient, then least recently used."""


class Ours:
    """The policies of meadowlark.residency, called as the supervisor calls them."""

    name = "ours"
    check_seconds = 300.0

    def __init__(
        self,
        engines: Mapping[str, SimEngine],
        means: Means = Means(),
        limits: Mapping[str, Limit] | None = None,
        cached: bool = False,
    ) -> None:
        self.means = means
        self._engines = engines
        self._limits = limits or {}
        self._patterns = dict.fromkeys(engines, Pattern())
        self._head_starts = dict.fromkeys(engines, HeadStarts())
        self._load = {each.id: each.load_seconds(cached) for each in engines.values()}

    def sign(self, asked: Asked) -> float:
        return at_listening(asked) if self.means.listening else at_start(asked)

    def used(self, asked: Asked) -> None:
        engine, known = asked.engine, self._patterns[asked.engine]
        now = asked.at + FIRST_MONDAY
        if now - known.last_used > PAUSES[-3]:
            ahead = at_text(asked) - self.sign(asked)
            self._head_starts[engine] = self._head_starts[engine].learn(ahead)
        self._patterns[engine] = known.learn(now)

    def place(self, snapshot: Snapshot, need: Need, now: float) -> Decision:
        decision = decide(snapshot, need)
        if not self.means.regret_seconds or not isinstance(decision, Load) or not decision.evict:
            return decision
        return decide(self._with_regrets(snapshot, now, self.means.regret_seconds), need)

    def idle(self, residents: Sequence[Resident], now: float) -> Sequence[str]:
        return release(map(self._habit, residents), now + FIRST_MONDAY) if self.means.release else ()

    def early(self, snapshot: Snapshot, now: float) -> Return | None:
        if not self.means.bring_back:
            return None
        here = {each.engine for each in snapshot.residents}
        absent = [
            (Need(each.id, (("cuda", each.bytes),)), self._about(each.id, each.bytes, now))
            for each in self._engines.values()
            if each.id not in here
        ]
        return bring_back(self._with_regrets(snapshot, now, RETURN_SECONDS), absent, now + FIRST_MONDAY)

    def cede(self, samples: Sequence[Sample], residents: Sequence[Resident]) -> Sequence[str]:
        return yields(samples, residents, reserve=0)

    def _habit(self, each: Resident) -> Habit:
        return self._about(each.engine, each.bytes, each.last_used)

    def _about(self, engine: str, size: int, since: float) -> Habit:
        pattern, limit = self._patterns[engine], self._limits.get(engine, Limit())
        wait = self._head_starts[engine].expected_wait(self._load[engine])
        return Habit(engine, size, wait, since + FIRST_MONDAY, pattern, limit)

    def _with_regrets(self, snapshot: Snapshot, now: float, within: float) -> Snapshot:
        residents = (
            replace(each, regret=regret(self._habit(each), now + FIRST_MONDAY, within)) for each in snapshot.residents
        )
        return replace(snapshot, residents=tuple(residents))


def one_by_one(snapshot: Snapshot, need: Need, key: Callable[[Resident], Any]) -> Decision:
    """Idle engines go in the given order until there is room: what everybody else does."""
    (device,) = snapshot.devices
    size = dict(need.bytes)[device.kind]
    if any(each.engine == need.engine for each in snapshot.residents):
        return Use()
    room, gone = device.free, []
    for each in sorted((one for one in snapshot.residents if one.idle), key=key):
        if room >= size:
            break
        room += each.bytes
        gone.append(each.engine)
    if room >= size:
        return Load(device.id, tuple(gone))
    if device.capacity >= size:
        return Wait(tuple(each.engine for each in snapshot.residents if each.leases))
    return Refuse("too large")
