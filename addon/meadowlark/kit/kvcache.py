"""Keys and values of a transformer that speaks: as long as the request, read without copies, prefixes kept.

Fish S1-mini holds 112 KiB a token in bfloat16: a cache for the longest context it knows (8192) takes 0.94 GB, and
attending over all of it took 90 % of the time of a frame on a CPU.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

STEP = 128
"""Slots are counted in steps of so many: few shapes for a captured graph, little waste."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a cache held after the first `length` positions of one sequence: a voice's prompt, computed once."""

    data: Tensor  # (layers, 2, H, length, D)

    @property
    def length(self) -> int:
        return self.data.shape[3]

    @property
    def bytes(self) -> int:
        return self.data.numel() * self.data.element_size()


class KVCache:
    """Room for `batch` sequences of at most `length` positions each."""

    def __init__(
        self,
        layers: int,
        heads: int,
        head_dim: int,
        length: int,
        *,
        batch: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        """heads: of keys and values, fewer than those of queries where they share (GQA)."""
        # Zeros, not empty: positions beyond a mask are multiplied with 0, and 0 · NaN is NaN.
        self.data = zeros((layers, 2, batch, heads, length, head_dim), dtype, device)

    @property
    def length(self) -> int:
        return self.data.shape[4]

    @property
    def batch(self) -> int:
        return self.data.shape[2]

    @property
    def bytes(self) -> int:
        return self.data.numel() * self.data.element_size()

    def slot(self, index: int) -> KVCache:
        """One sequence of the batch, sharing its memory: to prefill it while the others stay as they are."""
        view = object.__new__(KVCache)
        view.data = self.data[:, :, index : index + 1]
        return view

    def first(self, count: int) -> KVCache:
        """The first so many sequences, sharing its memory: to step with them and not with the rest."""
        view = object.__new__(KVCache)
        view.data = self.data[:, :, :count]
        return view

    def write(self, layer: int, at: int | Tensor, keys: Tensor, values: Tensor) -> None:
        """Store (B, H, T, D) at the positions from `at`; a tensor (B,) places T = 1 for each sequence by itself.

        The tensor is not looked at by Python, so a captured graph can write where another step will say.
        """
        stored = self.data[layer]  # (2, B, H, S, D)
        if isinstance(at, int):
            stored[0, :, :, at : at + keys.shape[2]] = keys
            stored[1, :, :, at : at + keys.shape[2]] = values
            return
        places = at[:, None, None, None].expand(keys.shape)
        stored[0].scatter_(2, places, keys)
        stored[1].scatter_(2, places, values)

    def read(self, layer: int, length: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the first `length` positions, (B, H, length, D) each, not copied."""
        stored = self.data[layer, :, :, :, :length]
        return stored[0], stored[1]

    def snapshot(self, length: int, slot: int = 0) -> Prefix:
        """A copy of the first positions of one sequence."""
        return Prefix(self.data[:, :, slot, :, :length].clone())

    def restore(self, prefix: Prefix, slot: int = 0) -> None:
        """Begin a sequence with a prefix. Raises ValueError when it is longer than the cache."""
        if prefix.length > self.length:
            raise ValueError(f"a prefix of {prefix.length} positions in a cache of {self.length}")
        self.data[:, :, slot, :, : prefix.length] = prefix.data


def zeros(shape: Sequence[int], dtype: torch.dtype, device: torch.device | str = "cpu") -> Tensor:
    """On a CPU memory is taken page by page as it is written: room for two sentences of 1024 positions of Fish S1 is
    470 MB, of which most sentences write a quarter."""
    size = math.prod(shape) * dtype.itemsize
    if torch.device(device).type != "cpu" or not size:
        return torch.zeros(*shape, dtype=dtype, device=device)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=torch.uint8).view(dtype).view(*shape)


def length_for(prompt: int, new: int, most: int, step: int = STEP) -> int:
    """Slots for a prompt and what follows, rounded up. Raises ValueError when the prompt alone does not fit."""
    if prompt >= most:
        raise ValueError(f"a prompt of {prompt} tokens; the model's context has {most}")
    return min(most, -(-(prompt + new) // step) * step)


def buckets(most: int, least: int = 512) -> tuple[int, ...]:
    """Lengths that a step is captured for: doubled from `least` on, the last is `most`."""
    lengths = []
    while least < most:
        lengths.append(least)
        least *= 2
    return (*lengths, most)


def live_mask(at: Tensor, length: int, dtype: torch.dtype | None = None) -> Tensor:
    """(B, 1, 1, L) of one query each at the positions `at` (B,): True up to them. With it a step reads `length`
    positions whatever their number, which is the shape of a captured graph.

    dtype: of the queries, for a mask to be added: kernels of a GPU take it as it is, and make it of the other in each
    layer anew.
    """
    mask = (torch.arange(length, device=at.device) <= at[:, None])[:, None, None]
    if dtype is None:
        return mask
    return torch.zeros(mask.shape, dtype=dtype, device=at.device).masked_fill(~mask, float("-inf"))


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention of (B, Hq, T, D) over (B, H, L, D) with Hq a multiple of H; (B, Hq, T, D).

    The queries that share a head of keys lie in one row of a single product: nothing is repeated.
    mask: (T, L) or (B, 1, T, L), True where a query sees a key, or numbers to be added; None: all see all.
    """
    batch, query_heads, count, width = queries.shape
    heads = keys.shape[1]
    group = query_heads // heads
    grouped = queries.reshape(batch, heads, group * count, width)
    if mask is not None and group > 1 and mask.shape[-2] > 1:
        mask = mask.repeat(*([1] * (mask.dim() - 2)), group, 1)
    if queries.device.type == "cpu":
        # As fast as the fused kernel for one token, and closer: that one approximates exp (2.2e-5 in Fish's logits).
        scores = (grouped * width**-0.5) @ keys.transpose(-1, -2)
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
        found = torch.softmax(scores, dim=-1) @ values
    else:
        found = scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
    return found.reshape(batch, query_heads, count, width)


def attend_plainly(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    """What `attend` computes, as it is written in papers: keys and values repeated for each query head."""
    group = queries.shape[1] // keys.shape[1]
    keys, values = keys.repeat_interleave(group, dim=1), values.repeat_interleave(group, dim=1)
    scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.softmax(scores, dim=-1) @ values


def causal_mask(count: int, length: int, device: torch.device | str = "cpu") -> Tensor | None:
    """(T, L): the last `count` of `length` positions see themselves and what was before; None: nothing is hidden."""
    if count == 1:
        return None
    return torch.ones(count, length, dtype=torch.bool, device=device).tril(length - count)
