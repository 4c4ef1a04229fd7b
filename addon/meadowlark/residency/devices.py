"""The memories that engines live in: RAM and GPUs. The only module that imports NVML."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from .gpus import READ_SECONDS, Gpus
from .ram import Ram

LOOK_FOR_NVML: Final = object()

HOST_PIDS: Final = "pid:[4026531836]"
"""The machine's own PID namespace, whose inode is fixed in the kernel."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One device's memory now, in bytes."""

    device: str
    """"cpu", "cuda:0"."""

    total: int
    free: int
    uuid: str = ""
    """Of a GPU or MIG instance: what CUDA_VISIBLE_DEVICES of a worker there must say; it sees it as "cuda:0"."""

    name: str = ""
    """For people: "NVIDIA GeForce RTX 4060"."""


class Devices(Protocol):
    """Reads the memory of every usable device; testing.FakeDevices is another."""

    def read(self) -> tuple[Memory, ...]:
        """Cheap enough to call before every decision; never raises, never waits longer than a quarter of a second."""

    def used_by(self, pid: int) -> Mapping[str, int]:
        """Bytes of GPU memory that a process holds, by device; empty where that is not shown."""


class LocalDevices:
    """This machine. A GPU that fails is left out, with one line in the log, until it answers again."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        nvml: Any = LOOK_FOR_NVML,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """nvml: the module to ask, None for none."""
        self._proc = proc
        self._ram = Ram(proc)
        module = _nvml() if nvml is LOOK_FOR_NVML else nvml
        self._gpus = Gpus(module, environ.get("CUDA_VISIBLE_DEVICES"), clock=clock, read_seconds=read_seconds)

    def read(self) -> tuple[Memory, ...]:
        """RAM, then the GPUs."""
        gpus = (Memory(gpu.id, gpu.total, gpu.free, gpu.uuid, gpu.name) for gpu in self._gpus.read())
        return (Memory("cpu", *self._ram.read()), *gpus)

    def used_by(self, pid: int) -> dict[str, int]:
        """As NVML shows it, which knows processes by the machine's numbers: nothing in a container with its own."""
        try:
            ours = (self._proc / "self/ns/pid").readlink()
        except OSError:
            return {}
        return self._gpus.used_by(pid) if str(ours) == HOST_PIDS else {}


def _nvml() -> Any:
    """The NVML module; None where nvidia-ml-py is not installed (extra `gpu`)."""
    try:
        import pynvml  # imported here: most machines have neither the package nor a GPU
    except ImportError:
        return None
    return pynvml
