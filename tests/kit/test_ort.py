"""Sessions: which providers, and how many threads."""

from __future__ import annotations

import os

import onnx
import onnxruntime
import pytest

from meadowlark.kit.ort import MOST_THREADS, Compute, default_threads, memory_bytes, providers, session

ALL = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")


def names(compute: Compute, available: tuple[str, ...] = ALL) -> list[str]:
    return [name.removesuffix("ExecutionProvider") for name, _ in providers(compute, available)]


def test_providers_in_order_of_what_is_there() -> None:
    assert names(Compute()) == ["CPU"]
    assert names(Compute("cuda:0")) == ["CUDA", "CPU"]
    assert names(Compute("cuda:0", tensorrt=True)) == ["Tensorrt", "CUDA", "CPU"]
    assert names(Compute("cuda:0", tensorrt=True), ALL[1:]) == ["CUDA", "CPU"]


def test_a_gpu_that_onnxruntime_cannot_use_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert names(Compute("cuda:5"), ALL[2:]) == ["CPU"]
    assert "install onnxruntime-gpu" in caplog.text
    caplog.clear()
    names(Compute("cuda:5"), ALL[2:])
    assert not caplog.text, "once is enough"


def test_cuda_searches_by_heuristic_on_the_device_named() -> None:
    (_, options), _ = providers(Compute("cuda:1"), ALL)
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert options["device_id"] == "1"


def test_a_session_has_the_options_of_a_house(model: onnx.ModelProto) -> None:
    made = session(model.SerializeToString(), Compute(threads=3, arena=False)).get_session_options()
    assert made.intra_op_num_threads == 3
    assert made.inter_op_num_threads == 1
    assert not made.enable_mem_pattern
    assert not made.enable_mem_reuse
    assert not made.enable_cpu_mem_arena
    assert made.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert session(model.SerializeToString()).get_session_options().intra_op_num_threads == default_threads()


def test_threads_spin_for_a_time_where_onnxruntime_knows_a_limit(model: onnx.ModelProto) -> None:
    made = session(model.SerializeToString(), Compute(spin_us=50)).get_session_options()
    limited = tuple(map(int, onnxruntime.__version__.split(".")[:2])) >= (1, 31)
    assert made.get_session_config_entry("session.intra_op.allow_spinning") == str(int(limited))
    if limited:
        assert made.get_session_config_entry("session.intra_op.spin_duration_us") == "50"


def test_threads_are_those_that_this_process_may_use() -> None:
    assert 1 <= default_threads() <= min(MOST_THREADS, len(os.sched_getaffinity(0)))


def test_the_arena_follows_the_size_of_the_machine(model: onnx.ModelProto) -> None:
    expected = memory_bytes() >= 4 * 1024**3
    assert session(model.SerializeToString()).get_session_options().enable_cpu_mem_arena == expected


def test_what_cannot_be_read_is_onnxruntimes_own_error() -> None:
    with pytest.raises(Exception, match=r"INVALID_PROTOBUF|Failed to load model|ModelProto"):
        session(b"<html>")
