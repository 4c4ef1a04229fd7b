"""Promises that hold for any text: nothing fails, nothing is lost, a second pass changes nothing."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from meadowlark.text.edits import apply
from meadowlark.text.normalize import languages, normalize
from meadowlark.text.normalize.normalizer import engine

TAGS = (*languages(), "en-GB", "de-CH", "es-MX", "pt-PT", "ja", "xx", "")
ANY_TAG = st.sampled_from(TAGS)

# fmt: off
FRAGMENTS = st.sampled_from(
    [
        "0", "1", "2", "5", "7", "10", "12", "21", "30", "45", "59", "99", "100", "101", "007", "1994", "2026", "1,234",
        "1.234", "1 234", "1'234", "21.5", "21,5", "0.05", "1,234.56", "1.234,56", "12345678901", "9" * 30, ".5", "-5",
        "−5", "+5", "½", "2½", "1/2", "3/4", "24/7", "5/6/7", "²", "٣", "１２", "-", "–", " – ", "...", "…", ".", ",",
        ":", ";", "!", "?", "/", "//", "\\", "'", "’", "\"", "(", ")", "[", "]", "_", "&", "@", "#", "§", "№", "=", "+",
        " + ", " = ", "×", " x ", "x", "*", "<", ">", "≤", "≈", "±", "~", " ", " ", " ", "  ", "\u00a0", "\u202f", "°",
        "°C", " °C", "°F", "%", " %", "‰", "kWh", " kWh", " W", "W", " m", "m", " m/s", " km/h", " µg/m³", " h", "h",
        " min", " s", "s", " l/100 km", "GB", "$", "€", " €", "£", "USD", " zł", " Kč", "CHF ", "€/kWh", ",–", " Mio.",
        " Mio. €",
        "M", "k", " million", " tys. zł", "st", "nd", "th", "er", "e", "º", "ª", ". ", "th of ", " of ",
        " de ", "October ", "Oct. ", " Oktober", " octobre", " de octubre", " listopada", " listopadu", " r.", " roku",
        "14:05", "24:00", "0:00", "12:34:56", "7:30–8:15", " Uhr", " PM", " p.m.", "14h30", "2026-11-21",
        "2026-11-21T14:30:00Z", "2026-02-30", "21.11.2026", "21. 11. 2026", "21.11.", "11/21/2026", "31/12/99",
        "192.168.1.1", ":8123", "/24", "v", "v2.0.1", "1.2.3", "2026.11", "+49 30 1234567", "(555) 123-4567",
        "555-123-4567", "0151 2345678", "01 23 45 67 89", "call ", "PIN ", "the ", "am ", "im ", "der ", "o ", "v ",
        "a las ", " Stock", " piętro", " patro", "Henry VIII", "Heinrich VIII.", "Louis XIV", "Chapter IV", "XX wiek",
        "XXe siècle", "VI", "I", "X", "e.g.", "z. B. ", "usw.", "etc.", "Dr. ", "St. ", "No. ", "Nr. ", "n° ",
        "am 12.", "bis zum 3., ", "3. und 4.", " ½ h", "1½", " kg", "5º", " º C", "˚", "UTC+", "18+", "75001", " Paris",
        "rue de Rivoli, ", "przed ", "před ", "z ", " min.", " lampami", "alle ", "19.30", "godz. ", "2x", "Ca. ",
        "CO2",
        "PM2.5", "living_room", "sensor.temp_2", "light.kitchen",
        "a_b_c_", "camelCase", "example.com", "https:",
        "John.Doe", "the light", "Straße", "naïve", "好", "今日は", "सात", "\u0301", "\x00", "\ud800", "😀", "\u200d",
    ]
)
# fmt: on
ASSEMBLED = st.lists(FRAGMENTS, max_size=12).map("".join)
ANY_TEXT = st.text(st.characters(), max_size=80)
TEXTS = st.one_of(ASSEMBLED, ASSEMBLED, ANY_TEXT)


@given(TEXTS, ANY_TAG)
@settings(max_examples=400)
def test_a_second_pass_changes_nothing(text: str, tag: str) -> None:
    once = normalize(text, tag)
    assert normalize(once, tag) == once


@given(TEXTS, ANY_TAG)
@settings(max_examples=300)
def test_every_number_is_spoken_or_left(text: str, tag: str) -> None:
    """Digits that are gone were part of an edit, whose words are letters; digits that stay are those written."""
    for edits in engine(tag).steps(text):
        end = 0
        for edit in edits:
            assert end <= edit.start < edit.end <= len(text)
            end = edit.end
            written = regex.findall(r"[0-9]", text[edit.start : edit.end])
            # "1.299,99" in English becomes "1299.99" before it is read: the same digits
            assert regex.search(r"\p{L}", edit.words) or regex.findall(r"[0-9]", edit.words) == written
            assert not set(regex.findall(r"[0-9]", edit.words)) - set(written)
        text = apply(text, edits)
    assert text == normalize(text, tag)


WORDS = st.lists(st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=9), max_size=12)


@given(WORDS, st.sampled_from([" ", ", ", "; ", "-", " – "]), st.sampled_from([".", "!", "?", "…", ""]), ANY_TAG)
def test_words_that_no_table_knows_stay(words: list[str], between: str, end: str, tag: str) -> None:
    unknown = [word for word in words if engine(tag).is_unknown(word)]
    text = between.join(unknown) + end
    assert normalize(text, tag) == text


@given(ASSEMBLED, st.sampled_from(["ja", "xx", "", "nonsense tag", "zh-Hant-TW"]))
def test_languages_without_a_table_keep_their_numbers(text: str, tag: str) -> None:
    assert regex.findall(r"\d", normalize(text, tag)) == regex.findall(r"\d", text)


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize(
    "text",
    [
        "http://example.com/a1/b2?c=3", "user1@example2.com", "abc123def", "x1", "1x2y3z", "A1-B2",
        "1.2.3.4.5.6.7.8.9.10.11", "/dev/ttyUSB0", "C:\\temp1\\x2", "deadbeef0123", "aa:bb", "fe80:1:2", "9" * 40,
        "0x1G",
    ],
)  # fmt: skip
def test_identifiers_and_addresses_stay(text: str, tag: str) -> None:
    assert normalize(text, tag) == text


FLOODS = {
    "digits": "9" * 1_000_000,
    "numbers": "5 " * 20_000,
    "dots": "1." * 200_000,
    "colons": "1:" * 200_000,
    "hyphens": "1-" * 200_000,
    "commas": "1," * 200_000,
    "groups": "1 234 " * 10_000,
    "pluses": "1+" * 100_000,
    "slashes": "1/2" * 200_000,
    "letters": "a" * 1_000_000,
    "words": "living room " * 60_000,
    "underscores": "a_" * 200_000,
    "stops": "e.g." * 50_000,
    "romans": "Henry VIII " * 10_000,
    "signs": "-" * 200_000,
    "money": "$" * 200_000,
    "spaces": " " * 300_000,
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_are_survived(flood: str) -> None:
    """Each would take minutes were any rule's time to grow with the square of the length."""
    assert normalize(FLOODS[flood], "en")
