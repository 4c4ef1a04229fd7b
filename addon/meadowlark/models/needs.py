"""Which files a voice needs, and when a failed download is tried again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ..api import Asset, EngineManifest, Value, Voice
from .state import Trouble

SOON: Final = frozenset({Trouble.NETWORK, Trouble.BUSY, Trouble.ERROR})
"""Kinds of failure that pass by themselves."""

FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 1800.0
LONG_PAUSE: Final = 3600.0
"""For what somebody must mend: terms to accept, a disk to tidy, a plugin to update."""


def assets_of(manifest: EngineManifest, voice: Voice | None) -> tuple[Asset, ...]:
    """All files that an engine, or one of its voices, could use; each once, the engine's first."""
    return tuple(dict.fromkeys((*manifest.assets, *(voice.assets if voice else ()))))


def chosen(
    assets: Iterable[Asset], options: Mapping[str, Value], is_here: Callable[[Asset], bool]
) -> tuple[Asset, ...]:
    """The files to use of those that an option chooses between: the user's wish, else what is there, else the first."""
    assets = tuple(assets)
    values: dict[str, list[str]] = {}
    for each in assets:
        if each.option and each.value not in values.setdefault(each.option, []):
            values[each.option].append(each.value)
    wanted = {option: _value(option, known, assets, options, is_here) for option, known in values.items()}
    return tuple(each for each in assets if not each.option or each.value == wanted[each.option])


def _value(
    option: str,
    known: list[str],
    assets: tuple[Asset, ...],
    options: Mapping[str, Value],
    is_here: Callable[[Asset], bool],
) -> str:
    wish = str(options.get(option, ""))
    if wish in known:
        return wish

    def complete(value: str) -> bool:
        return all(is_here(each) for each in assets if (each.option, each.value) == (option, value))

    return next(filter(complete, known), known[0])


def pause(kind: Trouble, failures: int, asked: float = 0.0) -> float:
    """Seconds until the next attempt, after so many failures in a row. asked: by the server."""
    usual = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 16)) if kind in SOON else LONG_PAUSE
    return max(usual, asked)
