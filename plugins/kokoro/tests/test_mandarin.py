"""Mandarin in Kokoro's two notations, by the phonology that textbooks give."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest

from meadowlark_espeakng.phonemes import Phonemizer
from meadowlark_kokoro.phonemes import Speller
from meadowlark_kokoro.symbols import SYMBOLS
from meadowlark_kokoro.voices import LANGUAGES, MANDARIN

pytest.importorskip("rjieba", reason="needs meadowlark-kokoro[zh]")
pytest.importorskip("pypinyin", reason="needs meadowlark-kokoro[zh]")

from meadowlark_kokoro.mandarin import (
    BOPOMOFO_FINALS,
    BOPOMOFO_INITIALS,
    FINALS,
    INITIALS,
    Mandarin,
    in_bopomofo,
)

WORDS = [  # the word, in IPA with arrows, in Bopomofo with digits
    ("爸", "pa↘", "ㄅㄚ4"),
    ("朋友", "pʰə↗ŋjou↓", "ㄆㄥ2又3"),
    ("妈", "ma→", "ㄇㄚ1"),
    ("风", "fə→ŋ", "ㄈㄥ1"),
    ("冬天", "tʊ→ŋtʰjɛ→n", "ㄉ中1ㄊ言1"),
    ("太", "tʰai↘", "ㄊㄞ4"),
    ("你", "ni↓", "ㄋㄧ3"),
    ("绿", "ly↘", "ㄌㄩ4"),
    ("高", "kau→", "ㄍㄠ1"),
    ("开", "kʰai→", "ㄎㄞ1"),
    ("火", "xwo↓", "ㄏ我3"),
    ("家", "ʨja→", "ㄐ压1"),
    ("去", "ʨʰy↘", "ㄑㄩ4"),
    ("学", "ɕɥe↗", "ㄒ月2"),
    ("知", "ꭧɨ→", "ㄓ十1"),
    ("吃", "ꭧʰɨ→", "ㄔ十1"),
    ("十", "ʂɨ↗", "ㄕ十2"),
    ("日", "ɻɨ↘", "ㄖ十4"),
    ("字", "ʦɨ↘", "ㄗㄭ4"),
    ("词", "ʦʰɨ↗", "ㄘㄭ2"),
    ("四", "sɨ↘", "ㄙㄭ4"),
    ("二", "ɚ↘", "ㄦ4"),
    ("水", "ʂwei↓", "ㄕ为3"),
    ("春", "ꭧʰwə→n", "ㄔ文1"),
    ("六", "ljou↘", "ㄌ又4"),
    ("月", "ɥe↘", "月4"),
    ("元", "ɥɛ↗n", "元2"),
    ("云", "y↗n", "云2"),
    ("用", "jʊ↘ŋ", "用4"),
    ("王", "wa↗ŋ", "王2"),
    ("外", "wai↘", "外4"),
    ("花", "xwa→", "ㄏ穵1"),
    ("明", "mi↗ŋ", "ㄇ应2"),
    ("心", "ɕi→n", "ㄒ阴1"),
    ("小", "ɕjau↓", "ㄒ要3"),
    ("谢", "ɕje↘", "ㄒㄝ4"),
    ("婆", "pʰwo↗", "ㄆㄛ2"),
    ("的", "tɤ", "ㄉㄜ5"),
    ("银行", "i↗nxa↗ŋ", "阴2ㄏㄤ2"),
    ("重要", "ꭧʊ↘ŋjau↘", "ㄓ中4要4"),
    ("重新", "ꭧʰʊ↗ŋɕi→n", "ㄔ中2ㄒ阴1"),
    ("嗯", "n↗", "ㄋ2"),
    ("哟", "jɔ→", "又1"),
]

ZH11 = {
    symbol: number
    for number, symbol in enumerate(
        sorted({*SYMBOLS, "/", "R", *"12345", *"".join(BOPOMOFO_INITIALS.values()), *BOPOMOFO_FINALS.values()}), 1
    )
}
"""What the alphabet of v1.1-zh is known by."""


def runs(text: str, alphabet: Mapping[str, int] = SYMBOLS) -> list[str]:
    return list(Speller(alphabet, Phonemizer()).runs(text, MANDARIN))


@pytest.fixture(scope="module")
def old() -> Mandarin:
    return Mandarin()


@pytest.fixture(scope="module")
def new() -> Mandarin:
    return Mandarin(bopomofo=True)


def read(mandarin: Mandarin, text: str) -> str:
    return " ".join(mandarin.clauses(text, str.upper, pytest.fail))


@pytest.mark.parametrize(("word", "ipa", "bopomofo"), WORDS, ids=[word for word, *_ in WORDS])
def test_words(old: Mandarin, new: Mandarin, word: str, ipa: str, bopomofo: str) -> None:
    assert read(old, word) == ipa
    assert read(new, word) == bopomofo


def test_a_sentence_as_it_is_known_from_the_training_frontend() -> None:
    """From a public bug report, with what Kokoro's own front end gave; cut short, so that the last mark differs."""
    assert runs("图的质量总体来说比之前好，会有些图的质量非常高。") == [
        "tʰu↗ tɤ ꭧɨ↘lja↘ŋ ʦʊ↓ŋtʰi↓ lai↗ʂwo→ pi↓ ꭧɨ→ʨʰjɛ↗n xau↓, xwei↘ jou↓ɕje→ tʰu↗ tɤ ꭧɨ↘lja↘ŋ fei→ꭧʰa↗ŋ kau→."
    ]


def test_every_symbol_is_in_the_alphabet() -> None:
    assert set("".join((*INITIALS.values(), *FINALS.values(), "→↗↓↘"))) <= SYMBOLS.keys()
    assert set(BOPOMOFO_INITIALS) == set(INITIALS)
    assert not {"hm", "hng"} ^ (FINALS.keys() - BOPOMOFO_FINALS.keys())
    assert len(set(BOPOMOFO_INITIALS.values())) == 22, "no two initials are written alike"


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("你好", "ㄋㄧ2ㄏㄠ3"),
        ("我很好", "我3/ㄏㄣ2/ㄏㄠ3"),
        ("一个", "ㄧ2ㄍㄜ4"),
        ("一起", "ㄧ4ㄑㄧ3"),
        ("第一", "ㄉㄧ4ㄧ1"),
        ("二十一天", "ㄦ4ㄕ十2ㄧ1ㄊ言1"),
        ("不是", "ㄅㄨ2ㄕ十4"),
        ("不好", "ㄅㄨ4ㄏㄠ3"),
        ("花儿", "ㄏ穵R1"),
        ("女儿", "ㄋㄩ3ㄦ2"),
    ],
)
def test_v11_is_given_tones_as_they_are_said(new: Mandarin, text: str, spoken: str) -> None:
    assert "".join(map(in_bopomofo, (each for word in new.words(text) for each in word))) == spoken.replace("/", "")
    assert read(new, text).replace("/", "") == spoken.replace("/", "")


def test_v11_is_recognized_by_its_alphabet() -> None:
    assert runs("打开客厅灯。", ZH11) == ["ㄉㄚ3ㄎㄞ1/ㄎㄜ4ㄊ应1/ㄉㄥ1."]


def test_latin_words_are_read_in_english() -> None:
    assert runs("打开Home Assistant的灯") == ["ta↓kʰai→ hˈOm əsˈɪstənt tɤ tə→ŋ"]


def test_marks_are_those_that_kokoro_knows(old: Mandarin) -> None:
    assert read(old, "“你好！”他说：好…（真）") == "“ni↓xau↓!” tʰa→ ʂwo→: xau↓… (ꭧə→n)"


def test_unknown_characters_are_left_out_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    speller = Speller(SYMBOLS, Phonemizer())
    with caplog.at_level(logging.WARNING):
        assert list(speller.runs("你한好😀。", LANGUAGES["z"].espeak)) == ["ni↓ xau↓."]
    assert speller.unknown == {"한": 1, "😀": 1}
    assert [record.getMessage() for record in caplog.records] == ["Kokoro has no sound for 한 😀; left out (2 so far)"]
