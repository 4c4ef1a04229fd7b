"""Sound in pieces, exactly as if it were computed at once: what a causal layer must remember, it keeps in a State.

A layer called without a State computes a whole; with one, the next piece of it. Measured on Fish's codec: pieces of 1,
2, 4 and 7 frames differ from the whole by less than 1e-6. Re-decoding with some frames of context, as other servers
do, is not exact and clicks or has to be cross-faded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from .kvcache import attend


@dataclass(slots=True)
class State:
    """What the layers of one stream remember, by layer."""

    tails: dict[int, Tensor] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(each.numel() * each.element_size() for each in self.tails.values())


class CausalConv1d:
    """A convolution that sees only what was before; (B, C, T) → (B, C', ceil(T / stride)); in a stream, pieces are
    multiples of the stride."""

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> None:
        """weight: (C', C / groups, K)."""
        self.weight, self.bias = weight, bias
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.context = (weight.shape[2] - 1) * dilation + 1 - stride

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        if state is not None:
            if x.shape[2] % self.stride:
                raise ValueError(f"a piece of {x.shape[2]} is cut within the stride of {self.stride}")
            if self.context:
                tail = state.tails.get(id(self))
                if tail is None:
                    tail = x.new_zeros(x.shape[0], x.shape[1], self.context)
                x = torch.cat([tail, x], dim=2)
                state.tails[id(self)] = x[:, :, -self.context :].clone()
        else:
            x = functional.pad(x, (self.context, -x.shape[2] % self.stride))
        return functional.conv1d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class CausalConvTranspose1d:
    """A transposed convolution whose end is cut off; (B, C, T) → (B, C', T · stride)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, stride: int) -> None:
        """weight: (C, C', K), K ≥ stride."""
        self.weight, self.bias, self.stride = weight, bias, stride
        self.overlap = weight.shape[2] - stride

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        length = x.shape[2] * self.stride
        if state is None or not self.overlap:
            return functional.conv_transpose1d(x, self.weight, self.bias, self.stride)[:, :, :length]
        y = functional.conv_transpose1d(x, self.weight, None, self.stride)
        if (tail := state.tails.get(id(self))) is not None:
            y[:, :, : self.overlap] += tail
        state.tails[id(self)] = y[:, :, length:].clone()
        y = y[:, :, :length]
        return y if self.bias is None else y + self.bias[:, None]  # once, not in the part that was carried as well


class WindowedAttention:
    """Attention over the last `window` positions, the own one among them; keeps window - 1 keys and values."""

    def __init__(self, window: int) -> None:
        self.window = window

    def position(self, state: State | None) -> int:
        """How many positions this layer has seen; positions are absolute, for rotary tables rounded to bfloat16 are
        not the same after a shift (7e-4)."""
        return 0 if state is None else state.positions.get(id(self), 0)

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor, state: State | None = None) -> Tensor:
        """(B, H, T, D) each, rotated already; (B, H, T, D)."""
        count = queries.shape[2]
        if state is not None:
            if (kept := state.tails.get(id(self))) is not None:
                keys, values = torch.cat([kept[0], keys], dim=2), torch.cat([kept[1], values], dim=2)
            state.positions[id(self)] = self.position(state) + count
            state.tails[id(self)] = torch.stack([keys, values])[:, :, :, max(0, keys.shape[2] - self.window + 1) :]
        return attend(queries, keys, values, window_mask(count, keys.shape[2], self.window, queries.device))


def window_mask(count: int, length: int, window: int, device: torch.device | str = "cpu") -> Tensor | None:
    """(T, L): each of the last `count` of `length` positions sees the last `window` up to itself; None: all of them."""
    if count == 1 and length <= window:
        return None
    ones = torch.ones(count, length, dtype=torch.bool, device=device)
    return ones.tril(length - count) & ones.triu(length - count - window + 1)


def pieces(first: int, most: int, growth: float = 2.0) -> Iterator[int]:
    """Sizes of the pieces of a stream whose end is not known: small at first, so that it is heard early."""
    if first < 1 or most < first or growth < 1:
        raise ValueError(f"pieces of {first} to {most}, growth {growth}")
    size = first
    while True:
        yield size
        size = min(most, max(size, round(size * growth)))


def first_piece(frame_seconds: float, step_seconds: float, decode_seconds: float, most: int = 32) -> int:
    """Frames before the first sound is made, so that the second is ready before the first ends.

    step_seconds: per frame generated; decode_seconds: per frame made sound. An engine that keeps up begins after one
    frame or two; one that does not must not begin earlier than it must.
    """
    rtf = (step_seconds + decode_seconds) / frame_seconds
    if rtf <= 0.5:
        return 1
    return min(most, 2 if rtf <= 0.8 else 4 if rtf <= 1 else 8)
