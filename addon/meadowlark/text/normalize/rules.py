"""What a rule is, the edges between which it may fire, and how it looks around."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import regex

Match: TypeAlias = regex.Match[str]

BEHIND: Final = r"(?![\p{L}\p{N}\p{M}_]|[.,:/@'’\\-]\p{N}|[/@\\%]\p{L}|['’]\p{L}{3})"
"""No rule ends inside a word, a longer number or an address; "5-minute" and "5's" are two words."""
GAP: Final = r"[ \u00a0\u202f]?"
HYPHENS: Final = "-‐‑‒–—"
MINUSES: Final = "-−–"
SIGN: Final = rf"(?:(?P<sign>[{MINUSES}])(?=[0-9]))?"

_WORDS_RE = regex.compile(r"([\p{L}\p{M}'’.]+)[^\p{L}\p{N}]*$")
_WORD_RE = regex.compile(r"[ -]([\p{L}\p{M}]+)(?: ([\p{L}\p{M}]+))?")
_LOOK_BEHIND: Final = 64


@dataclass(frozen=True, slots=True)
class Rule:
    """Reads what its pattern matches where a number begins."""

    pattern: regex.Pattern[str]
    read: Callable[[Match], str]
    """The words; "" where it is something else after all, what it has matched to leave that alone."""


def rule(pattern: str, read: Callable[[Match], str]) -> Rule:
    """A rule whose match ends at the end of a word or number."""
    return Rule(regex.compile(pattern + BEHIND), read)


def alternatives(words: Iterable[str]) -> str:
    """A pattern for any of these, the longest first; one that matches nothing where there are none."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(regex.escape(word) for word in ordered) or r"(?!)"


def word_before(match: Match, count: int = 1) -> str:
    """The words right before a match, in lower case, with spaces between them; full stops only inside."""
    return last_words(text_before(match), count)


def text_before(match: Match) -> str:
    """As much of what stands before a match as is looked at."""
    return match.string[max(0, match.start() - _LOOK_BEHIND) : match.start()]


def last_words(text: str, count: int) -> str:
    """The last words of a text, in lower case, with spaces between them; full stops only inside."""
    words: list[str] = []
    while len(words) < count and (found := _WORDS_RE.search(text)):
        words.insert(0, found[1].rstrip(".").lower())
        text = text[: found.start()]
    return " ".join(words)


def word_after(match: Match) -> str:
    """The word that follows a match behind a space or hyphen, "" where none does."""
    found = _WORD_RE.match(match.string, match.end())
    return found[1] if found else ""


def words_after(match: Match) -> tuple[str, str]:
    """The same, and the word behind that."""
    found = _WORD_RE.match(match.string, match.end())
    return (found[1], found[2] or "") if found else ("", "")


def ends_text(match: Match) -> bool:
    """Whether nothing but quotes and brackets stands behind it."""
    return not match.string[match.end() : match.end() + 8].strip(" \"'”’»)]")


def starts_text(match: Match) -> bool:
    """Whether nothing but quotes and brackets stands before it."""
    return not match.string[max(0, match.start() - 8) : match.start()].strip(" \"'„“‘«([")
