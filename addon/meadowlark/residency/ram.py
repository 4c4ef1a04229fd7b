"""How much RAM this process may still take: /proc/meminfo, and the limits of its control groups, v1 and v2.

Swap does not count: a voice that is swapped out stutters.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

_NO_LIMIT: Final = 1 << 60
"""cgroup v1 writes "no limit" as a number near 2^63."""


class Ram:
    """Reads the machine's memory; 0.3 ms a reading with three nested groups."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._meminfo = proc / "meminfo"
        self._zoneinfo = proc / "zoneinfo"
        self._virtual = any(line.split()[4:5] == [str(self._meminfo)] for line in _lines(proc / "self/mountinfo"))
        """Mounted over by lxcfs: then it is about this container, zoneinfo about the whole machine."""

        self._groups = _groups(proc)

    def read(self) -> tuple[int, int]:
        """(total, free) bytes; free is what can be taken without swapping, under the tightest limit on the way up."""
        meminfo = _meminfo(self._meminfo)
        total = meminfo.get("MemTotal", 0)
        free = meminfo.get("MemAvailable", meminfo.get("MemFree", 0))
        if not self._virtual:
            free = min(total, free + _freed_lately(self._zoneinfo))
        for group in self._groups:
            limit = group.limit()
            if 0 < limit < _NO_LIMIT:
                total, free = min(total, limit), min(free, max(0, limit - group.used()))
        return total, free


@dataclass(frozen=True, slots=True)
class _Group:
    """One control group that this process belongs to."""

    folder: Path
    limits: tuple[str, ...]
    usage: str
    reclaimable: str
    """In memory.stat: page cache that the kernel gives up before it kills anybody."""

    inherited: str = ""
    """In memory.stat: the tightest limit further up, where a container cannot look."""

    def limit(self) -> int:
        """Bytes; 0 = none."""
        stated = [_number(self.folder / name) for name in self.limits]
        if self.inherited:
            stated.append(_stat(self.folder, self.inherited))
        return min((each for each in stated if each), default=0)

    def used(self) -> int:
        """Bytes that count against the limit and cannot be reclaimed at once."""
        return max(0, _number(self.folder / self.usage) - _stat(self.folder, self.reclaimable))


def _groups(proc: Path) -> tuple[_Group, ...]:
    """This process's groups with a memory controller, from its own up to the topmost that can be seen."""
    own = _own_paths(proc / "self/cgroup")
    found: list[_Group] = []
    for version, root, mount in _mounts(proc / "self/mountinfo"):
        path = own.get(version)
        if path is None:
            continue
        inner = _inside(path, root)
        folders = [mount / part for part in (inner, *inner.parents)] if inner.parts else [mount]
        for folder in folders:
            if version == 2:
                found.append(_Group(folder, ("memory.max", "memory.high"), "memory.current", "inactive_file"))
            else:
                inherited = "hierarchical_memory_limit" if folder == mount else ""
                limits, usage = ("memory.limit_in_bytes",), "memory.usage_in_bytes"
                found.append(_Group(folder, limits, usage, "total_inactive_file", inherited))
    return tuple(each for each in found if (each.folder / each.usage).exists())


def _own_paths(path: Path) -> dict[int, str]:
    """By version, the path of this process's memory group: "0::/user.slice" is v2, "4:memory:/docker/1f" v1."""
    paths: dict[int, str] = {}
    for line in _lines(path):
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            paths[2] = group
        elif "memory" in controllers.split(","):
            paths[1] = group
    return paths


def _mounts(path: Path) -> list[tuple[int, str, Path]]:
    """(version, root within the hierarchy, mount point) of the hierarchies that may control memory."""
    found: list[tuple[int, str, Path]] = []
    for line in _lines(path):
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) < 5 or len(kind) < 3:
            continue
        if kind[0] == "cgroup2" or (kind[0] == "cgroup" and "memory" in kind[2].split(",")):
            found.append((2 if kind[0] == "cgroup2" else 1, fields[3], Path(_unescaped(fields[4]))))
    return found


def _inside(path: str, root: str) -> PurePosixPath:
    """A group's path below the mount point, empty when the mount point itself is the best that can be seen."""
    try:
        inner = PurePosixPath(path).relative_to(root)
    except ValueError:  # v1 in a container: the path is the host's, the mount shows the container's own group
        return PurePosixPath()
    return PurePosixPath() if ".." in inner.parts else inner  # outside of this cgroup namespace


def _unescaped(field: str) -> str:
    """mountinfo writes a blank as \\040."""
    return field.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


def _meminfo(path: Path) -> dict[str, int]:
    """/proc/meminfo in bytes."""
    words = (line.split() for line in _lines(path))
    return {each[0].rstrip(":"): int(each[1]) * 1024 for each in words if len(each) > 1 and each[1].isdigit()}


def _freed_lately(path: Path) -> int:
    """Bytes on the processors' own lists of free pages, which MemAvailable leaves out although anybody may have them.

    Linux 6.18 with 2 processors and 25 GB kept 840 MB there after a process of 1.2 GB had ended, for minutes.
    """
    words = (line.split() for line in _lines(path))
    return (
        sum(int(each[1]) for each in words if len(each) == 2 and each[0] == "count:" and each[1].isdigit())
        * _PAGE_BYTES
    )


def _stat(folder: Path, key: str) -> int:
    words = (line.split() for line in _lines(folder / "memory.stat"))
    return next((int(each[1]) for each in words if len(each) == 2 and each[0] == key and each[1].isdigit()), 0)


def _number(path: Path) -> int:
    """The number in a file; 0 where there is no file or it says "max"."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
