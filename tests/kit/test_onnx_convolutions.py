"""Long convolutions computed by points give what they give as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from meadowlark.kit.onnx_convolutions import LEAST_CHANNELS, faster

CHANNELS = LEAST_CHANNELS
RANDOM = np.random.default_rng(0)


def convolution(
    size: int, taken: int = CHANNELS, made: int = CHANNELS, *, bias: bool = True, opset: int = 17, **attributes: Any
) -> ModelProto:
    group = attributes.get("group", 1)
    weights = {"w": RANDOM.standard_normal((made, taken // group, size)) / np.sqrt(taken * size)}
    if bias:
        weights["b"] = RANDOM.standard_normal(made)
    node = helper.make_node("Conv", ["x", *weights], ["y"], **attributes)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "convolution",
        [value("x", TensorProto.FLOAT, [1, taken, "steps"])],
        [value("y", TensorProto.FLOAT, [1, made, None])],
        [numpy_helper.from_array(each.astype(np.float32), name) for name, each in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def result(model: ModelProto, x: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def by_points(model: ModelProto, **limits: int) -> ModelProto:
    changed = ModelProto()
    changed.CopyFrom(model)
    return faster(changed, **limits)


@pytest.mark.parametrize("dilation", [1, 3, 5])
@pytest.mark.parametrize(("size", "bias"), [(7, True), (8, False), (11, True), (13, True)])
def test_the_same_but_for_rounding_for_every_length(size: int, dilation: int, bias: bool) -> None:
    padding = dilation * (size - 1) // 2
    model = convolution(size, bias=bias, kernel_shape=[size], dilations=[dilation], pads=[padding, padding])
    changed = by_points(model)
    assert len(changed.graph.node) > 1
    onnx.checker.check_model(changed, full_check=True)
    one, other = (
        onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
        for each in (model, changed)
    )
    for steps in (2, 4, 19, 20, 21, 22, 23, 157):
        x = RANDOM.standard_normal((1, CHANNELS, steps)).astype(np.float32)
        plain, made = one.run(None, {"x": x})[0], other.run(None, {"x": x})[0]
        assert made.shape == plain.shape
        np.testing.assert_allclose(made, plain, atol=2e-5)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (12, 0), (0, 12), (2, 31)])
def test_zeros_around_it_as_given(before: int, after: int) -> None:
    model = convolution(7, made=80, dilations=[2], pads=[before, after])
    x = RANDOM.standard_normal((1, CHANNELS, 61)).astype(np.float32)
    plain, made = result(model, x), result(by_points(model), x)
    assert made.shape == plain.shape == (1, 80, 61 + before + after - 12)
    np.testing.assert_allclose(made, plain, atol=2e-5)


def test_the_error_is_that_of_a_few_roundings() -> None:
    model = convolution(11, 128, 128, bias=False, pads=[5, 5])
    x = RANDOM.standard_normal((1, 128, 400)).astype(np.float32)
    weights = numpy_helper.to_array(model.graph.initializer[0]).astype(np.float64)
    seen = np.lib.stride_tricks.sliding_window_view(np.pad(x[0].astype(np.float64), ((0, 0), (5, 5))), 11, axis=1)
    exact = np.einsum("oik,itk->ot", weights, seen, optimize=True)
    error = result(by_points(model), x)[0] - exact
    assert np.sqrt((error**2).mean() / (exact**2).mean()) < 2e-6


@pytest.mark.parametrize(
    "model",
    [
        convolution(3, pads=[1, 1]),
        convolution(7, CHANNELS // 2, pads=[3, 3]),
        convolution(7, made=CHANNELS // 2, pads=[3, 3]),
        convolution(7, strides=[2]),
        convolution(7, group=2, taken=2 * CHANNELS),
        convolution(7, auto_pad="SAME_UPPER"),
        convolution(7, opset=11),
    ],
    ids=["short", "few in", "few out", "strides", "groups", "pads by ONNX Runtime", "old"],
)
def test_others_stay_as_they_are(model: ModelProto) -> None:
    assert by_points(model) == model


def test_the_most_channels_are_kept_to() -> None:
    model = convolution(7, pads=[3, 3])
    assert by_points(model, most_channels=CHANNELS - 1) == model
    assert by_points(model, most_channels=CHANNELS) != model
