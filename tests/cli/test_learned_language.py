"""Inside the add-on, where no voice is configured: the voice of Home Assistant's language is made ready."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from meadowlark.api import Voice
from meadowlark.catalog import Catalog
from meadowlark.cli.serve import _learn_language
from meadowlark.plugins import Registry
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


@pytest.mark.parametrize(("preload", "loaded"), [(True, ["polyglot"]), (False, [])])
async def test_the_engine_that_speaks_it_is_loaded_before_somebody_asks(preload: bool, loaded: list[str]) -> None:
    prewarmed: list[str] = []
    house: Any = SimpleNamespace(
        settings=Settings(preload=preload),
        language="",
        catalog=Catalog(REGISTRY),
        supervisor=SimpleNamespace(prewarm=prewarmed.append),
    )
    assert house.catalog.default == "anglophone/amy"

    def refresh() -> None:
        house.catalog = Catalog(REGISTRY, language=house.language)

    house.refresh = refresh
    await _learn_language(house, Api())  # type: ignore[arg-type]
    assert house.catalog.default == "polyglot/anna"
    assert prewarmed == loaded
