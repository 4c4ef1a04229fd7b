"""Text → numbers."""

from __future__ import annotations

import logging

import pytest

from meadowlark_espeakng.phonemes import Phonemizer
from meadowlark_piper.config import VoiceConfig, parse
from meadowlark_piper.doubles import SYMBOLS, description
from meadowlark_piper.errors import VoiceFileError
from meadowlark_piper.phonemes import MOST_SYMBOLS, Speller, espeak_identifier


def config(**more: object) -> VoiceConfig:
    return parse(description() | more)


def spelled(text: str, **more: object) -> list[str]:
    """Each sentence as symbols again, without pads."""
    speller = Speller(config(**more), Phonemizer())
    return ["".join(SYMBOLS[number] for number in ids if number) for ids in speller.sentences(text)]


def test_numbers_are_padded_between_begin_and_end() -> None:
    (ids,) = Speller(config(), Phonemizer()).sentences("Hi.")
    assert ids[:2] == [1, 0]
    assert ids[-1] == 2
    assert all(pad == 0 for pad in ids[3:-1:2])
    assert "".join(SYMBOLS[number] for number in ids[2:-1:2]) == "hˈaɪ."


def test_sentences_are_told_apart_and_clauses_joined() -> None:
    assert spelled("Hello, world! Is it 3.5? Yes") == ["^həlˈoʊ, wˈɜːld!$", "^ɪz ɪt θɹˈiː pɔɪnt fˈaɪv?$", "^jˈɛs$"]


def test_a_mark_that_the_voice_does_not_know_becomes_its_nearest() -> None:
    assert spelled("Well… no") == ["^wˈɛl.$", "^nˈoʊ$"]
    assert spelled("Well; no")[0].startswith("^wˈɛl; n")


def test_a_given_pronunciation_is_taken_as_it_is() -> None:
    (sentence,) = spelled("The [Kokoro](/kˈoʊkəɹoʊ/), here.")
    assert sentence == "^ðə kˈoʊkəɹoʊ, hˈɪɹ.$"


def test_letters_are_read_where_the_voice_reads_letters() -> None:
    assert spelled("Hello, You!", phoneme_type="text", espeak={}) == ["^hello, you!$"]


def test_a_phoneme_map_is_applied_first() -> None:
    assert spelled("Hi", phoneme_map={"ɪ": ["i", "ː"]}) == ["^hˈaiː$"]


def test_unknown_phonemes_are_left_out_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    speller = Speller(config(phoneme_id_map={"_": [0], "^": [1], "$": [2], "h": [3], "a": [4]}), Phonemizer(), "mine")
    with caplog.at_level(logging.WARNING):
        assert list(speller.sentences("Hi")) == [[1, 0, 3, 0, 4, 0, 2]]
        list(speller.sentences("Hi"))
    assert speller.unknown == {"ˈ": 2, "ɪ": 2}
    assert [record.getMessage() for record in caplog.records] == [
        "Voice mine has no sound for ˈ ɪ; left out (2 so far)"
    ]


def test_a_text_without_any_sound_has_no_sentences() -> None:
    assert spelled("?! …") == []
    assert spelled("") == []


def test_an_endless_sentence_is_cut_between_words() -> None:
    speller = Speller(config(), Phonemizer())
    runs = list(speller.sentences("word and another " * 200))
    assert len(runs) > 5
    assert all(len(ids) <= 2 * MOST_SYMBOLS + 3 for ids in runs)
    assert spelled("a" * 3000, phoneme_type="text", espeak={})[0] == f"^{'a' * MOST_SYMBOLS}$"


def test_a_voice_without_begin_pad_or_end_is_refused() -> None:
    with pytest.raises(VoiceFileError, match=r"phoneme_id_map of voice mine has no \^"):
        Speller(config(phoneme_id_map={"_": [0], "$": [2]}), Phonemizer(), "mine")


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("en-us", "gmw/en-US"),
        ("en-gb-x-rp", "gmw/en-GB-x-rp"),
        ("de", "gmw/de"),
        ("es-419", "roa/es-419"),
        ("fr-fr", "roa/fr"),
        ("pt-br", "roa/pt-BR"),
        ("nb", "gmq/nb"),
        ("cmn", "sit/cmn"),
        ("gmw/en-US", "gmw/en-US"),
    ],
)
def test_the_names_that_voices_use_for_espeak_are_understood(name: str, identifier: str) -> None:
    assert espeak_identifier(name) == identifier


def test_a_language_that_espeak_does_not_have_is_refused() -> None:
    with pytest.raises(VoiceFileError, match="no voice 'tlhx'"):
        espeak_identifier("tlhx")
