"""Weights in the form that ONNX Runtime's MatMulNBits multiplies with: 4 or 8 bits, a scale for each block of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]

BLOCK = 32
"""Weights that share a scale. With 128 a product takes 0.8 of the time, and weights of 4 bits are off by 10.0 % of
their size instead of 8.1 %."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How the weights of one part of a model are kept."""

    bits: int = 32
    """32 (as they are), 8 or 4."""

    whole_inputs: bool = False
    """What the weights are multiplied with stays float32; otherwise it gets 8 bits a number, which is quick."""

    def fits(self, columns: int) -> bool:
        """Whether rows of so many weights are quantized: in whole blocks."""
        return self.bits < 32 and columns % BLOCK == 0

    def size(self, rows: int, columns: int) -> int:
        """Bytes of a weight, with scales and zero points."""
        if not self.fits(columns):
            return 4 * rows * columns
        zeros = rows * columns // BLOCK // 2 if self.bits == 4 else 0
        return rows * columns * self.bits // 8 + 4 * rows * columns // BLOCK + zeros


WHOLE = Packing()


def packed(weight: Tensor, packing: Packing) -> tuple[Array, ...]:
    """Codes (N, blocks, bytes), scales (N · blocks,) and, at 4 bits, zero points (N · ⌈blocks / 2⌉,) of (N, K)."""
    codes, scales, zeros = quantized(weight, packing)
    if packing.bits == 8:
        return codes.numpy(), scales.flatten().numpy()
    if zeros.shape[1] % 2:
        zeros = torch.nn.functional.pad(zeros, (0, 1))
    return _pairs(codes).numpy(), scales.flatten().numpy(), _pairs(zeros).flatten().numpy()


def quantized(weight: Tensor, packing: Packing) -> tuple[Tensor, Tensor, Tensor]:
    """Codes (N, blocks, BLOCK) uint8, scales and zero points (N, blocks): w ≈ (code - zero) · scale."""
    rows, columns = weight.shape
    grouped = weight.float().view(rows, columns // BLOCK, BLOCK)
    if packing.bits == 8:
        scale = grouped.abs().amax(dim=2).clamp_min(1e-12) / 127
        codes = (grouped / scale[..., None]).round() + 128
        return codes.to(torch.uint8), scale, torch.full_like(scale, 128, dtype=torch.uint8)
    low, high = grouped.amin(dim=2).clamp_max(0), grouped.amax(dim=2).clamp_min(0)
    scale = ((high - low) / 15).clamp_min(1e-12)
    zero = (-low / scale).round().clamp(0, 15)
    codes = (grouped / scale[..., None] + zero[..., None]).round().clamp(0, 15)
    return codes.to(torch.uint8), scale, zero.to(torch.uint8)


def dense(weight: Tensor, packing: Packing) -> Tensor:
    """The weight that its packed form stands for: the reference of a test."""
    if not packing.fits(weight.shape[1]):
        return weight.float()
    codes, scales, zeros = quantized(weight, packing)
    return ((codes.float() - zeros[..., None]) * scales[..., None]).flatten(1)


def _pairs(codes: Tensor) -> Tensor:
    """Two codes of 4 bits to a byte, the first below."""
    return codes[..., 0::2] | (codes[..., 1::2] << 4)
