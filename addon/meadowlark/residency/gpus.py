"""GPUs and their MIG instances as NVML shows them. It is given the NVML module, so that tests can bring their own.

Every call may fail at any time: a GPU falls off its bus, a driver is updated under a running server, a container loses
its devices, NVML does not come back. Then the GPU is left out, one line in the log says so, and it is tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

_LOGGER = logging.getLogger(__name__)

RETRY_SECONDS: Final = 60.0
"""Between attempts to find a GPU again."""

OPEN_SECONDS: Final = 5.0
"""At the start: without its persistence mode the driver takes seconds to wake a GPU."""

READ_SECONDS: Final = 0.25
"""NVML answers in less than 1 ms, and never when a GPU has fallen off its bus; the event loop waits no longer."""

CONTEXT_MOST: Final = 1_500_000_000
"""Bytes of a CUDA context with the kernels of cuBLAS and cuDNN; what is above it belongs to somebody else."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, or a MIG instance of one, and its memory now in bytes."""

    id: str
    """"cuda:0"; stays with the GPU while the server lives, whatever happens to the others."""

    uuid: str
    """"GPU-…" or "MIG-…": what CUDA_VISIBLE_DEVICES of a process on it must say."""

    name: str
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class _Found:
    uuid: str
    name: str
    handle: Any


class Gpus:
    """The usable GPUs."""

    def __init__(
        self,
        nvml: Any,
        visible: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """nvml: the module of nvidia-ml-py, None where there is none. visible: CUDA_VISIBLE_DEVICES; None = not set."""
        self._nvml = nvml
        self._visible = visible
        self._clock = clock
        self._read_seconds = read_seconds
        self._gpus: dict[str, _Found] = {}
        """Those in use, by UUID."""

        self._ids: dict[str, str] = {}
        self._lost: set[str] = set()
        """UUIDs that do not answer; "" = NVML itself."""

        self._retry_at = 0.0
        self._finding: _Call[list[_Found]] | None = None
        self._stuck: _Call[Any] | None = None
        """A question that NVML has not answered; no other is asked before."""

        self._lock = threading.Lock()  # a call of another thread in progress is not one that hangs
        self._failures: tuple[type[Exception], ...] = (OSError, ValueError, AttributeError)  # a library that changed
        if nvml is not None:
            self._failures += (nvml.NVMLError,)
            self._find(OPEN_SECONDS)

    def read(self) -> tuple[Gpu, ...]:
        """All that answer now. From any thread."""
        with self._lock:
            if self._finding or (self._lost and self._clock() >= self._retry_at):
                self._find(self._read_seconds)
            return tuple(gpu for found in tuple(self._gpus.values()) if (gpu := self._read(found)))

    def used_by(self, pid: int) -> dict[str, int]:
        """Bytes that a process holds, by device id; empty where NVML does not show it."""
        with self._lock:
            held = ((self._ids[found.uuid], self._processes(found)) for found in tuple(self._gpus.values()))
            used = ((device, sum(size for each, size in sizes if each == pid)) for device, sizes in held)
            return {device: size for device, size in used if size}

    def _read(self, found: _Found) -> Gpu | None:
        try:
            memory = self._ask(self._nvml.nvmlDeviceGetMemoryInfo, found.handle)
        except self._failures as error:
            self._lose(found.uuid, error)
            return None
        return Gpu(self._ids[found.uuid], found.uuid, found.name, int(memory.total), int(memory.free))

    def _processes(self, found: _Found) -> list[tuple[int, int]]:
        """(pid, bytes) of those whose bytes are shown."""
        try:
            processes = self._ask(self._nvml.nvmlDeviceGetComputeRunningProcesses, found.handle)
            return [(int(each.pid), int(each.usedGpuMemory)) for each in processes if each.usedGpuMemory]
        except self._failures as error:
            _LOGGER.debug("NVML does not show the processes on %s: %s", self._ids[found.uuid], error)
            return []

    def _ask(self, function: Callable[..., Any], handle: Any) -> Any:
        """Its answer or what it raises, in time; TimeoutError otherwise."""
        if self._stuck and not self._stuck.done:
            raise TimeoutError("no answer")
        call = self._stuck = _Call(lambda: function(handle))
        return call.result(self._read_seconds)

    def _find(self, seconds: float) -> None:
        """Look for GPUs, those seen before and new ones; what takes longer is taken up at a later call."""
        if self._stuck and not self._stuck.done:
            return
        if self._finding is None:
            renew = not self._gpus
            self._finding = _Call(lambda: self._look(renew))
        else:
            seconds = 0.0
        try:
            self._adopt(self._finding.result(seconds))
        except TimeoutError:
            return
        except self._failures as error:
            _LOGGER.debug("NVML cannot be opened: %s", error)
            for uuid in tuple(self._gpus):
                self._lose(uuid, error)
            self._lost.add("")
        self._finding = None
        self._retry_at = self._clock() + RETRY_SECONDS

    def _adopt(self, gpus: list[_Found]) -> None:
        self._gpus = {found.uuid: found for found in gpus}
        for uuid, found in self._gpus.items():
            again = uuid in self._ids
            device = self._ids.setdefault(uuid, f"cuda:{len(self._ids)}")
            if not again or uuid in self._lost:
                _LOGGER.info("%s is %s (%s)%s", device, found.name, uuid, ", back again" if again else "")
        self._lost = set(self._ids) - set(self._gpus)

    def _lose(self, uuid: str, error: Exception) -> None:
        """Leave a GPU out until it is found again; one line for each time that it goes."""
        del self._gpus[uuid]
        self._lost.add(uuid)
        self._retry_at = self._clock() + RETRY_SECONDS
        _LOGGER.warning(
            "%s (%s) cannot be read any more (NVML: %s): engines go to other devices; tried again every %g s",
            self._ids[uuid],
            uuid,
            error,
            RETRY_SECONDS,
        )

    def _look(self, renew: bool) -> list[_Found]:
        """The visible GPUs that answer, in the order in which CUDA numbers them here. In a thread of its own.

        renew: start NVML anew, which a driver that was replaced demands; never while GPUs are in use.
        """
        if renew:
            try:
                self._nvml.nvmlShutdown()
            except self._failures:
                pass  # it was not started
            self._nvml.nvmlInit()
        groups = [list(self._instances(index)) for index in range(self._nvml.nvmlDeviceGetCount())]
        return _chosen(groups, self._visible)

    def _instances(self, index: int) -> Iterator[_Found]:
        """The GPU itself, or its MIG instances where it is cut into such; nothing where it does not answer."""
        try:
            handle = self._nvml.nvmlDeviceGetHandleByIndex(index)
            if not self._is_cut(handle):
                yield self._found(handle)
                return
            places = self._nvml.nvmlDeviceGetMaxMigDeviceCount(handle)
        except self._failures as error:
            _LOGGER.debug("GPU %d does not answer: %s", index, error)
            return
        for place in range(places):
            try:
                yield self._found(self._nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place))
            except self._failures:
                continue  # a place for an instance that nobody made

    def _is_cut(self, handle: Any) -> bool:
        try:
            current, _ = self._nvml.nvmlDeviceGetMigMode(handle)
        except self._failures:
            return False  # most GPUs know no MIG and raise "Not Supported"
        return bool(current == self._nvml.NVML_DEVICE_MIG_ENABLE)

    def _found(self, handle: Any) -> _Found:
        self._nvml.nvmlDeviceGetMemoryInfo(handle)  # "Not Supported" where a GPU shares the machine's memory
        uuid, name = self._nvml.nvmlDeviceGetUUID(handle), self._nvml.nvmlDeviceGetName(handle)
        return _Found(_text(uuid), _text(name), handle)


class _Call(Generic[_T]):
    """A call in a thread of its own, which may never come back."""

    def __init__(self, call: Callable[[], _T]) -> None:
        self._call = call
        self._box: SimpleQueue[tuple[_T | None, Exception | None]] = SimpleQueue()
        self.done = False
        threading.Thread(target=self._run, name="nvml", daemon=True).start()

    def result(self, seconds: float) -> _T:
        """What it returned or raised; TimeoutError when it is not back yet. May be asked again until it is."""
        try:
            answer, error = self._box.get(timeout=seconds)
        except Empty:
            raise TimeoutError("no answer") from None
        if error:
            raise error
        return answer  # type: ignore[return-value]  # there was no error

    def _run(self) -> None:
        try:
            outcome: tuple[_T | None, Exception | None] = (self._call(), None)
        except Exception as error:  # raised where the answer is awaited
            outcome = (None, error)
        self.done = True
        self._box.put(outcome)


def bytes_held(seen: int, reserved: int, fell: int) -> int:
    """Bytes that an engine holds on a GPU, from three witnesses; 0 = unknown. Pure.

    seen: by NVML for its process, the best, and hidden from most containers. reserved: by its worker's own allocator,
    without the CUDA context. fell: how much less is free since before its load, which a neighbour may distort.
    """
    if seen > 0:
        return seen
    if reserved > 0:
        return min(max(fell, reserved), reserved + CONTEXT_MOST)
    return max(0, fell)


def _chosen(groups: list[list[_Found]], wanted: str | None) -> list[_Found]:
    """Those that CUDA_VISIBLE_DEVICES leaves, in its order: CUDA ignores all from the first entry that means none."""
    everything = [each for group in groups for each in group]
    if wanted is None:
        return everything
    chosen: list[_Found] = []
    for entry in (part.strip() for part in wanted.split(",")):
        if entry.isdigit():
            fitting = groups[int(entry)][:1] if int(entry) < len(groups) else []
        else:
            fitting = [each for each in everything if entry and each.uuid.startswith(entry)]
        if len(fitting) != 1 or fitting[0] in chosen:
            break
        chosen += fitting
    return chosen


def _text(value: str | bytes) -> str:
    """Older releases of nvidia-ml-py give bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
