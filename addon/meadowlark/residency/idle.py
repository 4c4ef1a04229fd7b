"""When an idle engine may go, and when it is worth having back before it is asked for. Pure; it knows the hour.

Use comes in sessions: a burst of sentences seconds or minutes apart, then nothing until the next session, at hours that
repeat. A `Pattern` learns both from nothing but the moments of use: how long the pauses within a session are, and how
many sessions begin in each hour of a working day and of a weekend day. Times are local wall-clock seconds (UTC seconds
plus the offset of the zone), so that breakfast stays at breakfast time when the clocks change.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from .policy import Load, Need, Snapshot, decide

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday; Monday is 0."""

PAUSES: Final = (15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 1800.0)
"""Upper edges of the pauses counted within a session; a longer one has ended it."""

USUAL_PAUSES: Final = (0.8, 0.9, 0.5, 0.3, 0.2, 0.2, 0.2, 0.2, 0.7)
"""What is believed before anything was seen, worth four uses; the last is the end of a session."""

DAILY_DECAY: Final = 0.95
"""Of what was learned, kept from one day to the next: half is forgotten in 13.5 days, so habits may change."""

PAUSE_DECAY: Final = 0.98
"""The same for pauses, per use: about the last 50 count."""

HEAD_STARTS: Final = 24
"""As many of the latest are remembered."""

UNSEEN_DAYS: Final = 0.5
"""Days without a session believed before the first: one morning does not make a habit."""

UNTRIED_SECONDS: Final = DAY
"""What was loaded for whoever comes first is kept so long: before the first use nothing can look likely."""

UNROLLED_DAYS: Final = 90
"""Days of absence after which nothing learned is left that matters (0.95^90 = 1 %)."""

GB_SECONDS: Final = 120_000.0
"""Memory that may be held to spare a listener one second of waiting: 33 GB for an hour. With 16 GB the simulated house
then waits 42 s per 1,000 utterances and holds 2.5 GB on average; with a timer of 300 s it waits 430 s and holds 0.3 GB,
releasing nothing 12 s and 13.7 GB (`script/bench sim`)."""

LOOKS_AHEAD: Final = (900.0, HOUR, 3 * HOUR, 8 * HOUR, 24 * HOUR)
"""Horizons at which keeping is weighed: a use that is likely tomorrow pays for the night, not for a minute of it."""

VICTIM_SECONDS: Final = 4 * HOUR
"""Look-ahead of the regret by which victims are chosen. The simulated house with 12 GB waits 31 % less by it than when
the smallest sufficient and longest unused go; five minutes of look-ahead give three quarters of that."""

RETURN_SECONDS: Final = HOUR
"""Look-ahead of loading before anybody asks."""

LEAST_GAIN: Final = 0.25
"""Seconds of waiting that such a load must be expected to spare."""

RETURN_MARGIN: Final = 1.5
"""Loading before it is asked for must be worth so much more than keeping is, or engines would come and go."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """When an engine is used. Start with `Pattern()`, then `learn` each use; small, and plain data to be stored."""

    sessions: tuple[float, ...] = (0.0,) * 48
    """Decayed number of sessions begun per hour of a working day (0-23) and of a weekend day (24-47)."""

    days: tuple[float, float] = (0.0, 0.0)
    """Decayed number of working days and weekend days seen whole."""

    pauses: tuple[float, ...] = USUAL_PAUSES
    """Decayed number of pauses per bin of `PAUSES`; the last: sessions that ended."""

    day: int = -1
    """Of the last `learn` or `until`, counted from 1970; -1 = nothing seen."""

    last_used: float = -math.inf

    @property
    def untried(self) -> bool:
        """Nobody has ever asked for the engine."""
        return self.day < 0

    def until(self, now: float) -> Pattern:
        """The same, knowing that nothing happened up to now."""
        today = int(now // DAY)
        if self.day < 0 or today <= self.day:
            return self
        kept, days = 1.0, list(self.days)
        for day in range(max(self.day, today - UNROLLED_DAYS), today):
            kept *= DAILY_DECAY
            days = [each * DAILY_DECAY for each in days]
            days[_is_weekend(day)] += 1
        sessions = tuple(each * kept for each in self.sessions)
        return Pattern(sessions, (days[0], days[1]), self.pauses, today, self.last_used)

    def learn(self, now: float) -> Pattern:
        """The same, knowing that the engine is used now. A time before the last one learned changes nothing, unless it
        is a day before it: then the clock had been wrong, and what was learned is kept as of now."""
        if now <= self.last_used:
            set_back = self.last_used - now > DAY
            return replace(self, day=int(now // DAY), last_used=now) if set_back else self
        known = self.until(now)
        pause = now - known.last_used
        pauses, sessions = known.pauses, known.sessions
        if math.isfinite(pause):
            counted = [each * PAUSE_DECAY for each in pauses]
            counted[bisect.bisect_left(PAUSES, pause)] += 1
            pauses = tuple(counted)
        if pause > PAUSES[-1]:
            sessions = _with_session(sessions, now)
        return Pattern(sessions, known.days, pauses, max(known.day, int(now // DAY)), now)

    def likelihood(self, now: float, within: float) -> float:
        """How likely, from 0 to 1, it is used in the next `within` seconds if it has been idle since its last use."""
        known = self.until(now)
        return 1.0 - (1.0 - known._goes_on(now, within)) * math.exp(-known._sessions_expected(now, within))

    def _goes_on(self, now: float, within: float) -> float:
        """How likely the session is to go on within that time."""
        age = now - self.last_used
        if age >= PAUSES[-1]:
            return 0.0
        left = self._longer_than(age)
        return 1.0 - self._longer_than(age + within) / left if left > 0 else 0.0

    def _longer_than(self, age: float) -> float:
        """Weight of pauses longer than this, each bin spread evenly between its edges."""
        if age >= PAUSES[-1]:
            return self.pauses[-1]
        place = bisect.bisect_right(PAUSES, age)
        low = PAUSES[place - 1] if place else 0.0
        share = (PAUSES[place] - max(age, 0.0)) / (PAUSES[place] - low)
        return self.pauses[place] * share + sum(self.pauses[place + 1 :])

    def _sessions_expected(self, now: float, within: float) -> float:
        """Sessions that begin in that time, on average."""
        expected, at, end = 0.0, now, now + within
        while at < end:
            edge = min(end, (at // HOUR + 1) * HOUR)
            weekend = _is_weekend(int(at // DAY))
            begun = self.sessions[24 * weekend + int(at % DAY // HOUR)]
            expected += begun / (self.days[weekend] + UNSEEN_DAYS + (at % DAY) / DAY) * (edge - at) / HOUR
            at = edge
        return expected


@dataclass(frozen=True, slots=True)
class HeadStarts:
    """How much earlier than its first sentence an engine's load has begun lately. Seconds."""

    latest: tuple[float, ...] = ()

    def learn(self, seconds: float) -> HeadStarts:
        """One more; worth asking for at the first request of a session only, when a load was or might have been due."""
        return HeadStarts((*self.latest[1 - HEAD_STARTS :], seconds))

    def expected_wait(self, load_seconds: float) -> float:
        """Seconds that a listener waits on average when the engine must be loaded."""
        if not self.latest:
            return load_seconds
        return sum(max(0.0, load_seconds - each) for each in self.latest) / len(self.latest)


@dataclass(frozen=True, slots=True)
class Limit:
    """What the user allows, whatever is likely. Seconds of idleness."""

    least: float = 0.0
    """Kept at least so long; infinite = for ever (`keep`)."""

    most: float = math.inf
    """Kept at most so long (`idle_seconds`); 0 = gone as soon as it is idle (`never`)."""


KEEP: Final = Limit(least=math.inf)
NEVER: Final = Limit(most=0.0)


@dataclass(frozen=True, slots=True)
class Habit:
    """An engine as the question of keeping it sees it."""

    engine: str
    bytes: int
    reload_seconds: float
    """That a listener would wait for it: load and warm-up, less the head start that its requests usually give."""

    idle_since: float
    """Local time at which it became idle: the last use, or the load when it has not been used since."""

    pattern: Pattern = field(default_factory=Pattern)
    limit: Limit = Limit()


@dataclass(frozen=True, slots=True)
class Return:
    """Load an engine that nobody has asked for yet."""

    engine: str
    device: str
    evict: tuple[str, ...] = ()


def regret(habit: Habit, now: float, within: float) -> float:
    """Seconds that listeners are expected to wait within that time because it is not there."""
    return habit.reload_seconds * habit.pattern.likelihood(now, within)


def worth_keeping(habit: Habit, now: float) -> float:
    """Waiting spared by keeping it divided by the price of the memory held; more than 1 = keep."""
    gigabytes = max(habit.bytes, 1) / 1e9
    return max(regret(habit, now, ahead) * GB_SECONDS / (gigabytes * ahead) for ahead in LOOKS_AHEAD)


def release(idle: Iterable[Habit], now: float) -> tuple[str, ...]:
    """Which idle engines to let go now, because nobody is likely to need them soon."""
    return tuple(each.engine for each in idle if not _kept(each, now))


def bring_back(snapshot: Snapshot, absent: Iterable[tuple[Need, Habit]], now: float) -> Return | None:
    """The engine to load before anybody asks, if one is worth it; None = none is.

    The snapshot's residents carry their regret over RETURN_SECONDS; an engine comes back into free memory, or in the
    place of idle ones that listeners will miss less.
    """
    best, gained = None, LEAST_GAIN
    for need, habit in absent:
        gain = regret(habit, now, RETURN_SECONDS)
        if gain <= gained or habit.limit.most <= 0 or worth_keeping(habit, now) < RETURN_MARGIN:
            continue
        decision = decide(snapshot, need)
        if isinstance(decision, Load):
            gain -= sum(each.regret or 0.0 for each in snapshot.residents if each.engine in decision.evict)
            if gain > gained:
                best, gained = Return(habit.engine, decision.device, decision.evict), gain
    return best


def stored(pattern: Pattern) -> dict[str, Any]:
    """As JSON can hold it."""
    return {
        "sessions": [round(each, 4) for each in pattern.sessions],
        "days": [round(each, 4) for each in pattern.days],
        "pauses": [round(each, 4) for each in pattern.pauses],
        "day": pattern.day,
        "last_used": pattern.last_used if math.isfinite(pattern.last_used) else None,
    }


def restored(data: Mapping[str, Any]) -> Pattern:
    """What `stored` wrote. Raises ValueError for anything else."""
    try:
        sessions, days, pauses = (tuple(float(each) for each in data[key]) for key in ("sessions", "days", "pauses"))
        last = data["last_used"]
        pattern = Pattern(sessions, days, pauses, int(data["day"]), -math.inf if last is None else float(last))  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a use pattern: {error!r}") from error
    numbers = (*pattern.sessions, *pattern.days, *pattern.pauses)
    if (len(sessions), len(days), len(pauses)) != (48, 2, len(PAUSES) + 1) or not all(0 <= n < 1e9 for n in numbers):
        raise ValueError("not a use pattern: wrong numbers")
    return pattern


def _kept(habit: Habit, now: float) -> bool:
    idle = now - habit.idle_since
    if idle < habit.limit.least:
        return True
    untried = habit.pattern.untried and idle < UNTRIED_SECONDS
    return idle < habit.limit.most and (untried or worth_keeping(habit, now) > 1.0)


def _is_weekend(day: int) -> bool:
    return (day + EPOCH_WEEKDAY) % 7 >= 5


def _with_session(sessions: tuple[float, ...], now: float) -> tuple[float, ...]:
    """One more, spread over the hours around it: 7:58 is evidence for 8:05 too."""
    start = 24 * _is_weekend(int(now // DAY))
    hour = now % DAY / HOUR - 0.5  # the middle of an hour belongs to it alone
    low, share = math.floor(hour), hour - math.floor(hour)
    counted = list(sessions)
    counted[start + low % 24] += 1 - share
    counted[start + (low + 1) % 24] += share
    return tuple(counted)
