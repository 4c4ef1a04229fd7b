"""Models and voices of a few kilobytes with the structure of Kokoro's, for tests: durations, features, iSTFTNet.

Made with the `onnx` package alone. What they say is a murmur that follows the text and the style.
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

from .symbols import SYMBOLS

CHANNELS, SPECTRUM, UP = 4, 6, 10
"""Of the features and the source; the three upsamplings are 10 x 6 x 5 = 300 samples for half a frame."""

VOICES = ("af_heart", "af_sky", "bf_emma", "ff_siwis")


def write(folder: Path, *, layout: str = "v1.1", voices: Sequence[str] = VOICES) -> Path:
    """A model and voices as one of the publishers lays them out: "v1.0", "v1.1", "onnx-community"."""
    folder.mkdir(parents=True, exist_ok=True)
    if layout == "onnx-community":
        path = folder / "onnx" / "model.onnx"
        path.parent.mkdir(exist_ok=True)
        (folder / "voices").mkdir(exist_ok=True)
        for voice in voices:
            pack(voice).tofile(folder / "voices" / f"{voice}.bin")
        onnx.save(model(duration=False), path)
        return path
    path = folder / "kokoro-v1.0.onnx"
    with (folder / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, **{voice: pack(voice) for voice in voices})  # type: ignore[arg-type]
    new = layout == "v1.1"
    made = model(tokens="input_ids" if new else "tokens", audio="waveform" if new else "audio", duration=new)
    if new:
        made.metadata_props.add(key="kokoro_config", value=json.dumps({"vocab": dict(SYMBOLS)}))
    onnx.save(made, path)
    return path


def pack(voice: str) -> NDArray[np.float32]:
    """(510, 1, 256), another for each name; row n - 1 belongs to n tokens."""
    random = np.random.default_rng(sum(voice.encode()))
    base = random.standard_normal((1, 1, 256)) * 0.2
    return (base + np.linspace(0, 0.2, 510)[:, None, None]).astype(np.float32)


def model(
    *, tokens: str = "input_ids", audio: str = "waveform", duration: bool = True, speed: int = TensorProto.FLOAT
) -> ModelProto:
    """The model; `speed` is the element type of that input."""
    nodes = [*_text_nodes(tokens), *_sound_nodes(audio)]
    inputs = [
        helper.make_tensor_value_info(tokens, TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", speed, [1]),
    ]
    outputs = [helper.make_tensor_value_info(audio, TensorProto.FLOAT, ["samples"])]
    if duration:
        outputs.append(helper.make_tensor_value_info("duration", TensorProto.INT64, ["n"]))
    weights = [numpy_helper.from_array(value, name) for name, value in _weights().items()]
    graph = helper.make_graph(nodes, "double", inputs, outputs, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def _text_nodes(tokens: str) -> list[NodeProto]:
    """Tokens → features of two steps a frame, and the source's spectrum of 60 steps for each of those, and one more."""
    return [
        _node("Reshape", f"{tokens} flat", "ids"),
        _node("Mod", "ids three", "extra"),
        _node("Add", "extra two", "lasting"),
        _node("Cast", "lasting", "lasting_f", to=TensorProto.FLOAT),
        _node("Cast", "speed", "speed_f", to=TensorProto.FLOAT),
        _node("Div", "lasting_f speed_f", "spoken"),
        _node("Round", "spoken", "rounded"),
        _node("Max", "rounded one_f", "at_least"),
        _node("Cast", "at_least", "duration", to=TensorProto.INT64),
        _node("Mul", "duration two", "halves"),
        _node("CumSum", "halves zero", "ends"),
        _node("ReduceSum", "halves", "total", keepdims=0),
        _node("Range", "zero total one", "numbers"),
        _node("Unsqueeze", "numbers axis1", "column"),
        _node("Unsqueeze", "ends axis0", "row"),
        _node("GreaterOrEqual", "column row", "past"),
        _node("Cast", "past", "past_i", to=TensorProto.INT64),
        _node("ReduceSum", "past_i axis1", "which", keepdims=0),
        _node("Gather", "ids which", "symbols", axis=0),
        _node("Gather", "embedding symbols", "filled", axis=0),
        _node("Transpose", "filled", "channels_first", perm=[1, 0]),
        _node("Unsqueeze", "channels_first axis0", "plain"),
        # the predictor's own upsampling of single channels comes before the generator's, as in the real one
        _node("ConvTranspose", "plain pool_w", "pooled", kernel_shape=[3], pads=[1, 1], group=CHANNELS),
        _node("Add", "plain pooled", "features"),
        _node("Mul", "total half_frame", "samples_"),
        _node("Add", "samples_ stft_pad", "samples"),
        _node("Range", "zero samples one", "sample_numbers"),
        _node("Cast", "sample_numbers", "time", to=TensorProto.FLOAT),
        _node("Mul", "time frequency", "phase"),
        _node("Sin", "phase", "wave"),
        _node("Reshape", "wave as_channel", "wave3"),
        _node("Conv", "wave3 real_w", "real", kernel_shape=[20], strides=[5]),
        _node("Conv", "wave3 imaginary_w", "imaginary", kernel_shape=[20], strides=[5]),
        _node("Concat", "real imaginary", "har", axis=1),
    ]


def _sound_nodes(audio: str) -> list[NodeProto]:
    """Features and source → audio; InstanceNormalization is what makes windows differ from the whole.

    Like the real one's blocks it is bent by the style, wiggled (x + sin²(a x) / a) and convolved.
    """
    noise = {"kernel_shape": [12], "strides": [6], "pads": [3, 3]}
    return [
        _node("Gemm", "style style_w", "bend"),
        _node("Unsqueeze", "bend axis2", "bend3"),
        _node("Slice", "bend3 zero1 half axis1", "gain"),
        _node("Slice", "bend3 half whole axis1", "shift"),
        _node("Add", "gain one_f", "factor"),
        _node("LeakyRelu", "features", "a0", alpha=0.1),
        _node("ConvTranspose", "a0 up0_w", "u0", kernel_shape=[20], strides=[10], pads=[5, 5]),
        _node("Conv", "har noise0_w", "n0", **noise),
        _node("Add", "u0 n0", "x1"),
        _node("InstanceNormalization", "x1 ones zeros", "normal"),
        _node("Mul", "factor normal", "styled"),
        _node("Add", "styled shift", "bent"),
        _node("Mul", "snake_a bent", "wound"),
        _node("Sin", "wound", "sine"),
        _node("Pow", "sine two_f", "square"),
        _node("Reciprocal", "snake_a", "snake_1"),
        _node("Mul", "snake_1 square", "wave_back"),
        _node("Add", "bent wave_back", "snake"),
        _node("Conv", "snake res_w res_b", "res", kernel_shape=[3], pads=[1, 1]),
        _node("Add", "x1 res", "x2"),
        _node("LeakyRelu", "x2", "a1", alpha=0.1),
        _node("ConvTranspose", "a1 up1_w", "u1_", kernel_shape=[12], strides=[6], pads=[3, 3]),
        _node("Pad", "u1_ one_before", "u1", mode="reflect"),
        _node("Conv", "har noise1_w", "n1", kernel_shape=[1]),
        _node("Add", "u1 n1", "x3"),
        _node("Tanh", "x3", "spectrum"),
        _node("ConvTranspose", "spectrum istft_w", "long", kernel_shape=[20], strides=[5]),
        _node("Slice", "long from to axis2", "cut"),
        _node("Reshape", "cut flat", audio),
    ]


def _weights() -> Mapping[str, NDArray[Any]]:
    random = np.random.default_rng(0)

    def some(*shape: int, scale: float) -> NDArray[np.float32]:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    return {
        "flat": np.array([-1]),
        "zero": np.array(0),
        "one": np.array(1),
        "two": np.array(2),
        "three": np.array(3),
        "half_frame": np.array(300),
        "stft_pad": np.array(20),
        "as_channel": np.array([1, 1, -1]),
        "one_f": np.array(1, np.float32),
        "axis0": np.array([0]),
        "axis1": np.array([1]),
        "axis2": np.array([2]),
        "one_before": np.array([0, 0, 1, 0, 0, 0]),
        "from": np.array([10]),  # half of the window on either side is the STFT's padding
        "to": np.array([-10]),
        "embedding": some(178, CHANNELS, scale=1.0),
        "pool_w": some(CHANNELS, 1, 3, scale=0.2),
        "frequency": np.array(0.05, np.float32),
        "real_w": some(SPECTRUM // 2, 1, 20, scale=0.3),
        "imaginary_w": some(SPECTRUM // 2, 1, 20, scale=0.3),
        "style_w": some(256, 2 * CHANNELS, scale=0.01),
        "zero1": np.array([0]),
        "half": np.array([CHANNELS]),
        "whole": np.array([2 * CHANNELS]),
        "two_f": np.array(2, np.float32),
        "snake_a": np.linspace(0.5, 2, CHANNELS, dtype=np.float32).reshape(1, CHANNELS, 1),
        "res_w": some(CHANNELS, CHANNELS, 3, scale=0.1),
        "res_b": some(CHANNELS, scale=0.1),
        "up0_w": some(CHANNELS, CHANNELS, 20, scale=0.15),
        "noise0_w": some(CHANNELS, SPECTRUM, 12, scale=0.1),
        "ones": np.ones(CHANNELS, np.float32),
        "zeros": np.zeros(CHANNELS, np.float32),
        "up1_w": some(CHANNELS, SPECTRUM, 12, scale=0.3),
        "noise1_w": some(SPECTRUM, SPECTRUM, 1, scale=0.4),
        "istft_w": some(SPECTRUM, 1, 20, scale=0.06),
    }


def _node(kind: str, inputs: str, output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(kind, inputs.split(), [output], **attributes)
