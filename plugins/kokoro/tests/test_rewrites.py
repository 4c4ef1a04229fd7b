"""The generator in fewer passes gives what it gave, and what is built otherwise stays as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from meadowlark.kit.onnx_graph import part
from meadowlark_kokoro import doubles
from meadowlark_kokoro.rewrites import lighter

Change = Callable[[ModelProto], None]


def node(model: ModelProto, output: str) -> NodeProto:
    return next(each for each in model.graph.node if each.output[0] == output)


def replace(model: ModelProto, output: str, kind: str, *inputs: str) -> None:
    """The node that gives `output` by another."""
    old = node(model, output)
    old.CopyFrom(helper.make_node(kind, inputs, [output]))


def weights(model: ModelProto, name: str, values: NDArray[np.float32]) -> None:
    for each in model.graph.initializer:
        if each.name == name:
            each.CopyFrom(numpy_helper.from_array(values.astype(np.float32), name))


def audio(model: ModelProto) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {
        "input_ids": np.array([[0, *range(43, 63), 0]]),
        "style": doubles.pack("af_heart")[19],
        "speed": np.ones(1, np.float32),
    }
    return np.asarray(session.run(None, feeds)[0])


def read(model: ModelProto) -> ModelProto:
    """What is left of it when all that nobody reads is gone."""
    return part(model, model.graph.input, model.graph.output, "read")


def rewritten(model: ModelProto) -> ModelProto:
    changed = ModelProto()
    changed.CopyFrom(model)
    return read(lighter(changed))


def count(model: ModelProto) -> Counter[str]:
    return Counter(each.op_type for each in model.graph.node)


def as_products(model: ModelProto) -> None:
    replace(model, "square", "Mul", "sine", "sine")


def as_division(model: ModelProto) -> None:
    replace(model, "wave_back", "Div", "square", "snake_a")


def with_the_reciprocal_folded(model: ModelProto) -> None:
    a = next(numpy_helper.to_array(each) for each in model.graph.initializer if each.name == "snake_a")
    model.graph.initializer.append(numpy_helper.from_array(1 / a, "folded"))
    replace(model, "wave_back", "Mul", "square", "folded")


def with_inputs_exchanged(model: ModelProto) -> None:
    replace(model, "styled", "Mul", "normal", "factor")
    replace(model, "bent", "Add", "shift", "styled")
    replace(model, "wound", "Mul", "bent", "snake_a")
    replace(model, "snake", "Add", "wave_back", "bent")


def with_weights_of_the_normalization(model: ModelProto) -> None:
    for name, values in (("ones", [0.5, 1, 2, 3]), ("zeros", [0.1, -0.2, 0, 1])):
        model.graph.initializer.append(numpy_helper.from_array(np.array(values, np.float32), f"own_{name}"))
    node(model, "normal").input[1:] = ["own_ones", "own_zeros"]


def with_one_a(model: ModelProto) -> None:
    weights(model, "snake_a", np.full((1, 1, 1), -0.7))


def behind_identities(model: ModelProto) -> None:
    for name in ("snake_a", "res_w", "ones"):
        model.graph.node.insert(0, helper.make_node("Identity", [name], [f"{name} behind"]))
        for each in model.graph.node:
            if each.op_type != "Identity":
                for index, given in enumerate(each.input):
                    if given == name:
                        each.input[index] = f"{name} behind"


@pytest.mark.parametrize(
    "change",
    [
        None,
        as_products,
        as_division,
        with_the_reciprocal_folded,
        with_inputs_exchanged,
        with_weights_of_the_normalization,
        with_one_a,
        behind_identities,
    ],
)
def test_the_same_sound_in_fewer_passes(change: Change | None) -> None:
    model = doubles.model()
    if change:
        change(model)
    made = rewritten(model)
    onnx.checker.check_model(made, full_check=True)
    np.testing.assert_allclose(audio(made), audio(model), atol=2e-6)
    before, after = count(read(model)), count(made)
    assert not after["Pow"]
    assert node(made, "snake").input[0] == node(made, "bent a").output[0]
    assert after["Reciprocal"] == 0 < before["Sin"] == after["Sin"]


def another_reader(model: ModelProto) -> None:
    """The sine is used once more."""
    replace(model, "u1", "Pad", "u1_", "one_before")
    replace(model, "x2", "Add", "sine", "res")


def another_power(model: ModelProto) -> None:
    weights(model, "two_f", np.array(3))


def divided_by_something_else(model: ModelProto) -> None:
    replace(model, "wave_back", "Mul", "square", "snake_a")


def an_a_of_nothing(model: ModelProto) -> None:
    weights(model, "snake_a", np.array([1, 1, 0, 1]).reshape(1, 4, 1))


def not_of_the_style(model: ModelProto) -> None:
    replace(model, "styled", "Mul", "x1", "normal")


def read_by_more_than_convolutions(model: ModelProto) -> None:
    replace(model, "x2", "Add", "snake", "res")


@pytest.mark.parametrize(
    "change",
    [
        another_reader,
        another_power,
        divided_by_something_else,
        an_a_of_nothing,
        not_of_the_style,
        read_by_more_than_convolutions,
    ],
)
def test_what_is_built_otherwise_stays_as_it_is(change: Change) -> None:
    model = doubles.model()
    change(model)
    changed = ModelProto()
    changed.CopyFrom(model)
    assert lighter(changed) == model
