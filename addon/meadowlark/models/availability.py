"""Divides what is installed into what can speak now and what could be downloaded. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from ..api import EngineManifest


def divided(
    engines: Iterable[EngineManifest], absent: Collection[str]
) -> tuple[tuple[EngineManifest, ...], tuple[EngineManifest, ...]]:
    """(every engine with the voices that can speak, the engines that have others, with those alone).

    absent: "engine/voice" of those that cannot, as `Store.absent` gives them. An engine none of whose voices can speak
    stays among the first without voices, so that it is still known by its id.
    """
    ready: list[EngineManifest] = []
    waiting: list[EngineManifest] = []
    for manifest in engines:
        lacking = tuple(each for each in manifest.voices if f"{manifest.id}/{each.id}" in absent)
        if lacking:
            waiting.append(replace(manifest, voices=lacking))
            gone = {each.id for each in lacking}
            ready.append(replace(manifest, voices=tuple(each for each in manifest.voices if each.id not in gone)))
        else:
            ready.append(manifest)
    return tuple(ready), tuple(waiting)
