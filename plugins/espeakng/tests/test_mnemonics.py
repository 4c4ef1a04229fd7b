"""IPA that espeak-ng says: what it prints of a word, put back, is the same word to the ear and to the eye."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meadowlark_espeakng.library import Library, Word
from meadowlark_espeakng.mnemonics import Mnemonics, Sounds, stressed
from meadowlark_espeakng.phonemes import Phonemizer
from meadowlark_espeakng.synthesis import Synthesizer
from meadowlark_espeakng.voices import base_voices

EN, DE, FR, CS = "gmw/en-US", "gmw/de", "roa/fr", "zlw/cs"
VOICES = {"en": EN, "de": DE, "fr": FR, "es": "roa/es", "it": "roa/it", "cs": CS, "pl": "zlw/pl"}
WORDS = {
    line.split()[0]: line.split()[1:]
    for line in (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").splitlines()
}
SWITCH = re.compile(r"\([a-z-]+\)")


@pytest.fixture(scope="session")
def mnemonics(library: Library) -> Mnemonics:
    return Mnemonics(library)


def said(library: Library, mnemonics: Mnemonics, ipa: str, voice: str) -> str:
    """What espeak-ng prints of IPA that was given to it."""
    library.set_voice(voice)
    ((_, back),) = library.sounds([mnemonics.written(ipa, voice)])
    return back


def plain(ipa: str) -> str:
    """French has a sign "-" behind vowels that may be dropped; it is no IPA."""
    return SWITCH.sub("", ipa).replace(" ", "").replace("-", "")


@pytest.mark.parametrize("language", VOICES)
def test_what_espeak_prints_of_a_word_comes_back(library: Library, mnemonics: Mnemonics, language: str) -> None:
    """Measured with espeak-ng 1.52: all of them."""
    voice, wrong, replaced = VOICES[language], [], mnemonics.replaced.copy()
    library.set_voice(voice)
    printed = {word: " ".join(ipa for _, ipa in library.clauses(word)) for word in WORDS[language]}
    for word, ipa in printed.items():
        back = said(library, mnemonics, SWITCH.sub("", ipa), voice)
        if plain(back) != plain(ipa):
            wrong.append((word, ipa, back))
    assert len(printed) >= 100
    assert len(wrong) <= 0.01 * len(printed), wrong
    assert mnemonics.replaced == replaced


@pytest.mark.parametrize("language", VOICES)
def test_a_word_by_its_ipa_lasts_as_long_as_the_word(library: Library, synthesizer: Synthesizer, language: str) -> None:
    voice, wrong = VOICES[language], []
    library.set_voice(voice)
    for word in [each for each in WORDS[language] if len(each) > 4][:30]:
        ipa = SWITCH.sub("", " ".join(ipa for _, ipa in library.clauses(word)))
        spelt = len(b"".join(synthesizer.speak(word, voice)))
        by_ipa = len(b"".join(synthesizer.speak(word, voice, sounds=[Sounds(0, len(word), ipa)])))
        if by_ipa != pytest.approx(spelt, rel=0.08):
            wrong.append((word, ipa, spelt, by_ipa))
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize(
    ("voice", "ipa", "back"),
    [
        (EN, "ˈmɛdoʊlɑːɹk", "mˈɛdoʊlɑːɹk"),  # a stress before the syllable, as dictionaries have it
        (EN, "ʃɪˈvɔːn", "ʃɪvˈɔːn"),
        (EN, "'nju:z", "njˈuːz"),
        (EN, "t͡ʃɜːt͡ʃ", "tʃɜːtʃ"),
        (EN, "ʤʌʤ ʧɪn", "dʒʌdʒ tʃɪn"),
        (EN, "bʌtl̩", "bʌɾl̩"),  # American
        (EN, "kˈOkəɹO", "kˈoʊkɚɹoʊ"),  # Kokoro's notation
        (EN, "gaɪ", "ɡaɪ"),  # "g" for "ɡ"
        (EN, "[ˈhɒp.ɪŋ]", "hˈɑːpɪŋ"),
        (EN, "yː", "iː"),
        (EN, "ˈœ", "ˈɛ"),
        (EN, "ˈʏ", "ˈɪ"),
        (DE, "ˈkœnɪç", "kˈœnɪç"),
        (DE, "ˈθɪŋk ðɪs", "θˈɪŋk ðɪs"),
        (DE, "ˈap͡fl̩", "ˈapfl̩"),
        (DE, "bɛt", "bɛt"),
        (FR, "bɔ̃ˈʒuʁ", "bɔ̃ʒˈuʁ"),
        (FR, "ʁã", "ʁɑ̃"),
        ("roa/es", "pɛ̃", "pɛŋ"),  # a nasal vowel where there is none: with a nasal behind it
        ("roa/it", "ˈpit͡sːa", "pˈitsːa"),
        (CS, "ˈr̝ɛka", "r̝ˈɛka"),
        ("zlw/pl", "ˈɲeɲa", "ɲˈeɲa"),
        (EN, "ˈˈ ˌ.", ""),
        (EN, "☃", ""),
        (EN, "", ""),
    ],
)
def test_ipa_as_people_write_it(library: Library, voice: str, ipa: str, back: str) -> None:
    assert said(library, Mnemonics(library), ipa, voice) == back


def test_signs_that_a_voice_lacks_are_counted(library: Library) -> None:
    mnemonics = Mnemonics(library)
    library.set_voice(EN)
    mnemonics.written("ˈyːn☃ œ", EN)
    mnemonics.written("yː ɑ n̪", EN)  # only less exact, not another sound
    assert mnemonics.replaced == {"yː": 2, "☃": 1, "œ": 1}


def test_they_are_said_once(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    mnemonics = Mnemonics(library)
    library.set_voice(EN)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            mnemonics.text("Yul", [Sounds(0, 3, "yːl")], EN)
    assert [record.getMessage() for record in caplog.records] == [
        "espeak-ng has no sound for yː; the nearest is said, or none (1 so far)"
    ]


def test_a_word_without_any_stress_has_one() -> None:
    assert stressed("nɪəv") == "ˈnɪəv"
    assert stressed("ðə ˈkɑːɹ ə") == "ˈðə ˈkɑːɹ ˈə"
    assert stressed(" ") == ""


def test_a_text_with_sounds_in_it(library: Library, mnemonics: Mnemonics) -> None:
    library.set_voice(EN)
    text, places = mnemonics.text("Hi [[x]] Bo, Al!", [Sounds(9, 11, "boʊ"), Sounds(13, 15, "☃")], EN)
    assert text == "Hi ((x)) [['b|oU]], Al!"
    assert places == [(0, 0), (9, 9), (18, 11), (20, 13), (22, 15)]


def test_words_are_told_where_they_are_in_the_text(synthesizer: Synthesizer) -> None:
    text = "Say Meadowlark, then Siobhan now."
    sounds = [Sounds(4, 14, "ˈmɛdoʊlɑːɹk"), Sounds(21, 28, "ʃɪˈvɔːn")]
    words: list[Word] = []
    list(synthesizer.speak(text, EN, sounds=sounds, on_word=words.append))
    assert [text[word.position : word.position + word.length] for word in words] == [
        "Say", "Meadowlark", "then", "Siobhan", "now",
    ]  # fmt: skip
    assert [word.sample for word in words] == sorted(word.sample for word in words)


def test_brackets_in_a_text_never_become_phonemes(synthesizer: Synthesizer) -> None:
    def length(text: str, *sounds: Sounds) -> int:
        return len(b"".join(synthesizer.speak(text, EN, sounds=sounds)))

    bo = Sounds(0, 2, "bˈoʊ")
    letters = length("Bo (h @ l 'o U)", bo)
    assert length("Bo [[h @ l 'o U]]", bo) == pytest.approx(letters, rel=0.01)
    assert length("Bo [[ h @ l 'o U", bo) == pytest.approx(letters, rel=0.01)
    hello = length("Hello.")
    assert length("[[h@l'oU]].") > 1.5 * hello  # nor does what was said before them change that
    assert length("Hello.") == pytest.approx(hello, rel=0.01)


def test_asking_for_sounds_leaves_texts_as_they_are(library: Library) -> None:
    library.set_voice(EN)
    before = list(library.clauses("a [[b]] c"))
    assert library.sounds(["b"]) == [("b", "b")]
    assert list(library.clauses("a [[b]] c")) == before


def test_the_phonemizer_reads_brackets_as_text(phonemizer: Phonemizer) -> None:
    assert phonemizer.phonemes("[[b]]", EN) == "bˈiː"


def test_sounds_in_any_voice(library: Library) -> None:
    """A voice whose mnemonics nobody knows (tones: Chinese) says the word as it is spelt."""
    mnemonics = Mnemonics(library)
    silent = []
    for voice in base_voices():
        if voice.has_dictionary:
            library.set_voice(voice.identifier)
            if not mnemonics.written("ˈmata", voice.identifier):
                silent.append(voice.identifier)
    assert not [each for each in silent if each.startswith(("gmw", "gmq", "roa", "zl", "urj", "trk"))]
    assert len(silent) < 12, silent
    assert mnemonics.text("ma", [Sounds(0, 2, "ma")], silent[0])[0] == "ma"


IPA = st.text(st.sampled_from("aeiouyəɪʊɛɔʃʒθðŋɹɾʁçxtdkɡpbszfvhmnljwœøæɑɒˈˌː̩̃͡ʲʰ˞ .|[]'\"☃A1漢\0\ud800"), max_size=20)


@given(IPA, st.sampled_from(sorted(VOICES.values())))
@settings(max_examples=200, deadline=None)
def test_any_ipa_will_do(synthesizer: Synthesizer, ipa: str, voice: str) -> None:
    text = "one two three"
    assert b"".join(synthesizer.speak(text, voice, sounds=[Sounds(4, 7, ipa)]))
