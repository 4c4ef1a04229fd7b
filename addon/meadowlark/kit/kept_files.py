"""Folders of files that take long to make, kept under a key: the next load, and other workers, find them."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .part_files import alone

_LOGGER = logging.getLogger(__name__)

RESERVE_BYTES = 64_000_000
"""Stays free on the disk."""

MAKING = ".making-"


def key_of(files: Sequence[Path], *more: object) -> str:
    """A name for what is made of these files, as they are now, in this way; `more` by their repr. Raises OSError."""
    states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr((states, more)).encode()).hexdigest()[:32]


def kept(folder: Path, key: str, make: Callable[[Path], None], *, size: int = 0, most: int = 2) -> Path:
    """FOLDER/KEY with what `make` writes into the empty folder it is given: all of it or nothing.

    size: bytes that it will take, about. Of all keys the `most` used last stay. Raises OSError when it cannot be
    written, and what `make` raises.
    """
    place = folder / key
    if not place.is_dir():
        with alone(folder):
            if not place.is_dir():
                _make(folder, place, make, size)
    _mark_used(place)
    _remove_oldest(folder, place, most)
    return place


def _make(folder: Path, place: Path, make: Callable[[Path], None], size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{MAKING}*"):  # of a worker that was killed: nobody else makes anything now
        shutil.rmtree(left, ignore_errors=True)
    if (free := shutil.disk_usage(folder).free) < size + RESERVE_BYTES:
        raise OSError(f"{free / 1e6:.0f} MB are free in {folder}, {(size + RESERVE_BYTES) / 1e6:.0f} are needed")
    aside = Path(tempfile.mkdtemp(prefix=MAKING, dir=folder))
    try:
        make(aside)
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _mark_used(place: Path) -> None:
    try:
        os.utime(place)
    except OSError:  # on a read-only disk nothing is removed either
        _LOGGER.debug("%s cannot be marked as used", place)


def _remove_oldest(folder: Path, newest: Path, most: int) -> None:
    others = [each for each in folder.iterdir() if each.is_dir() and each != newest and not each.name.startswith(".")]
    others.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for each in others[most - 1 :]:
        _LOGGER.debug("Removing %s, which was used longest ago", each)
        shutil.rmtree(each, ignore_errors=True)
