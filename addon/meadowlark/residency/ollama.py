"""Asks an Ollama on the same GPU to give back models that nobody uses. Optional, off by default.

What its public API tells. GET /api/ps lists the loaded models; `expires_at` of each is set to "now + keep_alive" when a
request *ends*, and does not move while one runs; during the very first request it moves with every look. When it has
passed and the model is still there, its timer is stopped, because it answers. POST /api/generate with `keep_alive: 0`
and no prompt unloads an idle model; one that answers finishes its answer first, so that no reply is ever broken.

Whether a model answers now is therefore not told. The rule here: a model is idle when its `expires_at` lies ahead and
has not moved for QUIET_SECONDS of our watching. What remains is an answer that has been going on for longer than that:
it is finished, but the model then has to be loaded again for the next. A model kept for ever is somebody's wish and
stays, and so does every model in a minute in which we could not watch.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

_LOGGER = logging.getLogger(__name__)

QUIET_SECONDS: Final = 30.0
"""A model that ended no request for so long is idle; a spoken conversation has shorter pauses."""

WATCH_SECONDS: Final = 5.0
"""Between looks. A look costs Ollama a millisecond and wakes no model."""

BLIND_SECONDS: Final = 20.0
"""After so long without a look nothing is known of what happened meanwhile, and watching begins anew."""

FOREVER_SECONDS: Final = 30 * 86400.0
"""`keep_alive: -1` gives an `expires_at` centuries ahead."""

CALL_SECONDS: Final = 3.0
GONE_SECONDS: Final = 8.0
"""A runner that is told to end needs one or two; one that answers may need minutes, and is not waited for."""

LARGEST_ANSWER: Final = 4 * 1024 * 1024

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""It shares our GPU, so it is near; a proxy from the environment would not know it."""

_FAILURES = (OSError, ValueError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that Ollama has loaded."""

    name: str
    expires_at: float
    """Unix time."""

    gpu_bytes: int
    ram_bytes: int


@dataclass(frozen=True, slots=True)
class Released:
    """What came of asking."""

    bytes: int
    """Of the models that are gone from /api/ps; the device has them back a moment later, which is for NVML to say."""

    models: tuple[str, ...]
    reason: str = ""
    """Why it is less than was wanted; empty = it is not."""


@dataclass(slots=True)
class _Watched:
    """How long a model has been quiet."""

    expires_at: float
    since: float
    """On our clock: when `expires_at` was first seen as it is."""

    told: bool = False
    """It was asked to go and did not: it is answering, and goes afterwards."""


class Ollama:
    """One Ollama. Bound to one event loop."""

    def __init__(
        self,
        url: str,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        gone_seconds: float = GONE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """url: "http://127.0.0.1:11434". now: Ollama's own clock, unix time: it is on this machine."""
        self.url = url.rstrip("/")
        self._quiet_seconds = quiet_seconds
        self._gone_seconds = gone_seconds
        self._clock = clock
        self._now = now
        self._watched: dict[str, _Watched] = {}
        self._looked_at = float("-inf")
        self._reachable = True
        self._asking = asyncio.Lock()

    async def watch(self, pause: float = WATCH_SECONDS) -> None:
        """Look now and then, for ever, so that `release` knows who is idle; costs a log line when Ollama is away."""
        while True:
            await self.look()
            await asyncio.sleep(pause)

    async def look(self) -> tuple[Model, ...]:
        """The models that are loaded now; none when Ollama cannot be asked. Never raises."""
        try:
            models = _models(await self._ask("/api/ps"))
        except _FAILURES as error:
            if self._reachable:
                _LOGGER.warning("Ollama at %s cannot be asked (%s): its models stay where they are", self.url, error)
            self._reachable = False
            return ()
        if not self._reachable:
            _LOGGER.info("Ollama at %s answers again", self.url)
        self._reachable = True
        self._remember(models)
        return models

    async def release(self, wanted_bytes: int, kind: str = "cuda") -> Released:
        """Have idle models go, no more than needed, until so many bytes of GPU memory ("cpu": RAM) are free again.

        Takes at most GONE_SECONDS and two calls more; never raises.
        """
        async with self._asking:
            models = await self.look()
            if not self._reachable:
                return Released(0, (), f"Ollama at {self.url} cannot be asked")
            chosen, reason = _choose(models, wanted_bytes, kind, self._is_idle)
            gone = await self._unload(chosen)
            size = sum(_size(model, kind) for model in gone)
            if size < wanted_bytes and len(gone) < len(chosen):
                busy = ", ".join(model.name for model in chosen if model not in gone)
                reason = f"{busy} did not go: answering, or kept by somebody"
            if gone:
                names = ", ".join(model.name for model in gone)
                _LOGGER.info("Ollama released %s (%.0f MB)", names, size / 1e6)
            return Released(size, tuple(model.name for model in gone), "" if size >= wanted_bytes else reason)

    def _remember(self, models: Iterable[Model]) -> None:
        now = self._clock()
        known = self._watched if now - self._looked_at <= max(BLIND_SECONDS, self._quiet_seconds / 2) else {}
        self._looked_at = now
        self._watched = {}
        for model in models:
            before = known.get(model.name)
            same = before is not None and before.expires_at == model.expires_at
            self._watched[model.name] = before if before and same else _Watched(model.expires_at, now)

    def _is_idle(self, model: Model) -> bool:
        watched = self._watched[model.name]
        ahead = model.expires_at - self._now()
        quiet = self._clock() - watched.since >= self._quiet_seconds
        return 0 < ahead < FOREVER_SECONDS and quiet and not watched.told

    async def _unload(self, models: tuple[Model, ...]) -> tuple[Model, ...]:
        """Those that are gone, of those that were asked to go."""
        asked: list[Model] = []
        for model in models:
            try:
                await self._ask("/api/generate", {"model": model.name, "keep_alive": 0})
                asked.append(model)
            except _FAILURES as error:
                _LOGGER.warning("Ollama at %s does not release %s: %s", self.url, model.name, error)
        until = self._clock() + self._gone_seconds
        while asked:
            left = {model.name for model in await self.look()}
            if not self._reachable:
                return ()
            if left.isdisjoint(model.name for model in asked) or self._clock() >= until:
                break
            await asyncio.sleep(0.1)
        for model in asked:
            if model.name in self._watched:
                self._watched[model.name].told = True
        return tuple(model for model in asked if model.name not in self._watched)

    async def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer; raises one of _FAILURES."""
        async with asyncio.timeout(2 * CALL_SECONDS):  # urllib's own limit begins anew with every byte
            return await asyncio.to_thread(self._call, path, body)

    def _call(self, path: str, body: Mapping[str, Any] | None) -> Any:
        """In a thread."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with _DIRECT.open(request, timeout=CALL_SECONDS) as response:
                answer = response.read(LARGEST_ANSWER + 1)
        except urllib.error.HTTPError as error:
            error.close()
            raise
        if len(answer) > LARGEST_ANSWER:
            raise ValueError(f"{path} answered with more than {LARGEST_ANSWER >> 20} MiB")
        return json.loads(answer.splitlines()[0] if body and answer else answer)  # /api/generate streams


def _choose(
    models: tuple[Model, ...], wanted: int, kind: str, is_idle: Callable[[Model], bool]
) -> tuple[tuple[Model, ...], str]:
    """The idle models to release, largest sufficient first; why they are too few, when they are. Pure."""
    here = [model for model in models if _size(model, kind)]
    idle = sorted((model for model in here if is_idle(model)), key=lambda model: (_size(model, kind), model.name))
    chosen: list[Model] = []
    missing = wanted
    while idle and missing > 0:
        model = next((each for each in idle if _size(each, kind) >= missing), idle[-1])  # one is enough, or the largest
        idle.remove(model)
        chosen.append(model)
        missing -= _size(model, kind)
    if missing <= 0:
        return tuple(chosen), ""
    busy = [model.name for model in here if model not in chosen]
    return tuple(chosen), f"in use lately, or kept: {', '.join(busy)}" if busy else "Ollama holds no more there"


def _size(model: Model, kind: str) -> int:
    return model.ram_bytes if kind == "cpu" else model.gpu_bytes


def _models(answer: Any) -> tuple[Model, ...]:
    """What /api/ps lists; ValueError when it is something else."""
    try:
        return tuple(_model(each) for each in answer["models"] or ())
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"what it answers is not Ollama's list of models ({type(error).__name__}: {error})") from error


def _model(each: Mapping[str, Any]) -> Model:
    size, gpu = int(each["size"]), int(each.get("size_vram", 0))
    name = each.get("model") or each["name"]
    if not isinstance(name, str):
        raise TypeError("a model without a name")
    return Model(name, datetime.fromisoformat(each["expires_at"]).timestamp(), gpu, max(0, size - gpu))
