"""What a worker says it takes, and which GPU it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from meadowlark.api import Utterance
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.memory import Meter
from meadowlark.worker.process import Launch, start

MB = 1_000_000


def test_growth_is_seen_without_counting_again() -> None:
    meter = Meter()
    before = meter.settle()
    held = bytearray(b"\1") * (80 * MB)
    after = meter.read()
    assert 70 * MB < after.memory_bytes - before.memory_bytes < 100 * MB
    del held
    assert meter.read().memory_bytes < after.memory_bytes - 50 * MB


def test_a_peak_is_remembered_until_it_is_reset() -> None:
    meter = Meter()
    before = meter.settle()
    del (bytearray(b"\1") * (80 * MB))[:]
    assert meter.read().peak_bytes > before.memory_bytes + 70 * MB
    meter.reset_peaks()
    reset = meter.read()
    assert reset.peak_bytes < before.memory_bytes + 50 * MB
    assert reset.peak_bytes >= reset.memory_bytes


async def test_a_worker_tells_what_it_takes(
    nurseries: Nurseries, launch: Callable[..., Launch], say: Callable[..., object]
) -> None:
    small = await start(launch(), nurseries)
    large = await start(launch(memory_bytes=120 * MB), nurseries)
    try:
        assert 110 * MB < large.loaded.memory_bytes - small.loaded.memory_bytes < 150 * MB
        assert large.loaded.peak_bytes >= large.loaded.memory_bytes
        assert large.loaded.device_bytes == 0
        await say(large, "Hello.")  # type: ignore[misc]
        done = large.last_done
        assert done
        assert done.memory_bytes >= large.loaded.memory_bytes - 5 * MB
        assert done.peak_bytes >= done.memory_bytes
    finally:
        await small.stop()
        await large.stop()


SHOW = "meadowlark.testing.engines:ToneEngine"


@pytest.mark.parametrize(
    ("device", "visible", "told", "environment"),
    [
        ("cuda:3", "GPU-aa", "cuda:0", "GPU-aa"),
        ("cpu", "", "cpu", ""),
        ("cuda:3", None, "cuda:3", "inherited"),
    ],
)
def test_a_worker_sees_its_own_gpu_alone(
    device: str, visible: str | None, told: str, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from meadowlark.worker.child import _choose_gpu
    from meadowlark.worker.launch import load_message

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "inherited")
    launch = replace(Launch("e", SHOW, 22050), device=device, visible=visible)
    assert _choose_gpu(load_message(launch)) == told
    assert os.environ["CUDA_VISIBLE_DEVICES"] == environment


async def test_a_worker_is_told_what_it_may_keep_and_tells_what_it_keeps(
    nurseries: Nurseries, launch: Callable[..., Launch], say: Callable[..., object]
) -> None:
    for spare, kept in ((0, 0), (50 * MB, 50 * MB), (500 * MB, 80 * MB)):
        worker = await start(replace(launch(kept_bytes=80 * MB), spare_bytes=spare), nurseries)
        await say(worker, "Text.")
        assert worker.last_done
        assert worker.last_done.kept_bytes == kept
        await worker.stop()


async def test_what_is_opened_ahead_tells_what_the_worker_holds_then(
    nurseries: Nurseries, launch: Callable[..., Launch], utter: Callable[..., Utterance]
) -> None:
    worker = await start(launch(memory_bytes=60 * MB), nurseries)
    done = await worker.prepare(utter("a"))
    assert done
    assert done.memory_bytes > 60 * MB
    assert done.audio_seconds == 0.0
    await worker.stop()
