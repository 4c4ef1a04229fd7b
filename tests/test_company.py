"""Six listeners at once, from their texts to a worker that speaks four sentences at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from meadowlark.catalog import Catalog
from meadowlark.plugins import Registry
from meadowlark.residency.devices import LocalDevices
from meadowlark.residency.supervisor import Supervisor
from meadowlark.speech import Speaker, SpeechRequest
from meadowlark.testing.chorus import chorus_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.process import Launch, WorkerProcess, start

RATE, PER_CHAR = 22050, 0.06

SENTENCES = ("The kettle is boiling in the kitchen.", "Nobody has come to take it off the stove.")


async def text() -> AsyncIterator[str]:
    yield " ".join(SENTENCES)


async def listen(speaker: Speaker) -> int:
    """Bytes of a reply."""
    async with aclosing(speaker.speak(SpeechRequest(text()))) as pieces:
        return sum([len(pcm.data) async for pcm in pieces])


async def test_many_are_spoken_to_at_a_time(tmp_path: Path) -> None:
    manifest = chorus_manifest(rtf=0.05)
    launch = Launch(
        manifest.id, manifest.pipeline, RATE, preload=("numpy",), data_dir=tmp_path, max_batch=manifest.max_batch
    )
    nurseries, workers, together = Nurseries(), list[WorkerProcess](), list[float]()

    async def begin(launch: Launch) -> WorkerProcess:
        workers.append(await start(launch, nurseries))
        return workers[-1]

    async def one() -> int:
        heard = await listen(speaker)
        assert workers[0].last_done
        together.append(workers[0].last_done.together)
        return heard

    supervisor = Supervisor(begin, LocalDevices())
    supervisor.install([(manifest, launch)])
    speaker = Speaker(Catalog(Registry(engines=(manifest,))), supervisor)
    try:
        alone = await one()
        assert alone >= 2 * sum(int(len(each) * PER_CHAR * RATE) for each in SENTENCES)
        assert together == [1.0]
        assert await asyncio.gather(*(one() for _ in range(6))) == [alone] * 6
        assert 2 < max(together) <= 4
        assert len(workers) == 1
        assert supervisor.engine("chorus").turns.wait_of_newcomer() == 0.0
    finally:
        await supervisor.close()
        await nurseries.close()
