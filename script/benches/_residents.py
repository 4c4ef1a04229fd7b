"""A house of real workers for the residency bench: its listeners, and where the seconds of a cold start go."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from meadowlark.api import EngineManifest, Value
from meadowlark.catalog import Catalog, VoiceRequest
from meadowlark.errors import EngineError, LoadError, MeadowlarkError
from meadowlark.fallbacks import Wishes
from meadowlark.plugins import Registry
from meadowlark.residency.devices import Devices
from meadowlark.residency.keeper import Keeper
from meadowlark.residency.ledger_file import LedgerFile
from meadowlark.residency.supervisor import Budget, Supervisor
from meadowlark.speech import Speaker, SpeechRequest
from meadowlark.testing.engines import tone_manifest
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.process import Launch, WorkerProcess, start

SECONDS_PER_CHAR = 0.06
"""Of ToneEngine."""

WORKER_BYTES = 24_000_000
"""What a worker holds beside its ballast."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply as its listener had it. Seconds."""

    engine: str
    ttfa: float
    gap: float
    """All silence after first audio, for one who plays what comes at once."""

    longest_gap: float
    """The longest of it at a stretch: satellites give up at 5 s."""

    speech: float
    """Without the silence that bridges a stall."""

    error: str = ""
    out_of_memory: bool = False
    cold: Cold | None = None

    def complete(self, text: str) -> bool:
        """Whether all of the text was spoken."""
        between = text.count(". ")  # the blanks between sentences are not spoken
        return self.speech > SECONDS_PER_CHAR * (len(text) - between) - 0.02


@dataclass(slots=True)
class Cold:
    """A reply whose engine had to be loaded for it, by stage. Seconds."""

    asked: float
    ordered: float = 0.0
    """When there was room, and the worker was ordered."""

    evicting: float = 0.0
    fork: float = 0.0
    load: float = 0.0
    warm_up: float = 0.0
    loaded: float = 0.0
    """When it could speak."""


@dataclass
class House:
    """Everything that speaks."""

    speaker: Speaker
    supervisor: Supervisor
    keeper: Keeper
    cold: dict[str, Cold] = field(default_factory=dict)
    """By engine, of the load that is under way."""

    counts: Counter[str] = field(default_factory=Counter)

    async def reply(self, engine: str, text: str) -> Heard:
        """Ask, and listen to the end."""

        async def chunks() -> AsyncIterator[str]:
            yield text

        begun = time.monotonic()
        state = self.supervisor.engine(engine)
        cold = None
        if not state.ready and state.loading is None:
            cold = self.cold[engine] = Cold(begun)
        first = gap = longest = dry = speech = 0.0
        error: MeadowlarkError | None = None
        try:
            async with aclosing(self.speaker.speak(SpeechRequest(chunks(), VoiceRequest(f"{engine}/sine")))) as pieces:
                async for pcm in pieces:
                    now = time.monotonic()
                    seconds = len(pcm.data) / 2 / pcm.rate
                    first, dry = first or now, dry or now
                    gap += max(0.0, now - dry)
                    longest = max(longest, now - dry)
                    dry = max(dry, now) + seconds
                    if any(pcm.data):
                        speech += seconds
        except MeadowlarkError as raised:
            error = raised
        oom = isinstance(error, EngineError) and error.out_of_memory
        return Heard(engine, first - begun if first else 0.0, gap, longest, speech, str(error or ""), oom, cold)


def sized_manifest(name: str, size: int, pipeline: str = "Sized", **options: Value) -> EngineManifest:
    """An engine of so many bytes of ballast, with what the worker itself takes."""
    manifest = tone_manifest(name, **options)
    return replace(manifest, pipeline=f"_engines:{pipeline}", memory={"cpu": size + WORKER_BYTES})


@asynccontextmanager
async def open_house(
    engines: Sequence[tuple[EngineManifest, dict[str, Value]]],
    devices: Devices,
    budget: Budget,
    folder: Path,
    wishes: Wishes,
    file: LedgerFile | None = None,
) -> AsyncIterator[House]:
    """engines: with the options of their workers."""
    nurseries = Nurseries()
    await nurseries.warm("bench", None, engines[0][0].preload)

    async def start_worker(launch: Launch) -> WorkerProcess:
        cold = house.cold.get(launch.engine) or Cold(time.monotonic())
        cold.ordered = time.monotonic()
        try:
            worker = await start(launch, nurseries)
        except LoadError as error:
            house.counts["oom"] += error.out_of_memory
            raise
        cold.loaded = time.monotonic()
        cold.load, cold.warm_up = worker.loaded.load_seconds, worker.loaded.warm_up_seconds
        cold.fork = cold.loaded - cold.ordered - cold.load - cold.warm_up
        house.counts["loads"] += 1
        _time_the_end(worker, house)
        return worker

    supervisor = Supervisor(start_worker, devices, budget, file.read() if file else None)
    supervisor.install((manifest, _launch(manifest, options, folder)) for manifest, options in engines)
    manifests = tuple(manifest for manifest, _ in engines)
    speaker = Speaker(Catalog(Registry(engines=manifests)), supervisor, wishes=wishes)
    house = House(speaker, supervisor, Keeper(supervisor, file))
    keeping = asyncio.create_task(house.keeper.run())
    try:
        yield house
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await supervisor.close()
        await nurseries.close()


def _time_the_end(worker: WorkerProcess, house: House) -> None:
    """Book the seconds of an eviction on those who wait for a place meanwhile."""
    stop = worker.stop

    async def timed(timeout: float = 1.0) -> None:
        waiting = [each for each in house.cold.values() if not each.ordered]
        begun = time.monotonic()
        await stop(timeout)
        for each in waiting:
            each.evicting += time.monotonic() - begun

    worker.stop = timed  # type: ignore[method-assign]


def _launch(manifest: EngineManifest, options: dict[str, Value], folder: Path) -> Launch:
    return Launch(
        manifest.id,
        manifest.pipeline,
        manifest.sample_rate,
        preload=manifest.preload,
        data_dir=folder / manifest.id,
        options=options,
    )
