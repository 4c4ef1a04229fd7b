# ruff: noqa: E402  torch may be absent
"""The models compute what upstream computes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
from safetensors.torch import load_file

from meadowlark.kit import parity
from meadowlark.kit.precision import Plan
from meadowlark.kit.stream import State
from meadowlark.kit.weights import Weights
from meadowlark_fish_speech import codec, codec_packed
from meadowlark_fish_speech.parity import AUDIO, LOGITS, PIECES, codec_checks, language_checks

WHOLE = os.environ.get("MEADOWLARK_GOLDEN", "")
"""A folder with the whole golden data (s1_tiny, s2_tiny, dac_tiny); the repository holds a cut of it."""


@pytest.mark.parametrize("run", ["greedy_ref", "sampled_ref"])
def test_s1(s1, run: str) -> None:
    about = s1.about
    parity.require(language_checks(s1.file, about["model"], about["tokens"], run, about["runs"][run], s1.trace))


@pytest.mark.parametrize("run", ["greedy_ref", "sampled_ras"])
def test_s2(s2, run: str) -> None:
    about = s2.about
    parity.require(language_checks(s2.file, about["model"], about["tokens"], run, about["runs"][run], s2.trace))


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx", reason="graphs are written with onnx")
    return tmp_path_factory.mktemp("graphs")


@pytest.mark.parametrize(
    ("name", "run"),
    [("s1", "greedy_ref"), ("s1", "sampled_ref"), ("s2", "greedy_ref"), ("s2", "sampled_ras")],
)
def test_onnx_runtime(request: pytest.FixtureRequest, graphs: Path, name: str, run: str) -> None:
    golden = request.getfixturevalue(name)
    about = golden.about
    checks = language_checks(
        golden.file, about["model"], about["tokens"], run, about["runs"][run], golden.trace, graphs
    )
    parity.require(checks)
    assert len(checks) == 3


class _Waves(codec.Decoder):
    """The convolutions alone, of which the golden weights are here."""

    def __init__(self, weights: Weights) -> None:
        read = codec.Reader(weights, Plan())
        self._build_waves(read)


def test_codec(dac) -> None:
    waves = _Waves(Weights([dac.file], codec.TABLE))
    latents, wanted = dac.trace["upsample"], dac.trace["audio"]
    with torch.inference_mode():
        parity.require([parity.within("audio", waves.waves(latents), wanted, AUDIO)])
        for size in PIECES:
            state = State()
            parts = [waves.waves(latents[:, :, at : at + size], state) for at in range(0, latents.shape[2], size)]
            parity.require([parity.within(f"audio, {size} at a time", torch.cat(parts, dim=2), wanted, AUDIO)])


@pytest.mark.skipif(not WHOLE, reason="MEADOWLARK_GOLDEN names no folder")
@pytest.mark.parametrize("name", ["s1_tiny", "s2_tiny"])
def test_whole_golden_runs(name: str, graphs: Path) -> None:
    folder = Path(WHOLE) / name
    meta, model = (json.loads((folder / f"{each}.json").read_text()) for each in ("meta", "config"))
    trace = load_file(folder / "trace.safetensors")
    checks = []
    for run, settings in meta.items():
        if run != "_":
            for place in (None, graphs):
                file = folder / "model.safetensors"
                checks += language_checks(file, model, meta["_"], run, settings, trace, place)
    parity.require(checks)
    assert len(checks) >= 30, LOGITS


@pytest.mark.skipif(not WHOLE, reason="MEADOWLARK_GOLDEN names no folder")
@pytest.mark.parametrize("way", [codec, codec_packed], ids=["plain", "as here"])
def test_whole_golden_codec(way) -> None:
    weights = Weights([Path(WHOLE) / "dac_tiny" / "model.safetensors"], codec.TABLE)
    config, plain = codec.CodecConfig(window=8), way is codec
    decoder = (codec.Decoder if plain else codec_packed.decoder)(weights, Plan(), config)
    encoder = (codec.Encoder if plain else codec_packed.encoder)(weights, Plan(), config)
    weights.finish()
    trace = load_file(Path(WHOLE) / "dac_tiny" / "trace.safetensors")
    parity.require(codec_checks(decoder, trace, encoder))
