"""Sentences out of clean text, in a stream: where to cut, how early, and at most how long.

What ends a sentence is decided in boundaries.py. Knows nothing of markers or markup, and is told where a line ends.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import regex

from meadowlark.text import boundaries
from meadowlark.text.boundaries import CLOSERS, NARROW, WIDE, Ahead
from meadowlark.text.stream import NeedMoreError
from meadowlark.text.words import primary

_SPEAKABLE_RE = regex.compile(r"[\p{L}\p{N}]")
_WIDE_LETTER_RE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_CLAUSE_RE = regex.compile(r"[,;:،؛](?=\s)| [–—-](?= )|—(?=\p{L})|[、，；：]")
_END_RE = regex.compile(rf"[{regex.escape(WIDE + NARROW)}]+[{regex.escape(CLOSERS)}]*(?=\s)|[{regex.escape(WIDE)}]+")
# Thai, Lao, Khmer and Burmese put a space where a clause or sentence ends, and often nothing else.
_SPACED_SCRIPT = r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_SPACED_SCRIPT_RE = regex.compile(_SPACED_SCRIPT)
_PARTICLE_RE = regex.compile(r"(?:ครับ|ค่ะ|คะ|นะคะ|จ้ะ|จ้า|ເຈົ້າ)$")
_CANDIDATE_RE = regex.compile(
    rf"[{regex.escape(WIDE + NARROW)}]|(?<=\p{{Greek}});|(?<={_SPACED_SCRIPT})(?<!ๆ) |[,;:،؛、，；：–—]"
)
_LAST_RE = regex.compile(rf"([{regex.escape(WIDE + NARROW)}]+)[{regex.escape(CLOSERS)}]*\s*$")
_GRAPHEME_RE = regex.compile(r"\X")
_GREEK_RE = regex.compile(r"\p{Greek}")
_MARK_RE = regex.compile(r"\p{M}|[%°]")
_CLOSERS = frozenset(CLOSERS)
_WIDE_CLOSERS = _CLOSERS - frozenset("“‘«‹")
"""Where no space follows a sentence, these open the next; elsewhere German and Danish close with them."""
_CONTEXT: Final = 48
"""Characters before a mark that are looked at: more than any word."""
_RUN: Final = 16
"""Marks and closers that are read as one end; a flood of them must not be held."""
_SHORT: Final = 10
"""Characters below which a piece is joined to the next (a wide letter counts three)."""
_PAUSED_CLAUSE: Final = 40
"""Characters that must stand before a clause mark for a cut there when the stream has paused."""
_SPACED_CLAUSE: Final = 40
"""Characters after which a space ends a piece in scripts that mark no sentences."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text that is spoken at one go."""

    text: str
    """Stripped."""

    start: int
    """Characters of the whole text before `text`."""

    stop: int
    """Characters of the whole text up to the cut; what happens here belongs to the next piece."""


class Splitter:
    """Cuts clean text into pieces. Does not depend on how the text is chunked, and holds little more than one piece."""

    def __init__(
        self,
        language: str = "en",
        max_chars: int = 400,
        first_clause_chars: int | None = None,
        join_chars: int = _SHORT,
    ) -> None:
        """`language`: BCP 47, a hint. `first_clause_chars`: cut the first piece at a clause mark from there on."""
        if max_chars < 1:
            raise ValueError("max_chars must be at least 1")
        self._language = primary(language)
        self._max = max_chars
        self._first_clause = first_clause_chars
        self._join = join_chars
        self._text = ""
        self._base = 0  # characters before self._text
        self._start = 0  # of the present piece, in self._text
        self._scan = 0  # all marks before this are decided
        self._glue = False
        self._line = 0  # where the last line begins that was joined to the present piece, in self._text
        self._begun = False
        self._whole: deque[tuple[int, int]] = deque()
        """Stretches of the whole text that no cut goes through, where there is another."""

    @property
    def length(self) -> int:
        """Characters of the whole text so far, those added between lines included."""
        return self._base + len(self._text)

    @property
    def begun(self) -> bool:
        """Whether a piece with words in it has been cut."""
        return self._begun

    def push(self, text: str, whole: int = 0) -> list[Piece]:
        """The pieces that are complete for certain. whole: so many characters at the end stay in one piece."""
        if self._glue:
            self._join_line(text[0])
        self._text += text
        if whole:
            self._whole.append((self.length - whole, self.length))
        return self._cut(final=False)

    def end_line(self) -> list[Piece]:
        """A line ends here: a piece, unless it is so short that it is joined to the next line."""
        pieces = self._cut(final=True)
        rest = self._text[self._start :]
        if not _SPEAKABLE_RE.search(rest):
            self._forget()
        elif not self._begun or _weight(rest) >= self._join:
            pieces.append(self._take(len(self._text)))
        else:
            self._glue = True
            self._scan = len(self._text)
        return pieces

    def end(self) -> list[Piece]:
        """The text ends here, or what follows is spoken otherwise."""
        pieces = self._cut(final=True)
        if _SPEAKABLE_RE.search(self._text, self._start):
            pieces.append(self._take(len(self._text)))
        self._forget()
        return pieces

    def pause(self) -> list[Piece]:
        """Nothing has come for a while: what ends in a full stop, or at the last clause mark of a long beginning."""
        rest = self._text[self._start :]
        if not _SPEAKABLE_RE.search(rest):
            return []
        if self._glue:
            return [self._take(len(self._text))]
        last = _LAST_RE.search(rest)
        if last and boundaries.surely_complete(rest[: last.start()][-_CONTEXT:], last[1], self._language):
            return [self._take(len(self._text))]
        found = (m.end() for m in _CLAUSE_RE.finditer(rest + " "))
        clauses = [end for end in found if end >= _PAUSED_CLAUSE and not self._cut_through(self._start + end)]
        while clauses and clauses[-1] >= len(rest) and rest[:-1][-1:].isdecimal():
            clauses.pop()  # "21," may go on with "5"
        if clauses:
            return [self._take(min(self._start + clauses[-1], len(self._text)))]
        return []

    def _cut(self, final: bool) -> list[Piece]:
        pieces = []
        while (end := self._next_end(final)) is not None:
            pieces.append(self._take(end))
        self._base += self._start
        self._text = self._text[self._start :]
        self._scan -= self._start
        self._line = max(0, self._line - self._start)
        self._start = 0
        return pieces

    def _next_end(self, final: bool) -> int | None:
        """Where the present piece ends, None when that is open."""
        limit = self._start + self._max
        while candidate := _CANDIDATE_RE.search(self._text, self._scan):
            if candidate.start() >= limit:
                break
            try:
                end, is_end = self._decide(candidate, final)
            except NeedMoreError:
                return None
            self._scan = end
            if is_end and end <= limit and self._long_enough(end) and not self._cut_through(end):
                return end
        else:
            self._scan = len(self._text)
        return self._forced_end(limit) if len(self._text) > limit else None

    def _decide(self, candidate: regex.Match[str], final: bool) -> tuple[int, bool]:
        """The end of the marks that begin here, and whether a piece may end there."""
        char = candidate[0]
        at = candidate.start()
        if char == " ":
            before = self._text[max(self._start, at - _CONTEXT) : at]
            ahead = Ahead(self._text, at + 1, final).char(0)
            spaced = at - self._start >= _SPACED_CLAUSE or _PARTICLE_RE.search(before) is not None
            return at + 1, spaced and _SPACED_SCRIPT_RE.match(ahead) is not None
        if char in ",;:،؛、，；：–—" and not (char == ";" and _GREEK_RE.match(self._text[at - 1])):
            return at + 1, self._first_clause_ends(at, final)
        end = at + 1
        reader = Ahead(self._text, 0, final)
        while end - at < _RUN and (following := reader.char(end)) and following in WIDE + NARROW:
            end += 1
        marked = end
        closers = _WIDE_CLOSERS if self._text[marked - 1] in WIDE else _CLOSERS
        while end - at < _RUN and (following := reader.char(end)) and following in closers:
            end += 1
        if reader.char(end) == " " and reader.char(end + 1) == "»" and self._open_guillemet(at):
            end += 2  # French puts a space before it
        first = max(self._start, self._line)
        begin = max(first, at - _CONTEXT)
        mark = "?" if char == ";" else self._text[at:marked]
        return end, boundaries.ends_sentence(
            self._text[begin:at].lstrip() if begin == first else self._text[begin:at],
            mark,
            self._text[marked:end],
            Ahead(self._text, end, final),
            begin == first,
            self._language,
        )

    def _first_clause_ends(self, at: int, final: bool) -> bool:
        """Whether the reply's first piece may end at this clause mark."""
        if self._begun or self._first_clause is None or at + 1 - self._start < self._first_clause:
            return False
        following = Ahead(self._text, at + 1, final).char(0)
        if self._text[at] in "、，；：":
            return following != ""
        if self._text[at] in "–—" and self._text[at - 1 : at] != " ":
            return following.isalpha()
        return following.isspace()

    def _open_guillemet(self, at: int) -> bool:
        text = self._text[max(self._start, at - self._max) : at]
        return text.count("«") > text.count("»")

    def _long_enough(self, end: int) -> bool:
        piece = self._text[self._start : end]
        return _SPEAKABLE_RE.search(piece) is not None and (not self._begun or _weight(piece) >= self._join)

    def _forced_end(self, limit: int) -> int:
        """Where to cut a piece that is too long: behind a sentence or clause, else a word, else a letter."""
        window = self._text[self._start : limit + 1]
        least = self._max // 4
        for pattern in (_END_RE, _CLAUSE_RE):
            ends = [self._start + m.end() for m in pattern.finditer(window) if least <= m.end() <= self._max]
            ends = [end for end in ends if not self._cut_through(end)]
            if ends:
                return self._reset_scan(ends[-1])
        spaces = [self._start + at for at, char in enumerate(window) if at and char == " "]
        if spaces:
            return self._reset_scan(next((at for at in reversed(spaces) if not self._cut_through(at)), spaces[-1]))
        for cut in range(limit, max(self._start, limit - _CONTEXT), -1):
            found = _GRAPHEME_RE.match(self._text, cut - 1)
            if found is None or found.end() <= cut:
                return self._reset_scan(cut)
        return self._reset_scan(limit)

    def _cut_through(self, end: int) -> bool:
        """Whether a cut there would go through what is to stay whole."""
        return any(start < self._base + end < stop for start, stop in self._whole)

    def _reset_scan(self, cut: int) -> int:
        self._scan = cut
        return cut

    def _take(self, end: int) -> Piece:
        raw = self._text[self._start : end]
        text = raw.strip()
        start = self._start + len(raw) - len(raw.lstrip())
        piece = Piece(text, self._base + start, self._base + end)
        self._start = end
        while self._whole and self._whole[0][1] <= piece.stop:
            self._whole.popleft()
        self._scan = max(self._scan, end)
        self._glue = False
        self._begun = self._begun or _SPEAKABLE_RE.search(text) is not None
        return piece

    def _forget(self) -> None:
        self._base += len(self._text)
        self._whole.clear()
        self._text = ""
        self._start = self._scan = self._line = 0
        self._glue = False

    def _join_line(self, first: str) -> None:
        """A short line goes on with the next, with the pause that the line's end asked for."""
        last = self._text[-1:]
        if not (last.isalnum() or _MARK_RE.match(last)):
            self._text += " "
        elif _WIDE_LETTER_RE.match(last) and _WIDE_LETTER_RE.match(first):
            self._text += "、"
        else:
            self._text += ". " if first.isupper() else ", "
        self._scan = self._line = len(self._text)
        self._glue = False


def _weight(text: str) -> int:
    """Characters, of which a wide letter says as much as three."""
    stripped = text.strip()
    return len(stripped) + 2 * len(_WIDE_LETTER_RE.findall(stripped))
