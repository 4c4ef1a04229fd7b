"""Voices of a few kilobytes with the structure of real ones, for tests: text part, frames, upsampling, noise, speakers.

Made with the `onnx` package alone. What they say is a murmur that follows the text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

SYMBOLS = "_^$ !'(),-.:;?abcdefghijklmnopqrstuvwxyzæçðøħŋœɐɑɒɔɕɖəɚɛɜɟɡɣɥɨɪɫɬɭɯɲɳɹɻɾʀʁʂʃʈʊʋʌʎʏʐʑʒʔʝˈˌː̃βθχ"
"""Numbered in this order; PAD, BEGIN and END are the first three, as in real voices."""

CHANNELS, WIDTH, UP = 4, 4, 16
"""Of the frames, of the sound part, and of each of its two upsamplings: 16 x 16 = 256 samples a frame."""


def write_voice(
    folder: Path,
    name: str = "en_US-double-medium",
    *,
    espeak: str = "en-us",
    speakers: Sequence[str] = (),
    rate: int = 22050,
    **more: object,
) -> Path:
    """NAME.onnx and NAME.onnx.json; `more` overrides keys of the JSON. Returns the model's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(voice(len(speakers)), path)
    path.with_name(f"{name}.onnx.json").write_text(
        json.dumps(description(espeak, speakers, rate) | more, ensure_ascii=False), encoding="utf-8"
    )
    return path


def description(espeak: str = "en-us", speakers: Sequence[str] = (), rate: int = 22050) -> dict[str, object]:
    """What the JSON says."""
    return {
        "audio": {"sample_rate": rate, "quality": "medium"},
        "espeak": {"voice": espeak},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(SYMBOLS)},
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {each: number for number, each in enumerate(speakers)},
        "hop_length": 256,
    }


def voice(speakers: int = 0) -> ModelProto:
    """The model: `sid` is an input where there are speakers."""
    weights = _weights(speakers)
    nodes = [*_text_nodes(), *_sound_nodes(bool(speakers))]
    integer, real = TensorProto.INT64, TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info("input", integer, ["batch_size", "phonemes"]),
        helper.make_tensor_value_info("input_lengths", integer, ["batch_size"]),
        helper.make_tensor_value_info("scales", real, [3]),
    ]
    if speakers:
        inputs.append(helper.make_tensor_value_info("sid", integer, [1]))
    output = helper.make_tensor_value_info("output", real, ["batch_size", 1, None, "time"])
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "double", inputs, [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def _text_nodes() -> list[NodeProto]:
    """Numbers → frames: each symbol lasts 2-4 frames, and its embedding, with some noise, fills them."""
    return [
        _node("Reshape", "input flat", "ids"),
        _node("Mod", "ids three", "extra"),
        _node("Cast", "extra", "extra_f", to=TensorProto.FLOAT),
        _node("Add", "extra_f two", "lasting"),
        _node("Gather", "scales one", "length", axis=0),
        _node("Mul", "lasting length", "scaled"),
        _node("Ceil", "scaled", "frames_f"),
        _node("Cast", "frames_f", "durations", to=TensorProto.INT64),
        _node("CumSum", "durations zero", "ends"),
        _node("ReduceSum", "durations", "total", keepdims=0),
        _node("Range", "zero total one", "numbers"),
        _node("Unsqueeze", "numbers axis1", "column"),
        _node("Unsqueeze", "ends axis0", "row"),
        _node("GreaterOrEqual", "column row", "past"),
        _node("Cast", "past", "past_i", to=TensorProto.INT64),
        _node("ReduceSum", "past_i axis1", "which", keepdims=0),
        _node("Gather", "ids which", "symbols", axis=0),
        _node("Gather", "embedding symbols", "filled", axis=0),
        _node("Transpose", "filled", "channels_first", perm=[1, 0]),
        _node("Unsqueeze", "channels_first axis0", "mean"),
        _node("RandomNormalLike", "mean", "drawn"),
        _node("Gather", "scales zero", "noise", axis=0),
        _node("Mul", "drawn noise", "noisy"),
        _node("Add", "mean noisy", "z"),
    ]


def _sound_nodes(many: bool) -> list[NodeProto]:
    """Frames → audio, as HiFi-GAN does it."""
    speaker = [
        _node("Gather", "speakers sid", "row_of_speaker", axis=0),
        _node("Unsqueeze", "row_of_speaker axis2", "g"),
        _node("Conv", "g cond_w cond_b", "cond", kernel_shape=[1]),
        _node("Add", "pre cond", "x0"),
    ]
    upsampling = {"kernel_shape": [2 * UP], "strides": [UP], "pads": [UP // 2, UP // 2]}
    return [
        _node("Conv", "z pre_w pre_b", "pre" if many else "x0", kernel_shape=[7], pads=[3, 3]),
        *(speaker if many else []),
        _node("LeakyRelu", "x0", "a0", alpha=0.1),
        _node("ConvTranspose", "a0 up0_w", "x1", **upsampling),
        _node("LeakyRelu", "x1", "a1", alpha=0.1),
        _node("ConvTranspose", "a1 up1_w", "x2", **upsampling),
        _node("LeakyRelu", "x2", "a2", alpha=0.1),
        _node("Conv", "a2 post_w", "x3", kernel_shape=[7], pads=[3, 3]),
        _node("Tanh", "x3", "wave"),
        _node("Unsqueeze", "wave axis1", "output"),
    ]


def _weights(speakers: int) -> Mapping[str, NDArray[np.generic]]:
    random = np.random.default_rng(0)

    def some(*shape: int, scale: float) -> NDArray[np.float32]:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    carrier = np.sin(np.arange(2 * UP) * 2 * np.pi * 3 / UP).astype(np.float32)  # no constant: heard, not an offset
    weights: dict[str, NDArray[np.generic]] = {
        "flat": np.array([-1]),
        "zero": np.array(0),
        "one": np.array(1),
        "two": np.array(2, np.float32),
        "three": np.array(3),
        "axis0": np.array([0]),
        "axis1": np.array([1]),
        "embedding": some(len(SYMBOLS), CHANNELS, scale=1.0),
        "pre_w": some(WIDTH, CHANNELS, 7, scale=0.3),
        "pre_b": some(WIDTH, scale=0.3),
        "up0_w": some(WIDTH, WIDTH, 2 * UP, scale=0.2),
        "up1_w": some(WIDTH, WIDTH, 1, scale=0.5) * carrier,
        "post_w": some(1, WIDTH, 7, scale=0.15),
    }
    if speakers:
        weights["axis2"] = np.array([2])
        weights["speakers"] = some(speakers, CHANNELS, scale=1.0)
        weights["cond_w"] = some(WIDTH, CHANNELS, 1, scale=0.5)
        weights["cond_b"] = some(WIDTH, scale=0.1)
    return weights


def _node(kind: str, inputs: str, output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(kind, inputs.split(), [output], **attributes)
