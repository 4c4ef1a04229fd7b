"""The text part written anew computes what the exported one computes, and is left alone where it would not."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto

from meadowlark.kit.onnx_graph import Graph, GraphError, load, part, tensor
from meadowlark.kit.onnx_same import Arrays, difference, results
from meadowlark.kit.ort import Compute, session
from meadowlark_piper import vits
from meadowlark_piper.config import read
from meadowlark_piper.frames import CONTEXT, Frames
from meadowlark_piper.model import PiperModel
from meadowlark_piper.split import FLOW, SOUND, TEXT, rewritten, split
from meadowlark_piper.vits_double import COUPLINGS, GATES, LAYERS, SPLINES, write_voice

SPEAKERS = ("a", "b", "c")
SCALES = (0.667, 1.0, 0.8)


def feeds(count: int, scales: tuple[float, float, float] = SCALES, speaker: int | None = None) -> Arrays:
    given = {"input": np.random.default_rng(count).integers(0, 256, (1, count)), "input_lengths": np.array([count])}
    voice = {} if speaker is None else {"sid": np.array([speaker])}
    return {**given, **voice, "scales": np.array(scales, np.float32)}


def with_durations(model: ModelProto) -> ModelProto:
    """With one more output."""
    (ceil,) = (node for node in model.graph.node if node.op_type == "Ceil")
    made = ModelProto()
    made.CopyFrom(model)
    for node in made.graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == ceil.output[0]:
                    names[index] = "durations"
    made.graph.output.append(onnx.helper.make_tensor_value_info("durations", onnx.TensorProto.FLOAT, None))
    return made


@pytest.mark.parametrize("fused", [False, True], ids=["norms in pieces", "norms as operators"])
@pytest.mark.parametrize("speakers", [(), SPEAKERS], ids=["one speaker", "three speakers"])
def test_the_rewritten_voice_says_the_same(tmp_path: Path, speakers: tuple[str, ...], fused: bool) -> None:
    path = write_voice(tmp_path, speakers=speakers, fused=fused)
    parts = split(path)
    assert CONTEXT in {each.key for each in parts[FLOW].metadata_props}, "it is written anew"
    whole, made = with_durations(load(path)), with_durations(parts[TEXT])
    speaker = 1 if speakers else None
    given = [
        *(feeds(count, speaker=speaker) for count in (1, 2, 3, 4, 6, 40, 90)),
        feeds(50, (0.0, 1.0, 0.0), speaker),
        feeds(50, (1.0, 0.4, 4.0), speaker),  # beyond the ends of the splines
    ]
    expected, heard = results([whole], given), results([made, parts[FLOW], parts[SOUND]], given)
    for one, two in zip(expected, heard, strict=True):
        assert np.array_equal(one["durations"].reshape(-1), two["durations"].reshape(-1))
        assert len(set(one["durations"].reshape(-1))) > 1 or one["durations"].size < 7
        assert one["output"].shape == two["output"].shape
        assert np.abs(one["output"] - two["output"]).max() <= 1e-5 * np.abs(one["output"]).max()
    if speakers:
        assert difference(expected[:1], results([whole], [feeds(1, speaker=2)])) > 0.01


def test_it_takes_fewer_operators(tmp_path: Path) -> None:
    path = write_voice(tmp_path)
    before = sum(node.op_type != "Constant" for node in load(path).graph.node)
    assert sum(len(model.graph.node) for model in split(path).values()) < 0.6 * before
    for model in split(path).values():
        onnx.checker.check_model(model, full_check=True)


class Counted:
    """A session that knows how many frames it was given each time."""

    def __init__(self, opened: onnxruntime.InferenceSession) -> None:
        self.get_inputs, self.get_modelmeta, self._run = opened.get_inputs, opened.get_modelmeta, opened.run
        self.lengths: list[int] = []

    def run(self, names: None, given: Arrays) -> list[np.ndarray]:
        self.lengths.append(given["latent"].shape[2])
        return self._run(names, given)


@pytest.mark.parametrize(
    ("growth", "lengths"),
    [
        (2.0, [1228]),  # with little time for windows it is made at once
        (3.0, [34 + 8, 8 + 102 - 34 + 8, 8 + 306 - 102 + 8, 8 + 1228 - 306]),
        (8.0, [34 + 8, 8 + 272 - 34 + 8, 8 + 1228 - 272]),
    ],
)
def test_the_flow_in_parts_is_the_flow(tmp_path: Path, growth: float, lengths: list[int]) -> None:
    parts = split(write_voice(tmp_path, speakers=SPEAKERS))
    (spoken,) = results([parts[TEXT]], [feeds(5, speaker=1)])
    known = {**spoken, "latent": np.random.default_rng(0).standard_normal((1, 4, 1228)).astype(np.float32)}
    flow = session(parts[FLOW].SerializeToString(), Compute(threads=1))
    counted = Counted(flow)
    frames = Frames(counted, known, growth)
    (whole,) = flow.run(None, {each.name: known[each.name] for each in flow.get_inputs()})
    assert frames.count == 1228
    ends = (34, 78, 90, 160, frames.count)
    heard = [np.array(frames.until(end)) for end in ends]
    for end, each in zip(ends, heard, strict=True):
        assert each.shape == (1, 4, end)
        assert np.abs(each - whole[:, :, :end]).max() <= 1e-6 * np.abs(whole).max()
    assert counted.lengths == lengths


def test_the_flow_in_windows_is_the_whole(tmp_path: Path) -> None:
    path = write_voice(tmp_path, speakers=SPEAKERS)
    given = feeds(160, (0.0, 1.0, 0.0), 2)
    exported = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    whole = exported.run(None, dict(given))[0].reshape(-1)
    model = PiperModel(path, read(Path(f"{path}.json")), Compute(threads=1), tmp_path / "parts")
    for _ in range(2):  # the second time it knows how fast the machine is
        audio = np.concatenate(list(model.speak(list(given["input"][0]), (0.0, 1.0, 0.0), 2)))
    context = int({each.key: each.value for each in split(path)[FLOW].metadata_props}[CONTEXT])
    assert context == 2 * GATES * 2
    assert len(whole) > 256 * (34 + 8 * context), "more than one window of the flow"
    assert audio.shape == whole.shape
    assert np.abs(audio - whole).max() <= 1e-6
    assert np.abs(whole).max() > 0.1


def text_of(model: ModelProto) -> ModelProto:
    return part(model, model.graph.input, [tensor("z", (1, None, "frames"))], "text")


def test_the_layers_are_found(tmp_path: Path) -> None:
    net = vits.read(Graph(text_of(load(write_voice(tmp_path, speakers=SPEAKERS)))))
    assert (len(net.encoder), len(net.splines)) == (LAYERS, SPLINES)
    assert [len(each.layers) for each in net.couplings] == [GATES] * COUPLINGS
    assert [each[0].dilation for each in net.inside.layers] == [1, 3]
    assert net.speakers is not None
    assert len(net.speakers) == 3


@pytest.mark.parametrize(("number", "said"), [(0, "duration predictor"), (-1, "too few")])
def test_missing_layers_are_told(tmp_path: Path, number: int, said: str) -> None:
    model = text_of(load(write_voice(tmp_path)))
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    convs[number].op_type = "ConvInteger"
    with pytest.raises(GraphError, match=said):
        vits.read(Graph(model))


def test_a_missing_affine_step_is_told(tmp_path: Path) -> None:
    model = text_of(load(write_voice(tmp_path)))
    graph = Graph(model)
    (node,) = (each for each in graph.all("Neg") if graph.consumers(each.output[0])[0].op_type == "Exp")
    node.op_type = "Sigmoid"
    with pytest.raises(GraphError, match="no affine step"):
        vits.read(graph)


@pytest.mark.parametrize(
    ("kind", "instead", "said"),
    [
        ("Sigmoid", "Relu", "written anew it differs by"),
        ("Softplus", "Exp", "written anew it differs by"),
        ("Ceil", "Floor", "written anew it differs by"),
        ("Erf", "Tanh", "written anew it differs by"),
    ],
)
def test_a_voice_that_computes_otherwise_stays_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, instead: str, said: str
) -> None:
    path = write_voice(tmp_path)
    model = load(path)
    for node in model.graph.node:
        if node.op_type == kind:
            node.op_type = instead
    onnx.save(model, path)
    with caplog.at_level(logging.INFO):
        parts = split(path)
    assert f"computed as it was exported, for {said}" in caplog.text
    given = [feeds(20)]
    assert difference(results([model], given), results(list(parts.values()), given)) == 0
    assert [node.op_type for node in parts[FLOW].graph.node] == ["Identity"]


def test_a_voice_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = write_voice(tmp_path)
    model = text_of(load(path))
    less = onnx.helper.make_node("Sub", ["scales", "two"], ["less"])  # three numbers less two: no shape fits
    square = onnx.helper.make_node("Mul", ["less", "less"], ["square"])
    for node in reversed([less, square]):
        model.graph.node.insert(0, node)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(2, np.float32), "two"))
    with pytest.raises(GraphError, match="cannot be written anew"):
        rewritten(model, [tensor("z", (1, None, "frames"))])
