"""The codec of `codec` on processors: rows of channels from end to end, packed weights, snakes folded into them.

A snake is x + sin²(αx) / α, that is (y + sin² y) / α with y = αx. The convolution after it takes in 1 / α; where the
one before it feeds nothing else, that one takes in α: three operations a snake, or two, instead of four.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from meadowlark.kit.packed import PackedConv1d, PackedLinear, can_pack, strided, transposed
from meadowlark.kit.precision import Plan
from meadowlark.kit.stream import State
from meadowlark.kit.weights import Weights

from . import codec
from .codec import DILATIONS, CodecConfig, ConvNeXt, Reader, Transformer, codebooks, quantized, steps, sums

PIECE = 16
"""Frames that are decoded at a time, however many are given: what is at work stays in the caches."""

LEAST_ALPHA = 1e-6
"""So that it can be divided by; a snake this flat is a straight line within 1e-6."""


def decoder(weights: Weights, plan: Plan, config: CodecConfig | None = None) -> codec.Decoder | PackedDecoder:
    """The quickest for a device. Raises WeightsError."""
    return (PackedDecoder if _packs(plan) else codec.Decoder)(weights, plan, config)


def encoder(weights: Weights, plan: Plan, config: CodecConfig | None = None) -> codec.Encoder | PackedEncoder:
    """The quickest for a device. Raises WeightsError."""
    return (PackedEncoder if _packs(plan) else codec.Encoder)(weights, plan, config)


def _packs(plan: Plan) -> bool:
    return torch.device(plan.device).type == "cpu" and can_pack(plan.dtype)


class Snaked:
    """A convolution of what a snake makes of its input; (B, T, C) → (B, T / stride, C')."""

    def __init__(
        self,
        alpha: Tensor,
        weight: Tensor,
        bias: Tensor,
        dtype: torch.dtype,
        length: int,
        *,
        dilation: int = 1,
        stride: int = 1,
        scaled: bool = False,
    ) -> None:
        """All float32; dtype: to compute in; length: rows of a frame; scaled: the input is, by alpha."""
        self.stride = stride
        if stride > 1:
            weight, alpha = strided(weight, stride), alpha.repeat(stride)
        self.alpha = None if scaled else alpha.to(dtype)
        divisor = alpha if self.alpha is None else self.alpha.float()  # what it was multiplied by, rounded or not
        folded = (weight / divisor[None, :, None]).to(dtype)
        self.conv = PackedConv1d(folded, bias.to(dtype), dilation=dilation, length=length)

    def __call__(self, x: Tensor, state: State, onto: Tensor | None = None) -> Tensor:
        """With `onto`, added to that, whose memory may be used."""
        if self.stride > 1:
            x = x.reshape(x.shape[0], -1, self.stride * x.shape[2])
        whole, here = self.conv.room(x, state)
        y = x if self.alpha is None else torch.mul(x, self.alpha, out=here)
        wave = y.sin()
        torch.addcmul(y, wave, wave, out=here)
        return self.conv.convolve(whole, state, onto)


class Residual:
    """See `codec.Residual`. What comes in is overwritten."""

    def __init__(self, read: Reader, prefix: str, dilation: int, length: int) -> None:
        dtype = read.plan.dtype
        outer, inner = (_alpha(read, f"{prefix}.block.{place}") for place in (0, 2))
        weight, bias = _conv(read, f"{prefix}.block.1.conv")
        weight, bias = weight * inner[:, None, None], bias * inner
        self.wide = Snaked(outer, weight, bias, dtype, length, dilation=dilation)
        self.narrow = Snaked(inner, *_conv(read, f"{prefix}.block.3.conv"), dtype, length, scaled=True)

    def __call__(self, x: Tensor, state: State) -> Tensor:
        return self.narrow(self.wide(x, state), state, onto=x)


class Block:
    """To a higher rate, then residuals."""

    def __init__(self, read: Reader, prefix: str, rate: int, length: int) -> None:
        """length: rows of a frame after it."""
        weight, bias = _conv(read, f"{prefix}.1.conv")
        weight = transposed(weight, rate)
        self.up = Snaked(_alpha(read, f"{prefix}.0"), weight, bias.repeat(rate), read.plan.dtype, length // rate)
        self.channels = len(bias)
        self.residuals = [
            Residual(read, f"{prefix}.{number}", dilation, length) for number, dilation in enumerate(DILATIONS, 2)
        ]

    def __call__(self, x: Tensor, state: State) -> Tensor:
        x = self.up(x, state).reshape(x.shape[0], -1, self.channels)
        for residual in self.residuals:
            x = residual(x, state)
        return x


class Waves:
    """The decoder's convolutions; (B, 4T, C) → (B, T · 2048, 1)."""

    def __init__(self, read: Reader, length: int) -> None:
        """length: rows of a frame before them."""
        rates = read.rates("decoder.model", "block.1.conv")
        self.begin = _first(read, "decoder.model.0.conv", length)
        self.blocks = []
        for index, rate in enumerate(rates, 1):
            length *= rate
            self.blocks.append(Block(read, f"decoder.model.{index}.block", rate, length))
        last = len(rates) + 1
        weight, bias = _conv(read, f"decoder.model.{last + 1}.conv")
        self.end = Snaked(_alpha(read, f"decoder.model.{last}"), weight, bias, read.plan.dtype, length)

    def __call__(self, x: Tensor, state: State) -> Tensor:
        x = self.begin(x, state)
        for block in self.blocks:
            x = block(x, state)
        return self.end(x, state).tanh()


class PackedDecoder:
    """Codes to sound."""

    def __init__(self, weights: Weights, plan: Plan, config: CodecConfig | None = None) -> None:
        """Read what decoding needs. Raises WeightsError."""
        config, read = config or CodecConfig(), reader(weights, plan)
        self.plan = plan
        self.codebooks = codebooks(read)
        self.post = Transformer(read, "quantizer.post_module", config, config.window, config.head_dim)
        up = steps(read, "upsample")
        self.upsampling = [self._up(read, f"quantizer.upsample.{index}", rate) for index, rate in enumerate(up)]
        self.waves = Waves(read, math.prod(up))

    @staticmethod
    def _up(read: Reader, prefix: str, rate: int) -> tuple[PackedLinear, ConvNeXt]:
        """Kernel and stride are equal: nothing overlaps."""
        weight = transposed(read.tensor(f"{prefix}.0.conv.weight"), rate)[:, :, 0]
        bias = read.tensor(f"{prefix}.0.conv.bias").repeat(rate)
        return PackedLinear(weight, bias), ConvNeXt(read, f"{prefix}.1")

    @property
    def places(self) -> int:
        """Codes a frame."""
        return len(self.codebooks)

    @torch.inference_mode()
    def decode(self, codes: Tensor, state: State | None = None) -> Tensor:
        """(B, 10, T) → (B, 1, T · 2048) in [-1, 1]; with a state, the next T frames of its stream."""
        state = state or State()
        parts = [self._piece(part, state) for part in codes.split(PIECE, dim=2)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)

    def _piece(self, codes: Tensor, state: State) -> Tensor:
        x = self.post.rows(sums(self.codebooks, codes), state)
        for up, mix in self.upsampling:
            x = mix.rows(up(x).reshape(x.shape[0], -1, x.shape[2]), state)
        return self.waves(x, state).transpose(1, 2)


class PackedEncoder:
    """Sound to codes."""

    def __init__(self, weights: Weights, plan: Plan, config: CodecConfig | None = None) -> None:
        """Read what encoding needs. Raises WeightsError."""
        config, read = config or CodecConfig(), reader(weights, plan)
        self.plan = plan
        self.codebooks = codebooks(read, encode=True)
        rates, down = read.rates("encoder.block", "block.4.conv"), steps(read, "downsample")
        length = self.frame = math.prod(rates) * math.prod(down)
        self.begin = _first(read, "encoder.block.0.conv", length)
        self.blocks = []
        for index, rate in enumerate(rates, 1):
            self.blocks.append(self._block(read, f"encoder.block.{index}.block", rate, length, config))
            length //= rate
        last = len(rates) + 1
        weight, bias = _conv(read, f"encoder.block.{last + 1}.conv")
        self.end = Snaked(_alpha(read, f"encoder.block.{last}"), weight, bias, plan.dtype, length)
        self.downsampling = [self._down(read, f"quantizer.downsample.{index}", rate) for index, rate in enumerate(down)]
        self.pre = Transformer(read, "quantizer.pre_module", config, config.window, config.head_dim)

    @staticmethod
    def _block(
        read: Reader, prefix: str, rate: int, length: int, config: CodecConfig
    ) -> tuple[list[Residual], Snaked, Transformer | None]:
        """length: rows of a frame before it."""
        residuals = [
            Residual(read, f"{prefix}.{number}", dilation, length) for number, dilation in enumerate(DILATIONS)
        ]
        weight, bias = _conv(read, f"{prefix}.4.conv")
        down = Snaked(_alpha(read, f"{prefix}.3"), weight, bias, read.plan.dtype, length // rate, stride=rate)
        if not read.weights.numbered(f"{prefix}.5.layers"):
            return residuals, down, None
        return residuals, down, Transformer(read, f"{prefix}.5", config, config.encoder_window, config.encoder_head_dim)

    @staticmethod
    def _down(read: Reader, prefix: str, rate: int) -> tuple[PackedLinear, ConvNeXt]:
        weight = strided(read.tensor(f"{prefix}.0.conv.weight"), rate)[:, :, 0]
        return PackedLinear(weight, read.tensor(f"{prefix}.0.conv.bias")), ConvNeXt(read, f"{prefix}.1")

    @torch.inference_mode()
    def encode(self, audio: Tensor) -> Tensor:
        """(B, 1, samples) at 44.1 kHz → (B, 10, ceil(samples / 2048)) codes."""
        audio, state = functional.pad(audio, (0, -audio.shape[2] % self.frame)), State()
        pieces = audio.to(self.plan.dtype).transpose(1, 2).split(PIECE * self.frame, dim=1)
        return torch.cat([self._piece(piece, state) for piece in pieces], dim=2)

    def _piece(self, x: Tensor, state: State) -> Tensor:
        x = self.begin(x, state)
        for residuals, down, transformer in self.blocks:
            for residual in residuals:
                x = residual(x, state)
            x = down(x, state)
            if transformer is not None:
                x = transformer.rows(x, state)
        x = self.end(x, state)
        for down, mix in self.downsampling:
            x = mix.rows(down(x.reshape(x.shape[0], -1, down.columns)), state)
        return quantized(self.codebooks, self.pre.rows(x, state))


def reader(weights: Weights, plan: Plan) -> Reader:
    """Reads linear layers packed."""

    def linear(weight: Tensor, bias: Tensor | None) -> PackedLinear:
        return PackedLinear(weight.to(plan.dtype), None if bias is None else bias.to(plan.dtype, copy=True))

    return Reader(weights, plan, linear)


def _first(read: Reader, name: str, length: int) -> PackedConv1d:
    """A convolution without a snake before it."""
    weight, bias = _conv(read, name)
    return PackedConv1d(weight.to(read.plan.dtype), bias.to(read.plan.dtype), length=length)


def _conv(read: Reader, name: str) -> tuple[Tensor, Tensor]:
    """Weight and bias, float32."""
    return read.exact(name), read.weights.take(f"{name}.bias").to(torch.float32, copy=True)


def _alpha(read: Reader, name: str) -> Tensor:
    """Of a snake, (C,), float32, never zero."""
    alpha = read.weights.take(f"{name}.alpha").float().flatten()
    return torch.where(alpha.abs() < LEAST_ALPHA, torch.full_like(alpha, LEAST_ALPHA), alpha)
