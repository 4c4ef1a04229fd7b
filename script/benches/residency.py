"""Residency with real processes and real memory: evictions under a budget, a neighbour that grows, faults at random.

Options: --requests N (500), --replies N (1000), --budget MB (360), --listeners N (4), --seed N, --only PART, --quick.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from _measure import median, percentile, report
from _memory import Machine, anonymous_bytes, helper, workers
from _residents import Heard, open_house, sized_manifest

from meadowlark.fallbacks import Wishes
from meadowlark.residency.devices import LocalDevices
from meadowlark.residency.ledger_file import LedgerFile
from meadowlark.residency.supervisor import Budget

HERE = Path(__file__).parent
MB = 1_000_000
TEXT = "The light in the kitchen is on."
LONG = "The light in the kitchen is on. The window in the bedroom is open. It is twenty degrees here."
SHARES = (0.2, 0.3, 0.4, 0.55, 0.7, 0.85)
"""Of the budget, taken by each of the six engines: three times the budget in all."""

BYTES_PER_SECOND = 1e9
"""Of a load, as from a good disk."""

ODDS = (
    "raise=0.02 memory_error=0.02 device_memory_error=0.01 segfault=0.02 exit=0.01 nan=0.01 nothing=0.01 "
    "hang=0.003 slow_load=0.1 load_oom=0.05"
)
"""Of each attempt at a sentence, and of each load."""


async def evictions(options: argparse.Namespace, folder: Path) -> dict[str, float | int]:
    """Six engines, three times the budget, several listeners at random; no fallback."""
    budget, dice = options.budget * MB, random.Random(options.seed)
    engines = [
        (
            sized_manifest(f"engine-{number}", int(share * budget) - 24 * MB, rtf=0.02),
            {
                "memory_bytes": int(share * budget) - 24 * MB,
                "bytes_per_second": BYTES_PER_SECOND,
                "capacity_bytes": budget,
            },
        )
        for number, share in enumerate(SHARES)
    ]
    wanted = [dice.choice(engines)[0].id for _ in range(options.requests)]
    heard: list[Heard] = []
    async with (
        helper("watch", str(os.getpid())) as watch,
        open_house(engines, LocalDevices(), Budget(budget, 0), folder, Wishes(allowed=False)) as house,
    ):

        async def listener() -> None:
            while wanted:
                heard.append(await house.reply(wanted.pop(), TEXT))
                await asyncio.sleep(dice.uniform(0.0, 0.1))

        begun = time.monotonic()
        await asyncio.gather(*(listener() for _ in range(options.listeners)))
        took = time.monotonic() - begun
        seen = json.loads((await watch.communicate(b"\n"))[0])
    cold = [each for each in heard if each.cold and not each.error]
    lost = [each for each in heard if each.error or not each.complete(TEXT)]
    for each in lost[:5]:
        print(f"lost: {each.engine}: {each.error or f'{each.speech:.2f} s of speech'}")
    return {
        "requests": len(heard),
        "lost": len(lost),
        "oom": sum(each.out_of_memory for each in heard) + house.counts["oom"],
        "peak_over_budget_mb": seen["peak_mb"] - options.budget,
        "budget_mb": options.budget,
        "samples_hz": seen["samples_hz"],
        "workers_most": seen["workers"],
        "seconds": took,
        "loads": house.counts["loads"],
        "warm_ttfa_ms_p50": median([each.ttfa for each in heard if not each.cold]) * 1e3,
        "warm_ttfa_ms_p95": percentile([each.ttfa for each in heard if not each.cold], 95) * 1e3,
        "cold": len(cold),
        "cold_ttfa_ms_p50": median([each.ttfa for each in cold]) * 1e3,
        "cold_ttfa_ms_p95": percentile([each.ttfa for each in cold], 95) * 1e3,
    } | stages(cold)


def stages(cold: list[Heard]) -> dict[str, float]:
    """Where the milliseconds of a cold first audio go, on average and at the 95th percentile."""
    split: dict[str, list[float]] = {}
    for each in cold:
        took = each.cold
        assert took is not None
        for name, seconds in {
            "wait_for_busy": took.ordered - took.asked - took.evicting,
            "evict": took.evicting,
            "fork": took.fork,
            "load": took.load,
            "warm_up": took.warm_up,
            "first_audio": took.asked + each.ttfa - took.loaded,
        }.items():
            split.setdefault(name, []).append(seconds * 1e3)
    result = {}
    for name, values in split.items():
        result[f"stage_ms_mean.{name}"] = sum(values) / len(values)
        result[f"stage_ms_p95.{name}"] = percentile(values, 95)
    return result


async def neighbour(options: argparse.Namespace, folder: Path) -> dict[str, float | int]:
    """Somebody takes half of the machine, step by step, while three listeners are spoken to and engines stand idle."""
    total, machine = 2 * options.budget * MB, Machine(2 * options.budget * MB)
    reserve, size, steps, pause = total // 12, total // 8, 20, 0.3
    engines = [(sized_manifest(f"engine-{n}", size, rtf=0.1), {"memory_bytes": size}) for n in range(4)]
    ooms, least, late, short_since = 0, total, 0.0, 0.0
    async with (
        helper("neighbour") as process,
        open_house(engines, machine, Budget(reserve=reserve), folder, Wishes(allowed=False)) as house,
    ):
        assert process.stdin
        assert process.stdout
        machine.neighbour = process.pid
        base = machine.free
        for manifest, _ in engines:
            await house.reply(manifest.id, "Hm.")
        before = sum(each.ready for each in house.supervisor.engines)
        heard: list[Heard] = []
        done = asyncio.Event()

        async def listener(engine: str) -> None:
            while not done.is_set():
                heard.append(await house.reply(engine, LONG))

        async def watch() -> None:
            nonlocal least, late, short_since
            while not done.is_set():
                free = await asyncio.to_thread(lambda: machine.free)
                least, now = min(least, free), time.monotonic()
                short_since = (short_since or now) if free < reserve else 0.0
                late = max(late, now - short_since) if short_since else late
                await asyncio.sleep(0.02)

        tasks = [asyncio.create_task(listener(f"engine-{n % 2}")) for n in range(3)]
        tasks.append(asyncio.create_task(watch()))
        for _ in range(steps):
            step = total // 2 // steps
            if machine.free < step:
                ooms += 1
            else:
                process.stdin.write(b"%d\n" % step)
                await process.stdout.readline()
            await asyncio.sleep(pause)
        await asyncio.sleep(2.5)
        done.set()
        await asyncio.gather(*tasks)
        after = sum(each.ready for each in house.supervisor.engines)
        grown = anonymous_bytes(process.pid)
    return {
        "neighbour.machine_mb": base / MB,
        "neighbour.grew_mb": grown / MB,
        "neighbour.oom": ooms,
        "neighbour.least_free_mb": least / MB,
        "neighbour.reserve_mb": reserve / MB,
        "neighbour.below_reserve_s_max": late,
        "neighbour.resident_before": before,
        "neighbour.resident_after": after,
        "neighbour.replies": len(heard),
        "neighbour.lost": sum(bool(each.error) or not each.complete(LONG) for each in heard),
        "neighbour.gap_s_max": max(each.gap for each in heard),
    }


class FullDisk(LedgerFile):
    """A ledger whose disk is full every other time: what is written goes to /dev/full."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.writes = self.failed = 0

    def write(self, data: bytes) -> bool:
        self.writes += 1
        if self.writes % 2:
            self.path.with_name(f"{self.path.name}.new").symlink_to("/dev/full")
        written = super().write(data)
        self.failed += not written
        return written


async def random_faults(options: argparse.Namespace, folder: Path) -> dict[str, float | int]:
    """Four engines that fail at random, processes killed and stopped, a full disk; and one voice of last resort."""
    dice = random.Random(options.seed)
    engines = [
        (sized_manifest(f"fitful-{n}", 30 * MB, "Fitful", rtf=0.02), {"memory_bytes": 30 * MB, "odds": ODDS})
        for n in range(4)
    ]
    robot = sized_manifest("robot", 10 * MB, rtf=0.01)
    engines.append((replace(robot, last_resort=True), {"memory_bytes": 10 * MB}))
    file = FullDisk(folder / "ledger.json")
    outcomes: Counter[str] = Counter()
    signals: Counter[str] = Counter()
    left, done = options.replies, asyncio.Event()
    replies: list[tuple[Heard, float]] = []
    async with open_house(engines, LocalDevices(), Budget(260 * MB, 0), folder, Wishes(), file) as house:

        async def listener() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                engine = f"fitful-{dice.randrange(4)}"
                begun = time.monotonic()
                striking = asyncio.create_task(strike()) if dice.random() < options.strikes else None
                heard = await house.reply(engine, LONG)
                if striking:
                    await striking
                replies.append((heard, time.monotonic() - begun))
                logging.info("%s: first audio %.1f s, all %.1f s", engine, heard.ttfa, replies[-1][1])
                outcomes[_outcome(heard)] += 1

        async def strike() -> None:
            """A worker, any of them, at a moment of its own."""
            await asyncio.sleep(dice.uniform(0.0, 0.5))
            if alive := workers(os.getpid()):
                kind = dice.choice((signal.SIGKILL, signal.SIGSTOP))
                with suppress(ProcessLookupError):
                    os.kill(dice.choice(alive), kind)
                    signals[kind.name.lower()] += 1

        async def save() -> None:
            while not done.is_set():
                await asyncio.sleep(0.5)
                await house.keeper.save()

        saving = asyncio.create_task(save())
        begun = time.monotonic()
        await asyncio.gather(*(listener() for _ in range(options.listeners * 6)))
        took = time.monotonic() - begun
        done.set()
        await saving
    injected = _done_by_engines(folder) + signals + Counter(full_disk=file.failed)
    return {
        "faults.replies": options.replies,
        "faults.complete": outcomes["complete"],
        "faults.clear_error": outcomes["error"],
        "faults.silent": outcomes["silent"],
        "faults.injected": injected.total(),
        "faults.seconds": took,
        "faults.ttfa_s_p50": median([each.ttfa for each, _ in replies]),
        "faults.ttfa_s_p95": percentile([each.ttfa for each, _ in replies], 95),
        "faults.longest_gap_s_max": max(each.longest_gap for each, _ in replies),
        "faults.longest_reply_s": max(seconds for _, seconds in replies),
        **{f"faults.kind.{kind}": count for kind, count in sorted(injected.items())},
    }


def _done_by_engines(folder: Path) -> Counter[str]:
    """What the engines say that they did, by kind."""
    return Counter(kind for each in folder.glob("fitful-*/done") for kind in each.read_text().split())


def _outcome(heard: Heard) -> str:
    if heard.error:
        return "error"
    if heard.complete(LONG):
        return "complete"
    print(f"silent: {heard}")
    return "silent"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500, help="under the budget (500)")
    parser.add_argument("--replies", type=int, default=1000, help="with faults (1000)")
    parser.add_argument("--budget", type=int, default=360, metavar="MB", help="of all engines (360)")
    parser.add_argument("--listeners", type=int, default=4, help="at once; six times as many with faults (4)")
    parser.add_argument("--strikes", type=float, default=0.1, help="workers killed or stopped per reply (0.1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("evictions", "neighbour", "faults"), help="one part")
    parser.add_argument("--quick", action="store_true", help="few, to see that it works")
    options = parser.parse_args()
    if options.quick:
        options.requests, options.replies = 20, 40
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    logging.basicConfig(level=os.environ.get("BENCH_LOG", "CRITICAL"), format="%(relativeCreated)d %(message)s")
    parts = {"evictions": evictions, "neighbour": neighbour, "faults": random_faults}
    results: dict[str, float | int] = {}
    for name, part in parts.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory(prefix="meadowlark-bench-") as folder:
                results |= await part(options, Path(folder))
    report("residency", results)


if __name__ == "__main__":
    asyncio.run(main())
