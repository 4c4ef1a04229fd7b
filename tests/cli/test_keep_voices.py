"""When the folders of voices are looked at: no more often than something changes, unless a look has failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from meadowlark.api import Voice
from meadowlark.catalog import Catalog
from meadowlark.cli.serve import _keep_voices
from meadowlark.plugins import Registry
from meadowlark.testing.engines import tone_manifest

pytestmark = pytest.mark.usefixtures("virtual_time")


class House:
    """Looks go as they are told."""

    def __init__(self, folder: Path) -> None:
        self.whole: list[bool] = []
        self.looks = 0
        self.registry = Registry(engines=(tone_manifest("tone", voices=(Voice("bell", ("en",)),)),))
        self.catalog = Catalog(self.registry)
        self.store = SimpleNamespace(shelves=SimpleNamespace(voices=folder, models=folder / "models", shared=()))
        self.speaker = SimpleNamespace(fallbacks=SimpleNamespace(problems=lambda _: ()))

    async def rediscover(self) -> bool:
        self.looks += 1
        return self.whole.pop(0)

    def want_configured(self) -> None: ...


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house: Any = House(tmp_path)
    keeping = asyncio.create_task(_keep_voices(house, 10.0))
    await asyncio.sleep(5.0)  # it has seen what was there
    yield house
    keeping.cancel()


async def test_at_a_change(house: House, tmp_path: Path) -> None:
    await asyncio.sleep(60.0)
    assert house.looks == 0
    house.whole = [True]
    (tmp_path / "gong.tone").touch()
    await asyncio.sleep(60.0)
    assert house.looks == 1


async def test_once_more_when_a_look_has_failed_and_no_more_when_it_fails_again(house: House, tmp_path: Path) -> None:
    house.whole = [False, False]
    (tmp_path / "gong.tone").touch()
    await asyncio.sleep(10.0)
    assert house.looks == 1
    await asyncio.sleep(60.0)
    assert house.looks == 2
    house.whole = [True]
    (tmp_path / "gong.tone").unlink()
    await asyncio.sleep(60.0)
    assert house.looks == 3
