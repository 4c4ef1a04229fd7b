"""The 66 portable markers as S1 and S2 want them, and where in a sentence they stand.

S1 writes `(angry)`, an emotion at the sentence's beginning and nowhere else; S2 writes `[angry]`, anywhere. 1.5 knows
none: its engine registers none, so the core takes them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meadowlark.api import Marker, MarkerKind, Native, PlacedEvent

from .text import spans

STYLES = [
    "angry",
    "sad",
    "excited",
    "surprised",
    "satisfied",
    "delighted",
    "scared",
    "worried",
    "upset",
    "nervous",
    "frustrated",
    "depressed",
    "empathetic",
    "embarrassed",
    "disgusted",
    "moved",
    "proud",
    "relaxed",
    "grateful",
    "confident",
    "interested",
    "curious",
    "confused",
    "joyful",
    "disdainful",
    "unhappy",
    "anxious",
    "hysterical",
    "indifferent",
    "impatient",
    "guilty",
    "scornful",
    "panicked",
    "furious",
    "reluctant",
    "keen",
    "disapproving",
    "negative",
    "denying",
    "astonished",
    "serious",
    "sarcastic",
    "conciliative",
    "comforting",
    "sincere",
    "sneering",
    "hesitating",
    "yielding",
    "painful",
    "awkward",
    "amused",
    "shouting",
    "screaming",
    "whispering",
    "in a hurry tone",
    "soft tone",
]

EVENTS = [
    "laughing",
    "chuckling",
    "sobbing",
    "sighing",
    "panting",
    "groaning",
    "crying loudly",
    "crowd laughing",
    "background laughter",
    "audience laughing",
]


def markers(brackets: str) -> tuple[Marker, ...]:
    """All of them in a model's brackets: "()" or "[]"."""
    left, right = brackets
    return tuple(
        Marker(name, kind, f"{left}{name}{right}")
        for kind, names in ((MarkerKind.STYLE, STYLES), (MarkerKind.EVENT, EVENTS))
        for name in names
    )


S1_MARKERS = markers("()")
S2_MARKERS = markers("[]")


def marked(text: str, style: Native | None, events: Iterable[PlacedEvent]) -> str:
    """A sentence with its style in front and each event in its place."""
    pieces, at = [str(style)] if style else [], 0
    if style and text:
        pieces.append(" ")
    for event in sorted(events, key=lambda each: each.position):
        position = min(max(event.position, at), len(text))
        before = text[at:position]
        pieces.append(before)
        if before and not before[-1].isspace():
            pieces.append(" ")
        pieces.append(str(event.native))
        if position < len(text) and not text[position].isspace():
            pieces.append(" ")
        at = position
    pieces.append(text[at:])
    return "".join(pieces)


def marked_parts(text: str, style: Native | None, events: Iterable[PlacedEvent], most: int) -> Iterator[str]:
    """A text in parts of at most so many bytes, each with the style in front and the events that lie in it."""
    places, left = list(spans(text, most)), sorted(events, key=lambda each: each.position)
    if not places:
        yield from filter(None, [marked("", style, left)])
    for number, (begin, end) in enumerate(places, start=1):
        here = [each for each in left if each.position < end or number == len(places)]
        left = left[len(here) :]
        moved = [replace(each, position=max(0, each.position - begin)) for each in here]
        yield marked(text[begin:end], style, moved)
