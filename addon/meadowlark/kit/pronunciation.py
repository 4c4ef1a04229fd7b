"""`[word](/ipa/)`: how a word is to be said, written into a text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..api import Utterance

_INLINE = re.compile(r"\[([^\[\]\n]{1,200})\]\(/([^/()\n]{1,400})/\)([.,!?…;:—]*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text: plain, or a word whose sounds are given."""

    text: str
    """What is read; for a word with given sounds, the word."""

    ipa: str = ""
    """How it is said, without slashes; empty = as the language's rules say."""

    mark: str = ""
    """The punctuation that follows a word with given sounds."""


def marked(utterance: Utterance) -> str:
    """The utterance's text with its pronunciations written into it; one that could not be read again is left out."""
    text = utterance.text
    for each in reversed(utterance.pronunciations):
        written = f"[{text[each.start : each.end]}](/{each.ipa}/)"
        if _INLINE.fullmatch(written):
            text = text[: each.start] + written + text[each.end :]
    return text


def pieces(text: str) -> Iterator[Piece]:
    """The text in order; without any `[word](/ipa/)` it is one plain piece."""
    end = 0
    for match in _INLINE.finditer(text):
        if match.start() > end:
            yield Piece(text[end : match.start()])
        yield Piece(match[1], match[2].strip(), match[3][:1])
        end = match.end()
    if end < len(text):
        yield Piece(text[end:])
