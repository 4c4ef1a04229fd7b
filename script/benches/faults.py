"""What each fault costs: broken plugins, engines and clients against a real server, and what the client got.

Options: --clients N (2000 hostile ones), --quick.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import struct
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from _measure import Heard, ask, children, describe, report, rss_mb, server

PLUGINS = {
    "good": """
from dataclasses import replace
from meadowlark.api import Voice
from meadowlark.testing.engines import faulty_manifest
from meadowlark.testing.faults import FAULTS
@hookimpl
def register_engines(register):
    voices = tuple(
        Voice(f"{fault}-{after}{'-once' if once else ''}", ("en",),
              options={"fault": fault, "fault_after": after, "fault_once": once})
        for fault in FAULTS for after in (0, 2) for once in (False, True)
    )
    register(replace(faulty_manifest("faulty"), voices=voices + (Voice("well", ("en",)),)))
""",
    "raises": "raise RuntimeError('broken at import')\n",
    "hangs": "import time\ntime.sleep(3600)\n",
    "exits": "import os\nos._exit(3)\n",
    "prints": "print('noise' * 1000)\n"
    "from meadowlark.testing.engines import tone_manifest\n"
    "@hookimpl\ndef register_engines(register):\n    register(tone_manifest('loud'))\n",
}
ENGINE_FAULTS = (
    "raise",
    "segfault",
    "exit",
    "print",
    "nan",
    "nothing",
    "zeros",
    "wrong_type",
    "memory_error",
    "device_memory_error",
    "stop",
    "hang",
)
TEXT = "The light in the kitchen is on."


def install(folder: Path) -> dict[str, str]:
    """The environment in which all these plugins are installed."""
    for name, code in PLUGINS.items():
        package, metadata = folder / f"bench_{name}", folder / f"bench_{name}-1.0.dist-info"
        package.mkdir()
        metadata.mkdir()
        (package / "__init__.py").write_text(f"from meadowlark.api import hookimpl\n{code}")
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bench-{name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[meadowlark]\n{name} = bench_{name}\n")
    return {"PYTHONPATH": str(folder)}


def told(heard: Heard) -> str:
    """What the client got, in words."""
    audio = f"{heard.audio:.2f} s of audio" if heard.bytes else "no audio"
    return f"{audio}, then error: {heard.error}" if heard.error else f"{audio}, complete"


async def engine_faults(uri: str, quick: bool) -> tuple[list[tuple[str, str]], int]:
    """(fault, what the client got) and how many ended in silence that looks like success."""
    rows = []
    silent = 0
    for fault in ENGINE_FAULTS:
        if quick and fault in ("hang", "stop"):
            continue
        for voice in (f"{fault}-0", f"{fault}-2", f"{fault}-2-once"):
            begun = time.perf_counter()
            heard = await ask(uri, TEXT, f"faulty/{voice}")
            silent += not heard.error and not heard.bytes
            rows.append((f"engine {voice}", f"{told(heard)} ({time.perf_counter() - begun:.1f} s)"))
        good = await ask(uri, TEXT, "espeak/en-us")
        assert not good.error, f"after {fault}: {good.error}"
        while (await ask(uri, TEXT, "faulty/well")).error:  # noqa: ASYNC110  rests after many deaths, then speaks again
            await asyncio.sleep(1)
    return rows, silent


class Hostile:
    """Clients that nobody wants; each does its harm and is gone."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        self._host, self._port = parts.hostname or "", parts.port or 0

    @contextlib.asynccontextmanager
    async def _connected(self):
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _rest(self, reader: asyncio.StreamReader) -> str:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                data = await reader.read(300)
                return data.decode(errors="replace").replace("\n", " ")[-120:] or "closed"
        return "nothing, yet"

    async def vanishes(self) -> str:
        async with self._connected() as (reader, writer):
            writer.write(b'{"type": "synthesize", "data": {"text": "' + b"A long story. " * 200 + b'"}}\n')
            await reader.read(1000)
        return "was heard to leave"

    async def half_an_event(self) -> str:
        async with self._connected() as (reader, writer):
            writer.write(b'{"type": "synthesize", "data_length": 500}\n{"text": "never fin')
            writer.write_eof()
            return await self._rest(reader)

    async def huge_header(self) -> str:
        async with self._connected() as (reader, writer):
            with contextlib.suppress(OSError):
                for _ in range(160):
                    writer.write(b"x" * 65536)
                    await writer.drain()
            return await self._rest(reader)

    async def garbage(self) -> str:
        async with self._connected() as (reader, writer):
            with contextlib.suppress(OSError):
                writer.write(random.randbytes(500) + b"\n")
                return await self._rest(reader)
        return "closed"

    async def huge_length(self) -> str:
        async with self._connected() as (reader, writer):
            writer.write(b'{"type": "synthesize", "payload_length": 99999999999}\n')
            return await self._rest(reader)

    async def never_reads(self) -> str:
        async with self._connected() as (_, writer):
            sock = writer.get_extra_info("socket")
            sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SOL_SOCKET, SO_LINGER: a reset at the end
            writer.transport.pause_reading()
            writer.write(b'{"type": "synthesize", "data": {"text": "' + b"A long story. " * 2000 + b'"}}\n')
            await asyncio.sleep(0.2)
        return "was held back, then left"

    @property
    def kinds(self):
        """All of them."""
        return (self.vanishes, self.half_an_event, self.huge_header, self.garbage, self.huge_length, self.never_reads)


def open_files(pid: int) -> int:
    """Descriptors of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def swarm(uri: str, pid: int, count: int) -> dict[str, float]:
    """So many hostile clients, twenty at a time, beside a listener who must notice nothing."""
    hostile = Hostile(uri)
    await asyncio.gather(*(kind() for kind in hostile.kinds for _ in range(5)))
    before, descriptors = rss_mb(pid), open_files(pid)
    busy = asyncio.Semaphore(20)
    gaps: list[Heard] = []
    done = asyncio.Event()

    async def one(number: int) -> None:
        async with busy:
            with contextlib.suppress(OSError):
                await hostile.kinds[number % len(hostile.kinds)]()

    async def listen() -> None:
        while not done.is_set():
            gaps.append(await ask(uri, "One. Two is here. Three is here. Four.", "espeak/en-us", stream=True))
            await asyncio.sleep(0.05)

    listener = asyncio.create_task(listen())
    await asyncio.gather(*(one(number) for number in range(count)))
    done.set()
    await listener
    await asyncio.sleep(1)
    assert not [each.error for each in gaps if each.error]
    return {
        "hostile_clients": count,
        "rss_before_mb": before,
        "rss_after_mb": rss_mb(pid),
        "descriptors_more": open_files(pid) - descriptors,
        "listener_replies": len(gaps),
        "listener_gap_s_max": max(each.gap for each in gaps),
        "listener_ttfa_ms_max": max(each.ttfa for each in gaps) * 1e3,
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2000, help="hostile clients (2000)")
    parser.add_argument("--quick", action="store_true", help="few, to see that it works; without the hanging engine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as data:
        async with server(data, **install(Path(folder))) as (uri, process, ready):
            info, _ = await describe(uri)
            programs = [program.name for program in info.tts]
            rows = [("plugins that raise, hang, exit, print", f"ready after {ready:.1f} s with {', '.join(programs)}")]
            found, silent = await engine_faults(uri, options.quick)
            rows += found
            for kind in Hostile(uri).kinds:
                rows.append((f"client {kind.__name__}", await kind()))
            results: dict[str, float | int] = {"faults": len(rows), "silent": silent}
            results |= await swarm(uri, process.pid, 100 if options.quick else options.clients)
            results["server_alive"] = int(process.returncode is None)
            workers = len(children(process.pid))
        results["processes_left"] = len(children(os.getpid()))
        results["workers_and_nurseries"] = workers
    for what, got in rows:
        print(f"{what:<38} {got}")
    print()
    report("faults", results)


if __name__ == "__main__":
    asyncio.run(main())
