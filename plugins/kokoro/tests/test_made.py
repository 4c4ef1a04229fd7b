"""The parts are compared with the whole, and a slower form that is right is taken where they differ."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from meadowlark.kit import part_files
from meadowlark.kit.onnx_graph import GraphError, tensor
from meadowlark.kit.ort import Compute
from meadowlark_kokoro import doubles, made
from meadowlark_kokoro.model import KokoroModel
from meadowlark_kokoro.rewrites import lighter
from meadowlark_kokoro.split import SOUND, TEXT, Seams, find

TOKENS = [43 + number % 27 for number in range(30)]
STYLE = doubles.pack("af_heart")[29]


def said(parts: dict[str, ModelProto]) -> dict[str, str]:
    return {each.key: each.value for each in parts[TEXT].metadata_props}


def original(path: Path) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {"input_ids": np.array([[0, *TOKENS, 0]]), "style": STYLE, "speed": np.ones(1, np.float32)}
    return session.run(["waveform"], feeds)[0].reshape(-1)


def opened(path: Path, make: part_files.Make = made.parts) -> KokoroModel:
    return KokoroModel(path, Compute(threads=1), path.parent / "parts", make=make)


def spoken(model: KokoroModel) -> np.ndarray:
    return model.whole(model.begin(TOKENS, STYLE, 1.0))


class Counted:
    """`made.parts` with something else inside, that knows how often it was asked."""

    def __init__(self, **inside: Callable[..., object]) -> None:
        self.times = 0
        self._inside = inside

    def __call__(self, path: Path) -> dict[str, ModelProto]:
        self.times += 1
        return made.parts(path, **self._inside)


def change(model: ModelProto, name: str, by: Callable[[np.ndarray], np.ndarray]) -> None:
    for each in model.graph.initializer:
        if each.name == name:
            each.CopyFrom(numpy_helper.from_array(by(numpy_helper.to_array(each)), name))


def test_a_rewriting_that_is_right_is_used(tmp_path: Path) -> None:
    parts = made.parts(doubles.write(tmp_path))
    assert not {made.WHOLE, made.AS_EXPORTED} & said(parts).keys()
    assert "Pow" not in {node.op_type for node in parts[SOUND].graph.node}, "rewritten"


def louder(model: ModelProto, _: str) -> None:
    change(model, "res_w", lambda weights: weights * np.float32(1.1))


def shorter(model: ModelProto, _: str) -> None:
    change(model, "to", lambda _: np.array([-11]))


def endless(model: ModelProto, _: str) -> None:
    change(model, "res_b", lambda bias: np.full_like(bias, np.inf))


def unreadable(model: ModelProto, _: str) -> None:
    next(each for each in model.graph.node if each.output[0] == "res").op_type = "Convolve"


def one_weight(model: ModelProto, style: str) -> None:
    """What a mistake in one channel of the real rewriting would make."""
    lighter(model, style)
    change(model, "bent a bias", lambda bias: bias + np.array([0, 0, 0, 0.1], np.float32))


def fails(model: ModelProto, style: str) -> None:
    raise IndexError("tuple index out of range")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (louder, "rewritten it differs by 0.0"),
        (one_weight, "rewritten it differs by 0.0"),
        (shorter, "rewritten it differs by inf"),
        (endless, "rewritten it differs by inf"),
        (unreadable, "it cannot be rewritten ("),
        (fails, "it cannot be rewritten (tuple index out of range)"),
    ],
)
def test_a_wrong_rewriting_is_left_out_and_the_sound_is_that_of_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: made.Rewriting, why: str
) -> None:
    path = doubles.write(tmp_path)
    make = Counted(rewrite=wrong)
    for _ in range(2):
        caplog.clear()
        model = opened(path, make)
        assert model.in_windows
        np.testing.assert_allclose(spoken(model), original(path), atol=1e-6)
        (line,) = (each.message for each in caplog.records if each.levelno >= logging.WARNING)
        assert line.startswith(f"The generator of kokoro-v1.0.onnx is computed as it was exported, for {why}")
    assert make.times == 1, "what was found is kept"


def behind_the_features(model: ModelProto) -> Seams:
    """Whole sentences would be right, and windows of ten times their length."""
    return replace(find(model), features=tensor("x2", (1, doubles.CHANNELS, "half_frames")))


def of_nothing(model: ModelProto) -> Seams:
    return replace(find(model), source=tensor("nowhere", (1, doubles.SPECTRUM, "steps")))


def of_another_type(model: ModelProto) -> Seams:
    seams = find(model)
    return replace(
        seams, features=tensor(seams.features.name, (1, doubles.CHANNELS, "half_frames"), TensorProto.FLOAT16)
    )


@pytest.mark.parametrize("seams_of", [behind_the_features, of_nothing, of_another_type])
def test_a_wrong_cut_is_found_and_the_model_speaks_as_a_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seams_of: Callable[[ModelProto], Seams]
) -> None:
    path = doubles.write(tmp_path)
    make = Counted(seams_of=seams_of)
    for _ in range(2):
        caplog.clear()
        model = opened(path, make)
        assert not model.in_windows
        assert np.array_equal(spoken(model), original(path))
        (line,) = (each.message for each in caplog.records if each.levelno >= logging.WARNING)
        assert line.startswith("kokoro-v1.0.onnx is spoken a whole sentence at a time, for ")
    assert make.times == 1, "what was found is kept"


def test_a_cut_that_gives_another_sound_is_told(tmp_path: Path) -> None:
    path = doubles.write(tmp_path)

    def of_a_louder_one(model: ModelProto) -> Seams:
        louder(model, "style")  # this is the whole that is compared with
        return find(model)

    assert said(made.parts(path, seams_of=of_a_louder_one))[made.WHOLE].startswith("cut in two it differs by 0.0")


def test_noise_is_the_same_in_whole_and_parts(tmp_path: Path) -> None:
    path = tmp_path / "kokoro-noisy.onnx"
    onnx.save(noisy(doubles.model()), path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {"input_ids": np.array([[0, 50, 0]]), "style": STYLE, "speed": np.ones(1, np.float32)}
    one, two = (session.run(None, feeds)[0] for _ in range(2))
    assert np.abs(one - two).max() > 0.1, "or this shows nothing"
    assert not {made.WHOLE, made.AS_EXPORTED} & said(made.parts(path)).keys()
    assert {made.AS_EXPORTED} <= said(made.parts(path, louder)).keys()
    for each in made.parts(path).values():
        assert all(said.name != "seed" for node in each.graph.node for said in node.attribute)


def noisy(model: ModelProto) -> ModelProto:
    """With noise in the source, as Kokoro has it, and in the generator."""
    for name, kind in (("wave3", "RandomNormalLike"), ("wave3", "RandomUniformLike"), ("n1", "RandomNormalLike")):
        index, node = next((at, each) for at, each in enumerate(model.graph.node) if each.output[0] == name)
        clean, noise = f"{name} clean {kind}", f"{name} {kind}"
        node.output[0] = clean
        added = [helper.make_node(kind, [clean], [noise]), helper.make_node("Add", [clean, noise], [name])]
        for each in reversed(added):
            model.graph.node.insert(index + 1, each)
    return model


def full(*_: object) -> Seams:
    raise RuntimeError("std::bad_alloc")


def unread(*_: object) -> Seams:
    raise GraphError("it is not an ONNX model (MemoryError)") from MemoryError()


@pytest.mark.parametrize("inside", [{"seams_of": full}, {"rewrite": full}, {"rewrite": unread}])
def test_too_little_memory_is_not_remembered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, inside: dict[str, Callable[..., Seams]]
) -> None:
    path = doubles.write(tmp_path)
    with pytest.raises(GraphError, match="too little memory to cut it"):
        made.parts(path, **inside)
    model = opened(path, Counted(**inside))
    assert not model.in_windows
    assert "for there was too little memory" in caplog.text
    assert np.array_equal(spoken(model), original(path))
    assert opened(path).in_windows


def test_a_text_part_that_does_not_bear_8_bits_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = doubles.write(tmp_path)
    double = onnx.load(path)
    index = next(at for at, node in enumerate(double.graph.node) if node.output[0] == "plain")
    double.graph.node[index].output[0] = "mixed"
    double.graph.node.insert(index + 1, helper.make_node("Transpose", ["mixed"], ["rows"], perm=[0, 2, 1]))
    double.graph.node.insert(index + 2, helper.make_node("MatMul", ["rows", "coarse"], ["products"]))
    double.graph.node.insert(index + 3, helper.make_node("Transpose", ["products"], ["plain"], perm=[0, 2, 1]))
    coarse = np.diag([1e6, 1, 1, 1]).astype(np.float32)  # with one scale for all, 8 bits leave nothing of the others
    fine = np.diag([1e-6, 1, 1, 1]).astype(np.float32)
    double.graph.initializer.append(numpy_helper.from_array(coarse, "coarse"))
    embedding = next(each for each in double.graph.initializer if each.name == "embedding")
    embedding.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(embedding) @ fine, "embedding"))
    onnx.save(double, path)
    model = KokoroModel(path, Compute(threads=1), tmp_path / "parts", small_text=True)
    np.testing.assert_allclose(spoken(model), original(path), atol=1e-5)
    assert "The text part of kokoro-v1.0.onnx is not kept in 8 bits: its features then are others" in caplog.text
