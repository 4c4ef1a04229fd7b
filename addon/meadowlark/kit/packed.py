"""Causal layers for processors: rows of channels (B, T, C) from end to end, weights in oneDNN's own order.

What `kit.stream` computes, streams included, near the speed of the arithmetic: one Zen 5 core multiplies 110 GMAC/s in
float32 and 220 in bfloat16 this way, where convolutions over (B, C, T) reach 45 and 65 on pieces of a frame or two, for
they reorder weights and sound in every call. MKL's products, which torch takes for float32, reach 45 on AMD.

Strides are reshapes: a convolution with stride s and kernel 2s is one of kernel 2 over rows of s · C numbers, a
transposed one is one of kernel 2 that gives s · C' numbers a row.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable

import torch
from torch import Tensor

from .stream import State

WIDE = 512
"""Channels from which on a convolution is one product over windows: what is copied is little beside the weights."""

SLOW = 10
"""How many times slower than that product a packed convolution may be before it is not used."""

TYPICAL = 4
"""Times the shortest usual piece: what a weight is packed for."""


def can_pack(dtype: torch.dtype = torch.float32) -> bool:
    """Whether torch can pack here, and it is known to be worth it; nothing below works where it cannot."""
    if dtype not in {torch.float32, torch.bfloat16}:
        return False
    named = ("_reorder_linear_weight", "_linear_pointwise", "_reorder_convolution_weight", "_convolution_pointwise")
    return (
        platform.machine().lower() in {"x86_64", "amd64"}
        and torch.backends.mkldnn.is_available()
        and all(hasattr(torch.ops.mkldnn, name) for name in named)
        and (dtype is torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))
    )


class PackedLinear:
    """A linear layer of float32 or bfloat16."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """weight: (out, in)."""
        self.device = weight.device
        self.bytes = weight.numel() * weight.element_size()
        self.columns = weight.shape[1]
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), None)  # None: for any number of rows
        self.bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        """(..., in) → (..., out)."""
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return y


class PackedConv1d:
    """A convolution that sees only what was before; (B, T, C) → (B, T, C')."""

    def __init__(self, weight: Tensor, bias: Tensor, *, dilation: int = 1, length: int = 64) -> None:
        """weight: (C', C, K). length: rows of the shortest piece that is usual."""
        self.kernel, self.dilation = weight.shape[2], dilation
        self.context = (self.kernel - 1) * dilation
        self._multiply: Callable[[Tensor, Tensor | None], Tensor]
        self._multiply = windows = _Windows(weight, bias, dilation)
        if weight.shape[1] < WIDE:
            self._multiply = _quicker(_Packed(weight, bias, dilation, length), windows, length + self.context)

    def room(self, x: Tensor, state: State | None) -> tuple[Tensor, Tensor]:
        """Where an input like x goes: all that is convolved (B, context + T, C), and its last T rows, to be written."""
        batch, count, channels = x.shape
        whole = x.new_empty(batch, self.context + count, channels)
        if self.context:
            tail = None if state is None else state.tails.get(id(self))
            whole[:, : self.context] = 0 if tail is None else tail
        return whole, whole[:, self.context :]

    def convolve(self, whole: Tensor, state: State | None, onto: Tensor | None = None) -> Tensor:
        """What a `room` gives when it has been written; with `onto`, added to that, whose memory may be used."""
        if state is not None and self.context:
            state.tails[id(self)] = whole[:, -self.context :].clone()
        return self._multiply(whole, onto)

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        if not self.context:
            return self._multiply(x.contiguous(), None)
        whole, here = self.room(x, state)
        here.copy_(x)
        return self.convolve(whole, state)


class _Windows:
    """One product: each row is the window that its output sees."""

    def __init__(self, weight: Tensor, bias: Tensor, dilation: int) -> None:
        self.kernel, self.dilation = weight.shape[2], dilation
        self.linear = PackedLinear(weight.transpose(1, 2).flatten(1), bias)

    def __call__(self, whole: Tensor, onto: Tensor | None = None) -> Tensor:
        if self.kernel > 1:
            batch, rows, channels = whole.shape
            count = rows - (self.kernel - 1) * self.dilation
            shape, strides = (
                (batch, count, self.kernel, channels),
                (rows * channels, channels, self.dilation * channels),
            )
            whole = whole.as_strided(shape, (*strides, 1)).reshape(batch, count, self.kernel * channels)
        y = self.linear(whole)
        return y if onto is None else y.add_(onto)


class _Packed:
    """A convolution of an image of one line, channels last; what it is added to is added on the way."""

    def __init__(self, weight: Tensor, bias: Tensor, dilation: int, length: int) -> None:
        kernel = weight.shape[2]
        self.bias = bias
        self.how = ([0, 0], [1, 1], [1, dilation], 1)
        shape = [1, weight.shape[1], 1, TYPICAL * length + (kernel - 1) * dilation]
        image = weight[:, :, None].contiguous(memory_format=torch.channels_last)
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(image, *self.how, shape)
        self.shape = (weight.shape[1], weight.dtype)

    def __call__(self, whole: Tensor, onto: Tensor | None = None) -> Tensor:
        image = _image(whole)
        if onto is None:
            convolved: Tensor = torch.ops.mkldnn._convolution_pointwise(
                image, self.weight, self.bias, *self.how, "none", [], ""
            )
            return _rows(convolved)
        torch.ops.mkldnn._convolution_pointwise_.binary(
            _image(onto), image, self.weight, self.bias, *self.how, "add", 1.0, None, [], None
        )
        return onto


def _quicker(packed: _Packed, windows: _Windows, rows: int) -> _Packed | _Windows:
    """A weight packed for pieces longer than this one is reordered in each call where oneDNN computes short ones in
    another way, at 60 ns a number: 30 to 300 times slower, so that one look is enough."""
    channels, dtype = packed.shape
    piece = torch.zeros(1, rows, channels, dtype=dtype)
    return windows if _seconds(packed, piece) > SLOW * _seconds(windows, piece) else packed


def _seconds(multiply: Callable[[Tensor], Tensor], piece: Tensor) -> float:
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        multiply(piece)
        best = min(best, time.perf_counter() - begun)
    return best


def _image(rows: Tensor) -> Tensor:
    """(B, T, C) as (B, C, 1, T), channels last; no copy."""
    return rows.transpose(1, 2).unsqueeze(2)


def _rows(image: Tensor) -> Tensor:
    return image.squeeze(2).transpose(1, 2)


def strided(weight: Tensor, stride: int) -> Tensor:
    """The weight (C', C, stride or 2 · stride) of a convolution with a stride, for rows of stride · C numbers."""
    out, channels, kernel = weight.shape
    return weight.view(out, channels, kernel // stride, stride).permute(0, 3, 1, 2).reshape(out, stride * channels, -1)


def transposed(weight: Tensor, stride: int) -> Tensor:
    """The weight (C, C', stride or 2 · stride) of a transposed convolution, for one that gives stride · C' numbers."""
    channels, out, kernel = weight.shape
    taps = weight.view(channels, out, kernel // stride, stride).flip(2)  # the earlier row meets the later half
    return taps.permute(3, 1, 0, 2).reshape(stride * out, channels, -1)
