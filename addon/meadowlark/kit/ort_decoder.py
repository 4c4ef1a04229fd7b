"""A stack of decoder layers as one graph of ONNX Runtime: its 4-bit kernels are twice as quick as torch's on a CPU.

    ort_decoder_graph.build(shape, take, angles, packings, folder, name)    once: packs the weights, writes the graph
    Decoder(path, shape)                                                    each time: opens it
    Decoder.on(cache).read(x, at)                                           positions in, state and logits out

Pre-norm, RMSNorm, rotary positions over pairs of neighbours, grouped queries, SwiGLU, a last norm, a head. An engine
that differs in one of these adds the case to the method of the graph that writes it, and to `reference`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor
from torch.nn import functional

from ..api import is_out_of_memory
from .kvcache import KVCache, attend_plainly, causal_mask
from .ort import SMALL_HOST_BYTES, Compute, default_threads, memory_bytes

FORMAT = 1
"""Changes when the same weights give another graph: belongs into the key under which graphs are kept."""

KEPT_COUNTS = 2
"""Up to so many positions at a time the binding is kept: a step has one, a step with something before it two."""


class GraphError(RuntimeError):
    """A graph cannot be opened: names its file."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a stack looks like."""

    layers: int
    dim: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    """Width of the feed-forward part."""

    head_rows: int
    """Of the head, which gives the logits."""

    norm_eps: float
    qk_norm: bool = False
    """Queries and keys are normed head by head before they are turned."""

    qkv_bias: bool = False
    out_bias: bool = False

    @property
    def qkv_rows(self) -> int:
        return (self.heads + 2 * self.kv_heads) * self.head_dim

    @property
    def stored_dim(self) -> int:
        """Width of a head in the graph and in a cache: what the operator wants, filled with zeros."""
        return -(-self.head_dim // 16) * 16


class Decoder:
    """A graph, ready to run."""

    def __init__(
        self,
        path: Path,
        shape: Shape,
        compute: Compute | None = None,
        *,
        session: Callable[..., onnxruntime.InferenceSession] = onnxruntime.InferenceSession,
    ) -> None:
        """Raises GraphError for a file that is not there, or damaged; a lack of memory is raised as it is."""
        compute = compute or Compute()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = compute.threads or default_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # a plan for each length of prompt ever seen
        options.enable_cpu_mem_arena = memory_bytes() >= SMALL_HOST_BYTES if compute.arena is None else compute.arena
        # As it was written, there is nothing left to fuse; looking for it takes as long as the rest of a load.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.shape = shape
        try:
            self.session = session(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no base of their own
            if is_out_of_memory(error):
                raise
            raise GraphError(f"{path} cannot be opened: {str(error).splitlines()[0][:200]}") from error

    def cache(self, length: int, batch: int = 1) -> KVCache:
        """Room for sequences."""
        shape = self.shape
        return KVCache(shape.layers, shape.kv_heads, shape.stored_dim, length, batch=batch)

    def on(self, cache: KVCache) -> Reader:
        """The sequences that a cache belongs to."""
        return Reader(self, cache)


class Reader:
    """Sequences that are read. All that goes in and out stays in its place, so that a step binds nothing anew."""

    def __init__(self, decoder: Decoder, cache: KVCache) -> None:
        self._session, self._shape, self._cache = decoder.session, decoder.shape, cache
        batch, shape = cache.batch, decoder.shape
        self._last_position, self._length = torch.zeros(batch, dtype=torch.int32), torch.zeros((), dtype=torch.int32)
        self.state, self.normed = torch.zeros(batch, shape.dim), torch.zeros(batch, shape.dim)
        """Of the last position read, (B, C): before the last norm and after it. Overwritten by the next `read`."""
        self.logits = torch.zeros(batch, shape.head_rows)
        self._bound: dict[int, tuple[Tensor, onnxruntime.IOBinding]] = {}

    def read(self, x: Tensor, at: int | Tensor) -> None:
        """(B, T, C) at the positions from `at`: `state`, `normed` and `logits` are then of the last of them. A tensor
        (B,) places T = 1 for each sequence by itself."""
        count = x.shape[1]
        place, binding = self._bound.get(count) or self._bind(count)
        place.copy_(x)
        if isinstance(at, int):
            self._last_position.fill_(at + count - 1)
            self._length.fill_(at + count)
        else:
            self._last_position.copy_(at)
            self._length.copy_(at.max() + 1)
        self._session.run_with_iobinding(binding)

    def _bind(self, count: int) -> tuple[Tensor, onnxruntime.IOBinding]:
        binding, place = self._session.io_binding(), torch.empty(len(self.state), count, self._shape.dim)
        for name, tensor in (("x", place), ("last_position", self._last_position), ("length", self._length)):
            _bind(binding.bind_input, name, tensor)
        for name, tensor in (("state", self.state), ("normed", self.normed), ("logits", self.logits)):
            _bind(binding.bind_output, name, tensor[:, None])
        for layer, part in ((layer, part) for layer in range(self._shape.layers) for part in (0, 1)):
            stored, name = self._cache.data[layer, part], ("key", "value")[part]
            _bind(binding.bind_input, f"past.{layer}.{name}", stored)
            _bind(binding.bind_output, f"present.{layer}.{name}", stored)
        if count <= KEPT_COUNTS:
            self._bound[count] = place, binding
        return place, binding


def _bind(bind: Callable[..., None], name: str, tensor: Tensor) -> None:
    dtype = np.float32 if tensor.dtype == torch.float32 else np.int32
    bind(name, "cpu", 0, dtype, list(tensor.shape), tensor.data_ptr())


def reference(
    shape: Shape,
    take: Callable[[str], Tensor],
    angles: tuple[Tensor, Tensor],
    x: Tensor,
    cache: KVCache,
    at: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """What a graph of these weights computes, in torch: state, normed and logits of the last position."""

    def normed(y: Tensor, name: str) -> Tensor:
        return functional.rms_norm(y, y.shape[-1:], take(name).float(), shape.norm_eps)

    def linear(y: Tensor, name: str, biased: bool = False) -> Tensor:
        return functional.linear(y, take(name).float(), take(f"{name}_bias").float() if biased else None)

    def turned(y: Tensor) -> Tensor:
        cos, sin = (table[at : at + count, None] for table in angles)
        even, odd = y[..., 0::2], y[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)

    count, heads, kv_heads = x.shape[1], shape.heads, shape.kv_heads
    for layer in range(shape.layers):
        qkv = linear(normed(x, f"{layer}.attention_norm"), f"{layer}.qkv", shape.qkv_bias)
        queries, keys, values = qkv.unflatten(-1, (-1, shape.head_dim)).split([heads, kv_heads, kv_heads], dim=2)
        if shape.qk_norm:
            queries, keys = normed(queries, f"{layer}.q_norm"), normed(keys, f"{layer}.k_norm")
        cache.write(layer, at, turned(keys).transpose(1, 2), values.transpose(1, 2))
        stored = cache.read(layer, at + count)
        found = attend_plainly(turned(queries).transpose(1, 2), *stored, causal_mask(count, at + count))
        x = x + linear(found.transpose(1, 2).flatten(2), f"{layer}.out", shape.out_bias)
        gate, up = linear(normed(x, f"{layer}.ffn_norm"), f"{layer}.gate_up").chunk(2, dim=-1)
        x = x + linear(functional.silu(gate) * up, f"{layer}.down")
    state = x[:, -1]
    last = normed(state, "norm")
    return state, last, linear(last, "head")
