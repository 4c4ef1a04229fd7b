"""Puts the parts together: discovery, catalog, supervisor, speaker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..api import EngineManifest
from ..catalog import Catalog
from ..discovery import discover
from ..plugins import Registry
from ..residency.devices import LocalDevices
from ..residency.supervisor import Budget, Supervisor
from ..schedule.policy import pick
from ..schedule.queue import Pick
from ..settings import Settings
from ..speech import Speaker
from ..worker.environments import Nurseries
from ..worker.process import Launch, WorkerProcess, start


@dataclass(frozen=True, slots=True)
class House:
    """Everything that speaks."""

    registry: Registry
    speaker: Speaker
    supervisor: Supervisor

    @property
    def catalog(self) -> Catalog:
        """The speaker's."""
        return self.speaker.catalog


async def find(settings: Settings) -> Registry:
    """All plugins, as the settings say."""
    return await discover(
        settings.voices.absolute(), environments=settings.environments, disabled=settings.disabled_plugins
    )


def catalog_of(registry: Registry, settings: Settings, language: str = "") -> Catalog:
    """The voices, with the settings' default. language: of the house, for when no voice is configured."""
    return Catalog(registry, settings.voice, language=language, fallback=settings.voice_fallback)


@asynccontextmanager
async def open_house(settings: Settings, choose: Pick = pick) -> AsyncIterator[House]:
    """Ready to speak; every worker is gone when the block ends. choose: the order of sentences."""
    registry = await find(settings)
    nurseries = Nurseries()

    async def start_worker(launch: Launch) -> WorkerProcess:
        return await start(launch, nurseries)

    budget = Budget(total=settings.memory_budget_mb * 1_000_000)
    supervisor = Supervisor(start_worker, LocalDevices(), budget, choose=choose)
    supervisor.install((each, _launch(each, registry, settings)) for each in registry.engines)
    speaker = Speaker(catalog_of(registry, settings), supervisor, settings.engines)
    try:
        yield House(registry, speaker, supervisor)
    finally:
        await supervisor.close()
        await nurseries.close()


def _launch(manifest: EngineManifest, registry: Registry, settings: Settings) -> Launch:
    return Launch(
        engine=manifest.id,
        pipeline=manifest.pipeline,
        sample_rate=manifest.sample_rate,
        interpreter=registry.interpreters.get(manifest.id),
        preload=manifest.preload,
        device="cpu",
        data_dir=settings.data_dir.absolute() / manifest.id,
        voice_dir=settings.voices.absolute(),
        options=settings.engines.get(manifest.id, {}),
    )
