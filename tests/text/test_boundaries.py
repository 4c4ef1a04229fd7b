"""The table of tricky boundaries, row by row; and how early an end is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from meadowlark.api import Marker, MarkerKind
from meadowlark.text import MarkerMap, Segmenter
from meadowlark.text.sentences import Splitter


def rows(name: str) -> list[list[str]]:
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def split(text: str, language: str) -> list[str]:
    """The sentences of one line, none of them joined."""
    splitter = Splitter(language, max_chars=1000, join_chars=0)
    return [piece.text for piece in (*splitter.push(text), *splitter.end())]


CASES = rows("boundaries.tsv")


@pytest.mark.parametrize(("language", "marked"), CASES, ids=[marked for _, marked in CASES])
def test_boundary(language: str, marked: str) -> None:
    assert split(marked.replace("|", ""), language.strip("-")) == [sentence.strip() for sentence in marked.split("|")]


@pytest.mark.parametrize(("language", "marked"), CASES, ids=[marked for _, marked in CASES])
def test_boundary_does_not_depend_on_chunks(language: str, marked: str) -> None:
    splitter = Splitter(language, max_chars=1000, join_chars=0)
    pieces = [piece.text for char in marked.replace("|", "") for piece in splitter.push(char)]
    pieces += [piece.text for piece in splitter.end()]
    assert pieces == [sentence.strip() for sentence in marked.split("|")]


def test_table_is_large_and_in_many_languages() -> None:
    assert len(CASES) >= 250
    assert {"en", "de", "fr", "es", "it", "nl", "pl", "pt", "cs", "ja", "zh", "ko", "ru", "hi", "ar", "th"} <= {
        language for language, _ in CASES
    }


@pytest.mark.parametrize(("language", "text", "reason"), rows("undecidable.tsv"))
def test_undecidable_text_is_not_lost(language: str, text: str, reason: str) -> None:
    assert reason
    assert " ".join(split(text, language)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "known_at"),
    [
        ("The light is on. It", "The light is on. I"),
        ("The light is on! the", "The light is on! t"),
        ("Really? Yes", "Really? Y"),
        ("電気をつけました。今", "電気をつけました。今"),
        ("The light is on.\nIt", "The light is on.\n"),
        ("The light is on. (happy) It", "The light is on. (happy)"),
        ("See https://a.example/x. Then", "See https://a.example/x. T"),
        ("Who is there? When", "Who is there? Wh"),
    ],
)
def test_end_is_told_as_soon_as_it_is_known(text: str, known_at: str) -> None:
    segmenter = Segmenter(MarkerMap([Marker("joyful", MarkerKind.STYLE, "j")]))
    seen = ""
    for char in text:
        seen += char
        if segmenter.push(char):
            break
    assert seen == known_at


def test_short_pieces_are_joined_but_for_the_first() -> None:
    splitter = Splitter()
    pieces = splitter.push("Yes. No. The lamp in the hall is on. Ok. Bye.")
    assert [piece.text for piece in (*pieces, *splitter.end())] == [
        "Yes.",
        "No. The lamp in the hall is on.",
        "Ok. Bye.",
    ]


def test_first_clause_may_be_cut() -> None:
    text = "Well, the lamp in the hall is on, and so are the others, all of them. It is, I think, late."
    splitter = Splitter(first_clause_chars=12)
    pieces = [piece.text for piece in (*splitter.push(text), *splitter.end())]
    assert pieces == [
        "Well, the lamp in the hall is on,",
        "and so are the others, all of them.",
        "It is, I think, late.",
    ]


def test_first_clause_is_not_cut_inside_a_number() -> None:
    splitter = Splitter("de", first_clause_chars=5)
    assert [piece.text for piece in (*splitter.push("Es sind 21,5 Grad im Flur."), *splitter.end())] == [
        "Es sind 21,5 Grad im Flur."
    ]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two three, four five six seven", ["one two three,", "four five six", "seven"]),
        ("abcdefghijklmnopqrstuvwxyz", ["abcdefghijklmnop", "qrstuvwxyz"]),
        ("one two three four five", ["one two three", "four five"]),
        ("e\u0301" * 10, ["e\u0301" * 8, "e\u0301" * 2]),
        ("o" + "e\u0301" * 9, ["o" + "e\u0301" * 7, "e\u0301" * 2]),
        ("\u1100\u1161\u11a8" * 7, ["\u1100\u1161\u11a8" * 5, "\u1100\u1161\u11a8" * 2]),
    ],
)
def test_long_text_is_cut_at_the_best_place(text: str, pieces: list[str]) -> None:
    splitter = Splitter(max_chars=16)
    assert [piece.text for piece in (*splitter.push(text), *splitter.end())] == pieces


def test_thai_is_cut_at_spaces_of_a_long_text() -> None:
    clause = "วันนี้อากาศดีมากและเราจะไปเที่ยวที่สวนสาธารณะ"
    assert split(f"{clause} {clause} {clause}", "th") == [clause, clause, clause]


def test_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        Splitter(max_chars=0)
