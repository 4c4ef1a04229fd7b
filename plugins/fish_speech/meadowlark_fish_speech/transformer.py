"""The transformer that the slow stack, the fast stack and the codec are made of.

Layers are built from weights as they are read, quantized on the way: at no time is there a second copy of the model.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from meadowlark.kit.kvcache import KVCache, attend
from meadowlark.kit.precision import Linear
from meadowlark.kit.weights import Weights

from .config import StackConfig

Make = Callable[[Tensor, Tensor | None], Linear]
"""Makes a linear layer of a weight (out, in) and a bias: in which precision is the caller's choice."""


class RMSNorm:
    """Scales to unit size in float32, whatever the dtype."""

    def __init__(self, weight: Tensor, eps: float) -> None:
        self.weight, self.eps = weight, eps

    def __call__(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, x.shape[-1:], self.weight, self.eps)


class Rotary:
    """Turns pairs of neighbours by an angle that grows with the position.

    The table is rounded to bfloat16, as it was in training: with exact angles real checkpoints speak garbled.
    """

    def __init__(self, positions: int, head_dim: int, base: float, device: torch.device | str = "cpu") -> None:
        frequencies = 1.0 / base ** (torch.arange(0, head_dim, 2).float() / head_dim)
        angles = torch.outer(torch.arange(positions).float(), frequencies)
        rounded = torch.stack([angles.cos(), angles.sin()], dim=-1).to(torch.bfloat16).float()
        self.table = torch.view_as_complex(rounded).to(device)  # (S, D / 2)

    def __call__(self, x: Tensor, angles: Tensor) -> Tensor:
        """x: (B, T, H, D); angles: rows of the table, (T, D / 2) or (B, T, D / 2)."""
        pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
        return torch.view_as_real(pairs * angles.unsqueeze(-2)).flatten(-2).type_as(x)


class FeedForward:
    """SwiGLU; the two projections that read the same input are one product."""

    def __init__(self, weights: Weights, prefix: str, dim: int, hidden: int, make: Make) -> None:
        gate, up = (weights.take(f"{prefix}.{name}.weight", (hidden, dim)) for name in ("w1", "w3"))
        self.both = make(torch.cat([gate, up]), None)
        self.down = make(weights.take(f"{prefix}.w2.weight", (dim, hidden)), None)

    def __call__(self, x: Tensor) -> Tensor:
        gate, up = self.both(x).chunk(2, dim=-1)
        return self.down(functional.silu(gate) * up)


class Attention:
    """Grouped queries, a norm on each head where the model has it, rotary positions."""

    def __init__(self, weights: Weights, prefix: str, config: StackConfig, make: Make, dtype: torch.dtype) -> None:
        heads, kv_heads, width = config.heads, config.kv_heads, config.head_dim
        self.heads, self.kv_heads, self.width, self.eps = heads, kv_heads, width, config.norm_eps
        rows = (heads + 2 * kv_heads) * width
        self.qkv = make(
            weights.take(f"{prefix}.wqkv.weight", (rows, config.dim)),
            weights.take(f"{prefix}.wqkv.bias", (rows,)) if config.qkv_bias else None,
        )
        self.out = make(
            weights.take(f"{prefix}.wo.weight", (config.dim, heads * width)),
            weights.take(f"{prefix}.wo.bias", (config.dim,)) if config.o_bias else None,
        )
        self.norm: Tensor | None = None  # (Hq + H, D): queries and keys are normed, and turned, in one go
        if config.qk_norm:
            query, key = (weights.take(f"{prefix}.{name}_norm.weight", (width,)) for name in "qk")
            self.norm = torch.cat([query.expand(heads, width), key.expand(kv_heads, width)]).to(self.qkv.device, dtype)

    def project(self, x: Tensor, rotary: Rotary, angles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, Hq, T, D), keys and values (B, H, T, D) of (B, T, C)."""
        batch, count, _ = x.shape
        both = self.heads + self.kv_heads
        heads = self.qkv(x).view(batch, count, both + self.kv_heads, self.width)
        turned, values = heads[:, :, :both], heads[:, :, both:]
        if self.norm is not None:
            turned = functional.rms_norm(turned, (self.width,), None, self.eps) * self.norm
        turned = rotary(turned, angles).transpose(1, 2)
        return turned[:, : self.heads], turned[:, self.heads :], values.transpose(1, 2)

    def join(self, x: Tensor) -> Tensor:
        """(B, Hq, T, D) → (B, T, C)."""
        return self.out(x.transpose(1, 2).flatten(2))


class Block:
    """One layer of a stack."""

    def __init__(self, weights: Weights, prefix: str, config: StackConfig, make: Make, dtype: torch.dtype) -> None:
        self.attention = Attention(weights, f"{prefix}.attention", config, make, dtype)
        self.feed_forward = FeedForward(weights, f"{prefix}.feed_forward", config.dim, config.hidden, make)
        device = self.attention.qkv.device
        self.attention_norm, self.ffn_norm = (
            RMSNorm(weights.take(f"{prefix}.{name}.weight", (config.dim,)).to(device, dtype), config.norm_eps)
            for name in ("attention_norm", "ffn_norm")
        )


class Stack:
    """Layers with a cache; the last norm is the owner's."""

    def __init__(
        self,
        weights: Weights,
        prefix: str,
        config: StackConfig,
        positions: int,
        make: Make,
        dtype: torch.dtype,
        device: torch.device | str,
    ) -> None:
        self.config = config
        self.layers = [Block(weights, f"{prefix}.{index}", config, make, dtype) for index in range(config.layers)]
        self.rotary = Rotary(positions, config.head_dim, config.rope_base, device)

    def cache(self, length: int, batch: int, dtype: torch.dtype, device: torch.device | str) -> KVCache:
        """Room for so many positions."""
        config = self.config
        return KVCache(config.layers, config.kv_heads, config.head_dim, length, batch=batch, dtype=dtype, device=device)

    def __call__(self, x: Tensor, cache: KVCache, at: int | Tensor, length: int, mask: Tensor | None = None) -> Tensor:
        """(B, T, C) at the positions from `at`, seeing the first `length` positions under a mask."""
        table = self.rotary.table
        angles = table[at : at + x.shape[1]] if isinstance(at, int) else table[at].unsqueeze(1)  # (T or B, 1, D / 2)
        for index, layer in enumerate(self.layers):
            queries, keys, values = layer.attention.project(layer.attention_norm(x), self.rotary, angles)
            cache.write(index, at, keys, values)
            keys, values = cache.read(index, length)
            x = x + layer.attention.join(attend(queries, keys, values, mask))
            x = x + layer.feed_forward(layer.ffn_norm(x))
        return x
