"""Who goes next: about to run dry, then newcomers, then the rest, and nobody starves."""

from __future__ import annotations

import random

import pytest

from meadowlark.schedule.policy import (
    FORESEEN_SECONDS,
    LEAST_SPEECH,
    LONGEST_NEWCOMER_WAIT,
    SPARE_SECONDS,
    Waiting,
    deadline,
    fits_easily,
    keeps_time,
    pick,
    pick_deadline,
    pick_first_come,
)


def waiting(
    ticket: int, dry: float | None, *, since: float = 0.0, speech: float = 4.0, rest: float = 0.0, rtf: float = 0.25
) -> Waiting:
    return Waiting(ticket, since, dry, work=rtf * speech, speech=speech, rest=rest, first=0.025)


NEW_A = waiting(1, None, since=10.0)
NEW_B = waiting(2, None, since=11.0)
DRY_SOON = waiting(3, 12.9)
DRY_SOONER = waiting(4, 12.2)
COMFORTABLE = waiting(0, 40.0)
WELL_OFF = waiting(6, 60.0)


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ([NEW_A, DRY_SOON, COMFORTABLE], DRY_SOON),
        ([DRY_SOON, DRY_SOONER], DRY_SOONER),
        ([COMFORTABLE, NEW_B, NEW_A], NEW_A),
        ([WELL_OFF, COMFORTABLE], COMFORTABLE),
        ([NEW_B], NEW_B),
    ],
)
def test_order(present: list[Waiting], expected: Waiting) -> None:
    assert pick(present, 12.0) is expected


def test_a_newcomer_goes_first_as_long_as_everybody_keeps_time() -> None:
    """Its second of work fits before the listener runs dry in 1.3 s, not in 1.1 s."""
    assert pick([NEW_A, waiting(3, 13.3)], 12.0) is NEW_A
    assert pick([NEW_A, waiting(3, 13.1)], 12.0).ticket == 3


def test_what_comes_after_counts_too() -> None:
    """Four listeners at RTF 0.25 are all that the engine can do: a fifth must wait although it would fit now."""
    four = [waiting(n, 14.0 + n, rest=60.0) for n in range(4)]
    newcomer = waiting(9, None, since=12.0, rest=60.0)
    assert pick([newcomer, *four], 12.0) is four[0]
    assert pick([newcomer, *four[:2]], 12.0) is newcomer


def test_a_short_reply_passes_a_long_one_that_must_wait() -> None:
    three = [waiting(n, 13.5 + n, rest=40.0) for n in range(3)]
    long, short = waiting(8, None, since=11.0, rest=200.0), waiting(9, None, since=11.5, speech=1.0)
    assert pick([long, short, *three], 12.0) is short


def test_who_has_waited_long_passes_too() -> None:
    early, late = waiting(8, None, since=0.0, speech=8.0), waiting(9, None, since=20.0, speech=2.0)
    assert pick([early, late], 20.0) is early
    assert pick([early, late], 20.0 + 3.0) is early
    assert pick([waiting(8, None, since=19.0, speech=8.0), late], 20.0) is late


def test_the_absent_keep_their_place() -> None:
    """One who listens and whose next text is still being written must not be forgotten."""
    writing = waiting(5, 12.4)
    assert pick([NEW_A, COMFORTABLE], 12.0) is NEW_A
    assert pick([NEW_A, COMFORTABLE], 12.0, [writing]) is COMFORTABLE
    assert pick([NEW_A], 12.0, [writing]) is NEW_A  # better than nothing to do


def test_nobody_waits_for_ever() -> None:
    three = [waiting(n, 0.1 + n, rest=1e6) for n in range(9)]
    assert pick([waiting(99, None), *three], 1.0) is three[0]
    assert pick([waiting(99, None), *three], LONGEST_NEWCOMER_WAIT).ticket == 99


def test_nobody_starves_under_endless_newcomers() -> None:
    """One newcomer a second, each served in a second: those who wait are still served in time."""
    present = [waiting(0, None), waiting(1, 30.0)]
    served: dict[int, float] = {}
    for second in range(1, 60):
        present.append(waiting(second + 1, None, since=float(second)))
        chosen = pick(present, now=float(second))
        present.remove(chosen)
        served[chosen.ticket] = second
    assert served[0] <= 5
    assert served[1] <= 30


def test_does_not_depend_on_the_order_given() -> None:
    everybody = [NEW_A, NEW_B, DRY_SOON, DRY_SOONER, COMFORTABLE, WELL_OFF]
    for seed in range(20):
        shuffled = random.Random(seed).sample(everybody, len(everybody))
        assert pick(shuffled, 12.0) is DRY_SOONER
        assert pick_first_come(shuffled, 12.0) is COMFORTABLE
        assert pick_deadline(shuffled, 12.0) is NEW_A


@pytest.mark.parametrize("seed", range(100))
def test_a_newcomer_never_makes_anybody_late_who_would_not_be(seed: int) -> None:
    """Whoever is picked first: if all could be in time, all are, served by deadline afterwards."""
    dice = random.Random(seed)
    present = [
        waiting(n, dice.choice((None, dice.uniform(0.1, 20))), speech=dice.uniform(0.5, 10), rest=dice.uniform(0, 20))
        for n in range(dice.randint(1, 8))
    ]
    chosen = pick(present, 0.0)
    assert chosen in present
    listening = [each for each in present if each.runs_dry_at is not None]
    if chosen.runs_dry_at is None and listening:
        assert keeps_time([chosen, *listening], 0.0)
    elif listening:
        assert chosen.runs_dry_at == min(each.runs_dry_at or 0.0 for each in listening)


def test_a_lone_sound_with_a_text_behind_it_is_planned_too() -> None:
    laugh = Waiting(1, 0.0, None, work=0.0, speech=0.0, rest=30.0, first=0.0)
    assert pick([laugh, waiting(2, 40.0)], 0.0) is laugh
    assert pick([laugh, waiting(2, 0.1)], 0.0).ticket == 2


def test_an_engine_slower_than_speech_lets_newcomers_in_where_nobody_minds() -> None:
    slow = waiting(1, None, rtf=1.5, rest=30.0)
    assert pick([slow, waiting(2, 500.0, rtf=1.5)], 0.0) is slow
    assert pick([slow, waiting(2, 3.0, rtf=1.5)], 0.0).ticket == 2


def test_a_book_is_planned_only_as_far_as_it_matters() -> None:
    book = waiting(1, 10.0, rest=1e12)
    assert pick([waiting(2, None), book], 0.0).ticket == 2


@pytest.mark.parametrize("seed", range(200))
def test_where_all_fits_easily_every_newcomer_may_go_first(seed: int) -> None:
    everybody = crowd(random.Random(seed), now=5.0)
    easy = fits_easily(everybody, 5.0)
    for newcomer in (each for each in everybody if each.runs_dry_at is None):
        line = [newcomer, *(each for each in everybody if each.runs_dry_at is not None)]
        in_time = played_through(line, 5.0)
        assert keeps_time(line, 5.0) is in_time
        assert in_time or not easy


def test_some_crowds_fit_easily_and_some_do_not() -> None:
    easy = sum(fits_easily(crowd(random.Random(seed), now=5.0), 5.0) for seed in range(200))
    assert 10 < easy < 190


def crowd(dice: random.Random, now: float) -> list[Waiting]:
    """Up to a dozen of one engine, from a very fast to a slow one."""
    rtf, dry = dice.choice((0.001, 0.02, 0.1, 0.3, 1.5)), dice.choice((3.0, 10.0, 60.0))
    return [
        Waiting(
            n,
            now,
            dice.choice((None, now + dice.uniform(0, dry))),
            work=rtf * (speech := dice.choice((0.0, 0.1, dice.uniform(0.5, 10)))),
            speech=speech,
            rest=dice.choice((0.0, 3.0, 40.0)),
            first=dice.choice((0.0, 0.02)),
        )
        for n in range(dice.randint(1, 12))
    ]


def played_through(everybody: list[Waiting], now: float) -> bool:
    """Whether all are in time, sentence by sentence: the first now, then always whoever is due next."""
    first = everybody[0]
    at = now + first.work
    due = {place: (deadline(each)[0], each.speech, each.rest) for place, each in enumerate(everybody) if place}
    if first.rest > 0 and first.work < first.speech:
        due[0] = following(first, now + first.first, first.speech, first.rest)
    while due and at < now + FORESEEN_SECONDS:
        place = min(due, key=lambda each: (due[each][0], each))
        when, speech, rest = due.pop(place)
        each = everybody[place]
        if at + each.first + SPARE_SECONDS > when:
            return False
        at += each.work * speech / max(each.speech, LEAST_SPEECH)
        if rest > 0:
            due[place] = following(each, when, speech, rest)
    return True


def following(each: Waiting, due: float, speech: float, rest: float) -> tuple[float, float, float]:
    """(when it is due, its speech, what is left after it) of the sentence after one that was due."""
    usual = max(each.speech, LEAST_SPEECH)
    return due + speech, min(usual, rest), rest - usual
