"""The generator in fewer passes over its long arrays; the same but for rounding.

Before each of its convolutions Kokoro normalizes, bends by the style and wiggles ("snake": x + sin²(a x) / a), in eight
passes. Here they are four: the style goes into the normalization's own scale and bias, `a` as well, and 1 / a into the
weights of the convolution. What has another structure stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from meadowlark.kit.onnx_graph import Graph

Numbers = NDArray[np.float32]

LEAST_A = 1e-6
"""Below it 1 / a is of no use in float32."""


def lighter(model: ModelProto, style: str = "style") -> ModelProto:
    """The model with such passes joined; changed in place. What is no longer read stays in it. style: its input."""
    graph = _Constants(model)
    known = _of_style(graph, style)
    changes = _Changes()
    for node in graph.all("InstanceNormalization"):
        if (bent := _bent(graph, node, known)) and (snake := _snake(graph, bent.last.output[0], len(bent.scale))):
            _join(bent, snake, changes)
    changes.apply(model)
    return model


@dataclass(frozen=True, slots=True)
class _Bent:
    """y = normal(x) * factor + shift, with a factor and a shift that follow from the style."""

    normal: NodeProto
    scale: Numbers
    bias: Numbers
    """What the normalization multiplies by and adds by itself. (C,)"""

    factor: str
    shift: str
    """Tensors of (1, C, 1)."""

    last: NodeProto
    """The addition, which gives y."""


@dataclass(frozen=True, slots=True)
class _Snake:
    """t = y + sin²(a y) / a, which convolutions alone take in."""

    a: Numbers
    """(C,)"""

    last: NodeProto
    """The addition, which gives t."""

    convolutions: tuple[tuple[NodeProto, Numbers], ...]
    """With their weights, (out, C, size)."""


@dataclass(slots=True)
class _Changes:
    """What is computed in another way, collected before anything is changed."""

    instead: dict[str, list[NodeProto]] = field(default_factory=dict)
    """The output of a node → what stands in its place."""

    weights: dict[str, NDArray[Any]] = field(default_factory=dict)

    def apply(self, model: ModelProto) -> None:
        nodes = [new for old in model.graph.node for new in self.instead.get(old.output[0], [old])]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in self.weights.items())


class _Constants(Graph):
    """A graph that knows its float32 constants."""

    def __init__(self, model: ModelProto) -> None:
        super().__init__(model)
        self._weights = {each.name: each for each in model.graph.initializer}

    def value(self, tensor: str | None) -> Numbers | None:
        """The numbers that a tensor always has; None for all others."""
        name = self.origin(tensor, frozenset({"Identity"})) if tensor else ""
        node = self.producer.get(name)
        if node is None:
            return _float32(self._weights.get(name))
        if node.op_type == "Reciprocal":
            given = self.value(node.input[0])
            with np.errstate(divide="ignore"):
                return None if given is None else 1 / given
        said = {each.name: each for each in node.attribute}
        return _float32(said["value"].t) if node.op_type == "Constant" and "value" in said else None

    def only(self, tensor: str, op_type: str) -> NodeProto | None:
        """The node that reads a tensor, where it is the only one and of this type."""
        readers = self.consumers(tensor)
        return readers[0] if len(readers) == 1 and readers[0].op_type == op_type else None


def _join(bent: _Bent, snake: _Snake, changes: _Changes) -> None:
    """z = a y = normal(x; a * scale * factor, a * bias * factor + a * shift); t = (z + sin²(z)) / a."""
    y, t, a = bent.last.output[0], snake.last.output[0], snake.a
    z = f"{y} a"
    given = {"flat": np.array([-1]), "scale": a * bent.scale, "bias": a * bent.bias, "a": a}
    changes.weights |= {f"{z} {name}": value for name, value in given.items()}
    epsilon = {each.name: each.f for each in bent.normal.attribute if each.name == "epsilon"}
    changes.instead[y] = [
        _node("Reshape", [bent.factor, f"{z} flat"], f"{z} factor"),
        _node("Reshape", [bent.shift, f"{z} flat"], f"{z} shift"),
        _node("Mul", [f"{z} factor", f"{z} scale"], f"{z} by"),
        _node("Mul", [f"{z} factor", f"{z} bias"], f"{z} biased"),
        _node("Mul", [f"{z} shift", f"{z} a"], f"{z} shifted"),
        _node("Add", [f"{z} biased", f"{z} shifted"], f"{z} to"),
        _node("InstanceNormalization", [bent.normal.input[0], f"{z} by", f"{z} to"], z, **epsilon),
    ]
    changes.instead[t] = [
        _node("Sin", [z], f"{z} sine"),
        _node("Mul", [f"{z} sine", f"{z} sine"], f"{z} square"),
        _node("Add", [z, f"{z} square"], t),
    ]
    for node, values in snake.convolutions:
        conv = NodeProto()
        conv.CopyFrom(node)
        conv.input[1] = f"{node.output[0]} weights"
        changes.weights[conv.input[1]] = values / a[None, :, None]
        changes.instead[node.output[0]] = [conv]


def _node(kind: str, inputs: list[str], output: str, **attributes: float) -> NodeProto:
    return onnx.helper.make_node(kind, inputs, [output], **attributes)


def _bent(graph: _Constants, node: NodeProto, known: set[str]) -> _Bent | None:
    scale, bias = (graph.value(each) for each in node.input[1:3])
    product = graph.only(node.output[0], "Mul")
    added = graph.only(product.output[0], "Add") if product else None
    if scale is None or bias is None or product is None or added is None:
        return None
    factor, shift = _other(product, node.output[0]), _other(added, product.output[0])
    if factor is None or shift is None or not {factor, shift} <= known:
        return None
    return _Bent(node, scale.reshape(-1), bias.reshape(-1), factor, shift, added)


def _snake(graph: _Constants, y: str, channels: int) -> _Snake | None:
    readers = sorted(graph.consumers(y), key=lambda each: each.op_type)
    if [each.op_type for each in readers] != ["Add", "Mul"]:
        return None
    added, product = readers
    a = graph.value(_other(product, y))
    sine = graph.only(product.output[0], "Sin")
    square = _square(graph, sine.output[0]) if sine else None
    if a is None or a.size not in {1, channels} or np.abs(a).min() < LEAST_A or square is None:
        return None
    divided = _divided(graph, square, a)
    if divided is None or _other(added, y) != divided:
        return None
    convolutions = _convolutions(graph, added.output[0], channels)
    return (
        _Snake(np.ascontiguousarray(np.broadcast_to(a.reshape(-1), channels)), added, convolutions)
        if convolutions
        else None
    )


def _square(graph: _Constants, tensor: str) -> str | None:
    """tensor²; None where something else is made of it."""
    readers = graph.consumers(tensor)
    if not readers or any(each is not readers[0] for each in readers):  # x * x reads it twice
        return None
    node = readers[0]
    power = graph.value(node.input[1]) if node.op_type == "Pow" else None
    squared = power is not None and power.size == 1 and power.item() == 2
    itself = node.op_type == "Mul" and list(node.input) == [tensor, tensor]
    return str(node.output[0]) if squared or itself else None


def _divided(graph: _Constants, tensor: str, a: Numbers) -> str | None:
    """tensor / a, by a division or by the reciprocal; None where something else is made of it."""
    readers = graph.consumers(tensor)
    if len(readers) != 1:
        return None
    (node,) = readers
    by = graph.value(_other(node, tensor))
    if by is None or by.size != a.size:
        return None
    divisor = by if node.op_type == "Div" and node.input[0] == tensor else 1 / by if node.op_type == "Mul" else None
    fits = divisor is not None and np.allclose(divisor.reshape(-1), a.reshape(-1), rtol=1e-6, atol=0)
    return str(node.output[0]) if fits and len(graph.consumers(node.output[0])) == 1 else None


def _convolutions(graph: _Constants, tensor: str, channels: int) -> tuple[tuple[NodeProto, Numbers], ...]:
    """The convolutions that read a tensor, with their weights; none where anything else reads it."""
    found = []
    for node in graph.consumers(tensor):
        weights = graph.value(node.input[1]) if node.op_type == "Conv" and node.input[0] == tensor else None
        if weights is None or weights.ndim != 3 or weights.shape[1] != channels:
            return ()
        found.append((node, weights))
    return () if tensor in {each.name for each in graph.model.graph.output} else tuple(found)


def _of_style(graph: _Constants, style: str) -> set[str]:
    """The tensors that follow from the style alone: they do not grow with the text."""
    known = {each.name for each in graph.model.graph.initializer} | {style}
    for node in graph.nodes:
        if all(name in known for name in node.input if name) and not node.op_type.startswith("Random"):
            known.update(node.output)
    return known


def _other(node: NodeProto, tensor: str) -> str | None:
    """The other one of a node's two inputs."""
    if len(node.input) != 2 or tensor not in node.input:
        return None
    return str(node.input[1] if node.input[0] == tensor else node.input[0])


def _float32(value: TensorProto | None) -> Numbers | None:
    return numpy_helper.to_array(value) if value is not None and value.data_type == TensorProto.FLOAT else None
