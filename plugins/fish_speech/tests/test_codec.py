# ruff: noqa: E402  torch may be absent
"""The codec on processors is the plain one, computed otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
from safetensors.torch import load_file

from meadowlark.kit import parity, weights
from meadowlark.kit.packed import can_pack
from meadowlark.kit.precision import Plan
from meadowlark.kit.stream import State
from meadowlark.kit.weights import Weights
from meadowlark_fish_speech import codec, codec_packed
from meadowlark_fish_speech.doubles import codec_tensors
from meadowlark_fish_speech.parity import AUDIO, PIECES

needs_packing = pytest.mark.skipif(not can_pack(), reason="torch packs nothing on this machine")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random codec of 16 channels, its snakes as different as in speech."""
    generator = torch.Generator().manual_seed(0)
    tensors = codec_tensors(16, generator)
    for name, tensor in tensors.items():
        if name.endswith("alpha"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 2 + 0.1)
    path = tmp_path_factory.mktemp("codec") / "codec.safetensors"
    weights.write(tensors, path)
    return path


def opened(path: Path) -> Weights:
    return Weights([path], codec.TABLE)


def random_codes(batch: int, frames: int) -> torch.Tensor:
    return torch.randint(0, 1024, (batch, 10, frames), generator=torch.Generator().manual_seed(frames))


@needs_packing
def test_packed_waves_are_upstreams(dac) -> None:
    waves = codec_packed.Waves(codec_packed.reader(opened(dac.file), Plan()), 4)
    latents, wanted = dac.trace["upsample"].transpose(1, 2), dac.trace["audio"].transpose(1, 2)
    with torch.inference_mode():
        parity.require([parity.within("audio", waves(latents, State()), wanted, AUDIO)])
        for size in PIECES:
            state = State()
            parts = [waves(part, state) for part in latents.split(size, dim=1)]
            parity.require([parity.within(f"audio, {size} at a time", torch.cat(parts, dim=1), wanted, AUDIO)])


@needs_packing
def test_packed_sound_is_the_plain_one(tiny: Path) -> None:
    plain, packed = codec.Decoder(opened(tiny), Plan()), codec_packed.PackedDecoder(opened(tiny), Plan())
    codes = random_codes(2, 35)
    wanted = plain.decode(codes)
    assert wanted.shape == (2, 1, 35 * codec.FRAME)
    assert wanted.abs().max() > 0.01
    torch.testing.assert_close(packed.decode(codes), wanted, atol=AUDIO, rtol=0)


@needs_packing
@pytest.mark.parametrize("size", [*PIECES, 20])
def test_packed_sound_in_pieces_is_the_whole(tiny: Path, size: int) -> None:
    packed, codes, state = codec_packed.PackedDecoder(opened(tiny), Plan()), random_codes(1, 21), State()
    parts = [packed.decode(part, state) for part in codes.split(size, dim=2)]
    torch.testing.assert_close(torch.cat(parts, dim=2), packed.decode(codes), atol=1e-6, rtol=0)


@pytest.mark.skipif(not can_pack(torch.bfloat16), reason="torch packs no bfloat16 on this machine")
def test_bfloat16_is_close(tiny: Path) -> None:
    codes, half = random_codes(1, 12), Plan(dtype=torch.bfloat16)
    wanted = codec.Decoder(opened(tiny), Plan()).decode(codes)
    noises = [
        (each(opened(tiny), half).decode(codes).float() - wanted).square().mean()
        for each in (codec.Decoder, codec_packed.PackedDecoder)
    ]
    ratios = [10 * torch.log10(wanted.square().mean() / noise).item() for noise in noises]
    assert min(ratios) > 30, ratios
    assert abs(ratios[0] - ratios[1]) < 3, ratios


def test_a_recording_in_pieces_has_the_codes_of_the_whole(tiny: Path) -> None:
    """However long it is, no more is at work than 1.5 s."""
    encoder = codec.Encoder(opened(tiny), Plan())
    audio = torch.randn(1, 1, 70 * codec.FRAME - 900, generator=torch.Generator().manual_seed(0)) * 0.1
    with torch.inference_mode():
        whole = torch.nn.functional.pad(audio, (0, 900))
        wanted = encoder.quantize(encoder.pre(encoder.downsample(encoder.features(whole))))
    assert encoder.encode(audio).shape == (1, 10, 70)
    assert (encoder.encode(audio) == wanted).float().mean() > 0.999  # a code between two others may round otherwise
    if can_pack():
        packed = codec_packed.PackedEncoder(opened(tiny), Plan())
        assert (packed.encode(audio) == wanted).float().mean() > 0.999


def test_a_flat_snake(tiny: Path, tmp_path: Path) -> None:
    """Upstream divides by alpha + 1e-9; folding must not divide by zero."""
    tensors = load_file(tiny)
    for name in tensors:
        if name.endswith("alpha"):
            tensors[name][:, ::3] = 0
            tensors[name][:, 1::3] *= -1
    path = tmp_path / "flat.safetensors"
    weights.write(tensors, path)
    wanted = codec.Decoder(opened(path), Plan()).decode(random_codes(1, 4))
    sound = codec_packed.decoder(opened(path), Plan()).decode(random_codes(1, 4))
    torch.testing.assert_close(sound, wanted, atol=AUDIO, rtol=0)


def test_what_computes_where(tiny: Path) -> None:
    """Packed where torch can; what packing does not know is computed plainly."""
    wanted = codec_packed.PackedDecoder if can_pack() else codec.Decoder
    assert type(codec_packed.decoder(opened(tiny), Plan())) is wanted
    assert type(codec_packed.decoder(opened(tiny), Plan(dtype=torch.float16))) is codec.Decoder
    assert type(codec_packed.encoder(opened(tiny), Plan(dtype=torch.float64))) is codec.Encoder
