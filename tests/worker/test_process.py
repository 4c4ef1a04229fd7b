"""A worker as the core sees it, with real processes: speaking, cancelling, ending."""

from __future__ import annotations

import array
import asyncio
import gc
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from meadowlark.api import PlacedEvent
from meadowlark.errors import LoadError, WorkerError
from meadowlark.worker.process import start

RATE = 22050
PER_CHAR = 0.06
PATIENCE = 10.0
"""A busy machine is late."""


def descriptors(pid: int | str = "self") -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def command_name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def resident_bytes(pid: int) -> int:
    """Counted; what statm tells may be off by as many pages as there are processors, and more."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))


async def test_speaks_in_chunks_at_the_engines_rate(worker, utter):
    chunks = [chunk async for chunk in worker.speak(utter("Hello there"), patience=10)]

    assert len(chunks[0]) == 2 * int(0.1 * RATE)  # the first at once
    assert 5 <= len(chunks) <= 7  # 0.66 s in pieces of 0.1 s, or fewer once it is half a second ahead
    assert len(b"".join(chunks)) == 2 * int(11 * PER_CHAR * RATE)
    assert max(array.array("h", b"".join(chunks))) == pytest.approx(32767 // 2, abs=100)
    assert worker.last_done.audio_seconds == pytest.approx(11 * PER_CHAR, abs=0.001)
    assert 0 < worker.last_done.first_audio_seconds <= worker.last_done.seconds


async def test_says_what_it_has_loaded(worker):
    assert worker.engine == "faulty"
    assert worker.alive
    assert worker.loaded.memory_bytes > 5_000_000
    assert command_name(worker.pid) == "ml-faulty"


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
async def test_resamples_to_the_rate_asked_for(worker, say, rate):
    audio = await say(worker, "Hello there", rate=rate)

    assert len(audio) / 2 / rate == pytest.approx(11 * PER_CHAR, abs=0.001)
    assert worker.last_done.audio_seconds == pytest.approx(11 * PER_CHAR, abs=0.001)


async def test_its_own_rate_is_not_resampled(worker, say):
    assert await say(worker, "Hello there", rate=RATE) == await say(worker, "Hello there")


async def test_an_event_alone_is_spoken_without_text(worker, utter):
    utterance = replace(utter(""), events=(PlacedEvent(0, "laugh", {"pitch": 3.0}),))
    assert b"".join([chunk async for chunk in worker.speak(utterance, patience=10)])


async def test_half_a_surrogate_pair_does_not_stop_it(worker, say):
    assert len(await say(worker, "caf\ud83d!?")) == 2 * int(6 * PER_CHAR * RATE)


async def test_cancel_frees_the_worker_at_the_next_chunk(worker, utter, say):
    slow = worker.speak(utter("A long sentence. " * 20, rtf=0.5), patience=10)
    assert await anext(slow)

    await slow.aclose()  # all of it would take 10 s, and a worker that does not stop within 2 s is killed

    assert worker.alive
    assert worker.last_done is None
    assert len(await say(worker, "Next")) == 2 * int(4 * PER_CHAR * RATE)


async def test_cancelling_the_listeners_task_cancels_the_job(worker, utter, say):
    listener = asyncio.create_task(say(worker, "A long sentence. " * 20, rtf=0.5))
    await asyncio.sleep(0.1)
    pid = worker.pid

    listener.cancel()
    await asyncio.wait({listener})

    assert listener.cancelled()
    assert worker.alive
    assert await say(worker, "Next")
    assert worker.pid == pid


async def test_the_next_job_waits_while_a_cancelled_one_ends(worker, utter, say):
    slow = worker.speak(utter("A long sentence. " * 20, chunk_seconds=0.6, rtf=0.5), patience=10)
    assert await anext(slow)
    closing = asyncio.create_task(slow.aclose())
    await asyncio.sleep(0)

    assert len(await say(worker, "Next")) == 2 * int(4 * PER_CHAR * RATE)
    await closing


async def test_an_impatient_second_cancel_does_not_lose_the_worker(worker, utter, say):
    listener = asyncio.create_task(say(worker, "A long sentence. " * 20, chunk_seconds=0.6, rtf=0.5))
    await asyncio.sleep(0.1)
    listener.cancel()
    await asyncio.sleep(0)
    listener.cancel()
    await asyncio.wait({listener})

    assert await say(worker, "Next")


async def test_a_second_job_waits_for_its_place(worker, utter, say):
    first = worker.speak(utter("A sentence", rtf=0.1), patience=10)
    await anext(first)
    second = asyncio.create_task(say(worker, "Next"))
    rest = b"".join([chunk async for chunk in first])

    assert not second.done()
    assert len(rest) == 2 * int(10 * PER_CHAR * RATE) - 2 * int(0.1 * RATE)
    assert worker.last_done.audio_seconds == pytest.approx(10 * PER_CHAR, abs=0.001)
    assert len(await second) == 2 * int(4 * PER_CHAR * RATE)
    assert worker.last_done.together == 1.0


async def test_a_listener_who_does_not_read_does_not_stop_the_worker(worker, utter, eventually):
    chunks = worker.speak(utter("x" * 2000), patience=10)  # 120 s = 5 MB, far more than the socket holds
    first = await anext(chunks)

    await eventually(lambda: worker.last_done is not None)

    rest = b"".join([chunk async for chunk in chunks])
    assert len(first + rest) == 2 * int(2000 * PER_CHAR * RATE)


async def test_a_core_that_stood_still_itself_takes_nobody_for_hung(worker, utter):
    chunks = worker.speak(utter("A long sentence. " * 10, rtf=0.1), patience=1.5)
    heard = [await anext(chunks)]
    following = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0)
    time.sleep(2.0)  # noqa: ASYNC251 - a suspended machine, say; audio has come meanwhile
    heard.append(await following)

    heard += [chunk async for chunk in chunks]
    assert len(b"".join(heard)) == 2 * int(170 * PER_CHAR * RATE)


async def test_an_engine_that_never_ends_is_stopped(worker, say):
    with pytest.raises(WorkerError, match="ran away: more than 64 MiB of audio for one sentence"):
        await say(worker, "!endless")
    assert not worker.alive


async def test_many_jobs_leak_neither_descriptors_nor_memory(worker, say):
    for number in range(50):
        await say(worker, f"Sentence {number}", chunk_seconds=1.0)
    gc.collect()  # what other tests have left
    before = descriptors(), descriptors(worker.pid), resident_bytes(worker.pid)

    for number in range(200):
        await say(worker, f"Sentence {number}", chunk_seconds=1.0)

    assert (descriptors(), descriptors(worker.pid)) == before[:2]
    assert resident_bytes(worker.pid) - before[2] < 2_000_000


async def test_many_workers_leak_no_descriptors(nurseries, launch, say, eventually):
    worker = await start(launch(), nurseries)
    await worker.stop()
    before = descriptors()

    for _ in range(10):
        worker = await start(launch(), nurseries)
        assert await say(worker, "Hello")
        await worker.stop()

    await eventually(lambda: descriptors() <= before)  # the last transport closes


async def test_stop_ends_the_process(nurseries, launch):
    worker = await start(launch(), nurseries)

    await worker.stop(timeout=PATIENCE)

    assert not worker.alive
    assert worker.exited.result() == "exit code 0"
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
    await worker.stop()  # once more does no harm


async def test_stop_in_mid_sentence_ends_at_the_next_chunk(nurseries, launch, utter):
    worker = await start(launch(), nurseries)
    chunks = worker.speak(utter("A long sentence. " * 20, rtf=0.5), patience=10)
    await anext(chunks)

    await worker.stop(timeout=PATIENCE)

    assert worker.exited.result() == "exit code 0"
    with pytest.raises(WorkerError, match="faulty: was unloaded in mid-sentence"):
        async for _ in chunks:
            pass


async def test_stop_kills_what_does_not_end(nurseries, launch, utter):
    worker = await start(launch(), nurseries)
    chunks = worker.speak(utter("A long sentence. " * 20, rtf=0.5), patience=10)
    await anext(chunks)
    os.kill(worker.pid, signal.SIGSTOP)

    await worker.stop(timeout=0.2)

    assert worker.exited.result() == "killed by SIGKILL"
    await chunks.aclose()


async def test_a_killed_worker_is_replaced_at_once(nurseries, launch, say, utter):
    worker = await start(launch(), nurseries)
    chunks = worker.speak(utter("A long sentence", rtf=0.5), patience=10)
    await anext(chunks)

    os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(WorkerError, match="faulty: died: killed by SIGKILL"):
        async for _ in chunks:
            pass
    assert not worker.alive
    assert await worker.exited == "killed by SIGKILL"
    with pytest.raises(WorkerError):
        await say(worker, "Anybody there?")

    successor = await start(launch(), nurseries)
    assert await say(successor, "Here I am")
    await successor.stop()


async def test_loading_has_a_time_limit(nurseries, launch):
    with pytest.raises(LoadError, match=r"loading takes more than 0\.2 s"):
        await start(launch(load_seconds=60), nurseries, load_timeout=0.2)


async def test_a_load_nobody_waits_for_leaves_no_process(nurseries, launch, eventually):
    await nurseries.warm("faulty", None, ("numpy",))
    parked = descriptors()
    loading = asyncio.create_task(start(launch(load_seconds=60), nurseries))
    while (before := descriptors()) <= parked:  # noqa: ASYNC110 - until the worker's socket is there
        await asyncio.sleep(0.01)

    loading.cancel()
    await asyncio.wait({loading})

    assert loading.cancelled()
    await eventually(lambda: descriptors() < before)


async def test_memory_is_counted(nurseries, launch):
    size = 50_000_000
    small, large = await start(launch(), nurseries), await start(launch(memory_bytes=size), nurseries)

    assert large.loaded.memory_bytes - small.loaded.memory_bytes == pytest.approx(size, rel=0.2)
    await small.stop()
    await large.stop()


async def test_a_worker_is_deaf_to_the_terminal(worker, say):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(worker.pid, number)

    assert await say(worker, "Still here")
