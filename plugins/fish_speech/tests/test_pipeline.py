"""The pipeline on a tiny random checkpoint in the official layout, and on what people get wrong."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

import soundfile

from meadowlark.api import PipelineContext, Utterance, Value, Voice
from meadowlark.kit.kvcache import length_for
from meadowlark.kit.references import VoiceReferenceError
from meadowlark.kit.tape import Tape
from meadowlark.kit.weights import WeightsError
from meadowlark_fish_speech import LANGUAGES, codec, s1, s2
from meadowlark_fish_speech.captured import Captured
from meadowlark_fish_speech.checkpoint import CheckpointError
from meadowlark_fish_speech.company import RESERVE_BYTES
from meadowlark_fish_speech.config import ConfigError
from meadowlark_fish_speech.doubles import write_s1, write_s2
from meadowlark_fish_speech.generate import Speech
from meadowlark_fish_speech.pipeline import DRAWING_SECONDS, FishPipeline
from meadowlark_fish_speech.sampler import Manner, RandomNoise, S1Sampler
from meadowlark_fish_speech.text import cut


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    write_s1(home / "voices" / "fish_speech")
    return home


def make(home: Path, data: str = "data", **options: Value) -> FishPipeline:
    return FishPipeline(
        PipelineContext("fish_speech", data_dir=home / data, voice_dir=home / "voices", options=options)
    )


@pytest.fixture(scope="session")
def pipeline(home: Path) -> FishPipeline:
    pipeline = make(home, quality="quality")  # pieces are compared with the whole, to the last digits
    pipeline.load()
    pipeline.warm_up()
    return pipeline


def say(pipeline: FishPipeline, text: str, voice: Voice | None = None, **options: Value) -> list[np.ndarray]:
    voice = voice or s1().voices[0]
    chunks = pipeline.synthesize(Utterance(text, voice, "en-US", options={**options, **voice.options}))
    return [chunk for chunk in chunks if len(chunk)]  # an empty one gives others their turn


def test_others_are_spoken_while_a_timbre_is_drawn(home: Path) -> None:
    pipeline = make(home, data="drawing", quality="quality")
    pipeline.load()
    voice = s1().voices[0]
    utterance = Utterance("Hi.", voice, "en-US", options={**voice.options, "timbre": 9})
    drawing = [next(chunks) for chunks in [pipeline.synthesize(utterance)] for _ in range(3)]
    assert [len(each) for each in drawing] == [0, 0, 0]
    heard = pipeline.synthesize(utterance)
    while not len(next(heard)):
        pass
    heard.close()
    assert pipeline._timbres.codes(9).shape[0] == 10


def test_a_slow_machine_draws_a_part_while_it_loads(home: Path) -> None:
    pipeline = make(home, data="slow", quality="quality")
    pipeline.load()
    pipeline._step_seconds = DRAWING_SECONDS / 3
    pipeline._draw_ahead(5)
    assert len(pipeline._timbres._begun[5].drawn) == 3
    pipeline._step_seconds = DRAWING_SECONDS / 1000
    pipeline._draw_ahead(5)
    assert not pipeline._timbres._begun
    assert list(pipeline._timbres.drawing(5)) == []


def test_is_heard_before_it_is_computed(pipeline: FishPipeline) -> None:
    chunks = say(pipeline, "Hello there.")
    assert len(chunks) > 2
    assert all(chunk.dtype == np.float32 and np.isfinite(chunk).all() for chunk in chunks)
    assert all(np.abs(chunk).max() <= 1 for chunk in chunks)
    assert len(chunks[0]) < sum(map(len, chunks)) / 4


def test_pieces_are_the_whole(pipeline: FishPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = np.concatenate(say(pipeline, "Hello there.", seed=3))
    monkeypatch.setattr(pipeline, "_step_seconds", 10.0)  # so slow that it begins late
    late = say(pipeline, "Hello there.", seed=3)
    assert len(late[0]) >= 8 * codec.FRAME
    np.testing.assert_allclose(np.concatenate(late), pieces, atol=1e-5)


def test_a_prompt_read_once_gives_the_same(pipeline: FishPipeline) -> None:
    samples, _ = pipeline._samples(Utterance("Hi.", s1().voices[0], "en-US", options={"timbre": 1}))
    prompt = pipeline._prompt("Hi there.", samples)

    def speak(prefix: object) -> list[list[int]]:
        sampler = S1Sampler(Manner(top_p=1e-6), RandomNoise(0))
        return [frame.tolist() for frame in Speech(pipeline._speaker, prompt.whole, sampler, 6, prefix)]

    assert speak(None) == speak(pipeline._speaker.prefix(prompt.voice))


def test_timbre_outlives_the_process(home: Path, pipeline: FishPipeline) -> None:
    again = make(home, quality="quality")
    again.load()
    once, twice = (each._timbres.codes(2) for each in (pipeline, again))
    assert once.tolist() == twice.tolist()
    assert once.tolist() != pipeline._timbres.codes(3).tolist()
    assert once.shape[0] == 10
    assert once.shape[1] > 20


def test_converted_once(home: Path, pipeline: FishPipeline) -> None:
    made = home / "voices" / "fish_speech" / "model.converted.safetensors"
    assert made.is_file()
    before = made.stat().st_mtime_ns
    make(home, "other").load()
    assert made.stat().st_mtime_ns == before
    assert (home / "voices" / "fish_speech" / "codec.converted.safetensors").is_file()


@pytest.mark.parametrize("quality", ["fast", "balanced", "quality"])
def test_every_quality_speaks(home: Path, quality: str) -> None:
    pipeline = make(home, quality=quality)
    pipeline.load()
    pipeline.warm_up()
    assert np.abs(np.concatenate(say(pipeline, "Hi."))).max() > 0.001


@pytest.mark.timeout(60)  # the tape's first use loads much of torch: 5 s on a busy machine
def test_a_gpu_speaks_as_many_as_its_memory_allows(home: Path, pipeline: FishPipeline) -> None:
    """All of a GPU's way, from recorded frames: the tape stands for its graphs, and a number for free memory."""
    context = PipelineContext(
        "fish_speech", data_dir=home / "data", voice_dir=home / "voices", options={"quality": "quality"}
    )
    asked: list[str] = []

    def free(device: str) -> int:
        asked.append(device)
        place = pipeline._speaker.model.cache(pipeline._speaker.config.context).bytes
        return RESERVE_BYTES + 2 * place + place // 2

    recorded = FishPipeline(context, free=free, recorder=Tape())
    recorded.load()
    assert (recorded.places, asked) == (2, ["cpu"])
    recorded.warm_up()
    assert isinstance(recorded._speaker, Captured)
    assert recorded._speaker.batch.free == 2
    voice = s1().voices[0]

    def begun(by: FishPipeline) -> tuple[list[Iterator[np.ndarray]], list[np.ndarray]]:
        options = {**voice.options, "seed": 1}
        open_ones = [by.synthesize(Utterance(text, voice, "en-US", options=options)) for text in ("Yes.", "No?")]
        return open_ones, [next(chunk for chunk in each if len(chunk)) for each in open_ones]

    open_ones, heard = begun(recorded)
    assert recorded._speaker.batch.free == 0
    for each in open_ones:
        each.close()
    assert recorded._speaker.batch.free == 2
    for found, wanted in zip(heard, begun(pipeline)[1], strict=True):
        count = min(len(found), len(wanted))
        np.testing.assert_allclose(found[:count], wanted[:count], atol=1e-4)


def test_s2_speaks(tmp_path: Path) -> None:
    write_s2(tmp_path / "voices" / "fish_speech_s2")
    context = PipelineContext("fish_speech_s2", data_dir=tmp_path / "data", voice_dir=tmp_path / "voices")
    pipeline = FishPipeline(context)
    pipeline.load()
    pipeline.warm_up()
    voice = s2().voices[1]
    utterance = Utterance("Hi.", voice, "en-US", style="[angry]", options=voice.options)
    chunks = list(pipeline.synthesize(utterance))
    assert len(chunks) > 2
    assert np.abs(np.concatenate(chunks)).max() > 0.001
    (tmp_path / "voices" / "fish_speech_s2" / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model-00002-of-00002\.safetensors of fishaudio/s2-pro is missing"):
        FishPipeline(context).load()


def write_voice(home: Path, name: str, samples: np.ndarray, text: str = "the world", rate: int = 24000) -> Voice:
    folder = home / "voices" / "references"
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / f"{name}.wav", samples, rate)
    (folder / f"{name}.txt").write_text(text)
    return voice_of(home, name)


def voice_of(home: Path, name: str) -> Voice:
    recording = home / "voices" / "references" / f"{name}.wav"
    return Voice(name, ("en-US",), options={"reference": str(recording)})


def tone(seconds: float, rate: int = 24000) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * rate)) / rate)


def test_a_reference_is_encoded_once(home: Path, pipeline: FishPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = write_voice(home, "anna", tone(3.0))
    first = np.concatenate(say(pipeline, "Hi.", voice, seed=1))

    def never(*_: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(pipeline, "_encode", never)
    again = np.concatenate(say(pipeline, "Hi.", voice, seed=1))  # cut into pieces as time has it
    np.testing.assert_allclose(again, first, atol=1e-6)


def test_a_recording_may_be_exchanged(home: Path, pipeline: FishPipeline) -> None:
    """For one of the same name, length and text: cleaned of noise, say."""

    def sung(hertz: float) -> np.ndarray:
        voice = write_voice(home, "eve", 0.3 * np.sin(2 * np.pi * hertz * np.arange(72000) / 24000))
        return np.concatenate(say(pipeline, "Hi.", voice, seed=1))

    low, high = sung(220), sung(330)
    fresh = make(home, quality="quality")
    fresh.load()
    again = np.concatenate(say(fresh, "Hi.", voice_of(home, "eve"), seed=1))
    np.testing.assert_allclose(high[:2048], again[:2048], atol=1e-6)  # in pieces of other lengths: rounded otherwise
    assert not np.allclose(low[:2048], high[:2048], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "samples", "complaint"),
    [
        ("silent", np.zeros(72000), "is silent"),
        ("short", tone(1.0), r"has 1\.0 s of speech, 2 s at least"),
        ("long", tone(600.0, 8000), "lasts .* s, 60 s at most"),
        ("clipped", np.sign(tone(3.0)), "is clipped"),
    ],
)
def test_bad_references_are_refused(
    home: Path, pipeline: FishPipeline, name: str, samples: np.ndarray, complaint: str
) -> None:
    voice = write_voice(home, name, samples)
    with pytest.raises(VoiceReferenceError, match=f"{name}.wav {complaint}"):
        say(pipeline, "Hi.", voice)
    assert say(pipeline, "Hi.")  # the pipeline is well


def test_unknown_language_and_strange_texts(pipeline: FishPipeline) -> None:
    voice = s1().voices[0]
    assert list(pipeline.synthesize(Utterance("Qapla'", voice, "tlh", options=voice.options)))
    emoji = np.concatenate(say(pipeline, "😀👍🏽"))
    assert 0 < len(emoji) < 44100
    assert "en-US" in LANGUAGES


def test_long_text_is_cut_where_it_may_be() -> None:
    text = " ".join(["word"] * 1000)
    parts = list(cut(text, 400))
    assert " ".join(parts) == text
    assert all(len(part.encode()) <= 400 for part in parts)
    letters = list(cut("ä" * 5000, 400))
    assert "".join(letters).replace(" ", "") == "ä" * 5000
    assert all(len(part.encode()) <= 400 for part in letters)
    assert list(cut("  ", 400)) == []


def test_without_a_checkpoint_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"huggingface\.co/fishaudio/s1-mini.*HF_TOKEN"):
        make(tmp_path).load()


@pytest.mark.parametrize("file", ["model.pth", "codec.pth"])
def test_a_truncated_file_is_named(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "voices" / "fish_speech"
    write_s1(folder)
    path = folder / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError, match=file):
        make(tmp_path).load()


def test_another_models_checkpoint_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "voices" / "fish_speech"
    write_s1(folder)
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "intermediate_size": 64}))
    with pytest.raises(WeightsError, match=r"layers\.0\.feed_forward\.w1\.weight has the shape \(32, 32\).*another"):
        make(tmp_path).load()
    (folder / "config.json").write_text(json.dumps({**values, "n_layer": 2}))
    with pytest.raises(WeightsError, match=r"no tensor layers\.1\.attention"):
        make(tmp_path).load()
    (folder / "config.json").write_text(json.dumps({**values, "model_type": "llama"}))
    with pytest.raises(ConfigError, match="llama"):
        make(tmp_path).load()


def test_wrong_options_are_named(home: Path) -> None:
    with pytest.raises(ValueError, match=r"temperature is 9; allowed is 0\.1 to 1\.5"):
        make(home, temperature=9).load()
    with pytest.raises(ValueError, match="unknown option 'temprature'"):
        make(home, temprature=1).load()
    with pytest.raises(ValueError, match="quality is 'best'"):
        make(home, quality="best").load()


def test_a_prompt_beyond_the_context_is_refused() -> None:
    with pytest.raises(ValueError, match="a prompt of 300 tokens; the model's context has 256"):
        length_for(300, 10, 256)
