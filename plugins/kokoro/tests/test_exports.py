"""Files as exporters and optimizers may write them: each speaks what ONNX Runtime makes of the file itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from meadowlark.kit.ort import Compute
from meadowlark_kokoro import doubles
from meadowlark_kokoro.model import KokoroModel

TOKENS = [43 + number % 27 for number in range(60)]
STYLE = doubles.pack("af_heart")[59]

Write = Callable[[Path], None]


def feeds(session: onnxruntime.InferenceSession) -> dict[str, np.ndarray]:
    """By the place of the inputs, which no variant here exchanges."""
    kinds = {"tensor(int32)": "i4", "tensor(int64)": "i8", "tensor(float16)": "f2", "tensor(double)": "f8"}
    values = (np.array([[0, *TOKENS, 0]]), STYLE, np.ones(1))
    inputs = session.get_inputs()
    return {each.name: value.astype(kinds.get(each.type, "f4")) for each, value in zip(inputs, values, strict=True)}


def original(path: Path, output: int = 0) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, feeds(session))[output].reshape(-1).astype(np.float32)


def speaks(path: Path, *, cut: bool, atol: float = 2e-6, output: int = 0) -> list[str]:
    """All that is said aloud in the log."""
    records: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("meadowlark_kokoro.model")
    logger.addHandler(handler)
    try:
        for _ in range(2):  # when it is cut, and from the parts that are kept
            records.clear()
            model = KokoroModel(path, Compute(threads=1), path.parent / "parts")
            speech = model.begin(TOKENS, STYLE, 1.0)
            assert model.in_windows == cut, records
            expected = original(path, output)
            assert np.abs(expected).max() > 0.05
            np.testing.assert_allclose(model.whole(speech), expected, atol=atol)
            if cut:
                windows = np.concatenate(list(model.windows(speech)))
                assert windows.shape == expected.shape
                assert speech.durations is None or len(speech.durations) == len(TOKENS) + 2
    finally:
        logger.removeHandler(handler)
    return list(records)


def double(**more: object) -> ModelProto:
    return doubles.model(**more)  # type: ignore[arg-type]


def node(model: ModelProto, output: str) -> onnx.NodeProto:
    return next(each for each in model.graph.node if each.output[0] == output)


def weight(model: ModelProto, name: str, value: np.ndarray) -> None:
    model.graph.initializer.append(numpy_helper.from_array(value, name))


def newer(opset: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        model.opset_import[0].version = opset
        model.ir_version = 10 if opset > 19 else 8

    return change


def as_constants(model: ModelProto) -> None:
    """As torch leaves them without constant folding."""
    for each in reversed(model.graph.initializer):
        model.graph.node.insert(0, helper.make_node("Constant", [], [each.name], value=each))
    del model.graph.initializer[:]


def weights_as_inputs(model: ModelProto) -> None:
    """As before version 4 of the format."""
    for each in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(each.name, each.data_type, each.dims))


def other_biases(model: ModelProto) -> None:
    del node(model, "res").input[2:]
    weight(model, "noise0_b", np.full(doubles.CHANNELS, 0.1, np.float32))
    weight(model, "up0_b", np.full(doubles.CHANNELS, -0.1, np.float32))
    node(model, "n0").input.append("noise0_b")
    node(model, "u0").input.append("up0_b")


def other_names(model: ModelProto) -> None:
    names: dict[str, str] = {}
    for each in model.graph.node:
        each.name = f"node_{len(names)}"
        for values in (each.input, each.output):
            for index, name in enumerate(values):
                values[index] = names.setdefault(name, f"{len(names)}")
    for values in (model.graph.input, model.graph.output, model.graph.initializer):
        for each in values:
            each.name = names.setdefault(each.name, f"{len(names)}")


def tokens_of_32_bits(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT32
    model.graph.node.insert(0, helper.make_node("Cast", ["input_ids"], ["tokens"], to=TensorProto.INT64))
    node(model, "ids").input[0] = "tokens"


def a_row_of_audio(model: ModelProto) -> None:
    weight(model, "as_row", np.array([1, -1]))
    node(model, "waveform").input[1] = "as_row"
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [1, "samples"]))


def more_outputs(model: ModelProto) -> None:
    """One of each part, one that says how long the audio is."""
    model.graph.node.append(helper.make_node("Size", ["waveform"], ["length"]))
    for name, kind in (("features", TensorProto.FLOAT), ("spectrum", TensorProto.FLOAT), ("length", TensorProto.INT64)):
        model.graph.output.append(helper.make_tensor_value_info(name, kind, None))


def noise(model: ModelProto) -> None:
    """In a branch as well; so small that the audio can be compared."""
    weight(model, "little", np.array(1e-8, np.float32))
    made = helper.make_graph(
        [helper.make_node("RandomNormalLike", ["wave"], ["drawn"])],
        "then",
        [],
        [helper.make_tensor_value_info("drawn", TensorProto.FLOAT, None)],
    )
    at = list(model.graph.node).index(node(model, "wave3"))
    weight(model, "yes", np.array(True))
    branch = helper.make_node("If", ["yes"], ["hiss"], then_branch=made, else_branch=made)
    nodes = [
        branch,
        helper.make_node("Mul", ["hiss", "little"], ["faint"]),
        helper.make_node("Add", ["wave", "faint"], ["hissing"]),
    ]
    node(model, "wave3").input[0] = "hissing"
    for each in reversed(nodes):
        model.graph.node.insert(at, each)


@pytest.mark.parametrize(
    "change",
    [
        *(pytest.param(newer(opset), id=f"opset {opset}") for opset in (13, 18, 20, 21, 22)),
        as_constants,
        weights_as_inputs,
        other_biases,
        other_names,
        tokens_of_32_bits,
        a_row_of_audio,
        more_outputs,
        noise,
    ],
)
@pytest.mark.parametrize("duration", [True, False], ids=["with durations", "without durations"])
def test_variants_that_are_cut(tmp_path: Path, change: Callable[[ModelProto], None], duration: bool) -> None:
    model = double(duration=duration)
    change(model)
    onnx.save(model, path := tmp_path / "kokoro-variant.onnx")
    assert speaks(path, cut=True) == []


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "kokoro-v1.0.onnx"
    onnx.save(double(), path, save_as_external_data=True, location="kokoro.weights", size_threshold=1000)
    assert speaks(path, cut=True) == []


@pytest.mark.parametrize("level", ["BASIC", "EXTENDED", "ALL"])
@pytest.mark.parametrize("layout", ["v1.0", "v1.1"])
def test_files_that_onnx_runtime_has_optimized(tmp_path: Path, level: str, layout: str) -> None:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    options.optimized_model_filepath = str(path := tmp_path / "kokoro-optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        str(doubles.write(tmp_path / "before", layout=layout)), options, providers=["CPUExecutionProvider"]
    )
    assert speaks(path, cut=True) == []


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("kinds", [None, ["MatMul", "Gemm"], ["Conv"]], ids=["all", "no convolutions", "convolutions"])
def test_files_of_8_bits(tmp_path: Path, signed: bool, kinds: list[str] | None) -> None:
    quantize_dynamic(
        doubles.write(tmp_path / "before"),
        path := tmp_path / "kokoro-8.onnx",
        weight_type=QuantType.QInt8 if signed else QuantType.QUInt8,
        op_types_to_quantize=kinds,
    )
    assert all("signed 8-bit weights" in each for each in speaks(path, cut=True))


@pytest.mark.parametrize("inside", [True, False], ids=["float32 outside", "float16 outside"])
@pytest.mark.parametrize("change", [None, as_constants, other_names, other_biases])
def test_files_of_fp16(tmp_path: Path, change: Callable[[ModelProto], None] | None, inside: bool) -> None:
    model = double()
    if change:
        change(model)
    small = convert_float_to_float16(model, keep_io_types=inside, op_block_list=["Range", "CumSum"])
    onnx.save(small, path := tmp_path / "model_fp16.onnx")
    assert speaks(path, cut=True, atol=2e-3) == []


def as_a_function(model: ModelProto) -> None:
    """As newer exporters write what a module does."""
    name = "torch.leaky"
    made = helper.make_function(
        name, "Leaky", ["x"], ["y"], [helper.make_node("LeakyRelu", ["x"], ["y"], alpha=0.1)], model.opset_import
    )
    model.functions.append(made)
    model.opset_import.append(helper.make_opsetid(name, 1))
    for each in model.graph.node:
        if each.op_type == "LeakyRelu":
            each.op_type, each.domain = "Leaky", name
            del each.attribute[:]


def another_nonlinearity(model: ModelProto) -> None:
    weight(model, "slope", np.array([0.1], np.float32))
    for name in ("a0", "a1"):
        old = node(model, name)
        old.CopyFrom(helper.make_node("PRelu", [old.input[0], "slope"], [name]))


def one_source_for_each(model: ModelProto) -> None:
    """The source's spectrum is computed once for each upsampling."""
    model.graph.node.insert(
        list(model.graph.node).index(node(model, "har")) + 1,
        helper.make_node("Concat", ["real", "imaginary"], ["har again"], axis=1),
    )
    node(model, "n1").input[0] = "har again"


def the_text_goes_around_the_cut(model: ModelProto) -> None:
    """The generator is told the speed."""
    node(model, "factor").input[1] = "speed_f"


def other_frames(model: ModelProto) -> None:
    """A sample less than whole half-frames for each of them."""
    weight(model, "every", np.array([4]))
    weight(model, "start", np.array([0]))
    weight(model, "end", np.array([10**9]))
    node(model, "waveform").output[0] = "dense"
    made = helper.make_node("Slice", ["dense", "start", "end", "start", "every"], ["waveform"])
    model.graph.node.append(made)


@pytest.mark.parametrize(
    "change",
    [as_a_function, another_nonlinearity, one_source_for_each, the_text_goes_around_the_cut, other_frames],
)
def test_what_is_built_otherwise_speaks_as_a_whole_and_says_so(
    tmp_path: Path, change: Callable[[ModelProto], None]
) -> None:
    model = double()
    change(model)
    onnx.save(model, path := tmp_path / "kokoro-variant.onnx")
    (line,) = speaks(path, cut=False)
    assert line.startswith("kokoro-variant.onnx is spoken a whole sentence at a time, for ")


def test_the_audio_is_found_behind_other_outputs(tmp_path: Path) -> None:
    for change, cut in ((None, True), (another_nonlinearity, False)):
        model = double()
        if change:
            change(model)
        model.graph.output.insert(0, helper.make_tensor_value_info("features", TensorProto.FLOAT, None))
        model.graph.output.insert(0, model.graph.output[2])
        del model.graph.output[3]
        assert [each.name for each in model.graph.output] == ["duration", "features", "waveform"]
        onnx.save(model, path := tmp_path / f"kokoro-{cut}.onnx")
        assert len(speaks(path, cut=cut, output=2)) == (not cut)
