"""What a new worker is told so that it becomes an engine, and what it answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wyoming.event import async_read_event

from ..api import Value
from ..errors import LoadError
from .environments import Forked
from .messages import Failure, Load, Loaded, LoadFailed, from_event

EXIT_SECONDS: Final = 2.0
"""From a closed socket, or SIGKILL, to the end of the process."""


@dataclass(frozen=True, slots=True)
class Launch:
    """All that a worker must know to become an engine."""

    engine: str
    pipeline: str
    """"package.module:Class"."""

    sample_rate: int
    interpreter: str | None = None
    """Of the virtualenv that has the engine; None = the server's own."""

    preload: tuple[str, ...] = ()
    device: str = "cpu"
    visible: str | None = None
    """UUID of the GPU, the only one that the worker will see; empty = it sees none; None = as the server."""

    data_dir: Path = Path("data")
    voice_dir: Path = Path("data/voices")
    options: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Absolute paths of the engine's assets, by Asset.key."""

    max_batch: int = 1
    """Of the manifest, as is the next."""

    alternates: bool = False
    spare_bytes: int = 0
    """Of the device's memory, what it may hold beyond what it needs."""


def load_message(launch: Launch) -> Load:
    """The first message to it."""
    return Load(
        engine=launch.engine,
        pipeline=launch.pipeline,
        sample_rate=launch.sample_rate,
        device=launch.device,
        data_dir=str(launch.data_dir),
        voice_dir=str(launch.voice_dir),
        options=launch.options,
        files=launch.files,
        log_level=logging.getLogger("meadowlark").getEffectiveLevel(),
        visible=launch.visible,
        max_batch=launch.max_batch,
        alternates=launch.alternates,
        spare_bytes=launch.spare_bytes,
    )


async def answer(engine: str, reader: asyncio.StreamReader, forked: Forked, timeout: float) -> Loaded:
    """The worker's first word, within `timeout` seconds."""
    try:
        async with asyncio.timeout(timeout):
            event = await async_read_event(reader)
    except TimeoutError:
        raise LoadError(engine, f"loading takes more than {timeout:g} s; killed") from None
    except (OSError, EOFError):
        event = None
    match from_event(event) if event else None:
        case Loaded() as loaded:
            return loaded
        case LoadFailed(kind, text):
            raise LoadError(engine, text, out_of_memory=kind is Failure.OUT_OF_MEMORY)
        case _:
            await asyncio.wait({forked.exit}, timeout=EXIT_SECONDS)
            how = forked.exit.result() if forked.exit.done() else "it closed its socket"
            raise LoadError(engine, f"died while loading: {how}")
