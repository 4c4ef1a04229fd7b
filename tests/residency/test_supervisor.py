"""The supervisor with workers that a test controls: loads, leases, evictions, deaths, retries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest

from meadowlark.api import EngineManifest, Utterance, Voice
from meadowlark.errors import LoadError, RefusedError, WorkerError
from meadowlark.residency.supervisor import Budget, Supervisor
from meadowlark.testing.clock import FakeClock
from meadowlark.testing.devices import FakeDevices
from meadowlark.worker.messages import Done, Loaded
from meadowlark.worker.process import Launch

VOICE = Voice("v", ("en",))
MB = 1_000_000


class FakeWorker:
    """Speaks `script` once per sentence: bytes are audio, an exception is raised, "die" is a death."""

    def __init__(self, house: House, launch: Launch) -> None:
        self.house = house
        self.launch = launch
        self.pid = 1
        self.last_done: Done | None = None
        self.loaded = Loaded(0.0, 0.0, house.sizes[launch.engine])
        self.exited: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        house.devices.memory["cpu"] -= self.loaded.memory_bytes
        house.most = max(house.most, house.devices.total["cpu"] - house.devices.memory["cpu"])

    @property
    def alive(self) -> bool:
        return not self.exited.done()

    async def speak(
        self, utterance: Utterance, *, rate: int | None, gain: float, patience: float
    ) -> AsyncGenerator[bytes, None]:
        self.house.spoken.append((self.launch.engine, utterance.text))
        script = self.house.scripts.pop(0) if self.house.scripts else (b"\1\0" * 10,)
        for step in script:
            await asyncio.sleep(0)
            if isinstance(step, Exception):
                raise step
            if step == "die":
                self.end("killed by SIGSEGV")
                raise WorkerError(self.launch.engine, "died: killed by SIGSEGV")
            assert isinstance(step, bytes)
            yield step

    def end(self, how: str) -> None:
        self.house.devices.memory["cpu"] += self.loaded.memory_bytes
        self.exited.set_result(how)

    async def stop(self) -> None:
        await asyncio.sleep(0)
        if self.alive:
            self.end("unloaded")


class House:
    """A supervisor with engines a, b, c of 100 MB each and the memory for two."""

    def __init__(self, *, samples: bool = False) -> None:
        self.devices = FakeDevices(cpu=250 * MB)
        self.clock = FakeClock()
        self.sizes = dict.fromkeys("abc", 100 * MB)
        self.scripts: list[tuple[bytes | str | Exception, ...]] = []
        self.spoken: list[tuple[str, str]] = []
        self.started: list[str] = []
        self.fail_load: list[Exception] = []
        self.most = 0
        self.supervisor = Supervisor(self.start, self.devices, Budget(reserve=0), clock=self.clock)
        self.supervisor.install(
            (
                EngineManifest(name, name, "MIT", "x:Y", 22050, (VOICE,), memory={"cpu": 100 * MB}, samples=samples),
                Launch(name, "x:Y", 22050),
            )
            for name in "abc"
        )

    async def start(self, launch: Launch) -> FakeWorker:
        self.started.append(launch.engine)
        await asyncio.sleep(0)
        if self.fail_load:
            raise self.fail_load.pop(0)
        return FakeWorker(self, launch)

    async def say(self, engine: str, text: str = "Hello.") -> bytes:
        with self.supervisor.lease(engine) as lease:
            async with aclosing(lease.speak(Utterance(text, VOICE, "en"))) as chunks:
                return b"".join([chunk async for chunk in chunks])

    @property
    def resident(self) -> list[str]:
        return [each.manifest.id for each in self.supervisor.engines if each.ready]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110  conditions of many kinds, for a moment each
            await asyncio.sleep(0)


async def test_loads_at_first_use_and_stays() -> None:
    house = House()
    assert await house.say("a") == b"\1\0" * 10
    await house.say("a")
    assert house.started == ["a"]
    assert house.resident == ["a"]


async def test_the_load_begins_with_the_lease() -> None:
    house = House()
    with house.supervisor.lease("a"):
        await until(lambda: house.resident == ["a"])


async def test_many_listeners_one_load() -> None:
    house = House()
    await asyncio.gather(*(house.say("a", str(n)) for n in range(5)))
    assert house.started == ["a"]
    assert len(house.spoken) == 5


async def test_evicts_the_least_recently_used() -> None:
    house = House()
    for second, name in enumerate("abac"):
        house.clock.now = float(second)
        await house.say(name)
    assert house.resident == ["a", "c"]
    assert house.most <= 250 * MB


async def test_waits_for_a_busy_engine_then_takes_its_place() -> None:
    house = House()
    with house.supervisor.lease("a"), house.supervisor.lease("b"):
        await until(lambda: house.resident == ["a", "b"])
        waiting = asyncio.create_task(house.say("c"))
        await asyncio.sleep(0.01)
        assert house.started == ["a", "b"]
    assert await asyncio.wait_for(waiting, 2)
    assert house.most <= 250 * MB


async def test_who_leaves_while_waiting_leaves_nothing_behind() -> None:
    house = House()
    with house.supervisor.lease("a"), house.supervisor.lease("b"):
        await until(lambda: house.resident == ["a", "b"])
        waiting = asyncio.create_task(house.say("c"))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert house.started == ["a", "b"]
    assert await house.say("c")


async def test_pinned_engines_stay() -> None:
    house = House()
    house.supervisor.install((), pinned=("a",))
    for second, name in enumerate("abc"):
        house.clock.now = float(second)
        await house.say(name)
    assert house.resident == ["a", "c"]


async def test_refuses_what_can_never_fit() -> None:
    house = House()
    house.devices.memory["cpu"] = house.devices.total["cpu"] = 50 * MB
    with pytest.raises(RefusedError, match="100 MB of cpu memory; at most 50 MB"):
        await house.say("a")


async def test_a_dead_worker_is_replaced_and_the_sentence_said() -> None:
    house = House()
    house.scripts = [("die",), (b"\1\0\2\0",)]
    assert await house.say("a") == b"\1\0\2\0"
    assert house.started == ["a", "a"]
    assert [text for _, text in house.spoken] == ["Hello."] * 2


async def test_goes_on_where_the_dead_worker_stopped() -> None:
    house = House()
    house.scripts = [(b"\1\0\2\0", "die"), (b"\1\0", b"\2\0\3\0", b"\4\0")]
    assert await house.say("a") == b"\1\0\2\0\3\0\4\0"


async def test_an_engine_that_samples_is_not_continued() -> None:
    house = House(samples=True)
    house.scripts = [(b"\1\0", "die"), (b"\1\0",)]
    with pytest.raises(WorkerError, match="SIGSEGV"):
        await house.say("a")
    house.scripts = [("die",), (b"\1\0",)]  # nothing was heard yet: it is said again
    assert await house.say("a") == b"\1\0"


async def test_fails_after_the_second_attempt() -> None:
    house = House()
    house.scripts = [(WorkerError("a", "ValueError: no"),), (WorkerError("a", "ValueError: still no"),)]
    with pytest.raises(WorkerError, match="still no"):
        await house.say("a")
    assert house.started == ["a"]
    assert await house.say("a")  # others are served


async def test_rests_after_many_deaths_and_comes_back() -> None:
    house = House()
    house.scripts = [("die",)] * 10
    for _ in range(3):
        with pytest.raises((WorkerError, RefusedError)):
            await asyncio.wait_for(house.say("a"), 10) if house.clock.advance(3.0) is None else None
    house.clock.advance(0.1)
    with pytest.raises(RefusedError, match=r"died \d times in a row \(killed by SIGSEGV\) and is tried again in"):
        await house.say("a")
    house.scripts = []
    house.clock.advance(60.0)
    assert await house.say("a")
    assert house.supervisor.engines[0].deaths == 0


async def test_a_failed_load_reaches_everybody_who_waits() -> None:
    house = House()
    house.fail_load = [LoadError("a", "no such file")]
    results = await asyncio.gather(*(house.say("a") for _ in range(3)), return_exceptions=True)
    assert any(isinstance(each, LoadError) for each in results)
    assert await house.say("a")


async def test_a_listener_who_leaves_does_not_end_the_load_of_others() -> None:
    house = House()
    first = asyncio.create_task(house.say("a"))
    await asyncio.sleep(0)
    second = asyncio.create_task(house.say("a"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert house.started == ["a"]


async def test_close_ends_every_worker() -> None:
    house = House()
    await house.say("a")
    await house.say("b")
    await house.supervisor.close()
    assert house.resident == []
    assert house.devices.memory["cpu"] == 250 * MB


async def test_random_house_never_exceeds_its_memory() -> None:
    house = House()
    await asyncio.gather(*(house.say("abc"[n * 7 % 3]) for n in range(60)))
    assert house.most <= 250 * MB
    assert len(house.spoken) == 60
