"""Normal sentences out of a stream: events keep their places, chunks do not matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadowlark.api import Marker, MarkerKind
from meadowlark.text import MarkerMap, Segmenter, Sentence
from meadowlark.text.lexicon import Lexicon
from meadowlark.text.normalize import Normalizer

MARKERS = MarkerMap([Marker("sad", MarkerKind.STYLE, "sad"), Marker("laughing", MarkerKind.EVENT, "laugh")])
LEXICON = Lexicon({"en": {"lark": "/lɑːk/", "the house": "our home"}})


def speak(chunks: list[str], language: str = "en") -> list[Sentence]:
    segmenter = Segmenter(MARKERS, language, normalize=Normalizer(language, LEXICON))
    return [sentence for chunk in chunks for sentence in segmenter.push(chunk)] + segmenter.finish()


def told(sentence: Sentence) -> str:
    text = sentence.text
    for event in reversed(sentence.events):
        text = text[: event.position] + "^" + text[event.position :]
    return text


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "It is 21.5 °C (laughs) and 5 kWh.", ["It is twenty-one point five degrees Celsius^ and five "
                                                     "kilowatt hours."]),
        ("en", "(laughs) 21 lights (laughs) at 7:30 (laughs)", ["^twenty-one lights^ at seven thirty^"]),
        ("en", "In the house (laughs) 5 lights.", ["In our home^ five lights."]),
        ("en", "It costs $5.25. (laughs) So what?", ["It costs five dollars and twenty-five cents.", "^So what?"]),
        ("en", "21(laughs)°C", ["^twenty-one degrees Celsius"]),
        ("de", "Am 3. Oktober um 14:30 Uhr. (laughs) Ja.", ["Am dritten Oktober um vierzehn Uhr dreißig.", "^Ja."]),
        ("de", "Frist ist am 12. Danach (laughs) nicht.", ["Frist ist am zwölften.", "Danach^ nicht."]),
        ("de", "Ich bin bis zum 3. (laughs) weg.", ["Ich bin bis zum dritten^ weg."]),
        ("en", "(laughs)", ["^"]),
        ("ja", "5時 (laughs) です。", ["5時^ です。"]),
    ],
)  # fmt: skip
def test_events_keep_their_places(language: str, text: str, expected: list[str]) -> None:
    assert [told(sentence) for sentence in speak([text], language)] == expected


def test_pronunciations_arrive() -> None:
    (sentence,) = speak(["5 of the house's lark sing."])
    ((start, end, ipa),) = [(each.start, each.end, each.ipa) for each in sentence.pronunciations]
    assert (sentence.text[start:end], ipa) == ("lark", "lɑːk")


FRAGMENTS = st.sampled_from(
    ["21.5", " °C", "5", " kWh", " (laughs) ", "(sad)", ". ", "? ", " at 7:30", " p.m.", "Dr. ", "z. B. ",
     " 3. Oktober", " am 12", ". Danach ", ", ", " 5º", "C ",
     "$5", ".25", " and ", "the house", " lark", "\n", "living_room", "1,234", " – ", "-", "%", "°"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=20).map("".join), st.sampled_from(["en", "de", "pl", "xx"]))
def test_output_does_not_depend_on_chunks(text: str, language: str) -> None:
    whole = speak([text], language)
    assert speak(list(text), language) == whole
    for sentence in whole:
        assert all(0 <= event.position <= len(sentence.text) for event in sentence.events)
        assert list(sentence.events) == sorted(sentence.events, key=lambda event: event.position)
