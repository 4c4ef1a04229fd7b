from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from meadowlark.api import EngineManifest, PipelineContext, Pronunciation, Utterance
from meadowlark_espeak.pipeline import EspeakPipeline
from meadowlark_espeakng.errors import UnknownVoiceError

TEXT = "The lights in the living room are on, and nobody is at home."


@pytest.fixture
def utterance(manifest: EngineManifest) -> Utterance:
    voice = next(voice for voice in manifest.voices if voice.id == "en-us")
    return Utterance(TEXT, voice, "en-US", options=voice.options)


def test_every_advertised_voice_speaks(manifest: EngineManifest, say: Callable) -> None:
    for voice in manifest.voices:
        pcm = say("Hello 123 abc.", voice.id)
        assert len(pcm) > 22050, voice.id
        assert pcm.count(0) < len(pcm) / 2, voice.id


def test_women_speak_higher_than_men(say: Callable, listen: Callable) -> None:
    for language in ("en-us", "de", "cs", "ja"):
        woman, base, man = (listen(say(TEXT, f"{language}{variant}")) for variant in ("+f2", "", "+m3"))
        assert woman.pitch > 1.3 * max(base.pitch, man.pitch)


def test_every_variant_speaks(manifest: EngineManifest, say: Callable) -> None:
    for variant in manifest.variants:
        assert say("Hello.", variant=variant).strip(b"\0"), variant


def test_a_variant_by_name_wins_over_that_of_the_voice_and_that_over_the_users(say: Callable, listen: Callable) -> None:
    assert listen(say(TEXT, "en-us+m3", variant="f2")).pitch > 140
    options = {"variant": "f2"}
    assert listen(say(TEXT, "en-us", options=options)).pitch > 140
    assert listen(say(TEXT, "en-us+m3", options=options)).pitch < 130


def test_a_given_pronunciation_is_spoken(pipeline: EspeakPipeline, utterance: Utterance) -> None:
    def length(text: str, *pronunciations: Pronunciation) -> int:
        said = replace(utterance, text=text, pronunciations=pronunciations)
        return sum(map(len, pipeline.synthesize(said)))

    by_ipa = length("Ask Bo now.", Pronunciation(4, 6, "ˈmɛdoʊlɑːɹk"))
    assert by_ipa == pytest.approx(length("Ask Meadowlark now."), rel=0.04)
    assert by_ipa > 1.15 * length("Ask Bo now.")
    assert length("Ask Bo now.", Pronunciation(4, 6, "☃")) == pytest.approx(length("Ask Bo now."), rel=0.02)


def test_an_unknown_variant_is_an_error(pipeline: EspeakPipeline, utterance: Utterance) -> None:
    with pytest.raises(UnknownVoiceError, match="f99"):
        list(pipeline.synthesize(replace(utterance, variant="f99")))


def test_an_unknown_voice_is_an_error(pipeline: EspeakPipeline, utterance: Utterance) -> None:
    unknown = replace(utterance.voice, options={"identifier": "gmw/xx"})
    with pytest.raises(UnknownVoiceError, match="gmw/xx"):
        list(pipeline.synthesize(replace(utterance, voice=unknown)))


def test_blocks_are_short_and_come_early(pipeline: EspeakPipeline, utterance: Utterance) -> None:
    blocks = list(pipeline.synthesize(utterance))
    assert len(blocks) > 20
    assert all(len(block) / 2 / 22050 < 0.11 for block in blocks)


def test_a_closed_sentence_leaves_the_next_one_right(pipeline: EspeakPipeline, utterance: Utterance) -> None:
    right = sum(map(len, pipeline.synthesize(utterance)))
    for taken in (1, 2, 10):
        blocks = pipeline.synthesize(replace(utterance, text=TEXT * 50))
        for _ in range(taken):
            next(blocks)
        blocks.close()
        assert sum(map(len, pipeline.synthesize(utterance))) == pytest.approx(right, rel=0.01)


def test_sentences_spoken_one_by_one_last_as_long_as_together(say: Callable) -> None:
    one_by_one = len(say("It is cold.")) + len(say("Close the door.")) + len(say("Is that all?"))
    assert one_by_one == pytest.approx(len(say("It is cold. Close the door. Is that all?")), rel=0.03)


def test_an_utterance_without_text_is_silent(pipeline: EspeakPipeline, utterance: Utterance) -> None:
    assert list(pipeline.synthesize(replace(utterance, text=""))) == []


@pytest.mark.parametrize("text", ["…", "—", " ", "!?", "\u200b"])
def test_text_without_words_is_a_pause(pipeline: EspeakPipeline, utterance: Utterance, text: str) -> None:
    assert b"".join(pipeline.synthesize(replace(utterance, text=text)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("rate", value) for value in (79, 451, "fast", 120.5, True, "")),
        *(("pitch", value) for value in (-1, 100, "nan")),
        *(("range", value) for value in (-1, 100)),
        *(("volume", value) for value in (-1, 201, "inf")),
        *(("word_gap", value) for value in (-1, 201)),
    ],
)
def test_a_wrong_option_names_key_value_and_range(utterance: Utterance, key: str, value: object) -> None:
    pipeline = EspeakPipeline(PipelineContext("espeak", options={key: value}))  # type: ignore[dict-item]
    with pytest.raises(ValueError, match=rf"option {key} = .*: use a whole number from \d+ to \d+\.") as caught:
        pipeline.load()
    assert repr(value) in str(caught.value)


def test_a_misspelt_option_is_an_error() -> None:
    pipeline = EspeakPipeline(PipelineContext("espeak", options={"speed": 200}))
    with pytest.raises(ValueError, match=r"no option 'speed'\. It has: rate, pitch, range, volume, word_gap, variant"):
        pipeline.load()


def test_an_unknown_variant_among_the_options_is_found_at_load() -> None:
    pipeline = EspeakPipeline(PipelineContext("espeak", options={"variant": "f99"}))
    with pytest.raises(ValueError, match="variant = 'f99'"):
        pipeline.load()


def test_options_are_heard(say: Callable, listen: Callable) -> None:
    plain = listen(say(TEXT))
    assert listen(say(TEXT, rate=300)).seconds < 0.75 * plain.seconds
    assert listen(say(TEXT, rate="300")).seconds < 0.75 * plain.seconds
    assert listen(say(TEXT, pitch=99)).pitch > 1.4 * plain.pitch
    assert listen(say(TEXT, range=0)).spread < 0.4 * plain.spread
    assert listen(say(TEXT, volume=50)).loudness == pytest.approx(0.5 * plain.loudness, rel=0.15)
    assert listen(say(TEXT, volume=0)).peak == 0
    assert listen(say(TEXT, word_gap=20)).seconds > plain.seconds + 1
