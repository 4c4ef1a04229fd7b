"""The 66 portable markers as S1 and S2 want them, and where in a sentence they stand.

S1 writes `(angry)`, an emotion at the sentence's beginning and nowhere else; S2 writes `[angry]`, anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from meadowlark.api import Marker, MarkerKind, Native, PlacedEvent

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
