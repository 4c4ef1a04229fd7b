"""Puts the parts together: discovery, catalog, ledger, supervisor, keeper, speaker."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ..api import EngineManifest
from ..catalog import Catalog
from ..discovery import discover
from ..errors import SettingsError
from ..fallbacks import Wishes
from ..plugins import Registry
from ..residency.devices import LocalDevices
from ..residency.idle import Limit
from ..residency.keeper import Keeper
from ..residency.ledger_file import LedgerFile
from ..residency.supervisor import Budget, Supervisor
from ..schedule.policy import pick
from ..schedule.queue import Pick
from ..settings import Settings
from ..speech import Speaker
from ..worker.environments import Nurseries
from ..worker.process import Launch, WorkerProcess, start


@dataclass
class House:
    """Everything that speaks."""

    settings: Settings
    registry: Registry
    speaker: Speaker
    supervisor: Supervisor
    keeper: Keeper
    language: str = field(default="")
    """Home Assistant's, once it is known."""

    @property
    def catalog(self) -> Catalog:
        """The speaker's."""
        return self.speaker.catalog

    def refresh(self) -> None:
        """A new catalog: the language is known, or an engine is no longer trusted, or is again."""
        self.speaker.catalog = catalog_of(self.registry, self.settings, self.language, self.supervisor.quarantined)


async def find(settings: Settings) -> Registry:
    """All plugins, as the settings say."""
    return await discover(
        settings.voices.absolute(), environments=settings.environments, disabled=settings.disabled_plugins
    )


def catalog_of(
    registry: Registry, settings: Settings, language: str = "", notes: dict[str, str] | None = None
) -> Catalog:
    """The voices, with the settings' default. language: of the house, for when no voice is configured."""
    return Catalog(registry, settings.voice, language=language, fallback=settings.voice_fallback, notes=notes)


@asynccontextmanager
async def open_house(settings: Settings, choose: Pick = pick) -> AsyncIterator[House]:
    """Ready to speak; every worker is gone when the block ends. choose: the order of sentences."""
    registry = await find(settings)
    file = LedgerFile(settings.data_dir / "ledger.json")
    nurseries = Nurseries()

    async def start_worker(launch: Launch) -> WorkerProcess:
        return await start(launch, nurseries)

    budget = Budget(settings.memory_budget_mb * 1_000_000, settings.memory_reserve_mb * 1_000_000)
    supervisor = Supervisor(start_worker, LocalDevices(), budget, await asyncio.to_thread(file.read), choose=choose)
    _check_pinned(settings, registry)
    supervisor.install((_launch(each, registry, settings) for each in registry.engines), pinned=settings.pinned)
    for engine in supervisor.engines:
        engine.limit = _limit(settings)
    wishes = Wishes(settings.always_speak, settings.fallbacks, settings.first_audio_budget, settings.voice_changes)
    speaker = Speaker(catalog_of(registry, settings), supervisor, settings.engines, wishes)
    house = House(settings, registry, speaker, supervisor, Keeper(supervisor, file))
    supervisor.on_health = house.refresh
    try:
        yield house
    finally:
        await supervisor.close()
        await nurseries.close()
        await house.keeper.save()


def _launch(manifest: EngineManifest, registry: Registry, settings: Settings) -> tuple[EngineManifest, Launch]:
    return manifest, Launch(
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


def _limit(settings: Settings) -> Limit:
    """How long the user lets idle engines stay."""
    return Limit(
        least=math.inf if settings.keep_loaded else 0.0,
        most=settings.release_seconds or math.inf,
    )


def _check_pinned(settings: Settings, registry: Registry) -> None:
    installed = [each.id for each in registry.engines]
    for name in settings.pinned:
        if name not in installed:
            raise SettingsError(f"pinned: no engine {name!r} is installed; installed are {', '.join(installed)}.")
