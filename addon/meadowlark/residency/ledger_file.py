"""The ledger on disk: one JSON file, replaced as a whole. A broken one is kept aside; a full disk costs a log line.

Of several processes with one data folder the first keeps it, by a lock beside it; the others read it and lose theirs.
"""

from __future__ import annotations

import fcntl
import logging
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import msgspec

from .ledger import LENGTHS, WINDOW, Entry, Ledger, Measured

_LOGGER = logging.getLogger(__name__)

VERSION: Final = 1
"""Raised when the meaning of a figure changes; a file of another version is not read."""

LARGEST_BYTES: Final = 16 * 1024 * 1024
"""A hundred engines on two devices take 2 MB."""

MOST_BROKEN: Final = 5
"""Broken files kept aside; the sixth replaces the fifth."""


@dataclass(frozen=True, slots=True)
class _Document:
    version: Annotated[int, msgspec.Meta(ge=VERSION, le=VERSION)]
    engines: dict[str, Entry] = field(default_factory=dict)


def encode(ledger: Ledger) -> bytes:
    """The ledger as it is now, to be written elsewhere than in the event loop: 1.5 ms for 20 engines on two devices."""
    for entry in ledger.entries.values():
        for numbers in entry.extra.values():  # JSON has no NaN, and one would cost the whole ledger
            numbers[:] = [each if math.isfinite(each) else 0.0 for each in numbers]
    return msgspec.json.format(msgspec.json.encode(_Document(VERSION, ledger.entries)), indent=1)


class LedgerFile:
    """Where the ledger is kept. Blocking: call it in a thread, one call at a time."""

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        """shared: that another process keeps it is no news (a command beside a running server)."""
        self.path = path
        self._complained = False
        self._shared = shared
        self._lock = -1

    def claim(self) -> bool:
        """Keep it from now until `release`; False, with one line in the log, while another process does."""
        if self._lock >= 0:
            return True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            return True  # writing will say what is wrong with the disk
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if not (self._shared or self._complained):
                _LOGGER.warning(
                    "Another Meadowlark (process %s) keeps the ledger %s: what is measured here is lost while that one "
                    "runs. Give each server its own folder with --data-dir",
                    _owner(lock),
                    self.path,
                )
            self._complained = True
            os.close(lock)
            return False
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock
        return True

    def release(self) -> None:
        """Let another process keep it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self, *, keep_broken: bool = True) -> Ledger:
        """What was last written; empty, with a line in the log, when that cannot be used. Never raises OSError.

        keep_broken: rename a file that is no ledger, so that the next one does not replace it.
        """
        try:
            if self.path.stat().st_size > LARGEST_BYTES:
                raise ValueError(f"it has more than {LARGEST_BYTES >> 20} MiB")  # noqa: TRY301
            return Ledger(_checked(msgspec.json.decode(self.path.read_bytes(), type=_Document)).engines)
        except FileNotFoundError:
            return Ledger()
        except OSError as error:
            _LOGGER.warning("The ledger %s cannot be read (%s): engines are measured anew", self.path, error.strerror)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            kept = self._set_aside() if keep_broken else "it is"
            _LOGGER.warning(
                "The ledger %s is not usable (%s): it is kept as %s, and engines are measured anew",
                self.path,
                error,
                kept,
            )
        return Ledger()

    def write(self, data: bytes) -> bool:
        """Replace the file with what `encode` gave; False, with one line in the log, when the disk does not take it."""
        if not self.claim():
            return False
        aside = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            _discard(aside)
            if not self._complained:
                _LOGGER.warning(
                    "The ledger %s cannot be written (%s): what is measured is lost at the next start; free some space",
                    self.path,
                    error.strerror or error,
                )
            self._complained = True
            return False
        self._complained = False
        return True

    def _set_aside(self) -> str:
        """Rename the broken file; its new name, or why there is none."""
        for number in range(1, MOST_BROKEN + 1):
            kept = self.path.with_name(f"{self.path.name}.broken-{number}")
            if number == MOST_BROKEN or not kept.exists():
                break
        try:
            self.path.replace(kept)
        except OSError as error:
            return f"it is ({error.strerror})"
        return kept.name


def _checked(document: _Document) -> _Document:
    """Figures fit their windows and buckets, however they came into the file; ValueError when they do not."""
    for engine, entry in document.engines.items():
        for kind, measured in entry.devices.items():
            _check(measured, f"{engine} on {kind}")
    return document


def _check(measured: Measured, place: str) -> None:
    by_length = (measured.first_audio, measured.rtf)
    if any(not 0 <= number <= len(LENGTHS) for buckets in by_length for number in buckets):
        raise ValueError(f"{place} has a sentence length that does not exist")
    buckets = (window for windows in (*by_length, measured.peak_bytes) for window in windows.values())
    seconds = (measured.load_seconds, measured.warm_up_seconds, measured.pace)
    for window in (measured.bytes, *seconds, measured.share, *buckets):
        del window[:-WINDOW]


def _owner(lock: int) -> str:
    return os.pread(lock, 32, 0).decode("ascii", "replace") or "unknown"


def _sync_folder(folder: Path) -> None:
    """After a power cut the new name must still mean the new file; some file systems cannot promise that."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)


def _discard(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass
