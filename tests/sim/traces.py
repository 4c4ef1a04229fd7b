"""Traces from a seed. Written down before any policy was tried on them, and not touched to suit one.

household   Five people's house with six satellites. On a working day about 25 sessions: morning and evening peaks,
            little while everybody is out, nothing at night; more of it, spread over a weekend day. A session is:
              command       "turn on the light": 1-3 short replies whose text comes whole; the satellite listened
              conversation  2-9 turns with a language model, 6-30 s apart; the first sentence takes 0.1-1.2 s more
              announcement  nobody listened: doorbell, washing machine, reminders; one short text on one or more engines
              briefing      a scheduled text at about 7:00 (8:30 at weekends), 20-50 s long
              story         most evenings at about 19:45: 15-50 passages, one after the other
              lesson        two afternoons a week, a quarter of an hour in the guest language
            Every satellite has the engine its owner likes (habit 85 %), the others are used now and then. The home's
            own rhythm differs by seed: hours shift by up to an hour, tastes are drawn anew.
hotel       100 rooms, guests of many languages: 8 engines by a Zipf law that drifts by the day, peaks at 7-9 and
            18-23 o'clock, sessions of 1-4 turns; several rooms at once.
adversary   What a cache dreads: rounds through all engines in fixed order with pauses of 20-90 s, then pairs that do
            not fit together in turns, then thundering herds (all engines within two seconds).
neighbours  Other programs on the device: a language model of 4-9 GB that is loaded when people talk and unloaded 5
            minutes later, a camera detector that takes 0.4-0.8 GB at random, each growing at 2 GB/s.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from .engines import ENGINES, GB
from .records import Asked, Neighbour, Trace, trace

HOUR = 3600.0
DAY = 24 * HOUR

NAMES = tuple(each.id for each in ENGINES)

SATELLITES = ("kitchen", "living", "kids", "bedroom", "office", "hall")

WORKING_DAY = (
    0.02, 0, 0, 0, 0, 0.1, 1.2, 2.4, 1, 0.4, 0.3, 0.3,
    0.6, 0.5, 0.5, 0.9, 1.4, 2.2, 2.8, 2.6, 2.2, 1.6, 0.9, 0.3,
)  # fmt: skip
WEEKEND_DAY = (
    0.1, 0, 0, 0, 0, 0, 0.2, 0.8, 1.8, 2.2, 2, 1.8,
    1.8, 1.5, 1.4, 1.5, 1.8, 2, 2.2, 2.2, 2, 1.6, 1.2, 0.5,
)  # fmt: skip
"""Sessions begun per hour in an average house: together 22 and 29 a day, without the scheduled ones."""


def household(seed: int, days: int = 14) -> Trace:
    """One home."""
    dice = random.Random(f"household {seed}")
    home = _Home(dice)
    return trace(asked for day in range(days) for asked in home.day(day))


def hotel(seed: int, days: int = 14, rooms: int = 100) -> Trace:
    """Many guests."""
    dice = random.Random(f"hotel {seed}")
    asked: list[Asked] = []
    order = NAMES
    for day in range(days):
        order = tuple(dice.sample(NAMES, len(NAMES))) if day % 3 == 0 else order
        weights = [1 / (rank + 1) for rank in range(len(order))]
        for hour in range(24):
            busy = 1.0 if hour in (7, 8, 18, 19, 20, 21, 22) else 0.3 if 6 <= hour < 24 else 0.03
            for at in _moments(dice, day * DAY + hour * HOUR, busy * rooms / 4):
                engine = dice.choices(order, weights)[0]
                room = f"room {dice.randrange(rooms)}"
                asked += _turns(dice, at, engine, room, dice.randint(1, 4), model=dice.random() < 0.4)
    return trace(asked)


def adversary(seed: int, days: int = 2) -> Trace:
    """What a cache dreads."""
    dice = random.Random(f"adversary {seed}")
    asked: list[Asked] = []
    at = 8 * HOUR
    while at < days * DAY:
        kind = dice.randrange(3)
        if kind == 0:
            for engine in NAMES * dice.randint(2, 5):
                asked.append(Asked(at, engine, dice.uniform(1, 6)))
                at += dice.uniform(20, 90)
        elif kind == 1:
            pair = dice.sample(NAMES[3:], 2)
            for turn in range(dice.randint(6, 30)):
                asked.append(Asked(at, pair[turn % 2], dice.uniform(1, 6), listened=3.0))
                at += dice.uniform(8, 20)
        else:
            asked += [Asked(at + dice.uniform(0, 2), engine, dice.uniform(2, 8)) for engine in dice.sample(NAMES, 6)]
        at += dice.expovariate(1 / 900)
    return trace(asked)


def neighbours(asked: Trace, seed: int, largest: int = 9 * GB) -> Trace:
    """The same requests, with other programs on the device."""
    dice = random.Random(f"neighbours {seed}")
    model = dice.randint(4 * GB, largest)
    needed: list[tuple[float, float, int]] = []  # (from, to, bytes)
    for each in asked.asked:
        if each.listened and dice.random() < 0.5:
            begun = each.at - dice.uniform(0.5, 2.0)
            if needed and begun < needed[-1][1]:
                needed[-1] = (needed[-1][0], begun + 300.0, model)
            else:
                needed.append((max(0.0, begun), begun + 300.0, model))
    end = asked.asked[-1].at if asked.asked else 0.0
    at = 0.0
    while (at := at + dice.expovariate(1 / (2 * HOUR))) < end:
        needed.append((at, at + dice.uniform(60, 1800), dice.randint(4 * GB // 10, 8 * GB // 10)))
    return Trace(asked.asked, tuple(_grown(needed)))


def _grown(needed: list[tuple[float, float, int]]) -> Iterator[Neighbour]:
    """Steps of 0.5 GB, four a second, up; at once down."""
    step = GB // 2
    changes: list[tuple[float, int]] = []
    for begun, ended, size in needed:
        changes += [(begun + n * 0.25, min(step, size - n * step)) for n in range(-(-size // step))]
        changes.append((max(ended, begun + size / (2 * GB)), -size))
    held = 0
    for at, change in sorted(changes):
        held += change
        yield Neighbour(at, held)


class _Home:
    """Who lives there: the same for all its days."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._shift = dice.uniform(-1, 1) * HOUR
        self._talks = dice.uniform(0.7, 1.3)
        liked = dice.choices(("fast", "fast-de", "multi", "clone", "expressive"), (4, 3, 3, 2, 2), k=len(SATELLITES))
        self._liked = dict(zip(SATELLITES, liked, strict=True))
        self._lessons = dice.sample(range(7), 2)
        self._briefed_by = dice.choice(("fast", "multi", "expressive"))

    def day(self, day: int) -> Iterator[Asked]:
        dice, weekend = self._dice, day % 7 >= 5
        for hour, sessions in enumerate(WEEKEND_DAY if weekend else WORKING_DAY):
            for moment in _moments(dice, day * DAY + hour * HOUR, sessions * self._talks):
                yield from self._session(max(0.0, moment + self._shift))
        morning = day * DAY + (8.5 if weekend else 7.0) * HOUR + self._shift + dice.gauss(0, 120)
        yield Asked(morning, self._briefed_by, dice.uniform(20, 50), listener="kitchen")
        if dice.random() < 0.8:
            yield from self._story(day * DAY + 19.75 * HOUR + self._shift + dice.gauss(0, 900))
        if day % 7 in self._lessons:
            begun = day * DAY + 16.5 * HOUR + dice.gauss(0, 600)
            yield from _turns(dice, begun, "guest", "office", dice.randint(15, 30), model=True)

    def _session(self, at: float) -> Iterator[Asked]:
        dice = self._dice
        if dice.random() < 0.2:
            for place in dice.sample(SATELLITES, dice.choice((1, 1, 1, 2))):
                engine = "announcer" if dice.random() < 0.7 else self._liked[place]
                yield Asked(at, engine, dice.uniform(1.5, 6), 0, 0, place)
            return
        place = dice.choices(SATELLITES, (5, 4, 2, 2, 3, 1))[0]
        engine = self._liked[place] if dice.random() < 0.85 else dice.choice(NAMES)
        model = dice.random() < 0.45
        turns = dice.randint(2, 9) if model else dice.choice((1, 1, 2, 3))
        yield from _turns(dice, at, engine, place, turns, model=model)

    def _story(self, at: float) -> Iterator[Asked]:
        """Told passage by passage; each is asked for when the last has been heard."""
        dice = self._dice
        for _ in range(dice.randint(15, 50)):
            audio = dice.uniform(6, 20)
            yield Asked(at, "story", audio, listener="kids")
            at += audio + dice.uniform(0.5, 4)


def _turns(dice: random.Random, at: float, engine: str, listener: str, turns: int, *, model: bool) -> Iterator[Asked]:
    """A dialogue: the satellite listens 2-6 s before each reply is asked for; people think between turns."""
    for _ in range(turns):
        audio = dice.uniform(3, 18) if model else dice.uniform(1, 3.5)
        text_after = dice.uniform(0.1, 1.2) if model else 0.0
        yield Asked(at, engine, audio, text_after, dice.uniform(2, 6), listener)
        at += text_after + audio + dice.uniform(6, 30)


def _moments(dice: random.Random, begin: float, expected: float) -> Iterator[float]:
    """A Poisson process over one hour."""
    at = begin
    while expected > 0 and (at := at + dice.expovariate(expected / HOUR)) < begin + HOUR:
        yield at
