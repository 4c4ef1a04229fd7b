"""The store over time: what is wanted comes, what comes and goes is noticed, what fails is tried again; no network."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from meadowlark.api import Asset, EngineManifest, Voice
from meadowlark.errors import DownloadError
from meadowlark.models.download import Report
from meadowlark.models.messages import Line, Order
from meadowlark.models.progress import Chronicle, Meter, describe
from meadowlark.models.shelves import Shelves
from meadowlark.models.state import Downloading, Failed, Missing, Present, Trouble
from meadowlark.models.store import AT_ONCE, RESCAN_SECONDS, Store
from meadowlark.testing.clock import FakeClock

A, B, C = (Asset("meadow/lark", f"{name}.onnx", bytes=4) for name in "abc")

MakeStore = Callable[..., Awaitable[Store]]


class Fetcher:
    """Does as it is told, one order after the other."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.orders: list[Order] = []
        self.trouble: dict[str, Line] = {}
        self.go = asyncio.Event()
        self.go.set()
        self.running = 0
        self.most = 0

    async def __call__(self, order: Order, report: Report) -> None:
        self.orders.append(order)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            report(Line(order.assets[0].key, 1, 4))
            await self.go.wait()
            await asyncio.sleep(0)
            for each in order.assets:
                if line := self.trouble.get(each.key):
                    report(line)
                    return
                path = self.models / order.engine / each.key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"1234")
                report(Line(each.key, 4, 4, 4, done=True))
        finally:
            self.running -= 1


@pytest.fixture
def fetcher(shelves: Shelves) -> Fetcher:
    return Fetcher(shelves.models)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110  whatever it is that changes
            await asyncio.sleep(0.005)


async def test_what_is_wanted_comes_and_is_told(make_store: MakeStore, fetcher: Fetcher) -> None:
    changes: list[frozenset[str]] = []
    store = await make_store({"v": (A,), "w": (B,)}, fetch=fetcher)
    store.on_change = lambda: changes.append(store.absent())
    keeping = asyncio.create_task(store.keep())
    store.want("horn", "w")
    await until(lambda: bool(changes) and changes[-1] == {"horn/v"})
    assert store.state("horn", "w") == Present(store.files("horn", "w"))
    assert store.state("horn", "v") == Missing(4)
    assert store.why("horn", "v") == "is not downloaded (0 kB)"
    keeping.cancel()


async def test_files_that_others_put_there_or_take_away_are_noticed(
    make_store: MakeStore, fetcher: Fetcher, shelves: Shelves
) -> None:
    changes: list[None] = []
    store = await make_store({"v": (A,)}, fetch=fetcher, changed=lambda: changes.append(None), rescan_seconds=0.01)
    keeping = asyncio.create_task(store.keep())
    path = shelves.voices / "horn" / "a.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"1234")
    await until(lambda: store.absent() == frozenset())
    assert changes
    path.unlink()
    await until(lambda: store.absent() == {"horn/v"})
    assert fetcher.orders == []  # nobody wants it
    keeping.cancel()


@pytest.mark.parametrize("turns", range(4))
async def test_keeping_ends_though_a_wish_comes_in_the_same_moment(
    make_store: MakeStore, fetcher: Fetcher, turns: int
) -> None:
    """`asyncio.wait_for` of Python 3.11 loses a cancellation that meets the end of what it waits for."""
    store = await make_store({"v": (A,)}, fetch=fetcher, rescan_seconds=1000)
    keeping = asyncio.create_task(store.keep())
    await asyncio.sleep(0.1)
    store.want("horn", "v")
    for _ in range(turns):
        await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait({keeping}, timeout=10)
    assert keeping.cancelled()


def test_new_voices_are_there_within_the_time_that_home_assistant_takes_to_ask() -> None:
    assert RESCAN_SECONDS <= 30


async def test_a_failure_has_a_reason_and_is_tried_again_in_time(make_store: MakeStore, fetcher: Fetcher) -> None:
    clock = FakeClock()
    fetcher.trouble["a.onnx"] = Line("a.onnx", note="no network", trouble=Trouble.NETWORK)
    store = await make_store({"v": (A,)}, fetch=fetcher, clock=clock, rescan_seconds=0.005)
    keeping = asyncio.create_task(store.keep())
    store.want("horn", "v")
    await until(lambda: isinstance(store.state("horn", "v"), Failed))
    assert store.why("horn", "v") == "could not be downloaded: no network"
    clock.now += 29
    await asyncio.sleep(0.05)
    assert len(fetcher.orders) == 1
    clock.now += 1
    await until(lambda: len(fetcher.orders) == 2)
    await until(lambda: store.state("horn", "v") == Failed("no network", Trouble.NETWORK, clock.now + 60, 2))
    fetcher.trouble.clear()
    clock.now += 60
    await until(lambda: isinstance(store.state("horn", "v"), Present))
    keeping.cancel()


async def test_a_failure_stops_only_who_needs_the_file(make_store: MakeStore, fetcher: Fetcher) -> None:
    fetcher.trouble["b.onnx"] = Line("b.onnx", note="gone", trouble=Trouble.ABSENT)
    store = await make_store({"v": (A,), "w": (B,), "x": (A, B)}, C, fetch=fetcher)
    await store.fetch("horn", "v")
    for voice in ("w", "x"):
        with pytest.raises(DownloadError, match=f"horn/{voice} could not be downloaded: gone"):
            await store.fetch("horn", voice)
    assert store.absent() == {"horn/w", "horn/x"}


async def test_shared_files_are_ordered_once(make_store: MakeStore, fetcher: Fetcher) -> None:
    store = await make_store({"v": (A,), "w": (A, B)}, C, fetch=fetcher)
    fetcher.go.clear()
    first = asyncio.create_task(store.fetch("horn", "v"))  # each looks at the disk in a thread: in turn, or any may win
    await until(lambda: len(fetcher.orders) == 1)
    rest = asyncio.gather(store.fetch("horn", "w"), store.fetch("horn"))
    await until(lambda: len(fetcher.orders) == 2)
    assert isinstance(store.state("horn", "w"), Downloading)
    assert {each.name for each in store.transfers} == {"horn/v", "horn/w"}
    fetcher.go.set()
    await asyncio.gather(first, rest)
    assert [each.path for order in fetcher.orders for each in order.assets] == ["c.onnx", "a.onnx", "b.onnx"]
    assert store.transfers == ()


async def test_optional_files_come_too_and_are_not_asked_for_all_the_time(
    make_store: MakeStore, fetcher: Fetcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    extra = replace(B, optional=True)
    fetcher.trouble["b.onnx"] = Line("b.onnx", note="gone", trouble=Trouble.ABSENT)
    store = await make_store({"v": (extra,)}, fetch=fetcher, rescan_seconds=0.005)
    keeping = asyncio.create_task(store.keep())
    store.want("horn", "v")
    await until(lambda: len(fetcher.orders) == 1)
    await asyncio.sleep(0.05)
    assert len(fetcher.orders) == 1
    assert store.state("horn", "v") == Present()
    assert "Downloaded" not in caplog.text
    keeping.cancel()


async def test_a_look_at_the_disk_does_not_deny_what_came_meanwhile(
    make_store: MakeStore, fetcher: Fetcher, shelves: Shelves
) -> None:
    """It began before the file was there and ends after the file's download."""
    seen, go_on = threading.Event(), threading.Event()

    class Slow(Shelves):
        def find(self, engine: str, asset: Asset) -> Path | None:
            path = super().find(engine, asset)
            if not seen.is_set():
                seen.set()
                go_on.wait(10)
            return path

    store = await make_store({"v": (A,)}, fetch=fetcher)
    store.shelves = Slow(shelves.voices, shelves.models)
    looking = asyncio.create_task(store.refresh())
    await until(seen.is_set)
    fetching = asyncio.create_task(store.fetch("horn", "v"))
    await asyncio.sleep(0.05)
    go_on.set()
    await asyncio.gather(looking, fetching)
    assert isinstance(store.state("horn", "v"), Present)
    assert len(fetcher.orders) == 1


async def test_a_voice_that_has_gone_has_no_files_and_ends_no_keeping(make_store: MakeStore, fetcher: Fetcher) -> None:
    """Its plugin, or its own file, is not there any more; a catalog of before names it for a moment still."""
    fetcher.go.clear()
    store = await make_store({"v": (A,), "w": (B,)}, fetch=fetcher, rescan_seconds=0.005)
    store.want("horn", "w")
    only_v = (Voice("v", ("en-US",), assets=(A,)),)
    await store.install([EngineManifest("horn", "Horn", "MIT", "nowhere:Nothing", 16_000, only_v)])
    assert store.files("horn", "w") == {}
    assert store.state("horn", "w") == Missing(0)
    assert store.state("drum") == Missing(0)
    keeping = asyncio.create_task(store.keep())
    store.want("horn", "v")
    await until(lambda: len(fetcher.orders) == 1)
    assert not keeping.done()
    keeping.cancel()
    fetcher.go.set()


async def test_few_downloads_at_once(make_store: MakeStore, fetcher: Fetcher) -> None:
    assets = {str(number): (Asset("a/b", f"{number}.onnx", bytes=4),) for number in range(8)}
    store = await make_store(assets, fetch=fetcher)
    fetcher.go.clear()
    waiting = asyncio.gather(*(store.fetch("horn", voice) for voice in assets))
    await until(lambda: len(store.transfers) == 8 and fetcher.running == AT_ONCE)
    fetcher.go.set()
    await waiting
    assert fetcher.most == AT_ONCE
    assert len(fetcher.orders) == 8


async def test_a_download_that_ends_without_the_file_is_a_failure(make_store: MakeStore) -> None:
    async def nothing(order: Order, report: Report) -> None:
        pass

    store = await make_store({"v": (A,)}, fetch=nothing)
    with pytest.raises(DownloadError, match=r"a\.onnx .*came, but is not"):
        await store.fetch("horn", "v")
    assert isinstance(store.state("horn", "v"), Failed)  # not tried again every few seconds


async def test_a_voice_without_files_needs_nothing(make_store: MakeStore, fetcher: Fetcher) -> None:
    store = await make_store({"v": ()}, fetch=fetcher)
    assert store.state("horn", "v") == Present()
    assert await store.fetch("horn", "v") == {}
    assert fetcher.orders == []


async def test_the_option_decides_what_is_fetched(make_store: MakeStore, fetcher: Fetcher) -> None:
    one, two = replace(A, option="model", value="one"), replace(B, option="model", value="two")
    store = await make_store({"v": ()}, one, two, fetch=fetcher, options={"horn": {"model": "two"}})
    assert list(await store.fetch("horn", "v")) == ["b.onnx"]


async def test_what_was_there_after_all_has_no_size_in_the_log(
    make_store: MakeStore, fetcher: Fetcher, caplog: pytest.LogCaptureFixture
) -> None:
    """Another process brought it, and the plugin does not know how large it is."""

    async def bring(order: Order, _report: Report) -> None:
        (fetcher.models / order.engine).mkdir(parents=True)
        (fetcher.models / order.engine / A.key).write_bytes(b"1234")

    caplog.set_level(logging.INFO)
    store = await make_store({"v": (replace(A, bytes=0),)}, fetch=bring, clock=FakeClock())
    await store.fetch("horn", "v")
    assert "Downloaded horn/v in 0 s" in caplog.text


async def test_the_log_says_what_comes_and_what_failed(
    make_store: MakeStore, fetcher: Fetcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fetcher.trouble["b.onnx"] = Line("b.onnx", note="the disk is full", trouble=Trouble.DISK)
    store = await make_store({"v": (A,), "w": (B,)}, fetch=fetcher, clock=FakeClock())
    await store.fetch("horn", "v")
    with pytest.raises(DownloadError):
        await store.fetch("horn", "w")
    text = caplog.text
    assert "Downloading horn/v (0 kB)" in text
    assert "Downloaded horn/v: 0 kB in 0 s" in text
    assert "b.onnx of horn could not be downloaded: the disk is full" in text


def lines_logged(seconds: int, megabyte_per_second: float) -> list[tuple[int, str]]:
    chronicle, said = Chronicle(0), []
    meter = Meter("horn", "v", [replace(A, bytes=100_000_000)], 0)
    for now in range(seconds + 1):
        done = int(min(100e6, now * megabyte_per_second * 1e6))
        if line := chronicle.line(meter.take(Line("a.onnx", done, 0, done), now), now):
            said.append((now, line))
    return said


def test_the_log_hears_of_each_tenth_but_not_too_often() -> None:
    assert [at for at, _ in lines_logged(9, 11)] == []  # a quick one: the first and the last line say it all
    assert [at for at, _ in lines_logged(100, 1)] == list(range(10, 101, 10))
    assert [at for at, _ in lines_logged(240, 0.1)] == [60, 120, 180, 240]  # at least one a minute
    assert lines_logged(100, 1)[1][1] == "20 MB of 100 MB (20 %), 1.0 MB/s, 80 s left"


def test_a_wait_is_said_once() -> None:
    chronicle, meter = Chronicle(0), Meter("horn", "v", [A], 0)
    asks = Line("a.onnx", note="asks the server")  # as before each wait
    assert not chronicle.line(meter.take(asks, 0), 0)
    waits = [Line("a.onnx", note=f"too many requests; goes on in {30 - now} s") for now in range(8)]
    said = [chronicle.line(meter.take(line, now), now) for now, line in enumerate(waits)]
    assert [bool(line) for line in said] == [True] + [False] * 7
    assert "too many requests" in said[0]


def test_progress_of_several_files_is_one() -> None:
    meter = Meter("horn", "v", [A, B], 0)
    assert (meter.progress.done, meter.progress.total) == (0, 8)
    meter.take(Line("a.onnx", 4, 4, 4), 1)
    progress = meter.take(Line("b.onnx", 2, 6, 2), 2)
    assert (progress.done, progress.total, progress.file) == (6, 10, "b.onnx")
    assert describe(progress).startswith("0 kB of 0 kB (60 %)")


def test_nothing_heavy_comes_with_the_store() -> None:
    code = "import sys, meadowlark.models.store, meadowlark.models.inventory; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {each.partition(".")[0] for each in loaded} & {"huggingface_hub", "httpx", "httpx2", "requests", "tqdm"}
