"""For engines that cannot speak yet: what is lacking, and the command that gets it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..catalog import Catalog
from ..errors import VoiceError
from ..models.state import Present, in_words
from ..models.store import Store


@dataclass(frozen=True, slots=True)
class Beginning:
    """How to get an engine's first voice."""

    engine: str
    text: str
    """What is lacking, with the engine's name."""

    remedy: str
    """Empty where this program cannot help."""


def beginnings(catalog: Catalog, store: Store) -> Iterator[Beginning]:
    """One for each engine that has no voice that can speak now."""
    for manifest in catalog.ready:
        if manifest.voices:
            continue
        if not catalog.manifest(manifest.id).voices:
            remedy = f"meadowlark pull {manifest.id}" if manifest.id in store.awaiting() else ""
            own = "put one into the voices folder"
            list_ = f"`{remedy}` fetches the list of those that can be downloaded, or {own}" if remedy else own
            yield Beginning(manifest.id, f"{manifest.id} has no voice yet", list_)
            continue
        try:
            choice = catalog.named(manifest.id)
        except VoiceError:
            continue
        state = store.state(manifest.id, choice.voice.id)
        if not isinstance(state, Present):
            yield Beginning(
                manifest.id,
                f"{manifest.id} cannot speak yet: {choice.name} {in_words(state)}",
                f"`meadowlark pull {choice.name}` downloads it",
            )
