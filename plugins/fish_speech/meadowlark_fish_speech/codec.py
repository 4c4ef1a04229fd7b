"""The codec of S1 and S2: ten codes a frame to 2048 samples of 44.1 kHz, and back. Strictly causal.

Decoding goes on from piece to piece with a State, exactly, and so does encoding. The two halves are read apart:
speaking needs 184 of the 391 million weights; the encoder only listens to new reference voices.

This is the plain way, for a GPU and to compare with; `codec_packed` computes the same on processors, twice as fast.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from meadowlark.kit.precision import Plan
from meadowlark.kit.stream import CausalConv1d, CausalConvTranspose1d, State, WindowedAttention
from meadowlark.kit.weights import Weights

from .config import StackConfig
from .transformer import Block, Make, Rotary

RATE = 44100
FRAME = 2048
"""Samples; 46.4 ms."""

WRAPPED = r"(?:(?:module|model|_orig_mod|generator)\.)"
"""What training puts before each name."""

TABLE = (
    (r"(.*\.)?(freqs_cis|causal_mask)", None),  # 305 MB of buffers
    (rf"{WRAPPED}*(.*)\.parametrizations\.weight\.original0", r"\1.weight_g"),
    (rf"{WRAPPED}*(.*)\.parametrizations\.weight\.original1", r"\1.weight_v"),
    (rf"{WRAPPED}+(.*)", r"\1"),
)
"""Names in codec.pth → ours; both spellings of weight norm become one."""

DILATIONS = (1, 3, 9)
POSITIONS = 65536
"""Of the rotary table: 50 minutes in one stream."""

PIECE = 32
"""Frames, 1.5 s: as much of a recording is encoded at a time, so that a minute of it takes no more memory."""


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """What the weights' shapes do not say."""

    window: int = 128
    """Positions that the transformers before and after the codebooks look back on, themselves included."""

    encoder_window: int = 512
    head_dim: int = 64
    encoder_head_dim: int = 64
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> CodecConfig:
        """Of the table that golden data has beside it; published checkpoints have none."""
        post, general = values["post"], values["general"]
        return cls(
            post["window_size"],
            general["window_size_encoder"],
            post["head_dim"],
            general["head_dim"],
            float(post["rope_base"]),
            post["norm_eps"],
        )


class Reader:
    """Layers by the names of their weights."""

    def __init__(self, weights: Weights, plan: Plan, linear: Make | None = None) -> None:
        """linear: makes the linear layers, if not the plan."""
        self.weights, self.plan = weights, plan
        self.linear = linear or plan.linear

    def tensor(self, name: str) -> Tensor:
        taken = self.weights.take(name)
        kept = taken.to(self.plan.device, self.plan.dtype)
        return kept.clone() if kept.data_ptr() == taken.data_ptr() else kept

    def weight(self, prefix: str) -> Tensor:
        """A weight, its norm folded in."""
        if f"{prefix}.weight" in self.weights:
            return self.tensor(f"{prefix}.weight")
        return self.exact(prefix).to(self.plan.device, self.plan.dtype)

    def exact(self, prefix: str) -> Tensor:
        """The same in float32: g · v / |v|, over all dimensions but the first."""
        if f"{prefix}.weight" in self.weights:
            return self.weights.take(f"{prefix}.weight").float()
        size, direction = (self.weights.take(f"{prefix}.weight_{part}").float() for part in "gv")
        return size * direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1)

    def conv(self, prefix: str, *, stride: int = 1, dilation: int = 1, groups: int = 1) -> CausalConv1d:
        return CausalConv1d(
            self.weight(prefix), self.tensor(f"{prefix}.bias"), stride=stride, dilation=dilation, groups=groups
        )

    def transposed(self, prefix: str, stride: int) -> CausalConvTranspose1d:
        return CausalConvTranspose1d(self.weight(prefix), self.tensor(f"{prefix}.bias"), stride=stride)

    def kernel(self, prefix: str) -> int:
        """Of a convolution: as wide as a step between the codebooks, twice as wide as one of the encoder or decoder."""
        is_normed = f"{prefix}.weight_g" in self.weights
        return self.weights.shape(f"{prefix}.weight_v" if is_normed else f"{prefix}.weight")[2]

    def rates(self, blocks: str, conv: str) -> list[int]:
        """Steps of the encoder's or the decoder's blocks, from `blocks`.1 on, each with a convolution `conv`."""
        count, found = self.weights.numbered(blocks), []
        while len(found) + 1 < count and self.weights.numbered(f"{blocks}.{len(found) + 1}.block"):
            found.append(self.kernel(f"{blocks}.{len(found) + 1}.{conv}") // 2)
        return found


class Snake:
    """x + sin²(αx) / α."""

    def __init__(self, read: Reader, name: str) -> None:
        self.alpha = read.tensor(f"{name}.alpha")
        self.inverse = 1 / (self.alpha + 1e-9)

    def __call__(self, x: Tensor) -> Tensor:
        wave = (x * self.alpha).sin_()
        return torch.addcmul(x, wave.mul_(wave), self.inverse)


class Residual:
    """Snake, a wide convolution, snake, a narrow one, added to what came in."""

    def __init__(self, read: Reader, prefix: str, dilation: int) -> None:
        self.first, self.second = Snake(read, f"{prefix}.block.0"), Snake(read, f"{prefix}.block.2")
        self.wide = read.conv(f"{prefix}.block.1.conv", dilation=dilation)
        self.narrow = read.conv(f"{prefix}.block.3.conv")

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        return self.narrow(self.second(self.wide(self.first(x), state)), state).add_(x)


class ConvNeXt:
    """Mixes along time, then across channels."""

    def __init__(self, read: Reader, prefix: str) -> None:
        weight = read.tensor(f"{prefix}.dwconv.conv.weight")
        self.mix = CausalConv1d(weight, read.tensor(f"{prefix}.dwconv.conv.bias"), groups=weight.shape[0])
        self.norm = read.tensor(f"{prefix}.norm.weight"), read.tensor(f"{prefix}.norm.bias")
        self.up, self.down = (
            read.linear(*(read.weights.take(f"{prefix}.{name}.{part}") for part in ("weight", "bias")))
            for name in ("pwconv1", "pwconv2")
        )
        self.gamma = read.tensor(f"{prefix}.gamma")

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, C, T)."""
        return self.rows(x.transpose(1, 2), state).transpose(1, 2)

    def rows(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, T, C)."""
        y = self.mix(x.transpose(1, 2), state).transpose(1, 2)
        y = functional.layer_norm(y, y.shape[-1:], *self.norm, eps=1e-6)
        return torch.addcmul(x, self.down(functional.gelu(self.up(y))), self.gamma)


class Transformer:
    """Sees a window of the past; (B, C, T) → (B, C, T)."""

    def __init__(self, read: Reader, prefix: str, about: CodecConfig, window: int, width: int) -> None:
        """width: of a head."""
        weights, plan = read.weights, read.plan
        count = weights.numbered(f"{prefix}.layers")
        rows, dim = weights.shape(f"{prefix}.layers.0.attention.wqkv.weight")
        hidden = weights.shape(f"{prefix}.layers.0.feed_forward.w1.weight")[0]
        self.eps = about.norm_eps
        heads = rows // 3 // width
        config = StackConfig(count, dim, heads, heads, width, hidden, False, False, False, about.rope_base, self.eps)
        self.layers = [
            Block(weights, f"{prefix}.layers.{index}", config, read.linear, plan.dtype) for index in range(count)
        ]
        self.scales = [
            tuple(read.tensor(f"{prefix}.layers.{index}.{name}_layer_scale.gamma") for name in ("attention", "ffn"))
            for index in range(count)
        ]
        self.windows = [WindowedAttention(window) for _ in range(count)]
        self.norm = read.tensor(f"{prefix}.norm.weight")
        self.rotary = Rotary(POSITIONS, width, about.rope_base, plan.device)

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, C, T)."""
        return self.rows(x.transpose(1, 2), state).transpose(1, 2)

    def rows(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, T, C)."""
        at = self.windows[0].position(state)
        angles = self.rotary.table[at : at + x.shape[1]]
        for layer, window, (attention_scale, ffn_scale) in zip(self.layers, self.windows, self.scales, strict=True):
            queries, keys, values = layer.attention.project(layer.attention_norm(x), self.rotary, angles)
            x = x + layer.attention.join(window(queries, keys, values, state)) * attention_scale
            x = x + layer.feed_forward(layer.ffn_norm(x)) * ffn_scale
        return functional.rms_norm(x, x.shape[-1:], self.norm, self.eps)


class Codebook:
    """Codes of eight numbers each, projected up and down."""

    def __init__(self, read: Reader, prefix: str, *, encode: bool = False) -> None:
        self.codes = read.tensor(f"{prefix}.codebook.weight")  # (N, 8)
        self.up = read.weight(f"{prefix}.out_proj")[:, :, 0], read.tensor(f"{prefix}.out_proj.bias")
        table = functional.linear(self.codes, *self.up)
        self.vectors = table  # (N, C): what each code stands for, 16 MB for 4096 codes instead of a product a frame
        self.down = (
            (read.weight(f"{prefix}.in_proj")[:, :, 0], read.tensor(f"{prefix}.in_proj.bias")) if encode else None
        )

    @property
    def size(self) -> int:
        return self.codes.shape[0]

    def vector(self, codes: Tensor) -> Tensor:
        """(B, T) → (B, T, C); what is beyond the last code counts as the last."""
        return functional.embedding(codes.clamp(0, self.size - 1), self.vectors)

    def nearest(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T): the code in the most similar direction."""
        assert self.down is not None
        found = functional.normalize(functional.linear(x, *self.down), dim=-1)
        return (found @ functional.normalize(self.codes, dim=-1).T).argmax(dim=-1)


def sums(books: list[Codebook], codes: Tensor) -> Tensor:
    """What codes (B, N, T) stand for together, (B, T, C)."""
    return torch.stack([book.vector(codes[:, place]) for place, book in enumerate(books)]).sum(dim=0)


def quantized(books: list[Codebook], x: Tensor) -> Tensor:
    """(B, T, C) → codes (B, N, T): each codebook says what those before it have left."""
    found = []
    for book in books:
        codes = book.nearest(x)
        x = x - book.vector(codes)
        found.append(codes)
    return torch.stack(found, dim=1)


def codebooks(read: Reader, *, encode: bool = False) -> list[Codebook]:
    """The semantic one, then the residual ones."""
    groups = ("quantizer.semantic_quantizer.quantizers", "quantizer.quantizer.quantizers")
    counts = (1, read.weights.numbered(groups[1]))
    return [
        Codebook(read, f"{group}.{number}", encode=encode)
        for group, count in zip(groups, counts, strict=True)
        for number in range(count)
    ]


def steps(read: Reader, way: str) -> list[int]:
    """Between the convolutions and the codebooks: two of 2. way: "downsample" or "upsample"."""
    prefix = f"quantizer.{way}"
    return [read.kernel(f"{prefix}.{index}.0.conv") for index in range(max(1, read.weights.numbered(prefix)))]


class Decoder:
    """Codes to sound."""

    def __init__(self, weights: Weights, plan: Plan, config: CodecConfig | None = None) -> None:
        """Read what decoding needs. Raises WeightsError."""
        config = config or CodecConfig()
        read = Reader(weights, plan)
        self.plan = plan
        self.codebooks = codebooks(read)
        self.post = Transformer(read, "quantizer.post_module", config, config.window, config.head_dim)
        self.upsampling = [
            (
                read.transposed(f"quantizer.upsample.{index}.0.conv", rate),
                ConvNeXt(read, f"quantizer.upsample.{index}.1"),
            )
            for index, rate in enumerate(steps(read, "upsample"))
        ]
        self._build_waves(read)

    def _build_waves(self, read: Reader) -> None:
        rates = read.rates("decoder.model", "block.1.conv")
        self.begin = read.conv("decoder.model.0.conv")
        self.blocks = [
            (
                Snake(read, f"decoder.model.{index}.block.0"),
                read.transposed(f"decoder.model.{index}.block.1.conv", rate),
                [
                    Residual(read, f"decoder.model.{index}.block.{number}", dilation)
                    for number, dilation in enumerate(DILATIONS, start=2)
                ],
            )
            for index, rate in enumerate(rates, start=1)
        ]
        last = len(rates) + 1
        self.last_snake = Snake(read, f"decoder.model.{last}")
        self.end = read.conv(f"decoder.model.{last + 1}.conv")

    @property
    def places(self) -> int:
        """Codes a frame."""
        return len(self.codebooks)

    @torch.inference_mode()
    def decode(self, codes: Tensor, state: State | None = None) -> Tensor:
        """(B, 10, T) → (B, 1, T · 2048) in [-1, 1]; with a state, the next T frames of its stream."""
        return self.sound(self.post(self.latents(codes), state), state)

    def latents(self, codes: Tensor) -> Tensor:
        """The sum of what the codes stand for, (B, C, T)."""
        return sums(self.codebooks, codes).transpose(1, 2)

    def upsample(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, C, T) → (B, C, 4T)."""
        for up, mix in self.upsampling:
            x = mix(up(x, state), state)
        return x

    def sound(self, x: Tensor, state: State | None = None) -> Tensor:
        """Latents after the transformer → samples."""
        return self.waves(self.upsample(x, state), state)

    def waves(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, C, 4T) → (B, 1, T · 2048): the convolutions, nine tenths of the work."""
        x = self.begin(x, state)
        for snake, up, residuals in self.blocks:
            x = up(snake(x), state)
            for residual in residuals:
                x = residual(x, state)
        return self.end(self.last_snake(x), state).tanh()


class Encoder:
    """Sound to codes."""

    def __init__(self, weights: Weights, plan: Plan, config: CodecConfig | None = None) -> None:
        """Read what encoding needs. Raises WeightsError."""
        config = config or CodecConfig()
        read = Reader(weights, plan)
        self.plan = plan
        self.codebooks = codebooks(read, encode=True)
        self.begin = read.conv("encoder.block.0.conv")
        rates, down = read.rates("encoder.block", "block.4.conv"), steps(read, "downsample")
        self.frame = math.prod(rates) * math.prod(down)
        """Samples: FRAME, but for a codec of another shape."""
        self.blocks = [self._block(read, index, rate, config) for index, rate in enumerate(rates, 1)]
        last = len(rates) + 1
        self.last_snake = Snake(read, f"encoder.block.{last}")
        self.end = read.conv(f"encoder.block.{last + 1}.conv")
        self.downsampling = [
            (
                read.conv(f"quantizer.downsample.{index}.0.conv", stride=rate),
                ConvNeXt(read, f"quantizer.downsample.{index}.1"),
            )
            for index, rate in enumerate(down)
        ]
        self.pre = Transformer(read, "quantizer.pre_module", config, config.window, config.head_dim)

    @staticmethod
    def _block(
        read: Reader, index: int, rate: int, config: CodecConfig
    ) -> tuple[list[Residual], Snake, CausalConv1d, Transformer | None]:
        prefix = f"encoder.block.{index}.block"
        has_transformer = read.weights.numbered(f"{prefix}.5.layers") > 0
        return (
            [Residual(read, f"{prefix}.{number}", dilation) for number, dilation in enumerate(DILATIONS)],
            Snake(read, f"{prefix}.3"),
            read.conv(f"{prefix}.4.conv", stride=rate),
            Transformer(read, f"{prefix}.5", config, config.encoder_window, config.encoder_head_dim)
            if has_transformer
            else None,
        )

    @torch.inference_mode()
    def encode(self, audio: Tensor) -> Tensor:
        """(B, 1, samples) at 44.1 kHz → (B, 10, ceil(samples / 2048)) codes."""
        audio, state = functional.pad(audio, (0, -audio.shape[2] % self.frame)), State()
        parts = []
        for part in audio.split(PIECE * self.frame, dim=2):
            x = self.features(part.to(self.plan.device, self.plan.dtype), state)
            parts.append(self.quantize(self.pre(self.downsample(x, state), state)))
        return torch.cat(parts, dim=2)

    def features(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, 1, samples) → (B, C, samples / 512)."""
        x = self.begin(x, state)
        for residuals, snake, down, transformer in self.blocks:
            for residual in residuals:
                x = residual(x, state)
            x = down(snake(x), state)
            if transformer is not None:
                x = transformer(x, state)
        return self.end(self.last_snake(x), state)

    def downsample(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, C, T) → (B, C, T / 4)."""
        for down, mix in self.downsampling:
            x = mix(down(x, state), state)
        return x

    def quantize(self, x: Tensor) -> Tensor:
        """(B, C, T) → (B, 10, T)."""
        return quantized(self.codebooks, x.transpose(1, 2))
