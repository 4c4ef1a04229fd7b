"""The engine under test: found as the server finds it, in a worker as the server starts it, called without async."""

from __future__ import annotations

import asyncio
import functools
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from ..api import EngineManifest, Marker, MarkerKind, PlacedEvent, Utterance, Value, Voice
from ..audio import seconds
from ..discovery import discover
from ..errors import LoadError, WorkerError
from ..plugins import PluginRow, Registry
from ..worker.environments import Nurseries
from ..worker.process import Launch, WorkerProcess, start

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Found:
    """One engine as discovery sees it."""

    engine: str
    registry: Registry

    @property
    def manifest(self) -> EngineManifest | None:
        """None: nobody registers it."""
        return next((each for each in self.registry.engines if each.id == self.engine), None)

    @property
    def row(self) -> PluginRow | None:
        """The plugin that it belongs to."""
        return next((each for each in self.registry.rows if self.engine in each.engines), None)

    @property
    def interpreter(self) -> str:
        """Where it lives; empty = here."""
        return self.registry.interpreters.get(self.engine, "")


def find(engine: str, environments: tuple[str, ...], voice_dir: Path | None = None) -> Found:
    """Look for an engine among all plugins, once for all suites: collecting and running ask again."""
    return Found(engine, _registry(environments, voice_dir, os.environ.get("PYTHONPATH", "")))


@functools.cache
def _registry(environments: tuple[str, ...], voice_dir: Path | None, path: str) -> Registry:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(discover(voice_dir or Path(folder), environments=environments))


class Leaves(StrEnum):
    """When a listener leaves. AFTER differs from WITH in that the engine is at work again, which is what takes time."""

    BEFORE = "before its first chunk"
    WITH = "with its first chunk"
    AFTER = "soon after its first chunk"


_AT_WORK_SECONDS: Final = 0.1
"""From an order, or from a chunk, until the engine has certainly gone on."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of an utterance."""

    pcm: bytes
    chunks: int
    seconds: float
    """Of audio."""

    cut: bool = False
    """There would have been more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds."""

    load: float
    sentence: float
    """Without any audio."""


class Subject:
    """Holds one resident worker; a dead one is replaced at the next sentence, so that one fault is one failure."""

    def __init__(
        self,
        found: Found,
        limits: Limits,
        device: str = "cpu",
        options: Mapping[str, Value] | None = None,
        voice_dir: Path | None = None,
    ) -> None:
        assert found.manifest
        self.manifest = found.manifest
        self._limits = limits
        self._folder = tempfile.TemporaryDirectory(prefix=f"meadowlark-{found.engine}-")
        self._options = dict(options or {})
        self._launch = Launch(
            engine=found.engine,
            pipeline=self.manifest.pipeline,
            sample_rate=self.manifest.sample_rate,
            interpreter=found.interpreter or None,
            preload=self.manifest.preload,
            device=device,
            data_dir=Path(self._folder.name),
            voice_dir=voice_dir or Path(self._folder.name) / "voices",
            options=self._options,
            max_batch=self.manifest.max_batch,
        )
        self._runner = asyncio.Runner()
        self._nurseries = Nurseries()
        self._worker: WorkerProcess | None = None

    def close(self) -> None:
        """End all processes."""
        self.run(self._nurseries.close(), 30)
        self._runner.close()
        self._folder.cleanup()

    def run(self, action: Coroutine[Any, Any, _T], limit: float) -> _T:
        """Do something in the worker's event loop. Raises TimeoutError."""

        async def limited() -> _T:
            async with asyncio.timeout(limit):
                return await action

        return self._runner.run(limited())

    def load(self) -> WorkerProcess:
        """The worker, loaded now if it is not there. Raises LoadError."""
        return self.run(self._ready(), self._limits.load + 60)

    def stop(self) -> str:
        """End the worker; how it ended."""
        worker, self._worker = self.load(), None

        async def end() -> str:
            await worker.stop()
            return await worker.exited

        return self.run(end(), 30)

    def survived(self, worker: WorkerProcess) -> bool:
        """Whether this worker still takes jobs."""
        self.run(asyncio.sleep(0.05), 10)  # its death is heard of in the event loop only
        return worker.alive and worker is self._worker

    def utterance(
        self,
        text: str,
        *,
        voice: Voice | None = None,
        language: str = "",
        variant: str = "",
        speaker: str = "",
        marker: Marker | None = None,
        event_at: int = 0,
    ) -> Utterance:
        """As speech.speak() makes it."""
        voice = voice or self.manifest.voices[0]
        style = marker if marker and marker.kind is MarkerKind.STYLE else None
        event = marker if marker and marker.kind is MarkerKind.EVENT else None
        return Utterance(
            text=text,
            voice=voice,
            language=language or voice.languages[0],
            variant=variant,
            speaker=speaker,
            style=style.native if style else None,
            style_name=style.name if style else "",
            events=(PlacedEvent(event_at, event.name, event.native),) if event else (),
            options={**self._options, **voice.options},
        )

    def speak(self, utterance: Utterance, *, enough: float = float("inf")) -> Spoken:
        """The utterance spoken; cut short when it has sounded for `enough` seconds of time. Raises WorkerError."""

        async def job() -> Spoken:
            return await self._listen(await self._ready(), utterance, enough)

        return self._runner.run(job())  # bounded by the patience of the worker's listener

    def speak_at_once(self, utterance: Utterance) -> tuple[Spoken, Spoken]:
        """The same from two workers at the same time. Raises LoadError, WorkerError."""

        async def both() -> tuple[Spoken, Spoken]:
            first = await self._ready()
            second = await self._start()
            try:
                inf = float("inf")
                return await asyncio.gather(self._listen(first, utterance, inf), self._listen(second, utterance, inf))
            finally:
                await second.stop()

        return self._runner.run(both())

    def speak_together(
        self, utterances: Sequence[Utterance], *, leaves: int | None = None
    ) -> list[Spoken | WorkerError]:
        """Several at a time from one worker; one listener may leave as soon as all have heard something."""
        heard = [asyncio.Event() for _ in utterances]

        async def one(worker: WorkerProcess, number: int) -> Spoken | WorkerError:
            try:
                return await self._listen(worker, utterances[number], float("inf"), heard[number])
            except WorkerError as error:
                return error
            finally:
                heard[number].set()

        async def all_of_them() -> list[Spoken | WorkerError]:
            worker = await self._ready()
            tasks = [asyncio.create_task(one(worker, number)) for number in range(len(utterances))]
            if leaves is not None:
                for each in heard:
                    await each.wait()
                tasks[leaves].cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            return [each for each in found if isinstance(each, (Spoken, WorkerError))]

        return self._runner.run(all_of_them())

    def cancel(self, utterance: Utterance, leaves: Leaves) -> float:
        """Leave at this moment; seconds until the worker is free again."""

        async def job() -> float:
            worker = await self._ready()
            stream = worker.speak(utterance, patience=self._limits.sentence)
            first = asyncio.ensure_future(anext(stream, None))
            await asyncio.wait({first}, timeout=_AT_WORK_SECONDS if leaves is Leaves.BEFORE else None)
            if leaves is Leaves.AFTER:
                for _ in range(5):  # on a busy machine one long sleep may end before the engine has run at all
                    await asyncio.sleep(_AT_WORK_SECONDS / 5)
            begun = time.monotonic()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await stream.aclose()
            return time.monotonic() - begun

        return self._runner.run(job())

    def stop_in_mid_sentence(self, utterance: Utterance) -> float:
        """End the worker while it speaks; seconds until it is gone."""

        async def job() -> float:
            worker, self._worker = await self._ready(), None
            stream = worker.speak(utterance, patience=self._limits.sentence)
            await anext(stream, None)
            begun = time.monotonic()
            await worker.stop()
            took = time.monotonic() - begun
            await _drain(stream)
            return took

        return self._runner.run(job())

    async def _ready(self) -> WorkerProcess:
        await asyncio.sleep(0)
        if self._worker is None or not self._worker.alive:
            self._worker = await self._start()
        return self._worker

    async def _start(self) -> WorkerProcess:
        try:
            return await start(self._launch, self._nurseries, load_timeout=self._limits.load)
        except TimeoutError as error:
            raise LoadError(self.manifest.id, f"was not loaded within {self._limits.load:g} s") from error

    async def _listen(
        self, worker: WorkerProcess, utterance: Utterance, enough: float, heard: asyncio.Event | None = None
    ) -> Spoken:
        pcm, chunks = bytearray(), 0
        begun = time.monotonic()
        cut = False
        async with aclosing(worker.speak(utterance, patience=self._limits.sentence)) as stream:
            async for chunk in stream:
                pcm += chunk
                chunks += 1
                if heard:
                    heard.set()
                if time.monotonic() - begun > enough:
                    cut = True
                    break
        return Spoken(bytes(pcm), chunks, seconds(len(pcm), self.manifest.sample_rate), cut)


async def _drain(stream: AsyncGenerator[bytes, None]) -> None:
    """What a worker that was ended had still sent."""
    try:
        async for _ in stream:
            pass
    except WorkerError:
        pass


def spread(items: Sequence[_T], most: int | None) -> tuple[_T, ...]:
    """At most so many of them, evenly taken, the first and the last among them."""
    if most is None or len(items) <= most:
        return tuple(items)
    if most < 2:
        return tuple(items[:most])
    return tuple(items[round(index * (len(items) - 1) / (most - 1))] for index in range(most))
