"""What residency costs on a real GPU: loads, reloads, bytes really back after eviction, and a neighbour that grows.

Without a GPU, or without torch, the same engines and the same neighbour take RAM, and the report says so.
Options: --sizes GB,GB (1.2,3), --rounds N (5), --share GB for the neighbour test (4 times the first size), --device.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from _ballast import write_weights
from _measure import median, report
from _memory import Machine

from meadowlark.api import EngineManifest, Utterance, Voice
from meadowlark.residency.devices import Devices, LocalDevices, Memory
from meadowlark.residency.keeper import Keeper
from meadowlark.residency.supervisor import Budget, Supervisor
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.process import Launch, WorkerProcess, start

HERE = Path(__file__).parent
VOICE = Voice("tone", ("en",))
RATE = 22050
BACK_SECONDS = 10.0
BACK_WITHIN = 32_000_000
"""Bytes by which free memory wanders by itself."""

TEXT = "The light in the kitchen is on, and the window in the hall is open."


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1.2,3", metavar="GB,GB", help="of the models (1.2,3)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="loads of each (5)")
    parser.add_argument("--share", type=float, metavar="GB", help="memory of the neighbour test (4 × the first size)")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="in which the neighbour grows (6)")
    parser.add_argument("--device", help='"cuda:0" or "cpu" (the first GPU, if there is one)')
    parser.add_argument("--folder", help="where the models are written (the system's temporary folder)")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    asyncio.run(_bench(options))


async def _bench(options: argparse.Namespace) -> None:
    devices = LocalDevices()
    device, notes = _choose(devices, options.device)
    sizes = [float(each) for each in options.sizes.split(",")]
    results: dict[str, float | int | str] = {"device": device, "name": _memory(devices, device).name or "RAM"}
    with tempfile.TemporaryDirectory(prefix="meadowlark-bench-", dir=options.folder) as scratch:
        nurseries = Nurseries()
        try:
            begun = time.perf_counter()
            await nurseries.warm("bench", None, _preload(device))
            results["nursery_s"] = time.perf_counter() - begun
            if device != "cpu":
                results |= await _context(devices, device, nurseries, Path(scratch))
            for size in sizes:
                weights = Path(scratch) / f"{size:g}.safetensors"
                write_weights(weights, int(size * 1e9))
                results |= await _reloads(devices, device, nurseries, weights, f"{size:g}gb", options.rounds)
                if size != sizes[0]:
                    weights.unlink()
            weights = Path(scratch) / f"{sizes[0]:g}.safetensors"
            context = int(float(results.get("context_mb", 0)) * 1e6)
            share = int(options.share * 1e9) if options.share else 4 * (int(sizes[0] * 1e9) + context)
            async with _only(devices, device, share, context) as narrow:
                results |= await _neighbour(narrow, device, nurseries, weights, share, options.seconds)
        finally:
            await nurseries.close()
    report("gpu-residency", results, notes)


def _choose(devices: LocalDevices, wanted: str | None) -> tuple[str, list[str]]:
    """The device to measure, and what must be said about it."""
    gpus = [memory.device for memory in devices.read() if memory.device != "cpu"]
    torch = importlib.util.find_spec("torch") is not None
    if wanted == "cpu" or (wanted is None and not (gpus and torch)):
        missing = "no GPU" if not gpus else "no torch" if not torch else "--device cpu"
        return "cpu", [f"NOT A GPU ({missing}): engines copy their weights into RAM, a neighbour takes RAM."]
    if wanted not in (None, *gpus):
        sys.exit(f"there is no {wanted}: {', '.join(gpus) or 'NVML shows no GPU'}")
    if not torch:
        sys.exit(f"{sys.executable} has no torch, through which the bench uses the GPU; try --device cpu")
    return wanted or gpus[0], []


async def _context(devices: Devices, device: str, nurseries: Nurseries, scratch: Path) -> dict[str, float]:
    """What a process costs on the GPU before it has a single weight."""
    before = _free(devices, device)
    worker = await start(_launch(devices, device, scratch), nurseries)
    held = before - _free(devices, device)
    await worker.stop()
    return {"context_mb": held / 1e6}


async def _reloads(
    devices: Devices, device: str, nurseries: Nurseries, weights: Path, name: str, rounds: int
) -> dict[str, float]:
    """Loads and evictions of one model: seconds, and what the device shows before and after."""
    taken, back, missing, load, warm, evict, back_after = ([] for _ in range(7))
    first = 0.0
    for _ in range(rounds):
        before = await _settled(devices, device)
        begun = time.perf_counter()
        worker = await start(_launch(devices, device, weights.parent, weights), nurseries)
        seconds = time.perf_counter() - begun
        first = first or seconds
        load.append(seconds)
        warm.append(worker.loaded.warm_up_seconds)
        loaded = _free(devices, device)
        taken.append(before - loaded)
        begun = time.perf_counter()
        await worker.stop()
        evict.append(time.perf_counter() - begun)
        after, waited = await _come_back(devices, device, before)
        back_after.append(waited)
        back.append(after - loaded)
        missing.append(before - after)
    return {
        f"{name}.held_mb": median(taken) / 1e6,
        f"{name}.back_mb": median(back) / 1e6,
        f"{name}.missing_mb": max(missing) / 1e6,
        f"{name}.first_load_s": first,
        f"{name}.reload_s": median(load[1:] or load),
        f"{name}.warm_up_s": median(warm),
        f"{name}.evict_ms": median(evict) * 1e3,
        f"{name}.back_after_ms": max(back_after) * 1e3,
    }


async def _neighbour(
    devices: Devices, device: str, nurseries: Nurseries, weights: Path, share: int, seconds: float
) -> dict[str, float | int | str]:
    """A program grows by half of what there is while we speak, with three engines resident."""
    size, reserve = _bytes_of(weights), share // 16

    async def start_worker(launch: Launch) -> WorkerProcess:
        return await start(launch, nurseries)

    supervisor = Supervisor(start_worker, devices, Budget(reserve=reserve))
    names = [f"ballast-{number}" for number in range(3)]
    kind = device.partition(":")[0]
    manifest = EngineManifest("", "Ballast", "Apache-2.0", "_ballast:Ballast", RATE, (VOICE,), memory={kind: size})
    launch = _launch(devices, device, weights.parent, weights)
    supervisor.install((replace(manifest, id=name), replace(launch, engine=name)) for name in names)
    keeper = asyncio.create_task(Keeper(supervisor).run())
    try:
        for name in names:
            with supervisor.lease(name) as lease:
                async with aclosing(lease.speak(Utterance("Hm.", VOICE, "en"))) as chunks:
                    async for _ in chunks:
                        pass
        resident = sum(each.ready for each in supervisor.engines)
        growing = asyncio.create_task(_grow(devices, device, share // 2, seconds))
        gap, replies = await _speak_on(supervisor, names[0], growing)
        ooms, least = await growing
        left = sum(each.ready for each in supervisor.engines)
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await supervisor.close()
    return {
        "neighbour.resident_before": resident,
        "neighbour.resident_after": left,
        "neighbour.oom": ooms,
        "neighbour.least_free_mb": least / 1e6,
        "neighbour.replies": replies,
        "neighbour.gap_s": gap,
    }


async def _speak_on(supervisor: Supervisor, name: str, while_: asyncio.Task[tuple[int, int]]) -> tuple[float, int]:
    """Sentences without a pause until the task is done: (seconds of silence a listener heard, sentences)."""
    gap, dry, sentences = 0.0, 0.0, 0
    with supervisor.lease(name) as lease:
        while not while_.done():
            async with aclosing(lease.speak(Utterance(TEXT, VOICE, "en"), runs_dry_at=dry or None)) as chunks:
                async for chunk in chunks:
                    now = time.monotonic()
                    gap += max(0.0, now - dry) if dry else 0.0
                    dry = max(dry, now) + len(chunk) / 2 / RATE
            sentences += 1
            await asyncio.sleep(max(0.0, dry - time.monotonic() - 2.0))  # never more than 2 s ahead
    return gap, sentences


async def _grow(devices: Devices, device: str, size: int, seconds: float, steps: int = 16) -> tuple[int, int]:
    """A neighbour takes so much, step by step: (how often it ran out of memory, least bytes that were ever free).

    In RAM, of which we count only our own, it has run out when nothing was left of the share.
    """
    least = _free(devices, device)
    async with _holder(device, 0, size // steps, steps, seconds / steps) as process:
        assert process.stdout
        if isinstance(devices, Machine):
            devices.neighbour = process.pid
        reading = asyncio.create_task(_lines(process.stdout, steps + 1))
        grown = 0.0
        while not grown or time.monotonic() < grown + 2.5:  # what it set off has its two seconds
            least = min(least, _free(devices, device))
            await asyncio.sleep(0.02)
            grown = grown or (time.monotonic() if reading.done() else 0.0)
    ooms = sum(line != b"ok" for line in reading.result())
    return ooms + (device == "cpu" and least <= 0), least


async def _lines(stream: asyncio.StreamReader, count: int) -> list[bytes]:
    return [(await stream.readline()).strip() for _ in range(count)]


@asynccontextmanager
async def _only(devices: Devices, device: str, share: int, context: int) -> AsyncIterator[Devices]:
    """The devices as if this one had only so much free: on a GPU somebody holds the rest, of RAM nobody else counts."""
    spare = _free(devices, device) - share - context
    if spare < 0:
        sys.exit(f"{device} has {(share + spare) / 1e9:.1f} GB free, not {share / 1e9:.1f}: choose a smaller --share")
    if device == "cpu":
        yield Machine(share)  # a machine that does other things takes and gives as much at any time
        return
    async with _holder(device, spare, 0, 0, 0.0) as process:
        assert process.stdout
        if (await process.stdout.readline()).strip() != b"ok":
            sys.exit(f"could not take {spare / 1e9:.1f} GB of {device}")
        yield devices


@asynccontextmanager
async def _holder(device: str, *numbers: float) -> AsyncIterator[asyncio.subprocess.Process]:
    arguments = [str(HERE / "_ballast.py"), device, *map(str, numbers)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _launch(devices: Devices, device: str, folder: Path, weights: Path | None = None) -> Launch:
    return Launch(
        "bench",
        "_ballast:Ballast",
        RATE,
        preload=_preload(device),
        device=device,
        visible=_memory(devices, device).uuid,
        data_dir=folder,
        options={"weights": str(weights)} if weights else {},
    )


def _bytes_of(path: Path) -> int:
    return path.stat().st_size


def _preload(device: str) -> tuple[str, ...]:
    return ("torch",) if device != "cpu" else ()


def _memory(devices: Devices, device: str) -> Memory:
    for memory in devices.read():
        if memory.device == device:
            return memory
    sys.exit(f"{device} cannot be read any more")


def _free(devices: Devices, device: str) -> int:
    return _memory(devices, device).free


async def _settled(devices: Devices, device: str) -> int:
    """Free memory once it stands still."""
    last = _free(devices, device)
    for _ in range(50):
        await asyncio.sleep(0.1)
        now = _free(devices, device)
        if abs(now - last) < BACK_WITHIN // 4:
            return now
        last = now
    return last


async def _come_back(devices: Devices, device: str, before: int) -> tuple[int, float]:
    """(free memory when all of it is back, or after BACK_SECONDS; seconds until then)."""
    begun = time.perf_counter()
    while True:
        free, waited = _free(devices, device), time.perf_counter() - begun
        if free >= before - BACK_WITHIN or waited > BACK_SECONDS:
            return free, waited
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    main()
