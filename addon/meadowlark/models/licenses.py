"""Which licences do not allow every use, where to read them, and of which the user has been told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ..api import Asset, EngineManifest

_BOUND: Final = re.compile(
    r"-(NC|ND)(-|$)|^LicenseRef-|RAIL|non-?commercial|research|^(BUSL|Elastic|CPML)-", re.IGNORECASE
)
"""Of an SPDX id: no commercial use, no changes, uses that are forbidden one by one, or the publisher's own terms."""


class Notices:
    """What has been said, kept in the data folder so that it is said once. Blocking: call it in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def due(self, manifest: EngineManifest, assets: Iterable[Asset] = ()) -> tuple[str, ...]:
        """A sentence for each licence that the user has to know of and has not been told; it counts as told now."""
        told = self._read()
        before = told.get(manifest.id, [])
        found = {name: where for name, where in restricted(manifest, assets).items() if name not in before}
        if found:
            told[manifest.id] = [*before, *found]
            self._write(told)
        return tuple(
            f"{manifest.title} ({manifest.id}) comes under {name}, which does not allow every use: read {where}"
            for name, where in found.items()
        )

    def _read(self) -> dict[str, list[str]]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, list[str]])
        except (OSError, ValueError):  # msgspec's errors are ValueErrors; what cannot be read is said again
            return {}

    def _write(self, told: dict[str, list[str]]) -> None:
        aside = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))
            aside.replace(self._path)
        except OSError:
            pass  # then it is said again at the next start


def restricted(manifest: EngineManifest, assets: Iterable[Asset] = ()) -> dict[str, str]:
    """Licences of an engine and its files that do not allow every use → the address to read each."""
    own = tuple(assets) or manifest.assets
    found: dict[str, str] = {}
    for asset in own:
        for name in not_free(asset.license):
            found.setdefault(name, _address(name, asset, manifest))
    for name in not_free(manifest.license):
        found.setdefault(name, _address(name, own[0] if own else None, manifest))
    return found


def not_free(expression: str) -> Iterator[str]:
    """Those ids of an SPDX expression that bind the user and to which it offers no free alternative."""
    for part in re.split(r"\s+AND\s+", expression.replace("(", " ").replace(")", " ").strip()):
        choices = [each.strip() for each in re.split(r"\s+OR\s+", part)]
        if all(_BOUND.search(each) for each in choices):
            yield from (each for each in choices if each)


def _address(name: str, asset: Asset | None, manifest: EngineManifest) -> str:
    if not name.startswith("LicenseRef-"):
        return f"https://spdx.org/licenses/{name}.html"
    if asset and asset.repository:
        return f"https://huggingface.co/{asset.repository}"
    return (manifest.attribution and manifest.attribution.url) or f"the pages of {manifest.title}"
