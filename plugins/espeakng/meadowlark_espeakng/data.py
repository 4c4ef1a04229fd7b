"""Where espeak-ng lies on this machine: the package espeakng-loader first, then what the system has.

Looks at files only; loads neither the library nor the package.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InstallationError

LOADER = "espeakng_loader"

SYSTEM_DATA = (
    "usr/local/share/espeak-ng-data",
    "usr/share/espeak-ng-data",  # Alpine, Arch, Fedora
    "usr/lib/*/espeak-ng-data",  # Debian, Ubuntu
    "usr/lib*/espeak-ng-data",
)

REMEDY = (
    "Install it with `pip install espeakng-loader` (Linux with glibc on x86_64 or aarch64), elsewhere as the package "
    "of your system: `apt install libespeak-ng1` (Debian, also armv7) or `apk add espeak-ng` (Alpine)."
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A library and the data that belongs to it."""

    data: Path
    """The folder espeak-ng-data; its format changes from version to version of the library."""

    library: Path | None
    """The shared object; None = wherever the system's loader finds it."""


def installations(loader: str = LOADER, root: Path = Path("/")) -> Iterator[Installation]:
    """Every place where espeak-ng may be, best first; only those whose data is there."""
    spec = importlib.util.find_spec(loader)
    for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
        library, data = folder / "libespeak-ng.so", folder / "espeak-ng-data"
        if _complete(data) and library.is_file():
            yield Installation(data, library)
    for pattern in SYSTEM_DATA:
        for data in sorted(root.glob(pattern)):
            if _complete(data):
                yield Installation(data, None)


def find_data(found: Sequence[Installation] | None = None) -> Path:
    """The data folder that the library will use. Raises InstallationError with the remedy."""
    for each in installations() if found is None else found:
        return each.data
    raise InstallationError(f"espeak-ng is not installed. {REMEDY}")


def _complete(data: Path) -> bool:
    """A forgotten folder without the phoneme tables would make espeak-ng end the process."""
    return (data / "phontab").is_file() and (data / "lang").is_dir()
