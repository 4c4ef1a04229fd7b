"""What the worker tests share: launches, utterances, and the promise that no process is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from meadowlark.api import EngineManifest, Utterance, Value
from meadowlark.testing.engines import faulty_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.process import Launch, WorkerProcess, start

PATIENCE = 10.0


@pytest.fixture(autouse=True)
def nobody_left_behind() -> Iterator[None]:
    """No child, not even a zombie, outlives a test; those that libraries keep for other tests were there before."""
    before = children()
    yield
    assert children() - before == set()


def children() -> set[str]:
    """Of this process, by pid."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found.update((task / "children").read_text().split())
    return found


@pytest.fixture
async def nurseries() -> AsyncIterator[Nurseries]:
    nurseries = Nurseries()
    yield nurseries
    await nurseries.close()


@pytest.fixture
def manifest() -> EngineManifest:
    return faulty_manifest()


@pytest.fixture
def launch(manifest: EngineManifest, tmp_path: Path) -> Callable[..., Launch]:
    """A launch of the faulty engine; keywords are its options."""

    def make(**options: Value) -> Launch:
        return Launch(
            manifest.id,
            manifest.pipeline,
            manifest.sample_rate,
            preload=manifest.preload,
            data_dir=tmp_path,
            options=options,
        )

    return make


@pytest.fixture
def utter(manifest: EngineManifest) -> Callable[..., Utterance]:
    """An utterance of a text; keywords are its options."""

    def make(text: str, **options: Value) -> Utterance:
        voice = manifest.voices[0]
        return Utterance(text, voice, "en-US", options={**voice.options, **options})

    return make


@pytest.fixture
async def worker(nurseries: Nurseries, launch: Callable[..., Launch]) -> AsyncIterator[WorkerProcess]:
    worker = await start(launch(), nurseries)
    yield worker
    await worker.stop(timeout=1.0)


@pytest.fixture
def say(utter: Callable[..., Utterance]) -> Callable[..., asyncio.Future[bytes]]:
    """All the audio of a text."""

    async def speak(
        worker: WorkerProcess, text: str, *, rate: int | None = None, patience: float = PATIENCE, **options: Value
    ) -> bytes:
        chunks = worker.speak(utter(text, **options), rate=rate, patience=patience)
        return b"".join([chunk async for chunk in chunks])

    return speak


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until something has become true."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(15):
            while not condition():  # noqa: ASYNC110 - other processes set no event
                await asyncio.sleep(0.01)

    return wait
