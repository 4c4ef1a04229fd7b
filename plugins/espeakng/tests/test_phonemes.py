from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meadowlark_espeakng.errors import UnknownVoiceError
from meadowlark_espeakng.library import speakable
from meadowlark_espeakng.phonemes import Clause, Phonemizer

EN, DE, ZH = "gmw/en-US", "gmw/de", "sit/cmn"

TABLE = [
    (EN, "Hello, world.", "həlˈoʊ, wˈɜːld."),
    (EN, "How are you? I'm fine!", "hˈaʊ ɑːɹ juː? aɪm fˈaɪn!"),
    (EN, "no punctuation", "nˈoʊ pˌʌŋktʃuːˈeɪʃən"),
    (EN, "It costs 3.5, or 1,000; yes.", "ɪt kˈɔsts θɹˈiː pɔɪnt fˈaɪv, ɔːɹ wˈʌn θˈaʊzənd; jˈɛs."),
    (EN, "At 10:30: now", "æt tˈɛn θˈɜːɾi: nˈaʊ"),
    (EN, "Well... maybe", "wˈɛl… mˈeɪbiː"),
    (EN, "Well… maybe", "wˈɛl… mˈeɪbiː"),
    (EN, "Really?! No!", "ɹˈiəli? nˈoʊ!"),
    (EN, "He said: “Go!”", "hiː sˈɛd: ɡˈoʊ!"),
    (EN, "Yes — no", "jˈɛs— nˈoʊ"),
    (EN, "A title\n\nand a text.", "ɐ tˈaɪɾəl. ænd ɐ tˈɛkst."),
    (EN, "(a friend)", "ɐ fɹˈɛnd"),
    (EN, "...", ""),
    (EN, "", ""),
    (EN, " \n ", ""),
    (DE, "Guten Tag, ja?", "ɡˈuːtən tˈɑːk, jˈɑː?"),
    (DE, "mein Computer.", "maɪn kɔmpjˈuːtɜ."),
    (ZH, "你好，世界。", "ni2χˈɑu2, s.ˈi.5 tɕˈiɛ5."),
    ("inc/hi", "नमस्ते। क्या?", "nəmˈʌsteː. kːjaː?"),
]


@pytest.mark.parametrize(("voice", "text", "expected"), TABLE, ids=[text for _, text, _ in TABLE])
def test_punctuation_is_kept_where_clauses_end(phonemizer: Phonemizer, voice: str, text: str, expected: str) -> None:
    assert phonemizer.phonemes(text, voice) == expected


def test_clauses_say_what_they_were_made_of(phonemizer: Phonemizer) -> None:
    assert phonemizer.clauses("Hello, world. Bye", EN) == (
        Clause("Hello, ", "həlˈoʊ", ","),
        Clause("world. ", "wˈɜːld", "."),
        Clause("Bye", "bˈaɪ", ""),
    )
    assert [each.ends_sentence for each in phonemizer.clauses("Hello, world. Bye", EN)] == [False, True, False]


def test_letters_of_one_phoneme_are_tied_on_request(phonemizer: Phonemizer) -> None:
    assert phonemizer.phonemes("cherry day", EN, tie="^") == "t^ʃˈɛɹi dˈe^ɪ"


def test_switches_of_language_are_not_phonemes(phonemizer: Phonemizer) -> None:
    mixed = phonemizer.phonemes("你好 hello, 世界", ZH)
    assert "həlˈəʊ" in mixed
    assert "(" not in mixed


def test_an_unknown_voice_is_an_error(phonemizer: Phonemizer) -> None:
    with pytest.raises(UnknownVoiceError):
        phonemizer.phonemes("Hello", "gmw/xx")


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.sampled_from("abcz ,.;:!?…—()\"'19éß中。، \n\0\ud800😀"), max_size=60))
def test_no_character_is_lost_or_doubled(phonemizer: Phonemizer, text: str) -> None:
    library = phonemizer._library
    assert library
    library.set_voice(EN)
    assert "".join(piece for piece, _ in library.clauses(text)) == speakable(text)


def test_many_threads_get_what_one_gets(phonemizer: Phonemizer) -> None:
    expected = {voice: phonemizer.phonemes(text, voice) for voice, text, _ in TABLE}
    texts = {voice: text for voice, text, _ in TABLE}
    wrong: list[str] = []

    def work(voice: str) -> None:
        wrong.extend(voice for _ in range(30) if phonemizer.phonemes(texts[voice], voice) != expected[voice])

    threads = [threading.Thread(target=work, args=(voice,)) for voice in texts for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_a_long_text(phonemizer: Phonemizer) -> None:
    assert phonemizer.phonemes("word " * 5000, EN).split() == ["wˈɜːd"] * 5000
