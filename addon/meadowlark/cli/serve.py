"""`meadowlark serve`: the server's life from start to SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..ahead import Ahead
from ..catalog import VoiceRequest
from ..errors import VoiceError
from ..models.shelves import HIDDEN
from ..residency.ollama import Ollama
from ..schedule.policy import pick
from ..schedule.queue import Pick
from ..server.control import ControlSocket
from ..server.endpoint import TcpEndpoint
from ..server.homeassistant import HomeAssistant
from ..server.satellites import Satellites
from ..server.server import Server
from ..settings import Settings
from .controls import HouseControls
from .wiring import House, Use, open_house

_LOGGER = logging.getLogger(__name__)

GRACE_SECONDS = 6.0
"""For replies to end with their sentence; Docker and the Supervisor kill after 10 s unless told otherwise."""

LANGUAGE_RETRY_SECONDS = 30.0

FOLDER_SECONDS = 10.0
"""Between looks at the folders of voices; Home Assistant asks for the list every 30 s."""


def serve(settings: Settings, choose: Pick = pick, look_seconds: float = FOLDER_SECONDS) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. choose: the order of sentences, for the benchmark that compares.

    look_seconds: between looks at the folders of voices.
    """
    asyncio.run(_serve(settings, choose, look_seconds))


async def _serve(settings: Settings, choose: Pick, look_seconds: float) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    kept_by_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    for number in (signal.SIGTERM, signal.SIGINT, *(() if kept_by_nohup else (signal.SIGHUP,))):
        loop.add_signal_handler(number, stopping.set)
    api = HomeAssistant.of(os.environ)
    async with open_house(settings, choose, Use.SERVER) as house:
        server = Server(house.speaker, settings.limits)
        controls = HouseControls(house)
        control = ControlSocket(settings.data_dir / "control.sock", controls)
        await server.start(settings.uris)
        try:
            await control.start()
            await controls.tidy()
            _report(house)
            gc.freeze()  # what is there now stays: looking through all of it would hold up the replies for 10 ms
            duties = [start_duty(duty) for duty in _duties(house, server, settings, api, look_seconds)]
            await stopping.wait()
            _LOGGER.info("Stopping: replies end with their sentence")
            for task in duties:
                task.cancel()
            await asyncio.gather(*duties, server.stop(GRACE_SECONDS), return_exceptions=True)
        finally:
            await control.stop()
            await server.stop(0)


def start_duty(duty: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that goes on besides serving. If it fails the house speaks on, and the log says at once what is missed."""
    task = asyncio.create_task(duty, name=getattr(duty, "__qualname__", repr(duty)))
    task.add_done_callback(_report_failure)
    return task


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _LOGGER.error("%s is not done until the next start; please report this", task.get_name(), exc_info=error)


def _duties(
    house: House, server: Server, settings: Settings, api: HomeAssistant | None, look_seconds: float
) -> Iterator[Coroutine[Any, Any, None]]:
    """What goes on besides serving."""
    yield house.keeper.run()
    yield _keep_models(house)
    yield _keep_voices(house, look_seconds)
    yield _open_ahead(house)
    if settings.preload:
        yield _preload(house)
    if api and not settings.voice:
        yield _learn_language(house, api)
    if api and settings.satellites:
        yield Satellites(api, lambda _: _prewarm_default(house)).watch()
    if settings.ollama_url:
        yield _befriend_ollama(house, settings.ollama_url)
    port = next((each.port for each in server.endpoints if isinstance(each, TcpEndpoint)), 0)
    if api and port:
        yield _tell_supervisor(api, port)
    if settings.zeroconf or (settings.zeroconf is None and not api):
        yield _advertise(server, settings)


def _report(house: House) -> None:
    """One line on what can speak; one more when the configured voice cannot."""
    catalog = house.catalog
    voices = sum(len(engine.voices) for engine in catalog.engines)
    engines = ", ".join(engine.id for engine in catalog.engines) or "no engine: see `meadowlark plugins`"
    _LOGGER.info("Ready with %d voices (%s); default %s", voices, engines, catalog.default or "none")
    _report_wishes(house)


def _report_wishes(house: House) -> None:
    """What the settings wish and cannot have; of what is still to come nothing is said."""
    try:
        house.catalog.resolve(VoiceRequest())
    except VoiceError as error:
        _LOGGER.error("Requests that name no voice will fail: %s", error)
    for problem in house.speaker.fallbacks.problems(house.catalog):
        _LOGGER.error("Settings: %s", problem)


async def _keep_voices(house: House, look_seconds: float) -> None:
    """Notice voices that people put into their folders, and lists of voices that are pulled."""
    shelves = house.store.shelves
    shared = (folder / each.id for folder in shelves.shared for each in house.registry.engines)
    folders = (shelves.voices, shelves.models, *shared)
    seen, again = await asyncio.to_thread(_content, folders), False
    while True:
        await asyncio.sleep(look_seconds)
        now = await asyncio.to_thread(_content, folders)
        if now != seen or again:
            first, seen = now != seen, now
            again = not await house.rediscover() and first  # the machine may have been busy; once more is enough
            house.want_configured()
            _report_wishes(house)


def _content(folders: Iterable[Path]) -> frozenset[tuple[str, int, int]]:
    """Name, size and time of every file; what vanishes meanwhile, and downloads until they are whole, are left out."""
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            if HIDDEN in path.parts:
                continue
            with suppress(OSError):
                status = path.stat()
                found.append((str(path), status.st_size, status.st_mtime_ns))
    return frozenset(found)


async def _keep_models(house: House) -> None:
    """Fetch what the settings' voices need, while others speak for them; notice files that come and go."""
    house.want_configured()
    await house.store.keep()


async def _open_ahead(house: House) -> None:
    """Voices that are new are opened before somebody waits for them."""
    configured, options = house.settings.fallbacks.values(), house.settings.engines
    await Ahead(house.supervisor, configured, options, house.speaker.files).run(lambda: house.catalog)


async def _preload(house: House) -> None:
    """Load the default voice's engine, so that the first reply finds it resident, and the light one that stands in."""
    _prewarm_default(house)
    for engine in house.catalog.ready:
        if engine.last_resort:
            house.supervisor.prewarm(engine.id)
    await house.speaker.warm_up()
    gc.freeze()  # as at start: with the tables of the language


def _prewarm_default(house: House) -> None:
    if house.catalog.default:
        choice = house.catalog.named(house.catalog.default)
        if not choice.waits:
            house.supervisor.prewarm(choice.manifest.id)


async def _learn_language(house: House, api: HomeAssistant) -> None:
    """Where no voice is configured, one in Home Assistant's own language; asked until Home Assistant is up."""
    while not (language := await api.language()):  # noqa: ASYNC110  Home Assistant tells nobody when it is up
        await asyncio.sleep(LANGUAGE_RETRY_SECONDS)
    before = house.catalog.default
    house.language = language
    house.refresh()
    _LOGGER.info("Home Assistant speaks %s: the default voice is %s", language, house.catalog.default)
    if house.settings.preload:
        _prewarm_default(house)
        await _let_go_untried(house, before.partition("/")[0])


async def _let_go_untried(house: House, engine_id: str) -> None:
    """An engine that was loaded for whoever comes first, when nobody has come and another one is the default's now."""
    if engine_id in ("", house.catalog.default.partition("/")[0]):
        return
    engine = house.supervisor.engine(engine_id)
    if engine.loading:
        await asyncio.wait({engine.loading})
    if engine.pattern.untried and not engine.manifest.last_resort and not house.settings.keep_loaded:
        await house.supervisor.evict(engine_id, f"the default voice is {house.catalog.default} now")


async def _befriend_ollama(house: House, url: str) -> None:
    """Know which of Ollama's models are idle, so that they can be asked to go when an engine needs the GPU."""
    ollama = Ollama(url)

    async def make_room(kind: str, size: int) -> int:
        return (await ollama.release(size, kind)).bytes

    house.supervisor.make_room = make_room
    await ollama.watch()


async def _tell_supervisor(api: HomeAssistant, port: int) -> None:
    await api.announce(port)


async def _advertise(server: Server, settings: Settings) -> None:
    from ..server.advertise import Advertiser, default_name  # zeroconf: 0.1 s and 8 MB, not for those who do without

    advertiser = Advertiser(settings.zeroconf_name or default_name(), server.endpoints)
    advertiser.start()
    try:
        await asyncio.get_running_loop().create_future()  # until cancelled
    finally:
        await advertiser.stop()
