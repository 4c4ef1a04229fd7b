"""Engines whose open sentences alternate: who joins, and how long a newcomer will wait."""

from __future__ import annotations

import math
import random

import pytest

from meadowlark.schedule.admission import FARTHEST_SECONDS
from meadowlark.schedule.flow import OPEN_AT_LEAST, Flow, flows, is_in_time, join, wait_of_newcomer
from meadowlark.schedule.policy import LEAST_SPEECH, LONGEST_NEWCOMER_WAIT, SPARE_SECONDS, Waiting

pytestmark = pytest.mark.usefixtures("virtual_time")

PLACES = 8


def waiting(
    ticket: int, dry: float | None, *, since: float = 0.0, speech: float = 4.0, rest: float = 0.0, rtf: float = 0.25
) -> Waiting:
    return Waiting(ticket, since, dry, work=rtf * speech, speech=speech, rest=rest, first=0.025)


NEWCOMER = waiting(9, None)


def test_nobody_waits_or_all_places_are_taken() -> None:
    assert join([], [waiting(1, 5.0)], 0.0, [], PLACES) is None
    assert join([NEWCOMER], [waiting(n, 50.0) for n in range(PLACES)], 0.0, [], PLACES) is None


def test_a_newcomer_joins_in_the_middle_of_a_long_sentence_while_its_listener_has_a_little_in_hand() -> None:
    long = waiting(1, 0.3, speech=40.0)
    assert join([NEWCOMER], [long], 0.0, [], PLACES) is NEWCOMER
    assert join([NEWCOMER], [waiting(1, 0.1, speech=40.0)], 0.0, [], PLACES) is None


def test_not_when_more_would_be_asked_than_the_engine_can_do() -> None:
    """Four listeners at RTF 0.25 are all it can do: a fifth would leave somebody without audio, later."""
    four = [waiting(n, 2.0, rest=30.0) for n in range(4)]
    long = waiting(9, None, rest=30.0)
    assert join([long], four, 0.0, [], PLACES) is None
    assert join([long], four[:2], 0.0, [], PLACES) is long
    assert join([long], [waiting(n, 2.0) for n in range(4)], 0.0, [], PLACES) is long  # they will be done soon


def test_the_short_reply_that_fits_passes_the_long_one() -> None:
    three = [waiting(n, 1.0, rest=30.0) for n in range(3)]
    long, short = waiting(8, None, rest=200.0), waiting(9, None, speech=1.0)
    assert join([long, short], three, 0.0, [], PLACES) is short


def test_the_absent_and_those_who_wait_between_two_sentences_keep_their_place() -> None:
    others = [waiting(n, 2.0, rest=30.0) for n in range(4)]
    long = waiting(9, None, rest=30.0)
    assert join([long], others[:1], 0.0, others[1:], PLACES) is None
    assert join([long, *others[1:]], others[:1], 0.0, [], PLACES) in others


def test_a_place_is_kept_for_listeners() -> None:
    spoken = [waiting(n, 40.0 + n) for n in range(PLACES - 1)]
    urgent = waiting(8, 1.0)
    assert join([NEWCOMER], spoken, 0.0, [], PLACES) is None
    assert join([NEWCOMER, urgent], spoken, 0.0, [], PLACES) is urgent
    assert join([NEWCOMER], [], 0.0, [], 1) is NEWCOMER


def test_a_listener_joins_before_those_who_are_spoken_run_dry_sooner() -> None:
    spoken = [waiting(n, 5.0 + n) for n in range(OPEN_AT_LEAST)]
    assert join([waiting(8, 4.0)], spoken, 0.0, [], PLACES)
    assert join([waiting(8, 9.0)], spoken, 0.0, [], PLACES) is None
    assert join([waiting(8, 9.0)], spoken[:-1], 0.0, [], PLACES)  # the worker always has a next one


def test_somebody_is_served_where_nobody_is() -> None:
    """Whatever is to be feared: an idle engine helps nobody."""
    assert join([waiting(9, None, rtf=3.0)], [], 0.0, [waiting(1, 0.1)], PLACES)
    assert join([waiting(9, 0.0, rtf=3.0)], [], 0.0, [], PLACES)


def test_nobody_waits_for_ever() -> None:
    many = [waiting(n, 0.1, rest=1e6) for n in range(5)]
    assert join([NEWCOMER], many, LONGEST_NEWCOMER_WAIT - 1, [], PLACES) is None
    assert join([NEWCOMER], many, LONGEST_NEWCOMER_WAIT, [], PLACES) is NEWCOMER


def test_what_is_left_of_a_sentence_tells_the_engines_speed_to_its_end() -> None:
    each = waiting(1, 1.0, speech=4.0, rest=10.0)
    for made in (1.0, 3.0, 3.99, 4.5):
        left = each.heard(made, 2.0)
        assert left.speech == max(LEAST_SPEECH, 4.0 - made)
        assert left.work / left.speech == pytest.approx(0.25)
        assert flows([left], 0.0)[0].rate == pytest.approx(0.25)


def test_an_engine_slower_than_speech_lets_newcomers_in_where_nobody_minds() -> None:
    slow = waiting(1, None, rtf=1.5, rest=30.0)
    assert join([slow], [waiting(2, 500.0, rtf=1.5)], 0.0, [], PLACES) is slow
    assert join([slow], [waiting(2, 3.0, rtf=1.5)], 0.0, [], PLACES) is None


def test_how_long_a_newcomer_will_wait() -> None:
    assert wait_of_newcomer(NEWCOMER, [], [], 0.0) == 0.0
    four = [waiting(n, 2.0, rest=6.0) for n in range(4)]
    long, ahead = waiting(9, None, rest=20.0), [waiting(n, None, rest=20.0) for n in (7, 8)]
    wait = wait_of_newcomer(long, [], four, 0.0)
    assert 0.5 < wait < 8.0  # then they have so much in hand that there is time for one more
    assert wait_of_newcomer(long, ahead, four, 0.0) > wait
    assert wait_of_newcomer(waiting(9, None, speech=1.0), ahead, four, 0.0) < wait  # it passes them
    assert wait_of_newcomer(long, [], [waiting(n, 2.0, rest=600.0) for n in range(4)], 0.0) == FARTHEST_SECONDS


def served_by_deadline(listeners: list[Flow], newcomers: list[Flow], step: float = 0.01) -> float:
    """Seconds by which somebody who listens is left without audio, on an engine that does `step` of work at a time."""
    at = sum(each.first for each in newcomers)
    dry = {n: [each.hand, each.length, each.rate] for n, each in enumerate([*listeners, *newcomers])}
    worst = 0.0
    while urgent := [each for each in dry.values() if each[1] > 1e-9]:
        each = min(urgent)
        audio = min(each[1], step / each[2])
        at += audio * each[2]
        worst = max(worst, at - each[0] - step)
        each[0] += audio
        each[1] -= audio
        idle = min((one[0] for one in urgent), default=math.inf) - 40  # nobody is more than 40 s ahead
        at = max(at, idle)
    return worst


@pytest.mark.parametrize("seed", range(60))
def test_nobody_runs_dry_when_the_estimates_are_right(seed: int) -> None:
    """Newcomers join one after the other as long as `join` lets them; then everybody is played out, step by step."""
    dice = random.Random(seed)
    listening = [
        waiting(n, dice.uniform(SPARE_SECONDS, 6), speech=dice.uniform(0.5, 10), rest=dice.uniform(0, 25))
        for n in range(dice.randint(1, 6))
    ]
    if not is_in_time(flows(listening, 0.0)):
        return  # it was too much before
    spoken = list(listening)
    for ticket in range(10, 16):
        newcomer = waiting(ticket, None, speech=dice.uniform(0.5, 10), rest=dice.uniform(0, 25))
        if join([newcomer], spoken, 0.0, [], 20) is newcomer:
            spoken.append(newcomer)
    all_flows = flows(spoken, 0.0)
    listeners, newcomers = all_flows[: len(listening)], all_flows[len(listening) :]
    assert served_by_deadline(listeners, newcomers) <= 0.05  # of a newcomer who has one chunk: a step or two
