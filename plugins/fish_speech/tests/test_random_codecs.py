"""Codecs of other shapes against the same written out plainly, whole and in float64: no state, no packing."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from meadowlark.kit import parity
from meadowlark.kit.precision import Plan
from meadowlark.kit.stream import State
from meadowlark.kit.weights import Weights, write
from meadowlark_fish_speech import codec, codec_packed
from meadowlark_fish_speech.doubles import codec_tensors
from meadowlark_fish_speech.parity import AUDIO, PIECES

FRAMES = 11

WAYS = [(codec.Decoder, codec.Encoder), (codec_packed.decoder, codec_packed.encoder)]


class Plain:
    """The codec by its tensors, the steps of its convolutions, and what its shapes do not say."""

    def __init__(
        self, found: dict[str, Tensor], rates: tuple[int, ...], steps: tuple[int, ...], config: codec.CodecConfig
    ) -> None:
        self.weights = {name: tensor.double() for name, tensor in found.items() if tensor.is_floating_point()}
        self.rates, self.steps, self.config = rates, steps, config

    def conv(self, name: str, x: Tensor, *, stride: int = 1, dilation: int = 1, groups: int = 1) -> Tensor:
        weight = self.weight(name)
        left = (weight.shape[2] - 1) * dilation + 1 - stride
        x = functional.pad(x, (left, -x.shape[2] % stride))
        return functional.conv1d(x, weight, self.weights[f"{name}.bias"], stride, 0, dilation, groups)

    def transposed(self, name: str, x: Tensor, stride: int) -> Tensor:
        y = functional.conv_transpose1d(x, self.weight(name), self.weights[f"{name}.bias"], stride)
        return y[:, :, : x.shape[2] * stride]

    def weight(self, name: str) -> Tensor:
        if f"{name}.weight" in self.weights:
            return self.weights[f"{name}.weight"]
        new = f"{name}.parametrizations.weight.original"
        size, direction = (
            self.weights[f"{new}{number}" if f"{new}0" in self.weights else f"{name}.weight_{letter}"]
            for number, letter in enumerate("gv")
        )
        return size * direction / direction.square().sum(dim=(1, 2), keepdim=True).sqrt()

    def snake(self, name: str, x: Tensor) -> Tensor:
        alpha = self.weights[f"{name}.alpha"]
        return x + (alpha * x).sin().square() / (alpha + 1e-9)

    def residual(self, name: str, x: Tensor, dilation: int) -> Tensor:
        y = self.conv(f"{name}.block.1.conv", self.snake(f"{name}.block.0", x), dilation=dilation)
        return x + self.conv(f"{name}.block.3.conv", self.snake(f"{name}.block.2", y))

    def mix(self, name: str, x: Tensor) -> Tensor:
        y = self.conv(f"{name}.dwconv.conv", x, groups=x.shape[1]).transpose(1, 2)
        norm = (self.weights[f"{name}.norm.weight"], self.weights[f"{name}.norm.bias"])
        y = functional.layer_norm(y, y.shape[-1:], *norm, 1e-6)
        for part in ("pwconv1", "pwconv2"):
            y = y @ self.weights[f"{name}.{part}.weight"].T + self.weights[f"{name}.{part}.bias"]
            y = functional.gelu(y) if part == "pwconv1" else y * self.weights[f"{name}.gamma"]
        return x + y.transpose(1, 2)

    def transformer(self, name: str, x: Tensor, window: int, width: int) -> Tensor:
        x, eps = x.transpose(1, 2), self.config.norm_eps
        places = torch.arange(x.shape[1])
        seen = (places[None] <= places[:, None]) & (places[None] > places[:, None] - window)
        layer = 0
        while f"{name}.layers.{layer}.ffn_norm.weight" in self.weights:
            prefix = f"{name}.layers.{layer}"
            here = {part: self.weights[f"{prefix}.{part}.weight"] for part in ("attention.wqkv", "attention.wo")}
            n = _norm(x, self.weights[f"{prefix}.attention_norm.weight"], eps)
            query, key, value = (n @ here["attention.wqkv"].T).chunk(3, dim=-1)
            parts = []
            for head in range(query.shape[-1] // width):
                own = slice(head * width, (head + 1) * width)
                q, k = (self.turned(each[..., own]) for each in (query, key))
                scores = (q @ k.transpose(1, 2) / width**0.5).masked_fill(~seen, float("-inf"))
                parts.append(torch.softmax(scores, dim=-1) @ value[..., own])
            y = torch.cat(parts, dim=-1) @ here["attention.wo"].T
            x = x + y * self.weights[f"{prefix}.attention_layer_scale.gamma"]
            n = _norm(x, self.weights[f"{prefix}.ffn_norm.weight"], eps)
            gate, up, down = (self.weights[f"{prefix}.feed_forward.{each}.weight"] for each in ("w1", "w3", "w2"))
            y = (functional.silu(n @ gate.T) * (n @ up.T)) @ down.T
            x = x + y * self.weights[f"{prefix}.ffn_layer_scale.gamma"]
            layer += 1
        return _norm(x, self.weights[f"{name}.norm.weight"], eps).transpose(1, 2)

    def turned(self, x: Tensor) -> Tensor:
        steps = torch.arange(0, x.shape[2], 2).float() / x.shape[2]
        angles = torch.outer(torch.arange(x.shape[1]).float(), 1.0 / self.config.rope_base**steps)
        cos, sin = (each.bfloat16().double() for each in (angles.cos(), angles.sin()))
        even, odd = x[..., 0::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)

    def books(self) -> list[str]:
        names = ["quantizer.semantic_quantizer.quantizers.0"]
        while f"quantizer.quantizer.quantizers.{len(names) - 1}.codebook.weight" in self.weights:
            names.append(f"quantizer.quantizer.quantizers.{len(names) - 1}")
        return names

    def vector(self, book: str, codes: Tensor) -> Tensor:
        table = self.weights[f"{book}.codebook.weight"]
        return self.conv(f"{book}.out_proj", table[codes.clamp(max=len(table) - 1)].transpose(1, 2))

    def decode(self, codes: Tensor) -> Tensor:
        x = torch.stack([self.vector(book, codes[:, place]) for place, book in enumerate(self.books())]).sum(dim=0)
        x = self.transformer("quantizer.post_module", x, self.config.window, self.config.head_dim)
        for place, step in enumerate(reversed(self.steps)):
            name = f"quantizer.upsample.{place}"
            x = self.mix(f"{name}.1", self.transposed(f"{name}.0.conv", x, step))
        x = self.conv("decoder.model.0.conv", x)
        for place, rate in enumerate(reversed(self.rates), 1):
            name = f"decoder.model.{place}.block"
            x = self.transposed(f"{name}.1.conv", self.snake(f"{name}.0", x), rate)
            for number, dilation in ((2, 1), (3, 3), (4, 9)):
                x = self.residual(f"{name}.{number}", x, dilation)
        last = len(self.rates) + 1
        return self.conv(f"decoder.model.{last + 1}.conv", self.snake(f"decoder.model.{last}", x)).tanh()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The codes, and how much better each is than the next best."""
        frame = int(torch.tensor([*self.rates, *self.steps]).prod())
        x = self.conv("encoder.block.0.conv", functional.pad(x.double(), (0, -x.shape[2] % frame)))
        for place, rate in enumerate(self.rates, 1):
            name = f"encoder.block.{place}.block"
            for number, dilation in ((0, 1), (1, 3), (2, 9)):
                x = self.residual(f"{name}.{number}", x, dilation)
            x = self.conv(f"{name}.4.conv", self.snake(f"{name}.3", x), stride=rate)
            if f"{name}.5.norm.weight" in self.weights:
                x = self.transformer(f"{name}.5", x, self.config.encoder_window, self.config.encoder_head_dim)
        last = len(self.rates) + 1
        x = self.conv(f"encoder.block.{last + 1}.conv", self.snake(f"encoder.block.{last}", x))
        for place, step in enumerate(self.steps):
            name = f"quantizer.downsample.{place}"
            x = self.mix(f"{name}.1", self.conv(f"{name}.0.conv", x, stride=step))
        x, found, better = self.transformer("quantizer.pre_module", x, self.config.window, self.config.head_dim), [], []
        for book in self.books():
            low = functional.normalize(self.conv(f"{book}.in_proj", x), dim=1)
            table = functional.normalize(self.weights[f"{book}.codebook.weight"], dim=1)
            best = torch.einsum("bct,nc->btn", low, table).topk(2, dim=2)
            found.append(best.indices[..., 0])
            better.append(best.values[..., 0] - best.values[..., 1])
            x = x - self.vector(book, found[-1])
        return torch.stack(found, dim=1), torch.stack(better, dim=1)


def _norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return x * (x.square().mean(dim=-1, keepdim=True) + eps).rsqrt() * weight


SHAPES = [
    # width, decoder's, layers, rates, steps, sizes of codebooks, widths of heads, windows, base, eps
    (32, 48, 2, (2, 4, 8, 8), (2, 2), (600, *(300,) * 9), 64, 32, 5, 512, 10000.0, 1e-5),
    (48, 32, 1, (2, 3, 5), (2, 2), (70, 40, 50), 16, 8, 3, 7, 500.0, 1e-6),
    (16, 24, 3, (4, 2), (3,), (33, 90, 20, 64), 8, 4, 128, 20, 1e6, 1e-5),
    (64, 64, 2, (2, 2, 2, 2, 2), (2, 4), (257,), 32, 64, 1, 1, 10000.0, 1e-4),
]


def checks(shape: int, file: Path) -> None:
    """By torch and packed, whole and in pieces, there and back."""
    width, decoder_width, layers, rates, steps, sizes, head_dim, before_dim, window, before, base, eps = SHAPES[shape]
    generator = torch.Generator().manual_seed(shape)
    found = codec_tensors(
        width,
        generator,
        decoder_width=decoder_width,
        layers=layers,
        rates=rates,
        steps=steps,
        books=sizes,
        head_dim=head_dim,
    )
    for name, tensor in found.items():
        if name.endswith("alpha"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.3)
        elif name.endswith("bias"):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
        elif name.endswith("norm.weight"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    write(found, file)
    config = codec.CodecConfig(window, before, head_dim, before_dim, base, eps)
    plain = Plain(found, rates, steps, config)
    codes = torch.stack([torch.randint(0, size + 3, (1, FRAMES), generator=generator) for size in sizes], dim=1)
    wanted = plain.decode(codes)
    assert wanted.abs().max() > 0.01
    frame = wanted.shape[2] // FRAMES
    heard = torch.randn(1, 1, 10 * frame - 5, generator=generator) * 0.1
    known, better = plain.encode(heard)
    sure = (better > 1e-3).all(dim=1)  # a code between two others may round otherwise, and so those after it
    assert sure.float().mean() > 0.3
    for decoder, encoder in WAYS:
        weights = Weights([file], codec.TABLE)
        decode, encode = decoder(weights, Plan(), config).decode, encoder(weights, Plan(), config).encode
        weights.finish()
        parity.require([parity.within("audio", decode(codes), wanted, AUDIO)])
        for size in PIECES:
            state = State()
            parts = [decode(part, state) for part in codes.split(size, dim=2)]
            parity.require([parity.within(f"in pieces of {size}", torch.cat(parts, dim=2), wanted, AUDIO)])
        codes_there = encode(heard)
        assert codes_there.shape == known.shape
        same = (codes_there == known).all(dim=1)
        assert bool(same[sure].all())


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_a_codec_of_another_shape_is_computed_alike_in_all_ways(shape: int, tmp_path: Path) -> None:
    checks(shape, tmp_path / "codec.safetensors")


def test_what_shapes_do_not_say_is_read_from_what_lies_beside_golden_data() -> None:
    post = {"window_size": 8, "head_dim": 16, "rope_base": 500, "norm_eps": 1e-6}
    found = codec.CodecConfig.of({"post": post, "general": {"window_size_encoder": 20, "head_dim": 32}})
    assert found == codec.CodecConfig(8, 20, 16, 32, 500.0, 1e-6)


@pytest.mark.skipif("MEADOWLARK_GOLDEN" not in os.environ, reason="MEADOWLARK_GOLDEN names no folder")
def test_plain_is_upstream() -> None:
    folder = Path(os.environ["MEADOWLARK_GOLDEN"]) / "dac_tiny"
    trace = load_file(folder / "trace.safetensors")
    config = codec.CodecConfig(window=8)
    plain = Plain(load_file(folder / "model.safetensors"), (2, 4, 8, 8), (2, 2), config)
    parity.require([parity.within("audio", plain.decode(trace["codes"].long()), trace["audio"], AUDIO)])
    assert plain.encode(trace["enc.wav"])[0].tolist() == trace["enc.codes"].tolist()
