"""What the store and a fetcher's process say to each other."""

from __future__ import annotations

from dataclasses import dataclass

from ..api import Asset
from .state import Trouble


@dataclass(frozen=True, slots=True)
class Order:
    """What the core asks for."""

    engine: str
    assets: tuple[Asset, ...]
    models: str
    """The store's own folder."""

    reserve: int
    """Bytes of the disk that must stay free."""

    pause: float = 1.0
    """Seconds before the second attempt; each further one waits twice as long."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what it reports."""

    file: str
    """`Asset.key`."""

    size: int = 0
    """Bytes on disk."""

    total: int = 0
    fetched: int = 0
    """Bytes that came over the network for this file, by this process."""

    note: str = ""
    done: bool = False
    trouble: Trouble | None = None
    """It will not come; `note` says why. Only an optional file is followed by others."""

    wait: float = 0.0
