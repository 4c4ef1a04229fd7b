"""Packed weights are made once, made anew where they are damaged, and speak where nothing can be kept."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
pytest.importorskip("onnxruntime", reason="Fish-Speech needs onnxruntime: script/setup fish_speech")
pytest.importorskip("onnx", reason="Fish-Speech needs onnx: script/setup fish_speech")

from meadowlark.api import PipelineContext
from meadowlark.kit.ort import Compute
from meadowlark.kit.ort_decoder import Decoder, GraphError, Shape
from meadowlark.kit.precision import Bits
from meadowlark.kit.weights import Weights, WeightsError, write
from meadowlark_fish_speech.config import config_of
from meadowlark_fish_speech.doubles import write_s1
from meadowlark_fish_speech.generate import Speech
from meadowlark_fish_speech.model import TABLE, Tokens
from meadowlark_fish_speech.ort_speaker import OrtSpeaker, _opened
from meadowlark_fish_speech.pipeline import FishPipeline
from meadowlark_fish_speech.sampler import Manner, RandomNoise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


def speaker(golden, folder: Path, bits: Bits = Bits.INT4, weights: Weights | None = None) -> OrtSpeaker:
    known = golden.about["tokens"]
    tokens = Tokens(known["semantic_begin_id"], known["semantic_end_id"], known["im_end"])
    weights = weights or Weights([golden.file], TABLE)
    return OrtSpeaker(weights, config_of(golden.about["model"]), tokens, bits, folder, threads=1)


def frames(speaks: OrtSpeaker, prompt: torch.Tensor, prefix: object = None) -> list[list[int]]:
    sampler = speaks.sampler(Manner(), RandomNoise(3))
    return [frame.tolist() for frame in Speech(speaks, prompt, sampler, 6, prefix)]


@pytest.mark.parametrize("bits", [Bits.INT4, Bits.INT8])
def test_the_second_load_finds_the_graphs(s1, folder: Path, bits: Bits) -> None:
    prompt = s1.trace["greedy_ref.prompt"].long()
    first = frames(speaker(s1, folder, bits), prompt)
    made = {path: path.stat().st_mtime_ns for path in folder.glob("*/*")}
    assert frames(speaker(s1, folder, bits), prompt) == first
    assert made == {path: path.stat().st_mtime_ns for path in folder.glob("*/*")}


def test_another_tokenizer_has_graphs_of_its_own(s1, tmp_path: Path) -> None:
    """As many rows of the head, but others."""
    known, weights = s1.about["tokens"], Weights([s1.file], TABLE)
    for stop in (known["im_end"], known["im_end"] - 1):
        tokens = Tokens(known["semantic_begin_id"], known["semantic_end_id"], stop)
        OrtSpeaker(weights, config_of(s1.about["model"]), tokens, Bits.INT4, tmp_path, threads=1)
    assert len([each for each in tmp_path.iterdir() if each.is_dir()]) == 2


def test_speaks_behind_a_prefix(s1, folder: Path) -> None:
    prompt = s1.trace["greedy_ref.prompt"].long()
    speaks = speaker(s1, folder, Bits.FULL)
    assert frames(speaks, prompt, speaks.prefix(prompt[:, :30])) == frames(speaks, prompt)


def test_damaged_graphs_are_made_again(s1, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    prompt = s1.trace["greedy_ref.prompt"].long()
    first = frames(speaker(s1, tmp_path), prompt)
    (damaged,) = tmp_path.glob("*/slow.weights")
    damaged.write_bytes(damaged.read_bytes()[:1000])
    assert frames(speaker(s1, tmp_path), prompt) == first
    assert "slow.onnx cannot be opened" in caplog.text
    assert "it is made again" in caplog.text


def test_another_models_weights_are_refused(s1, tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    whole = Weights([s1.file], TABLE)
    names = ("embeddings.weight", "codebook_embeddings.weight", "fast_embeddings.weight")
    write({name: whole.take(name).clone() for name in names}, file)
    with pytest.raises(WeightsError, match=r"other\.safetensors has no tensor"):
        speaker(s1, tmp_path / "graphs", weights=Weights([file], TABLE))
    assert not list((tmp_path / "graphs").glob("*/"))


def test_a_pipeline_speaks_where_nothing_can_be_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_s1(tmp_path / "voices" / "fish_speech")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "graphs").write_text("a file where the folder should be")
    context = PipelineContext(
        "fish_speech", data_dir=tmp_path / "data", voice_dir=tmp_path / "voices", options={"quality": "fast"}
    )
    pipeline = FishPipeline(context)
    pipeline.load()
    pipeline.warm_up()
    assert "Packed weights cannot be kept" in caplog.text
    assert pipeline._step_seconds > 0


def test_good_graphs_outlive_a_lack_of_memory(tmp_path: Path) -> None:
    """They are not made anew, which needs more of it; the core hears what was short."""
    made: list[Path] = []

    def make(place: Path) -> None:
        made.append(place)
        for name in ("slow", "fast"):
            (place / f"{name}.onnx").write_bytes(b"good")

    shape = Shape(layers=1, dim=32, heads=2, kv_heads=1, head_dim=16, hidden=32, head_rows=8, norm_eps=1e-6)

    def opened(said: str) -> None:
        def session(*_: object, **__: object) -> None:
            raise RuntimeError(said)

        def opens(path: Path, shape: Shape, compute: Compute) -> Decoder:
            return Decoder(path, shape, compute, session=session)

        _opened(tmp_path, "key", make, (shape, shape), Bits.INT4, Compute(threads=1), opens)

    for _ in range(2):
        with pytest.raises(RuntimeError, match="bad_alloc") as caught:
            opened("Exception during initialization: std::bad_alloc")
        assert not isinstance(caught.value, GraphError)
        assert (tmp_path / "key" / "slow.onnx").read_bytes() == b"good"
    assert len(made) == 1
    with pytest.raises(GraphError, match=r"slow\.onnx cannot be opened: Load model failed"):
        opened("Load model failed")
    assert len(made) == 2
