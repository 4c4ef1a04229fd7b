"""Cuts Kokoro's model in two: text → features and sound source, these → audio.

93 % of the work is in the second part, an iSTFTNet: it can run in windows. What it takes is found by its structure: the
features go through a LeakyRelu into the first upsampling that is no per-channel one; the source's spectrum goes into
convolutions of its own, one for each upsampling; the style goes in as it is.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from meadowlark.kit.onnx_graph import Graph, GraphError, float_type, load, part, tensor, weight_types

from .rewrites import lighter

RECIPE = "kokoro-4"
TEXT, SOUND = "text", "sound"
PARTS = (TEXT, SOUND)
SIGNED = "meadowlark.signed_weights"
"""Metadata of the text part: the share of the model's weights that are signed 8-bit numbers."""

_QUANTIZING = frozenset({"DynamicQuantizeLinear", "Cast", "Identity"})
"""What stands before a convolution in 8 bits."""


def split(path: Path) -> dict[str, ModelProto]:
    """The two parts, as they are computed fastest. Raises GraphError for a model that is not built like Kokoro."""
    model = load(path)
    signed = signed_share(model)
    graph = Graph(lighter(model))
    upsampling = _first_upsampling(graph)
    features = upsampling[0].input[0]
    weight = upsampling[1].input[1]
    source = _source(graph)
    channels = (graph.shape_of(weight) or (None,))[0]
    style = next((each for each in model.graph.input if _width(each.type.tensor_type) == 256), None)
    if style is None:
        raise GraphError("it has no input for a style of 256 numbers")
    between = [
        tensor(features, (1, channels, "half_frames"), float_type(graph, features)),
        tensor(source, (1, None, "steps"), float_type(graph, source)),
    ]
    told = list(model.graph.output[1:]) or _durations(graph)
    text = part(model, model.graph.input, [*between, *told], TEXT)
    text.metadata_props.add(key=SIGNED, value=f"{signed:.3f}")
    sound = part(model, [*between, style], [model.graph.output[0]], SOUND)
    return {TEXT: text, SOUND: sound}


def signed_share(model: ModelProto) -> float:
    """How much of the model's weights are signed 8-bit numbers, 0-1 by count of numbers."""
    sizes: dict[int, int] = {TensorProto.FLOAT: 4, TensorProto.FLOAT16: 2}
    counts = {kind: size / sizes.get(kind, 1) for kind, size in weight_types(model).items()}
    return float(counts.get(TensorProto.INT8, 0) / max(1.0, sum(counts.values())))


def _first_upsampling(graph: Graph) -> tuple[NodeProto, NodeProto]:
    """(LeakyRelu, ConvTranspose)."""
    for node in graph.all("ConvTranspose"):
        groups = next((each.i for each in node.attribute if each.name == "group"), 1)
        before = graph.behind(node.input[0], frozenset({"LeakyRelu"}), frozenset({"Cast", "Identity"}))
        if groups == 1 and before is not None:
            return before, node
    raise GraphError("no upsampling (ConvTranspose) stands behind a LeakyRelu")


def _durations(graph: Graph) -> list[ValueInfoProto]:
    """The frames of each token, for files that do not give them out: the one thing that is rounded, and at least 1."""
    rounded = list(graph.all("Round"))
    readers = graph.consumers(rounded[0].output[0]) if len(rounded) == 1 else ()
    if len(readers) != 1 or readers[0].op_type not in {"Clip", "Max"}:
        return []
    kind = float_type(graph, rounded[0].output[0])
    return [helper.make_tensor_value_info(readers[0].output[0], kind, None)]  # with the batch or without


def _source(graph: Graph) -> str:
    """The tensor that convolutions of different strides take in: the source's spectrum, brought to each upsampling.

    The source's wave also goes into several, those of the STFT, which have one stride.
    """
    strides: dict[str, set[int]] = defaultdict(set)
    for node in graph.all("Conv", "ConvInteger"):
        taken = graph.origin(node.input[0], _QUANTIZING)
        strides[taken].add(next((each.ints[0] for each in node.attribute if each.name == "strides"), 1))
        if len(strides[taken]) > 1:
            return str(taken)
    raise GraphError("no sound source goes into convolutions of different strides")


def _width(kind: object) -> int:
    dims = kind.shape.dim  # type: ignore[attr-defined]
    return int(dims[-1].dim_value) if dims else 0
