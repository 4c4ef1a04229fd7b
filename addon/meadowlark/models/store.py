"""Which voices have their files, and downloads for those that want them: each file once, whoever asks.

Knows nothing of Wyoming, workers or the hub. Lives in the server's loop; the disk is read in a thread, the network by
a process of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..api import Asset, EngineManifest, Value, Voice
from ..errors import DownloadError
from .download import Download, download
from .messages import Line, Order
from .needs import assets_of, chosen, pause
from .progress import Chronicle, Meter
from .shelves import Shelves
from .state import Downloading, Failed, Missing, Present, Progress, State, Trouble, in_words, megabytes

_LOGGER = logging.getLogger(__name__)

RESCAN_SECONDS: Final = 10.0
"""Files that somebody else put there or took away are noticed by then: Home Assistant asks for voices every 30 s."""

RESERVE: Final = 300_000_000
"""Bytes of the disk that a download leaves free: Home Assistant's database shares it."""

AT_ONCE: Final = 2
"""Downloads at the same time; the rest wait, so that a voice in use is not slowed down by a list of others."""

Key = tuple[str, Asset]
"""An engine's file."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One fetcher's process, or its place in the queue."""

    task: asyncio.Task[None]
    meter: Meter


class Store:
    """All model files of this server."""

    def __init__(
        self,
        shelves: Shelves,
        options: Mapping[str, Mapping[str, Value]] | None = None,
        *,
        changed: Callable[[], None] = lambda: None,
        fetch: Download = download,
        clock: Callable[[], float] = time.monotonic,
        reserve: int = RESERVE,
        rescan_seconds: float = RESCAN_SECONDS,
    ) -> None:
        """options: the user's settings by engine id. changed: called when a voice's state is another one."""
        self.shelves = shelves
        self.on_change = changed
        self.on_begin: Callable[[str, tuple[Asset, ...]], None] = lambda _engine, _assets: None
        """Called in a thread when a download begins, with the engine and its files."""
        self._options = options or {}
        self._download = fetch
        self._clock = clock
        self._reserve = reserve
        self._rescan_seconds = rescan_seconds
        self._engines: dict[str, tuple[EngineManifest, dict[str, Voice]]] = {}
        self._found: dict[Key, Path] = {}
        self._jobs: dict[Key, _Job] = {}
        self._failed: dict[Key, Failed] = {}
        self._failures: dict[Key, int] = {}
        """In a row; an attempt that has begun has no failure yet, but those before it count."""
        self._wanted: list[tuple[str, str]] = []
        self._free = asyncio.Semaphore(AT_ONCE)
        self._looking = asyncio.Lock()
        """One look at a time: an older one must not deny what a newer one has seen."""
        self._poke = asyncio.Event()

    async def install(self, engines: Iterable[EngineManifest]) -> None:
        """Make engines known, in place of those before, and look what is there."""
        self._engines = {each.id: (each, {voice.id: voice for voice in each.voices}) for each in engines}
        await self.refresh()

    def state(self, engine: str, voice: str = "") -> State:
        """What can be said of a voice, or of an engine's own files, now. A few microseconds; touches no disk.

        One that has just gone, and is in somebody's older catalog still, is missing.
        """
        if not self._knows(engine, voice):
            return Missing(0)
        assets = self._chosen(engine, voice)
        if not assets:
            return Present()
        lacking = [each for each in assets if not each.optional and (engine, each) not in self._found]
        if not lacking:
            return Present(
                {each.key: str(self._found[engine, each]) for each in assets if (engine, each) in self._found}
            )
        for each in lacking:
            if failure := self._failed.get((engine, each)):
                return failure
        for each in lacking:
            if job := self._jobs.get((engine, each)):
                return Downloading(job.meter.progress)
        return Missing(sum(each.bytes for each in lacking), more=not all(each.bytes for each in lacking))

    def files(self, engine: str, voice: str = "") -> Mapping[str, str]:
        """Absolute paths by `Asset.key` of what a voice, or an engine as such, has."""
        match self.state(engine, voice):
            case Present(files):
                return files
            case _:
                return {}

    def absent(self) -> frozenset[str]:
        """Voices that cannot speak yet, as "engine/voice"."""
        return frozenset(
            f"{engine}/{voice}"
            for engine, (_, voices) in self._engines.items()
            for voice in voices
            if not isinstance(self.state(engine, voice), Present)
        )

    def why(self, engine: str, voice: str) -> str:
        """Why a voice cannot speak now, in words that follow its name; empty when it can."""
        return in_words(self.state(engine, voice))

    def awaiting(self) -> frozenset[str]:
        """Engines whose own optional files are not all there: a list of their voices may be among them."""
        return frozenset(
            engine
            for engine, (manifest, _) in self._engines.items()
            if any(each.optional and (engine, each) not in self._found for each in manifest.assets)
        )

    def shortcomings(self, engine: str, voice: str = "") -> Mapping[str, Failed]:
        """By `Asset.key`: why optional files, without which the voice speaks too, could not be downloaded."""
        optional = (each for each in self._chosen(engine, voice) if each.optional)
        return {each.key: self._failed[engine, each] for each in optional if (engine, each) in self._failed}

    @property
    def transfers(self) -> tuple[Progress, ...]:
        """Every download that is under way or waits for its turn, the oldest first; for a page or a command line."""
        return tuple(job.meter.progress for job in dict.fromkeys(self._jobs.values()))

    @property
    def keys(self) -> Iterator[Key]:
        """Every file that any installed voice could use, each once."""
        seen: dict[Key, None] = {}
        for engine, (manifest, voices) in self._engines.items():
            for asset in (*manifest.assets, *(each for voice in voices.values() for each in voice.assets)):
                seen.setdefault((engine, asset))
        return iter(seen)

    def where(self, engine: str, asset: Asset) -> Path | None:
        """The file, as last seen."""
        return self._found.get((engine, asset))

    async def refresh(self) -> bool:
        """Look at the folders again; whether anything has come or gone."""
        return await self._look(tuple(self.keys))

    def want(self, engine: str, voice: str = "") -> str:
        """Have `keep` fetch a voice's files as soon as may be, and again after a failure; why it cannot speak yet."""
        if (engine, voice) not in self._wanted:
            self._wanted.append((engine, voice))
            self._poke.set()
        return self.why(engine, voice)

    async def fetch(self, engine: str, voice: str = "") -> Mapping[str, str]:
        """A voice's files (of an engine as such: its own), downloaded if need be. Raises DownloadError.

        Whoever else wants one of them waits for the same download; giving up waiting does not end it.
        """
        await self._look([(engine, each) for each in self._assets(engine, voice)])
        if tasks := self._begin(engine, voice):
            await asyncio.wait(tasks)
        match self.state(engine, voice):
            case Present(files):
                return files
            case Failed(reason, kind):
                raise DownloadError(f"{_named(engine, voice)} could not be downloaded: {reason}", kind=kind)
            case _:
                raise DownloadError(f"The download of {_named(engine, voice)} was given up.", kind=Trouble.ERROR)

    async def keep(self) -> None:
        """Until cancelled: notice files that come and go, fetch what is wanted, and try again what has failed."""
        while True:
            self._poke.clear()
            await self.refresh()
            for engine, voice in self._wanted:
                if self._knows(engine, voice) and self._is_due(engine, voice):
                    self._begin(engine, voice)
            try:
                async with asyncio.timeout(self._rescan_seconds):
                    await self._poke.wait()
            except TimeoutError:
                pass

    async def close(self) -> None:
        """End every download; what has come of them stays for the next time."""
        tasks = {job.task for job in self._jobs.values()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_due(self, engine: str, voice: str) -> bool:
        """Whether something is lacking, be it optional, that nobody fetches and that need not wait any longer."""
        keys = {(engine, each) for each in self._chosen(engine, voice)} - self._found.keys() - self._jobs.keys()
        return bool(keys) and all(self._clock() >= self._failed[key].again_at for key in keys if key in self._failed)

    def _begin(self, engine: str, voice: str) -> set[asyncio.Task[None]]:
        """Download what is lacking and nobody downloads yet; the tasks of all that is lacking."""
        lacking = [(engine, each) for each in self._chosen(engine, voice) if (engine, each) not in self._found]
        mine = [key for key in lacking if key not in self._jobs]
        if mine:
            meter = Meter(engine, voice, (asset for _, asset in mine), self._clock())
            job = _Job(asyncio.create_task(self._run(meter, mine), name=f"download {_named(engine, voice)}"), meter)
            self._jobs.update(dict.fromkeys(mine, job))
            for key in mine:
                self._failed.pop(key, None)
        return {self._jobs[key].task for key in lacking}

    async def _run(self, meter: Meter, keys: list[Key]) -> None:
        """One download from its place in the queue to its end; what went wrong is noted in `_failed`."""
        name = meter.progress.name
        by_key = {asset.key: (engine, asset) for engine, asset in keys}
        chronicle, begun = Chronicle(self._clock()), self._clock()
        failed = False

        def take(line: Line) -> None:
            nonlocal failed
            now = self._clock()
            if line.trouble:
                failed |= not by_key[line.file][1].optional
                self._note_failure(by_key[line.file], line.note, line.trouble, line.wait)
            elif text := chronicle.line(meter.take(line, now), now):
                _LOGGER.info("Downloading %s: %s", name, text)

        try:
            async with self._free:
                begun, total = self._clock(), meter.progress.total
                _LOGGER.info("Downloading %s%s", name, f" ({megabytes(total)})" if total else "")
                assets = tuple(asset for _, asset in keys)
                await asyncio.to_thread(self.on_begin, meter.progress.engine, assets)
                await self._download(
                    Order(meter.progress.engine, assets, str(self.shelves.models), self._reserve), take
                )
            await self._look(keys)
            for key in keys:
                if not (key in self._found or key[1].optional or failed):
                    self._note_failure(key, f"{key[1].key} came, but is not as the plugin says", Trouble.ERROR)
                    failed = True
            if not failed and any(key in self._found for key in keys):  # what can be done without may not have come
                size, took = meter.progress.total, self._clock() - begun
                _LOGGER.info("Downloaded %s%s in %.0f s", name, f": {megabytes(size)}" if size else "", took)
        except DownloadError as error:
            await self._look(keys)
            for key in keys:
                if key not in self._found:
                    self._note_failure(key, str(error), Trouble(error.kind))
        finally:
            for key in keys:
                del self._jobs[key]
            self.on_change()

    def _note_failure(self, key: Key, reason: str, kind: Trouble, wait: float = 0.0) -> None:
        self._failures[key] = failures = self._failures.get(key, 0) + 1
        again = pause(kind, failures, wait)
        self._failed[key] = Failed(reason, kind, self._clock() + again, failures)
        engine, asset = key
        level = logging.WARNING if asset.optional else logging.ERROR
        _LOGGER.log(level, "%s of %s could not be downloaded: %s", asset.path, engine, reason)

    async def _look(self, keys: Iterable[Key]) -> bool:
        """Where these files are now; whether that is another place than before."""
        keys = tuple(keys)
        differs = False
        async with self._looking:
            found = await asyncio.to_thread(lambda: [self.shelves.find(engine, asset) for engine, asset in keys])
            for key, path in zip(keys, found, strict=True):
                differs |= self._found.get(key) != path
                if path:
                    self._found[key] = path
                    self._failed.pop(key, None)
                    self._failures.pop(key, None)
                else:
                    self._found.pop(key, None)
        if differs:
            self.on_change()
        return differs

    def _knows(self, engine: str, voice: str) -> bool:
        known = self._engines.get(engine)
        return known is not None and (not voice or voice in known[1])

    def _assets(self, engine: str, voice: str) -> tuple[Asset, ...]:
        """Raises KeyError for an engine or voice that is not installed."""
        manifest, voices = self._engines[engine]
        return assets_of(manifest, voices[voice] if voice else None)

    def _chosen(self, engine: str, voice: str) -> tuple[Asset, ...]:
        assets = self._assets(engine, voice)
        if not any(each.option for each in assets):
            return assets
        return chosen(assets, self._options.get(engine, {}), lambda asset: (engine, asset) in self._found)


def _named(engine: str, voice: str) -> str:
    return f"{engine}/{voice}" if voice else engine
