"""ONNX models cut in parts. Tensors are found by the graph around them, for exporters rename everything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper
from onnx.reference import ReferenceEvaluator

FLOAT = TensorProto.FLOAT
FLOAT16 = TensorProto.FLOAT16

_FOLDED = frozenset(
    {
        "Constant",
        "Identity",
        "Cast",
        "Reshape",
        "Transpose",
        "Unsqueeze",
        "Squeeze",
        "Slice",
        "Exp",
        "Neg",
        "Add",
        "Sub",
    }
    | {"Mul", "Div", "Sqrt", "Pow", "ReduceSum", "ReduceL2", "DequantizeLinear"}
)
"""What is done to weights before they are used."""


class GraphError(Exception):
    """The graph has not the structure that was looked for; the text says what is missing."""


def load(path: Path) -> ModelProto:
    """The model with its weights. Raises GraphError for what is no ONNX file."""
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's DecodeError and relatives, by which library is behind it
        raise GraphError(f"{path.name} is not an ONNX model ({type(error).__name__})") from error
    if not model.graph.node:
        raise GraphError(f"{path.name} is not an ONNX model: it has no nodes")
    return model


class Graph:
    """A model's nodes, to be walked from tensor to tensor."""

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.nodes: Sequence[NodeProto] = model.graph.node
        self.producer: dict[str, NodeProto] = {name: node for node in self.nodes for name in node.output if name}
        self._consumers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in reads(node):
                self._consumers[name].append(node)
        self._initializers = {each.name: each for each in model.graph.initializer}

    def consumers(self, tensor: str) -> Sequence[NodeProto]:
        """The nodes that read a tensor, in the order of the graph."""
        return self._consumers.get(tensor, ())

    def all(self, *op_types: str) -> Iterator[NodeProto]:
        """Every node of these types, in the order of the graph, which is one in which it can be computed."""
        return (node for node in self.nodes if node.op_type in op_types)

    def shape_of(self, tensor: str) -> tuple[int, ...] | None:
        """The shape of a weight, also of one behind Cast, DequantizeLinear or Identity; None for computed tensors."""
        if weight := self._initializers.get(tensor):
            return tuple(weight.dims)
        node = self.producer.get(tensor)
        if node is None:
            return None
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    return tuple(attribute.t.dims)
        if node.op_type in {"Cast", "DequantizeLinear", "Identity", "Transpose", "DynamicQuantizeLinear"}:
            return self.shape_of(node.input[0])
        return None

    def constant(self, tensor: str) -> NDArray[Any] | None:
        """The value of what is computed from weights alone, as exporters leave weight norms and `exp(-logs)`."""
        if weight := self._initializers.get(tensor):
            return numpy_helper.to_array(weight)
        node = self.producer.get(tensor)
        if node is None or node.op_type not in _FOLDED:
            return None
        if node.op_type == "Identity":
            return self.constant(node.input[0])
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            return numpy_helper.to_array(node.attribute[0].t)
        given = [self.constant(name) if name else None for name in node.input]
        if any(value is None for name, value in zip(node.input, given, strict=True) if name):
            return None
        opsets = {each.domain: each.version for each in self.model.opset_import}
        found: Any = ReferenceEvaluator(node, opsets=opsets).run(None, dict(zip(node.input, given, strict=True)))
        return np.asarray(found[list(node.output).index(tensor)])

    def origin(self, tensor: str, through: frozenset[str]) -> str:
        """The tensor that this one is, but for nodes of `through` in between."""
        while (node := self.producer.get(tensor)) is not None and node.op_type in through:
            tensor = node.input[0]
        return tensor

    def behind(self, tensor: str, op_types: frozenset[str], through: frozenset[str]) -> NodeProto | None:
        """The node of one of the types that a tensor comes from, passing nodes of `through` by their first input."""
        while node := self.producer.get(tensor):
            if node.op_type in op_types:
                return node
            if node.op_type not in through:
                return None
            tensor = node.input[0]
        return None


def reads(node: NodeProto) -> Iterator[str]:
    """The tensors that a node needs, those that its branches and loops take from around them included."""
    for name in node.input:
        if name:
            yield name
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            made = {name for each in graph.node for name in each.output} | {each.name for each in graph.initializer}
            made |= {each.name for each in graph.input}
            for each in graph.node:
                yield from (name for name in reads(each) if name not in made)
            yield from (each.name for each in graph.output if each.name not in made)


def part(
    model: ModelProto, inputs: Iterable[ValueInfoProto], outputs: Iterable[ValueInfoProto], name: str
) -> ModelProto:
    """The part of a model that computes `outputs` from `inputs`; weights and metadata that it needs go with it.

    Raises GraphError when the outputs need an input of the model that is not among `inputs`.
    """
    inputs, outputs = list(inputs), list(outputs)
    graph = Graph(model)
    given = {each.name for each in inputs}
    weights = {each.name: each for each in model.graph.initializer}
    missing = {each.name for each in model.graph.input} - given - weights.keys()
    needed: set[int] = set()
    used: set[str] = set()
    ahead = [each.name for each in outputs]
    while ahead:
        tensor = ahead.pop()
        if tensor in given or tensor in used:
            continue
        used.add(tensor)
        if tensor in missing:
            raise GraphError(f"the {name} needs the model's input {tensor!r}")
        if (node := graph.producer.get(tensor)) is not None and id(node) not in needed:
            needed.add(id(node))
            ahead.extend(reads(node))
    made = onnx.helper.make_graph(
        [node for node in model.graph.node if id(node) in needed],
        name,
        inputs,
        outputs,
        [weights[each] for each in weights if each in used],
    )
    opsets = list(model.opset_import)
    result = onnx.helper.make_model(made, opset_imports=opsets, ir_version=model.ir_version)
    result.functions.extend(model.functions)
    result.metadata_props.extend(model.metadata_props)
    return result


def tensor(name: str, shape: Sequence[int | str | None], like: int = FLOAT) -> ValueInfoProto:
    """An input or output; `like` is its element type."""
    return onnx.helper.make_tensor_value_info(name, like, list(shape))


def float_type(graph: Graph, tensor: str) -> int:
    """The element type of a computed tensor or a weight: float32 or float16; float32 where it cannot be told."""
    kind = _element_type(graph, tensor)
    return kind if kind in (FLOAT, FLOAT16) else FLOAT


def _element_type(graph: Graph, tensor: str) -> int:
    """By walking to where it is said; most nodes give what their first input is."""
    inputs = {each.name: each.type.tensor_type.elem_type for each in graph.model.graph.input}
    while tensor not in inputs:
        if weight := graph._initializers.get(tensor):
            return weight.data_type
        node = graph.producer.get(tensor)
        said = {each.name: each for each in node.attribute} if node else {}
        if node is None or node.op_type in {"If", "Loop", "Scan"}:
            return FLOAT
        if node.op_type == "Cast":
            return said["to"].i
        if node.op_type == "Constant" or not node.input:
            return said["value"].t.data_type if "value" in said else FLOAT
        tensor = node.input[1 if node.op_type in {"Where", "DequantizeLinear"} else 0]
    return inputs[tensor]


def weight_types(model: ModelProto) -> dict[int, int]:
    """Element type → bytes of weights of it."""
    sizes: dict[int, int] = defaultdict(int)
    for each in model.graph.initializer:
        sizes[each.data_type] += len(each.raw_data) or numpy_helper.to_array(each).nbytes
    return dict(sizes)
