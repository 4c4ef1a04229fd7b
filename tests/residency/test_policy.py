"""decide(): what goes, what stays."""

from __future__ import annotations

import random

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


def need(size: int, gpu: int = 0) -> Need:
    return Need("new", ((("cuda", gpu * GB),) if gpu else ()) + (("cpu", size * GB),))


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


def test_invariants_on_random_houses() -> None:
    """Never evicts the leased or pinned, always makes enough room, never evicts more engines than it must."""
    for seed in range(500):
        dice = random.Random(seed)
        residents = tuple(
            resident(f"e{n}", dice.randint(1, 6), dice.random(), dice.choice((0, 0, 1)), pinned=dice.random() < 0.1)
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
