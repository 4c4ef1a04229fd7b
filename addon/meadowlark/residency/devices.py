"""How much memory there is: RAM from /proc and cgroups, GPU memory from NVML. The only module that knows NVML."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_LOGGER = logging.getLogger(__name__)

NO_LIMIT = 1 << 60
"""cgroup v1 writes "no limit" as a number near 2^63."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One device's memory now, in bytes."""

    device: str
    total: int
    free: int


class Devices(Protocol):
    """Reads the memory of every usable device; testing.FakeDevices is another."""

    def read(self) -> tuple[Memory, ...]:
        """Cheap enough to call before every decision."""


class LocalDevices:
    """This machine. A GPU whose NVML fails is left out, with one line in the log, and engines go to the CPU."""

    def __init__(self, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> None:
        self._proc = proc
        self._cgroup = cgroup
        self._nvml = _open_nvml()

    def read(self) -> tuple[Memory, ...]:
        """RAM, then the GPUs."""
        return (self._ram(), *self._gpus())

    def _ram(self) -> Memory:
        meminfo = _meminfo(self._proc / "meminfo")
        total, free = meminfo["MemTotal"], meminfo.get("MemAvailable", meminfo["MemFree"])
        limit, used = self._cgroup_limit()
        if limit:
            total, free = min(total, limit), min(free, max(0, limit - used))
        return Memory("cpu", total, free)

    def _cgroup_limit(self) -> tuple[int, int]:
        """(limit, used) of this container, 0 = none; used is without the page cache, which the kernel gives up."""
        limit = _number(self._cgroup / "memory.max")  # v2
        if limit:
            used, stat = _number(self._cgroup / "memory.current"), self._cgroup / "memory.stat"
            return limit, used - _stat(stat, "inactive_file")
        limit = _number(self._cgroup / "memory/memory.limit_in_bytes")  # v1
        if not limit or limit >= NO_LIMIT:
            return 0, 0
        used = _number(self._cgroup / "memory/memory.usage_in_bytes")
        return limit, used - _stat(self._cgroup / "memory/memory.stat", "total_inactive_file")

    def _gpus(self) -> tuple[Memory, ...]:
        if self._nvml is None:
            return ()
        try:
            return tuple(self._gpu(index) for index in range(self._nvml.nvmlDeviceGetCount()))
        except self._nvml.NVMLError as error:
            _LOGGER.warning("The GPU cannot be read any more (NVML: %s); engines run on the CPU until restart", error)
            self._nvml = None
            return ()

    def _gpu(self, index: int) -> Memory:
        nvml: Any = self._nvml
        memory = nvml.nvmlDeviceGetMemoryInfo(nvml.nvmlDeviceGetHandleByIndex(index))
        return Memory(f"cuda:{index}", int(memory.total), int(memory.free))


def _open_nvml() -> Any:
    """The NVML module, or None where there is no NVIDIA driver or nvidia-ml-py is not installed (extra `gpu`)."""
    try:
        import pynvml  # imported here: most machines have neither the package nor a GPU
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _meminfo(path: Path) -> dict[str, int]:
    """/proc/meminfo in bytes."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 1}


def _number(path: Path) -> int:
    """The number in a file; 0 where there is no file or it says "max"."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _stat(path: Path, key: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(key + " ")), 0)
