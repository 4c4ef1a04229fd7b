"""Cuts a voice's model in two: text → frames, frames → audio.

A Piper voice is VITS: everything up to the frames needs the whole sentence, the HiFi-GAN behind them only a few frames
to either side. That part has no normalization over time, so it computes the same in windows as at once.
"""

from __future__ import annotations

from pathlib import Path

from onnx import ModelProto, NodeProto

from meadowlark.kit.onnx_graph import Graph, GraphError, float_type, load, part, tensor

RECIPE = "piper-1"
TEXT, SOUND = "text", "sound"
PARTS = (TEXT, SOUND)

_THROUGH = frozenset({"LeakyRelu", "Cast", "Identity", "Pad"})


def split(path: Path) -> dict[str, ModelProto]:
    """The two parts. Raises GraphError for a model that is not built like a Piper voice."""
    model = load(path)
    graph = Graph(model)
    first = next(graph.all("ConvTranspose"), None)
    if first is None:
        raise GraphError("it has no upsampling (ConvTranspose)")
    entry, condition = _entry(graph, first.input[0])
    frames, channels = entry.input[0], _channels(graph, entry.input[1])
    kind = float_type(graph, entry.input[1])
    between = [tensor(frames, (1, channels, "frames"), kind)]
    if condition is not None:
        between.append(tensor(condition.input[0], (1, _channels(graph, condition.input[1]), 1), kind))
    output = model.graph.output[0]
    audio = tensor(output.name, (1, 1, None, None), output.type.tensor_type.elem_type)
    text = part(model, model.graph.input, between, TEXT)
    sound = part(model, between, [audio], SOUND)
    return {TEXT: text, SOUND: sound}


def _entry(graph: Graph, start: str) -> tuple[NodeProto, NodeProto | None]:
    """The convolution that takes the frames in, and the one that adds the speaker, if there are speakers."""
    node = graph.behind(start, frozenset({"Conv", "Add"}), _THROUGH)
    if node is None:
        raise GraphError("nothing stands before its upsampling")
    if node.op_type == "Conv":
        return node, None
    behind = (graph.behind(each, frozenset({"Conv"}), frozenset({"Cast", "Identity"})) for each in node.input)
    both = sorted((each for each in behind if each), key=lambda each: _kernel(graph, each.input[1]))
    if len(both) != 2 or _kernel(graph, both[0].input[1]) != 1:
        raise GraphError("what stands before its upsampling is not frames and a speaker, added")
    return both[1], both[0]


def _kernel(graph: Graph, weight: str) -> int:
    shape = graph.shape_of(weight)
    return shape[-1] if shape else 0


def _channels(graph: Graph, weight: str) -> int | None:
    shape = graph.shape_of(weight)
    return shape[1] if shape and len(shape) == 3 else None
