"""What this worker takes, in bytes: of the machine's memory, and of its GPU as far as torch here knows.

Counting shared pages costs 45 ms a gigabyte, so it is done once, after loading; from then on growth is added to it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_SELF: Final = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes held now, and the most since the peaks were last reset."""

    memory_bytes: int
    """Of the machine's memory, pages shared with the nursery and others in proportion (PSS)."""

    peak_bytes: int
    device_bytes: int = 0
    """Held by torch's allocator on the GPU, without the CUDA context; 0 where torch is not used there."""

    device_peak_bytes: int = 0


class Meter:
    """Measures this process."""

    def __init__(self) -> None:
        self._shared = 0
        """Bytes of resident memory that others pay for."""

    def settle(self) -> Footprint:
        """Count exactly; what is shared with others is taken to be the same from here on."""
        self._shared = _status()[0] - _proportional()
        return self.read()

    def read(self) -> Footprint:
        """In 0.05 ms."""
        resident, peak = _status()
        device, device_peak = _torch_bytes()
        return Footprint(max(0, resident - self._shared), max(0, peak - self._shared), device, device_peak)

    def reset_peaks(self) -> None:
        """Count peaks from here on; where the kernel does not allow it, they only ever rise."""
        try:
            (_SELF / "clear_refs").write_text("5")
        except OSError:
            pass
        if cuda := _torch_cuda():
            cuda.reset_peak_memory_stats()


def _proportional() -> int:
    """Of the resident memory, the part that is to be counted as ours."""
    try:
        lines = (_SELF / "smaps_rollup").read_text().splitlines()
    except OSError:  # not in every container
        return _status()[0]
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _status() -> tuple[int, int]:
    """Resident bytes now and at their peak."""
    lines = [line.split() for line in (_SELF / "status").read_text().splitlines()]
    found = {words[0]: int(words[1]) * 1024 for words in lines if words and words[0] in ("VmRSS:", "VmHWM:")}
    resident = found.get("VmRSS:") or int((_SELF / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, max(resident, found.get("VmHWM:", 0))


def _torch_bytes() -> tuple[int, int]:
    cuda = _torch_cuda()
    return (int(cuda.memory_reserved()), int(cuda.max_memory_reserved())) if cuda else (0, 0)


def _torch_cuda() -> Any:
    """torch.cuda where the engine has brought it and uses it: importing it here would cost those who do not."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    try:
        return cuda if cuda and cuda.is_initialized() else None
    except AttributeError:  # something else by that name
        return None
