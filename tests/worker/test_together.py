"""Several sentences at a time in one worker, with real processes: they come, go, fail and die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from meadowlark.api import EngineManifest
from meadowlark.errors import WorkerError
from meadowlark.testing.chorus import chorus_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.patience import CANCEL_SECONDS
from meadowlark.worker.process import Launch, WorkerProcess, start

RATE = 22050
PER_CHAR = 0.06
STEP = 0.1
"""Seconds of audio in a chunk."""

TEXTS = ("A sentence.", "Another one that takes longer.", "A third, of middling length.")


@pytest.fixture
def manifest() -> EngineManifest:
    return chorus_manifest(max_batch=3)


@pytest.fixture
def start_chorus(nurseries: Nurseries, manifest: EngineManifest, tmp_path) -> Callable[..., object]:
    async def begin(**options: float) -> WorkerProcess:
        launch = Launch(
            manifest.id,
            manifest.pipeline,
            manifest.sample_rate,
            preload=manifest.preload,
            data_dir=tmp_path,
            options={"rtf": 0.1, **options},
            max_batch=manifest.max_batch,
        )
        return await start(launch, nurseries)

    return begin


@pytest.fixture
async def chorus(start_chorus) -> AsyncIterator[WorkerProcess]:
    worker = await start_chorus()
    yield worker
    await worker.stop()


def samples(text: str) -> int:
    return int(len(text) * PER_CHAR * RATE)


async def begun(worker: WorkerProcess, utterance, patience: float = 10.0):
    """A job whose first chunk has come, and that chunk."""
    chunks = worker.speak(utterance, patience=patience)
    return chunks, await anext(chunks)


async def test_sound_together_as_they_do_alone(chorus, say):
    alone = [await say(chorus, text) for text in TEXTS]
    assert chorus.last_done.together == 1.0

    assert await asyncio.gather(*(say(chorus, text) for text in TEXTS)) == alone
    assert chorus.loaded.places == 3


async def test_who_comes_later_is_heard_before_the_first_has_ended(chorus, utter, say):
    long, first = await begun(chorus, utter("A long sentence. " * 10))
    short = await say(chorus, "Short.")
    assert len(short) == 2 * samples("Short.")
    assert chorus.last_done.together == 2.0
    assert chorus.last_done.audio_seconds == pytest.approx(6 * PER_CHAR, abs=0.001)

    rest = b"".join([chunk async for chunk in long])
    assert len(first + rest) == 2 * samples("A long sentence. " * 10)
    assert 1.0 < chorus.last_done.together < 1.5
    assert chorus.last_done.audio_seconds == pytest.approx(170 * PER_CHAR, abs=0.001)


async def test_no_more_than_there_are_places(start_chorus, say):
    for places, most in ((0, 3), (2, 2), (7, 3)):
        worker = await start_chorus(places=places)
        heard = []

        async def one(text: str, worker=worker, heard=heard) -> None:
            await say(worker, text)
            heard.append(worker.last_done.together)

        await asyncio.gather(*(one("Seven sentences " * 3) for _ in range(7)))
        assert worker.loaded.places == most
        assert most - 0.5 < max(heard) <= most  # of some the beginning or the end was alone
        await worker.stop()


async def test_one_who_leaves_frees_a_place_and_nobody_else_notices(chorus, utter, say):
    leaving = [await begun(chorus, utter("A long sentence. " * 10)) for _ in range(2)]
    staying = asyncio.create_task(say(chorus, TEXTS[1]))
    waiting = asyncio.create_task(say(chorus, "Next."))
    await asyncio.sleep(0.05)
    assert not waiting.done()

    for chunks, _ in leaving:
        await chunks.aclose()

    assert len(await waiting) == 2 * samples("Next.")
    assert len(await staying) == 2 * samples(TEXTS[1])
    assert chorus.alive


@pytest.mark.parametrize("fault", ["raise", "system_exit", "memory_error", "nan", "nothing", "zeros", "wrong_type"])
async def test_one_fails_alone(chorus, say, fault):
    found = await asyncio.gather(
        say(chorus, TEXTS[0]), say(chorus, f"This one suffers from !{fault}"), say(chorus, TEXTS[1]),
        return_exceptions=True,
    )  # fmt: skip
    assert isinstance(found[1], WorkerError)
    assert [len(found[0]), len(found[2])] == [2 * samples(TEXTS[0]), 2 * samples(TEXTS[1])]
    assert chorus.alive
    assert len(await say(chorus, "Next.")) == 2 * samples("Next.")


async def test_nothing_goes_out_before_the_first_sound_and_nobody_waits_for_that(chorus, say):
    mute = asyncio.create_task(say(chorus, "So many words and all of them are !zeros " * 6))  # 1.5 s
    await asyncio.sleep(0.05)
    assert len(await say(chorus, TEXTS[0])) == 2 * samples(TEXTS[0])
    assert not mute.done()
    with pytest.raises(WorkerError, match="made nothing but silence"):
        await mute


@pytest.mark.parametrize(("fault", "how"), [("segfault", "died: killed by SIGSEGV"), ("exit", "died: exit code 7")])
async def test_a_death_is_told_to_all(chorus, say, fault, how):
    found = await asyncio.gather(
        say(chorus, "A long sentence. " * 10), say(chorus, f"!{fault}:2"), return_exceptions=True
    )
    assert [str(each) for each in found] == [f"chorus: {how}"] * 2
    assert not chorus.alive
    with pytest.raises(WorkerError):
        await say(chorus, "Anybody there?")


async def test_a_hang_is_a_hang_of_all(chorus, say):
    found = await asyncio.gather(
        say(chorus, "A long sentence. " * 10, patience=0.4), say(chorus, "!hang:2", patience=0.4),
        return_exceptions=True,
    )  # fmt: skip
    assert all(isinstance(each, WorkerError) for each in found)
    assert any("nothing heard for 0.4 s" in str(each) for each in found)
    assert await chorus.exited == "killed by SIGKILL"


async def test_one_that_is_silent_while_others_are_heard_is_given_up_alone(chorus, utter, say):
    long, first = await begun(chorus, utter("A long sentence. " * 25))  # 2.5 s
    with pytest.raises(WorkerError, match=r"hung: nothing heard for 0\.8 s, while others were; stopped"):
        await say(chorus, "!dawdle:1", patience=0.8)

    rest = b"".join([chunk async for chunk in long])
    assert len(first + rest) == 2 * samples("A long sentence. " * 25)
    assert chorus.alive


async def test_ends_in_mid_sentence_for_all(start_chorus, utter):
    worker = await start_chorus()
    all_of_them = [await begun(worker, utter("A long sentence. " * 10)) for _ in range(3)]

    await worker.stop(timeout=10.0)

    assert worker.exited.result() == "exit code 0"
    for chunks, _ in all_of_them:
        with pytest.raises(WorkerError, match="chorus: was unloaded in mid-sentence"):
            async for _ in chunks:
                pass


async def test_a_listener_who_does_not_read_stops_nobody(chorus, utter, say):
    unread, _ = await begun(chorus, utter("x" * 500, rtf=0.0))
    assert len(await say(chorus, TEXTS[1])) == 2 * samples(TEXTS[1])
    await unread.aclose()


async def test_peaks_of_memory_are_not_lost_when_others_come(chorus, utter, say):
    """Counting begins anew with each job."""
    long, _ = await begun(chorus, utter("A long sentence. " * 3))
    await say(chorus, "Short.")
    short = chorus.last_done
    async for _ in long:
        pass
    # The kernel counts with a slack of some pages for each processor.
    assert chorus.last_done.peak_bytes > short.peak_bytes - 1_000_000
    assert short.peak_bytes >= chorus.last_done.memory_bytes * 0.9


async def test_one_who_leaves_in_the_middle_of_a_long_step_takes_nobody_along(nurseries, launch, utter, say):
    """An engine that computes for longer than a cancel may take, and others who are heard by and by."""
    worker = await start(replace(launch(rtf=0.3), max_batch=2), nurseries)
    alone = await say(worker, TEXTS[1] * 3)
    staying, first = await begun(worker, utter(TEXTS[1] * 3))
    step = CANCEL_SECONDS + 0.5
    leaves = asyncio.create_task(anext(worker.speak(utter("Long.", rtf=step / 0.3, chunk_seconds=0.3), patience=10)))
    await asyncio.sleep(0.2)
    leaves.cancel()
    await asyncio.wait({leaves})
    assert first + b"".join([chunk async for chunk in staying]) == alone
    assert worker.alive
    await worker.stop()


async def test_one_who_does_not_stop_is_killed_once_nobody_else_listens(nurseries, launch, utter, say):
    worker = await start(replace(launch(rtf=0.3), max_batch=2), nurseries)
    staying = asyncio.create_task(say(worker, TEXTS[1] * 8, patience=2.0))
    leaves, _ = await begun(worker, utter("This one does not stop !ignore_cancel"))
    await leaves.aclose()
    assert not worker.alive
    with pytest.raises(WorkerError):
        await staying
    await worker.exited
