"""Eight listeners on an engine that speaks one sentence at a time, or several: first audio and gaps, simulated.

The real turn-taking (`schedule.queue`, `schedule.batch`) in a time of its own; see tests/sim/together.py. A step costs
1 + 0.15 for each further sentence. The load is what the engine would have to work, alone, if nobody ever had to wait.

`ttfa_p50_s` and `ttfa_p95_s` are seconds from the first whole sentence to its first audio, `gap_s` seconds of silence
within a reply, by LOAD.PLACES.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from sim.order import house
from sim.together import SHARE, simulate

RTF = 0.4
LOADS = (50, 80, 120, 200)
PLACES = (1, 2, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=int, default=2000, help="per load")
    parser.add_argument("--rtf", type=float, default=RTF, help="of the engine, alone")
    parser.add_argument("--share", type=float, default=SHARE, help="of a step that each further sentence adds")
    parser.add_argument("--quick", action="store_true", help="for tests")
    arguments = parser.parse_args()
    count, loads = (60, LOADS[1:2]) if arguments.quick else (arguments.replies, LOADS)
    results: dict[str, float] = {}
    print(f"Eight satellites, RTF {arguments.rtf:g}, {arguments.share:g} for each further sentence, {count} replies")
    print(f"{'load %':>8}{'places':>8}{'p50 s':>9}{'p95 s':>9}{'worst s':>9}{'gap s':>9}{'with gap':>10}")
    for load in loads:
        replies = house(load, load / 100, arguments.rtf, count, satellites=8)
        for places in PLACES:
            heard = simulate(replies, places=places, rtf=arguments.rtf, share=arguments.share)
            p50, p95, worst = (heard.percentile(share) for share in (0.5, 0.95, 1.0))
            with_gap = sum(each > 0.05 for each in heard.gaps) / len(heard.gaps)
            print(f"{load:8}{places:8}{p50:9.3f}{p95:9.3f}{worst:9.2f}{heard.gap:9.4f}{with_gap:10.1%}", flush=True)
            results[f"ttfa_p50_s.{load}.{places}"] = round(p50, 3)
            results[f"ttfa_p95_s.{load}.{places}"] = round(p95, 3)
            results[f"gap_s.{load}.{places}"] = round(heard.gap, 4)
    print(json.dumps({"bench": "batch", "results": results}))


if __name__ == "__main__":
    main()
