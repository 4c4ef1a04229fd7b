"""Cuts a voice's model in three: text → latent frames → frames → audio.

A Piper voice is VITS: everything up to the latent frames needs the whole sentence, their flow and the HiFi-GAN behind
it only some frames to either side. These have no normalization over time: in windows they compute the same as at once.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto

from meadowlark.kit.onnx_build import Writer
from meadowlark.kit.onnx_graph import Graph, GraphError, float_type, load, part, tensor
from meadowlark.kit.onnx_same import Arrays, difference, results

from . import vits
from .frames import CONTEXT
from .vits_graph import flow_context, flow_part, text_part

_LOGGER = logging.getLogger(__name__)

RECIPE = "piper-2"
TEXT, FLOW, SOUND = "text", "flow", "sound"
PARTS = (TEXT, FLOW, SOUND)

SAME = 1e-4
"""Of the loudest number: rounding makes 1e-6. One symbol that lasts a frame longer makes about 1."""

_THROUGH = frozenset({"LeakyRelu", "Cast", "Identity", "Pad"})


def split(path: Path) -> dict[str, ModelProto]:
    """The parts. Raises GraphError for a model that is not built like a Piper voice."""
    text, sound, between = _halves(load(path))
    try:
        text, flow = rewritten(text, between)
    except GraphError as error:
        _LOGGER.info("The text part of %s is computed as it was exported, for %s", path.name, error)
        flow = _passed_on(between[0])
    return {TEXT: text, FLOW: flow, SOUND: sound}


def _halves(model: ModelProto) -> tuple[ModelProto, ModelProto, list[ValueInfoProto]]:
    """(text → frames, frames → audio, what goes between them)."""
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
    return part(model, model.graph.input, between, TEXT), part(model, between, [audio], SOUND), between


def rewritten(text: ModelProto, between: list[ValueInfoProto]) -> tuple[ModelProto, ModelProto]:
    """Text part and flow written anew, after they were seen to give the same. Raises GraphError where they do not."""
    try:
        net = vits.read(Graph(text))
        examples, context = _examples(net), flow_context(net)
        expected = results([text], examples)  # before there is a second copy of it
        made = text_part(net, list(text.graph.input), between[1] if len(between) > 1 else None)
        flow = flow_part(net, between[0].name)
        del net  # as large as the text part
        apart = difference(expected, results([made, flow], examples))
    except GraphError:
        raise
    except Exception as error:  # whatever numpy and ONNX Runtime have to say about a graph that makes no sense
        raise GraphError(f"it cannot be written anew ({error})") from error
    if apart > SAME:
        raise GraphError(f"written anew it differs by {apart:.1g}")
    flow.metadata_props.add(key=CONTEXT, value=str(context))
    return made, flow


def _examples(net: vits.Vits) -> list[Arrays]:
    """A sentence as usual; and noise that reaches the ends of the splines, spoken fast, for those symbols get long."""
    random, found = np.random.default_rng(0), []
    for count, scales in ((61, (0.667, 1.0, 0.8)), (7, (1.0, 0.05, 2.5))):
        given = {"input": random.integers(0, len(net.embedding), (1, count)), "input_lengths": np.array([count])}
        speaker = {} if net.speakers is None else {"sid": np.array([len(net.speakers) - 1])}
        found.append({**given, **speaker, "scales": np.array(scales, np.float32)})
    return found


def _passed_on(frames: ValueInfoProto) -> ModelProto:
    """In the place of a flow that is computed with the text."""
    write = Writer()
    out = ValueInfoProto()
    out.CopyFrom(frames)
    out.name = write("Identity", frames.name)
    return write.model(FLOW, [frames], [out])


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
