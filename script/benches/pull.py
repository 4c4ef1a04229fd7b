"""Pulling a file from a hub on loopback that is cut off three times: whole, nothing twice, memory flat, how fast.

The same with huggingface_hub's own `hf_hub_download`, for comparison. Options: --mb N (300), --quick (30).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from _measure import children, report

from meadowlark.api import Asset
from meadowlark.models.download import download
from meadowlark.models.messages import Line, Order
from meadowlark.testing.hub import File, Hub, serve

CUTS = (0.23, 0.37, 0.13)
"""Shares of the file after which the connection is reset, each counted from where the one before ended."""

THEIRS = """
import sys
from huggingface_hub import hf_hub_download
print(hf_hub_download("bench/pull", "model.bin", local_dir=sys.argv[1]))
"""

Pull = Callable[[Hub, Asset, Path], Awaitable[Path]]


@dataclass
class Run:
    """One download. Megabytes are 10⁶ bytes."""

    seconds: float = 0.0
    twice: int = 0
    """Bytes that the hub sent beyond the file's size."""
    peak_mb: float = 0.0
    early_mb: float = 0.0
    """Resident when a tenth had come."""
    whole: bool = False


async def watch(run: Run, arrived: Callable[[], float], ended: asyncio.Event) -> None:
    """Note the memory of whatever process downloads."""
    while not ended.is_set():
        for pid in children(os.getpid()):
            most, now = memory_mb(pid)
            run.peak_mb = max(run.peak_mb, most)
            if arrived() < 0.1:
                run.early_mb = max(run.early_mb, now)
        await asyncio.sleep(0.02)


def memory_mb(pid: int) -> tuple[float, float]:
    """(peak, now) of a process; zeros when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    fields = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("VmHWM", "VmRSS"))}
    return int(fields.get("VmHWM", 0)) / 1000, int(fields.get("VmRSS", 0)) / 1000


async def ours(hub: Hub, asset: Asset, folder: Path) -> Path:
    """By the store's fetcher."""
    lines: list[Line] = []
    order = Order("bench", (asset,), str(folder), reserve=0)
    await download(order, lines.append, {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf")})
    if not lines[-1].done:
        sys.exit(f"not downloaded: {lines[-1].note}")
    return folder / "bench" / asset.key


async def theirs(hub: Hub, _: Asset, folder: Path) -> Path:
    """By huggingface_hub, as a script would; run again until it succeeds, as a person would."""
    for _attempt in range(6):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", THEIRS, str(folder)),
            env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _err = await process.communicate()
        if not process.returncode:
            return Path(out.decode().split()[-1])
    sys.exit("hf_hub_download did not succeed in 6 attempts")


async def measure(pull: Pull, data: bytes, digest: str, cuts: list[int]) -> Run:
    """One pull into an empty folder."""
    run, ended = Run(), asyncio.Event()
    file = File(data, cuts=list(cuts))
    with serve({"bench/pull/model.bin": file}) as hub, tempfile.TemporaryDirectory() as folder:
        watching = asyncio.create_task(watch(run, lambda: file.sent / len(data), ended))
        begun = time.perf_counter()
        path = await pull(hub, Asset("bench/pull", "model.bin", sha256=digest, bytes=len(data)), Path(folder))
        run.seconds = time.perf_counter() - begun
        ended.set()
        await watching
        run.twice = file.sent - len(data)
        with path.open("rb") as whole:
            run.whole = hashlib.file_digest(whole, "sha256").hexdigest() == digest
    return run


async def main() -> None:
    """All runs; exit status 1 when a file did not end right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=300, help="size of the file (300)")
    parser.add_argument("--quick", action="store_true", help="30 MB")
    given = parser.parse_args()
    size = (30 if given.quick else given.mb) * 1_000_000
    data = (os.urandom(1_000_003) * (size // 1_000_003 + 1))[:size]
    digest = hashlib.sha256(data).hexdigest()
    cuts = [int(size * share) for share in CUTS]
    results: dict[str, float | int | str] = {"mb": size / 1e6, "cuts": len(cuts)}
    right = True
    for name, pull in (("ours", ours), ("hf_hub_download", theirs)):
        measured = partial(measure, pull, data, digest)
        smooth, cut = await measured([]), await measured(cuts)
        right &= smooth.whole and cut.whole
        results |= {
            f"whole.{name}": int(cut.whole),
            f"bytes_twice.{name}": cut.twice,
            f"mb_per_second.{name}": size / 1e6 / smooth.seconds,
            f"seconds_cut.{name}": cut.seconds,
            f"peak_mb.{name}": max(smooth.peak_mb, cut.peak_mb),
            f"growth_mb.{name}": max(each.peak_mb - each.early_mb for each in (smooth, cut)),
        }
    notes = [
        "mb_per_second: without cuts, from the start of the process to the checked file under its name",
        "seconds_cut: with them; each cut costs a pause of 1 s",
        "bytes_twice: sent by the hub beyond the file's size, what was under way when the connection broke included",
    ]
    report("pull", results, notes)
    if not right:
        sys.exit(1)


if __name__ == "__main__":
    asyncio.run(main())
