"""The user's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadowlark.api import Pronunciation
from meadowlark.text.lexicon import Lexicon
from meadowlark.text.normalize import Normalizer

LEXICON = Lexicon(
    {
        "": {"Meadowlark": "/ˈmɛdoʊlɑːk/"},
        "en": {
            "tomato": "tomayto", "HVAC": "H vac", "Home Assistant": "home assist", "Home": "house", "kWh": "K W H",
            "Siobhan": "/ʃɪˈvɔːn/", "C++": "C plus plus", "Q4": "fourth quarter", "Dr.": "Doc", "e.g.": "say",
            "7:30": "half seven", "21": "blackjack", "St. Ives": "Saint Eyeves", "O'Brien": "Oh Bryan",
            "Mbit/s": "megs", "CO2": "carbon dioxide", "sensor.hall": "the hall", "AT&T": "the phone people",
        },
        "en_GB": {"tomato": "tomahto"},
        "de": {"WLAN": "W-Lan"},
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("en", "A tomato.", "A tomayto."),
        ("en", "Tomato, TOMATO!", "tomayto, tomayto!"),
        ("en-gb", "A tomato.", "A tomahto."),
        ("en", "Two tomatoes and a tomatoe.", "Two tomatoes and a tomatoe."),
        ("en", "The HVAC, not the hvac.", "The H vac, not the hvac."),
        ("en", "Home Assistant is at home.", "home assist is at house."),
        ("en", "home assistant", "house assistant"),
        ("en", "5 kWh in kWh", "five K W H in K W H"),
        ("en", "I like C++ most.", "I like C plus plus most."),
        ("en", "Q4 2026, (Q4), Q4's", "fourth quarter twenty twenty-six, (fourth quarter), fourth quarter's"),
        ("en", "Ask Dr. Smith, e.g. today.", "Ask Doc Smith, say today."),
        ("en", "At 7:30 PM, 7:30.", "At half seven PM, half seven."),
        (
            "en",
            "21 of 121, 21.5, -21 and 21 %",
            "blackjack of one hundred twenty-one, twenty-one point five, minus twenty-one and twenty-one percent",
        ),
        ("en", "To St. Ives, O'Brien and O’Brien's!", "To Saint Eyeves, Oh Bryan and Oh Bryan's!"),
        ("en", "1 kWh, 5 kWh, 100 Mbit/s", "one K W H, five K W H, one hundred megs"),
        ("en", "CO2 in sensor.hall for AT&T", "carbon dioxide in the hall for the phone people"),
        ("de", "Das WLAN, die tomato.", "Das W-Lan, die tomato."),
        ("fr", "Une tomato.", "Une tomato."),
    ],
)
def test_respellings(language: str, text: str, spoken: str) -> None:
    assert Normalizer(language, LEXICON)(text).text == spoken


def test_ipa_tells_the_place_in_what_is_spoken() -> None:
    spoken = Normalizer("en", LEXICON)("5 tomato for Siobhan and Meadowlark")
    assert spoken.text == "five tomayto for Siobhan and Meadowlark"
    assert [(spoken.text[each.start : each.end], each.ipa) for each in spoken.pronunciations] == [
        ("Siobhan", "ʃɪˈvɔːn"),
        ("Meadowlark", "ˈmɛdoʊlɑːk"),
    ]


def test_endings_and_given_words_beside_entries_that_are_found_as_written() -> None:
    spoken = Normalizer("en", LEXICON)("SIOBHAN'S Q4: 5 kWh for Siobhan’s Bo", [Pronunciation(34, 36, "boʊ")])
    assert spoken.text == "SIOBHAN'S fourth quarter: five K W H for Siobhan’s Bo"
    assert [(spoken.text[each.start : each.end], each.ipa) for each in spoken.pronunciations] == [
        ("SIOBHAN'S", "ʃɪˈvɔːnz"),
        ("Siobhan’s", "ʃɪˈvɔːnz"),
        ("Bo", "boʊ"),
    ]


def test_no_entries_cost_nothing() -> None:
    assert Lexicon().words("en") is None
    assert LEXICON.words("fr") is not None
    assert Lexicon({"en": {" ": "x", "y": " "}}).words("en") is None


def test_a_sentence_never_vanishes() -> None:
    assert Normalizer("en", Lexicon({"en": {"hello": "..."}}))("Hello!").text == "Hello!"


@given(st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=5), st.text(max_size=60))
def test_any_entries_will_do(entries: dict[str, str], text: str) -> None:
    spoken = Normalizer("en", Lexicon({"en": entries}))(text)
    for each in spoken.pronunciations:
        assert isinstance(each, Pronunciation)
        assert 0 <= each.start < each.end <= len(spoken.text)
