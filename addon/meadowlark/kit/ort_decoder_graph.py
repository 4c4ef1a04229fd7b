"""The graph of a stack of decoder layers, written once: weights packed, in a file that is mapped.

Needs the `onnx` package; what opens the graph (`ort_decoder`) does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor
from torch.nn import functional

from .ort_decoder import Shape
from .ort_packing import BLOCK, WHOLE, Packing, packed

CONTRIB = "com.microsoft"

INLINE_BYTES = 4096
"""Smaller tensors lie in the graph itself, larger ones in a file that is mapped."""

PAGE = 65536
"""Weights begin on its multiples: only then are they mapped, on any system."""

Array = NDArray[Any]

Take = Callable[[str], Tensor]
"""A weight by its name here."""


@dataclass(frozen=True, slots=True)
class Packings:
    """How the weights of each part are kept."""

    layers: Packing = WHOLE
    head: Packing = WHOLE


def build(shape: Shape, take: Take, angles: tuple[Tensor, Tensor], packings: Packings, folder: Path, name: str) -> Path:
    """Write NAME.onnx and NAME.weights into a folder; the graph's path.

    take: "I.attention_norm" (C,), "I.qkv" ((Hq + 2H) · D, C), "I.q_norm" and "I.k_norm" (D,), "I.out" (C, Hq · D),
    "I.ffn_norm" (C,), "I.gate_up" (2 · hidden, C), "I.down" (C, hidden), "norm" (C,), "head" (rows, C); "I.qkv_bias"
    and "I.out_bias" where the shape has them. angles: cosines and sines, (positions, D / 2), rounded as in training.
    """
    with (folder / f"{name}.weights").open("wb") as file:
        graph = _Graph(shape, take, packings, file, f"{name}.weights")
        model = graph.whole(angles)
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    return path


class _Graph:
    """The graph as it grows; weights go to the file at once, so that none is held twice."""

    def __init__(self, shape: Shape, take: Take, packings: Packings, file: BinaryIO, location: str) -> None:
        self._shape, self._take, self._packings = shape, take, packings
        self._file, self._location = file, location
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[TensorProto] = []

    def whole(self, angles: tuple[Tensor, Tensor]) -> onnx.ModelProto:
        shape = self._shape
        for name, table, filler in zip(("cos", "sin"), angles, (1.0, 0.0), strict=True):
            more = (shape.stored_dim - shape.head_dim) // 2
            self._weight(name, functional.pad(table.float(), (0, more), value=filler).numpy())
        x, fed = "x", ""
        normed = self._norm(x, "0.attention_norm", self._take("0.attention_norm"), shape.norm_eps)
        for layer in range(shape.layers):
            if layer:
                normed, x = self._add_and_norm(x, fed, f"{layer}.attention_norm")
            attended = self._attention(normed, layer)
            normed, x = self._add_and_norm(x, attended, f"{layer}.ffn_norm")
            fed = self._feed_forward(normed, layer)
        # Only the last position goes on: a prompt needs one row of the head.
        self._weight("last", np.array([-1], np.int64))
        self._weight("end", np.array([np.iinfo(np.int64).max], np.int64))
        self._weight("axis", np.array([1], np.int64))
        x, fed = (self._node("Slice", [each, "last", "end", "axis"], f"last.{each}") for each in (x, fed))
        normed, _ = self._add_and_norm(x, fed, "norm", "normed", "state")
        weight = self._shaped("head", shape.head_rows, shape.dim)
        self._linear(normed, "head", weight, self._packings.head, "logits")
        return self._model()

    def _attention(self, x: str, layer: int) -> str:
        shape, name = self._shape, f"{layer}.attention"
        heads = shape.heads + 2 * shape.kv_heads
        weight = self._filled(self._shaped(f"{layer}.qkv", shape.qkv_rows, shape.dim), heads)
        qkv = self._linear(x, f"{layer}.qkv", weight, self._packings.layers)
        if shape.qkv_bias:
            qkv = self._biased(qkv, f"{layer}.qkv_bias", self._filled(self._take(f"{layer}.qkv_bias"), heads))
        read = self._normed_heads(qkv, layer) if shape.qk_norm else [qkv, "", ""]
        past = [f"past.{layer}.key", f"past.{layer}.value"]
        inputs = [*read, *past, "last_position", "length", "cos", "sin"]
        self._nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                inputs,
                [name, f"present.{layer}.key", f"present.{layer}.value"],
                domain=CONTRIB,
                num_heads=shape.heads,
                kv_num_heads=shape.kv_heads,
                do_rotary=1,
                rotary_interleaved=1,
                scale=shape.head_dim**-0.5,
            )
        )
        weight = self._shaped(f"{layer}.out", shape.dim, shape.heads * shape.head_dim)
        weight = self._filled(weight.t(), shape.heads).t().contiguous()
        out = self._linear(name, f"{layer}.out", weight, self._packings.layers)
        return self._biased(out, f"{layer}.out_bias", self._take(f"{layer}.out_bias")) if shape.out_bias else out

    def _filled(self, rows: Tensor, heads: int) -> Tensor:
        """Each head's rows and, below them, zeros up to the width that the operator wants."""
        more = self._shape.stored_dim - self._shape.head_dim
        return functional.pad(rows.unflatten(0, (heads, -1)).transpose(1, -1), (0, more)).transpose(1, -1).flatten(0, 1)

    def _biased(self, x: str, name: str, value: Tensor) -> str:
        self._weight(name, value.float().numpy())
        return self._node("Add", [x, name], f"{name}.y")

    def _normed_heads(self, qkv: str, layer: int) -> list[str]:
        """Queries, keys and values; the operator itself norms heads only on GPUs."""
        shape = self._shape
        widths = [heads * shape.stored_dim for heads in (shape.heads, shape.kv_heads, shape.kv_heads)]
        self._weight(f"{layer}.widths", np.array(widths, np.int64))
        parts = [f"{layer}.{part}" for part in ("queries", "keys", "values")]
        self._nodes.append(helper.make_node("Split", [qkv, f"{layer}.widths"], parts, axis=-1))
        share = shape.head_dim / shape.stored_dim  # the mean is over the zeros too
        for place, (name, width) in enumerate(zip(("q_norm", "k_norm"), widths, strict=False)):
            weight = self._filled(self._take(f"{layer}.{name}").float() * share**0.5, 1)
            heads = self._reshaped(parts[place], [0, 0, -1, shape.stored_dim])
            normed = self._norm(heads, f"{layer}.{name}", weight, shape.norm_eps * share)
            parts[place] = self._reshaped(normed, [0, 0, width])
        return parts

    def _reshaped(self, x: str, to: list[int]) -> str:
        name = f"{x}.shape"
        self._weight(name, np.array(to, np.int64))
        return self._node("Reshape", [x, name], f"{x}.reshaped")

    def _feed_forward(self, x: str, layer: int) -> str:
        shape = self._shape
        weight = self._shaped(f"{layer}.gate_up", 2 * shape.hidden, shape.dim)
        both = self._linear(x, f"{layer}.gate_up", weight, self._packings.layers)
        gate, up = f"{layer}.gate", f"{layer}.up"
        self._nodes.append(helper.make_node("Split", [both], [gate, up], axis=-1, num_outputs=2))
        silu = self._node("QuickGelu", [gate], f"{layer}.silu", domain=CONTRIB, alpha=1.0)
        product = self._node("Mul", [silu, up], f"{layer}.product")
        weight = self._shaped(f"{layer}.down", shape.dim, shape.hidden)
        return self._linear(product, f"{layer}.down", weight, self._packings.layers)

    def _norm(self, x: str, name: str, weight: Tensor, eps: float) -> str:
        self._weight(name, weight.float().numpy())
        kind = "SimplifiedLayerNormalization"
        return self._node(kind, [x, name], f"{name}.y", epsilon=eps, axis=-1, stash_type=1)

    def _add_and_norm(self, x: str, y: str, name: str, normed: str = "", sum_: str = "") -> tuple[str, str]:
        """(the norm of x + y, x + y)."""
        self._weight(name, self._take(name).float().numpy())
        normed, sum_ = normed or f"{name}.y", sum_ or f"{name}.sum"
        self._nodes.append(
            helper.make_node(
                "SkipSimplifiedLayerNormalization",
                [x, y, name],
                [normed, "", "", sum_],
                domain=CONTRIB,
                epsilon=self._shape.norm_eps,
            )
        )
        return normed, sum_

    def _shaped(self, name: str, *shape: int) -> Tensor:
        weight = self._take(name)
        if tuple(weight.shape) != shape:
            raise ValueError(f"{name} has the shape {tuple(weight.shape)}, not {shape}")
        return weight

    def _linear(self, x: str, name: str, weight: Tensor, packing: Packing, out: str = "") -> str:
        (rows, columns), out = weight.shape, out or f"{name}.y"
        if not packing.fits(columns):
            self._weight(name, weight.float().t().contiguous().numpy())
            return self._node("MatMul", [x, name], out)
        names = []
        for part, value in zip(("codes", "scales", "zeros"), packed(weight, packing), strict=False):
            names.append(f"{name}.{part}")
            self._weight(names[-1], value)
        attributes = {"K": columns, "N": rows, "bits": packing.bits, "block_size": BLOCK}
        level = 1 if packing.whole_inputs else 4
        return self._node("MatMulNBits", [x, *names], out, domain=CONTRIB, accuracy_level=level, **attributes)

    def _node(self, kind: str, inputs: list[str], out: str, domain: str = "", **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [out], domain=domain, **attributes))
        return out

    def _weight(self, name: str, value: Array) -> None:
        made = TensorProto(name=name, dims=value.shape, data_type=helper.np_dtype_to_tensor_dtype(value.dtype))
        if value.nbytes <= INLINE_BYTES:
            made.raw_data = value.tobytes()
        else:
            self._file.seek(-(-self._file.tell() // PAGE) * PAGE)
            made.data_location = TensorProto.EXTERNAL
            places = {"location": self._location, "offset": self._file.tell(), "length": value.nbytes}
            for key, entry in places.items():
                made.external_data.add(key=key, value=str(entry))
            self._file.write(np.ascontiguousarray(value).data)
        self._weights.append(made)

    def _model(self) -> onnx.ModelProto:
        shape, floats = self._shape, TensorProto.FLOAT
        cache: list[str | int | None] = ["batch", shape.kv_heads, "slots", shape.stored_dim]
        each = [f"{layer}.{part}" for layer in range(shape.layers) for part in ("key", "value")]
        inputs = [
            helper.make_tensor_value_info("x", floats, ["batch", "count", shape.dim]),
            helper.make_tensor_value_info("last_position", TensorProto.INT32, ["batch"]),
            helper.make_tensor_value_info("length", TensorProto.INT32, []),
            *(helper.make_tensor_value_info(f"past.{name}", floats, cache) for name in each),
        ]
        outputs = [
            helper.make_tensor_value_info("state", floats, ["batch", 1, shape.dim]),
            helper.make_tensor_value_info("normed", floats, ["batch", 1, shape.dim]),
            helper.make_tensor_value_info("logits", floats, ["batch", 1, shape.head_rows]),
            *(helper.make_tensor_value_info(f"present.{name}", floats, cache) for name in each),
        ]
        graph = helper.make_graph(self._nodes, "decoder", inputs, outputs, self._weights)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="meadowlark")
