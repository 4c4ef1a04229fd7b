"""Texts before they are tokens."""

from __future__ import annotations

from itertools import pairwise

import pytest

pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.api import PlacedEvent
from meadowlark_fish_speech.markers import marked_parts
from meadowlark_fish_speech.text import cleaned, cut, has_words, spans


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (" hello,,, world… ", "hello, world…"),
        ("‘quoted’ ’s", "'quoted' 's"),
        ("ok 😀 fine", "ok  fine"),
        ("a...b", "a...b"),
        ("，，两个", "，，两个"),
    ],
)
def test_cleaned_as_upstream_cleans(text: str, wanted: str) -> None:
    """The five cases that upstream's own function was run on."""
    assert cleaned(text) == wanted


@pytest.mark.parametrize(
    ("text", "most", "wanted"),
    [
        ("One. Two.", 200, ["One. Two."]),
        ("First comes this. Then comes that, and this.", 30, ["First comes this.", "Then comes that, and this."]),
        ("Only a clause, and then another clause", 24, ["Only a clause,", "and then another clause"]),
        ("Words without any points at all", 16, ["Words without", "any points at", "all"]),
        ("Pi is 3.14159 here and 2,718 there", 14, ["Pi is 3.14159", "here and 2,718", "there"]),
        ("3.14159265358979", 6, ["3.1415", "926535", "8979"]),
        ("一二三。四五六。", 15, ["一二三。", "四五六。"]),
        ("一二三，四五六", 15, ["一二三，", "四五六"]),
        ("Short. A very long sentence that follows", 24, ["Short. A very long", "sentence that follows"]),
        ("Oh! Supercalifragilistic", 18, ["Oh!", "Supercalifragilist", "ic"]),
        ("äöü" * 4, 7, ["äöü", "äöü", "äöü", "äöü"]),
        ("  spaces \n everywhere  ", 200, ["spaces \n everywhere"]),
        ("", 10, []),
        (" \n ", 10, []),
        ("😀😀", 3, ["😀", "😀"]),
    ],
)
def test_cut_where_it_is_heard_least(text: str, most: int, wanted: list[str]) -> None:
    assert list(cut(text, most)) == wanted


def test_an_accent_stays_with_its_letter() -> None:
    text = "e\u0301" * 30
    assert all(part.startswith("e") for part in cut(text, 10))
    assert "".join(cut(text, 10)) == text
    assert "".join(cut("e" + "\u0301" * 100, 10)) == "e" + "\u0301" * 100  # no letter comes: it is cut all the same


def test_a_style_is_in_every_part_and_an_event_in_its_own() -> None:
    text = "She came home at last. He had been waiting there."
    events = (
        PlacedEvent(22, "a", "(sighing)"),
        PlacedEvent(len(text), "b", "(laughing)"),
        PlacedEvent(0, "c", "(panting)"),
    )
    assert list(marked_parts(text, "(sad)", events, 30)) == [
        "(sad) (panting) She came home at last.",
        "(sad) (sighing) He had been waiting there. (laughing)",
    ]
    assert list(marked_parts("", None, events[:1], 30)) == ["(sighing)"]
    assert list(marked_parts("", None, (), 30)) == []


def test_each_event_comes_once() -> None:
    text = "word " * 50
    events = tuple(PlacedEvent(place, "x", f"({place})") for place in range(0, 251, 10))
    spoken = " ".join(marked_parts(text, None, events, 40))
    assert all(spoken.count(f"({place})") == 1 for place in range(0, 251, 10))
    assert spoken.count("word") == 50


def test_spans_cover_all_but_spaces() -> None:
    text = " One two, three.  Four five six; seven. " * 5
    places = list(spans(text, 20))
    assert all(begin < end for begin, end in places)
    assert all(one[1] <= two[0] for one, two in pairwise(places))
    covered = {at for begin, end in places for at in range(begin, end)}
    assert all(at in covered for at, letter in enumerate(text) if not letter.isspace())


@pytest.mark.parametrize(("text", "wanted"), [("a", True), ("1", True), ("好", True), ("😀 …!", False), ("", False)])
def test_what_can_be_said(text: str, wanted: bool) -> None:
    assert has_words(text) is wanted
