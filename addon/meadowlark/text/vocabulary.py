"""The portable marker vocabulary: 66 names, their nearest relatives, and other names for the same.

Data only. Which of them an engine can do is decided in markers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from meadowlark.api import MarkerKind

NEUTRAL = "neutral"
"""Resets the style. Always understood, and not one of the 66."""

_BASIC_EMOTIONS = {
    "angry": "frustrated",
    "sad": "depressed",
    "excited": "joyful",
    "surprised": "excited",
    "satisfied": "relaxed",
    "delighted": "joyful",
    "scared": "nervous",
    "worried": "nervous",
    "upset": "sad",
    "nervous": "scared",
    "frustrated": "angry",
    "depressed": "sad",
    "empathetic": "sad",
    "embarrassed": "nervous",
    "disgusted": "angry",
    "moved": "sad",
    "proud": "confident",
    "relaxed": NEUTRAL,
    "grateful": "joyful",
    "confident": NEUTRAL,
    "interested": "excited",
    "curious": "interested",
    "confused": "curious",
    "joyful": "excited",
}

_ADVANCED_EMOTIONS = {
    "disdainful": "disgusted",
    "unhappy": "sad",
    "anxious": "worried",
    "hysterical": "excited",
    "indifferent": NEUTRAL,
    "impatient": "frustrated",
    "guilty": "sad",
    "scornful": "disgusted",
    "panicked": "scared",
    "furious": "angry",
    "reluctant": "worried",
    "keen": "excited",
    "disapproving": "frustrated",
    "negative": "sad",
    "denying": "serious",
    "astonished": "surprised",
    "serious": "confident",
    "sarcastic": "disdainful",
    "conciliative": "relaxed",
    "comforting": "empathetic",
    "sincere": "empathetic",
    "sneering": "scornful",
    "hesitating": "nervous",
    "yielding": "relaxed",
    "painful": "sad",
    "awkward": "embarrassed",
    "amused": "joyful",
}

_TONES = {
    "in a hurry tone": "excited",
    "shouting": "angry",
    "screaming": "shouting",
    "whispering": "soft tone",
    "soft tone": "relaxed",
}

_EFFECTS = {
    "laughing": "chuckling",
    "chuckling": "laughing",
    "sobbing": "crying loudly",
    "crying loudly": "sobbing",
    "sighing": None,
    "panting": None,
    "groaning": "sighing",
    "crowd laughing": "laughing",
    "background laughter": "laughing",
    "audience laughing": "laughing",
}

EMOTIONS: tuple[str, ...] = (*_BASIC_EMOTIONS, *_ADVANCED_EMOTIONS)
TONES: tuple[str, ...] = tuple(_TONES)
EFFECTS: tuple[str, ...] = tuple(_EFFECTS)
NAMES: tuple[str, ...] = (*EMOTIONS, *TONES, *EFFECTS)

NEAREST: MappingProxyType[str, str | None] = MappingProxyType(
    {**_BASIC_EMOTIONS, **_ADVANCED_EMOTIONS, **_TONES, **_EFFECTS}
)
"""Each name's nearest relative; None where there is none."""

ALIASES: MappingProxyType[str, str] = MappingProxyType(
    {
        "happy": "joyful",
        "cheerful": "joyful",
        "calm": "relaxed",
        "afraid": "scared",
        "fearful": "scared",
        "angrily": "angry",
        "whisper": "whispering",
        "whispers": "whispering",
        "softly": "soft tone",
        "shout": "shouting",
        "laugh": "laughing",
        "laughs": "laughing",
        "laughter": "laughing",
        "chuckle": "chuckling",
        "chuckles": "chuckling",
        "sigh": "sighing",
        "sighs": "sighing",
        "sob": "sobbing",
        "sobs": "sobbing",
        "groan": "groaning",
        "gasp": "surprised",
        "hurried": "in a hurry tone",
        "melancholic": "sad",
        "disgust": "disgusted",
        "fear": "scared",
        "sadness": "sad",
        "anger": "angry",
        "happiness": "joyful",
        "surprise": "surprised",
    }
)
"""Other names accepted in text, and what they stand for."""


def kind(name: str) -> MarkerKind:
    """Whether a canonical name (or "neutral") is a style or an event; KeyError for any other."""
    if name == NEUTRAL:
        return MarkerKind.STYLE
    NEAREST[name]
    return MarkerKind.EVENT if name in _EFFECTS else MarkerKind.STYLE


def relatives(name: str) -> Iterator[str]:
    """The names to try instead of this one, nearest first; ends at nothing or where it would come back."""
    seen = {name}
    nearest = NEAREST.get(name)
    while nearest is not None and nearest not in seen:
        yield nearest
        seen.add(nearest)
        nearest = NEAREST.get(nearest)
