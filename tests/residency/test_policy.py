"""decide(): what goes, what stays."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from meadowlark.residency.policy import (
    Decision,
    Device,
    Load,
    Need,
    Refuse,
    Resident,
    Snapshot,
    Use,
    Wait,
    decide,
    restart_pause,
)

GB = 10**9


def resident(
    engine: str, size: int, used: float = 0.0, leases: int = 0, device: str = "cpu", pinned: bool = False
) -> Resident:
    return Resident(engine, device, size * GB, leases, used, pinned)


def cpu(free: int, capacity: int = 16) -> Device:
    return Device("cpu", free * GB, capacity * GB)


def need(size: int, gpu: int = 0, cpu_rtf: float | None = None) -> Need:
    sizes = ((("cuda", gpu * GB),) if gpu else ()) + (("cpu", size * GB),)
    return Need("new", sizes, () if cpu_rtf is None else (("cpu", cpu_rtf),))


def missed(engine: str, size: int, regret: float | None, used: float = 0.0) -> Resident:
    return Resident(engine, "cpu", size * GB, 0, used, regret=regret)


@pytest.mark.parametrize(
    ("devices", "residents", "wanted", "expected"),
    [
        ((cpu(1),), (resident("new", 4),), need(4), Use()),
        ((cpu(8),), (), need(4), Load("cpu")),
        # smallest sufficient eviction, not the oldest
        ((cpu(1),), (resident("a", 9, 1), resident("b", 4, 2), resident("c", 3, 3)), need(4), Load("cpu", ("c",))),
        # among equals the longest unused
        ((cpu(1),), (resident("a", 3, 5), resident("b", 3, 2)), need(4), Load("cpu", ("b",))),
        # two small ones where that is less than one large one
        ((cpu(0),), (resident("a", 9), resident("b", 2), resident("c", 2)), need(4), Load("cpu", ("b", "c"))),
        # leased and pinned stay
        ((cpu(0),), (resident("a", 4, leases=1), resident("b", 8)), need(4), Load("cpu", ("b",))),
        ((cpu(0),), (resident("a", 4, leases=1), resident("b", 8, pinned=True)), need(4), Wait(("a",))),
        # the preferred device, else the next one
        ((cpu(9), Device("cuda:0", 3 * GB, 8 * GB)), (), need(2, gpu=3), Load("cuda:0")),
        ((cpu(9), Device("cuda:0", 1 * GB, 2 * GB)), (), need(2, gpu=3), Load("cpu")),
        # tightest fit of several
        ((Device("cuda:0", 9 * GB, 9 * GB), Device("cuda:1", 4 * GB, 4 * GB)), (), need(2, gpu=3), Load("cuda:1")),
        # evict on the preferred device before going elsewhere
        (
            (cpu(9), Device("cuda:0", 0, 8 * GB)),
            (resident("a", 4, device="cuda:0"),),
            need(2, gpu=3),
            Load("cuda:0", ("a",)),
        ),
    ],
)
def test_decides(
    devices: tuple[Device, ...], residents: tuple[Resident, ...], wanted: Need, expected: Decision
) -> None:
    assert decide(Snapshot(devices, residents), wanted) == expected


@pytest.mark.parametrize(
    ("devices", "residents", "wanted", "says"),
    [
        ((cpu(2, 3),), (), need(4), "at most 3000 MB"),
        ((cpu(0, 4),), (resident("a", 4, pinned=True),), need(4), "at most 4000 MB"),
        ((cpu(4),), (), Need("new", (("cuda", GB),)), "this machine has cpu"),
        ((), (), need(4), "no usable device"),
    ],
)
def test_refuses_saying_why(
    devices: tuple[Device, ...], residents: tuple[Resident, ...], wanted: Need, says: str
) -> None:
    decision = decide(Snapshot(devices, residents), wanted)
    assert isinstance(decision, Refuse)
    assert says in decision.reason


GPU = Device("cuda:0", 0, 8 * GB)
BUSY = resident("a", 8, leases=1, device="cuda:0")


@pytest.mark.parametrize(
    ("devices", "residents", "rtf", "expected"),
    [
        ((cpu(9), GPU), (BUSY,), 0.5, Load("cpu")),
        ((cpu(9), GPU), (BUSY,), None, Load("cpu")),  # nobody knows yet: try
        ((cpu(9), GPU), (BUSY,), 1.3, Wait(("a",))),  # it would stutter there
        ((cpu(9),), (), 1.3, Load("cpu")),  # there is nothing better on this machine
    ],
)
def test_the_cpu_is_a_way_out_only_for_who_keeps_up_there(
    devices: tuple[Device, ...], residents: tuple[Resident, ...], rtf: float | None, expected: Decision
) -> None:
    assert decide(Snapshot(devices, residents), need(2, gpu=3, cpu_rtf=rtf)) == expected


def test_says_that_the_cpu_is_too_slow() -> None:
    small = Device("cuda:0", 1 * GB, 2 * GB)
    decision = decide(Snapshot((cpu(9), small), ()), need(2, gpu=3, cpu_rtf=1.3))
    assert isinstance(decision, Refuse)
    assert "on the CPU it would speak slower than it is heard" in decision.reason


@pytest.mark.parametrize(
    ("residents", "expected"),
    [
        # whom listeners miss least, though it is the larger and was used just now
        ((missed("a", 4, 2.0, used=1), missed("b", 6, 0.1, used=9)), ("b",)),
        # two that nobody misses rather than one that somebody does
        ((missed("a", 5, 2.0), missed("b", 2, 0.2), missed("c", 2, 0.3)), ("b", "c")),
        # nobody is missed: the smallest sufficient
        ((missed("a", 6, 0.0), missed("b", 4, 0.0)), ("b",)),
        # not known of everybody: as if of nobody
        ((missed("a", 4, 2.0), missed("b", 6, None)), ("a",)),
    ],
)
def test_evicts_whom_listeners_miss_least(residents: tuple[Resident, ...], expected: tuple[str, ...]) -> None:
    assert decide(Snapshot((cpu(0),), residents), need(4)) == Load("cpu", expected)


def test_of_two_gpus_the_one_where_less_is_missed() -> None:
    gpus = (Device("cuda:0", 0, 8 * GB), Device("cuda:1", 0, 8 * GB))
    residents = (
        Resident("a", "cuda:0", 4 * GB, 0, 0.0, regret=1.0),
        Resident("b", "cuda:1", 6 * GB, 0, 0.0, regret=0.5),
    )
    assert decide(Snapshot(gpus, residents), need(9, gpu=3)) == Load("cuda:1", ("b",))


def test_invariants_on_random_houses() -> None:
    """Never evicts the leased or pinned, always makes enough room, never evicts more engines than it must."""
    for seed in range(500):
        dice = random.Random(seed)
        residents = tuple(
            replace(
                resident(
                    f"e{n}", dice.randint(1, 6), dice.random(), dice.choice((0, 0, 1)), pinned=dice.random() < 0.1
                ),
                regret=dice.random() if seed % 2 else None,
            )
            for n in range(dice.randint(0, 16))
        )
        free, wanted = dice.randint(0, 3), dice.randint(1, 12)
        used = sum(each.bytes for each in residents) // GB
        decision = decide(Snapshot((cpu(free, free + used),), residents), need(wanted))
        by_name = {each.engine: each for each in residents}
        if isinstance(decision, Load):
            gone = [by_name[name] for name in decision.evict]
            assert all(each.idle for each in gone)
            room = free * GB + sum(each.bytes for each in gone)
            assert room >= wanted * GB
            if len(residents) <= 12:
                assert all(room - each.bytes < wanted * GB for each in gone)
        elif isinstance(decision, Wait):
            assert all(by_name[name].leases for name in decision.busy)


def test_restart_pauses_grow() -> None:
    pauses = [restart_pause(deaths) for deaths in range(12)]
    assert pauses[:2] == [0.0, 0.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60.0
