"""Sentences of many listeners on one engine: by hand, and by invariants."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from meadowlark.schedule.policy import pick, pick_deadline, pick_first_come
from sim.order import CHUNK_SECONDS, Pick, Reply, hotel, house, simulate, simulate_alternating

Make = Callable[[int, float, float, int], list[Reply]]

RULES = [pick, pick_deadline, pick_first_come]

FIRST = 0.25 * CHUNK_SECONDS


def whole(at: float, *sentences: float) -> Reply:
    return Reply(tuple((0.0, audio) for audio in sentences), at)


@pytest.mark.parametrize("rule", RULES)
def test_alone_there_is_neither_wait_nor_gap(rule: Pick) -> None:
    heard = simulate([whole(0.0, 2.0, 8.0, 4.0)], rule)
    assert heard.first_audio == pytest.approx([FIRST])
    assert heard.gaps == [0.0]


def test_a_gap_is_what_the_engine_is_late() -> None:
    """The first comer's 40 s keep the engine for 10 s; the second has 1 s, then waits for the third's 8 s."""
    heard = simulate([whole(0.0, 40.0), whole(1.0, 1.0, 1.0), whole(2.0, 32.0)], pick_first_come)
    assert heard.first_audio == pytest.approx([FIRST, 9.0 + FIRST, 8.25 + FIRST])
    assert heard.gaps == pytest.approx([0.0, 8.0 + 0.25 - 1.0, 0.0])


def test_nobody_who_listens_is_passed_by_a_newcomer_without_need() -> None:
    heard = simulate([whole(0.0, 40.0), whole(1.0, 1.0, 1.0), whole(2.0, 32.0)], pick)
    assert heard.gaps == [0.0, 0.0, 0.0]


def test_a_text_that_is_late_is_not_the_engines_fault() -> None:
    heard = simulate([Reply(((0.5, 1.0), (9.0, 1.0)), 0.0)], pick)
    assert heard.first_audio == pytest.approx([FIRST])
    assert heard.gaps == pytest.approx([FIRST])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("make", [house, hotel])
@pytest.mark.parametrize("load", [0.5, 0.95])
def test_everybody_is_served_and_it_happens_again_in_the_same_way(rule: Pick, make: Make, load: float) -> None:
    asked = make(5, load, 0.25, 250)
    heard = simulate(asked, rule)
    assert len(heard.first_audio) == len(heard.gaps) == 250
    assert min(heard.first_audio) >= 0
    assert min(heard.gaps) >= 0
    assert simulate(make(5, load, 0.25, 250), rule) == heard


def test_ours_keeps_time_where_the_others_do_not() -> None:
    asked = house(1, 0.8, 0.25, 1500, satellites=6)
    gaps = {rule: simulate(asked, rule, longest_piece=6.0).gap for rule in RULES}
    assert gaps[pick] < gaps[pick_deadline] / 5
    assert gaps[pick] < gaps[pick_first_come] / 5


def test_alone_an_engine_that_alternates_is_as_any_other() -> None:
    heard = simulate_alternating([whole(0.0, 2.0, 8.0, 4.0)])
    assert heard.first_audio == pytest.approx([FIRST])
    assert heard.gaps == [0.0]


def test_a_newcomer_is_heard_after_the_chunk_under_way() -> None:
    """The first comer's 40 s keep the engine for 10 s, and nobody waits for it."""
    heard = simulate_alternating([whole(0.0, 40.0), whole(1.01, 1.0, 1.0), whole(2.01, 32.0)])
    assert max(heard.first_audio) <= 2 * FIRST
    assert heard.gaps == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_alternating_first_audio_comes_far_earlier_and_gaps_are_no_longer(load: float) -> None:
    asked = house(1, load, 0.25, 1500)
    alternating, ours = simulate_alternating(asked), simulate(asked, pick, longest_piece=6.0)
    assert alternating.percentile(0.95) < ours.percentile(0.95) / 5
    assert alternating.gap <= max(ours.gap, 0.01)
    assert len(alternating.first_audio) == len(alternating.gaps) == 1500


def test_alternating_happens_again_in_the_same_way_and_without_estimates_too() -> None:
    asked = hotel(5, 0.95, 0.25, 250)
    heard = simulate_alternating(asked, estimates=False, places=3)
    assert len(heard.first_audio) == 250
    assert simulate_alternating(hotel(5, 0.95, 0.25, 250), estimates=False, places=3) == heard


def test_a_house_must_be_large_enough_for_its_load() -> None:
    with pytest.raises(ValueError, match="2 satellites"):
        house(1, 0.8, 0.25, 10, satellites=2)


def test_the_bench_ends_in_one_json_line() -> None:
    bench = Path(__file__).parents[2] / "script" / "benches" / "order.py"
    command = [sys.executable, str(bench), "--quick", "--seconds", "2"]
    last = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    results = json.loads(last)["results"]
    assert results["gap_s.80.ours"] <= results["gap_s.80.fifo"]
    assert "gap_s.real.80.ours" in results
