"""What the store says about a voice's files: frozen snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Trouble(StrEnum):
    """Why a file could not be fetched."""

    NETWORK = "network"
    """The hub cannot be reached, or not for long enough; more may come next time."""

    BUSY = "busy"
    """The hub asks to wait (429), or is out of order (5xx)."""

    OFFLINE = "offline"
    """The user wishes no network (HF_HUB_OFFLINE)."""

    ACCESS = "access"
    """Gated, private, or the token is wrong."""

    ABSENT = "absent"
    """No such repository, revision or file."""

    WRONG = "wrong"
    """Something came, but not the file that the manifest names."""

    DISK = "disk"
    """Full, read-only, or not ours to write."""

    ERROR = "error"
    """Anything else; the log has it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A download at one moment."""

    engine: str
    voice: str
    """Whose request began it; empty = the engine as such."""

    done: int = 0
    """Bytes on disk of all its files, those of an earlier attempt included."""

    total: int = 0
    """0 = not known yet."""

    bytes_per_second: float = 0.0
    file: str = ""
    """The one that is coming now."""

    note: str = ""
    """Why nothing moves: "waits for another process", "the hub asks to wait 30 s". Empty while bytes come."""

    @property
    def name(self) -> str:
        """As the user writes it."""
        return f"{self.engine}/{self.voice}" if self.voice else self.engine


@dataclass(frozen=True, slots=True)
class Present:
    """The voice can speak."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Absolute paths by `Asset.key`."""


@dataclass(frozen=True, slots=True)
class Missing:
    """It could be downloaded."""

    bytes: int
    """Still to come, as far as the manifest knows sizes."""

    more: bool = False
    """It does not know all of them."""


@dataclass(frozen=True, slots=True)
class Downloading:
    """It will be there soon."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be downloaded."""

    reason: str
    """What and why and the remedy, in a sentence or two."""

    kind: Trouble
    again_at: float
    """When the next attempt is due (the store's clock), if anybody wants it."""

    failures: int = 1
    """In a row."""


State: TypeAlias = Present | Missing | Downloading | Failed


def megabytes(size: float) -> str:
    """ "310 MB"; "0.5 MB"; for people."""
    mb = size / 1e6
    return f"{mb:.0f} MB" if mb >= 10 else f"{mb:.1f} MB" if mb >= 0.1 else f"{size / 1e3:.0f} kB"


def in_words(state: State) -> str:
    """Why a voice does not speak, to follow its name: "is being downloaded (34 %)". Empty when it can."""
    match state:
        case Downloading(progress):
            share = f" ({100 * progress.done // progress.total} %)" if progress.total else ""
            return f"is being downloaded{share}" + (f": {progress.note}" if progress.note else "")
        case Failed(reason):
            return f"could not be downloaded: {reason}"
        case Missing(size, more):
            at_least = "at least " if more else ""
            return f"is not downloaded ({at_least}{megabytes(size)})" if size else "is not downloaded"
        case Present():
            return ""
