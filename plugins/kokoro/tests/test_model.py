"""The model in two parts, at once and in windows; layouts, and files that are something else."""

from __future__ import annotations

import logging
import platform
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from meadowlark.kit.onnx_graph import Graph, GraphError
from meadowlark.kit.ort import Compute
from meadowlark_kokoro import doubles
from meadowlark_kokoro.errors import ModelFileError
from meadowlark_kokoro.made import parts
from meadowlark_kokoro.model import FRAME, KokoroModel
from meadowlark_kokoro.split import SOUND, TEXT, find, signed_share

TOKENS = [43 + number % 60 for number in range(120)]
STYLE = doubles.pack("af_heart")[119]
ONE = Compute(threads=1)


def opened(path: Path, **more: bool) -> KokoroModel:
    return KokoroModel(path, ONE, path.parent / "parts", **more)


def original(path: Path, speed: float = 1.0) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    tokens, style, rate = session.get_inputs()
    real = "float16" if style.type == "tensor(float16)" else "float32"
    feeds = {
        tokens.name: np.array([[0, *TOKENS, 0]]),
        style.name: STYLE.astype(real),
        rate.name: np.full(1, speed, real),
    }
    return session.run(None, feeds)[0].reshape(-1)


def snr(audio: np.ndarray, reference: np.ndarray) -> float:
    return float(10 * np.log10((reference**2).mean() / max(1e-20, ((audio - reference) ** 2).mean())))


@pytest.mark.parametrize("layout", ["v1.0", "v1.1", "onnx-community"])
def test_at_once_it_is_the_original_in_every_layout(tmp_path: Path, layout: str) -> None:
    path = doubles.write(tmp_path, layout=layout)
    model = opened(path)
    assert model.in_windows
    for speed in (1.0, 0.8):
        speech = model.begin(TOKENS, STYLE, speed)
        assert np.allclose(model.whole(speech), original(path, speed), atol=1e-6)
        assert speech.durations is not None, "found where the file does not give them out"
        assert speech.durations.sum() * FRAME == len(model.whole(speech))
    assert len(model.alphabet) == 114


def test_durations_are_those_of_the_audio(tmp_path: Path) -> None:
    speech = (model := opened(doubles.write(tmp_path))).begin(TOKENS, STYLE, 1.0)
    assert speech.durations is not None
    assert len(speech.durations) == len(TOKENS) + 2
    assert speech.durations.sum() * FRAME == len(model.whole(speech)) == round(speech.seconds * 24000)


def test_what_is_rounded_but_no_duration_is_not_taken_for_one(tmp_path: Path) -> None:
    path = doubles.write(tmp_path, layout="v1.0")
    double = onnx.load(path)
    (rounding,) = (node for node in double.graph.node if node.op_type == "Round")
    rounding.op_type = "Floor"
    at = list(double.graph.node).index(rounding)
    more = [
        ("Mul", ["spoken", "frequency"], "little"),
        ("Round", ["little"], "none"),
        ("Max", ["none", "one_f"], "at_least_1"),
    ]
    for kind, inputs, output in reversed(more):
        double.graph.node.insert(at, onnx.helper.make_node(kind, inputs, [output]))
    onnx.save(double, path)
    assert opened(path).begin(TOKENS, STYLE, 1.0).durations is None


def test_windows_are_as_long_as_the_whole_and_nearer_to_it_the_longer_they_are(tmp_path: Path) -> None:
    model = opened(doubles.write(tmp_path))
    speech = model.begin(TOKENS, STYLE, 1.0)
    whole = model.whole(speech)
    distances = []
    for size in (20, 80, 320):
        audio = np.concatenate(list(model.windows(speech, size, size)))
        assert audio.shape == whole.shape
        distances.append(snr(audio, whole))
    assert distances == sorted(distances)
    assert distances[0] > 25


def test_a_window_over_everything_is_the_whole(tmp_path: Path) -> None:
    model = opened(doubles.write(tmp_path))
    speech = model.begin(TOKENS, STYLE, 1.0)
    (audio,) = model.windows(speech, 10_000, 10_000)
    assert np.array_equal(audio, model.whole(speech))


def test_windows_grow(tmp_path: Path) -> None:
    model = opened(doubles.write(tmp_path))
    chunks = [len(each) for each in model.windows(model.begin(TOKENS, STYLE, 1.0))]
    assert chunks[:3] == [12_000, 24_000, 48_000]


def test_one_window_passes_into_the_next_without_a_step(tmp_path: Path) -> None:
    """What the ear would hear as a click: a step at a seam that is larger than the steps around it."""
    model = opened(doubles.write(tmp_path))
    speech = model.begin(TOKENS, STYLE, 1.0)
    chunks = list(model.windows(speech, 40, 40))
    audio, seams = np.concatenate(chunks), np.cumsum([len(each) for each in chunks])[:-1]
    steps = np.abs(np.diff(audio))
    for seam in seams:
        assert steps[seam - 1] <= steps[max(0, seam - 1200) : seam + 1200].max()
        difference = np.abs(audio - model.whole(speech))
        assert difference[seam] <= difference[seam - 6000 : seam + 6000].max()


def test_the_parts(tmp_path: Path) -> None:
    cut = parts(doubles.write(tmp_path))
    assert sum(node.op_type == "ConvTranspose" for node in cut[SOUND].graph.node) == 3
    assert [node.op_type for node in cut[TEXT].graph.node if node.op_type == "ConvTranspose"] == ["ConvTranspose"]
    assert [each.name for each in cut[SOUND].graph.input] == ["features", "har", "style"]
    for model in cut.values():
        onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("part", [TEXT, SOUND])
@pytest.mark.parametrize("content", [b"", b"not a model", None])
def test_a_kept_part_that_is_broken_is_made_anew(
    tmp_path: Path, part: str, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = doubles.write(tmp_path)
    opened(path)
    (kept,) = (path.parent / "parts").glob(f"*/{part}.onnx")
    kept.write_bytes(kept.read_bytes()[:1000] if content is None else content)
    model = opened(path)
    assert model.in_windows
    assert np.allclose(model.whole(model.begin(TOKENS, STYLE, 1.0)), original(path), atol=1e-5)
    assert "broken and made anew" in caplog.text
    caplog.clear()
    opened(path)
    assert not caplog.text


def test_a_small_text_part_changes_little(tmp_path: Path) -> None:
    path = doubles.write(tmp_path)
    model = opened(path, small_text=True)
    speech = model.begin(TOKENS, STYLE, 1.0)
    assert model.whole(speech).shape == original(path).shape
    assert {each.name for each in (path.parent / "parts").glob("*uint8")}


def test_a_whole_speed_where_the_exporter_made_it_one(tmp_path: Path) -> None:
    path = tmp_path / "kokoro-int.onnx"
    onnx.save(doubles.model(speed=onnx.TensorProto.INT32), path)
    model = opened(path)
    assert model.begin(TOKENS, STYLE, 0.7).seconds == model.begin(TOKENS, STYLE, 1.4).seconds > 0


def test_a_model_without_the_structure_is_spoken_as_a_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = doubles.write(tmp_path)
    graph = onnx.load(path)
    for node in graph.graph.node:
        if node.output[0] == "a0":
            node.op_type = "Softplus"
            del node.attribute[:]
        if node.output[0] == "a1":
            node.op_type = "Softplus"
            del node.attribute[:]
    onnx.save(graph, path)
    with pytest.raises(GraphError, match="LeakyRelu"):
        find(graph)
    model = opened(path)
    assert not model.in_windows
    assert np.array_equal(model.whole(model.begin(TOKENS, STYLE, 1.0)), original(path))
    assert "a whole sentence at a time" in caplog.text


def signed(path: Path) -> Path:
    """The file with most of its weights as signed 8-bit numbers, as kokoro-onnx's int8 files are."""
    graph = onnx.load(path)
    helper = onnx.helper
    weights = {each.name: onnx.numpy_helper.to_array(each) for each in graph.graph.initializer}
    for name in ("embedding", "style_w"):
        small = onnx.numpy_helper.from_array(np.clip(weights[name] * 40, -127, 127).astype(np.int8), f"{name}_8")
        graph.graph.initializer.append(small)
        kept = [each for each in graph.graph.initializer if each.name != name]
        del graph.graph.initializer[:]
        graph.graph.initializer.extend(kept)
        graph.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1 / 40), f"{name}_scale"))
        node = helper.make_node("DequantizeLinear", [f"{name}_8", f"{name}_scale"], [name])
        graph.graph.node.insert(0, node)
    onnx.save(graph, path)
    return path


def test_the_slow_int8_file_is_recognized_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = signed(doubles.write(tmp_path))
    assert signed_share(onnx.load(path)) > 0.5
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    for _ in range(2):  # also when the parts are there already
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            opened(path)
        assert "signed 8-bit weights: on this processor it takes 3.4 times as long" in caplog.text
    caplog.clear()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    opened(path)
    assert "signed" not in caplog.text


@pytest.mark.parametrize(("kind", "slow"), [(QuantType.QInt8, True), (QuantType.QUInt8, False)])
@pytest.mark.parametrize("small_text", [False, True])
def test_files_that_are_8_bit_throughout_are_cut_and_spoken_in_windows(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    kind: QuantType,
    slow: bool,
    small_text: bool,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    path = tmp_path / "kokoro-v1.0.int8.onnx"
    quantize_dynamic(doubles.write(tmp_path), path, weight_type=kind)
    assert {"ConvInteger", "DynamicQuantizeLinear"} <= {each.op_type for each in onnx.load(path).graph.node}
    with caplog.at_level(logging.WARNING):
        model = opened(path, small_text=small_text)
    assert ("signed 8-bit weights" in caplog.text) == slow
    assert model.in_windows
    speech = model.begin(TOKENS, STYLE, 1.0)
    assert np.allclose(model.whole(speech), original(path), atol=2e-2 if small_text else 1e-6)
    windows = np.concatenate(list(model.windows(speech)))
    assert len(windows) == len(model.whole(speech))
    assert snr(windows, model.whole(speech)) > 8


@pytest.mark.parametrize("inside", [False, True])
def test_files_in_fp16_are_cut_and_spoken_in_windows(tmp_path: Path, inside: bool) -> None:
    """inside: only what is computed is float16, as published; else style and audio as well."""
    path = tmp_path / "model_fp16.onnx"
    double = onnx.load(doubles.write(tmp_path, layout="v1.0"))
    onnx.save(convert_float_to_float16(double, keep_io_types=inside, op_block_list=["Range", "CumSum"]), path)
    model = opened(path)
    assert model.in_windows
    speech = model.begin(TOKENS, STYLE, 1.0)
    assert {each.dtype.name for name, each in speech.tensors.items() if each.ndim == 3} == {"float16"}
    whole = model.whole(speech)
    assert np.allclose(whole, original(path), atol=1e-3)
    windows = np.concatenate(list(model.windows(speech)))
    assert len(windows) == len(whole)
    assert snr(windows, whole) > 8


def test_fp16_with_8_bit_weights_is_cut_where_it_is_still_fp16(tmp_path: Path) -> None:
    """As onnx-community's q8f16: casts to float32 stand before what quantizes."""
    path, small = tmp_path / "model_q8f16.onnx", tmp_path / "small.onnx"
    double = doubles.write(tmp_path, layout="v1.0")
    quantize_dynamic(double, small, weight_type=QuantType.QUInt8, op_types_to_quantize=["Conv"])
    single = ["Range", "CumSum", "DynamicQuantizeLinear"]
    onnx.save(convert_float_to_float16(onnx.load(small), keep_io_types=True, op_block_list=single), path)
    graph = Graph(onnx.load(path))
    assert {graph.producer[node.input[0]].op_type for node in graph.all("DynamicQuantizeLinear")} == {"Cast"}
    model = opened(path)
    assert model.in_windows
    speech = model.begin(TOKENS, STYLE, 1.0)
    whole = model.whole(speech)
    assert snr(whole, original(path)) > 40  # a rounding in fp16 is now and then a step in 8 bits
    assert snr(np.concatenate(list(model.windows(speech))), whole) > 8


def test_an_fp32_file_is_not_called_slow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened(doubles.write(tmp_path))
    assert "signed" not in caplog.text


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x00" * 1000])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kokoro.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="is not an ONNX model that can be run"):
        opened(path)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "other", [value("x", real, [1])], [value("y", real, [1])]
    )
    path = tmp_path / "kokoro-other.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(ModelFileError, match="is not Kokoro: it takes x, not input_ids"):
        opened(path)
