"""Inside the add-on, where no voice is configured: the voice of Home Assistant's language is made ready."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from meadowlark.api import Voice
from meadowlark.catalog import Catalog
from meadowlark.cli.serve import _learn_language
from meadowlark.plugins import Registry
from meadowlark.residency.idle import Pattern
from meadowlark.settings import Settings
from meadowlark.testing.engines import tone_manifest

REGISTRY = Registry(
    engines=(
        tone_manifest("anglophone", voices=(Voice("amy", ("en-US",)),)),
        tone_manifest("polyglot", voices=(Voice("anna", ("de-DE",)),)),
    )
)


class Api:
    async def language(self) -> str:
        return "de"


class Supervisor:
    """Notes what is loaded and what goes."""

    def __init__(self, *, untried: bool) -> None:
        self.loaded: list[str] = []
        self.gone: list[str] = []
        self.pattern = Pattern() if untried else Pattern().learn(0.0)
        self.loading: asyncio.Future[None] | None = None

    def prewarm(self, engine: str) -> None:
        self.loaded.append(engine)

    def engine(self, engine: str) -> SimpleNamespace:
        manifest = next(each for each in REGISTRY.engines if each.id == engine)
        return SimpleNamespace(manifest=manifest, loading=self.loading, pattern=self.pattern)

    async def evict(self, engine: str, _: str) -> bool:
        assert not self.loading or self.loading.done()
        self.gone.append(engine)
        return True


def house(*, untried: bool = True, **settings: bool) -> Any:
    found: Any = SimpleNamespace(
        settings=Settings(**settings),  # type: ignore[arg-type]
        language="",
        catalog=Catalog(REGISTRY),
        supervisor=Supervisor(untried=untried),
    )
    assert found.catalog.default == "anglophone/amy"

    def refresh() -> None:
        found.catalog = Catalog(REGISTRY, language=found.language)

    found.refresh = refresh
    return found


@pytest.mark.parametrize(("preload", "loaded"), [(True, ["polyglot"]), (False, [])])
async def test_the_engine_that_speaks_it_is_loaded_before_somebody_asks(preload: bool, loaded: list[str]) -> None:
    here = house(preload=preload)
    await _learn_language(here, Api())  # type: ignore[arg-type]
    assert here.catalog.default == "polyglot/anna"
    assert here.supervisor.loaded == loaded


async def test_the_one_that_was_loaded_until_it_was_known_goes_when_it_has_come() -> None:
    here = house()
    here.supervisor.loading = loading = asyncio.get_running_loop().create_future()
    learning = asyncio.create_task(_learn_language(here, Api()))  # type: ignore[arg-type]
    while not here.supervisor.loaded:  # noqa: ASYNC110 - a fake tells nobody
        await asyncio.sleep(0)
    loading.set_result(None)
    await learning
    assert here.supervisor.gone == ["anglophone"]


@pytest.mark.parametrize("stays", [{"untried": False}, {"keep_loaded": True}, {"preload": False}])
async def test_unless_somebody_uses_it_or_it_is_to_stay(stays: dict[str, bool]) -> None:
    here = house(**stays)
    await _learn_language(here, Api())  # type: ignore[arg-type]
    assert here.supervisor.gone == []
