"""Reading and writing for the cleaner: a position in a buffer, and text given out with its spaces put right.

Knows nothing of what the characters mean.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

import regex

from meadowlark.text import words
from meadowlark.text.stream import NeedMoreError

WORD = r"\p{L}\p{N}"
"""What words are made of, inside a character class; combining marks come on top."""
CLOSING = frozenset(",.;:!?…)]}、。，．！？；：）」』】〉》”’%")
"""These stand right behind a word."""
_CELL_END = frozenset('%‰°€$£¥²³″"”’»)]')
"""A comma may follow these as it may follow a word."""
_TAIL: Final = 96
# Words that only a marker kept apart: "Hello.(laughs)There". Scripts without spaces need none.
_RUN_ON_RE = regex.compile(
    r"[\p{L}\p{M}\p{N}.,;:!?…](?![\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}])[\p{L}\p{N}]"
)


class Break(Enum):
    """An end that no punctuation needs to show."""

    LINE = "line"


TextOrBreak: TypeAlias = str | Break


class Scanner:
    """Where the cleaner is in the text, and what it has given out."""

    def __init__(self, language: str) -> None:
        primary = words.primary(language)
        self.and_word = words.AND.get(primary)
        self.at_word = words.AT.get(primary)
        self.about_word = words.ABOUT.get(primary)
        self.buffer = ""
        self.position = 0
        self.final = False
        """No more text comes."""
        self.out: list[TextOrBreak] = []
        self.tail = ""
        """The last of what was given out on this line."""
        self.space = False
        """White space is given out only with what follows it."""
        self.comma = False
        """So is the comma that stands for the end of a cell or for an arrow."""
        self.marked = False
        """A marker stood here: no space before punctuation that follows it."""
        self.line_start = True
        self.fence = ""
        """What closes the code fence in which we are."""
        self.skip: regex.Pattern[str] | None = None
        """Drop up to this: the rest of an endless address, or of a fence's line."""
        self.angle = False
        """A "<" was dropped, and its ">" will be."""

    def peek(self, offset: int = 1) -> str:
        """The character so far behind the present one, "" behind the end; NeedMoreError when it has not come."""
        index = self.position + offset
        if index < len(self.buffer):
            return self.buffer[index]
        if self.final:
            return ""
        raise NeedMoreError

    def match(self, pattern: regex.Pattern[str], limit: int | None = None) -> regex.Match[str] | None:
        """A greedy match from here that more text cannot lengthen; NeedMoreError when it could."""
        match = pattern.match(self.buffer, self.position)
        if match and match.end() == len(self.buffer) and not self.final and (limit is None or len(match[0]) < limit):
            raise NeedMoreError
        return match

    def run(self, char: str, limit: int = 64) -> int:
        """How often this character is repeated from here."""
        count = 1
        while count < limit and self.peek(count) == char:
            count += 1
        return count

    def emit(self, text: str) -> None:
        """Give out, behind the space or comma that was waiting."""
        closing = text[0] in CLOSING
        if self.comma and (self.tail[-1:].isalnum() or self.tail[-1:] in _CELL_END) and self.tail and not closing:
            text = ", " + text
        elif self.tail and (self._waiting(closing) or (self.marked and _RUN_ON_RE.fullmatch(self.tail[-1] + text[0]))):
            text = " " + text
        self.space = self.comma = self.marked = False
        self.out.append(text)
        self.tail = (self.tail + text)[-_TAIL:]
        self.line_start = False

    def _waiting(self, closing: bool) -> bool:
        """Whether a space belongs before what comes: not where a marker has left it before a full stop."""
        return (self.space or self.comma) and not (self.marked and closing)

    def end_line(self) -> None:
        """Give out a break, and nothing that was waiting."""
        self.out.append(Break.LINE)
        self.space = self.comma = self.angle = False
        self.tail = ""
