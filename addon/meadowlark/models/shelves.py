"""The folders in which model files lie: the user's, the store's own, those of other add-ons, the hub's cache.

Only the store's own folder is ever written. Knows nothing of downloads.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ..api import Asset

HIDDEN: Final = ".meadowlark"
"""Below an engine's folder: what is still coming, locks, and records of what was checked."""

SHARED: Final = (Path("/share"),)
"""Holds a folder per engine where Home Assistant's users put models: /share/piper."""


@dataclass(frozen=True, slots=True)
class Record:
    """What was checked when a file was downloaded: a later manifest may name another file of the same name and size."""

    source: str
    """`source_of` the asset."""

    size: int
    sha256: str = ""
    md5: str = ""

    def is_of(self, asset: Asset) -> bool:
        """Whether the file is the one that this asset names."""
        if asset.sha256 and self.sha256:
            return asset.sha256 == self.sha256
        if asset.md5 and self.md5:
            return asset.md5 == self.md5
        return self.source == source_of(asset)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one file of the store's own lies, and what belongs to it."""

    file: Path
    part: Path
    """What has come of it so far."""

    lock: Path
    record: Path


@dataclass(frozen=True, slots=True)
class Shelves:
    """All folders, in the order in which they are searched."""

    voices: Path
    """The user's own."""

    models: Path
    """The store's own, with a folder per engine."""

    shared: tuple[Path, ...] = SHARED
    """Folders that hold a folder per engine."""

    hub: Path | None = None
    """The cache of huggingface_hub, which other programs may have filled."""

    def place(self, engine: str, asset: Asset) -> Place:
        """Where the store keeps a file of an engine."""
        hidden = self.models / engine / HIDDEN
        base = _flat(asset.key)
        return Place(
            file=self.models / engine / asset.key,
            part=hidden / f"{base}.part",
            lock=hidden / f"{base}.lock",
            record=hidden / f"{base}.json",
        )

    def find(self, engine: str, asset: Asset) -> Path | None:
        """The first file that fits an asset: by its whole path, or by its bare name where its size is known."""
        for path in self._before(engine, asset):
            if _fits(path, asset):
                return Path(path)
        if _fits(f"{self.models}/{engine}/{asset.key}", asset):
            place = self.place(engine, asset)
            if (record := read_record(place.record)) is None or record.is_of(asset):
                return place.file
        for path in self._after(engine, asset):
            if _fits(path, asset):
                return Path(path)
        return None

    # Strings, not paths: a catalogue of 350 files is looked for every 10 s, in 11 ms instead of 55.

    def _before(self, engine: str, asset: Asset) -> Iterator[str]:
        yield f"{self.voices}/{engine}/{asset.key}"
        if asset.bytes:  # a bare "config.json" could be anybody's
            name = asset.path.rpartition("/")[2]
            yield f"{self.voices}/{engine}/{name}"
            yield f"{self.voices}/{name}"

    def _after(self, engine: str, asset: Asset) -> Iterator[str]:
        for folder in self.shared:
            yield f"{folder}/{engine}/{asset.key}"
            if asset.bytes:
                yield f"{folder}/{engine}/{asset.path.rpartition('/')[2]}"
        if self.hub and not asset.url:
            repository = f"{self.hub}/models--{asset.repository.replace('/', '--')}"
            if os.path.isdir(repository) and (commit := _commit(repository, asset.revision)):  # noqa: PTH112
                yield f"{repository}/snapshots/{commit}/{asset.path}"


def read_record(path: Path) -> Record | None:
    """None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError):
        return None


def source_of(asset: Asset) -> str:
    """Where an asset comes from, in one string."""
    return asset.url or f"{asset.repository}@{asset.revision}/{asset.path}"


def hub_cache(environ: Mapping[str, str]) -> Path:
    """The folder that huggingface_hub uses as its cache, by its own variables; asked without importing it."""
    home = Path(environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    hub = Path(environ.get("HF_HOME") or home) / "hub"
    named = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE") or str(hub)
    return Path(os.path.expandvars(named)).expanduser()


def _fits(path: str, asset: Asset) -> bool:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (not asset.bytes or status.st_size == asset.bytes)


def _commit(repository: str, revision: str) -> str:
    """The commit that the cache has for a revision; empty when it has none."""
    try:
        return Path(repository, "refs", revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return revision if len(revision) == 40 else ""


def _flat(key: str) -> str:
    """A file name for a path; two paths that would share one, or one too long, are told apart by their hash."""
    flat = key.replace("/", "--")
    if flat == key and len(flat.encode()) < 200:
        return flat
    return f"{flat[-100:]}.{hashlib.sha256(key.encode()).hexdigest()[:8]}"
