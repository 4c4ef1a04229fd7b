"""Sessions of ONNX Runtime as a house needs them: small when they rest, quick for lengths never seen before."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import onnxruntime

_LOGGER = logging.getLogger(__name__)

MOST_THREADS = 4
"""More gain little on these models and take the cores from the rest of the house."""

SMALL_HOST_BYTES = 4 * 1024**3
"""Below it the arena is off: it keeps the largest sentence's memory for ever (Kokoro: +225 MB) for 2 % of time."""


@dataclass(frozen=True, slots=True)
class Compute:
    """Where and how sessions run."""

    device: str = "cpu"
    """As in PipelineContext: "cpu", "cuda:0"."""

    threads: int = 0
    """0 = one for each processor that this process may use, at most MOST_THREADS."""

    arena: bool | None = None
    """Whether memory is kept between runs; None = not on small hosts."""

    tensorrt: bool = False
    """Use TensorRT where it is there: minutes for the first run of each shape, then kept in `cache_dir`."""

    cache_dir: Path | None = None

    spin_us: int = 0
    """Microseconds that a thread looks for work before it sleeps, which graphs of many small steps wait for else.
    Kokoro, 1.3 s of audio, two threads: with 50 it is 7-17 % faster, for 10 % more processor time on a busy machine."""


def session(model: Path | bytes, compute: Compute | None = None) -> onnxruntime.InferenceSession:
    """A model ready to run. Raises onnxruntime's errors for what it cannot read."""
    compute = compute or Compute()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = compute.threads or default_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A plan for each length ever seen, kept for ever: 115 → 40 MB after 300 sentences without, at the same speed.
    options.enable_mem_pattern = False
    # Planning which tensor may take another's place takes longer than all the rest of a load (Piper's text part: 1.49 s
    # with, 0.53 s without) and, without the arena, keeps tensors longer (11 s of Kokoro: peak 1.5 → 0.6 GB).
    options.enable_mem_reuse = False
    options.enable_cpu_mem_arena = memory_bytes() >= SMALL_HOST_BYTES if compute.arena is None else compute.arena
    # Spinning without end gains 8-16 % on an idle host and doubles the time on a busy one (15 tokens: 702 → 1610 ms).
    spin = compute.spin_us if _spins_for_a_time() else 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
    if spin:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(spin))
    source = model if isinstance(model, bytes) else str(model)
    opened = onnxruntime.InferenceSession(source, options, providers=providers(compute))
    trim()
    return opened


def _spins_for_a_time() -> bool:
    """Older versions do not know the limit, and would spin without one."""
    return tuple(int(each) for each in onnxruntime.__version__.split(".")[:2]) >= (1, 31)


def trim() -> None:
    """Give back what reading a model took and glibc keeps: 30 of a Piper voice's 140 MB, 180 of 290 after its cut."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        pass


def providers(compute: Compute, available: Sequence[str] | None = None) -> list[tuple[str, dict[str, str]]]:
    """ONNX Runtime's providers for a device, best first, of those that are installed."""
    have = onnxruntime.get_available_providers() if available is None else available
    cpu: list[tuple[str, dict[str, str]]] = [("CPUExecutionProvider", {})]
    kind, _, number = compute.device.partition(":")
    if kind != "cuda":
        return cpu
    if "CUDAExecutionProvider" not in have:
        _warn_without_cuda(compute.device)
        return cpu
    found: list[tuple[str, dict[str, str]]] = []
    if compute.tensorrt and "TensorrtExecutionProvider" in have:
        options = {"device_id": number or "0", "trt_fp16_enable": "0"}
        if compute.cache_dir:
            kept = {"trt_engine_cache_enable": "1", "trt_timing_cache_enable": "1"}
            options |= {**kept, "trt_engine_cache_path": str(compute.cache_dir)}
        found.append(("TensorrtExecutionProvider", options))
    cuda = {
        "device_id": number or "0",
        # Published for a new length on an H200: 17 ms; EXHAUSTIVE (the default) 148, DEFAULT 287 with cuDNN 9.
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",  # the GPU is shared: no more than is needed
    }
    return [*found, ("CUDAExecutionProvider", cuda), *cpu]


@cache
def _warn_without_cuda(device: str) -> None:
    _LOGGER.warning(
        "This ONNX Runtime cannot use %s and works on the processor; for the GPU install onnxruntime-gpu instead of "
        "onnxruntime",
        device,
    )


def default_threads() -> int:
    """One for each processor that this process may use, at most MOST_THREADS."""
    return max(1, min(MOST_THREADS, len(os.sched_getaffinity(0))))


def memory_bytes() -> int:
    """Of the whole machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
