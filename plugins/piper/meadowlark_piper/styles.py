"""Styles that some voices have as speakers: thorsten_emotional and semaine.

The markers are the engine's; a voice without such speakers speaks them as it speaks everything.
"""

from __future__ import annotations

from collections.abc import Mapping

from meadowlark.api import Marker, MarkerKind, Native

SPEAKERS: dict[str, tuple[str, ...]] = {
    "amused": ("amused",),
    "angry": ("angry", "spike"),
    "disgusted": ("disgusted",),
    "surprised": ("surprised",),
    "whispering": ("whisper",),
    "joyful": ("poppy",),
    "depressed": ("obadiah",),
    "serious": ("prudence",),
    "sleepy": ("sleepy",),
    "drunk": ("drunk",),
}
"""Marker → the speakers that speak so, in either voice. The two last are names beyond the portable vocabulary."""

NEUTRAL = ("neutral", "prudence")
"""Who speaks where nothing is asked for."""

MARKERS = tuple(Marker(name, MarkerKind.STYLE, {"speakers": " ".join(speakers)}) for name, speakers in SPEAKERS.items())


def speaker_for(style: Native | None, speakers: Mapping[str, int]) -> int | None:
    """The number of the speaker who speaks in a style, or neutrally; None where the voice has none for it."""
    wanted = str(style.get("speakers", "")).split() if isinstance(style, Mapping) else []
    known = {name.lower(): number for name, number in speakers.items()}
    for name in (*wanted, *NEUTRAL):
        if name in known:
            return known[name]
    return None
