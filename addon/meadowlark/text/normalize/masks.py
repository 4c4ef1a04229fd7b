"""Words that no rule may touch, behind letters that no rule knows while the others are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from meadowlark.api import Pronunciation

_SMALL: Final = "\ua641"
_CAPITAL: Final = "\ua640"
"""Old Cyrillic: letters, with and without a capital, that nobody writes today. A title waits for a capital."""


def masked(text: str, words: Sequence[Pronunciation]) -> str:
    """The text with as many of these letters in the place of each word; `words` are in order and do not overlap."""
    for word in reversed(words):
        first = _CAPITAL if text[word.start].isupper() else _SMALL
        text = text[: word.start] + first + _SMALL * (word.end - word.start - 1) + text[word.end :]
    return text


def unmasked(spoken: str, text: str, words: Sequence[Pronunciation]) -> tuple[str, list[Pronunciation]] | None:
    """What was made of a masked text with the words back in it, and where they are now; None: it is not to be told."""
    found = []
    end = 0
    for word in words:
        length = word.end - word.start
        start = min((at for at in (spoken.find(_SMALL, end), spoken.find(_CAPITAL, end)) if at >= 0), default=-1)
        if start < 0 or spoken[start : start + length].strip(_SMALL + _CAPITAL):
            return None
        end = start + length
        spoken = spoken[:start] + text[word.start : word.end] + spoken[end:]
        found.append(Pronunciation(start, end, word.ipa))
    return None if _SMALL in spoken[end:] or _CAPITAL in spoken[end:] else (spoken, found)
