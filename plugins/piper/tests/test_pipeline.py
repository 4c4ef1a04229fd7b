from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest

from meadowlark.api import PipelineContext, Utterance, Value, Voice
from meadowlark_piper.doubles import write_voice
from meadowlark_piper.errors import VoiceFileError
from meadowlark_piper.pipeline import PiperPipeline
from meadowlark_piper.styles import SPEAKERS

TEXT = "The lights in the living room are on, and nobody is at home."
STYLES = {name: {"speakers": " ".join(speakers)} for name, speakers in SPEAKERS.items()}
EMOTIONAL = "de_DE-thorsten_emotional-medium"


@pytest.fixture
def utterance(voices: dict[str, Voice]) -> Utterance:
    voice = voices["en_US-double-medium"]
    return Utterance(TEXT, voice, "en-US", options=voice.options)


def opened(folder: Path, spare_bytes: int = 0, **options: Value) -> PiperPipeline:
    pipeline = PiperPipeline(PipelineContext("piper", data_dir=folder, options=options, spare_bytes=spare_bytes))
    pipeline.load()
    return pipeline


def test_the_first_chunk_is_a_quarter_of_a_second(pipeline: PiperPipeline, utterance: Utterance) -> None:
    chunks = list(pipeline.synthesize(utterance))
    assert len(chunks) > 3
    assert len(chunks[0]) == 22 * 256


def test_silence_follows_each_sentence(say: Callable[..., np.ndarray]) -> None:
    plain = say("One two. Three four.", deterministic=True, sentence_silence=0)
    quiet = say("One two. Three four.", deterministic=True, sentence_silence=0.5)
    assert len(quiet) == len(plain) + 2 * 11025
    assert not quiet[-11025:].any()
    assert quiet[-11026] != 0


def test_deterministic_is_the_same_twice_and_noise_is_not(say: Callable[..., np.ndarray]) -> None:
    assert np.array_equal(say(TEXT, deterministic=True), say(TEXT, deterministic=True))
    assert not np.array_equal(say(TEXT), say(TEXT))
    assert np.array_equal(say(TEXT, noise_scale=0, noise_w="0"), say(TEXT, deterministic="true"))


def test_length_and_volume(say: Callable[..., np.ndarray]) -> None:
    plain = say(TEXT, deterministic=True, sentence_silence=0)
    slow = say(TEXT, deterministic=True, sentence_silence=0, length_scale=2)
    assert len(slow) == 2 * len(plain)
    assert np.allclose(say(TEXT, deterministic=True, sentence_silence=0, volume=0.5), plain / 2, atol=1e-6)


def test_every_sentence_has_the_same_gain(say: Callable[..., np.ndarray]) -> None:
    """A quiet sentence stays quiet: the samples are the voice's own, whatever else is said with it."""
    alone = say("One.", deterministic=True, sentence_silence=0)
    both = say("One. The second one is a much longer sentence.", deterministic=True, sentence_silence=0)
    assert np.array_equal(both[: len(alone)], alone)


def test_a_voice_of_16_khz_lasts_as_long_at_the_engines_rate(say: Callable[..., np.ndarray]) -> None:
    low = say(TEXT, "en_US-small-x_low", deterministic=True, sentence_silence=0)
    same = say(TEXT, deterministic=True, sentence_silence=0)
    assert len(low) == pytest.approx(len(same) * 22050 / 16000, abs=2)


def test_a_style_is_spoken_by_the_speaker_of_that_name(say: Callable[..., np.ndarray]) -> None:
    neutral = say(TEXT, EMOTIONAL, deterministic=True)
    assert np.array_equal(neutral, say(TEXT, f"{EMOTIONAL}+neutral", deterministic=True))
    for name in ("amused", "angry", "disgusted", "drunk", "sleepy", "surprised"):
        styled = say(TEXT, EMOTIONAL, STYLES[name], deterministic=True)
        assert np.array_equal(styled, say(TEXT, f"{EMOTIONAL}+{name}", deterministic=True))
        assert not np.array_equal(styled, neutral)
    whispered = say(TEXT, EMOTIONAL, STYLES["whispering"], deterministic=True)
    assert np.array_equal(whispered, say(TEXT, EMOTIONAL, speaker="whisper", deterministic=True))


def test_a_speaker_who_was_asked_for_stays(say: Callable[..., np.ndarray]) -> None:
    asked = say(TEXT, EMOTIONAL, speaker="amused", deterministic=True)
    assert np.array_equal(asked, say(TEXT, EMOTIONAL, STYLES["angry"], speaker="amused", deterministic=True))


def test_a_voice_without_such_speakers_speaks_all_the_same(say: Callable[..., np.ndarray]) -> None:
    assert np.array_equal(say(TEXT, style=STYLES["angry"], deterministic=True), say(TEXT, deterministic=True))


def test_an_unknown_speaker_is_an_error_that_names_some(pipeline: PiperPipeline, voices: dict[str, Voice]) -> None:
    voice = voices[EMOTIONAL]
    with pytest.raises(ValueError, match=r"no speaker 'furious'; it has amused, angry"):
        list(pipeline.synthesize(Utterance(TEXT, voice, "de-DE", speaker="furious", options=voice.options)))


def test_a_text_that_the_voice_cannot_read_is_an_error(voices: dict[str, Voice], tmp_path: Path) -> None:
    path = write_voice(tmp_path, "en_US-letters-low", phoneme_type="text", espeak={}, language={"code": "en_US"})
    voice = Voice("en_US-letters-low", ("en-US",), options={"model": str(path)})
    with pytest.raises(ValueError, match="speaks en_US and has no sounds for this text"):
        list(opened(tmp_path).synthesize(Utterance("今日は", voice, "ja", options=voice.options)))


def test_punctuation_alone_is_a_pause(say: Callable[..., np.ndarray]) -> None:
    assert len(say("?!", sentence_silence=0)) > 0
    assert not say("…").any()
    assert len(say("")) == 0


def test_a_closed_sentence_leaves_the_next_one_right(pipeline: PiperPipeline, utterance: Utterance) -> None:
    same = replace(utterance, options={**utterance.options, "deterministic": True})
    right = np.concatenate(list(pipeline.synthesize(same)))
    for taken in (1, 2):
        chunks = pipeline.synthesize(replace(same, text=TEXT * 3))
        for _ in range(taken):
            next(chunks)
        chunks.close()
        assert np.array_equal(np.concatenate(list(pipeline.synthesize(same))), right)


def test_a_voice_of_the_catalogue_is_where_the_model_store_has_it(
    pipeline: PiperPipeline, utterance: Utterance, tmp_path: Path
) -> None:
    model = write_voice(tmp_path / "one", "stored")
    description = Path(f"{model}.json").rename(tmp_path / "elsewhere.json")
    files = {"en_US-x-low.onnx": str(model), "en_US-x-low.onnx.json": str(description)}
    voice = Voice("en_US-x-low", ("en-US",), options={"model": "en_US-x-low.onnx"})
    assert sum(map(len, pipeline.synthesize(Utterance(TEXT, voice, "en-US", options=voice.options, files=files)))) > 0
    last = (pipeline.context.data_dir / "last-voice").read_text()
    assert last.splitlines() == [str(model), str(description)]


def test_the_voice_that_spoke_last_is_open_after_a_reload(
    tmp_path: Path, utterance: Utterance, caplog: pytest.LogCaptureFixture
) -> None:
    list(opened(tmp_path).synthesize(utterance))
    with caplog.at_level(logging.INFO):
        reloaded = opened(tmp_path)
        reloaded.warm_up()
        assert "Loaded en_US-double-medium" in caplog.text
        caplog.clear()
        list(reloaded.synthesize(utterance))
        assert "Loaded" not in caplog.text


def test_the_voice_that_was_silent_longest_is_closed(
    tmp_path: Path, voices: dict[str, Voice], utterance: Utterance, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = opened(tmp_path, voices_in_memory=1)
    other = voices["en_US-small-x_low"]
    with caplog.at_level(logging.INFO):
        for voice in (utterance.voice, other, utterance.voice):
            list(pipeline.synthesize(replace(utterance, voice=voice, options=voice.options)))
    assert caplog.text.count("Loaded") == 3


@pytest.mark.parametrize(("spare", "openings", "kept"), [(0, 6, False), (100_000_000, 3, True)])
def test_three_voices_in_turn_stay_open_where_there_is_memory(
    tmp_path: Path, voices: dict[str, Voice], caplog: pytest.LogCaptureFixture, spare: int, openings: int, kept: bool
) -> None:
    pipeline = opened(tmp_path, spare)
    with caplog.at_level(logging.INFO):
        for name in ("en_US-double-medium", "en_US-small-x_low", EMOTIONAL) * 2:
            list(pipeline.synthesize(Utterance("One.", voices[name], "en-US", options=voices[name].options)))
    assert caplog.text.count("Loaded") == openings
    assert bool(pipeline.kept_bytes) == kept


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("length_scale", 0, "use a number from 0.25 to 4"),
        ("noise_w", "loud", "use a number from 0 to 2"),
        ("noise_scale", True, "use a number from 0 to 2"),
        ("threads", 1.5, "use a whole number from 0 to 64"),
        ("voices_in_memory", 0, "use a whole number from 1 to 16"),
        ("deterministic", "maybe", "use true or false"),
        ("speed", 2, "piper has no option 'speed'. It has: length_scale,"),
    ],
)
def test_a_wrong_option_is_named_at_load(tmp_path: Path, key: str, value: Value, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        opened(tmp_path, **{key: value})
    assert key in str(caught.value)


def test_sentences_that_take_turns_sound_as_they_do_alone(pipeline: PiperPipeline, voices: dict[str, Voice]) -> None:
    """Chunk by chunk; of one voice, and of more voices than are kept open."""
    names = ("en_US-double-medium", "en_US-double-medium", "en_US-small-x_low", EMOTIONAL, "en_US-double-medium")
    utterances = [
        Utterance(TEXT[9 * n :], voices[name], "en-US", options={"deterministic": True, **voices[name].options})
        for n, name in enumerate(names)
    ]
    alone = [np.concatenate(list(pipeline.synthesize(each))) for each in utterances]
    speaking = [pipeline.synthesize(each) for each in utterances]
    rounds = list(zip_longest(*speaking))
    assert len(rounds) > 3
    for number, whole in enumerate(alone):
        assert np.array_equal(np.concatenate([each[number] for each in rounds if each[number] is not None]), whole)


def test_a_voice_is_opened_before_its_sentence(voices: dict[str, Voice], tmp_path: Path) -> None:
    fresh = opened(tmp_path)
    voice = voices["en_US-double-medium"]
    utterance = Utterance(TEXT, voice, "en-US", options={"deterministic": True, **voice.options})
    fresh.prepare(utterance)
    moved = replace(utterance, options={**utterance.options, "model": str(tmp_path / "gone.onnx")})
    with pytest.raises(VoiceFileError):
        fresh.prepare(moved)
    assert len(list(fresh.synthesize(utterance))) > 3
