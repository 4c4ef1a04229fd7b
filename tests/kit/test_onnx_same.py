from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto

from meadowlark.kit.onnx_build import Writer
from meadowlark.kit.onnx_graph import tensor
from meadowlark.kit.onnx_same import difference, results

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
