"""Devices: RAM under control groups, GPUs and MIG instances through an NVML that fails at every call."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from meadowlark.residency.devices import HOST_PIDS, LocalDevices, Memory
from meadowlark.residency.gpus import OPEN_SECONDS, READ_SECONDS, RETRY_SECONDS, Gpus, bytes_held
from meadowlark.testing.clock import FakeClock
from meadowlark.testing.devices import FakeDevices

GB = 10**9
GIB = 1 << 30
PATIENCE = 10.0


class Machine:
    """A /proc and control groups in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.proc = folder / "proc"
        self.write("proc/meminfo", f"MemTotal: {16 * GIB >> 10} kB\nMemFree: 1 kB\nMemAvailable: {12 * GIB >> 10} kB\n")

    def write(self, path: str, text: str | int) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(f"{text}\n")

    def belongs(self, *lines: str) -> None:
        self.write("proc/self/cgroup", "\n".join(lines))

    def mounts(self, *mounts: tuple[str, str, str, str]) -> None:
        """(root, folder below ours, type, super options)."""
        lines = []
        for root, path, kind, options in mounts:
            point = str(self.folder / path).replace(" ", r"\040")
            lines.append(f"31 23 0:28 {root} {point} rw,relatime shared:9 - {kind} {kind} {options}")
        self.write("proc/self/mountinfo", "\n".join(["23 1 8:1 / / rw - ext4 /dev/sda1 rw", *lines, "nonsense"]))

    @property
    def ram(self) -> Memory:
        return LocalDevices(self.proc, nvml=None).read()[0]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "a machine")


def test_ram_is_what_the_kernel_calls_available(machine: Machine) -> None:
    assert machine.ram == Memory("cpu", 16 * GIB, 12 * GIB)


def test_swap_does_not_count(machine: Machine) -> None:
    with (machine.proc / "meminfo").open("a") as meminfo:
        meminfo.write(f"SwapTotal: {64 * GIB >> 10} kB\nSwapFree: {64 * GIB >> 10} kB\n")
    assert machine.ram.free == 12 * GIB


def test_an_old_kernel_has_no_available(machine: Machine) -> None:
    machine.write("proc/meminfo", f"MemTotal: {4 * GIB >> 10} kB\nMemFree: {GIB >> 10} kB")
    assert machine.ram.free == GIB


def test_pages_freed_lately_are_free(machine: Machine) -> None:
    """The processors' own lists, as /proc/zoneinfo shows them."""
    cpu = "    cpu: {}\n              count:    {}\n              high:     9999\n              batch:    63\n"
    zone = "Node 0, zone   Normal\n  pages free     1386\n        managed  9\n  pagesets\n"
    machine.write("proc/zoneinfo", zone + cpu.format(0, 1000) + cpu.format(1, 24) + "  vm stats threshold: 4\n")
    assert machine.ram.free == 12 * GIB + 1024 * os.sysconf("SC_PAGE_SIZE")
    machine.write("proc/zoneinfo", zone + cpu.format(0, 10**9))
    assert machine.ram.free == 16 * GIB


def test_in_an_lxc_container_the_processors_lists_are_the_hosts(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write("proc/zoneinfo", "  pagesets\n    cpu: 0\n              count:    1000\n")
    assert machine.ram.free > 12 * GIB
    machine.mounts(("/proc/meminfo", "proc/meminfo", "fuse.lxcfs", "rw"))
    assert machine.ram.free == 12 * GIB


def test_a_process_that_ends_gives_its_memory_back_at_once() -> None:
    """The machine as it is; other programs may come and go meanwhile."""
    size = 300_000_000
    devices = LocalDevices(nvml=None)
    for _ in range(20):
        before = devices.read()[0].free
        code = f"held = bytearray(b'1') * {size}; print(flush=True); input()"
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            during = devices.read()[0].free
            process.kill()
        after = devices.read()[0].free
        if before - during > 0.8 * size and after - during > 0.8 * size:
            return
    pytest.fail(f"{before - during} bytes taken, {after - during} bytes back, of {size}")


def test_an_unreadable_proc_is_no_memory_and_no_exception(machine: Machine) -> None:
    (machine.proc / "meminfo").unlink()
    assert machine.ram == Memory("cpu", 0, 0)


def test_v2_of_a_container_without_its_page_cache(machine: Machine) -> None:
    machine.belongs("0::/")
    machine.mounts(("/", "cg", "cgroup2", "rw"))
    machine.write("cg/memory.max", 4 * GIB)
    machine.write("cg/memory.current", 3 * GIB)
    machine.write("cg/memory.stat", f"anon 5\nfile 6\ninactive_file {GIB}\nactive_file 7")
    assert machine.ram == Memory("cpu", 4 * GIB, 2 * GIB)


def test_v2_nested_the_tightest_on_the_way_up(machine: Machine) -> None:
    """The service may take 8 GiB, the slice above it 6, of which another service has 5 already."""
    machine.belongs("0::/voices.slice/meadowlark.service")
    machine.mounts(("/", "cg", "cgroup2", "rw,nsdelegate"))
    machine.write("cg/memory.current", 9 * GIB)  # the root has no limit of its own
    for group, limit, used in (("voices.slice", 6 * GIB, 5 * GIB), ("voices.slice/meadowlark.service", 8 * GIB, GIB)):
        machine.write(f"cg/{group}/memory.max", limit)
        machine.write(f"cg/{group}/memory.high", "max")
        machine.write(f"cg/{group}/memory.current", used)
    assert machine.ram == Memory("cpu", 6 * GIB, GIB)


def test_v2_without_a_limit(machine: Machine) -> None:
    machine.belongs("0::/a")
    machine.mounts(("/", "cg", "cgroup2", "rw"))
    machine.write("cg/a/memory.max", "max")
    machine.write("cg/a/memory.current", 3 * GIB)
    assert machine.ram == Memory("cpu", 16 * GIB, 12 * GIB)


def test_v2_throttling_counts_as_a_limit(machine: Machine) -> None:
    machine.belongs("0::/a")
    machine.mounts(("/", "cg", "cgroup2", "rw"))
    machine.write("cg/a/memory.max", 8 * GIB)
    machine.write("cg/a/memory.high", 2 * GIB)
    machine.write("cg/a/memory.current", GIB)
    assert machine.ram == Memory("cpu", 2 * GIB, GIB)


def test_a_limit_that_is_exceeded_leaves_nothing(machine: Machine) -> None:
    machine.belongs("0::/")
    machine.mounts(("/", "cg", "cgroup2", "rw"))
    machine.write("cg/memory.max", GIB)
    machine.write("cg/memory.current", 2 * GIB)
    assert machine.ram.free == 0


def test_a_limit_may_change_at_any_time(machine: Machine) -> None:
    machine.belongs("0::/")
    machine.mounts(("/", "cg", "cgroup2", "rw"))
    machine.write("cg/memory.max", "max")
    machine.write("cg/memory.current", GIB)
    devices = LocalDevices(machine.proc, nvml=None)
    assert devices.read()[0].total == 16 * GIB
    machine.write("cg/memory.max", 2 * GIB)
    assert devices.read()[0] == Memory("cpu", 2 * GIB, GIB)


@pytest.mark.parametrize("root", ["/docker/1f", "/"], ids=["in the container", "on the host"])
def test_v1(machine: Machine, root: str) -> None:
    """In a container /proc/self/cgroup has the host's path while the mount shows the container's own group."""
    machine.belongs("5:cpu:/", "4:memory:/docker/1f", "0::/")
    machine.mounts((root, "cg/memory", "cgroup", "rw,memory"), (root, "cg/cpu", "cgroup", "rw,cpu"))
    group = "cg/memory" if root != "/" else "cg/memory/docker/1f"
    if root == "/":
        machine.write("cg/memory/memory.limit_in_bytes", 9223372036854771712)
        machine.write("cg/memory/memory.usage_in_bytes", 9 * GIB)
    machine.write(f"{group}/memory.limit_in_bytes", 2 * GIB)
    machine.write(f"{group}/memory.usage_in_bytes", 2 * GIB)
    machine.write(f"{group}/memory.stat", f"cache 1\ntotal_inactive_file {GIB // 2}")
    assert machine.ram == Memory("cpu", 2 * GIB, GIB // 2)


def test_v1_a_limit_above_what_the_container_sees(machine: Machine) -> None:
    machine.belongs("4:memory:/pods/x")
    machine.mounts(("/pods/x", "cg", "cgroup", "rw,memory"))
    machine.write("cg/memory.limit_in_bytes", 9223372036854771712)
    machine.write("cg/memory.usage_in_bytes", GIB)
    machine.write("cg/memory.stat", f"hierarchical_memory_limit {3 * GIB}")
    assert machine.ram == Memory("cpu", 3 * GIB, 2 * GIB)


def test_v1_without_a_limit(machine: Machine) -> None:
    machine.belongs("4:memory:/")
    machine.mounts(("/", "cg", "cgroup", "rw,memory"))
    machine.write("cg/memory.limit_in_bytes", 9223372036854771712)
    machine.write("cg/memory.usage_in_bytes", 9 * GIB)
    assert machine.ram == Memory("cpu", 16 * GIB, 12 * GIB)


def test_a_process_outside_of_its_namespace_reads_the_mount(machine: Machine) -> None:
    machine.belongs("0::/../../elsewhere")
    machine.mounts(("/", "cg", "cgroup2", "rw"))
    machine.write("cg/memory.max", 4 * GIB)
    machine.write("cg/memory.current", GIB)
    assert machine.ram == Memory("cpu", 4 * GIB, 3 * GIB)


def test_this_machine_has_memory() -> None:
    ram = LocalDevices(nvml=None).read()[0]
    assert 0 < ram.free < ram.total


class NVMLError(Exception):
    pass


class FakeNvml:
    """As nvidia-ml-py: `machine` holds GPUs, a GPU with `parts` is cut into MIG instances."""

    NVML_DEVICE_MIG_ENABLE = 1
    NVMLError = NVMLError

    def __init__(self, *gpus: SimpleNamespace) -> None:
        self.gpus = list(gpus)
        self.broken: dict[str, Any] = {}
        """Function → what it raises, or what it waits for."""
        self.running = False
        self.asked: list[str] = []

    def _call(self, name: str, handle: Any = None) -> None:
        self.asked.append(name)
        fault = self.broken.get(name)
        if isinstance(fault, threading.Event):
            fault.wait(10)
        elif fault:
            raise fault
        if name not in ("nvmlInit", "nvmlShutdown") and not self.running:
            raise NVMLError("Uninitialized")
        if handle is not None and handle.lost:
            raise NVMLError("GPU is lost")

    def nvmlInit(self) -> None:
        self._call("nvmlInit")
        self.running = True

    def nvmlShutdown(self) -> None:
        self._call("nvmlShutdown")
        if not self.running:
            raise NVMLError("Uninitialized")
        self.running = False

    def nvmlDeviceGetCount(self) -> int:
        self._call("nvmlDeviceGetCount")
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> SimpleNamespace:
        self._call("nvmlDeviceGetHandleByIndex", self.gpus[index])
        return self.gpus[index]

    def nvmlDeviceGetMigMode(self, handle: SimpleNamespace) -> tuple[int, int]:
        self._call("nvmlDeviceGetMigMode", handle)
        if handle.parts is None:
            raise NVMLError("Not Supported")
        return bool(handle.parts), 0

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: SimpleNamespace) -> int:
        self._call("nvmlDeviceGetMaxMigDeviceCount", handle)
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: SimpleNamespace, index: int) -> SimpleNamespace:
        self._call("nvmlDeviceGetMigDeviceHandleByIndex", handle)
        if index >= len(handle.parts) or handle.parts[index] is None:
            raise NVMLError("Not Found")
        return handle.parts[index]

    def nvmlDeviceGetUUID(self, handle: SimpleNamespace) -> str:
        self._call("nvmlDeviceGetUUID", handle)
        return handle.uuid

    def nvmlDeviceGetName(self, handle: SimpleNamespace) -> str:
        self._call("nvmlDeviceGetName", handle)
        return handle.name

    def nvmlDeviceGetMemoryInfo(self, handle: SimpleNamespace) -> SimpleNamespace:
        self._call("nvmlDeviceGetMemoryInfo", handle)
        return SimpleNamespace(total=handle.total, free=handle.free, used=handle.total - handle.free)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: SimpleNamespace) -> list[SimpleNamespace]:
        self._call("nvmlDeviceGetComputeRunningProcesses", handle)
        return handle.processes


def gpu(uuid: str, total: int = 8, free: int = 6, parts: list[Any] | None = None, **more: Any) -> SimpleNamespace:
    defaults = {"name": "Card", "lost": False, "processes": []}
    return SimpleNamespace(uuid=uuid, total=total * GB, free=free * GB, parts=parts, **(defaults | more))


def patient(nvml: FakeNvml, visible: str | None = None, clock: Callable[[], float] = time.monotonic) -> Gpus:
    """For tests in which nothing hangs: on a busy machine a thread may be late."""
    return Gpus(nvml, visible, clock=clock, read_seconds=PATIENCE)


def ids(gpus: Gpus) -> dict[str, str]:
    return {each.id: each.uuid for each in gpus.read()}


TWO = {"cuda:0": "GPU-aa", "cuda:1": "GPU-bb"}


def two() -> FakeNvml:
    return FakeNvml(gpu("GPU-aa", 8, 6), gpu("GPU-bb", 24, 20))


def test_gpus_beside_ram(machine: Machine) -> None:
    cpu, *gpus = LocalDevices(machine.proc, nvml=two(), environ={}, read_seconds=PATIENCE).read()
    assert cpu.device == "cpu"
    assert gpus == [
        Memory("cuda:0", 8 * GB, 6 * GB, "GPU-aa", "Card"),
        Memory("cuda:1", 24 * GB, 20 * GB, "GPU-bb", "Card"),
    ]


def test_mig_instances_are_devices_and_their_gpu_is_none() -> None:
    cut = gpu("GPU-aa", parts=[gpu("MIG-1", 4, 4), None, gpu("MIG-3", 2, 1)])
    assert ids(patient(FakeNvml(cut, gpu("GPU-bb", parts=[])))) == {
        "cuda:0": "MIG-1",
        "cuda:1": "MIG-3",
        "cuda:2": "GPU-bb",
    }


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [
        (None, ["MIG-1", "MIG-2", "GPU-bb", "GPU-cc"]),
        ("", []),
        ("-1", []),
        ("1", ["GPU-bb"]),
        ("2,1", ["GPU-cc", "GPU-bb"]),
        ("0", ["MIG-1"]),
        ("GPU-c", ["GPU-cc"]),
        ("MIG-2, GPU-bb", ["MIG-2", "GPU-bb"]),
        ("1,9,2", ["GPU-bb"]),  # CUDA stops at the first that means nothing
        ("1,GPU-,2", ["GPU-bb"]),  # or more than one
        ("1,1,2", ["GPU-bb"]),
        ("NoDevFiles", []),
    ],
)
def test_cuda_visible_devices(visible: str | None, uuids: list[str]) -> None:
    nvml = FakeNvml(gpu("GPU-aa", parts=[gpu("MIG-1"), gpu("MIG-2")]), gpu("GPU-bb"), gpu("GPU-cc"))
    assert ids(patient(nvml, visible)) == {f"cuda:{number}": uuid for number, uuid in enumerate(uuids)}


def test_bytes_from_an_older_nvml() -> None:
    nvml = FakeNvml(gpu("GPU-aa"))
    nvml.gpus[0].uuid, nvml.gpus[0].name = b"GPU-aa", b"Card"
    assert [(each.uuid, each.name) for each in patient(nvml).read()] == [("GPU-aa", "Card")]


def test_a_machine_without_nvidia_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    nvml = two()
    nvml.broken["nvmlInit"] = NVMLError("Library Not Found")
    with caplog.at_level(logging.INFO):
        gpus = patient(nvml)
        assert gpus.read() == ()
    assert Gpus(None).read() == ()
    assert not caplog.records


def test_a_driver_that_comes_later_is_found() -> None:
    nvml, clock = two(), FakeClock()
    nvml.broken["nvmlInit"] = NVMLError("Driver Not Loaded")
    gpus = patient(nvml, clock=clock)
    del nvml.broken["nvmlInit"]
    assert gpus.read() == ()  # not looked for at every reading
    clock.advance(RETRY_SECONDS + 1)
    assert ids(gpus) == TWO


def test_a_gpu_that_falls_off_its_bus(caplog: pytest.LogCaptureFixture) -> None:
    """It is left out with one line, the other keeps its name and works on, and it is welcome when it comes back."""
    nvml, clock = two(), FakeClock()
    gpus = patient(nvml, clock=clock)
    nvml.gpus[0].lost = True
    for _ in range(3):
        assert ids(gpus) == {"cuda:1": "GPU-bb"}
        clock.advance(RETRY_SECONDS + 1)
    assert [record.message for record in caplog.records] == [
        "cuda:0 (GPU-aa) cannot be read any more (NVML: GPU is lost): engines go to other devices; "
        "tried again every 60 s"
    ]
    nvml.gpus[0].lost = False
    with caplog.at_level(logging.INFO):
        assert ids(gpus) == TWO
    assert "cuda:0 is Card (GPU-aa), back again" in caplog.messages


def test_a_driver_replaced_under_us() -> None:
    """Every handle is void until NVML is started anew."""
    nvml, clock = two(), FakeClock()
    gpus = patient(nvml, clock=clock)
    nvml.running = False
    assert gpus.read() == ()
    clock.advance(RETRY_SECONDS + 1)
    assert ids(gpus) == TWO


def test_a_gpu_added_while_nvml_is_renewed_gets_the_next_number() -> None:
    nvml, clock = FakeNvml(gpu("GPU-bb")), FakeClock()
    gpus = patient(nvml, clock=clock)
    nvml.gpus[0].lost = True
    assert gpus.read() == ()
    nvml.gpus = [gpu("GPU-aa"), gpu("GPU-bb")]
    clock.advance(RETRY_SECONDS + 1)
    assert ids(gpus) == {"cuda:1": "GPU-aa", "cuda:0": "GPU-bb"}


CALLS = [
    "nvmlInit",
    "nvmlShutdown",
    "nvmlDeviceGetCount",
    "nvmlDeviceGetHandleByIndex",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetMaxMigDeviceCount",
    "nvmlDeviceGetMigDeviceHandleByIndex",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetName",
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetComputeRunningProcesses",
]


def cut_and_whole() -> FakeNvml:
    return FakeNvml(gpu("GPU-aa", parts=[gpu("MIG-1")]), gpu("GPU-bb"))


@pytest.mark.parametrize("function", CALLS)
@pytest.mark.parametrize(
    "fault", [NVMLError("Unknown Error"), OSError(5, "libnvidia-ml.so.1"), AttributeError("nvmlThing_v9")], ids=repr
)
def test_an_error_at_each_call_at_the_start_is_never_raised(machine: Machine, function: str, fault: Exception) -> None:
    nvml, clock = cut_and_whole(), FakeClock()
    nvml.broken[function] = fault
    devices = LocalDevices(machine.proc, nvml=nvml, environ={}, clock=clock, read_seconds=PATIENCE)
    assert devices.read()[0].device == "cpu"
    devices.used_by(1)
    nvml.broken.clear()
    clock.advance(RETRY_SECONDS + 1)
    assert devices.read()[0].device == "cpu"


@pytest.mark.parametrize("function", CALLS)
def test_an_error_at_each_call_later_is_never_raised_and_mends(function: str) -> None:
    nvml, clock = cut_and_whole(), FakeClock()
    gpus = patient(nvml, clock=clock)
    before = ids(gpus)
    nvml.broken[function] = NVMLError("Unknown Error")
    for _ in range(3):
        gpus.read()
        gpus.used_by(1)
        clock.advance(RETRY_SECONDS + 1)
    nvml.broken.clear()
    assert ids(gpus) == before


def test_a_gpu_without_memory_of_its_own_is_none(caplog: pytest.LogCaptureFixture) -> None:
    nvml, clock = two(), FakeClock()
    nvml.broken["nvmlDeviceGetMemoryInfo"] = NVMLError("Not Supported")
    gpus = patient(nvml, clock=clock)
    for _ in range(3):
        assert gpus.read() == ()
        clock.advance(RETRY_SECONDS + 1)
    assert not caplog.records


def test_an_nvml_that_hangs_does_not_hang_the_server(
    caplog: pytest.LogCaptureFixture, until: Callable[[Callable[[], object]], None]
) -> None:
    nvml, clock, answer = two(), FakeClock(), threading.Event()
    gpus = Gpus(nvml, clock=clock)
    nvml.broken["nvmlDeviceGetMemoryInfo"] = answer
    asked = len(nvml.asked)
    assert gpus.read() == ()
    assert gpus.read() == ()
    clock.advance(RETRY_SECONDS + 1)
    assert gpus.read() == ()
    assert len(nvml.asked) == asked + 1  # nobody else is sent after the one that does not come back
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    nvml.broken.clear()
    answer.set()
    until(lambda: ids(gpus) == TWO)


def test_readers_in_several_threads_do_not_take_each_other_for_a_hang() -> None:
    nvml = two()
    gpus = patient(nvml)
    slow = nvml.nvmlDeviceGetMemoryInfo

    def take_your_time(handle: SimpleNamespace) -> SimpleNamespace:
        threading.Event().wait(0.005)
        return slow(handle)

    nvml.nvmlDeviceGetMemoryInfo = take_your_time  # type: ignore[method-assign]
    seen: list[dict[str, str]] = []
    threads = [threading.Thread(target=lambda: seen.append(ids(gpus))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [TWO] * 4


def test_a_slow_start_is_taken_up_when_it_is_done(until: Callable[[Callable[[], object]], None]) -> None:
    nvml, clock, answer = two(), FakeClock(), threading.Event()
    nvml.broken["nvmlInit"] = NVMLError("Driver Not Loaded")
    gpus = Gpus(nvml, clock=clock)
    nvml.broken["nvmlInit"] = answer
    clock.advance(RETRY_SECONDS + 1)
    assert gpus.read() == ()
    assert gpus.read() == ()
    answer.set()
    until(lambda: ids(gpus) == TWO)
    assert READ_SECONDS < 1 < OPEN_SECONDS


def test_memory_of_one_process(machine: Machine) -> None:
    nvml = two()
    nvml.gpus[1].processes = [
        SimpleNamespace(pid=7, usedGpuMemory=GB),
        SimpleNamespace(pid=8, usedGpuMemory=2 * GB),
        SimpleNamespace(pid=9, usedGpuMemory=None),  # no permission
    ]
    devices = LocalDevices(machine.proc, nvml=nvml, environ={}, read_seconds=PATIENCE)
    assert devices.used_by(8) == {}  # no namespace is known
    (machine.proc / "self/ns").mkdir(parents=True)
    (machine.proc / "self/ns/pid").symlink_to("pid:[4026532999]")
    assert devices.used_by(8) == {}  # in a container 8 is somebody else
    (machine.proc / "self/ns/pid").unlink()
    (machine.proc / "self/ns/pid").symlink_to(HOST_PIDS)
    assert devices.used_by(8) == {"cuda:1": 2 * GB}
    assert devices.used_by(9) == {}


@pytest.mark.parametrize(
    ("seen", "reserved", "fell", "held"),
    [
        (3 * GB, GB, 9 * GB, 3 * GB),
        (0, 2 * GB, 2 * GB + 400_000_000, 2 * GB + 400_000_000),
        (0, 2 * GB, 9 * GB, 2 * GB + 1_500_000_000),  # a neighbour grew meanwhile
        (0, 2 * GB, -GB, 2 * GB),  # a neighbour went
        (0, 0, 3 * GB, 3 * GB),
        (0, 0, -GB, 0),
    ],
)
def test_bytes_held(seen: int, reserved: int, fell: int, held: int) -> None:
    assert bytes_held(seen, reserved, fell) == held


def test_the_double_shipped_for_tests() -> None:
    devices = FakeDevices(cpu=3, cuda_0=5)
    devices.memory["cuda:0"] = 4
    devices.processes[1] = {"cuda:0": 1}
    assert devices.read() == (Memory("cpu", 3, 3), Memory("cuda:0", 5, 4))
    assert (devices.used_by(1), devices.used_by(2)) == ({"cuda:0": 1}, {})


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for a thread."""

    def wait(condition: Callable[[], object]) -> None:
        pause = threading.Event()
        for _ in range(1000):
            if condition():
                return
            pause.wait(0.005)
        pytest.fail("never became true")

    return wait
