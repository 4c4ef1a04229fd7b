"""Every way an engine can fail, in a real process, and what the core gets."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace

import pytest

from meadowlark.errors import LoadError, WorkerError
from meadowlark.testing.faults import FAULTS
from meadowlark.worker.process import start

SURVIVED = {
    "raise": "ValueError: this engine is broken on purpose",
    "system_exit": "SystemExit: 3",
    "memory_error": "MemoryError",
    "device_memory_error": "OutOfMemoryError: CUDA out of memory",
    "nan": "the audio holds NaN or infinity",
    "infinity": "the audio holds NaN or infinity",
    "nothing": "made no audio",
    "zeros": "made nothing but silence",
    "wrong_type": "list is not audio",
    "stereo": r"shape \(\d+, 2\) is not mono",
    "half_sample": "3 bytes of s16le: half a sample is missing",
}
DIED = {"segfault": "died: killed by SIGSEGV", "exit": "died: exit code 7", "orphan": "died: exit code 7"}
HUNG = ("hang", "dawdle", "spin", "hold_gil", "stop")


def test_every_fault_is_tried_here():
    elsewhere = {"print", "ignore_cancel", "endless"}
    assert {*SURVIVED, *DIED, *HUNG} | elsewhere == set(FAULTS)


@pytest.mark.parametrize("fault", SURVIVED)
async def test_the_listener_is_told_and_the_worker_lives(worker, say, fault):
    with pytest.raises(WorkerError, match=f"faulty: .*{SURVIVED[fault]}") as caught:
        await say(worker, f"This sentence suffers from !{fault}")

    assert caught.value.engine == "faulty"
    assert caught.value.out_of_memory == ("memory" in fault)
    assert worker.alive
    assert await say(worker, "The next one does not")


@pytest.mark.parametrize("fault", DIED)
async def test_a_death_is_told_with_its_cause(worker, say, fault):
    with pytest.raises(WorkerError, match=f"faulty: {DIED[fault]}"):
        await say(worker, f"This sentence suffers from !{fault}")

    assert not worker.alive
    assert await worker.exited == DIED[fault].removeprefix("died: ")


@pytest.mark.parametrize("fault", HUNG)
async def test_a_hung_worker_is_killed(worker, say, fault):
    with pytest.raises(WorkerError, match=r"faulty: hung: nothing heard for 0\.3 s; killed"):
        await say(worker, f"This sentence suffers from !{fault}", patience=0.3)

    assert not worker.alive
    assert await worker.exited == "killed by SIGKILL"


@pytest.mark.parametrize("fault", ["raise", "segfault", "nan", "wrong_type"])
async def test_audio_before_the_fault_is_heard(worker, utter, fault):
    chunks = worker.speak(utter(f"Two chunks, then !{fault}:2"), patience=10)

    assert await anext(chunks)
    assert await anext(chunks)
    with pytest.raises(WorkerError):
        await anext(chunks)


async def test_a_worker_that_will_not_be_cancelled_is_killed(worker, utter):
    chunks = worker.speak(utter("This engine goes on with !ignore_cancel", rtf=0.1), patience=10)
    await anext(chunks)

    await chunks.aclose()

    assert not worker.alive
    assert await worker.exited == "killed by SIGKILL"


async def test_noise_on_stdout_goes_to_stderr_and_harms_nothing(capfd, nurseries, launch, say):
    worker = await start(launch(), nurseries)  # not in a fixture: capfd begins a new file for each phase of a test
    clean = await say(worker, "A sentence with a word")
    noisy = await say(worker, "A sentence with !print")
    await worker.stop()

    out, err = capfd.readouterr()
    assert len(noisy) == len(clean)
    assert out == ""
    assert '{"type": "chunk", "data_length": 3}' in err
    assert "noise on stdout" in err


async def test_the_log_has_the_traceback_and_the_engines_name(capfd, nurseries, launch, say):
    worker = await start(launch(), nurseries)
    with pytest.raises(WorkerError):
        await say(worker, "This is a case of !raise")
    await worker.stop()

    err = capfd.readouterr().err
    assert "ERROR [faulty] meadowlark.worker.child: Could not speak" in err
    assert "Traceback (most recent call last)" in err


async def test_a_segfault_leaves_its_python_stack_in_the_log(capfd, nurseries, launch, say):
    worker = await start(launch(), nurseries)
    with pytest.raises(WorkerError):
        await say(worker, "This is a case of !segfault")

    assert "Fatal Python error: Segmentation fault" in capfd.readouterr().err


async def test_a_fault_that_happens_once_is_over_in_the_next_process(nurseries, launch, say):
    worker = await start(launch(), nurseries)
    with pytest.raises(WorkerError, match="SIGSEGV"):
        await say(worker, "It was !segfault:0:once")

    successor = await start(launch(), nurseries)
    assert await say(successor, "It was !segfault:0:once")
    await successor.stop()


@pytest.mark.parametrize("place", ["load", "warm_up"])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("raise", "ValueError: this engine is broken on purpose"),
        ("system_exit", "SystemExit: 3"),
        ("device_memory_error", "CUDA out of memory"),
        ("exit", "died while loading: exit code 7"),
        ("segfault", "died while loading: killed by SIGSEGV"),
        ("hang", r"loading takes more than 0\.5 s"),
        ("stop", r"loading takes more than 0\.5 s"),
    ],
)
async def test_a_fault_while_loading(nurseries, launch, place, fault, message):
    limit = 0.5 if "takes" in message else 10

    with pytest.raises(LoadError, match=f"faulty: .*{message}") as caught:
        await start(launch(fault=fault, fault_at=place), nurseries, load_timeout=limit)

    assert caught.value.out_of_memory == ("memory" in fault)


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("meadowlark.nowhere:Engine", "No module named 'meadowlark.nowhere'"),
        ("meadowlark.testing.engines:Nobody", "has no attribute 'Nobody'"),
        ("meadowlark.testing.engines:tone_manifest", r"is not a meadowlark\.api\.Pipeline"),
    ],
)
async def test_a_pipeline_that_is_none(nurseries, launch, pipeline, message):
    with pytest.raises(LoadError, match=message):
        await start(replace(launch(), pipeline=pipeline), nurseries)


async def test_a_hung_worker_is_killed_by_a_core_that_is_always_late_too(worker, say):
    loop, most, times = asyncio.get_running_loop(), 80, 0

    def stand_still() -> None:
        nonlocal times
        times += 1
        time.sleep(0.32)  # beyond the end of the patience, whenever that was
        if times < most and not speaking.done():
            loop.call_soon(stand_still)

    speaking = asyncio.create_task(say(worker, "!hang", patience=0.05))
    loop.call_soon(stand_still)
    with pytest.raises(WorkerError, match=r"hung: nothing heard for 0\.05 s; killed"):
        await speaking
    assert times < most


async def test_a_worker_that_stood_still_with_the_core_is_not_taken_for_hung(worker, utter):
    """As on a machine that is suspended, or swaps."""
    patience = 4.0
    os.kill(worker.pid, signal.SIGSTOP)
    chunks = worker.speak(utter("Hello"), patience=patience)
    first = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0)
    time.sleep(patience + 0.5)  # noqa: ASYNC251
    os.kill(worker.pid, signal.SIGCONT)
    assert await first
    await chunks.aclose()
    assert worker.alive


async def test_a_stopped_process_counts_as_hung(worker, utter):
    chunks = worker.speak(utter("A long sentence " * 10, rtf=0.1), patience=4)
    await anext(chunks)  # within that, on a busy machine too
    os.kill(worker.pid, signal.SIGSTOP)

    with pytest.raises(WorkerError, match="hung"):
        async for _ in chunks:
            pass
