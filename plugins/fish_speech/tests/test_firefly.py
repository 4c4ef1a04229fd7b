"""1.5's codec against the same worked out number by number; there is no recorded data of it."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.kit.precision import Plan
from meadowlark.kit.stream import State
from meadowlark.kit.weights import Weights, WeightsError, write
from meadowlark_fish_speech import firefly
from meadowlark_fish_speech.doubles import firefly_tensors

Array = NDArray[np.float64]

LEVELS = (8, 5, 5, 5)


class Slow:
    """The codec in float64: each sample of each convolution is a sum over what it sees."""

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self.data = {name: tensor.double().numpy() for name, tensor in tensors.items()}

    def weight(self, name: str) -> Array:
        if f"{name}.weight" in self.data:
            return self.data[f"{name}.weight"]
        size = self.data[f"{name}.parametrizations.weight.original0"]
        direction = self.data[f"{name}.parametrizations.weight.original1"]
        return np.stack([g * v / math.sqrt((v * v).sum()) for g, v in zip(size, direction, strict=True)])

    def conv(self, name: str, x: Array, dilation: int = 1, stride: int = 1) -> Array:
        weight, bias = self.weight(name), self.data[f"{name}.bias"]
        length, kernel = x.shape[1], weight.shape[2]
        y = np.repeat(bias[:, None], -(-length // stride), axis=1)
        for at, tap in product(range(y.shape[1]), range(kernel)):
            seen = (at + 1) * stride - 1 - (kernel - 1 - tap) * dilation
            if 0 <= seen < length:
                if weight.shape[1] == 1 and x.shape[0] > 1:
                    y[:, at] += weight[:, 0, tap] * x[:, seen]
                else:
                    y[:, at] += weight[:, :, tap] @ x[:, seen]
        return y

    def spread(self, name: str, x: Array, stride: int) -> Array:
        weight, bias = self.weight(name), self.data[f"{name}.bias"]
        y = np.repeat(bias[:, None], x.shape[1] * stride, axis=1)
        for at, tap in product(range(x.shape[1]), range(weight.shape[2])):
            if at * stride + tap < y.shape[1]:
                y[:, at * stride + tap] += x[:, at] @ weight[:, :, tap]
        return y

    def norm(self, name: str, x: Array) -> Array:
        centred = x - x.mean(axis=0)
        scaled = centred / np.sqrt((centred**2).mean(axis=0) + 1e-6)
        return scaled * self.data[f"{name}.weight"][:, None] + self.data[f"{name}.bias"][:, None]

    def mix(self, name: str, x: Array) -> Array:
        y = self.norm(f"{name}.norm", self.conv(f"{name}.dwconv.conv", x))
        y = self.data[f"{name}.pwconv1.weight"] @ y + self.data[f"{name}.pwconv1.bias"][:, None]
        y = y * 0.5 * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))
        y = self.data[f"{name}.pwconv2.weight"] @ y + self.data[f"{name}.pwconv2.bias"][:, None]
        return x + y * self.data[f"{name}.gamma"][:, None]

    def decode(self, codes: Array) -> Array:
        x = np.concatenate([self.meaning(group, each) for group, each in enumerate(codes)])
        for step in range(2):
            x = self.mix(f"quantizer.upsample.{step}.1", self.spread(f"quantizer.upsample.{step}.0.conv", x, 2))
        x = self.conv("head.conv_pre.conv", x)
        for step, rate in enumerate((8, 8, 2, 2, 2)):
            x = self.spread(f"head.ups.{step}.conv", silu(x), rate)
            x = np.mean([self.residual(f"head.resblocks.{step}.blocks.{block}", x) for block in range(3)], axis=0)
        return np.tanh(self.conv("head.conv_post.conv", silu(x)))

    def residual(self, name: str, x: Array) -> Array:
        for place, dilation in enumerate((1, 3, 5)):
            y = self.conv(f"{name}.convs1.{place}.conv", silu(x), dilation)
            x = x + self.conv(f"{name}.convs2.{place}.conv", silu(y), dilation)
        return x

    def meaning(self, group: int, codes: Array) -> Array:
        columns = []
        for code in codes:
            rest, values = int(code), []
            for level in LEVELS:
                rest, digit = divmod(rest, level)
                values.append((digit - level // 2) / (level // 2))
            prefix = f"quantizer.residual_fsq.rvqs.{group}.project_out"
            columns.append(self.data[f"{prefix}.weight"] @ values + self.data[f"{prefix}.bias"])
        return np.stack(columns, axis=1)

    def encode(self, spectrogram: Array) -> NDArray[np.int64]:
        x = self.norm("backbone.downsample_layers.0.1", self.conv("backbone.downsample_layers.0.0.conv", spectrogram))
        for stage, depth in enumerate((1, 1, 2, 1)):
            if stage:
                prefix = f"backbone.downsample_layers.{stage}"
                x = self.conv(f"{prefix}.1", self.norm(f"{prefix}.0", x))
            for block in range(depth):
                x = self.mix(f"backbone.stages.{stage}.{block}", x)
        x = self.norm("backbone.norm", x)
        for step in range(2):
            x = self.mix(
                f"quantizer.downsample.{step}.1", self.conv(f"quantizer.downsample.{step}.0.conv", x, stride=2)
            )
        return np.stack([self.code(group, part) for group, part in enumerate(np.split(x, 8))])

    def code(self, group: int, x: Array) -> NDArray[np.int64]:
        prefix = f"quantizer.residual_fsq.rvqs.{group}.project_in"
        numbers = self.data[f"{prefix}.weight"] @ x + self.data[f"{prefix}.bias"][:, None]
        found, basis = np.zeros(x.shape[1], np.int64), 1
        for level, row in zip(LEVELS, numbers, strict=True):
            half, offset = (level - 1) * 1.001 / 2, 0.0 if level % 2 else 0.5
            for _ in range(2):
                row = np.tanh(row + math.atanh(offset / half)) * half - offset
            found += (np.rint(row).astype(np.int64) + level // 2) * basis
            basis *= level
        return found


def silu(x: Array) -> Array:
    return x / (1 + np.exp(-x))


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    return firefly_tensors(64, torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def weights(tensors: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Weights:
    path = tmp_path_factory.mktemp("firefly") / "firefly.safetensors"
    write(tensors, path)
    return Weights([path], firefly.TABLE, within="generator.")


@pytest.fixture(scope="module")
def decoder(weights: Weights) -> firefly.Decoder:
    return firefly.Decoder(weights, Plan())


@pytest.fixture(scope="module")
def encoder(weights: Weights) -> firefly.Encoder:
    return firefly.Encoder(weights, Plan())


@pytest.fixture(scope="module")
def codes() -> torch.Tensor:
    return torch.randint(0, 1000, (1, 8, 9), generator=torch.Generator().manual_seed(1))


def test_decodes_what_the_sums_say(decoder: firefly.Decoder, tensors: dict[str, torch.Tensor]) -> None:
    codes = torch.tensor([[[0, 999], [1, 998], [7, 8], [39, 40], [199, 200], [500, 3], [42, 640], [999, 0]]])
    slow = Slow(tensors).decode(codes[0].numpy())
    found = decoder.decode(codes)
    assert found.shape == (1, 1, 2 * firefly.FRAME)
    np.testing.assert_allclose(found[0].numpy(), slow, atol=2e-6)
    assert np.abs(slow).max() > 0.01


@pytest.mark.parametrize("size", [1, 2, 4, 7])
def test_pieces_are_the_whole(decoder: firefly.Decoder, codes: torch.Tensor, size: int) -> None:
    state = State()
    parts = [decoder.decode(codes[:, :, at : at + size], state) for at in range(0, codes.shape[2], size)]
    torch.testing.assert_close(torch.cat(parts, dim=2), decoder.decode(codes), atol=2e-6, rtol=0)


def test_nothing_is_heard_before_its_frame(decoder: firefly.Decoder, codes: torch.Tensor) -> None:
    other = codes.clone()
    other[:, :, 5:] = 0
    same, different = (decoder.decode(each)[0, 0] for each in (codes, other))
    torch.testing.assert_close(same[: 5 * firefly.FRAME], different[: 5 * firefly.FRAME])
    assert (same[5 * firefly.FRAME :] - different[5 * firefly.FRAME :]).abs().max() > 0.001


def test_codes_that_do_not_exist_count_as_the_last(decoder: firefly.Decoder) -> None:
    beyond, last = torch.full((1, 8, 2), 1023), torch.full((1, 8, 2), 999)  # the model has rows for 1024
    assert torch.equal(decoder.decode(beyond), decoder.decode(last))


def test_encodes_what_the_sums_say(encoder: firefly.Encoder, tensors: dict[str, torch.Tensor]) -> None:
    audio = 0.3 * torch.randn(1, 1, 4 * firefly.FRAME, generator=torch.Generator().manual_seed(2))
    spectrogram = encoder.spectrogram(audio[:, 0])
    assert spectrogram.shape == (1, 160, 16)
    slow = Slow(tensors).encode(spectrogram[0].double().numpy())
    assert encoder.encode(audio)[0].tolist() == slow.tolist()
    assert len({*slow.ravel().tolist()}) > 8


def test_the_spectrogram_is_the_slow_one(encoder: firefly.Encoder) -> None:
    audio = np.random.default_rng(3).normal(0, 0.2, 5 * 512)
    whole = np.concatenate([audio[768:0:-1], audio, audio[-2:-770:-1]])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    filters = slow_filters()
    for frame in range(5):
        size = np.sqrt(np.abs(np.fft.rfft(whole[frame * 512 :][:2048] * window)) ** 2 + 1e-6)
        wanted = np.log(np.maximum(filters @ size, 1e-5))
        found = encoder.spectrogram(torch.from_numpy(audio[None]))[0, :, frame]
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def slow_filters() -> Array:
    """Triangles between points that are equally far apart to the ear, each with an area of one hertz."""

    def mel(hertz: float) -> float:
        return hertz / (200 / 3) if hertz < 1000 else 15 + math.log(hertz / 1000) / (math.log(6.4) / 27)

    def hertz(mel: float) -> float:
        return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)

    points = [hertz(mel(22050) * place / 161) for place in range(162)]
    found = np.zeros((160, 1025))
    for row, column in product(range(160), range(1025)):
        left, middle, right = points[row : row + 3]
        at = column * 22050 / 1024
        if left < at < right:
            height = (at - left) / (middle - left) if at <= middle else (right - at) / (right - middle)
            found[row, column] = height * 2 / (right - left)
    return found


def test_a_short_sound_has_a_frame(encoder: firefly.Encoder) -> None:
    assert encoder.encode(torch.zeros(1, 1, 100)).shape == (1, 8, 1)
    assert encoder.encode(torch.zeros(1, 1, 5000)).shape == (1, 8, 2)


def test_as_large_as_the_published_file() -> None:
    full = firefly_tensors(512, torch.Generator().manual_seed(0), depths=(3, 3, 9, 3))
    count = sum(each.numel() for each in full.values())
    assert round(count * 4 / 1e6) == 188  # megabytes, as the safetensors of an independent port; the .pth has 189


def test_another_codec_is_named(tmp_path: Path) -> None:
    path = tmp_path / "codec.safetensors"
    write({"decoder.model.0.conv.weight": torch.ones(2)}, path)
    with pytest.raises(WeightsError, match=r"codec\.safetensors has no tensor quantizer\.residual_fsq\.rvqs\.0"):
        firefly.Decoder(Weights([path], firefly.TABLE), Plan())
