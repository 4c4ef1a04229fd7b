"""Who goes when others on the device need room."""

from __future__ import annotations

import random

import pytest

from meadowlark.residency.neighbours import Sample, enough, growth, yields
from meadowlark.residency.policy import Resident

GB = 10**9


def idle(engine: str, size: int, used: float = 0.0, leases: int = 0, pinned: bool = False) -> Resident:
    return Resident(engine, "cuda:0", size * GB, leases, used, pinned)


def free(*gigabytes: float, ours: float = 6, steady: bool = True) -> list[Sample]:
    """One reading a second."""
    return [Sample(float(n), int(each * GB), int(ours * GB), steady) for n, each in enumerate(gigabytes)]


HOUSE = (idle("a", 2, 1), idle("b", 4, 2), idle("c", 1, 3))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (free(5, 5, 5), ()),
        (free(0.6), ("c",)),  # under the reserve: the smallest that is enough
        (free(0.0), ("c",)),
        (free(7, 4.5, 2), ("b",)),  # 2.5 GB a second: in two seconds 3 GB are missing, and the reserve
        (free(2, 3.5, 5), ()),  # grows again
        (free(5, 4.98, 4.96), ()),  # nobody's loading
        (free(5, 2, 2.5), ()),  # it has stopped
        (free(5, 3.5, 2, steady=False), ()),  # it is ourselves who load
        ([], ()),
    ],
)
def test_lets_go_what_is_needed_and_no_more(samples: list[Sample], expected: tuple[str, ...]) -> None:
    assert yields(samples, HOUSE, reserve=1 * GB) == expected


def test_what_comes_back_is_counted() -> None:
    assert yields(free(0.0), HOUSE, reserve=1 * GB, coming=2 * GB) == ()


def test_our_own_growth_is_nobody_elses() -> None:
    """Free memory falls because an engine of ours has grown, and we know it."""
    samples = [Sample(0.0, 5 * GB, 3 * GB), Sample(1.0, 3 * GB, 5 * GB), Sample(2.0, 2 * GB, 6 * GB)]
    assert growth(samples) == 0.0


def test_growth_is_that_of_the_last_seconds() -> None:
    assert growth(free(9, 8, 7, 7, 6, 5, 4)) == pytest.approx(1e9)
    assert growth([Sample(0.0, 9 * GB, 0), Sample(100.0, 5 * GB, 0)]) == 0.0


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (0, ()),
        (1 * GB, ("c",)),
        (2 * GB, ("a",)),
        (3 * GB, ("b",)),
        (5 * GB, ("b", "c")),
        (6 * GB, ("b", "a")),
        (99 * GB, ("b", "a", "c")),
    ],
)
def test_the_largest_go_first_until_one_alone_is_enough(wanted: int, expected: tuple[str, ...]) -> None:
    assert enough(HOUSE, wanted) == expected


def test_speaking_and_pinned_engines_stay() -> None:
    assert enough((idle("a", 9, leases=1), idle("b", 9, pinned=True), idle("c", 1)), 5 * GB) == ("c",)


@pytest.mark.parametrize("seed", range(50))
def test_enough_is_enough(seed: int) -> None:
    dice = random.Random(seed)
    house = [
        idle(f"e{n}", dice.randint(1, 9), dice.random(), dice.choice((0, 0, 1))) for n in range(dice.randint(0, 9))
    ]
    wanted = dice.randint(0, 30) * GB
    gone = enough(house, wanted)
    back = sum(each.bytes for each in house if each.engine in gone)
    assert back >= wanted or set(gone) == {each.engine for each in house if each.idle}
    if gone:
        assert back - min(each.bytes for each in house if each.engine in gone) < wanted
