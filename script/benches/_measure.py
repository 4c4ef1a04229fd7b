"""What the benches share: percentiles, a table, the JSON object at the end, a server as a process, a timed client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wyoming.client import AsyncClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many per cent lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def report(bench: str, results: Mapping[str, float | int | str], notes: Sequence[str] = ()) -> None:
    """The table, then the JSON object as the last line."""
    width = max(map(len, results))
    for key, value in results.items():
        print(f"{key.ljust(width)}  {value:.4g}" if isinstance(value, float) else f"{key.ljust(width)}  {value}")
    for note in notes:
        print(f"  {note}")
    rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in results.items()}
    print(json.dumps({"bench": bench, "results": rounded}))


def free_port() -> int:
    """One that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def server(
    data_dir: str, *arguments: str, script: str = "", **environment: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process, float]]:
    """(uri, process, seconds from its start until it answered) of `meadowlark serve`, or of a script."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    serve = ["-m", "meadowlark", "serve", "--uri", uri, "--data-dir", data_dir, *arguments]
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(["-c", script, uri, data_dir] if script else serve),
        env=os.environ | {"MEADOWLARK_ZEROCONF": "false"} | environment,
        stderr=None if os.environ.get("BENCH_LOG") else asyncio.subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                await describe(uri)
                break
            except OSError:
                if process.returncode is not None:
                    sys.exit("the server did not start; run again with BENCH_LOG=1 to see why")
                await asyncio.sleep(0.005)
        yield uri, process, time.perf_counter() - begun
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def tone_plugin(folder: Path, **voices: float) -> dict[str, str]:
    """The environment that has an engine "tone": `rtf` is the speed of its voice "sine", others by name."""
    package, metadata = folder / "bench_tone", folder / "bench_tone-1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    speeds = {"sine" if name == "rtf" else name: rtf for name, rtf in voices.items()}
    (package / "__init__.py").write_text(
        "from meadowlark.api import Voice, hookimpl\n"
        "from meadowlark.testing.engines import tone_manifest\n"
        f"VOICES = tuple(Voice(name, ('en',), options={{'rtf': rtf}}) for name, rtf in {speeds!r}.items())\n"
        "@hookimpl\ndef register_engines(register):\n    register(tone_manifest(voices=VOICES))\n"
    )
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-tone\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[meadowlark]\ntone = bench_tone\n")
    return {"PYTHONPATH": str(folder)}


async def describe(uri: str) -> tuple[Info, float]:
    """Info, and the seconds it took, connecting included."""
    begun = time.perf_counter()
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
    assert event is not None
    return Info.from_event(event), time.perf_counter() - begun


@dataclass
class Heard:
    """A reply as its listener had it. Seconds."""

    ttfa: float = 0.0
    """From the last byte of the request to the first audio."""

    gap: float = 0.0
    """Silence after first audio, of a listener who plays what comes at once."""

    audio: float = 0.0
    bytes: int = 0
    error: str = ""
    arrivals: list[float] = field(default_factory=list)
    """When each chunk came, after the request."""


async def ask(
    uri: str, text: str, voice: str = "", *, stream: bool = False, at_first: Callable[[], None] = lambda: None
) -> Heard:
    """One request on a connection of its own. at_first: called with the first audio."""
    heard = Heard()
    choice = SynthesizeVoice(name=voice) if voice else None
    async with AsyncClient.from_uri(uri) as client:
        if stream:
            await client.write_event(SynthesizeStart(voice=choice).event())
            await client.write_event(SynthesizeChunk(text=text).event())
            await client.write_event(SynthesizeStop().event())
        else:
            await client.write_event(Synthesize(text=text, voice=choice).event())
        asked = time.perf_counter()
        rate, dry = 22050, 0.0
        while event := await client.read_event():
            now = time.perf_counter() - asked
            if event.type == "audio-start":
                rate = event.data["rate"]
            elif event.type == "audio-chunk":
                if not heard.bytes:
                    heard.ttfa = dry = now
                    at_first()
                heard.gap += max(0.0, now - dry)
                seconds = len(event.payload or b"") / 2 / rate
                dry = max(dry, now) + seconds
                heard.audio += seconds
                heard.bytes += len(event.payload or b"")
                heard.arrivals.append(now)
            elif event.type == "error":
                heard.error = event.data["text"]
                return heard
            elif event.type == ("synthesize-stopped" if stream else "audio-stop"):
                return heard
    heard.error = "the connection was closed"
    return heard


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    return 0.0


def children(pid: int) -> list[int]:
    """Every descendant, children first."""
    found: list[int] = []
    for each in Path(f"/proc/{pid}/task").iterdir():
        for child in (each / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found
