"""The server: what it adds to the engine, many listeners, how soon a dead engine speaks again, what it takes at rest.

Options: --runs N (300), --listeners N (32), --quick.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _measure import ask, children, describe, median, percentile, report, rss_mb, server, tone_plugin

SENTENCE = "The light in the kitchen is on."
FOUR = (
    "The light in the kitchen is on. The window in the bedroom is open. "
    "It is twenty degrees in the living room. The washing machine has finished."
)
BARE = """
import sys, time
from dataclasses import replace
from pathlib import Path
from meadowlark.api import PipelineContext, Utterance
from meadowlark.catalog import Catalog, VoiceRequest
from meadowlark.discovery import discover
import asyncio
choice = Catalog(asyncio.run(discover(Path("voices")))).resolve(VoiceRequest("espeak/en-us"))
from meadowlark_espeak.pipeline import EspeakPipeline
pipeline = EspeakPipeline(PipelineContext("espeak"))
pipeline.load(); pipeline.warm_up()
text, runs = sys.argv[1], int(sys.argv[2])
for _ in range(runs + 20):
    begun = time.perf_counter()
    audio = pipeline.synthesize(Utterance(text, choice.voice, "en-US"))
    next(audio)
    print(time.perf_counter() - begun)
    for _ in audio: pass
    time.sleep(0.002)
"""
"""The same engine called directly, in a process without anything else."""

FIRST_COME = """
import sys
from pathlib import Path
from meadowlark.cli.serve import serve
from meadowlark.schedule.policy import pick_first_come
from meadowlark.settings import load
serve(load({"uri": sys.argv[1], "data_dir": sys.argv[2], "zeroconf": False}), pick_first_come)
"""
"""The server with first-come-first-served in the place of our order."""


async def overhead(runs: int) -> dict[str, float]:
    """Time to first audio through the server, less that of the engine called directly."""
    served: list[float] = []
    with tempfile.TemporaryDirectory() as data:
        async with server(data) as (uri, _, _):
            for run in range(runs + 20):
                heard = await ask(uri, SENTENCE, "espeak/en-us")
                assert not heard.error, heard.error
                if run >= 20:
                    served.append(heard.ttfa)
                await asyncio.sleep(0.002)
        out = subprocess.run(
            [sys.executable, "-c", BARE, SENTENCE, str(runs)], check=True, capture_output=True, text=True
        )
    bare = [float(line) for line in out.stdout.split()][20:]
    return {
        "bare_ttfa_ms_p50": median(bare) * 1e3,
        "bare_ttfa_ms_p99": percentile(bare, 99) * 1e3,
        "served_ttfa_ms_p50": median(served) * 1e3,
        "served_ttfa_ms_p99": percentile(served, 99) * 1e3,
        "overhead_ms_p50": (median(served) - median(bare)) * 1e3,
        "overhead_ms_p99": (percentile(served, 99) - percentile(bare, 99)) * 1e3,
    }


async def listeners(count: int, voice: str, *, first_come: bool = False, **environment: str) -> dict[str, float]:
    """So many clients streaming at once, four sentences each, while somebody asks `describe` every 20 ms."""
    with tempfile.TemporaryDirectory() as data:
        script = FIRST_COME if first_come else ""
        async with server(data, script=script, **environment) as (uri, _, _):
            await ask(uri, SENTENCE, voice)  # resident
            asked: list[float] = []

            async def poll() -> None:
                while True:
                    asked.append((await describe(uri))[1])
                    await asyncio.sleep(0.02)

            poller = asyncio.create_task(poll())
            heard = await asyncio.gather(*(ask(uri, FOUR, voice, stream=True) for _ in range(count)))
            poller.cancel()
            await asyncio.gather(poller, return_exceptions=True)
    failed = [each.error for each in heard if each.error]
    assert not failed, failed
    return {
        "gap_s_per_reply": sum(each.gap for each in heard) / count,
        "ttfa_ms_p50": median([each.ttfa for each in heard]) * 1e3,
        "ttfa_ms_p95": percentile([each.ttfa for each in heard], 95) * 1e3,
        "describe_ms_max": max(asked) * 1e3,
    }


async def respawn(runs: int, environment: dict[str, str]) -> dict[str, float]:
    """From SIGKILL in mid-sentence to the next audio of that listener; and first audio of an engine that was gone."""
    killed: list[float] = []
    gaps: list[float] = []
    gone: list[float] = []
    with tempfile.TemporaryDirectory() as data:
        async with server(data, **environment) as (uri, process, _):
            await ask(uri, SENTENCE, "tone/slow")
            for _ in range(runs):
                at = 0.0

                def kill() -> None:
                    nonlocal at
                    os.kill(worker_of(process.pid, "tone"), signal.SIGKILL)
                    at = time.perf_counter()

                begun = time.perf_counter()
                heard = await ask(uri, FOUR, "tone/slow", at_first=kill)
                assert not heard.error, heard.error
                asked = begun + (at - begun) - heard.arrivals[0]  # the clock of `arrivals`, within the time of a signal
                killed.append(next(each for each in heard.arrivals[1:]) - (at - asked))
                gaps.append(heard.gap)
            for _ in range(runs):
                await ask(uri, SENTENCE, "espeak/en-us")
                os.kill(worker_of(process.pid, "espeak"), signal.SIGKILL)
                await asyncio.sleep(0.05)
                gone.append((await ask(uri, SENTENCE, "espeak/en-us")).ttfa)
    return {
        "respawn_ms_p50": median(killed) * 1e3,
        "respawn_ms_max": max(killed) * 1e3,
        "respawn_gap_s_max": max(gaps),
        "evicted_ttfa_ms_p50": median(gone) * 1e3,
    }


def worker_of(pid: int, engine: str) -> int:
    """The process that an engine lives in; it carries the engine's name."""
    for child in children(pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{child}/comm").read_text().strip() == f"ml-{engine}":
                return child
    raise LookupError(f"no worker of {engine}")


async def rest(runs: int) -> dict[str, float]:
    """A server with nothing to do."""
    ready: list[float] = []
    resident: list[float] = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as data:
            async with server(data, MEADOWLARK_PRELOAD="false", MEADOWLARK_ZEROCONF="true") as (_, process, seconds):
                await asyncio.sleep(1.5)  # zeroconf has been imported and has announced
                ready.append(seconds)
                resident.append(rss_mb(process.pid))
    helps = []
    for _ in range(runs):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "meadowlark", "--help"], check=True, stdout=subprocess.DEVNULL)
        helps.append(time.perf_counter() - begun)
    return {"rss_mb": median(resident), "help_s": median(helps), "ready_s": median(ready)}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="requests for the overhead (300)")
    parser.add_argument("--listeners", type=int, default=32, help="clients at once (32)")
    parser.add_argument("--quick", action="store_true", help="few runs, to see that it works")
    options = parser.parse_args()
    runs, some, few = (20, 2, 1) if options.quick else (options.runs, 15, 5)
    with tempfile.TemporaryDirectory() as folder:
        tone = tone_plugin(Path(folder), rtf=0.02, slow=0.2) | {"MEADOWLARK_ALWAYS_SPEAK": "false"}
        results = await overhead(runs)
        several = [await listeners(options.listeners, "espeak/en-us") for _ in range(few)]
        results |= {key: median([each[key] for each in several]) for key in several[0]}
        for order in ("ours", "first_come"):
            several = [
                await listeners(options.listeners, "tone/sine", first_come=order == "first_come", **tone)
                for _ in range(few)
            ]
            results |= {f"tone_{order}.{key}": median([each[key] for each in several]) for key in several[0]}
        results |= await respawn(some, tone)
        results |= await rest(few)
    report("server", results, ["tone_*: an engine at RTF 0.02, 64 % of one worker's time with 32 listeners"])


if __name__ == "__main__":
    asyncio.run(main())
