"""A file that is still coming: kept aside under a lock, resumed, checked, and only then given its name."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from ..errors import MeadowlarkError
from .shelves import Place, Record

LOOK_BYTES: Final = 16_000_000
"""How much is written between two looks at the free space of the disk."""

POLL_SECONDS: Final = 0.2


class DiskError(MeadowlarkError):
    """The disk takes no more, or nothing at all; the text says why."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


@dataclass(frozen=True, slots=True)
class Digest:
    """A checksum to come out."""

    kind: str
    """sha256, md5, or git: what git calls a blob's id, which the hub has for small files."""

    hex: str


@contextmanager
def locked(path: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Hold a file's lock, against other processes too; `wait` is called now and then until it is ours."""
    with guarded(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _try_lock(handle):
            wait()
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Part:
    """What has come of a file. Use it under the lock, as a context manager."""

    def __init__(self, place: Place, reserve: int) -> None:
        """reserve: bytes of the disk that must stay free."""
        self._place = place
        self._reserve = reserve
        self._handle = -1
        self._until_look = LOOK_BYTES
        self.size = 0
        """Bytes that are there."""

    def __enter__(self) -> Self:
        with guarded(self._place.part):
            self._place.part.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._place.part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self.size = os.fstat(self._handle).st_size
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        os.close(self._handle)
        if isinstance(error, DiskError) and error.full:
            self.discard()  # a full disk stops the whole house: give back what we took

    def require_room(self, total: int) -> None:
        """Raises DiskError when the rest of `total` bytes does not fit beside the reserve."""
        free, needed = shutil.disk_usage(self._place.part.parent).free, max(0, total - self.size)
        if needed and free - needed < self._reserve:
            raise DiskError(
                f"{_mb(needed)} MB are needed and {_mb(free)} MB are free on the disk of {self._place.part.parent}, of "
                f"which {_mb(self._reserve)} MB stay for others. Free some: `meadowlark models` shows what models take",
                full=True,
            )

    def restart(self) -> None:
        """Forget what has come: it belongs to another file."""
        if self.size:
            with guarded(self._place.part):
                os.ftruncate(self._handle, 0)
            self.size = 0

    def append(self, data: bytes) -> None:
        """Write behind what is there. Raises DiskError."""
        self._until_look -= len(data)
        if self._until_look < 0:
            self._until_look = LOOK_BYTES
            self.require_room(self.size + len(data))
        with guarded(self._place.part):
            view = memoryview(data)
            while view:
                written = os.pwrite(self._handle, view, self.size)
                self.size += written
                view = view[written:]

    def matches(self, digest: Digest) -> bool:
        """Whether the checksum comes out; reads the file."""
        with guarded(self._place.part), self._place.part.open("rb") as file:
            hashed = hashlib.new("sha1" if digest.kind == "git" else digest.kind, usedforsecurity=False)
            if digest.kind == "git":
                hashed.update(b"blob %d\0" % self.size)
            while block := file.read(1 << 20):
                hashed.update(block)
        return hashed.hexdigest() == digest.hex

    def finish(self, record: Record) -> None:
        """Give the file its name: whole, on the disk, and on record."""
        with guarded(self._place.file):
            os.fsync(self._handle)  # else a power cut leaves an empty file under the right name
            self._place.file.parent.mkdir(parents=True, exist_ok=True)
            self._place.record.unlink(
                missing_ok=True
            )  # a crash in between leaves a file without one, never a wrong one
            self._place.part.replace(self._place.file)
            _write(self._place.record, msgspec.json.encode(record))

    def discard(self) -> None:
        """Delete what has come."""
        self._place.part.unlink(missing_ok=True)


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turns what the disk says into a DiskError that names the path and the remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskError(
                f"the disk is full ({error.strerror}) at {path.parent}; what had come was deleted. Free some space: "
                "`meadowlark models` shows what models take",
                full=True,
            ) from error
        raise DiskError(
            f"{error.filename or path} cannot be written ({error.strerror}). "
            "Make the data folder writable for this user, or name another with --data-dir"
        ) from error


def _write(path: Path, data: bytes) -> None:
    aside = path.with_suffix(".new")
    aside.write_bytes(data)
    aside.replace(path)


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f}" if size >= 10e6 else f"{size / 1e6:.1f}"
