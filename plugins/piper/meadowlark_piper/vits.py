"""The weights of VITS' text part, found in a voice's graph by the order and the shapes of its layers.

Exporters differ in how they write masks, shapes and norms, not in which layers follow each other. What is read here is
written anew by `vits_graph`, and compared with the original before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto

from meadowlark.kit.onnx_graph import Graph, GraphError

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution over time."""

    weight: Array
    """(out, in, kernel)"""

    bias: Array
    dilation: int = 1
    group: int = 1

    @property
    def matrix(self) -> Array:
        """(in, out) of one whose kernel is 1."""
        return self.weight[:, :, 0].T


@dataclass(frozen=True, slots=True)
class Norm:
    """Of the channels of each step."""

    gamma: Array
    beta: Array


@dataclass(frozen=True, slots=True)
class Attention:
    """A layer of the text encoder: attention that knows how far apart symbols stand, then two convolutions."""

    query: Conv
    key: Conv
    value: Conv
    out: Conv
    near_keys: Array
    """(distances, channels of a head); so `near_values`."""

    near_values: Array
    first: Norm
    wide: Conv
    narrow: Conv
    second: Norm


@dataclass(frozen=True, slots=True)
class Separable:
    """Layers of a convolution in each channel and one across them, each with a norm."""

    layers: tuple[tuple[Conv, Norm, Conv, Norm], ...]


@dataclass(frozen=True, slots=True)
class Spline:
    """A step of the durations' flow: a monotonous curve, whose shape depends on the other channel."""

    before: Conv
    inside: Separable
    after: Conv


@dataclass(frozen=True, slots=True)
class Coupling:
    """A step of the frames' flow: half of the channels is shifted by what the other half says."""

    before: Conv
    speaker: Conv | None
    layers: tuple[tuple[Conv, Conv], ...]
    """(into the gates, to the next layer and out)"""

    after: Conv


@dataclass(frozen=True, slots=True)
class Vits:
    """All of it, in the order in which it computes."""

    embedding: Array
    speakers: Array | None
    encoder: tuple[Attention, ...]
    statistics: Conv
    before: Conv
    speaker: Conv | None
    inside: Separable
    after: Conv
    splines: tuple[Spline, ...]
    shift: float
    scale: float
    """Of the logarithms of the durations: (x - shift) * scale."""

    couplings: tuple[Coupling, ...]


def read(graph: Graph) -> Vits:
    """The weights of a text part. Raises GraphError where the layers are others."""
    layers = _Layers(graph)
    embedding = layers.table("input")
    speakers = layers.table("sid") if any(each.name == "sid" for each in graph.model.graph.input) else None
    hidden = embedding.shape[1]
    encoder = []
    while [layers.shape(each) for each in range(4)] == [(hidden, hidden, 1)] * 4 and layers.shape(4)[2] > 1:
        encoder.append(_attention(layers))
    statistics, before = layers.conv(), layers.conv()
    speaker = layers.conv() if speakers is not None else None
    inside, after = _separable(layers), layers.conv()
    splines = []
    while layers.shape()[1:] == (1, 1):
        splines.append(Spline(layers.conv(), _separable(layers), layers.conv()))
    couplings = []
    while layers.left:
        couplings.append(_coupling(layers, speakers is not None))
    if not encoder or not splines or len(couplings) % 2 or not couplings:
        raise GraphError(
            f"it has {len(encoder)} layers of attention, {len(splines)} splines, {len(couplings)} couplings"
        )
    shift, scale = _last_step(graph)
    return Vits(
        embedding, speakers, tuple(encoder), statistics, before, speaker, inside, after, tuple(splines), shift, scale,
        tuple(couplings),
    )  # fmt: skip


def _attention(layers: _Layers) -> Attention:
    query, key, value, out = (layers.conv() for _ in range(4))
    near_keys, near_values = layers.near(), layers.near()
    return Attention(
        query, key, value, out, near_keys, near_values, layers.norm(), layers.conv(), layers.conv(), layers.norm()
    )


def _separable(layers: _Layers) -> Separable:
    found = []
    while layers.shape()[1] == 1 and layers.shape()[2] > 1:
        found.append((layers.conv(), layers.norm(), layers.conv(), layers.norm()))
    if not found:
        raise GraphError("its duration predictor is another one")
    return Separable(tuple(found))


def _coupling(layers: _Layers, speakers: bool) -> Coupling:
    before = layers.conv()
    speaker = layers.conv() if speakers else None
    inside = []
    while layers.left and layers.shape()[2] > 1:
        inside.append((layers.conv(), layers.conv()))
    return Coupling(before, speaker, tuple(inside), layers.conv())


def _last_step(graph: Graph) -> tuple[float, float]:
    """The affine step at the end of the durations' flow, of whose two channels the first is used."""
    for node in graph.all("Sub"):
        shift = graph.constant(node.input[1])
        if shift is None or shift.size != 2:
            continue
        for after in graph.consumers(node.output[0]):
            factors = [graph.constant(name) for name in after.input if name != node.output[0]]
            if after.op_type == "Mul" and factors[0] is not None and factors[0].size == 2:
                return float(shift.reshape(-1)[0]), float(factors[0].reshape(-1)[0])
    raise GraphError("its duration predictor has no affine step")


class _Layers:
    """The layers in the order in which they compute, to be taken one by one. All raise GraphError."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._convs = [_conv(graph, node) for node in graph.all("Conv")]
        self._norms = list(_norms(graph))
        self._nears = list(_nears(graph))

    @property
    def left(self) -> int:
        """Convolutions that have not been taken."""
        return len(self._convs)

    def shape(self, ahead: int = 0) -> tuple[int, int, int]:
        """Of the weight of a convolution that comes; zeros behind the last."""
        return self._convs[ahead].weight.shape if ahead < len(self._convs) else (0, 0, 0)

    def conv(self) -> Conv:
        if not self._convs:
            raise GraphError("it has too few convolutions")
        return self._convs.pop(0)

    def norm(self) -> Norm:
        if not self._norms:
            raise GraphError("it has too few norms")
        return self._norms.pop(0)

    def near(self) -> Array:
        if not self._nears:
            raise GraphError("it has too few relative positions")
        return self._nears.pop(0)

    def table(self, index: str) -> Array:
        """That of an embedding, looked up by an input."""
        for node in self._graph.all("Gather"):
            if self._graph.origin(node.input[1], frozenset({"Identity", "Cast"})) == index:
                table = self._graph.constant(node.input[0])
                if table is not None and table.ndim == 2:
                    return table
        raise GraphError(f"it looks nothing up by {index}")


def _conv(graph: Graph, node: NodeProto) -> Conv:
    said = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    weight = graph.constant(node.input[1])
    if weight is None or weight.ndim != 3 or weight.dtype != np.float32:
        raise GraphError("a convolution's weight is computed, or of another kind")
    bias = graph.constant(node.input[2]) if len(node.input) > 2 else np.zeros(len(weight), np.float32)
    if bias is None or said.get("strides", [1]) != [1]:
        raise GraphError("a convolution has strides, or its bias is computed")
    return Conv(weight, bias, said.get("dilations", [1])[0], said.get("group", 1))


def _norms(graph: Graph) -> Iterator[Norm]:
    """As one operator, or a multiplication and an addition behind the division by the deviation."""
    for node in graph.all("LayerNormalization", "Mul"):
        if node.op_type == "LayerNormalization":
            gamma, beta = (graph.constant(name) for name in node.input[1:3])
            if gamma is not None and beta is not None:
                yield Norm(gamma.reshape(-1), beta.reshape(-1))
            continue
        gamma = _factor(graph, node)
        after = graph.consumers(node.output[0])
        if gamma is None or len(after) != 1 or after[0].op_type != "Add":
            continue
        beta = _factor(graph, after[0])
        if beta is not None and beta.size == gamma.size > 2:
            yield Norm(gamma.reshape(-1), beta.reshape(-1))


def _factor(graph: Graph, node: NodeProto) -> Array | None:
    """The weight among the two inputs."""
    found = [graph.constant(name) for name in node.input]
    weights = [each for each in found if each is not None]
    return weights[0] if len(weights) == 1 else None


def _nears(graph: Graph) -> Iterator[Array]:
    """What attention adds to keys and values by distance, (distances, channels), for all heads together."""
    for node in graph.nodes:
        if node.op_type in {"Conv", "Shape", "Identity", "Constant"}:
            continue
        for name in node.input:
            shape = graph.shape_of(name)
            if shape is not None and len(shape) == 3 and shape[0] == 1 and shape[1] % 2 and min(shape[1:]) > 1:
                found = graph.constant(name)
                if found is not None and found.dtype == np.float32:
                    yield found[0]
