"""The parts that a model was cut into, kept on disk under the hash of what they were made from.

Cutting takes 0.3-6 s and the `onnx` package; opening a part does not. Several workers may do it at once.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from .disk_room import Free, free_bytes, make_room

if TYPE_CHECKING:  # the package is needed once a model, not at each load
    from onnx import ModelProto

_LOGGER = logging.getLogger(__name__)

_T = TypeVar("_T")

MAKING = ".making-"

Parts = Mapping[str, Path | bytes]
"""Name → file, or its content where nothing could be written."""

Make = Callable[[Path], Mapping[str, "ModelProto"]]


def parts(model: Path, folder: Path, recipe: str, names: tuple[str, ...], make: Make, free: Free = free_bytes) -> Parts:
    """The parts of a model, made now if they are not in `folder`. Raises what `make` raises.

    recipe: names what `make` does and its version: another one, other files. names: the parts that it gives. What they
    replace goes when they are there; before that only where the disk is too full for both. free: bytes of the disk.
    """
    digest = content_hash(model, folder)
    place = folder / f"{digest[:32]}-{recipe}"
    files = {name: place / f"{name}.onnx" for name in names}
    if _complete(files):
        _follow(place, model)
        return files
    with alone(folder):  # cutting holds the whole model in memory: not in every worker at once
        return files if _complete(files) else _made(model, folder, place, recipe, files, make, free)


def opened(
    model: Path, folder: Path, recipe: str, names: tuple[str, ...], make: Make, open_part: Callable[[Path | bytes], _T]
) -> dict[str, _T]:
    """The parts, each as `open_part` gives it. Kept ones that are broken, by a full disk or a loss of power, are made
    once more. Raises what `make` and `open_part` raise."""
    files = parts(model, folder, recipe, names, make)
    try:
        return {name: open_part(files[name]) for name in names}
    except Exception as error:  # whatever ONNX Runtime has to say about a file that it cannot read, or a device
        files = _mended(model, folder, recipe, files, make, error)
    return {name: open_part(files[name]) for name in names}


def _mended(model: Path, folder: Path, recipe: str, files: Parts, make: Make, error: Exception) -> Parts:
    """Made anew where one of them is broken; as they are where none is, or another worker has just made them."""
    kept = {name: each for name, each in files.items() if isinstance(each, Path)}
    with alone(folder):
        broken = [each for each in kept.values() if _is_broken(each)]
        if not broken:
            return files
        _LOGGER.warning("%s, a part of %s, is broken and made anew (%s)", broken[0], model.name, error)
        shutil.rmtree(broken[0].parent, ignore_errors=True)
        return _made(model, folder, broken[0].parent, recipe, kept, make)


def _is_broken(part: Path) -> bool:
    from .onnx_graph import GraphError, load  # needs onnx, which opening a part that is whole does not

    try:
        load(part)
    except GraphError:
        return True
    return False


def _made(
    model: Path,
    folder: Path,
    place: Path,
    recipe: str,
    files: Mapping[str, Path],
    make: Make,
    free: Free = free_bytes,
) -> Parts:
    made = make(model)
    try:
        _write(place, made, {"model": str(model), "recipe": recipe}, free)
    except OSError as error:
        _LOGGER.warning(
            "The parts of %s (%.0f MB) cannot be kept in %s (%s): the next load cuts it again",
            model.name,
            sum(each.ByteSize() for each in made.values()) / 1e6,
            folder,
            error.strerror or error,
        )
        return {name: each.SerializeToString() for name, each in made.items()}
    for each in _outdated(place, _origin(place)):
        _remove(each)
    return files


def _complete(files: Mapping[str, Path]) -> bool:
    return all(each.is_file() for each in files.values())


def _follow(place: Path, model: Path) -> None:
    """The parts of a model that was renamed are its own from now on: those of one that is gone would be removed."""
    origin = _origin(place)
    if origin and not Path(origin["model"]).exists():
        with suppress(OSError):  # where nothing can be written nothing is removed either
            _replace(place / "origin.txt", json.dumps({**origin, "model": str(model)}).encode())


@contextmanager
def alone(folder: Path, lock: Callable[[TextIO, int], None] = fcntl.flock) -> Iterator[None]:
    """Wait until no other worker makes files for this folder, and remove what one that was killed has left in it. Where
    it cannot be written, or its file system knows no locks, nobody waits: what is made twice is written aside, and one
    of them stays."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError:
        yield
        return
    with file:  # closing it gives the lock up
        try:
            lock(file, fcntl.LOCK_EX)
            for left in folder.glob(f"{MAKING}*"):
                shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            _tell_of_no_locks(folder)
        yield


_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""Of shares: NFS without its lock daemon, CIFS, some of FUSE."""


@cache
def _tell_of_no_locks(folder: Path) -> None:
    _LOGGER.info("The file system of %s knows no locks: workers that load at the same time may do work twice", folder)


def content_hash(model: Path, folder: Path) -> str:
    """SHA-256 of the file, remembered in `folder` by path, size and time of change: 0.3 s for 325 MB, 3 s on a Pi."""
    stat = model.stat()
    state = f"{model.absolute()} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
    note = folder / f"{hashlib.sha256(state.encode()).hexdigest()[:16]}.hash"
    try:
        if len(known := note.read_text(encoding="ascii")) == 64:
            return known
    except OSError:
        pass
    with model.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(note, digest.encode())
    except OSError:
        pass  # it is read again next time
    return digest


def _write(place: Path, made: Mapping[str, ModelProto], origin: Mapping[str, str], free: Free) -> None:
    """All or nothing: other workers see the folder when it is complete. One part at a time is held as bytes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    incomplete = [place] if place.is_dir() else []
    size = sum(each.ByteSize() for each in made.values())
    make_room(place.parent, size, [*incomplete, *_outdated(place, origin)], _remove, free)
    aside = Path(tempfile.mkdtemp(prefix=MAKING, dir=place.parent))
    try:
        for name, each in made.items():
            (aside / f"{name}.onnx").write_bytes(each.SerializeToString())
        (aside / "origin.txt").write_text(json.dumps(origin), encoding="utf-8")
        if place.is_dir():  # incomplete
            shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)
    except OSError:
        if not all((place / f"{name}.onnx").is_file() for name in made):
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _outdated(newest: Path, origin: Mapping[str, str] | None) -> list[Path]:
    """Parts of models that are gone, and older parts of the same model by the same recipe or another version of it."""
    found = []
    for place in newest.parent.iterdir():
        finished = place.is_dir() and not place.name.startswith(".")  # the others are being made
        other = _origin(place) if finished and place != newest else None
        if other and (not Path(other["model"]).exists() or _kind(other) == _kind(origin)):
            found.append(place)
    return found


def _remove(place: Path) -> None:
    _LOGGER.debug("Removing the outdated parts %s", place)
    shutil.rmtree(place, ignore_errors=True)


def _kind(origin: Mapping[str, str] | None) -> tuple[str, str] | None:
    """The model, and the recipe without the number of its version: "kokoro-uint8" of "kokoro-3-uint8"."""
    return (origin["model"], re.sub(r"-\d+(?=-|$)", "", origin["recipe"], count=1)) if origin else None


def _origin(place: Path) -> dict[str, str] | None:
    try:
        found = json.loads((place / "origin.txt").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"model", "recipe"} <= found.keys() else None


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    aside.write_bytes(content)
    aside.replace(path)
