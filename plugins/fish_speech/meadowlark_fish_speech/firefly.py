"""The codec of Fish-Speech 1.5: eight codes a frame to 2048 samples of 44.1 kHz, and back. Strictly causal.

There is no recorded data of this codec here. What is computed was put together from what is published about it:

- file name, sizes, rates, kernels of the up-sampling, the spectrogram's numbers: its published configuration;
- tensor names, that all convolutions are causal, kernels (3, 7, 11) and dilations (1, 3, 5) of both convolutions of a
  residual block, SiLU, the mean over parallel blocks: EndlessReform/fish-speech.rs, an independent port that its author
  compared with the original, and a second port in Python that agrees;
- levels, what a digit stands for, the order of digits: the paper on finite scalar quantization (arXiv 2309.15505, A.1)
  and vector-quantize-pytorch; the Rust port does the same. (The Python port spreads the eight levels of the first digit
  otherwise. Against it: the paper.)
- that numbers are bounded twice before they are rounded: the Rust port alone, when it encodes;
- the spectrogram's filters (Slaney's scale and norm), reflected ends, logarithm of at least 1e-5: the Rust port; that
  1e-6 is added under the root, not after it: as in VITS, unverified.

The shapes that follow add up to 47,065,218 numbers, 188.3 MB: the port's file has 188 MB, the published one 189.
Unverified on real weights: all of it. Only references (`Encoder`) rest on the last two points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from meadowlark.kit.precision import Plan
from meadowlark.kit.stream import State
from meadowlark.kit.weights import Weights

from .codec import WRAPPED, ConvNeXt, Reader

FIREFLY_FILE = "firefly-gan-vq-fsq-8x1024-21hz-generator.pth"

RATE = 44100
FRAME = 2048
"""Samples; 46.4 ms."""

TABLE = (
    (rf"{WRAPPED}*spec_transform\..*", None),  # a window and filters, which are computed here
    (rf"{WRAPPED}*(.*)\.parametrizations\.weight\.original0", r"\1.weight_g"),
    (rf"{WRAPPED}*(.*)\.parametrizations\.weight\.original1", r"\1.weight_v"),
    (rf"{WRAPPED}+(.*)", r"\1"),
)
"""Names in the checkpoint → ours; both spellings of weight norm become one."""

NORM_EPS = 1e-6
BOUND = 1.001
"""How far beyond the outermost levels numbers are let before they are rounded."""


@dataclass(frozen=True, slots=True)
class FireflyConfig:
    """What the weights' shapes do not say."""

    levels: tuple[int, ...] = (8, 5, 5, 5)
    """Of a group's digits: 1000 codes, though the name says 1024."""

    sampling: tuple[int, ...] = (2, 2)
    """Steps between the spectrogram's frames and the codes'."""

    rates: tuple[int, ...] = (8, 8, 2, 2, 2)
    """Of the vocoder's up-sampling."""

    dilations: tuple[int, ...] = (1, 3, 5)
    mels: int = 160
    window: int = 2048
    hop: int = 512


class Quantizer:
    """Each group of channels is four numbers, each number one of a few levels: no codebook is learned."""

    def __init__(self, read: Reader, levels: tuple[int, ...], *, encode: bool = False) -> None:
        self.groups = read.weights.numbered("quantizer.residual_fsq.rvqs")
        prefixes = [f"quantizer.residual_fsq.rvqs.{group}" for group in range(max(1, self.groups))]
        size = torch.tensor(levels)
        self.size = math.prod(levels)
        self._bases = torch.tensor([math.prod(levels[:place]) for place in range(len(levels))])
        digits = torch.arange(self.size)[:, None] // self._bases % size  # (1000, 4), the first digit the quickest
        values = (digits - size // 2) / (size // 2)
        self.vectors = torch.stack(
            [
                functional.linear(
                    values, *(read.weights.take(f"{prefix}.project_out.{part}").float() for part in ("weight", "bias"))
                )
                for prefix in prefixes
            ]
        ).to(read.plan.device, read.plan.dtype)  # (G, 1000, C / G): what each code stands for
        self._half = (size - 1) * BOUND / 2
        self._offset = torch.where(size % 2 == 0, 0.5, 0.0)
        self._middle = size // 2
        self._down = (
            [
                tuple(read.weights.take(f"{prefix}.project_in.{part}").float() for part in ("weight", "bias"))
                for prefix in prefixes
            ]
            if encode
            else []
        )

    def vector(self, codes: Tensor) -> Tensor:
        """(B, G, T) → (B, C, T); what is beyond the last code counts as the last."""
        codes = codes.clamp(0, self.size - 1)
        parts = [functional.embedding(codes[:, group], self.vectors[group]) for group in range(self.groups)]
        return torch.cat(parts, dim=2).transpose(1, 2)

    def nearest(self, x: Tensor) -> Tensor:
        """(B, C, T) → (B, G, T)."""
        found = []
        for part, (weight, bias) in zip(
            x.float().cpu().transpose(1, 2).chunk(self.groups, dim=2), self._down, strict=True
        ):
            numbers = self._bound(self._bound(functional.linear(part, weight, bias)))  # twice: see above
            found.append(((numbers.round().long() + self._middle) * self._bases).sum(dim=2))
        return torch.stack(found, dim=1)

    def _bound(self, x: Tensor) -> Tensor:
        """Between the outermost levels."""
        return (x + (self._offset / self._half).atanh()).tanh() * self._half - self._offset


class Residual:
    """Three pairs of convolutions, the first of each pair and the second equally wide apart."""

    def __init__(self, read: Reader, prefix: str, dilations: tuple[int, ...]) -> None:
        self.pairs = [
            tuple(read.conv(f"{prefix}.{name}.{place}.conv", dilation=dilation) for name in ("convs1", "convs2"))
            for place, dilation in enumerate(dilations)
        ]

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        for first, second in self.pairs:
            y = first(functional.silu(x), state)
            x = second(functional.silu(y), state) + x
        return x


class Decoder:
    """Codes to sound."""

    def __init__(self, weights: Weights, plan: Plan, config: FireflyConfig | None = None) -> None:
        """Read what decoding needs. Raises WeightsError."""
        config = config or FireflyConfig()
        read = Reader(weights, plan)
        self.plan = plan
        self.quantizer = Quantizer(read, config.levels)
        self.upsampling = [
            (
                read.transposed(f"quantizer.upsample.{index}.0.conv", rate),
                ConvNeXt(read, f"quantizer.upsample.{index}.1"),
            )
            for index, rate in enumerate(reversed(config.sampling))
        ]
        self.begin = read.conv("head.conv_pre.conv")
        self.blocks = [
            (read.transposed(f"head.ups.{index}.conv", rate), self._parallel(read, index, config.dilations))
            for index, rate in enumerate(config.rates)
        ]
        self.end = read.conv("head.conv_post.conv")

    @staticmethod
    def _parallel(read: Reader, index: int, dilations: tuple[int, ...]) -> list[Residual]:
        prefix = f"head.resblocks.{index}.blocks"
        count = max(1, read.weights.numbered(prefix))
        return [Residual(read, f"{prefix}.{block}", dilations) for block in range(count)]

    @property
    def places(self) -> int:
        """Codes a frame."""
        return self.quantizer.groups

    @torch.inference_mode()
    def decode(self, codes: Tensor, state: State | None = None) -> Tensor:
        """(B, 8, T) → (B, 1, T · 2048) in [-1, 1]; with a state, the next T frames of its stream."""
        x = self.quantizer.vector(codes)
        for up, mix in self.upsampling:
            x = mix(up(x, state), state)
        x = self.begin(x, state)
        for up, residuals in self.blocks:
            x = up(functional.silu(x), state)
            total = residuals[0](x, state)
            for residual in residuals[1:]:
                total += residual(x, state)
            x = total.div_(len(residuals))
        return self.end(functional.silu(x), state).tanh()


class Encoder:
    """Sound to codes."""

    def __init__(self, weights: Weights, plan: Plan, config: FireflyConfig | None = None) -> None:
        """Read what encoding needs. Raises WeightsError."""
        self.config = config or FireflyConfig()
        read = Reader(weights, plan)
        self.plan = plan
        self.begin = read.conv("backbone.downsample_layers.0.0.conv")
        self.stages = [self._stage(read, stage) for stage in range(max(1, weights.numbered("backbone.stages")))]
        self.norms = [
            _norm(read, f"backbone.downsample_layers.{place}.{0 if place else 1}") for place in self._places()
        ]
        self.widenings = [read.conv(f"backbone.downsample_layers.{place}.1") for place in self._places() if place]
        self.last_norm = _norm(read, "backbone.norm")
        self.downsampling = [
            (
                read.conv(f"quantizer.downsample.{index}.0.conv", stride=rate),
                ConvNeXt(read, f"quantizer.downsample.{index}.1"),
            )
            for index, rate in enumerate(self.config.sampling)
        ]
        self.quantizer = Quantizer(read, self.config.levels, encode=True)
        self.filters = filters(self.config).to(plan.device)

    def _places(self) -> range:
        return range(len(self.stages))

    @staticmethod
    def _stage(read: Reader, stage: int) -> list[ConvNeXt]:
        prefix = f"backbone.stages.{stage}"
        return [ConvNeXt(read, f"{prefix}.{block}") for block in range(max(1, read.weights.numbered(prefix)))]

    @torch.inference_mode()
    def encode(self, audio: Tensor) -> Tensor:
        """(B, 1, samples) at 44.1 kHz → (B, 8, whole frames of 2048 samples, at least one) codes."""
        frames = max(1, audio.shape[2] // FRAME)
        x = self.spectrogram(audio[:, 0].to(self.plan.device)).to(self.plan.dtype)
        return self.quantizer.nearest(self.features(x))[:, :, :frames]

    def spectrogram(self, audio: Tensor) -> Tensor:
        """(B, samples) → (B, mels, samples / 512): logarithms."""
        config = self.config
        margin = (config.window - config.hop) // 2
        audio = functional.pad(audio.float(), (0, max(0, config.window - audio.shape[1])))
        audio = functional.pad(audio, (margin, config.window - config.hop - margin), mode="reflect")
        window = torch.hann_window(config.window, device=audio.device)
        spectrum = torch.stft(audio, config.window, config.hop, window=window, center=False, return_complex=True)
        size = (spectrum.abs().square() + 1e-6).sqrt()
        return (self.filters @ size).clamp_min(1e-5).log()

    def features(self, x: Tensor) -> Tensor:
        """(B, mels, T) → (B, C, ceil(T / 4))."""
        for place, blocks in enumerate(self.stages):
            x = self._normed(self.begin(x), 0) if place == 0 else self.widenings[place - 1](self._normed(x, place))
            for block in blocks:
                x = block(x)
        x = _layer_norm(x, self.last_norm)
        for down, mix in self.downsampling:
            x = mix(down(x))
        return x

    def _normed(self, x: Tensor, place: int) -> Tensor:
        return _layer_norm(x, self.norms[place])


def filters(config: FireflyConfig) -> Tensor:
    """Triangles on Slaney's scale, each of the area 1, (mels, window / 2 + 1)."""
    corners = _hertz(torch.linspace(0, _slaney(RATE / 2), config.mels + 2, dtype=torch.float64))
    bins = torch.linspace(0, RATE / 2, config.window // 2 + 1, dtype=torch.float64)
    left, middle, right = (corners[place : place + config.mels, None] for place in range(3))
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    triangles = torch.minimum(rising, falling).clamp_min(0)
    return (triangles * 2 / (right - left)).float()


def _slaney(hertz: float) -> float:
    """Mels: 66 2/3 Hz each up to 1000 Hz, then 27 for a factor of 6.4."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def _hertz(mels: Tensor) -> Tensor:
    return torch.where(mels < 15, mels * 200 / 3, 1000 * torch.exp((mels - 15) * math.log(6.4) / 27))


def _norm(read: Reader, name: str) -> tuple[Tensor, Tensor]:
    return read.tensor(f"{name}.weight"), read.tensor(f"{name}.bias")


def _layer_norm(x: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
    """Over the channels of (B, C, T)."""
    return functional.layer_norm(x.transpose(1, 2), x.shape[1:2], *norm, eps=NORM_EPS).transpose(1, 2)
