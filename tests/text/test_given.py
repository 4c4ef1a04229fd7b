"""`[word](/ipa/)` in a text: what is one, what is a link, and that it arrives at the right place whatever happens."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadowlark.api import Marker, MarkerKind
from meadowlark.text import MarkerMap, Segmenter, Sentence, plain_text
from meadowlark.text.given import EMPTY, LONGEST_IPA, TOO_LONG, is_ipa_of
from meadowlark.text.lexicon import Lexicon
from meadowlark.text.normalize import Normalizer

MARKERS = MarkerMap([Marker("sad", MarkerKind.STYLE, "sad"), Marker("laughing", MarkerKind.EVENT, "laugh")])
LEXICON = Lexicon({"en": {"lark": "/lɑːk/", "Siobhan": "/lexicon/", "Niamh": "Neev", "the house": "our home"}})
LARK = "[Meadowlark](/mˈɛdoʊlɑːɹk/)"


def speak(
    chunks: list[str], language: str = "en", left_out: list[str] | None = None, normal: bool = True, **options: int
) -> list[Sentence]:
    normalize = Normalizer(language, LEXICON) if normal else None
    reasons = left_out if left_out is not None else []
    segmenter = Segmenter(MARKERS, language, normalize=normalize, left_out=reasons.append, **options)  # type: ignore[arg-type]
    return [sentence for chunk in chunks for sentence in segmenter.push(chunk)] + segmenter.finish()


def told(sentence: Sentence) -> str:
    """The text with each pronunciation behind its word, and "^" where an event is."""
    marks = [(said.end, f"/{said.ipa}/") for said in sentence.pronunciations]
    marks += [(event.position, "^") for event in sentence.events]
    text = sentence.text
    for at, mark in sorted(marks, reverse=True):
        text = text[:at] + mark + text[at:]
    return text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Say {LARK} now.", ["Say Meadowlark/mˈɛdoʊlɑːɹk/ now."]),
        (f"{LARK}'s and a lark's.", ["Meadowlark's/mˈɛdoʊlɑːɹks/ and a lark's/lɑːks/."]),
        (
            "[Bo](/bˈoʊ/)s, [Max](/mæks/)'s, [Ed](/ɛd/)’s [Bo](/boː/)'so",
            ["Bos/bˈoʊz/, Max's/mæksɪz/, Ed’s/ɛdz/ Bo/boː/'so"],
        ),
        (f"21.5 {LARK} at 7:30.", ["twenty-one point five Meadowlark/mˈɛdoʊlɑːɹk/ at seven thirty."]),
        ("Ask [Siobhan](/ʃɪˈvɔːn/) or Siobhan.", ["Ask Siobhan/ʃɪˈvɔːn/ or Siobhan/lexicon/."]),
        ("Ask [Niamh](/niːv/) or Niamh in the house.", ["Ask Niamh/niːv/ or Neev in our home."]),
        ("It has 5 [kg](/kˈeɪ/) of [CO2](/siː oʊ tuː/).", ["It has five kg/kˈeɪ/ of CO2/siː oʊ tuː/."]),
        ("Dr. [Smith](/smɪθ/) and [Dr. No](/dɒktəˈnəʊ/).", ["Doctor Smith/smɪθ/ and Dr. No/dɒktəˈnəʊ/."]),
        ("[a](/ˈeɪ/)[b](/bˈiː/)", ["a/ˈeɪ/b/bˈiː/"]),
        ("**[Bold](/ˈboʊld/)** and [**Bold**](/ˈboʊld/)", ["Bold/ˈboʊld/ and Bold/ˈboʊld/"]),
        ("| [a](/ˈeɪ/) | [b](/bˈiː/) |", ["a/ˈeɪ/, b/bˈiː/"]),
        ("- [a](/ˈeɪ/)\n- [b](/bˈiː/)", ["a/ˈeɪ/", "b/bˈiː/"]),
        ("[laughs][Bo](/bˈoʊ/)[laughs] [laughs](/lˈɑːfs/)", ["^Bo/bˈoʊ/^ laughs/lˈɑːfs/"]),
        ("[Bo](/bˈoʊ/) (sad) [Bo](/bˈo/)", ["Bo/bˈoʊ/", "Bo/bˈo/"]),
        ("[Cuba](/kuba/)", ["Cuba/kuba/"]),
        ("[Cuba](/'ku:ba/)", ["Cuba/ˈkuːba/"]),
        ("[car](/kɑː(ɹ)/) [far](/fɑː(ɹ/) [x](/()/)", ["car/kɑː/ far/fɑːɹ/ x"]),
        ("See the [docs](/path/) and the [log](/api/log/).", ["See the docs and the log."]),
        ("[Bo(/bˈoʊ/)", ["Bo(/bˈoʊ/)"]),
        ("[Bo](/bˈoʊ/", ["Bo(/bˈoʊ/"]),
        ("Bo](/bˈoʊ/)", ["Bo"]),
        ("[[Bo](/bˈoʊ/)]", ["Bo/bˈoʊ/"]),
        ("```\n[Bo](/bˈoʊ/)\n```\nDone, as they say.", ["Done, as they say."]),
    ],
)
def test_words_with_their_sounds(text: str, expected: list[str]) -> None:
    assert [told(sentence) for sentence in speak([text])] == expected
    assert [told(sentence) for sentence in speak(list(text))] == expected


@pytest.mark.parametrize(
    ("written", "why"),
    [("//", EMPTY), ("/ /", EMPTY), ("/ˈː/", EMPTY), ("/" + "ə" * (LONGEST_IPA + 1) + "/", TOO_LONG)],
)
def test_ipa_that_cannot_be_used_is_left_out_and_told(written: str, why: str) -> None:
    reasons: list[str] = []
    assert [told(each) for each in speak([f"So [Bo]({written}) it is."], left_out=reasons)] == ["So Bo it is."]
    assert reasons == [why]


def test_a_link_is_no_reason_to_tell() -> None:
    reasons: list[str] = []
    speak(["[docs](/path/) [a](/b/c) [b](/./) [c](/-/) [x](https://a.example/) [y]"], left_out=reasons)
    assert reasons == []


@pytest.mark.parametrize(
    ("ipa", "word", "expected"),
    [
        ("kuba", "Cuba", True),
        ("si", "see", True),
        ("faramir", "Pharamir", False),  # who wants this writes a stress mark
        ("ˈfaramir", "Pharamir", True),
        ("folksvagen", "Volkswagen", False),  # so long a word has its stress marked
        ("kontakt", "Contact", False),
        ("musik", "Music", False),
        ("produkte", "Products", False),
        ("kat", "cat", True),
        ("nait", "night", True),
        ("təˈmeɪtoʊ", "tomato", True),
        ("path", "docs", False),
        ("home", "Home", False),
        ("lights", "Kitchen lights", False),
        ("config", "Configuration", False),
        ("settings", "options", False),
        ("wohnung", "Wohnzimmer", False),
        ("smørrebrød", "Smørrebrød", False),
        ("ˈsmœɐ̯bʁœðˀ", "smørrebrød", True),
        ("são", "São", False),
        ("o", "eau", False),  # no consonant tells anything
        ("ˈo", "eau", True),
    ],
)
def test_what_is_ipa_of_a_word(ipa: str, word: str, expected: bool) -> None:
    assert is_ipa_of(ipa, word) is expected


def test_an_ending_in_another_language() -> None:
    assert [told(each) for each in speak(["[Bo](/boː/)s und [Max](/maks/)' Auto"], "de")] == [
        "Bos/boːs/ und Max/maks/' Auto"
    ]


def test_a_cut_never_goes_through_a_word_with_sounds() -> None:
    text = (
        "We went to see the very good old [St. Mary Mead, Dr. No](/ˈsənt/)".replace(",", "") + ", and so on, and so on."
    )
    for most in (40, 45, 50, 60):
        pieces = speak([text], max_chars=most, normal=False)
        assert [(said.ipa, piece.text[said.start : said.end]) for piece in pieces for said in piece.pronunciations] == [
            ("ˈsənt", "St. Mary Mead Dr. No")
        ]


def test_a_clause_cut_early_keeps_the_place() -> None:
    text = f"It is late, says the little {LARK}, and goes on to say {LARK}; then it sleeps."
    pieces = speak([text], first_clause_chars=8, normal=False)
    assert [told(piece) for piece in pieces] == [
        "It is late,",
        "says the little Meadowlark/mˈɛdoʊlɑːɹk/, and goes on to say Meadowlark/mˈɛdoʊlɑːɹk/; then it sleeps.",
    ]


def test_a_word_longer_than_a_sentence_may_be_is_said_as_it_is_spelt() -> None:
    reasons: list[str] = []
    pieces = speak([LARK], left_out=reasons, max_chars=7, normal=False)
    assert "".join(piece.text for piece in pieces) == "Meadowlark"
    assert len(reasons) == 1


def test_without_words_for_numbers_it_arrives_too() -> None:
    assert [told(each) for each in speak([f"5 {LARK}."], normal=False)] == ["5 Meadowlark/mˈɛdoʊlɑːɹk/."]


def test_letters_of_the_mask_in_the_text_do_no_harm() -> None:
    (sentence,) = speak(["ꙀꙀ ꙁꙁꙁ [Bo](/bˈoʊ/) ꙁꙁ"])
    assert sentence.text == "ꙀꙀ ꙁꙁꙁ Bo ꙁꙁ"
    assert [sentence.text[each.start : each.end] for each in sentence.pronunciations] in ([], ["Bo"])


@pytest.mark.parametrize(
    ("ssml", "expected"),
    [
        ('<speak>A <phoneme alphabet="ipa" ph="təˈmɑːtəʊ">tomato</phoneme>.</speak>', "A tomato/təˈmɑːtəʊ/."),
        ('<speak><phoneme ph="no">no</phoneme>, <phoneme ph="lark"> lark </phoneme></speak>', "no/no/, lark/lark/"),
        ('<phoneme ph="a"><sub alias="World">W</sub></phoneme>', "World/a/"),
        ('<phoneme alphabet="x-sampa" ph="a">word</phoneme>', "word"),
        ('<phoneme ph="">word</phoneme> <phoneme ph="x1">one</phoneme>', "word one"),
        ('<phoneme ph="a/b">two</phoneme>', "two/a b/"),
        ('<phoneme ph="a"></phoneme><phoneme ph="b">a &lt; b</phoneme>', "a < b"),
        ('<phoneme ph="a)[">word</phoneme>', "word"),
    ],
)  # fmt: skip
def test_ssml_gives_sounds_too(ssml: str, expected: str) -> None:
    assert " ".join(told(sentence) for sentence in speak([plain_text(ssml)])) == expected


FRAGMENTS = st.sampled_from(
    [LARK, "[Bo](/bˈoʊ/)", "[Dr. No](/nˈoʊ/)", "[", "]", "](", "](/", "/)", "/", "(/", "bˈoʊ", "[Bo", "[x](//)",
     "[docs](/path/)", "[Cuba](/kuba/)", "[laughs]", "(sad)", "[a](https://b.example/)", "*", "**", "`", "|", "\n",
     "\n- ", " ", ". ", ", ", "? ", "5", " kg", "21.5", " at 7:30 ", "Dr. ", "the house", " lark ", "www.", "h", "!",
     "ꙁ", "\u2060", "[5](/faɪv/)", "# "]
)  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=16).map("".join)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def _cut(text: str, sizes: list[int]) -> list[str]:
    chunks, size = [], itertools.cycle(sizes)
    while text:
        length = next(size)
        chunks.append(text[:length])
        text = text[length:]
    return chunks


@given(TEXTS, SIZES, st.sampled_from([400, 30, 12]), st.booleans())
def test_chunks_never_matter_and_places_are_right(text: str, sizes: list[int], most: int, normal: bool) -> None:
    whole = speak([text], max_chars=most, normal=normal)
    assert speak(list(text), max_chars=most, normal=normal) == whole
    assert speak(_cut(text, sizes), max_chars=most, normal=normal) == whole
    for sentence in whole:
        end = 0
        for said in sentence.pronunciations:
            assert end <= said.start < said.end <= len(sentence.text)
            assert said.ipa
            end = said.end
            word = sentence.text[said.start : said.end]
            assert word in ("Meadowlark", "Bo", "Dr. No", "Cuba", "lark", "5", "Siobhan")
