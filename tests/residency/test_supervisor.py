"""The supervisor with workers that a test controls: loads, leases, evictions, deaths, retries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest

from meadowlark.api import EngineManifest, Utterance, Voice
from meadowlark.errors import LoadError, RefusedError, WorkerError
from meadowlark.residency.engine import OPENING
from meadowlark.residency.ledger import Ledger
from meadowlark.residency.opening import GUESSED_SECONDS
from meadowlark.residency.supervisor import Budget, Supervisor
from meadowlark.testing.clock import FakeClock
from meadowlark.testing.devices import FakeDevices
from meadowlark.worker.messages import Done, Loaded
from meadowlark.worker.process import Launch

pytestmark = pytest.mark.usefixtures("virtual_time")

VOICE = Voice("v", ("en",))
MB = 1_000_000


class FakeWorker:
    """Speaks `script` once per sentence: bytes are audio, an exception is raised, "die" is a death."""

    def __init__(self, house: House, launch: Launch) -> None:
        self.house = house
        self.launch = launch
        self.pid = 1
        self.last_done: Done | None = None
        self.size = house.sizes[launch.engine]
        on_gpu = launch.device != "cpu"
        self.loaded = Loaded(0.0, 0.0, self.size, device_bytes=self.size if on_gpu else 0)
        self.exited: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        house.devices.memory[launch.device] -= self.size
        house.most = max(house.most, house.devices.total["cpu"] - house.devices.memory["cpu"])

    @property
    def alive(self) -> bool:
        return not self.exited.done()

    async def speak(
        self, utterance: Utterance, *, rate: int | None, gain: float, patience: float, dry_at: float | None
    ) -> AsyncGenerator[bytes, None]:
        self.house.spoken.append((self.launch.engine, utterance.text))
        self.house.patience.append(patience)
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
        self.last_done = Done(1, 1.0, 0.1, 0.1, self.size, self.size, kept_bytes=self.house.kept)

    def end(self, how: str) -> None:
        self.exited.set_result(how)
        if self.house.lag:
            asyncio.get_running_loop().call_later(self.house.lag, self._give_back)
        else:
            self._give_back()

    def _give_back(self) -> None:
        self.house.devices.memory[self.launch.device] += self.size

    async def prepare(self, utterance: Utterance) -> Done | None:
        self.house.prepared.append((self.launch.engine, utterance.voice.id))
        await self.house.may_prepare.wait()
        self.size += self.house.opened_bytes
        self.house.devices.memory[self.launch.device] -= self.house.opened_bytes
        held = self.size if self.launch.device != "cpu" else 0
        return Done(1, 0.0, 0.0, 0.0, self.size, self.size, held, held)

    async def stop(self) -> None:
        self.house.stopping.append(self.launch.engine)
        await asyncio.sleep(0)
        await self.house.may_stop.wait()
        if self.alive:
            self.end("unloaded")


class RunningClock(FakeClock):
    """Ten seconds pass with each second of the event loop's."""

    def __call__(self) -> float:
        return self.now + 10 * asyncio.get_running_loop().time()


class House:
    """A supervisor with engines a, b, c of 100 MB each, and the memory for two."""

    def __init__(
        self,
        *,
        samples: bool = False,
        kinds: tuple[str, ...] = ("cpu",),
        clock: FakeClock | None = None,
        ledger: Ledger | None = None,
        c: int = 100 * MB,
        **devices: int,
    ) -> None:
        self.devices = FakeDevices(**(devices or {"cpu": 250 * MB}))
        self.clock = clock or FakeClock()
        self.wall_clock = FakeClock(1e9)
        self.sizes = {"a": 100 * MB, "b": 100 * MB, "c": c}
        self.scripts: list[tuple[bytes | str | Exception, ...]] = []
        self.spoken: list[tuple[str, str]] = []
        self.patience: list[float] = []
        self.started: list[str] = []
        self.places: list[str] = []
        """Devices of those started."""
        self.stopping: list[str] = []
        self.fail_load: list[Exception] = []
        self.most = self.kept = 0
        self.spare: list[int] = []
        """What those started may hold beyond their need; and what they then do."""
        self.lag = 0.0
        """Real seconds until a device shows the memory of who has gone."""
        self.prepared: list[tuple[str, str]] = []
        self.opened_bytes = 0
        """That an engine holds in addition when it has opened something ahead."""
        self.may_stop, self.may_load, self.may_prepare = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.may_stop.set()
        self.may_prepare.set()
        self.may_load.set()
        self.supervisor = Supervisor(
            self.start, self.devices, Budget(reserve=0), ledger, clock=self.clock, wall_clock=self.wall_clock
        )
        self.supervisor.install(
            (
                EngineManifest(
                    name, name, "MIT", "x:Y", 22050, (VOICE,), memory=dict.fromkeys(kinds, size), samples=samples
                ),
                Launch(name, "x:Y", 22050),
            )
            for name, size in self.sizes.items()
        )

    async def start(self, launch: Launch) -> FakeWorker:
        self.started.append(launch.engine)
        self.places.append(launch.device)
        self.spare.append(launch.spare_bytes)
        await asyncio.sleep(0)
        if self.fail_load:
            raise self.fail_load.pop(0)
        worker = FakeWorker(self, launch)  # its memory is taken before it is ready
        await self.may_load.wait()
        return worker

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


async def test_an_engine_may_keep_an_eighth_of_what_is_left_when_it_has_come() -> None:
    house = House(cpu=260 * MB)
    for name in "abc":
        await house.say(name)
    assert house.spare == [20 * MB, 7.5 * MB, 7.5 * MB]


async def test_what_an_engine_keeps_because_there_is_room_is_not_asked_for_at_the_next_load() -> None:
    house = House(cpu=260 * MB)
    await house.say("a")
    engine = house.supervisor.engine("a")
    worker = engine.worker
    assert isinstance(worker, FakeWorker)
    house.kept, worker.size = 40 * MB, 140 * MB
    await house.say("a")
    assert engine.bytes == 140 * MB
    assert engine.need.bytes == (("cpu", 100 * MB),)


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


# Out of memory


def full(engine: str) -> LoadError:
    return LoadError(engine, "OutOfMemoryError", out_of_memory=True)


async def test_a_device_that_runs_full_is_cleared_and_tried_again() -> None:
    house = House(cpu=350 * MB)
    for name in "ab":
        await house.say(name)
    house.fail_load = [full("c")]
    assert await house.say("c")
    assert house.started == ["a", "b", "c", "c"]
    assert house.resident == ["c"]


async def test_a_device_that_runs_full_keeps_who_is_leased() -> None:
    house = House(cpu=350 * MB)
    for name in "ab":
        await house.say(name)
    with house.supervisor.lease("a"):
        house.fail_load = [full("c")]
        assert await house.say("c")
    assert house.resident == ["a", "c"]


async def test_the_second_try_waits_until_the_device_shows_the_memory() -> None:
    house = House(cpu=350 * MB, clock=RunningClock())
    for name in "ab":
        await house.say(name)
    house.fail_load, house.lag = [full("c")], 0.15
    begun = asyncio.get_running_loop().time()
    assert await house.say("c")
    assert asyncio.get_running_loop().time() - begun >= 0.149
    assert house.most <= 200 * MB


async def test_after_two_failures_the_next_device_has_its_turn() -> None:
    house = House(kinds=("cuda", "cpu"), cpu=250 * MB, cuda_0=250 * MB)
    house.fail_load = [full("a"), full("a")]
    assert await house.say("a")
    assert house.places == ["cuda:0", "cuda:0", "cpu"]


async def test_out_of_memory_everywhere_is_refused_and_not_tried_for_ever() -> None:
    house = House()
    house.fail_load = [full("a")] * 100
    with pytest.raises(RefusedError, match="a cannot be loaded after running out of memory on cpu: it needs 100 MB"):
        await house.say("a")
    assert house.started == ["a", "a"]
    for _ in range(3):
        house.clock.advance(2.5)
        with pytest.raises(RefusedError):
            await house.say("a")
    with pytest.raises(RefusedError, match=r"4 times in a row \(it ran out of memory on cpu\) and is tried again in"):
        await house.say("a")
    assert len(house.started) == 8


async def test_out_of_memory_while_speaking_replaces_the_worker_and_says_it_again() -> None:
    house = House()
    house.scripts = [(b"\1\0", WorkerError("a", "MemoryError", out_of_memory=True)), (b"\1\0\2\0",)]
    assert await house.say("a") == b"\1\0\2\0"
    assert house.started == ["a", "a"]
    assert house.supervisor.engine("a").deaths == 0


# Poisoned contexts


async def test_a_cuda_error_ends_the_worker() -> None:
    house = House(kinds=("cuda",), cuda_0=250 * MB, cpu=0)
    house.scripts = [(WorkerError("a", "RuntimeError: CUDA error: device-side assert triggered"),)]
    assert await house.say("a")
    assert house.started == ["a", "a"]


async def test_a_worker_with_a_cuda_error_never_serves_again_even_when_the_sentence_is_given_up() -> None:
    house = House(kinds=("cuda",), cuda_0=250 * MB, cpu=0)
    house.scripts = [(WorkerError("a", "CUDA error: an illegal memory access was encountered"),)] * 2
    with pytest.raises(WorkerError, match="illegal memory access"):
        await house.say("a")
    assert house.resident == []
    assert await house.say("a")
    assert house.started == ["a"] * 3


async def test_the_word_cuda_on_the_cpu_is_only_a_word() -> None:
    house = House()
    house.scripts = [(WorkerError("a", "ValueError: CUDA is not for me"),)]
    assert await house.say("a")
    assert house.started == ["a"]


# Deaths


async def test_deaths_and_quarantine_outlive_the_server() -> None:
    house = House()
    house.fail_load = [LoadError("a", "no such file")] * 3
    for _ in range(3):
        house.clock.advance(5.0)
        with pytest.raises(LoadError):
            await house.say("a")
    assert house.supervisor.quarantined == {"a": "died 3 times in a row: no such file"}

    again = House(ledger=house.supervisor.ledger, clock=FakeClock(77.0))
    assert again.supervisor.quarantined == house.supervisor.quarantined
    assert again.supervisor.resting("a") == pytest.approx(2.0)
    assert await again.say("b")
    again.clock.advance(2.0)
    assert await again.say("a")
    assert again.supervisor.quarantined == {}
    assert House(ledger=house.supervisor.ledger).supervisor.quarantined == {}


async def test_who_asks_is_told_of_quarantine_and_recovery_once_each() -> None:
    house, told = House(), []
    house.supervisor.on_health = lambda: told.append(sorted(house.supervisor.quarantined))
    house.fail_load = [LoadError("a", "no such file")] * 4
    for _ in range(4):
        house.clock.advance(5.0)
        with pytest.raises(LoadError):
            await house.say("a")
    assert told == [["a"]]
    house.clock.advance(5.0)
    await house.say("a")
    await house.say("a")
    assert told == [["a"], []]


# Neighbours


async def test_neighbours_are_asked_before_the_second_choice() -> None:
    house = House(kinds=("cuda", "cpu"), cpu=250 * MB, cuda_0=50 * MB)
    asked: list[tuple[str, int]] = []

    async def make_room(kind: str, size: int) -> int:
        asked.append((kind, size))
        house.devices.memory["cuda:0"] = house.devices.total["cuda:0"] = 150 * MB
        return 100 * MB

    house.supervisor.make_room = make_room
    await house.say("a")
    await house.say("b")
    assert asked == [("cuda", 100 * MB)]  # for b there is room by eviction, and nobody is bothered
    assert house.places == ["cuda:0", "cuda:0"]


async def test_neighbours_who_give_nothing_are_asked_once() -> None:
    house = House(kinds=("cuda", "cpu"), cpu=250 * MB, cuda_0=50 * MB)
    asked: list[str] = []

    async def make_room(kind: str, size: int) -> int:
        asked.append(kind)
        return 0

    house.supervisor.make_room = make_room
    assert await house.say("a")
    assert house.places == ["cpu"]
    assert asked == ["cuda"]


async def test_who_waits_for_memory_notices_that_a_neighbour_has_gone() -> None:
    house = House()
    with house.supervisor.lease("a"), house.supervisor.lease("b"):
        await until(lambda: house.resident == ["a", "b"])
        waiting = asyncio.create_task(house.say("c"))
        await asyncio.sleep(0.01)
        assert house.started == ["a", "b"]
        house.devices.memory["cpu"] += 50 * MB
        assert await asyncio.wait_for(waiting, 5)
    assert house.resident == ["a", "b", "c"]


async def test_nothing_is_loaded_before_the_memory_is_really_back() -> None:
    house = House(clock=RunningClock())
    house.lag = 0.15
    for name in "abc":
        await house.say(name)
    assert house.most <= 250 * MB
    assert house.resident == ["b", "c"]


async def test_another_look_when_a_neighbour_was_faster() -> None:
    house = House(clock=RunningClock())
    await house.say("a")
    await house.say("b")
    house.devices.memory["cpu"] -= 100 * MB  # shown from now on; what a gives back is somebody else's
    assert await asyncio.wait_for(house.say("c"), 5)
    assert house.resident == ["c"]
    assert house.most <= 250 * MB


# Races


async def test_an_engine_leased_while_another_one_goes_stays() -> None:
    """c needs the places of both; while a is being ended, somebody begins to listen to b."""
    house = House(c=200 * MB)
    for name in "ab":
        await house.say(name)
    house.may_stop.clear()
    coming = asyncio.create_task(house.say("c"))
    await until(lambda: house.stopping == ["a"])
    with house.supervisor.lease("b"):
        house.may_stop.set()
        await asyncio.sleep(0.01)
        assert house.resident == ["b"]
        assert house.started == ["a", "b"]
    assert await coming
    assert house.resident == ["c"]
    assert house.most <= 250 * MB


async def test_an_eviction_goes_on_when_who_wanted_it_has_left() -> None:
    house = House()
    await house.say("a")
    house.may_stop.clear()
    leaving = asyncio.create_task(house.supervisor.evict("a", "test"))
    await until(lambda: house.stopping == ["a"])
    leaving.cancel()
    again = asyncio.create_task(house.say("a"))
    await asyncio.sleep(0.01)
    assert house.started == ["a"]  # the old process is still there
    house.may_stop.set()
    assert await again
    assert house.started == ["a", "a"]
    assert house.devices.memory["cpu"] == 150 * MB


async def test_close_waits_for_those_that_were_already_leaving() -> None:
    house = House()
    await house.say("a")
    house.may_stop.clear()
    leaving = asyncio.create_task(house.supervisor.evict("a", "test"))
    await until(lambda: house.stopping == ["a"])
    leaving.cancel()
    closing = asyncio.create_task(house.supervisor.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    house.may_stop.set()
    await closing
    assert house.devices.memory["cpu"] == 250 * MB


async def test_who_waits_for_a_load_is_told_when_the_server_stops() -> None:
    house = House()
    house.may_load.clear()
    waiting = [asyncio.create_task(house.say("a")) for _ in range(2)]
    await until(lambda: house.started == ["a"])
    await house.supervisor.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in results] == [RefusedError, RefusedError]
    with pytest.raises(RefusedError, match="shutting down"):
        await house.say("b")


async def test_others_are_served_by_the_replaced_worker() -> None:
    house = House()
    house.scripts = [(WorkerError("a", "MemoryError", out_of_memory=True),)]
    assert all(await asyncio.gather(*(house.say("a", str(n)) for n in range(3))))
    assert house.started == ["a", "a"]


async def test_a_large_engine_waits_for_one_that_is_being_loaded() -> None:
    """b has taken its memory and is not ready: what it holds must not be counted twice."""
    house = House(c=200 * MB)
    house.may_load.clear()
    loading = asyncio.create_task(house.say("b"))
    await until(lambda: house.started == ["b"])
    large = asyncio.create_task(house.say("c"))
    await asyncio.sleep(0.01)
    house.may_load.set()
    assert await loading
    assert await large
    assert house.resident == ["c"]


async def test_a_killed_worker_whose_memory_is_still_there_is_not_counted_twice() -> None:
    house = House(c=200 * MB)
    await house.say("a")
    engine = house.supervisor.engine("a")
    assert house.supervisor.snapshot().devices[0].free == 150 * MB
    engine.leaving, worker, engine.worker = True, engine.worker, None
    assert house.supervisor.snapshot().devices[0].free == 150 * MB
    assert house.supervisor.snapshot().devices[0].capacity == 250 * MB
    engine.leaving, engine.worker = False, worker


async def test_what_is_pinned_is_not_promised() -> None:
    house = House(c=200 * MB)
    house.supervisor.install((), pinned=("a",))
    await house.say("a")
    with pytest.raises(RefusedError, match="200 MB of cpu memory; at most 150 MB can be had"):
        await house.say("c")
    assert not await house.supervisor.evict("a", "test")


async def test_an_engine_that_nobody_waits_for_any_more_is_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    with house.supervisor.lease("a"), house.supervisor.lease("b"):
        await until(lambda: house.resident == ["a", "b"])
        house.supervisor.prewarm("c")
        await until(lambda: house.supervisor.engine("c").loading is None)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_process_that_does_not_die_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meadowlark.residency.loading.GONE_SECONDS", 0.01)
    house = House()
    await house.say("a")

    class Undead(FakeWorker):
        alive = False  # killed, says the core; the driver holds it all the same

    house.supervisor.engine("a").worker = Undead(house, Launch("a", "x:Y", 22050))
    with pytest.raises(LoadError, match="its process 1 was killed and does not end"):
        await house.say("a")


# What is known of an engine


async def test_the_first_that_is_loaded() -> None:
    house = House()
    house.fail_load = [LoadError("a", "no such file")]
    assert await house.supervisor.first_ready(("a", "b")) == "b"
    assert await house.supervisor.first_ready(("c", "b")) == "b"  # at once; c is loaded all the same
    await until(lambda: "c" in house.resident)
    house.fail_load = [LoadError("a", "no such file")]
    assert await house.supervisor.first_ready(("a",)) is None


async def test_patience_grows_with_what_is_not_known() -> None:
    house = House()
    await house.say("a")  # never measured: it may compile
    await house.say("a")
    await house.supervisor.evict("a", "test")
    await house.say("a")  # a new worker of an engine that is known
    assert house.patience == [60.0, 3.0, 10.0]


async def test_a_load_that_hangs_is_given_up_when_it_is_known_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("meadowlark.residency.loading.LOAD_PATIENCE", 0.05)
    house = House()
    await house.say("a")
    await house.supervisor.evict("a", "test")
    house.may_load.clear()
    with pytest.raises(LoadError, match="a: hung: loading takes"):
        await asyncio.wait_for(house.say("a"), 2)
    assert house.supervisor.engine("a").deaths == 1
    waiting = asyncio.create_task(house.say("b"))  # never measured: it may be reading gigabytes from a slow disk
    await asyncio.sleep(0.2)
    assert not waiting.done()
    house.may_load.set()
    assert await waiting


def test_a_budget_larger_than_the_machine_is_said(caplog: pytest.LogCaptureFixture) -> None:
    for total in (20_000 * MB, 40_000 * MB):
        supervisor = Supervisor(House.start, FakeDevices(cpu=25_000 * MB), Budget(total, 256 * MB))  # type: ignore[arg-type]
        supervisor.install(())
    assert [record.getMessage() for record in caplog.records] == [
        "memory_budget_mb is 40000, but this machine has 25000 MB: engines get what there is, less 256 MB of reserve"
    ]
    assert supervisor.snapshot().devices[0].capacity == (25_000 - 256) * MB


async def test_an_engine_that_has_grown_counts_with_what_it_holds() -> None:
    house = House()
    await house.say("a")
    worker = house.supervisor.engine("a").worker
    assert worker is not None

    async def speak(*_: object, **__: object) -> AsyncGenerator[bytes, None]:
        yield b"\1\0"
        worker.last_done = Done(1, 1.0, 0.1, 0.1, memory_bytes=140 * MB)

    worker.speak = speak  # type: ignore[method-assign]
    await house.say("a")
    assert house.supervisor.engine("a").bytes == 140 * MB


async def test_a_voice_is_opened_ahead_only_while_nobody_listens_to_any_engine() -> None:
    house = House()
    utterance = Utterance("", VOICE, "en")
    assert not await house.supervisor.prepare("a", utterance)  # not resident: it is not loaded for that
    await house.say("a")
    with house.supervisor.lease("b"):
        assert not await house.supervisor.prepare("a", utterance)
    assert await house.supervisor.prepare("a", utterance)
    assert house.prepared == [("a", "v")]


async def test_an_engine_that_opens_a_voice_is_not_evicted() -> None:
    house = House()
    await house.say("a")
    house.may_prepare.clear()
    opening = asyncio.create_task(house.supervisor.prepare("a", Utterance("", VOICE, "en")))
    await until(lambda: bool(house.prepared))
    assert not await house.supervisor.evict("a", "for a test")
    house.may_prepare.set()
    assert await opening
    assert await house.supervisor.evict("a", "for a test")


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
async def test_what_was_opened_ahead_counts_at_once_and_not_for_the_next_load(kind: str) -> None:
    house = House(kinds=(kind,), **{"cpu": 250 * MB, kind: 250 * MB})
    await house.say("a")
    engine, need = house.supervisor.engine("a"), house.supervisor.engine("a").need
    house.opened_bytes = 40 * MB
    assert await house.supervisor.prepare("a", Utterance("", VOICE, "en"))
    assert engine.bytes == engine.resident.bytes == 140 * MB
    assert engine.need == need


async def test_how_long_an_engine_is_at_opening_a_voice_is_foreseen_by_what_that_took_before() -> None:
    house = House()
    await house.say("a")
    opening = house.supervisor.opening
    assert opening("a") == 0.0
    for lasts, foreseen in ((8.0, GUESSED_SECONDS), (2.0, 8.0), (1.0, 5.0)):
        house.may_prepare.clear()
        preparing = asyncio.create_task(house.supervisor.prepare("a", Utterance("", VOICE, "en")))
        await until(lambda: opening("a") > 0.0)
        assert opening("a") == foreseen
        assert opening("b") == 0.0
        house.clock.now += lasts
        house.may_prepare.set()
        assert await preparing
        assert opening("a") == 0.0


async def test_an_opening_that_fails_is_over_and_teaches_nothing() -> None:
    house = House()
    await house.say("a")

    async def fail(_: Utterance) -> Done | None:
        raise WorkerError("a", "no such file")

    worker = house.supervisor.engine("a").worker
    assert worker
    worker.prepare = fail  # type: ignore[method-assign]
    assert await house.supervisor.prepare("a", Utterance("", VOICE, "en"))
    assert house.supervisor.opening("a") == 0.0
    assert house.supervisor.ledger.extra("a").get(OPENING) is None
