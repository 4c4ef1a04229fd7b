"""What `meadowlark pull` means by the names it is given."""

from __future__ import annotations

from meadowlark.api import Asset, EngineManifest, Voice
from meadowlark.catalog import Catalog
from meadowlark.cli.models import _targets
from meadowlark.plugins import Registry

LIST = EngineManifest("list", "L", "MIT", "a:B", 16_000, assets=(Asset("x/y", "voices.json", optional=True),))
ONE = EngineManifest("one", "O", "MIT", "a:B", 16_000, voices=(Voice("v", ("en",), assets=(Asset("x/y", "v.bin"),)),))


def test_an_engine_without_voices_means_its_own_files() -> None:
    catalog = Catalog(Registry(engines=(LIST, ONE)))
    for everything in (False, True):
        assert _targets(catalog, ["list", "one"], everything) == [("list", ""), ("one", "v")]
