"""Who may join a line, and what everybody else is told."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from meadowlark.schedule.admission import (
    FARTHEST_SECONDS,
    MOST_NEWCOMERS,
    Admission,
    Admit,
    Line,
    TooMuch,
    Turn,
    admit,
    expected_wait,
)
from meadowlark.schedule.policy import Waiting, fits_easily, pick

SHORT = Line("nice", 2.0, 1)
LONG = Line("nice", 30.0, 9)
FULL = Line("nice", 1.0, MOST_NEWCOMERS)
FAST = Line("fast", 0.5)
FAST_TOO = Line("faster", 0.1)
BUSY = Line("fast", 60.0, 20)


@pytest.mark.parametrize(
    ("asked", "others", "expected"),
    [
        (SHORT, [FAST], Admit("nice")),
        (LONG, [FAST, FAST_TOO], Turn("fast")),
        (LONG, [BUSY, FAST_TOO], Turn("faster")),
        (FULL, [FAST], Turn("fast")),
    ],
)
def test_admits(asked: Line, others: list[Line], expected: Admission) -> None:
    assert admit(asked, others) == expected


def test_refuses_clearly() -> None:
    refused = admit(LONG, [BUSY])
    assert isinstance(refused, TooMuch)
    assert "9 listeners wait for nice" in refused.reason
    assert "30 s" in refused.reason
    assert refused.retry_seconds == 30.0
    heard_by_all = admit(replace(LONG, newcomers=0))
    assert isinstance(heard_by_all, TooMuch)
    assert "nice speaks to as many as it can and the next would hear nothing for 30 s" in heard_by_all.reason


def waiting(ticket: int, dry: float | None, work: float = 1.0, rest: float = 4.0) -> Waiting:
    return Waiting(ticket, 0.0, dry, work=work, speech=4.0, rest=rest, first=0.1)


NEW = waiting(9, None)


def test_waits_for_nobody_where_there_is_room() -> None:
    assert expected_wait(NEW, [], 0.0) == pytest.approx(0.1)
    assert expected_wait(NEW, [NEW, waiting(0, 20.0)], 0.0, busy=0.7) == pytest.approx(0.8)


def test_waits_for_those_who_would_run_dry() -> None:
    """One sentence of theirs, and there is time."""
    assert expected_wait(NEW, [waiting(0, 0.5)], 0.0) == pytest.approx(1.0 + 0.1)


@pytest.mark.parametrize("work", [0.03, 0.3, 1.0])
@pytest.mark.parametrize("busy", [0.0, 0.7])
def test_those_whose_text_is_not_here_hold_up_nobody_while_the_engine_has_nothing_to_do(
    work: float, busy: float
) -> None:
    """Twenty-four have heard their first words, and their language models are at work: nobody may be refused."""
    absent = [waiting(n, 0.6 + 0.01 * n, work) for n in range(24)]
    assert expected_wait(NEW, [], 0.0, absent, busy) == pytest.approx(busy + 0.1)


def test_they_keep_their_place_while_somebody_else_can_be_spoken_to() -> None:
    """As in `pick`: while there is no time for the newcomer, the sentence of one who listens is spoken ahead."""
    listener, absent = waiting(0, 20.0, rest=0.0), [waiting(1, 0.5)]
    assert expected_wait(NEW, [listener], 0.0, absent) == pytest.approx(1.0 + 0.1)
    assert expected_wait(NEW, [listener], 0.0) == pytest.approx(0.1)
    crowd = [waiting(n, 0.1, rest=1e9) for n in range(9)]
    assert expected_wait(NEW, crowd, 0.0, absent) >= FARTHEST_SECONDS


def test_waits_for_those_who_came_before() -> None:
    before = [waiting(0, None, rest=0.0), waiting(1, None, rest=0.0)]
    assert expected_wait(waiting(9, None, rest=0.0), before, 0.0) == pytest.approx(2.0 + 0.1)


def test_waits_for_replies_to_end_when_there_is_no_room() -> None:
    """Four listeners take all that the engine can do; the first of them has had enough after 16 s of speech."""
    four = [waiting(n, 1.5 + n, rest=12.0 + 4 * n) for n in range(4)]
    wait = expected_wait(waiting(9, None, rest=40.0), four, 0.0)
    assert 5.0 < wait < 20.0


def test_does_not_look_beyond_its_horizon() -> None:
    crowd = [waiting(n, 0.1, rest=1e9) for n in range(9)]
    assert FARTHEST_SECONDS <= expected_wait(NEW, crowd, 0.0) < FARTHEST_SECONDS + 2.0


@pytest.mark.parametrize("seed", range(100))
def test_the_short_way_finds_what_playing_through_does(seed: int) -> None:
    dice = random.Random(seed)
    line = [
        Waiting(n, dice.uniform(0, 3), dice.choice((None, dice.uniform(12, 20))), speech=speech, work=0.01 * speech)
        for n, speech in enumerate(dice.uniform(1, 8) for _ in range(dice.randint(0, 12)))
    ]
    newcomer = Waiting(99, 10.0, None, work=0.02, speech=2.0, rest=dice.choice((0.0, 4.0)), first=0.05)
    everybody, at = [newcomer, *line], 10.5
    assert fits_easily(everybody, at)
    while (chosen := pick(everybody, at)) is not newcomer:
        everybody.remove(chosen)
        everybody.append(replace(chosen, runs_dry_at=at + chosen.first + chosen.speech))
        at += chosen.work
    assert expected_wait(newcomer, line, 10.0, busy=0.5) == pytest.approx(at - 10.0 + newcomer.first)
