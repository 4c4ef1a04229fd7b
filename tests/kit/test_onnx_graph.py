"""Models cut in parts compute what the whole computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from meadowlark.kit.onnx_graph import FLOAT, Graph, GraphError, float_type, load, part, tensor, weight_types
from meadowlark.kit.ort import Compute, session

X = np.array([[1, 2], [3, 4]], np.float32)
S = np.array([10], np.float32)


def test_parts_in_a_row_are_the_whole(model: onnx.ModelProto) -> None:
    between = tensor("added", ("n", 3))
    inputs = {each.name: each for each in model.graph.input}
    first = part(model, [inputs["x"]], [between], "first")
    second = part(model, [between, inputs["s"]], [model.graph.output[0]], "second")
    run = [session(each.SerializeToString(), Compute(threads=1)) for each in (model, first, second)]
    (added,) = run[1].run(None, {"x": X})
    (y,) = run[2].run(None, {"added": added, "s": S})
    assert np.array_equal(y, run[0].run(None, {"x": X, "s": S})[0])
    assert y.any()


def test_a_part_holds_what_it_needs_and_no_more(model: onnx.ModelProto) -> None:
    made = part(model, model.graph.input, [tensor("added", ("n", 3))], "first")
    assert {each.name for each in made.graph.initializer} == {"w", "b", "yes"}  # b is used inside the branch alone
    assert {node.op_type for node in made.graph.node} == {"MatMul", "If"}
    assert made.metadata_props[0].value == "here"


def test_a_part_that_needs_more_than_it_is_given_is_refused(model: onnx.ModelProto) -> None:
    with pytest.raises(GraphError, match="the second needs the model's input 'x'"):
        part(model, [tensor("s", (1,))], [model.graph.output[0]], "second")


def test_walking(model: onnx.ModelProto) -> None:
    graph = Graph(model)
    assert [node.op_type for node in graph.consumers("h")] == ["If", "If", "ReduceSum"]
    assert graph.shape_of("w") == (2, 3)
    assert graph.shape_of("h") is None
    found = graph.behind("positive", frozenset({"If"}), frozenset({"Relu"}))
    assert found is not None
    assert found.output[0] == "added"
    assert graph.behind("y", frozenset({"If"}), frozenset()) is None


def test_element_types_are_found_where_they_are_said() -> None:
    node, half = onnx.helper.make_node, onnx.TensorProto.FLOAT16
    nodes = [
        node("Cast", ["x"], ["half"], to=half),
        node("Relu", ["half"], ["positive"]),
        node("Where", ["is_x", "positive", "positive"], ["chosen"]),
        node("Cast", ["chosen"], ["single"], to=FLOAT),
        node("DynamicQuantizeLinear", ["single"], ["small", "scale", "zero"]),
        node("DequantizeLinear", ["small", "weight"], ["back"]),
    ]
    weight = onnx.numpy_helper.from_array(np.ones((), np.float16), "weight")
    inputs = [tensor("x", (1,)), tensor("is_x", (1,), onnx.TensorProto.BOOL)]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", inputs, [tensor("back", (1,), half)], [weight]))
    graph = Graph(model)
    of = {name: float_type(graph, name) for name in ("x", "positive", "chosen", "single", "back", "weight", "is_x")}
    assert [name for name, kind in of.items() if kind == half] == ["positive", "chosen", "back", "weight"]
    assert graph.origin("small", frozenset({"DynamicQuantizeLinear", "Cast"})) == "chosen"
    assert graph.origin("x", frozenset({"Cast"})) == "x"


def test_what_is_computed_from_weights_alone_has_a_value() -> None:
    node, weight = onnx.helper.make_node, onnx.numpy_helper.from_array
    nodes = [
        node("Identity", ["logs"], ["same"]),
        node("Neg", ["same"], ["turned"]),
        node("Exp", ["turned"], ["scale"]),
        node("Constant", [], ["two"], value=weight(np.float32(2))),
        node("Mul", ["scale", "two"], ["twice"]),
        node("Mul", ["scale", "x"], ["y"]),
        node("RandomNormalLike", ["logs"], ["drawn"]),
    ]
    logs = weight(np.array([0, 1], np.float32), "logs")
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [tensor("x", (2,))], [tensor("y", (2,))], [logs]))
    graph = Graph(model)
    twice = graph.constant("twice")
    assert twice is not None
    assert np.allclose(twice, [2, 2 / np.e])
    assert [graph.constant(name) for name in ("x", "y", "drawn", "nowhere")] == [None] * 4


def test_weights_by_type(model: onnx.ModelProto) -> None:
    assert weight_types(model) == {onnx.TensorProto.FLOAT: 4 * (6 + 3 + 1000), onnx.TensorProto.BOOL: 1}


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.onnx"
    path.write_bytes(content)
    with pytest.raises(GraphError, match=r"wrong\.onnx is not an ONNX model"):
        load(path)
