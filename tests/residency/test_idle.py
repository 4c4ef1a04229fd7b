"""What is learned of an engine's hours, and what follows from it."""

from __future__ import annotations

import json
import math
import random

import pytest

from meadowlark.residency.idle import (
    DAY,
    HOUR,
    KEEP,
    NEVER,
    Habit,
    HeadStarts,
    Limit,
    Pattern,
    Return,
    bring_back,
    regret,
    release,
    restored,
    stored,
    worth_keeping,
)
from meadowlark.residency.policy import Device, Need, Resident, Snapshot

GB = 10**9

MONDAY = 4 * DAY
"""1970-01-05; the epoch is a Thursday."""


def learned(*uses: float) -> Pattern:
    pattern = Pattern()
    for use in uses:
        pattern = pattern.learn(use)
    return pattern


def daily(hour: float, days: int = 28, only: range = range(7)) -> Pattern:
    """One use a day at that hour, on those days of the week (Monday is 0)."""
    return learned(*(MONDAY + day * DAY + hour * HOUR for day in range(days) if day % 7 in only))


def at(hour: float, day: int = 28) -> float:
    return MONDAY + day * DAY + hour * HOUR


def habit(pattern: Pattern, *, size: int = 2 * GB, reload: float = 3.0, since: float = 0.0, **more: Limit) -> Habit:
    return Habit("e", size, reload, since, pattern, **more)


def test_nothing_seen_nothing_expected() -> None:
    assert Pattern().likelihood(1e6, HOUR) == 0.0


def test_knows_the_hour() -> None:
    breakfast = daily(7.5)
    assert breakfast.likelihood(at(7), HOUR) > 0.4
    assert breakfast.likelihood(at(6.5), 2 * HOUR) > 0.5
    assert breakfast.likelihood(at(14), HOUR) < 0.01
    assert breakfast.likelihood(at(0), DAY) > 0.5


def test_knows_the_weekend() -> None:
    school = daily(7.5, only=range(5))
    assert school.likelihood(at(7, day=28), HOUR) > 0.4
    assert school.likelihood(at(7, day=33), HOUR) < 0.01
    assert daily(9.5, only=range(5, 7)).likelihood(at(9, day=33), HOUR) > 0.4


def test_knows_that_conversations_go_on() -> None:
    talk = learned(*(at(15, day) + turn * 25.0 for day in range(10) for turn in range(5)))
    last = talk.last_used
    soon, later = talk.likelihood(last + 1, 60.0), talk.likelihood(last + 600, 60.0)
    assert soon > 0.6
    assert later < soon / 3


def test_forgets() -> None:
    old = daily(7.5)
    assert old.likelihood(at(7, day=28 + 60), HOUR) < old.likelihood(at(7), HOUR) / 4


def test_an_hour_near_an_edge_is_evidence_for_both() -> None:
    edge = daily(8.0)
    assert edge.likelihood(at(7), HOUR) == pytest.approx(edge.likelihood(at(8), HOUR), rel=0.3)


def test_learning_is_monotonous_in_time() -> None:
    pattern = learned(100.0, 200.0)
    assert pattern.learn(150.0) == pattern
    assert pattern.learn(200.0) == pattern


def test_goes_on_learning_after_the_clock_was_set_back() -> None:
    wrong = daily(7.5).learn(at(0, day=10_000))
    right = wrong.learn(at(7.5)).learn(at(7.5, day=29))
    assert right.last_used == at(7.5, day=29)
    assert right.likelihood(at(7, day=30), HOUR) > wrong.likelihood(at(7, day=10_001), HOUR)


@pytest.mark.parametrize("seed", range(30))
def test_likelihoods_are_probabilities_that_grow_with_time(seed: int) -> None:
    dice = random.Random(seed)
    moment, pattern = 0.0, Pattern()
    for _ in range(dice.randint(0, 300)):
        moment += dice.expovariate(1 / dice.choice((20.0, 2000.0, 30000.0)))
        pattern = pattern.learn(moment)
    moment += dice.choice((0.0, 5.0, 5000.0, 40 * DAY))
    likelihoods = [pattern.likelihood(moment, within) for within in (0.0, 1.0, 60.0, 900.0, HOUR, DAY, 7 * DAY)]
    assert likelihoods == sorted(likelihoods)
    assert 0.0 <= likelihoods[0] <= likelihoods[-1] <= 1.0


def test_head_starts_shorten_the_wait() -> None:
    assert HeadStarts().expected_wait(3.0) == 3.0
    half = HeadStarts().learn(5.0).learn(0.0)
    assert half.expected_wait(3.0) == pytest.approx(1.5)
    many = HeadStarts()
    for _ in range(100):
        many = many.learn(1.0)
    assert many.expected_wait(3.0) == pytest.approx(2.0)
    assert len(many.latest) < 50


def test_regret_is_the_wait_by_its_likelihood() -> None:
    busy = daily(7.5)
    assert regret(habit(busy), at(7), HOUR) == pytest.approx(3.0 * busy.likelihood(at(7), HOUR))


def test_a_small_engine_is_worth_keeping_longer_than_a_large_one() -> None:
    breakfast = daily(7.5)
    assert worth_keeping(habit(breakfast, size=1 * GB), at(20)) > worth_keeping(habit(breakfast, size=8 * GB), at(20))
    assert worth_keeping(habit(breakfast, reload=9.0), at(20)) > worth_keeping(habit(breakfast, reload=1.0), at(20))


def test_releases_what_nobody_will_need() -> None:
    breakfast = habit(daily(7.5), size=20 * GB, since=at(7.5, 27))
    assert release([breakfast], at(8)) == ("e",)
    assert release([breakfast], at(7)) == ()


def test_what_was_loaded_for_the_first_listener_waits_a_day_for_him() -> None:
    preloaded = habit(Pattern(), since=at(12))
    assert release([preloaded], at(12) + 15.0) == ()
    assert release([preloaded], at(12) + 23 * HOUR) == ()
    assert release([preloaded], at(12) + 25 * HOUR) == ("e",)
    assert release([habit(Pattern(), since=at(12), limit=Limit(most=600.0))], at(12) + 601.0) == ("e",)


@pytest.mark.parametrize(
    ("limit", "idle", "goes"),
    [
        (KEEP, 400 * DAY, False),
        (NEVER, 1.0, True),
        (Limit(most=600.0), 599.0, False),
        (Limit(most=600.0), 601.0, True),
        (Limit(least=3600.0), 1800.0, False),
    ],
)
def test_limits(limit: Limit, idle: float, goes: bool) -> None:
    """An engine in the middle of its hour, which would be kept, and one that nobody uses, which would not."""
    wanted, unwanted = habit(daily(12), since=at(12) - idle, limit=limit), habit(Pattern(), since=0.0, limit=limit)
    if math.isinf(limit.least) or limit.least:
        assert release([habit(Pattern(), since=at(12) - idle, limit=limit)], at(12)) == ()
    else:
        assert bool(release([wanted], at(11.5) + (0.5 * HOUR))) is goes
        assert release([unwanted], at(12)) == ("e",)


ROOM = Device("cuda:0", 4 * GB, 12 * GB)
WANT = Need("e", (("cuda", 2 * GB),))


def house(*residents: Resident, free: int = 4) -> Snapshot:
    return Snapshot((Device("cuda:0", free * GB, 12 * GB),), residents)


def test_brings_back_before_the_hour() -> None:
    story = daily(19.5)
    assert bring_back(house(), [(WANT, habit(story))], at(19)) == Return("e", "cuda:0")
    assert bring_back(house(), [(WANT, habit(story))], at(10)) is None
    assert bring_back(house(), [(WANT, habit(story, limit=NEVER))], at(19)) is None


def test_brings_back_in_place_of_one_that_is_missed_less_and_of_no_other() -> None:
    story = [(WANT, habit(daily(19.5)))]
    idle = Resident("old", "cuda:0", 8 * GB, 0, 0.0, regret=0.1)
    missed = Resident("old", "cuda:0", 8 * GB, 0, 0.0, regret=2.9)
    busy = Resident("old", "cuda:0", 8 * GB, 1, 0.0, regret=0.0)
    assert bring_back(house(idle, free=0), story, at(19)) == Return("e", "cuda:0", ("old",))
    assert bring_back(house(missed, free=0), story, at(19)) is None
    assert bring_back(house(busy, free=0), story, at(19)) is None


def test_brings_back_the_one_that_spares_most() -> None:
    wants = [
        (Need(name, (("cuda", 2 * GB),)), Habit(name, 2 * GB, reload, 0.0, daily(19.5)))
        for name, reload in (("a", 2.0), ("b", 5.0), ("c", 1.0))
    ]
    decision = bring_back(house(), wants, at(19))
    assert decision is not None
    assert decision.engine == "b"


def test_a_pattern_survives_being_stored() -> None:
    pattern = daily(7.5)
    again = restored(json.loads(json.dumps(stored(pattern))))
    assert again.likelihood(at(7), HOUR) == pytest.approx(pattern.likelihood(at(7), HOUR), abs=1e-3)
    assert restored(json.loads(json.dumps(stored(Pattern())))) == Pattern()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"sessions": "x"},
        {**stored(Pattern()), "sessions": [1.0]},
        {**stored(Pattern()), "days": [math.nan, 1.0]},
        {**stored(Pattern()), "pauses": [-1.0] * 9},
        {**stored(Pattern()), "day": "today"},
    ],
)
def test_a_damaged_pattern_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a use pattern"):
        restored(wrong)
