"""Text of a script without spaces, taken apart: its own characters, punctuation, and Latin words in between. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Protocol

MARKS = {
    **dict(zip("。．、，！？；：", "..,,!?;:", strict=True)),
    **dict(zip("（）「」『』《》【】〈〉‘’", "()“”“”“”“”“”“”", strict=True)),
    **{mark: mark for mark in '.,!?;:()“”"—…'},
    "⋯": "…",
}
"""Punctuation → what Kokoro knows."""

ENDING = frozenset(".,!?;:—…")
"""Marks that end a clause; closing ones may follow."""

OPENING = frozenset("(“")

_SPACES = "·・ \t\n\r\u3000_/|"
_LATIN = r"(?<![0-9０-９A-Za-zÀ-ɏ])[A-Za-zÀ-ɏ]+(?:['’.&+-][A-Za-zÀ-ɏ0-9]+|[0-9]+|\ +(?=[A-Za-zÀ-ɏ]))*"
_INSIDE_NUMBER = r"(?<=[0-9０-９])[.,:](?=[0-9])"
_MARK = f"[{re.escape(''.join(MARKS))}]"
_BREAK = f"(?!{_INSIDE_NUMBER})[{re.escape(''.join(MARKS) + _SPACES)}]"
_PIECE = re.compile(
    f"(?P<latin>(?:{_LATIN})+)|(?P<own>(?:(?!{_BREAK}).)+?(?={_LATIN}|{_BREAK}|$))|(?P<mark>{_MARK})", re.DOTALL
)


class Kind(Enum):
    """What a piece is."""

    OWN = "own"
    LATIN = "latin"
    MARK = "mark"


class Reader(Protocol):
    """Reads one language in the symbols of a model."""

    def clauses(self, text: str, english: Callable[[str], str], unknown: Callable[[str], None]) -> Iterator[str]:
        """Symbols, clause by clause. english reads Latin words; unknown is told each character without a sound."""
        ...


def taken_apart(text: str) -> Iterator[tuple[Kind, str]]:
    """Pieces in order, marks as Kokoro knows them. A Latin unit behind a number stays with it."""
    for match in _PIECE.finditer(text):
        kind = Kind(match.lastgroup)
        yield kind, MARKS[match[0]] if kind is Kind.MARK else match[0]


def joined(
    pieces: Iterator[tuple[Kind, str]], read: Callable[[str], str], english: Callable[[str], str]
) -> Iterator[str]:
    """Clauses of pieces, each read; closing marks stand at the word before them, opening ones at the word behind."""
    clause, ended = "", False
    for kind, text in pieces:
        if ended and (kind is not Kind.MARK or text in OPENING):
            yield clause
            clause, ended = "", False
        if kind is Kind.MARK:
            clause += f" {text}" if text in OPENING and clause else text
            ended = ended or text in ENDING
        elif symbols := (english if kind is Kind.LATIN else read)(text):
            clause += symbols if not clause or clause[-1] in OPENING else f" {symbols}"
    if clause:
        yield clause
