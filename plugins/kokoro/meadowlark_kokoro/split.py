"""Where Kokoro's model is cut in two: text → features and sound source, these → audio.

93 % of the work is in the second part, an iSTFTNet: it can run in windows. What it takes is found by its structure: the
features go through a LeakyRelu into the first upsampling that is no per-channel one; the source's spectrum goes into
convolutions of its own, one for each upsampling; the style goes in as it is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from meadowlark.kit.onnx_graph import Graph, GraphError, float_type, part, reads, tensor, weight_types

from . import taken

TEXT, SOUND = "text", "sound"
PARTS = (TEXT, SOUND)

_QUANTIZING = frozenset({"DynamicQuantizeLinear", "Cast", "Identity"})
"""What stands before a convolution in 8 bits."""


@dataclass(frozen=True, slots=True)
class Seams:
    """The tensors along which a model is cut."""

    features: ValueInfoProto
    source: ValueInfoProto
    style: ValueInfoProto
    """An input of the model."""

    audio: ValueInfoProto
    durations: ValueInfoProto | None
    """The frames of each token, where they can be told."""


def find(model: ModelProto) -> Seams:
    """Raises GraphError for a model that is not built like Kokoro."""
    graph = Graph(model)
    entry, upsampling = _first_upsampling(graph)
    features = entry.input[0]
    source = _source(graph)
    channels = (graph.shape_of(upsampling.input[1]) or (None,))[0]
    given = taken.taken(taken.of_graph(taken.inputs(model)))
    if given is None:
        raise GraphError("its inputs are not tokens, a style of 256 numbers and a speed")
    heard = [each for each in model.graph.output if entry.output[0] in _behind(graph, each.name)]
    if not heard:
        raise GraphError("nothing that it gives comes from its upsampling")
    audio = taken.audio(taken.of_graph(heard))
    told = [each for each in model.graph.output if each not in heard and _may_tell(each)]
    return Seams(
        tensor(features, (1, channels, "half_frames"), float_type(graph, features)),
        tensor(source, (1, None, "steps"), float_type(graph, source)),
        _copied(next(each for each in model.graph.input if each.name == given.style.name)),
        _copied(next(each for each in heard if each.name == audio)),
        _copied(told[0]) if told else _durations(graph),
    )


def text_part(model: ModelProto, seams: Seams) -> ModelProto:
    """Raises GraphError where it needs more than the inputs."""
    told = [seams.durations] if seams.durations else []
    return part(model, taken.inputs(model), [seams.features, seams.source, *told], TEXT)


def sound_part(model: ModelProto, seams: Seams) -> ModelProto:
    """Raises GraphError where it needs more than features, source and style."""
    return part(model, [seams.features, seams.source, seams.style], [seams.audio], SOUND)


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


def _behind(graph: Graph, tensor: str) -> set[str]:
    """All tensors that one is computed from."""
    found, ahead = set[str](), [tensor]
    while ahead:
        if (name := ahead.pop()) not in found:
            found.add(name)
            if node := graph.producer.get(name):
                ahead.extend(reads(node))
    return found


def _copied(value: ValueInfoProto) -> ValueInfoProto:
    """Itself it would keep all of the model in memory."""
    made = ValueInfoProto()
    made.CopyFrom(value)
    return made


def _may_tell(output: ValueInfoProto) -> bool:
    """Whether an output may be the frames of each token."""
    return "dur" in output.name.lower() or taken.of_graph([output])[0].is_whole


def _durations(graph: Graph) -> ValueInfoProto | None:
    """The frames of each token, for files that do not give them out: the one thing that is rounded, and at least 1."""
    rounded = list(graph.all("Round"))
    readers = graph.consumers(rounded[0].output[0]) if len(rounded) == 1 else ()
    if len(readers) != 1 or readers[0].op_type not in {"Clip", "Max"}:
        return None
    kind = float_type(graph, rounded[0].output[0])
    return helper.make_tensor_value_info(readers[0].output[0], kind, None)  # with the batch or without


def _source(graph: Graph) -> str:
    """The tensor that convolutions of different strides take in: the source's spectrum, brought to each upsampling.

    The source's wave also goes into several, those of the STFT, which have one stride.
    """
    strides: dict[str, set[int]] = defaultdict(set)
    for node in graph.all("Conv", "ConvInteger", "FusedConv"):
        given = graph.origin(node.input[0], _QUANTIZING)
        strides[given].add(next((each.ints[0] for each in node.attribute if each.name == "strides"), 1))
        if len(strides[given]) > 1:
            return str(given)
    raise GraphError("no sound source goes into convolutions of different strides")
