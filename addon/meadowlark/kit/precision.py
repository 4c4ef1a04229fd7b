"""In which precision a model computes here: float32, bfloat16, float16, or 8 and 4 bits for its weights.

A token read from a model costs the memory traffic of all its weights; so fewer bits are fewer milliseconds. What an
engine names as exact stays unquantized. `plan` chooses by what the device can; layers are made while weights are read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

GROUP = 32
"""Weights that share a scale at 4 bits: 32 keeps twice the precision of 128 for 9 % more bytes."""


class Quality(StrEnum):
    """What the user asks for."""

    FAST = "fast"
    BALANCED = "balanced"
    QUALITY = "quality"
    AUTO = "auto"


class Bits(StrEnum):
    """How weights are stored."""

    FULL = "full"
    INT8 = "int8"
    INT4 = "int4"


class Linear(Protocol):
    """A linear layer, whatever its weights look like."""

    device: torch.device
    bytes: int
    """That one use of it reads."""

    def __call__(self, x: Tensor) -> Tensor:
        """(..., in) → (..., out)."""


class Dense:
    """As in the checkpoint."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight, self.bias = weight, bias
        self.device = weight.device
        self.bytes = weight.numel() * weight.element_size()

    def __call__(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias)


class Int8:
    """Eight bits a weight and a scale a row; on a CPU the product is computed from the bytes as they are."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.packed, scale = quantized_int8(weight)
        self.scale = scale.to(torch.bfloat16)
        self.bias = bias
        self.device = weight.device
        self.bytes = self.packed.numel()

    def __call__(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1]).to(torch.bfloat16)
        y = torch._weight_int8pack_mm(rows, self.packed, self.scale).to(x.dtype).view(*x.shape[:-1], -1)
        return y if self.bias is None else y + self.bias

    def dense(self) -> Tensor:
        """The weight that it stands for: the reference of a test."""
        return self.packed.float() * self.scale.float()[:, None]


class Int8Widened:
    """Eight bits a weight and a scale a row, made 16 bits again for each product: for GPUs, of which it takes half the
    memory. Plain operations, so that a step of it can be recorded and compiled.

    No gain in speed as it is: a product reads the 8 bits, writes 16 and reads them again, where `torch.compile` reads
    8 alone. (torch's own kernel for CUDA, `_weight_int8pack_mm`, was not tried on a GPU here.)
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        self.packed, scale = quantized_int8(weight)
        self.scale = scale.to(dtype)[:, None]
        self.bias = bias
        self.device = weight.device
        self.bytes = self.packed.numel()

    def __call__(self, x: Tensor) -> Tensor:
        # The scale on the weight, not on the product, which would be a thousand times as large: float16 ends at 65504.
        return functional.linear(x, self.packed * self.scale, self.bias)

    def dense(self) -> Tensor:
        """The weight that it stands for: the reference of a test."""
        return self.packed.float() * self.scale.float()


class Int4:
    """Four bits a weight; a scale and a zero point for each GROUP of a row. For CPUs."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        codes, scales, zeros = quantized_int4(weight)
        self.packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 1)
        pairs = torch.stack([scales, zeros], dim=-1).transpose(0, 1).contiguous()  # (K / GROUP, N, 2)
        self.scales = pairs.to(torch.bfloat16)
        self.bias = bias
        self.device = weight.device
        self.bytes = self.packed.numel() + 2 * self.scales.numel()
        self.rows = weight.shape[0]

    def __call__(self, x: Tensor) -> Tensor:
        # In bfloat16: torch 2.13 multiplies float32 by an unvectorized kernel, 16 ms instead of 0.25 ms (4096 x 1024).
        flat = x.reshape(-1, x.shape[-1]).to(torch.bfloat16)
        y = torch.ops.aten._weight_int4pack_mm_for_cpu(flat, self.packed, GROUP, self.scales)
        y = y.to(x.dtype).view(*x.shape[:-1], self.rows)
        return y if self.bias is None else y + self.bias


def quantized_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(N, K) → bytes (N, K) and scales (N,), rounded to nearest."""
    weight = weight.float()
    scale = weight.abs().amax(dim=1).clamp_min(1e-8) / 127
    return (weight / scale[:, None]).round().clamp(-127, 127).to(torch.int8), scale


def quantized_int4(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(N, K) → codes 0 … 15 (N, K) int32, scales and zeros (N, K / GROUP): w ≈ (code - 8) · scale + zero.

    Raises ValueError where the groups do not fill a row.
    """
    rows, columns = weight.shape
    if columns % GROUP:
        raise ValueError(f"a row of {columns} weights in groups of {GROUP}")
    grouped = weight.float().view(rows, columns // GROUP, GROUP)
    low, high = grouped.amin(dim=2), grouped.amax(dim=2)
    scale = ((high - low) / 15).clamp_min(1e-8)
    codes = ((grouped - low[..., None]) / scale[..., None]).round().clamp(0, 15)
    return codes.to(torch.int32).view(rows, columns), scale, low + 8 * scale


def dense_int4(codes: Tensor, scales: Tensor, zeros: Tensor) -> Tensor:
    """The weight that 4-bit codes stand for: the reference of a test."""
    grouped = codes.view(*scales.shape, GROUP).float()
    return ((grouped - 8) * scales[..., None] + zeros[..., None]).flatten(1)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model's weights are kept."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    """Of states, caches, and whatever is not quantized."""

    bits: Bits = Bits.FULL
    """Of the linear layers."""

    def __post_init__(self) -> None:
        """Raises ValueError for what this torch cannot compute there."""
        if self.bits is Bits.INT4 and not self._on_cpu:
            raise ValueError(
                f"4 bits are for processors; {self.device} computes with 8 (quality: balanced) or with 16 (the others)"
            )

    @property
    def _on_cpu(self) -> bool:
        return torch.device(self.device).type == "cpu"

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> Linear:
        """A layer with as many bits as planned; full where 4 bits do not fit the shape."""
        bias = bias if bias is None else bias.to(self.device, self.dtype)
        if self.bits is Bits.INT8 and not self._on_cpu:
            return Int8Widened(weight.to(self.device), bias, self.dtype)
        if self.bits is Bits.INT8 and weight.shape[0] % 16 == 0:
            return Int8(weight.to(self.device), bias)
        if self.bits is Bits.INT4 and weight.shape[1] % GROUP == 0 and weight.shape[0] % 16 == 0:
            return Int4(weight.to(self.device), bias)
        return self.exact(weight, bias)

    def exact(self, weight: Tensor, bias: Tensor | None = None) -> Linear:
        """A layer that is never quantized."""
        kept = weight.to(self.device, self.dtype)
        if kept.data_ptr() == weight.data_ptr():
            kept = kept.clone()  # out of the file: a first touch of mapped pages costs a fault in the middle of speech
        return Dense(kept, bias if bias is None else bias.to(self.device, self.dtype))

    def __str__(self) -> str:
        dtype = str(self.dtype).removeprefix("torch.")
        return f"{self.device} {dtype}" + ("" if self.bits is Bits.FULL else f" {self.bits}")


def plan(
    device: str,
    quality: Quality = Quality.AUTO,
    *,
    real_time_at: Bits = Bits.INT4,
    capability: Callable[[str], tuple[int, int]] = torch.cuda.get_device_capability,
) -> Plan:
    """How to compute on a device, at the quality asked for.

    real_time_at: the fewest bits that `auto` goes down to on a CPU, where the engine is too slow with more. A GPU is
    quickest with whole weights; `balanced` takes half the memory there.
    """
    if torch.device(device).type != "cpu":
        bits = Bits.INT8 if quality is Quality.BALANCED else Bits.FULL
        return Plan(device, half_dtype(capability(device)), bits)
    bits = {
        Quality.FAST: Bits.INT4,
        Quality.BALANCED: Bits.INT8,
        Quality.QUALITY: Bits.FULL,
        Quality.AUTO: real_time_at,
    }[quality]
    return Plan(device, torch.float32, bits)


def bfloat16_is_quick() -> bool:
    """Whether this CPU multiplies bfloat16 itself; Fish's codec: 1.76 → 0.99 s of one core for a second of sound."""
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(asked and asked())


def half_dtype(capability: tuple[int, int]) -> torch.dtype:
    """Of a GPU: bfloat16 from Ampere (8.0) on, float16 from Volta (7.0) on, else float32."""
    if capability >= (8, 0):
        return torch.bfloat16
    return torch.float16 if capability >= (7, 0) else torch.float32
