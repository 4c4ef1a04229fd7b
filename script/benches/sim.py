#!/usr/bin/env python3
"""How long listeners wait for engines that are not loaded, by ways of keeping them: `script/bench sim [--quick]`.

Replays traces (simulated homes, or your own with --trace FILE, see tests/sim/records.py) against the real residency
policies and against the rules that others use, on eight engines of 0.5-5.6 GB (22.6 GB together) whose load costs stand
in tests/sim/engines.py. Columns:

ours         all we have: victims by expected regret, load from the moment the satellite listens, idle engines released
             when their memory is worth more than their return, brought back when use is near
ours_keep    the same, but idle engines stay (`keep`)
ours_blind   ours without Home Assistant's satellite states: the load begins at `synthesize-start`
blind_keep   both of these
lru          the longest unused goes when there is no room; load at the text, as for the two below
timer        Speaches: gone after 300 s
ollama       gone after 300 s; when there is no room, the shortest keep-alive, then by name
clairvoyant  the optimum of somebody who knows the whole future but loads only on the sign that `ours` has, and gives
             nothing back; `clairvoyant_blind` on the sign of `ours_blind` (tests/sim/bound.py)

`held_gb` is what the engines held on average: whoever gives memory back waits for it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from sim import records, rules, traces
from sim.bound import clairvoyant
from sim.engines import ENGINES, GB
from sim.residency import Outcome, simulate

BY_ID = {each.id: each for each in ENGINES}

BUDGETS = (6, 8, 12, 16, 24)

Make = Callable[[bool], rules.Rule]

RULES: dict[str, Make] = {
    "ours": lambda cached: rules.Ours(BY_ID, cached=cached),
    "ours_keep": lambda cached: rules.Ours(BY_ID, rules.Means(release=False), cached=cached),
    "ours_blind": lambda cached: rules.Ours(BY_ID, rules.Means(listening=False), cached=cached),
    "blind_keep": lambda cached: rules.Ours(BY_ID, rules.Means(listening=False, release=False), cached=cached),
    "lru": lambda cached: rules.Lru(),
    "timer": lambda cached: rules.Timer(),
    "ollama": lambda cached: rules.Ollama(),
}

PARTS: dict[str, rules.Means] = {
    "smallest sufficient, then LRU": rules.Means(False, False, False, 0.0),
    "victims by regret": rules.Means(False, False, False),
    "… and brought back": rules.Means(False, False, True),
    "… and at listening": rules.Means(True, False, True),
    "… and idle release (ours)": rules.Means(True, True, True),
}
"""What each of our means is worth, one after the other."""


def main() -> None:
    arguments = _arguments()
    budgets = [int(each) for each in arguments.budgets.split(",")]
    recorded = _traces(arguments)
    days = sum(each.asked[-1].at - each.asked[0].at for each in recorded if each.asked) / 86400
    utterances = sum(len(each.asked) for each in recorded)
    print(f"{len(recorded)} x {arguments.kind}, {utterances} utterances, {days:.0f} days in all")
    results: dict[str, float] = {}
    _table(recorded, budgets, arguments.cached, results)
    if not arguments.quick:
        _parts(recorded, budgets, arguments.cached)
    if arguments.kind == "household" and not arguments.trace:
        _neighbours(recorded, results)
    print(json.dumps({"bench": "sim", "results": results}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("household", "hotel", "adversary"), default="household")
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--budgets", default=",".join(map(str, BUDGETS)), help="GB, with commas")
    parser.add_argument("--trace", type=Path, help="a recorded trace instead (JSON lines; see tests/sim/records.py)")
    parser.add_argument("--write", type=Path, help="write the first trace in recorded form and go on")
    parser.add_argument("--cached", action="store_true", help="weights come from the page cache, not from disk")
    parser.add_argument("--quick", action="store_true", help="2 seeds, 3 days, 2 budgets: for tests")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds, arguments.days, arguments.budgets = 2, 3, "6,12"
    return arguments


def _traces(arguments: argparse.Namespace) -> list[records.Trace]:
    if arguments.trace:
        arguments.kind = str(arguments.trace)
        try:
            recorded = records.read(arguments.trace)
        except (OSError, ValueError) as error:
            sys.exit(f"{arguments.trace}: {error}")
        unknown = sorted({each.engine for each in recorded.asked} - set(BY_ID))
        if unknown or not recorded.asked:
            sys.exit(f"{arguments.trace}: needs requests for engines of {', '.join(BY_ID)}; has {unknown or 'none'}")
        return [recorded]
    make = {"household": traces.household, "hotel": traces.hotel, "adversary": traces.adversary}[arguments.kind]
    made = [make(seed, arguments.days) for seed in range(arguments.seeds)]
    if arguments.write:
        records.write(arguments.write, made[0])
    return made


def _table(recorded: list[records.Trace], budgets: list[int], cached: bool, results: dict[str, float]) -> None:
    print("\nSeconds waited for cold engines per 1,000 utterances (GB held on average)")
    columns = [*RULES, "clairvoyant", "clairvoyant_blind"]
    print(f"{'GB':>4}" + "".join(f"{name:>18}" for name in columns))
    utterances = sum(len(each.asked) for each in recorded)
    for budget in budgets:
        row = f"{budget:>4}"
        for name, make in RULES.items():
            outcomes = [simulate(each, BY_ID, budget * GB, make(cached), cached) for each in recorded]
            waited, held = _waited(outcomes), _held(outcomes, recorded)
            results[f"waited_s_per_1000.{budget}.{name}"] = round(waited, 1)
            results[f"held_gb.{budget}.{name}"] = round(held, 2)
            row += f"{waited:>11.1f} ({held:4.1f})"
        for name, sign in (("clairvoyant", rules.at_listening), ("clairvoyant_blind", rules.at_start)):
            best = sum(clairvoyant(each, BY_ID, budget * GB, sign, cached) for each in recorded)
            results[f"waited_s_per_1000.{budget}.{name}"] = round(1000 * best / utterances, 1)
            row += f"{1000 * best / utterances:>18.1f}"
        print(row, flush=True)


def _parts(recorded: list[records.Trace], budgets: list[int], cached: bool) -> None:
    print("\nWhat each of our means is worth (the same figures, one after the other)")
    print(f"{'':34}" + "".join(f"{budget:>11} GB" for budget in budgets))
    for name, means in PARTS.items():
        row = f"{name:34}"
        for budget in budgets:
            ours = [
                simulate(each, BY_ID, budget * GB, rules.Ours(BY_ID, means, cached=cached), cached) for each in recorded
            ]
            row += f"{_waited(ours):>14.1f}"
        print(row, flush=True)


def _neighbours(recorded: list[records.Trace], results: dict[str, float]) -> None:
    """A 16 GB device shared with a language model and a camera detector."""
    print("\n16 GB shared with neighbours that grow and shrink: GB-seconds a day they wanted and did not find")
    shared = [traces.neighbours(each, seed) for seed, each in enumerate(recorded)]
    days = sum(each.asked[-1].at for each in shared) / 86400
    for name in ("ours", "lru", "timer"):
        outcomes = [simulate(each, BY_ID, 16 * GB, RULES[name](False)) for each in shared]
        missed = sum(each.squeezed for each in outcomes) / GB / days
        results[f"squeezed_gb_s_per_day.16.{name}"] = round(missed, 1)
        results[f"waited_s_per_1000.16_shared.{name}"] = round(_waited(outcomes), 1)
        print(f"{name:>12}{missed:>12.1f}   (waited {_waited(outcomes):.1f} s per 1,000)")


def _waited(outcomes: list[Outcome]) -> float:
    return 1000 * sum(each.waited for each in outcomes) / sum(each.utterances for each in outcomes)


def _held(outcomes: list[Outcome], recorded: list[records.Trace]) -> float:
    return sum(each.held for each in outcomes) / GB / sum(each.asked[-1].at for each in recorded)


if __name__ == "__main__":
    main()
