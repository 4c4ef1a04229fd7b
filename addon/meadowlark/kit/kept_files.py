"""Folders of files that take long to make, kept under a key: the next load, and other workers, find them."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR

from .disk_room import Free, free_bytes, make_room
from .part_files import MAKING, alone

_LOGGER = logging.getLogger(__name__)


def key_of(files: Sequence[Path], *more: object) -> str:
    """A name for what is made of these files, as they are now, in this way; `more` by their repr. Raises OSError."""
    states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr((states, more)).encode()).hexdigest()[:32]


def kept(
    folder: Path,
    key: str,
    make: Callable[[Path], None],
    *,
    size: int = 0,
    most: int = 2,
    free: Free = free_bytes,
) -> Path:
    """FOLDER/KEY with what `make` writes into the empty folder it is given: all of it or nothing.

    size: bytes that it will take, about. Of all keys the `most` used last stay. The others go when it is there, whole;
    before that only where the disk is too full for both, the one used longest ago first and no more than must. Raises
    OSError when it cannot be written, and what `make` raises. free: bytes of the disk.
    """
    place = folder / key
    if not place.is_dir():
        with alone(folder):
            if not place.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                make_room(folder, size, _oldest_first(folder), _remove, free)
                _make(folder, place, make)
    _mark_used(place)
    for each in _oldest_first(folder, place)[: -(most - 1) or None]:
        _remove(each)
    return place


def _make(folder: Path, place: Path, make: Callable[[Path], None]) -> None:
    aside = Path(tempfile.mkdtemp(prefix=MAKING, dir=folder))
    try:
        make(aside)
        aside.rename(place)
    except OSError:
        if not place.is_dir():  # else another worker was quicker, on a disk without locks
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _mark_used(place: Path) -> None:
    try:
        os.utime(place)
    except OSError:  # on a read-only disk nothing is removed either
        _LOGGER.debug("%s cannot be marked as used", place)


def _oldest_first(folder: Path, but: Path | None = None) -> list[Path]:
    used: dict[Path, float] = {}
    for each in folder.iterdir():
        with suppress(FileNotFoundError):  # another worker has just removed it
            if each != but and not each.name.startswith(".") and S_ISDIR((state := each.stat()).st_mode):
                used[each] = state.st_mtime
    return sorted(used, key=used.__getitem__)


def _remove(place: Path) -> None:
    _LOGGER.debug("Removing %s, which was used longest ago", place)
    shutil.rmtree(place, ignore_errors=True)
