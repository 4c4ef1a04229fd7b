"""Room on the disk for what takes long to make; what it replaces goes before it is there only where it must."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

RESERVE_BYTES = 64_000_000
"""Stays free on the disk."""

Free = Callable[[Path], int]
"""Bytes of the disk on which a folder lies."""


def free_bytes(folder: Path) -> int:
    """As the system says."""
    return shutil.disk_usage(folder).free


def make_room(folder: Path, size: int, replaced: Iterable[Path], remove: Callable[[Path], None], free: Free) -> None:
    """Room for so many bytes and the reserve. replaced: folders that may go, in this order; no more than must do.

    Raises OSError where even all of them would not do; then none goes.
    """
    needed, room, going = size + RESERVE_BYTES, free(folder), list[Path]()
    for each in replaced:
        if room < needed:
            going.append(each)
            room += sum(file.stat().st_size for file in each.rglob("*"))
    if room < needed:  # then nothing is lost for nothing
        raise OSError(f"{room / 1e6:.0f} MB are free in {folder}, or could be, {needed / 1e6:.0f} are needed")
    for each in going:
        remove(each)
