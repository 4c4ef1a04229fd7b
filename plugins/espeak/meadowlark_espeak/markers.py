"""The 51 emotions and 5 tones of the portable vocabulary as prosody.

espeak-ng's formant voice has five knobs; each style is a point of its own in their space, placed by what is known of
emotional speech: arousal raises rate, pitch and loudness, liveliness widens the range, sadness lowers them all.
`neutral` is the core's.
"""

from __future__ import annotations

from meadowlark.api import Marker, MarkerKind, Value

WHISPER = "whisper"
"""As a style's `variant`: the whispering variant of the speaker's gender."""

#        name: (rate ×, pitch +, range +, volume ×, word gap +)
PROSODY: dict[str, tuple[float, int, int, float, int]] = {
    # basic emotions
    "angry": (1.12, +6, +22, 1.40, 0),
    "sad": (0.84, -14, -26, 0.84, 0),
    "excited": (1.18, +20, +38, 1.20, 0),
    "surprised": (1.08, +26, +46, 1.14, 0),
    "satisfied": (0.95, +2, +8, 1.04, 0),
    "delighted": (1.13, +16, +32, 1.14, 0),
    "scared": (1.20, +24, +14, 0.90, 0),
    "worried": (1.05, +8, -10, 0.90, 0),
    "upset": (0.98, -5, +16, 1.14, 0),
    "nervous": (1.17, +13, -16, 0.84, 0),
    "frustrated": (1.05, +2, +16, 1.28, 0),
    "depressed": (0.74, -22, -36, 0.74, 0),
    "empathetic": (0.90, -3, -4, 0.88, 0),
    "embarrassed": (0.93, +8, -22, 0.72, 0),
    "disgusted": (0.87, -9, +13, 1.16, 0),
    "moved": (0.87, +5, +11, 0.80, 0),
    "proud": (0.94, -3, +22, 1.24, 0),
    "relaxed": (0.88, -7, -15, 0.94, 0),
    "grateful": (0.97, +9, +18, 0.97, 0),
    "confident": (1.03, -6, +10, 1.18, 0),
    "interested": (1.05, +7, +20, 1.02, 0),
    "curious": (1.02, +14, +33, 1.00, 0),
    "confused": (0.90, +12, +21, 0.90, 0),
    "joyful": (1.11, +12, +27, 1.16, 0),
    # advanced emotions
    "disdainful": (0.90, -12, +4, 1.02, 0),
    "unhappy": (0.90, -11, -20, 0.90, 0),
    "anxious": (1.12, +17, -2, 0.94, 0),
    "hysterical": (1.32, +34, +48, 1.36, 0),
    "indifferent": (1.00, -6, -40, 0.92, 0),
    "impatient": (1.24, +4, +8, 1.18, 0),
    "guilty": (0.84, -9, -32, 0.68, 0),
    "scornful": (0.90, -14, +30, 1.18, 0),
    "panicked": (1.38, +30, +28, 1.20, 0),
    "furious": (1.20, +12, +34, 1.66, 0),
    "reluctant": (0.80, -4, -12, 0.84, 3),
    "keen": (1.20, +9, +16, 1.10, 0),
    "disapproving": (0.94, -14, +2, 1.24, 0),
    "negative": (0.96, -10, -30, 1.06, 0),
    "denying": (1.08, -5, +2, 1.30, 0),
    "astonished": (0.94, +28, +48, 1.16, 0),
    "serious": (0.91, -13, -18, 1.08, 0),
    "sarcastic": (0.85, +2, +42, 1.02, 0),
    "conciliative": (0.94, +3, -3, 0.82, 0),
    "comforting": (0.81, -7, +2, 0.80, 0),
    "sincere": (0.93, -3, +13, 0.93, 0),
    "sneering": (1.01, -3, +38, 1.12, 0),
    "hesitating": (0.86, +4, -7, 0.88, 6),
    "yielding": (0.88, -9, -9, 0.74, 0),
    "painful": (0.77, +11, +23, 0.92, 0),
    "awkward": (0.88, +6, -28, 0.84, 2),
    "amused": (1.06, +21, +16, 1.04, 0),
    # tones
    "in a hurry tone": (1.45, +3, -4, 1.02, 0),
    "shouting": (1.04, +20, +12, 1.80, 0),
    "screaming": (1.10, +42, +24, 2.00, 0),
    "soft tone": (0.95, -3, -9, 0.62, 0),
}


def _native(rate: float, pitch: int, range_: int, volume: float, word_gap: int) -> dict[str, Value]:
    return {"rate": rate, "pitch": pitch, "range": range_, "volume": volume, "word_gap": word_gap}


MARKERS: tuple[Marker, ...] = (
    *(Marker(name, MarkerKind.STYLE, _native(*knobs)) for name, knobs in PROSODY.items()),
    Marker("whispering", MarkerKind.STYLE, {"variant": WHISPER, "rate": 0.95}),
)
"""`native`: factors for rate and volume, offsets for the rest; what is absent stays as it is."""
