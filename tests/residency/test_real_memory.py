"""The supervisor and the keeper with real processes that hold real memory: evictions, a neighbour, faults, restarts."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from meadowlark.api import EngineManifest
from meadowlark.catalog import Catalog, VoiceRequest
from meadowlark.fallbacks import Wishes
from meadowlark.plugins import Registry
from meadowlark.residency.devices import LocalDevices, Memory
from meadowlark.residency.keeper import Keeper
from meadowlark.residency.ledger_file import LedgerFile
from meadowlark.residency.supervisor import Budget, Supervisor
from meadowlark.speech import Speaker, SpeechRequest
from meadowlark.testing.engines import tone_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.process import Launch, WorkerProcess, start

MB = 1_000_000
WORKER = 25 * MB
"""What a worker takes beside its ballast, at most."""

TEXT = "Hello there."
SECONDS = 0.06 * len(TEXT)


@pytest.fixture(autouse=True)
def nobody_left_behind() -> Iterator[None]:
    """No child, not even a zombie, outlives a test; those that libraries keep for other tests were there before."""
    before = set(children(os.getpid()))
    yield
    assert set(children(os.getpid())) - before == set()


def children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):  # it has ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):  # a thread of it has
                found += map(int, (task / "children").read_text().split())
    return found


def workers() -> list[int]:
    return [worker for nursery in children(os.getpid()) for worker in children(nursery)]


def held(pid: int) -> int:
    """Bytes of a process, pages shared with others in proportion."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


class Machine:
    """Devices of one "cpu" with so many bytes, of which workers and a neighbour hold what they really hold."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.neighbour = 0

    def read(self) -> tuple[Memory, ...]:
        taken = sum(map(held, workers())) + (held(self.neighbour) if self.neighbour else 0)
        return (Memory("cpu", self.total, max(0, self.total - taken)),)

    def used_by(self, pid: int) -> dict[str, int]:
        return {}


class House:
    """Engines that hold the memory they say, in processes of their own."""

    def __init__(self, supervisor: Supervisor, speaker: Speaker, keeper: Keeper) -> None:
        self.supervisor, self.speaker, self.keeper = supervisor, speaker, keeper

    async def say(self, engine: str, text: str = TEXT) -> float:
        """Seconds of audio."""

        async def chunks() -> AsyncIterator[str]:
            yield text

        seconds = 0.0
        async with aclosing(self.speaker.speak(SpeechRequest(chunks(), VoiceRequest(f"{engine}/sine")))) as pieces:
            async for pcm in pieces:
                seconds += len(pcm.data) / 2 / pcm.rate
        return seconds

    def pid(self, engine: str) -> int:
        worker = self.supervisor.engine(engine).worker
        assert worker
        return worker.pid

    @property
    def resident(self) -> list[str]:
        return [each.id for each in self.supervisor.engines if each.ready]


def engine(name: str, size: int, **options: float) -> tuple[EngineManifest, Launch]:
    manifest = replace(tone_manifest(name, **options), memory={"cpu": size + WORKER})
    return manifest, Launch(
        name, manifest.pipeline, manifest.sample_rate, preload=manifest.preload, options={"memory_bytes": size}
    )


@asynccontextmanager
async def open_house(
    folder: Path,
    *engines: tuple[EngineManifest, Launch],
    devices: LocalDevices | Machine | None = None,
    budget: Budget | None = None,
    wishes: Wishes | None = None,
    file: LedgerFile | None = None,
) -> AsyncIterator[House]:
    nurseries = Nurseries()

    async def start_worker(launch: Launch) -> WorkerProcess:
        return await start(launch, nurseries)

    supervisor = Supervisor(
        start_worker, devices or LocalDevices(), budget or Budget(0, 0), file.read() if file else None
    )
    supervisor.install((manifest, replace(launch, data_dir=folder / manifest.id)) for manifest, launch in engines)
    catalog = Catalog(Registry(engines=tuple(manifest for manifest, _ in engines)))
    speaker = Speaker(catalog, supervisor, wishes=wishes or Wishes(allowed=False))
    try:
        yield House(supervisor, speaker, Keeper(supervisor, file))
    finally:
        await supervisor.close()
        await nurseries.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.01)


async def test_engines_of_twice_the_budget_take_turns_and_never_exceed_it(tmp_path: Path) -> None:
    sizes = {"one": 20 * MB, "two": 40 * MB, "three": 60 * MB}
    budget = 140 * MB
    peak = 0

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, await asyncio.to_thread(lambda: sum(map(held, workers()))))
            await asyncio.sleep(0.02)

    dice = random.Random(3)
    engines = [engine(name, size) for name, size in sizes.items()]
    async with open_house(tmp_path, *engines, budget=Budget(budget, 0)) as house:
        watching = asyncio.create_task(watch())

        async def listener() -> list[float]:
            return [await house.say(dice.choice(list(sizes))) for _ in range(8)]

        heard = await asyncio.gather(*(listener() for _ in range(3)))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        loads = sum(house.supervisor.ledger.estimate(name, "cpu").loads for name in sizes)
    assert [each for listener in heard for each in listener] == pytest.approx([SECONDS] * 24, abs=0.01)
    assert 60 * MB < peak <= budget
    assert loads > len(sizes)  # somebody came back


async def test_memory_asked_back_is_really_back(tmp_path: Path) -> None:
    machine = Machine(400 * MB)
    async with open_house(tmp_path, engine("large", 100 * MB), engine("small", 10 * MB), devices=machine) as house:
        await house.say("large")
        await house.say("small")
        before = machine.read()[0].free
        proven = await house.keeper.yield_memory(80 * MB)
        assert house.resident == ["small"]
        assert proven >= 100 * MB
        assert machine.read()[0].free - before >= 100 * MB


async def test_a_neighbour_grows_and_idle_engines_go_while_another_one_speaks(tmp_path: Path) -> None:
    machine = Machine(400 * MB)
    hold = "import sys\nheld = []\nfor line in sys.stdin:\n held.append(bytearray(b'1') * int(line)); print(flush=True)"
    engines = [engine("speaking", 60 * MB, rtf=0.3), engine("idle", 60 * MB), engine("idle_too", 60 * MB)]
    pipe = asyncio.subprocess.PIPE
    neighbour = await asyncio.create_subprocess_exec(sys.executable, "-c", hold, stdin=pipe, stdout=pipe)
    assert neighbour.stdin
    assert neighbour.stdout
    try:
        async with open_house(tmp_path, *engines, devices=machine, budget=Budget(reserve=40 * MB)) as house:
            for name in ("idle", "idle_too", "speaking"):
                await house.say(name)
            machine.neighbour = neighbour.pid
            keeping = asyncio.create_task(house.keeper.run())
            speaking = asyncio.create_task(house.say("speaking", "This is a sentence. " * 20))
            for _ in range(5):  # 200 MB, as fast as room is made
                await until(lambda: machine.read()[0].free > 40 * MB)
                neighbour.stdin.write(b"%d\n" % (40 * MB))
                await neighbour.stdout.readline()
            await until(lambda: machine.read()[0].free >= 40 * MB)
            assert speaking.done() or "speaking" in house.resident
            assert len(house.resident) < 3
            assert await speaking == pytest.approx(0.06 * 19 * 20, abs=0.1)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    finally:
        neighbour.kill()
        await neighbour.communicate()


async def test_a_worker_killed_in_mid_sentence_is_replaced_and_the_sentence_is_whole(tmp_path: Path) -> None:
    async with open_house(tmp_path, engine("tone", 0, rtf=0.9)) as house:
        await house.say("tone")
        pid = house.pid("tone")
        speaking = asyncio.create_task(house.say("tone", "This is a sentence that takes a while."))
        await asyncio.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
        assert await speaking == pytest.approx(0.06 * 38, abs=0.01)
        assert house.pid("tone") != pid


async def test_a_stopped_worker_is_spoken_for_by_another_and_is_gone(tmp_path: Path) -> None:
    async with open_house(tmp_path, engine("tone", 0), engine("robot", 0), wishes=Wishes(budget=0.5)) as house:
        await house.say("tone")
        await house.say("robot")
        await until(lambda: house.resident == ["tone", "robot"])  # on a busy machine the robot may have spoken twice
        pid = house.pid("tone")
        os.kill(pid, signal.SIGSTOP)
        assert await house.say("tone") == pytest.approx(SECONDS, abs=0.01)
        await until(lambda: not Path(f"/proc/{pid}").exists())
        assert await house.say("tone") == pytest.approx(SECONDS, abs=0.01)


async def test_an_idle_worker_that_hangs_gives_its_memory_back_all_the_same(tmp_path: Path) -> None:
    async with open_house(tmp_path, engine("tone", 50 * MB)) as house:
        await house.say("tone")
        pid = house.pid("tone")
        os.kill(pid, signal.SIGSTOP)
        assert await house.supervisor.evict("tone", "test")
        assert held(pid) == 0


async def test_what_was_measured_is_known_after_a_restart(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "ledger.json")
    async with open_house(tmp_path, engine("tone", 50 * MB), file=file) as house:
        await house.say("tone")
        await house.keeper.save()
    async with open_house(tmp_path, engine("tone", 50 * MB), file=file) as house:
        known = house.supervisor.engine("tone").estimate
        assert known.loads == 1
        assert 50 * MB < known.bytes < 50 * MB + WORKER
        assert house.supervisor.engine("tone").level == pytest.approx(0.35, abs=0.02)  # a sine of amplitude 0.5


async def test_a_corrupt_ledger_is_kept_aside_and_the_house_speaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = LedgerFile(tmp_path / "ledger.json")
    file.path.write_text('{"version": 1, "engines": {"tone": ')
    async with open_house(tmp_path, engine("tone", 0), file=file) as house:
        assert await house.say("tone") == pytest.approx(SECONDS, abs=0.01)
        await house.keeper.save()
    assert "is kept as ledger.json.broken-1" in caplog.text
    assert file.read().estimate("tone", "cpu").loads == 1
