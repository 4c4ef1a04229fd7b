"""espeak-ng's IPA in Kokoro's notation: one row for each sound that is written differently."""

from __future__ import annotations

import logging

import pytest

from meadowlark.testing.phrases import SENTENCES
from meadowlark_espeakng.phonemes import Phonemizer
from meadowlark_kokoro.errors import ModelFileError
from meadowlark_kokoro.phonemes import MOST_TOKENS, Speller, packed, spelled
from meadowlark_kokoro.symbols import SYMBOLS, from_config
from meadowlark_kokoro.voices import LANGUAGES, MANDARIN, Language

US, GB = "gmw/en-US", "gmw/en-GB-x-rp"


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller(SYMBOLS, Phonemizer())


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("The quick brown fox jumps over the lazy dog.", US, "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˌOvəɹ ðə lˈAzi dˈɑɡ."),
        ("water", US, "wˈɔTəɹ"),
        ("button", US, "bˈʌtn"),
        ("little bottle", US, "lˈɪTᵊl bˈɑTᵊl"),
        ("bird", US, "bˈɜɹd"),
        ("my boy", US, "mI bˈY"),
        ("teacher, judge", US, "tˈiʧəɹ, ʤˈʌʤ"),
        ("euros", US, "jˈʊɹOz"),
        ("go home", GB, "ɡˌQ hˈQm"),
        ("over there", GB, "ˌQvə ðˈɛː"),
        ("near here", GB, "nˌɪə hˈɪə"),
        ("car", GB, "kˈɑː"),
        ("chico", "roa/es", "ʧˈiko"),
        ("pizza", "roa/it", "pˈiʦːa"),
        ("un bon vin blanc", "roa/fr", "œ̃ bˈɔ̃ vˈɛ̃ blˈɑ̃"),
        ("não", "roa/pt-BR", "nˈɐ̃ʊ̃"),
    ],
)
def test_words_in_kokoros_notation(speller: Speller, text: str, language: str, spoken: str) -> None:
    assert list(speller.runs(text, language)) == [spoken]


@pytest.mark.parametrize("letter", LANGUAGES)
def test_a_sentence_of_each_language_has_known_symbols_only(letter: str) -> None:
    language = LANGUAGES[letter]
    for module in language.needs:
        pytest.importorskip(module, reason=language.remedy)
    speller = Speller(SYMBOLS, Phonemizer())
    (run,) = speller.runs(SENTENCES[language.tag[:2]], language.espeak)
    assert len(run) > 10
    assert not speller.unknown
    assert len(speller.numbers(run)) == len(run)


def test_clauses_keep_their_marks(speller: Speller) -> None:
    (run,) = speller.runs("Yes, 3.5; no: maybe… Really? Stop!", US)
    assert [symbol for symbol in run if symbol in ",;:….?!"] == [",", ";", ":", "…", "?", "!"]


@pytest.mark.parametrize("ipa", ["kˈoʊkəɹoʊ", "kˈOkəɹO", "kˈo\u0361ʊkəɹo\u0361ʊ"])
def test_a_given_pronunciation_in_ipa_or_in_kokoros_notation(speller: Speller, ipa: str) -> None:
    assert list(speller.runs(f"[Kokoro](/{ipa}/), here.", US)) == ["kˈOkəɹO, hˈɪɹ."]


def test_the_note_of_another_language_is_not_spoken() -> None:
    assert spelled("(^e^n)t^ʃˈa^ɪ(^f^r)", "roa/fr") == "ʧˈI"


def test_without_what_reads_a_language_the_remedy_is_said() -> None:
    bare = {"z": Language("zh-CN", MANDARIN, ("no_such_module",), "zh")}
    with pytest.raises(ValueError, match=r"zh-CN: pip install 'meadowlark-kokoro\[zh\]'"):
        list(Speller(SYMBOLS, Phonemizer(), bare).runs("你好", MANDARIN))


def test_unknown_symbols_are_left_out_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    speller = Speller({"h": 50, " ": 16}, Phonemizer())
    with caplog.at_level(logging.WARNING):
        assert list(speller.runs("Hi", US)) == ["h"]
        list(speller.runs("Hi", US))
    assert speller.unknown == {"ˈ": 2, "I": 2}
    assert [record.getMessage() for record in caplog.records] == ["Kokoro has no sound for ˈ I; left out (2 so far)"]


def test_long_texts_are_cut_in_runs_at_clauses_else_between_words(speller: Speller) -> None:
    runs = list(speller.runs("One two three, four five six. " * 40, US))
    assert len(runs) > 3
    assert all(len(run) <= MOST_TOKENS for run in runs)
    assert all(run[-1] in ",." for run in runs)
    words = list(packed(["word " * 100]))
    assert all(0 < len(run) <= MOST_TOKENS for run in words)
    assert " ".join(words).split() == ["word"] * 100
    assert max(map(len, words)) - min(map(len, words)) < 40, "nearly equal"
    assert [len(run) for run in packed(["x" * 400])] == [150, 150, 100]


@pytest.mark.parametrize("text", ["", "?! …", " "])
def test_a_text_without_sound_has_no_runs(speller: Speller, text: str) -> None:
    assert list(speller.runs(text, US)) == []


def test_the_alphabet_is_that_of_the_published_models() -> None:
    assert len(SYMBOLS) == 114
    assert (SYMBOLS["a"], SYMBOLS[" "], SYMBOLS["ˈ"], SYMBOLS["ᵻ"]) == (43, 16, 156, 177)
    assert from_config('{"vocab": {"a": 1}}') == {"a": 1}


@pytest.mark.parametrize("config", ["", "{}", "[]", '{"vocab": {}}', '{"vocab": {"a": "x"}}'])
def test_a_model_with_a_broken_alphabet_is_refused(config: str) -> None:
    with pytest.raises(ModelFileError, match="vocab"):
        from_config(config)
