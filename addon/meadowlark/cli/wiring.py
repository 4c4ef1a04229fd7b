"""Puts the parts together: discovery, catalog, ledger, supervisor, keeper, speaker."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from ..api import Asset, EngineManifest
from ..catalog import Catalog, Choice
from ..discovery import discover, remembered
from ..errors import SettingsError, VoiceError, echoed
from ..fallbacks import Wishes
from ..models.licenses import Notices
from ..models.store import Store
from ..plugins import Registry
from ..residency.devices import LocalDevices
from ..residency.idle import Limit
from ..residency.keeper import Keeper
from ..residency.ledger_file import LedgerFile
from ..residency.supervisor import Budget, Supervisor
from ..schedule.policy import pick
from ..schedule.queue import Pick
from ..settings import Settings, read_lexicon
from ..speech import Speaker, Words
from ..text.lexicon import Lexicon
from ..worker.environments import Nurseries
from ..worker.process import Launch, WorkerProcess, start
from .data_folder import with_writable_data
from .model_store import notices_of, shelves_of, store_of

_LOGGER = logging.getLogger(__name__)


class Use(Enum):
    """What a house is opened for."""

    SERVER = "server"
    """Keeps the ledger, and complains where another one does."""

    COMMAND = "command"
    """Keeps it where no server does."""

    CHECK = "check"
    """Leaves no trace in it."""


@dataclass
class House:
    """Everything that speaks."""

    settings: Settings
    registry: Registry
    speaker: Speaker
    supervisor: Supervisor
    keeper: Keeper
    store: Store
    language: str = field(default="")
    """Home Assistant's, once it is known."""
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """For plugins and voices: of two looks the later must have the last word."""

    @property
    def notices(self) -> Notices:
        """Of which licences the user has been told."""
        return notices_of(self.settings)

    @property
    def catalog(self) -> Catalog:
        """The speaker's."""
        return self.speaker.catalog

    def want_configured(self) -> None:
        """Have the settings' voices fetched, and the lists that they may be in, while others speak for them."""
        for name in filter(None, (self.settings.voice, *self.settings.fallbacks.values())):
            for engine in self.catalog.awaited(name, bare=name == self.settings.voice):
                _LOGGER.info("%s is not known yet: fetching the list of %s's voices", echoed(name), engine)
                self.store.want(engine)
            with suppress(VoiceError):  # said at start
                choice = self.catalog.named(name)
                if choice.waits:
                    _LOGGER.info("%s %s: fetching it", choice.name, self.why_absent(choice))

    def tell_license(self, engine: str, assets: tuple[Asset, ...] = ()) -> None:
        """Name in the log, once for ever, the licences of an engine that do not allow every use. Blocking."""
        manifest = next((each for each in self.registry.engines if each.id == engine), None)
        for notice in self.notices.due(manifest, assets) if manifest else ():
            _LOGGER.warning("%s", notice)

    def refresh(self) -> None:
        """A new catalog: the language is known, files have come or gone, an engine is trusted no more, or again."""
        self.supervisor.install(_launches(self.registry, self.settings, self.store))
        self.speaker.catalog = catalog_of(
            self.registry,
            self.settings,
            self.language,
            self.supervisor.quarantined,
            self.store.absent(),
            self.store.awaiting(),
        )

    async def rediscover(self) -> bool:
        """Look for plugins and voices again; what is new can be asked for without a restart.

        False: the look failed on a plugin, whose voices stay as they were.
        """
        async with self.looking:
            seen = await find(self.settings, self.registry)
            found = remembered(self.registry, seen)
            if found.engines == self.registry.engines:
                self.registry = found  # with what is wrong with the plugins, and so has been told
                await self.store.refresh()
                return found is seen
            before, after = (sum(len(each.voices) for each in registry.engines) for registry in (self.registry, found))
            self.registry = found
            await self.store.install(found.engines)
            self.refresh()
            _LOGGER.info("Voices have changed: %d, %d before", after, before)
            return found is seen

    def why_absent(self, choice: Choice) -> str:
        """Have a voice's files fetched; why it cannot speak yet, in words that follow its name."""
        return self.store.want(choice.manifest.id, choice.voice.id)


async def find(settings: Settings, before: Registry | None = None) -> Registry:
    """All plugins, as the settings say. before: as the last look found them; what was wrong then is not told again."""
    shelves = shelves_of(settings)
    return await discover(
        shelves.voices,
        model_dir=shelves.models,
        hub=shelves.hub,
        options=settings.engines,
        environments=settings.environments,
        disabled=settings.disabled_plugins,
        before=before,
    )


def catalog_of(
    registry: Registry,
    settings: Settings,
    language: str = "",
    notes: Mapping[str, str] | None = None,
    absent: Collection[str] = (),
    awaiting: Collection[str] = (),
) -> Catalog:
    """The voices, with the settings' default. language: of the house, for when no voice is configured."""
    return Catalog(
        registry,
        settings.voice,
        language=language,
        fallback=settings.voice_fallback,
        notes=notes,
        absent=absent,
        awaiting=awaiting,
        advertise_absent=settings.advertise_downloadable,
    )


@asynccontextmanager
async def open_house(settings: Settings, choose: Pick = pick, use: Use = Use.SERVER) -> AsyncIterator[House]:
    """Ready to speak; every worker is gone when the block ends. choose: the order of sentences."""
    settings = with_writable_data(settings)
    lexicon = _lexicon(settings, use)
    registry = await find(settings)
    file = LedgerFile(settings.data_dir / "ledger.json", shared=use is not Use.SERVER)
    if use is Use.SERVER:
        await asyncio.to_thread(file.claim)
    nurseries = Nurseries()

    async def start_worker(launch: Launch) -> WorkerProcess:
        await asyncio.to_thread(house.tell_license, launch.engine)
        return await start(launch, nurseries)

    budget = Budget(settings.memory_budget_mb * 1_000_000, settings.memory_reserve_mb * 1_000_000)
    ledger = await asyncio.to_thread(partial(file.read, keep_broken=use is not Use.CHECK))
    supervisor = Supervisor(start_worker, LocalDevices(), budget, ledger, choose=choose)
    _check_pinned(settings, registry)
    _check_engine_names(settings, registry)
    store = store_of(settings)
    await store.install(registry.engines)
    supervisor.install(_launches(registry, settings, store), pinned=settings.pinned)
    for engine in supervisor.engines:
        engine.limit = _limit(settings)
        if use is not Use.SERVER:
            engine.rests_until = 0.0  # who types a command may just have mended it
    wishes = Wishes(settings.always_speak, settings.fallbacks, settings.first_audio_budget, settings.voice_changes)
    catalog = catalog_of(
        registry, settings, notes=supervisor.quarantined, absent=store.absent(), awaiting=store.awaiting()
    )
    words = Words(settings.normalize, Lexicon(lexicon) if lexicon else None)
    speaker = Speaker(catalog, supervisor, settings.engines, wishes, words)
    keeper = Keeper(supervisor, None if use is Use.CHECK else file)
    house = House(settings, registry, speaker, supervisor, keeper, store)
    speaker.files = lambda choice: store.files(choice.manifest.id, choice.voice.id)
    speaker.why_absent = house.why_absent
    supervisor.on_health = store.on_change = house.refresh
    store.on_begin = house.tell_license
    try:
        yield house
    finally:
        await store.close()
        await supervisor.close()
        await nurseries.close()
        await house.keeper.save()
        file.release()


def _launches(registry: Registry, settings: Settings, store: Store) -> Iterator[tuple[EngineManifest, Launch]]:
    for manifest in registry.engines:
        yield (
            manifest,
            Launch(
                engine=manifest.id,
                pipeline=manifest.pipeline,
                sample_rate=manifest.sample_rate,
                interpreter=registry.interpreters.get(manifest.id),
                preload=manifest.preload,
                data_dir=settings.data_dir.absolute() / manifest.id,
                voice_dir=settings.voices.absolute(),
                options=settings.engines.get(manifest.id, {}),
                files=store.files(manifest.id),
                max_batch=manifest.max_batch,
                alternates=manifest.alternates,
            ),
        )


def _lexicon(settings: Settings, use: Use) -> dict[str, dict[str, str]]:
    """The user's words. A slip in that file silences no house: the server does without them, and says so."""
    try:
        return read_lexicon(settings)
    except SettingsError as error:
        if use is Use.SERVER:
            _LOGGER.error("%s Words are said without it; mend it and start again.", error)
        elif use is not Use.CHECK:
            raise
        return {}


def _limit(settings: Settings) -> Limit:
    """How long the user lets idle engines stay."""
    return Limit(
        least=math.inf if settings.keep_loaded else 0.0,
        most=settings.release_seconds or math.inf,
    )


def _check_engine_names(settings: Settings, registry: Registry) -> None:
    installed = [each.id for each in registry.engines]
    for name in settings.engines:
        if name not in installed:
            _LOGGER.warning(
                "engines: options for %s, which is not installed; installed are %s", echoed(name), ", ".join(installed)
            )


def _check_pinned(settings: Settings, registry: Registry) -> None:
    installed = [each.id for each in registry.engines]
    for name in settings.pinned:
        if name not in installed:
            raise SettingsError(f"pinned: no engine {echoed(name)} is installed; installed are {', '.join(installed)}.")
