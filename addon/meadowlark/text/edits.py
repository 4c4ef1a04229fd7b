"""Replacements in a text, and where places in it have gone afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """`text[start:end]` reads `words`."""

    start: int
    end: int
    words: str


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text with all edits made; they are in order and do not overlap."""
    if not edits:
        return text
    parts: list[str] = []
    position = 0
    for edit in edits:
        parts += (text[position : edit.start], edit.words)
        position = edit.end
    parts.append(text[position:])
    return "".join(parts)


def moved(position: int, edits: Sequence[Edit]) -> int:
    """Where a place in the text is in the edited text; inside an edit, the nearer of its ends."""
    shift = 0
    for edit in edits:
        if position < edit.end:
            if position <= edit.start:
                break
            late = position - edit.start > edit.end - position
            return edit.start + shift + (len(edit.words) if late else 0)
        shift += len(edit.words) - (edit.end - edit.start)
    return position + shift
