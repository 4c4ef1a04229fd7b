"""The whole way over the wire: ours and wyoming-piper's newest, the same voice, one client and eight at once.

Options: --models FOLDER (from script/random-models), --runs N (7), --quick.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from _measure import Heard, ask, describe, free_port, median, percentile, report, server
from _sides import PROCESSORS, arguments, theirs

VOICE = "en_US-random-medium"
TEXT = (
    "The light in the kitchen is on. The window in the bedroom is open. "
    "It is twenty degrees in the living room. The washing machine has finished."
)
"""That of the bench of the server."""


@contextlib.asynccontextmanager
async def wyoming_piper(models: Path) -> AsyncIterator[str]:
    """Its address; both servers run on two processors."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        *(theirs(models), "-m", "wyoming_piper", "--voice", VOICE, "--uri", uri, "--data-dir", str(models / "voices")),
        *("--local-files-only",),
        stderr=None if os.environ.get("BENCH_LOG") else asyncio.subprocess.DEVNULL,
    )
    try:
        begun = time.monotonic()
        while True:
            try:
                await describe(uri)
                break
            except OSError:
                if process.returncode is not None or time.monotonic() - begun > 60:
                    sys.exit("wyoming-piper did not start; run again with BENCH_LOG=1 to see why")
                await asyncio.sleep(0.1)
        yield uri
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def listeners(uri: str, voice: str, count: int) -> tuple[list[Heard], float, list[float]]:
    """So many at once: what they heard, how long all took, and how long `describe` took meanwhile."""
    asked: list[float] = []

    async def poll() -> None:
        while True:
            await asyncio.sleep(0.05)
            asked.append((await describe(uri))[1])

    poller = asyncio.create_task(poll())
    begun = time.perf_counter()
    heard = await asyncio.gather(*(ask(uri, TEXT, voice, stream=True) for _ in range(count)))
    took = time.perf_counter() - begun
    if not asked:
        asked.append((await describe(uri))[1])
    poller.cancel()
    await asyncio.gather(poller, return_exceptions=True)
    failed = [each.error for each in heard if each.error]
    assert not failed, failed
    return list(heard), took, asked


async def measure(models: Path, runs: int) -> dict[str, float]:
    """Both servers are up all the time and are asked in turn. Without espeak, which would speak for a late engine."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as data:
        (Path(data) / "voices").mkdir()
        for suffix in (".onnx", ".onnx.json"):
            shutil.copy(models / "voices" / f"{VOICE}{suffix}", Path(data) / "voices")
        async with server(data, MEADOWLARK_DISABLED_PLUGINS="[espeak]") as (ours, _, _), wyoming_piper(models) as other:
            sides = (("ours", ours, f"piper/{VOICE}"), ("theirs", other, VOICE))
            for count in (1, 8):
                for _, uri, voice in sides:
                    await listeners(uri, voice, 1)
                rounds = [[await listeners(uri, voice, count) for _, uri, voice in sides] for _ in range(runs)]
                for index, (name, _, _) in enumerate(sides):
                    turns = [each[index] for each in rounds]
                    first = [heard.ttfa for heards, _, _ in turns for heard in heards]
                    found |= {
                        f"{name}.{count}.first_audio_ms.p50": median(first) * 1e3,
                        f"{name}.{count}.first_audio_ms.p95": percentile(first, 95) * 1e3,
                        f"{name}.{count}.total_s": median([took for _, took, _ in turns]),
                        f"{name}.{count}.describe_ms.max": median([max(asked) for _, _, asked in turns]) * 1e3,
                        f"{name}.{count}.audio_s": median([heard.audio for heards, _, _ in turns for heard in heards]),
                    }
                pairs = [
                    [[heard.ttfa for heard in heards] for heards, _, _ in both] for both in rounds
                ]  # of one round: (ours, theirs)
                found[f"wire.first_audio_ratio.{count}"] = median([median(two) / median(one) for one, two in pairs])
                found[f"wire.first_audio_p95_ratio.{count}"] = median(
                    [percentile(two, 95) / percentile(one, 95) for one, two in pairs]
                )
                found[f"wire.total_ratio.{count}"] = median([two[1] / one[1] for one, two in rounds])
    return found


def main() -> None:
    options = arguments(__doc__ or "")
    results = asyncio.run(measure(options.models, options.runs))
    report("wire", results, ["ratios: theirs / ours in the same round; describe: asked every 50 ms meanwhile"])


if __name__ == "__main__":
    main()
