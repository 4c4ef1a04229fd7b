"""Stores on a hub of loopback, with the real huggingface_hub in the real process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meadowlark.api import Asset, EngineManifest, Voice
from meadowlark.models.download import Download, Report, download
from meadowlark.models.messages import Order
from meadowlark.models.shelves import Shelves
from meadowlark.models.store import Store
from meadowlark.testing.hub import File, Hub, serve

MakeStore = Callable[..., Awaitable[Store]]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    for each in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
        monkeypatch.delenv(each)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))  # no login of whoever runs the tests
    with serve() as served:
        yield served


@pytest.fixture
def shelves(tmp_path: Path) -> Shelves:
    return Shelves(tmp_path / "voices", tmp_path / "models", (tmp_path / "share",), tmp_path / "hub")


@pytest.fixture
async def make_store(hub: Hub, shelves: Shelves) -> AsyncIterator[MakeStore]:
    """A function: voices by id with their assets, the engine's own → a store that has looked around."""
    made: list[Store] = []

    async def make(
        voices: dict[str, tuple[Asset, ...]],
        *own: Asset,
        environ: dict[str, str] | None = None,
        fetch: Download | None = None,
        **more: Any,
    ) -> Store:
        variables = {"HF_ENDPOINT": hub.url, **(environ or {})}

        async def hurried(order: Order, report: Report) -> None:
            await download(replace(order, pause=0.02), report, variables)

        store = Store(shelves, fetch=fetch or hurried, **{"reserve": 0, **more})
        made.append(store)
        await store.install([manifest(voices, *own)])
        return store

    yield make
    for each in made:
        await each.close()


def manifest(voices: dict[str, tuple[Asset, ...]], *own: Asset) -> EngineManifest:
    return EngineManifest(
        id="horn",
        title="Horn",
        license="MIT",
        pipeline="nowhere:Nothing",
        sample_rate=16_000,
        voices=tuple(Voice(name, ("en-US",), assets=assets) for name, assets in voices.items()),
        assets=own,
    )


@pytest.fixture
def put(hub: Hub) -> Callable[..., Asset]:
    """A function: have the hub hold a file; the asset that names it in full."""

    def put_(path: str, data: bytes, asset: dict[str, Any] | None = None, **faults: Any) -> Asset:
        file = hub.files[f"meadow/lark/{path}"] = File(data, **faults)
        return Asset("meadow/lark", path, **{"sha256": file.sha256, "bytes": len(data), **(asset or {})})

    return put_
