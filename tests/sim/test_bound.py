"""The clairvoyant's bound: right where it can be counted by hand, and below every rule that loads on demand."""

from __future__ import annotations

import random

import pytest

from sim.bound import clairvoyant
from sim.engines import GB, SimEngine
from sim.records import Asked, Trace, trace
from sim.residency import simulate
from sim.rules import Lru, Means, Ollama, Ours, Rule, Timer, at_start, at_text

# load_seconds: 0.27 and 1 s for each GB of weights, and what the warm-up says
A, B, C = (SimEngine(name, size * GB, 2 * GB, 0.73, 0.1) for name, size in (("a", 2), ("b", 2), ("c", 2)))
THREE = {each.id: each for each in (A, B, C)}


def asked(order: str, apart: float = 60.0) -> Trace:
    return trace(Asked(n * apart, name, 1.0) for n, name in enumerate(order))


@pytest.mark.parametrize(
    ("order", "gigabytes", "loads"),
    [
        ("aaaa", 2, 1),
        ("abab", 2, 4),
        ("abab", 4, 2),
        ("abcabc", 4, 4),  # keeps a for its return, then has b and c, and so on: LRU would load six times
        ("abcabc", 6, 3),
        ("aabbcc", 2, 3),
    ],
)
def test_counts_the_loads_that_nobody_can_avoid(order: str, gigabytes: int, loads: int) -> None:
    assert clairvoyant(asked(order), THREE, gigabytes * GB, at_start) == pytest.approx(loads * A.load_seconds())


def test_a_head_start_is_not_waited_for() -> None:
    heard = trace([Asked(0.0, "a", 1.0, text_after=1.5)])
    assert clairvoyant(heard, THREE, 4 * GB, at_start) == pytest.approx(A.load_seconds() - 1.5)


def test_an_engine_that_speaks_is_not_dropped() -> None:
    """b wants the memory 1 s after a began to speak for 10 s."""
    both = trace([Asked(0.0, "a", 100.0), Asked(1.0, "b", 1.0)])
    assert clairvoyant(both, THREE, 2 * GB, at_text) == pytest.approx(A.load_seconds() + 9.0 + B.load_seconds())


def test_memory_that_costs_is_given_back() -> None:
    rare = asked("aa", apart=86400.0)
    assert clairvoyant(rare, THREE, 4 * GB, at_start) == pytest.approx(A.load_seconds())
    priced = clairvoyant(rare, THREE, 4 * GB, at_start, gb_seconds=1000.0)
    assert priced == pytest.approx(2 * A.load_seconds())


@pytest.mark.parametrize("rule", [Lru, Timer, Ollama])
@pytest.mark.parametrize("seed", range(20))
def test_no_rule_does_better(rule: type[Rule], seed: int) -> None:
    dice = random.Random(seed)
    engines = {
        name: SimEngine(name, dice.randint(1, 6) * GB, dice.randint(1, 5) * GB, dice.random(), 0.2) for name in "abcdef"
    }
    at, requests = 0.0, []
    for _ in range(150):
        at += dice.expovariate(1 / dice.choice((20.0, 400.0)))
        requests.append(Asked(at, dice.choice("abcdef"), dice.uniform(1, 10), dice.uniform(0, 2)))
    budget = dice.randint(6, 14) * GB
    best = clairvoyant(trace(requests), engines, budget, at_text)
    assert best <= simulate(trace(requests), engines, budget, rule()).waited + 1e-6
    ours = Ours(engines, Means(listening=False, bring_back=False))
    assert (
        clairvoyant(trace(requests), engines, budget, at_start)
        <= simulate(trace(requests), engines, budget, ours).waited
    )
