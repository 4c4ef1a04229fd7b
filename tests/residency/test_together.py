"""Several listeners on one engine that speaks several sentences at a time: real processes, from the lease down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from meadowlark.api import Utterance
from meadowlark.errors import WorkerError
from meadowlark.residency.devices import LocalDevices
from meadowlark.residency.engine import Engine
from meadowlark.residency.supervisor import Supervisor
from meadowlark.schedule.queue import Turns
from meadowlark.testing.chorus import chorus_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.process import Launch, WorkerProcess, start

RATE = 22050
PER_CHAR = 0.06
SHARE = 0.15


class House:
    """A supervisor with the chorus."""

    def __init__(self, supervisor: Supervisor, workers: list[WorkerProcess]) -> None:
        self.supervisor = supervisor
        self.workers = workers
        self.voice = chorus_manifest().voices[0]

    @property
    def engine(self) -> Engine:
        return self.supervisor.engine("chorus")

    async def say(self, text: str, **options: float) -> bytes:
        utterance = Utterance(text, self.voice, "en", options={**self.voice.options, **options})
        with self.supervisor.lease("chorus") as lease:
            async with aclosing(lease.speak(utterance)) as chunks:
                return b"".join([chunk async for chunk in chunks])


@asynccontextmanager
async def open_house(folder: Path, max_batch: int = 4, **options: float) -> AsyncIterator[House]:
    nurseries, workers = Nurseries(), list[WorkerProcess]()

    async def begin(launch: Launch) -> WorkerProcess:
        workers.append(await start(launch, nurseries))
        return workers[-1]

    manifest = chorus_manifest(max_batch=max_batch)
    launch = Launch(
        manifest.id,
        manifest.pipeline,
        manifest.sample_rate,
        preload=manifest.preload,
        data_dir=folder,
        options={"rtf": 0.05, "share": SHARE, **options},
        max_batch=max_batch,
    )
    supervisor = Supervisor(begin, LocalDevices())
    supervisor.install([(manifest, launch)])
    try:
        yield House(supervisor, workers)
    finally:
        await supervisor.close()
        await nurseries.close()


def size(text: str) -> int:
    return 2 * int(len(text) * PER_CHAR * RATE)


TEXT = "A sentence of middling length for a listener. "


async def test_eight_listeners_are_heard_four_at_a_time(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert len(await house.say(TEXT)) == size(TEXT)  # alone: how fast it is
        alone = house.engine.estimate.rtf(len(TEXT))
        together = []

        async def listen() -> int:
            heard = len(await house.say(TEXT))
            together.append(house.workers[0].last_done.together)
            return heard

        assert await asyncio.gather(*(listen() for _ in range(8))) == [size(TEXT)] * 8
        assert max(together) > 2
        assert house.engine.turns.batching.places == 4
        assert house.engine.estimate.rtf(len(TEXT)) == alone  # they say nothing of the engine alone
        assert house.engine.estimate.sentences == 9
        assert len(house.workers) == 1


async def test_listeners_who_come_while_it_loads_share_it_at_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert await asyncio.gather(*(house.say(TEXT) for _ in range(3))) == [await house.say(TEXT)] * 3
        assert len(house.workers) == 1


async def test_a_device_may_have_one_place_only(tmp_path: Path) -> None:
    async with open_house(tmp_path, places=1) as house:
        assert await asyncio.gather(*(house.say(TEXT) for _ in range(3))) == [await house.say(TEXT)] * 3
        assert house.engine.turns.batching.places == 1
        assert house.workers[0].last_done.together == 1.0


@pytest.mark.parametrize("fault", ["segfault", "exit"])
async def test_who_kills_the_worker_takes_nobody_along_twice(tmp_path: Path, fault: str) -> None:
    """All die together; each is spoken again, alone, so that only the one to blame is lost."""
    async with open_house(tmp_path) as house:
        await house.say(TEXT)
        deadly, *others = await asyncio.gather(
            house.say(f"This one has a !{fault}:2 in it"), *(house.say(TEXT) for _ in range(3)), return_exceptions=True
        )
        assert isinstance(deadly, WorkerError)
        assert [len(each) for each in others] == [size(TEXT)] * 3
        assert house.engine.ready


async def test_out_of_memory_in_company_lets_the_others_end_first(tmp_path: Path) -> None:
    """The worker is replaced, and nobody is cut off by that."""
    async with open_house(tmp_path) as house:
        await house.say(TEXT)
        starved = "!device_memory_error:2:once and goes on"
        found = await asyncio.gather(house.say(starved), *(house.say(TEXT * 3) for _ in range(3)))
        assert [len(each) for each in found] == [size(starved), *[size(TEXT * 3)] * 3]
        assert len(house.workers) == 2
        assert house.engine.deaths == 0


async def test_one_hangs_and_all_are_heard(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.say(TEXT)
        hanging = "It hangs with !hang:1:once and goes on"
        found = await asyncio.gather(house.say(hanging), house.say(TEXT), house.say(TEXT))
        assert [len(each) for each in found] == [size(hanging), size(TEXT), size(TEXT)]
        assert len(house.workers) == 2


async def test_one_leaves_and_the_next_takes_the_place(tmp_path: Path) -> None:
    async with open_house(tmp_path, max_batch=2) as house:
        await house.say(TEXT)
        leaving = asyncio.create_task(house.say(TEXT * 8))
        staying = asyncio.create_task(house.say(TEXT * 8))
        await asyncio.sleep(0.1)
        coming = asyncio.create_task(house.say(TEXT))
        await asyncio.sleep(0)
        assert len(house.engine.turns) == 1
        leaving.cancel()
        assert len(await coming) == size(TEXT)
        assert len(await staying) == size(TEXT * 8)
        assert len(house.workers) == 1


class Remembering(Turns):
    """Remembers who went for good."""

    def __init__(self) -> None:
        super().__init__(time.monotonic)
        self.gone: list[object] = []

    def will_not_return(self, who: object) -> None:
        self.gone.append(who)
        super().will_not_return(who)


async def test_one_who_has_left_is_not_waited_for(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        house.engine.turns = turns = Remembering()
        with house.supervisor.lease("chorus") as lease:
            assert turns.gone == []
        assert turns.gone == [lease]
