"""Which engine may stay, which must go. Pure: a snapshot in, a decision out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

RESTART_SECONDS = (0.0, 0.0, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Pause before a start after so many deaths in a row: the first two at once (a sentence and its retry), then longer."""

MOST_COMBINED = 12
"""Idle engines among which the smallest sufficient set is sought exactly (2^12 sets); more of them go oldest first."""


@dataclass(frozen=True, slots=True)
class Device:
    """A memory that engines live in. Bytes."""

    id: str
    """"cpu", "cuda:0", …"""

    free: int
    """What an engine loaded now could take: budget and reserve are already counted."""

    capacity: int
    """What an engine could take if every engine here were gone."""

    @property
    def kind(self) -> str:
        """The part of the id by which manifests state their needs."""
        return self.id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Resident:
    """An engine that is loaded, or being loaded."""

    engine: str
    device: str
    bytes: int
    leases: int
    last_used: float
    pinned: bool = False
    regret: float | None = None
    """Seconds that listeners are expected to wait for it soon if it goes (idle.regret); None = unknown."""

    @property
    def idle(self) -> bool:
        """Whether it may go."""
        return not self.leases and not self.pinned


@dataclass(frozen=True, slots=True)
class Need:
    """The engine that is asked for: its bytes by device kind, preferred kind first."""

    engine: str
    bytes: tuple[tuple[str, int], ...]
    rtf: tuple[tuple[str, float], ...] = ()
    """Measured seconds of work per second of speech by device kind; one that is missing is taken to be fast enough."""

    def keeps_up(self, kind: str) -> bool:
        """Whether it speaks there faster than it is heard."""
        return dict(self.rtf).get(kind, 0.0) < 1.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a decision may look at."""

    devices: tuple[Device, ...]
    residents: tuple[Resident, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """It is resident: speak."""


@dataclass(frozen=True, slots=True)
class Load:
    """Load it on this device, after these engines have gone."""

    device: str
    evict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """There would be room if these engines were not speaking."""

    busy: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """It can never fit as things are."""

    reason: str


Decision = Use | Load | Wait | Refuse


def decide(snapshot: Snapshot, need: Need) -> Decision:
    """What to do so that an engine can speak. Leased and pinned engines are never evicted.

    Device kinds are tried in the engine's order: first where it fits free (the tightest place), then with the eviction
    that listeners will miss least (or, where that is unknown, the smallest; then the longest unused). If only busy
    engines stand in the way, it waits for them. The CPU is no way out for an engine that stutters there.
    """
    if any(each.engine == need.engine for each in snapshot.residents):
        return Use()
    busy: set[str] = set()
    largest = 0
    for kind, size in need.bytes:
        places = [device for device in snapshot.devices if device.kind == kind]
        if kind == "cpu" and not need.keeps_up(kind) and _has_better(snapshot, need):
            continue
        fitting = [device for device in places if device.free >= size]
        if fitting:
            return Load(min(fitting, key=lambda device: (device.free, device.id)).id)
        evictions = [(device, _evictable(device, snapshot, size)) for device in places]
        possible = [(_cost(evict, snapshot), device.id, evict) for device, evict in evictions if evict]
        if possible:
            _, device_id, evict = min(possible, key=lambda each: each[:2])
            return Load(device_id, tuple(each.engine for each in evict))
        for device in places:
            largest = max(largest, device.capacity)
            if device.capacity >= size:
                busy.update(each.engine for each in snapshot.residents if each.device == device.id and each.leases)
    if busy:
        return Wait(tuple(sorted(busy)))
    return Refuse(_reason(snapshot, need, largest))


def _has_better(snapshot: Snapshot, need: Need) -> bool:
    """Whether this machine has a device that the engine would rather be on than the CPU."""
    kinds = {device.kind for device in snapshot.devices}
    return any(kind in kinds for kind, _ in need.bytes if kind != "cpu")


def _evictable(device: Device, snapshot: Snapshot, size: int) -> tuple[Resident, ...]:
    """The set of idle engines to evict there so that `size` fits; empty when no such set exists."""
    idle = sorted((each for each in snapshot.residents if each.device == device.id and each.idle), key=_age)
    missing = size - device.free
    if sum(each.bytes for each in idle) < missing:
        return ()
    if len(idle) > MOST_COMBINED:
        return _oldest_first(idle, missing)
    sets = (
        chosen
        for count in range(1, len(idle) + 1)
        for chosen in itertools.combinations(idle, count)
        if sum(each.bytes for each in chosen) >= missing
    )
    return min(sets, key=lambda chosen: (_cost(chosen, snapshot), len(chosen), [_age(each) for each in chosen]))


def _oldest_first(idle: Sequence[Resident], missing: int) -> tuple[Resident, ...]:
    chosen: list[Resident] = []
    for each in idle:
        if missing <= 0:
            break
        chosen.append(each)
        missing -= each.bytes
    return tuple(chosen)


def _age(each: Resident) -> tuple[float, str]:
    return each.last_used, each.engine


def _cost(evicted: Sequence[Resident], snapshot: Snapshot) -> tuple[float, int]:
    """What it costs to be without them: seconds of waiting, if known of all who may go, then bytes to load again."""
    known = all(each.regret is not None for each in snapshot.residents if each.idle)
    return sum(each.regret or 0.0 for each in evicted) if known else 0.0, sum(each.bytes for each in evicted)


def _reason(snapshot: Snapshot, need: Need, largest: int) -> str:
    kinds = {device.kind for device in snapshot.devices}
    wanted = " or ".join(f"{size / 1e6:.0f} MB of {kind} memory" for kind, size in need.bytes)
    if not any(kind in kinds for kind, _ in need.bytes):
        return f"it needs {wanted}; this machine has {', '.join(sorted(kinds)) or 'no usable device'}"
    too_slow = not need.keeps_up("cpu") and _has_better(snapshot, need)
    also = "; on the CPU it would speak slower than it is heard" if too_slow else ""
    return (
        f"it needs {wanted}; at most {largest / 1e6:.0f} MB can be had (raise `memory_budget_mb` or free memory){also}"
    )


def restart_pause(deaths: int) -> float:
    """Seconds to wait before an engine is started again after it died so many times in a row."""
    return RESTART_SECONDS[min(deaths, len(RESTART_SECONDS) - 1)]
