"""What plugins and the core ask of the api alike."""

from __future__ import annotations

import errno
import os

import pytest

from meadowlark.api import is_out_of_memory


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("CUDA"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory. Error code 12 (Cannot allocate memory)"
        ),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Exception during initialization: std::bad_alloc"),
        RuntimeError("[ONNXRuntimeError] : 6 : arena.cc Failed to allocate memory for requested buffer of size 8192"),
        RuntimeError('mmap file "slow.weights" failed: Cannot allocate memory'),
        RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    ],
)
def test_memory_that_is_short(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("memory"),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        ImportError("libgomp.so.1: cannot allocate memory in static TLS block"),
        RuntimeError("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from slow.onnx failed"),
    ],
)
def test_other_errors(error: Exception) -> None:
    assert not is_out_of_memory(error)
