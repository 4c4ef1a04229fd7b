"""Graphs written node by node: what a rewritten part of a model is made with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper

OPSET, IR = 20, 9
"""LayerNormalization is an operator from 17 on, Gelu from 20; ONNX Runtime 1.17 knows both."""


class Writer:
    """Collects the nodes and weights of a graph. Calling it with an operator writes a node and gives its output."""

    def __init__(self, opset: int = OPSET) -> None:
        self._opset = opset
        self._nodes: list[NodeProto] = []
        self._weights: dict[tuple[bytes, str, tuple[int, ...]], TensorProto] = {}

    def __call__(self, op_type: str, *inputs: str | ArrayLike, out: str = "", **attributes: Any) -> str:
        """Inputs that are no names of tensors become weights. out: a name for the output, where it matters."""
        return self.several(op_type, 1, *inputs, out=out, **attributes)[0]

    def several(
        self, op_type: str, count: int, *inputs: str | ArrayLike, out: str = "", **attributes: Any
    ) -> list[str]:
        """A node with so many outputs."""
        names = [each if isinstance(each, str) else self.weight(each) for each in inputs]
        number = len(self._nodes)
        outputs = [f"{op_type.lower()}{number}_{each}" for each in range(count)]
        outputs[0] = out or outputs[0]
        self._nodes.append(onnx.helper.make_node(op_type, names, outputs, name=f"{op_type}_{number}", **attributes))
        return outputs

    def weight(self, value: ArrayLike) -> str:
        """Its name; equal ones are kept once. Python's numbers become int64 or float32."""
        array: NDArray[Any] = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        key = (array.tobytes(), str(array.dtype), array.shape)
        if key not in self._weights:
            self._weights[key] = numpy_helper.from_array(array, f"weight{len(self._weights)}")
        return str(self._weights[key].name)

    def model(self, name: str, inputs: Iterable[ValueInfoProto], outputs: Iterable[ValueInfoProto]) -> ModelProto:
        """All of it."""
        graph = onnx.helper.make_graph(self._nodes, name, list(inputs), list(outputs), list(self._weights.values()))
        return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", self._opset)], ir_version=IR)
