"""The codec of S1 and S2: ten codes a frame to 2048 samples of 44.1 kHz, and back. Strictly causal.

Decoding goes on from piece to piece with a State, exactly, and so does encoding. The two halves are read apart:
speaking needs 184 of the 391 million weights; the encoder only listens to new reference voices.

This is the plain way, for a GPU and to compare with; `codec_packed` computes the same on processors, twice as fast.
"""

from __future__ import annotations

from dataclasses import dataclass

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

TABLE = (
    (r".*\.(freqs_cis|causal_mask)", None),  # 305 MB of buffers
    (r"generator\.(.*)", r"\1"),
    (r"(.*)\.parametrizations\.weight\.original0", r"\1.weight_g"),
    (r"(.*)\.parametrizations\.weight\.original1", r"\1.weight_v"),
)
"""Names in codec.pth → ours; both spellings of weight norm become one."""

HEAD_DIM = 64
NORM_EPS = 1e-5
ROPE_BASE = 10000.0
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
    encoder_rates: tuple[int, ...] = (2, 4, 8, 8)
    decoder_rates: tuple[int, ...] = (8, 8, 4, 2)
    downsampling: int = 2
    """Each of the two steps between the convolutions and the codebooks."""


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

    def layers(self, prefix: str) -> int:
        """How many there are: `prefix`.0, `prefix`.1, …"""
        count = 0
        while f"{prefix}.{count}.attention.wqkv.weight" in self.weights:
            count += 1
        return count


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

    def __init__(self, read: Reader, prefix: str, window: int) -> None:
        weights, plan = read.weights, read.plan
        count = read.layers(f"{prefix}.layers")
        rows, dim = weights.shape(f"{prefix}.layers.0.attention.wqkv.weight")
        hidden = weights.shape(f"{prefix}.layers.0.feed_forward.w1.weight")[0]
        heads = rows // 3 // HEAD_DIM
        config = StackConfig(count, dim, heads, heads, HEAD_DIM, hidden, False, False, False, ROPE_BASE, NORM_EPS)
        self.layers = [
            Block(weights, f"{prefix}.layers.{index}", config, read.linear, plan.dtype) for index in range(count)
        ]
        self.scales = [
            tuple(read.tensor(f"{prefix}.layers.{index}.{name}_layer_scale.gamma") for name in ("attention", "ffn"))
            for index in range(count)
        ]
        self.windows = [WindowedAttention(window) for _ in range(count)]
        self.norm = read.tensor(f"{prefix}.norm.weight")
        self.rotary = Rotary(POSITIONS, HEAD_DIM, ROPE_BASE, plan.device)

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
        return functional.rms_norm(x, x.shape[-1:], self.norm, NORM_EPS)


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
    found = [Codebook(read, "quantizer.semantic_quantizer.quantizers.0", encode=encode)]
    while f"quantizer.quantizer.quantizers.{len(found) - 1}.codebook.weight" in read.weights:
        found.append(Codebook(read, f"quantizer.quantizer.quantizers.{len(found) - 1}", encode=encode))
    return found


class Decoder:
    """Codes to sound."""

    def __init__(self, weights: Weights, plan: Plan, config: CodecConfig | None = None) -> None:
        """Read what decoding needs. Raises WeightsError."""
        config = config or CodecConfig()
        read = Reader(weights, plan)
        self.plan = plan
        self.codebooks = codebooks(read)
        self.post = Transformer(read, "quantizer.post_module", config.window)
        self.upsampling = [
            (
                read.transposed(f"quantizer.upsample.{index}.0.conv", config.downsampling),
                ConvNeXt(read, f"quantizer.upsample.{index}.1"),
            )
            for index in range(2)
        ]
        self._build_waves(read, config)

    def _build_waves(self, read: Reader, config: CodecConfig) -> None:
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
            for index, rate in enumerate(config.decoder_rates, start=1)
        ]
        last = len(config.decoder_rates) + 1
        self.last_snake = Snake(read, f"decoder.model.{last}")
        self.end = read.conv(f"decoder.model.{last + 1}.conv")

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
        self.blocks = [self._block(read, index, rate, config) for index, rate in enumerate(config.encoder_rates, 1)]
        last = len(config.encoder_rates) + 1
        self.last_snake = Snake(read, f"encoder.block.{last}")
        self.end = read.conv(f"encoder.block.{last + 1}.conv")
        self.downsampling = [
            (
                read.conv(f"quantizer.downsample.{index}.0.conv", stride=config.downsampling),
                ConvNeXt(read, f"quantizer.downsample.{index}.1"),
            )
            for index in range(2)
        ]
        self.pre = Transformer(read, "quantizer.pre_module", config.window)

    @staticmethod
    def _block(
        read: Reader, index: int, rate: int, config: CodecConfig
    ) -> tuple[list[Residual], Snake, CausalConv1d, Transformer | None]:
        prefix = f"encoder.block.{index}.block"
        has_transformer = read.layers(f"{prefix}.5.layers") > 0
        return (
            [Residual(read, f"{prefix}.{number}", dilation) for number, dilation in enumerate(DILATIONS)],
            Snake(read, f"{prefix}.3"),
            read.conv(f"{prefix}.4.conv", stride=rate),
            Transformer(read, f"{prefix}.5", config.encoder_window) if has_transformer else None,
        )

    @torch.inference_mode()
    def encode(self, audio: Tensor) -> Tensor:
        """(B, 1, samples) at 44.1 kHz → (B, 10, ceil(samples / 2048)) codes."""
        audio, state = functional.pad(audio, (0, -audio.shape[2] % FRAME)), State()
        parts = []
        for part in audio.split(PIECE * FRAME, dim=2):
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
