"""What somebody who knows the future would have made listeners wait: the optimum, by dynamic programming.

It knows the whole trace. Like the rules it loads an engine only when a request shows (at the same sign as the rule it
is compared with, and with the same load seconds), never before; but what it drops to make room it chooses with full
knowledge, over all sets of resident engines. It is relaxed in its favour: unloading takes no time, replies are never
late when their engine's lease is counted, and a second request during a load waits for nothing. What it may not do is
drop an engine that speaks: room that such an engine must give is there only when its reply is made. It serves requests
in the order of their texts. It never gives memory back unless memory has a price (`gb_seconds`, as for idle.release);
then what is held while it speaks costs nothing, and nothing is held but for a later request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engines import SimEngine
from .records import Asked, Trace


@dataclass(frozen=True, slots=True)
class _Step:
    """A request, as the optimum sees it. Seconds."""

    place: int
    sign: float
    text: float
    done: float
    load: float


def clairvoyant(
    recorded: Trace,
    engines: Mapping[str, SimEngine],
    budget: int,
    sign: Callable[[Asked], float],
    cached: bool = False,
    gb_seconds: float = 0.0,
) -> float:
    """The fewest seconds of waiting possible; with a price of memory, the least of waiting and price together.

    sign: when a request shows itself. gb_seconds: memory that is worth a second of waiting; 0 = memory is free.
    """
    used = sorted({each.engine for each in recorded.asked if engines[each.engine].bytes <= budget})
    place = {name: n for n, name in enumerate(used)}
    steps = _steps([each for each in recorded.asked if each.engine in place], place, engines, sign, cached)
    sets = np.arange(1 << len(used))
    size = sum((((sets >> n) & 1) * engines[name].bytes for name, n in place.items()), np.zeros_like(sets))
    holds = [np.flatnonzero((size <= budget) & (sets >> n & 1 == 1)) for n in range(len(used))]
    lacks = [np.flatnonzero(sets >> n & 1 == 0) for n in range(len(used))]
    price = size / 1e9 / gb_seconds if gb_seconds else None
    cost = np.where(sets == 0, 0.0, np.inf)
    busy_until = [-np.inf] * len(used)
    now, last = 0.0, -1
    for step in steps:
        if price is not None:
            cost = _dropped(cost, list(range(len(used))), lacks) + price * max(0.0, step.text - now)
            now = max(now, step.text)
        if step.place != last or price is not None:
            cost = _served(cost, step, busy_until, holds[step.place], lacks)
        last = step.place
        busy_until[last] = max(busy_until[last], step.done)
    return float(cost.min())


def _steps(
    asked: list[Asked],
    place: Mapping[str, int],
    engines: Mapping[str, SimEngine],
    sign: Callable[[Asked], float],
    cached: bool,
) -> list[_Step]:
    """In the order of their texts. A load that an earlier sign for the same engine began counts for all after it."""
    load = {name: engines[name].load_seconds(cached) for name in place}
    earliest = dict.fromkeys(place, np.inf)
    steps: list[_Step] = []
    for each in sorted(asked, key=lambda each: each.at + each.text_after, reverse=True):
        text = each.at + each.text_after
        earliest[each.engine] = min(earliest[each.engine], sign(each))
        done = text + each.audio * engines[each.engine].rtf
        steps.append(_Step(place[each.engine], earliest[each.engine], text, done, load[each.engine]))
    return steps[::-1]


def _served(
    cost: NDArray[np.float64],
    step: _Step,
    busy_until: list[float],
    here: NDArray[np.int64],
    lacks: list[NDArray[np.int64]],
) -> NDArray[np.float64]:
    """After a request: its engine is held. Whoever held it pays nothing; the others wait for a load.

    The load begins at the sign, or when the last of those that must go has finished speaking.
    """
    after = np.full_like(cost, np.inf)
    after[here] = cost[here]
    others = [n for n in range(len(lacks)) if n != step.place]
    free = [n for n in others if busy_until[n] <= step.sign]
    later = sorted((n for n in others if busy_until[n] > step.sign), key=lambda n: busy_until[n])
    begins = step.sign
    dropped = _dropped(cost, free, lacks)
    for n in (None, *later):
        if n is not None:
            begins = busy_until[n]
            dropped = _dropped(dropped, [n], lacks)
        waits = max(0.0, begins + step.load - step.text)
        after[here] = np.minimum(after[here], dropped[here ^ (1 << step.place)] + waits)
    return _dropped(after, [], lacks)


def _dropped(cost: NDArray[np.float64], droppable: list[int], lacks: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """The cheapest way to each set when these engines may be dropped: a superset minimum."""
    cost = cost.copy()
    for n in droppable:
        without = lacks[n]
        cost[without] = np.minimum(cost[without], cost[without | (1 << n)])
    return cost
