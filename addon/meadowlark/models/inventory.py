"""What model files there are, whose they are, and how they go away again. Reads the disk: call it in a thread."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..api import Asset, EngineManifest, Voice
from ..errors import MeadowlarkError
from .part import guarded, locked
from .shelves import HIDDEN, Place, Shelves

PART: Final = ".part"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that is there, partly there, or could be."""

    engine: str
    file: str
    """`Asset.key`, or the path below the engine's folder for a file that no installed plugin names."""

    bytes: int
    """On disk; of one that is not there: what the manifest says, 0 = not known."""

    license: str
    path: str
    """Empty = not there."""

    own: bool
    """In the store's own folder: `remove` deletes it."""

    coming: int = 0
    """Bytes of a download that has not ended."""

    voices: tuple[str, ...] = ()
    """Ids of voices that use it; the engine's own files: none, and `engine_wide`."""

    engine_wide: bool = False

    source: str = ""
    """Where it comes from; empty for a file that no installed plugin names."""


def inventory(shelves: Shelves, engines: Iterable[EngineManifest]) -> tuple[Entry, ...]:
    """Every file of every installed engine, then what lies in the store's folder and belongs to none of them."""
    found: list[Entry] = []
    known: set[Path] = set()
    for manifest in engines:
        for asset, voices in _users(manifest).items():
            place = shelves.place(manifest.id, asset)
            known.update((place.file, place.part))
            found.append(_entry(shelves, manifest, asset, voices))
    return (*found, *_orphans(shelves.models, known))


def _users(manifest: EngineManifest) -> dict[Asset, list[str]]:
    """The engine's own files first, with no voices."""
    users: dict[Asset, list[str]] = {each: [] for each in manifest.assets}
    for voice in manifest.voices:
        for each in voice.assets:
            users.setdefault(each, []).append(voice.id)
    return users


def _entry(shelves: Shelves, manifest: EngineManifest, asset: Asset, voices: list[str]) -> Entry:
    path, place = shelves.find(manifest.id, asset), shelves.place(manifest.id, asset)
    return Entry(
        engine=manifest.id,
        file=asset.key,
        bytes=path.stat().st_size if path else asset.bytes,
        license=asset.license or manifest.license,
        path=str(path or ""),
        own=path == place.file,
        coming=place.part.stat().st_size if place.part.exists() else 0,
        voices=tuple(voices),
        engine_wide=asset in manifest.assets,
        source=asset.url or f"{asset.repository}@{asset.revision}",
    )


def _orphans(models: Path, known: set[Path]) -> Iterator[Entry]:
    for path in sorted(models.rglob("*")) if models.is_dir() else ():
        relative = path.relative_to(models)
        hidden = HIDDEN in relative.parts
        if path in known or not path.is_file() or len(relative.parts) < 2 or (hidden and path.suffix != PART):
            continue
        size = path.stat().st_size
        yield Entry(relative.parts[0], "/".join(relative.parts[1:]), size, "", str(path), own=True)


def remove_engine(shelves: Shelves, engine: str) -> int:
    """Delete all that the store has of an engine, installed or not; bytes freed. Raises MeadowlarkError."""
    folder = shelves.models / engine
    if not folder.is_dir():
        return 0
    freed = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    with ExitStack() as held, guarded(folder):
        for lock in (folder / HIDDEN).glob("*.lock"):
            held.enter_context(locked(lock, _busy(engine)))
        shutil.rmtree(folder)
    return freed


def remove_voice(shelves: Shelves, engine: str, voice: Voice) -> int:
    """Delete what the store has of a voice's own files, of each choice among them; bytes freed.

    Files elsewhere stay, they are not ours. Raises MeadowlarkError while one is being downloaded.
    """
    return sum(_remove(shelves.models / engine, shelves.place(engine, each), engine) for each in voice.assets)


def _remove(folder: Path, place: Place, engine: str) -> int:
    if not (place.file.exists() or place.part.exists()):
        return 0
    freed = 0
    with locked(place.lock, _busy(engine)), guarded(place.file):
        for each in (place.file, place.part):
            freed += each.stat().st_size if each.exists() else 0
            each.unlink(missing_ok=True)
        place.record.unlink(missing_ok=True)
        place.lock.unlink(missing_ok=True)
        parent = place.file.parent  # of a file that has only begun to come it may not be there
        while parent != folder and not (parent.exists() and any(parent.iterdir())):
            if parent.exists():
                parent.rmdir()
            parent = parent.parent
    return freed


def _busy(engine: str) -> Callable[[], None]:
    def refuse() -> None:
        raise MeadowlarkError(
            f"A file of {engine} is being downloaded by a running server or another command; "
            "wait until it is there, or stop that one first."
        )

    return refuse
