"""The simulated house: by hand where it is small, by invariants where it is large."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from meadowlark.residency.idle import KEEP, NEVER
from sim import records, traces
from sim.bound import clairvoyant
from sim.engines import ENGINES, GB, UNLOAD_SECONDS, SimEngine
from sim.records import Asked, Neighbour, Trace, trace
from sim.residency import simulate
from sim.rules import Lru, Means, Ollama, Ours, Rule, Timer, at_listening

BY_ID = {each.id: each for each in ENGINES}

SMALL, LARGE = BY_ID["fast"], BY_ID["story"]

MAKE: dict[str, Callable[[], Rule]] = {
    "lru": Lru,
    "timer": Timer,
    "ollama": Ollama,
    "ours": lambda: Ours(BY_ID),
    "blind": lambda: Ours(BY_ID, Means(listening=False)),
}


def test_the_first_reply_waits_for_the_load() -> None:
    outcome = simulate(trace([Asked(0.0, "fast", 2.0), Asked(30.0, "fast", 2.0)]), BY_ID, 8 * GB, Lru())
    assert outcome.waited == pytest.approx(SMALL.load_seconds())
    assert (outcome.cold, outcome.loads, outcome.utterances) == (1, 1, 2)


def test_room_is_made_and_paid_for() -> None:
    outcome = simulate(trace([Asked(0.0, "fast", 2.0), Asked(30.0, "story", 2.0)]), BY_ID, 6 * GB, Lru())
    assert outcome.waited == pytest.approx(SMALL.load_seconds() + LARGE.load_seconds() + UNLOAD_SECONDS)


def test_listening_is_a_head_start() -> None:
    heard = trace([Asked(10.0, "expressive", 2.0, listened=5.0)])
    assert simulate(heard, BY_ID, 8 * GB, Ours(BY_ID)).waited == 0.0
    assert simulate(heard, BY_ID, 8 * GB, MAKE["blind"]()).waited == pytest.approx(BY_ID["expressive"].load_seconds())


def test_waits_for_an_engine_that_speaks() -> None:
    """The story's reply takes 45 s to make; the other large engine gets the memory after it."""
    both = trace([Asked(0.0, "story", 100.0), Asked(10.0, "expressive", 2.0)])
    outcome = simulate(both, BY_ID, 6 * GB, Lru())
    story_done = LARGE.load_seconds() + 45.0
    expected = story_done + UNLOAD_SECONDS + BY_ID["expressive"].load_seconds() - 10.0
    assert outcome.longest == pytest.approx(expected)


def test_a_timer_lets_go() -> None:
    gap = trace([Asked(0.0, "fast", 2.0), Asked(1000.0, "fast", 2.0)])
    assert simulate(gap, BY_ID, 8 * GB, Timer()).loads == 2
    assert simulate(gap, BY_ID, 8 * GB, Lru()).loads == 1


def test_limits_hold_whatever_is_likely() -> None:
    daily = trace(Asked(day * 86400.0 + 8 * 3600, "fast", 2.0) for day in range(10))
    kept = simulate(daily, BY_ID, 8 * GB, Ours(BY_ID, limits={"fast": KEEP}))
    gone = simulate(daily, BY_ID, 8 * GB, Ours(BY_ID, limits={"fast": NEVER}))
    assert kept.loads == 1
    assert gone.loads == 10
    assert gone.held < kept.held / 50


def test_brings_back_what_is_needed_at_this_hour() -> None:
    """A briefing at 7:00 every day on a large engine, and nothing else."""
    morning = trace(Asked(day * 86400.0 + 7 * 3600, "story", 30.0) for day in range(28))
    slow = {"story": SimEngine("story", 6 * GB, 3 * GB, 1.0, 0.4)}
    ours = simulate(morning, slow, 8 * GB, Ours(slow))
    plain = simulate(morning, slow, 8 * GB, Ours(slow, Means(bring_back=False)))
    assert ours.waited < plain.waited / 2
    assert ours.held < 28 * 86400 * 6 * GB / 2


@pytest.mark.parametrize("rule", MAKE)
@pytest.mark.parametrize("gigabytes", [6, 12])
@pytest.mark.parametrize("kind", [traces.household, traces.adversary])
def test_invariants(kind: Callable[[int, int], Trace], gigabytes: int, rule: str) -> None:
    """Never over budget, everybody is served, nobody is forgotten, and it all happens again in the same way."""
    recorded = kind(3, 2)
    outcome = simulate(recorded, BY_ID, gigabytes * GB, MAKE[rule]())
    assert outcome.over_budget <= 0
    assert outcome.refused == 0
    assert outcome.utterances == len(recorded.asked)
    assert sum(outcome.waits.values()) == pytest.approx(outcome.waited)
    assert outcome.longest < 120.0
    again = simulate(kind(3, 2), BY_ID, gigabytes * GB, MAKE[rule]())
    assert again == outcome


def test_ours_lies_between_the_bound_and_the_rules_in_use() -> None:
    homes = [traces.household(seed, 5) for seed in range(2)]
    for gigabytes in (6, 12):
        waited = {
            name: sum(simulate(home, BY_ID, gigabytes * GB, make()).waited for home in homes)
            for name, make in MAKE.items()
        }
        assert sum(clairvoyant(home, BY_ID, gigabytes * GB, at_listening) for home in homes) <= waited["ours"]
        assert waited["ours"] < waited["lru"]
        assert waited["blind"] < min(waited["timer"], waited["ollama"])


def test_too_large_is_refused_and_the_others_go_on() -> None:
    outcome = simulate(trace([Asked(0.0, "story", 2.0), Asked(9.0, "fast", 2.0)]), BY_ID, 2 * GB, MAKE["ours"]())
    assert (outcome.refused, outcome.cold) == (1, 1)


def test_neighbours_get_their_room() -> None:
    """6 GB held, 4 GB free; a neighbour grows to 8 GB at 2 GB/s while nobody speaks."""
    steps = [Neighbour(100.0 + n / 4, n * GB // 2) for n in range(17)]
    house = trace([Asked(0.0, "story", 2.0), Asked(50.0, "announcer", 2.0), Asked(200.0, "announcer", 2.0)], steps)
    ours = simulate(house, BY_ID, 10 * GB, Ours(BY_ID, Means(release=False, bring_back=False)))
    lru = simulate(house, BY_ID, 10 * GB, Lru())
    assert ours.squeezed < lru.squeezed / 50
    assert ours.squeezed < 1 * GB


def test_a_neighbour_never_takes_an_engine_that_speaks() -> None:
    steps = [Neighbour(1.0, 9 * GB)]
    house = trace([Asked(0.0, "story", 60.0), Asked(300.0, "announcer", 1.0)], steps)
    assert simulate(house, BY_ID, 10 * GB, Ours(BY_ID)).cold >= 1


def test_a_recorded_trace_comes_back(tmp_path: Path) -> None:
    made = traces.neighbours(traces.household(1, 1), 1)
    records.write(tmp_path / "trace.jsonl", made)
    assert records.read(tmp_path / "trace.jsonl") == made


def test_seconds_since_1970_are_moved_to_their_monday(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    saturday = 1_700_000_000 - 1_700_000_000 % 86400 + 4 * 86400  # 2023-11-18
    path.write_text(json.dumps({"at": saturday + 60, "engine": "fast", "audio": 1}) + "\n")
    assert records.read(path).asked[0].at == 5 * 86400 + 60


@pytest.mark.parametrize(
    "line", ['{"at": 1}', "not json", '{"at": -1, "engine": "fast", "audio": 1}', '{"at": 1, "engine": "x", "odd": 2}']
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text('{"at": 0, "engine": "fast", "audio": 1}\n' + line + "\n")
    with pytest.raises(ValueError, match="line 2"):
        records.read(path)


def test_the_bench_ends_in_one_json_line(tmp_path: Path) -> None:
    bench = Path(__file__).parents[2] / "script" / "benches" / "sim.py"
    command = [sys.executable, str(bench), "--quick", "--write", str(tmp_path / "home.jsonl")]
    last = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    results = json.loads(last)["results"]
    assert results["waited_s_per_1000.6.clairvoyant"] <= results["waited_s_per_1000.6.ours"]
    replayed = subprocess.run(
        [sys.executable, str(bench), "--budgets", "8", "--trace", str(tmp_path / "home.jsonl")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert json.loads(replayed.splitlines()[-1])["results"]["waited_s_per_1000.8.ours"] > 0
