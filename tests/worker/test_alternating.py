"""An engine whose open sentences take turns, chunk by chunk, with real processes: the most urgent is served."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from meadowlark.api import Pipeline, Utterance, Voice
from meadowlark.errors import WorkerError
from meadowlark.testing.engines import tone_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.memory import Footprint
from meadowlark.worker.messages import Speak
from meadowlark.worker.patience import CANCEL_SECONDS
from meadowlark.worker.process import Launch, WorkerProcess, start
from meadowlark.worker.rounds import Job
from meadowlark.worker.urgency import Pace, most_urgent

CHUNK = 2 * 2205
"""Bytes of 0.1 s."""

LONG = "A sentence that takes its time. " * 2
"""3.8 s of speech, 0.4 s of work."""


@pytest.fixture
async def worker(nurseries: Nurseries, tmp_path) -> AsyncIterator[WorkerProcess]:
    manifest = tone_manifest()
    launch = Launch(
        manifest.id,
        manifest.pipeline,
        manifest.sample_rate,
        preload=manifest.preload,
        data_dir=tmp_path,
        options={"rtf": 0.1},
        max_batch=4,
        alternates=True,
    )
    worker = await start(launch, nurseries)
    yield worker
    await worker.stop()


class Clock:
    """A clock that is put forward by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow(Pipeline):
    """Three chunks of 0.1 s, each of which takes a second."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        for _ in range(3):
            self.clock.now += 1.0
            yield b"\1\0" * (CHUNK // 2)


class SlowToOpen(Slow):
    """And 50 s until it has its files."""

    def prepare(self, utterance: Utterance) -> None:
        self.clock.now += 50.0


def speak(number: int, dry_at: float | None = None) -> Speak:
    return Speak(number, Utterance("Text.", Voice("sine", ("en",)), "en"), dry_at=dry_at)


async def begun(worker: WorkerProcess, utterance, dry_at: float | None = None, patience: float = 10.0):
    """A job whose first chunk has come, and that chunk."""
    chunks = worker.speak(utterance, patience=patience, dry_at=dry_at)
    return chunks, await anext(chunks)


async def rest_of(chunks) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def test_a_newcomer_is_served_whole_while_the_other_has_audio_in_hand(worker, utter, say):
    """In hand: 60 s. Not one chunk of the long sentence more than was under way is made before the short one's end."""
    alone = await say(worker, LONG * 4, rtf=0.0)
    long, first = await begun(worker, utter(LONG * 4), dry_at=time.monotonic() + 60)
    rest = asyncio.create_task(rest_of(long))
    short = worker.speak(utter("Short."), patience=10)
    assert await rest_of(short)
    assert not rest.done()
    assert first + await rest == alone


async def test_listeners_take_turns_by_when_they_run_dry(worker, utter):
    """The first to run dry is done first, although it came last."""
    ends: list[str] = []

    async def listen(name: str, in_hand: float) -> None:
        await rest_of(worker.speak(utter(LONG), patience=10, dry_at=time.monotonic() + in_hand))
        ends.append(name)

    await asyncio.gather(listen("late", 300.0), listen("later", 400.0), listen("soon", 200.0))
    assert ends == ["soon", "late", "later"]


async def test_who_waits_with_audio_in_hand_is_not_taken_for_hung(worker, utter):
    """It hears nothing for far longer than its patience, while others are heard."""
    waits = worker.speak(utter(LONG), patience=0.8, dry_at=time.monotonic() + 60)
    waiting = asyncio.create_task(rest_of(waits))
    await rest_of(worker.speak(utter(LONG, rtf=0.4), patience=10))  # 1.5 s
    assert len(await waiting) >= CHUNK
    assert worker.alive


async def test_who_leaves_while_waiting_is_let_go_at_once(worker, utter):
    waits, _ = await begun(worker, utter(LONG * 10), dry_at=time.monotonic() + 60)
    busy, _ = await begun(worker, utter(LONG, rtf=0.4))
    await waits.aclose()
    assert worker.last_done is None  # not only when it would have been its turn
    await rest_of(busy)
    assert worker.alive


async def test_who_opens_something_for_long_is_not_taken_for_hung_and_nor_are_the_others(worker, utter):
    """A voice's files: far longer than anybody's patience."""
    waits, first = await begun(worker, utter(LONG), patience=1.0)
    opens = asyncio.create_task(rest_of(worker.speak(utter("Short.", open_seconds=2.0), patience=1.0)))
    assert len(first + await rest_of(waits)) > CHUNK
    assert await opens
    assert worker.alive


async def test_who_leaves_while_something_is_opened_for_it_takes_nobody_along(worker, utter):
    staying, _ = await begun(worker, utter(LONG))
    leaves = asyncio.create_task(anext(worker.speak(utter("Short.", open_seconds=CANCEL_SECONDS + 0.5), patience=10)))
    await asyncio.sleep(0.2)
    leaves.cancel()
    await asyncio.wait({leaves})
    assert await rest_of(staying)
    assert worker.alive


async def test_what_is_opened_ahead_waits_for_those_who_are_spoken(worker, utter, say):
    """And leaves no trace in the figures of the worker."""
    await worker.prepare(utter("a"))
    assert worker.last_done is None
    speaking = asyncio.create_task(say(worker, LONG))
    await asyncio.sleep(0.05)
    await asyncio.gather(speaking, worker.prepare(utter("a", open_seconds=0.2)))
    assert worker.last_done.audio_seconds == pytest.approx(len(LONG) * 0.06, abs=0.001)
    assert worker.alive


async def test_what_is_opened_ahead_and_never_has_its_turn_takes_nobody_along(worker, utter):
    speaking, _ = await begun(worker, utter(LONG * 15))  # 6 s of work
    with pytest.raises(WorkerError, match="while others were"):
        await worker.prepare(utter("a"), patience=1.5)
    assert worker.alive
    assert await anext(speaking)
    await speaking.aclose()
    await worker.prepare(utter("a"))


async def test_a_worker_that_hangs_as_it_opens_something_ahead_is_killed(worker, utter):
    with pytest.raises(WorkerError, match="killed"):
        await worker.prepare(utter("a", open_seconds=30.0), patience=0.3)
    await worker.exited


def test_what_is_opened_ahead_comes_after_everybody_and_is_not_spoken() -> None:
    clock = Clock()
    ahead = Job(SlowToOpen(clock), replace(speak(1), ahead=True), 22050, lambda: False, clock)
    listener = Job(Slow(clock), speak(2, dry_at=1e9), 22050, lambda: False, clock)
    newcomer = Job(Slow(clock), speak(3), 22050, lambda: False, clock)
    assert most_urgent((ahead, listener), 0.0, Pace()) is listener
    assert most_urgent((ahead, newcomer), 0.0, Pace()) is newcomer
    assert ahead.go_on(1) is None
    assert clock.now == 50.0
    assert ahead.done(Footprint(0, 0)).audio_seconds == 0.0


async def test_who_comes_while_something_is_opened_ahead_is_spoken_after_it(worker, utter, say):
    opening = asyncio.create_task(worker.prepare(utter("a", open_seconds=3.5)))
    await asyncio.sleep(0.1)
    assert await say(worker, "Short.", patience=3.0)  # that time is not taken for a hang
    await opening
    assert worker.last_done.audio_seconds == pytest.approx(6 * 0.06, abs=0.001)


def test_figures_are_those_of_the_sentence_alone() -> None:
    """Else an engine would seem the slower the more listeners it has."""
    clock = Clock()
    one, other = (Job(Slow(clock), speak(number), 22050, lambda: False, clock) for number in (1, 2))
    while (first := one.go_on(1)) is not None:
        assert first
        clock.now += 5.0  # others are served
    done = one.done(Footprint(0, 0), alternates=True)
    assert (done.seconds, done.first_audio_seconds, done.together) == (3.0, 1.0, 1.0)
    assert one.done(Footprint(0, 0)).seconds == 18.0
    assert other.go_on(1)


def test_what_is_opened_before_does_not_count_as_slowness() -> None:
    clock = Clock()
    job = Job(SlowToOpen(clock), speak(1), 22050, lambda: False, clock)
    while job.go_on(1) is not None:
        pass
    assert job.done(Footprint(0, 0), alternates=True).seconds == 3.0
    alone = job.done(Footprint(0, 0))
    assert (alone.seconds, alone.first_audio_seconds) == (3.0, 1.0)


def test_how_far_a_listener_is_served() -> None:
    clock = Clock()
    job = Job(Slow(clock), speak(1), 22050, lambda: False, clock)
    assert job.dry_at == -math.inf
    assert job.go_on(1)  # heard at 1.0, and then 0.1 s in hand
    assert job.dry_at == pytest.approx(1.1)
    assert job.go_on(1)
    assert job.dry_at == pytest.approx(2.1)  # it had run dry: what came then is played from then on
