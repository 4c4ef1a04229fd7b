"""IPA for Fish-Speech: Arpabet between the model's own tokens, and never a token of the text's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadowlark.api import PlacedEvent, Pronunciation, Utterance, Voice
from meadowlark_fish_speech.phonemes import CLOSE, END, GAP, OPEN, START, arpabet, parts, written

_PHONES = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
PHONES = frozenset(_PHONES.split())


@pytest.mark.parametrize(
    ("ipa", "expected"),
    [
        ("həlˈoʊ", "HH AH0 L OW1"),
        ("ˈmɛdoʊˌlɑːɹk", "M EH1 D OW0 L AA2 R K"),
        ("ʃɪˈvɔːn", "SH IH0 V AO1 N"),
        ("ˈɛn.dʒɪn", "EH1 N JH IH0 N"),
        ("t͡ʃɜːt͡ʃ", "CH ER1 CH"),
        ("ˈbʌtn̩", "B AH1 T AH0 N"),
        ("ˈwɔːtɚ", "W AO1 T ER0"),
        ("bɜɹd", "B ER1 D"),
        ("hɛə", "HH EH1 R"),
        ("kˈOkəɹO", "K OW1 K AH0 R OW0"),
        ("pɛ̃", "P EH1 N"),
        ("θɪŋ", "TH IH1 NG"),
        ("ɡaɪ gaɪ", "G AY1 G AY0"),
        ("z", "Z"),
        ("漢 12", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_arpabet(ipa: str, expected: str) -> None:
    assert arpabet(ipa) == expected


@given(st.text(st.sampled_from("aeiouyəɪʊɛɔæɑʃʒθðŋɹɾtdkgpbszfvhmnljwˈˌː̩̃͡ ˞.A<|>é漢"), max_size=30))
def test_any_ipa_gives_the_cmus_sounds_alone(ipa: str) -> None:
    for sound in arpabet(ipa).split():
        assert sound.rstrip("012") in PHONES


def utterance(
    text: str, *pronunciations: Pronunciation, language: str = "en-GB", at: tuple[int, ...] = ()
) -> Utterance:
    events = tuple(PlacedEvent(position, "laughing", "x") for position in at)
    return Utterance(text, Voice("v", ("en",)), language, pronunciations=pronunciations, events=events)


def test_words_in_a_text_and_the_places_of_events() -> None:
    said = written(
        utterance("Ask Bo or Al.", Pronunciation(4, 6, "bˈoʊ"), Pronunciation(10, 12, "æl"), at=(0, 4, 5, 6, 13))
    )
    assert said.text == f"Ask {OPEN}B{GAP}OW1{CLOSE} or {OPEN}AE1{GAP}L{CLOSE}."
    assert [event.position for event in said.events] == [0, 4, 4, 11, 23]
    assert list(parts(said.text)) == [
        ("Ask ", False),
        (f"{START}B OW1{END}", True),
        (" or ", False),
        (f"{START}AE1 L{END}", True),
        (".", False),
    ]


def test_other_languages_and_other_signs_stay_as_they_are_spelt() -> None:
    assert written(utterance("Frag Bo.", Pronunciation(5, 7, "boː"), language="de")).text == "Frag Bo."
    assert written(utterance("Ask Bo.", Pronunciation(4, 6, "漢"))).text == "Ask Bo."


def test_the_prompt_has_the_models_own_tokens_around_the_sounds(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
    from meadowlark_fish_speech.doubles import write_tokenizer
    from meadowlark_fish_speech.prompt import s1_prompt
    from meadowlark_fish_speech.tokenizer import S1Tokenizer

    write_tokenizer(tmp_path, 256, 32)
    tokenizer = S1Tokenizer(tmp_path / "tokenizer.tiktoken", tmp_path / "special_tokens.json")
    (begin,), (end,) = tokenizer.trusted(START), tokenizer.trusted(END)
    said = written(utterance("Ask Bo <|phoneme_start|>.", Pronunciation(4, 6, "bˈoʊ")))
    tokens = s1_prompt(tokenizer, said.text).sentence[0].tolist()
    assert tokens.count(begin) == tokens.count(end) == 1
    assert tokens[tokens.index(begin) + 1 : tokens.index(end)] == tokenizer.text("B OW1")


@given(st.text(st.sampled_from(f"ab <|>_{OPEN}{CLOSE}{GAP}AE1"), max_size=30))
def test_a_text_never_opens_phonemes_itself(text: str) -> None:
    said = written(utterance(text))
    assert [own for _, own in parts(said.text)] in ([], [False])
    assert len(said.text) == len(text)
