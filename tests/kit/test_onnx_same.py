from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto

from meadowlark.kit.onnx_build import Writer
from meadowlark.kit.onnx_graph import part, tensor
from meadowlark.kit.onnx_same import by_name, difference, results

FEEDS = [{"x": np.array([1, 2, 4], np.float32)}, {"x": np.array([3, 5], np.float32)}]


def model(kind: str, taken: str, given: str, other: float, *, noisy: bool = False) -> ModelProto:
    write = Writer()
    noise = write("RandomNormalLike", taken, dtype=TensorProto.FLOAT) if noisy else 0.0
    write(kind, write("Add", taken, noise), other, out=given)
    return write.model("g", [tensor(taken, ("n",))], [tensor(given, ("n",))])


def test_models_in_a_row_against_one() -> None:
    one = results([model("Mul", "x", "y", 6.0)], FEEDS)
    two = results([model("Mul", "x", "h", 2.0), model("Mul", "h", "y", 3.0)], FEEDS)
    assert difference(one, two) == 0
    assert two[1]["y"].tolist() == [18, 30]


def test_the_distance_is_in_peaks_of_the_original() -> None:
    one, two = (results([model("Add", "x", "y", added)], FEEDS) for added in (0.0, 0.4))
    assert difference(one, two) == pytest.approx(0.1)
    other = [{**each, "y": each["y"][:1]} for each in one]
    assert difference(one, other) == math.inf
    wrong = [{**each, "y": each["y"] * np.nan} for each in one]
    assert difference(one, wrong) == math.inf


def test_noise_is_the_same_on_both_sides_and_the_model_is_left_as_it_was() -> None:
    made = model("Mul", "x", "y", 1.0, noisy=True)
    before = made.SerializeToString()
    one, two = results([made], FEEDS), results([made], FEEDS)
    assert difference(one, two) == 0
    assert np.abs(one[0]["y"] - FEEDS[0]["x"]).max() > 0.01
    assert made.SerializeToString() == before
    onnx.checker.check_model(made, full_check=True)


def branching() -> ModelProto:
    """Noise of three kinds, one of them in a branch; y = x + noise, z = y + noise."""
    write = Writer()
    drawn = onnx.helper.make_tensor_value_info("drawn", TensorProto.FLOAT, None)
    normal = onnx.helper.make_node("RandomNormalLike", ["x"], ["drawn"])
    branch = onnx.helper.make_graph([normal], "then", [], [drawn])
    hiss = write("If", np.array(True), then_branch=branch, else_branch=branch)
    write("Add", write("Add", "x", hiss), write("RandomUniformLike", "x"), out="y")
    write("Add", "y", write("RandomUniformLike", "y", seed=5.0), out="z")
    return write.model("g", [tensor("x", ("n",))], [tensor("z", ("n",))])


def test_noise_is_the_same_in_the_parts_that_a_model_is_cut_into() -> None:
    whole = branching()
    before = whole.SerializeToString()
    x, y, z = (tensor(name, ("n",)) for name in "xyz")
    parts = [part(whole, [x], [y], "first"), part(whole, [y], [z], "second")]
    one, two = results([whole], FEEDS, by_name), results(parts, FEEDS, by_name)
    assert difference(one, two) == 0
    assert difference(one, results([whole], FEEDS, lambda number, _: number + 100)) > 0.01
    assert whole.SerializeToString() == before


def test_models_that_are_made_when_their_turn_comes() -> None:
    order: list[str] = []

    def made(kind: str, taken: str, given: str, other: float) -> ModelProto:
        order.append(given)
        return model(kind, taken, given, other)

    found = results([lambda: made("Mul", "x", "h", 2.0), lambda: made("Add", "h", "y", 1.0)], FEEDS)
    assert [each["y"].tolist() for each in found] == [[3, 5, 9], [7, 11]]
    assert order == ["h", "y"]


def test_numbers_that_are_too_large_for_their_type_are_apart_all_the_same() -> None:
    one, two = ({"y": np.array([sign * 60000], np.float16)} for sign in (1, -1))
    assert difference([one], [two]) == pytest.approx(2, rel=1e-3)
