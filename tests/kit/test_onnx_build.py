from __future__ import annotations

import numpy as np
import onnx

from meadowlark.kit.onnx_build import Writer
from meadowlark.kit.onnx_graph import tensor
from meadowlark.kit.ort import Compute, session


def test_a_graph_written_operator_by_operator_is_computed() -> None:
    write = Writer()
    low, high = write.several("Split", 2, "x", axis=1, num_outputs=2)
    write("Add", write("Mul", low, 2.0), write("Mul", high, [[10.0, 20.0]]), out="y")
    model = write.model("g", [tensor("x", ("n", 4))], [tensor("y", ("n", 2))])
    onnx.checker.check_model(model, full_check=True)
    (y,) = session(model.SerializeToString(), Compute(threads=1)).run(None, {"x": np.array([[1, 2, 3, 4]], np.float32)})
    assert y.tolist() == [[32, 84]]


def test_equal_weights_are_kept_once_and_types_follow_the_numbers() -> None:
    write = Writer()
    assert write.weight([1, 2]) == write.weight(np.array([1, 2]))
    assert write.weight([1.0, 2.0]) != write.weight([1, 2])
    assert write.weight(1) != write.weight([1])
    write("Identity", 1.5, out="y")
    model = write.model("g", [], [tensor("y", ())])
    kinds = [(each.data_type, list(each.dims)) for each in model.graph.initializer]
    integer, real = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
    assert kinds == [(integer, [2]), (real, [2]), (integer, []), (integer, [1]), (real, [])]
