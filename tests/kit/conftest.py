"""A model that is small enough to be seen through: y = relu(x · w + b) · s, with a branch and a constant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the kit's ONNX modules are for plugins that bring onnx and onnxruntime")
pytest.importorskip("onnxruntime")


@pytest.fixture
def model() -> onnx.ModelProto:
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    inner = helper.make_graph(
        [helper.make_node("Add", ["h", "b"], ["inner"])],
        "then",
        [],
        [helper.make_tensor_value_info("inner", real, None)],
    )
    other = helper.make_graph(
        [helper.make_node("Identity", ["h"], ["outer"])],
        "else",
        [],
        [helper.make_tensor_value_info("outer", real, None)],
    )
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("If", ["yes"], ["added"], then_branch=inner, else_branch=other),
        helper.make_node("Relu", ["added"], ["positive"]),
        helper.make_node("Mul", ["positive", "s"], ["y"]),
        helper.make_node("ReduceSum", ["h"], ["size"], keepdims=0),
    ]
    weights = {
        "w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array([1, -100, 1], np.float32),
        "yes": np.array(True),
        "unused": np.zeros(1000, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("x", real, ["n", 2]), helper.make_tensor_value_info("s", real, [1])],
        [helper.make_tensor_value_info("y", real, ["n", 3]), helper.make_tensor_value_info("size", real, [])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    made.metadata_props.add(key="made", value="here")
    onnx.checker.check_model(made, full_check=True)
    return made


@pytest.fixture
def model_file(model: onnx.ModelProto, tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    return path
