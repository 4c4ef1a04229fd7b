"""What a user may set for this engine, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from meadowlark.api import OptionError, Value

from .config import VoiceConfig


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float
    whole: bool = False

    def __str__(self) -> str:
        return f"{'a whole number' if self.whole else 'a number'} from {self.low:g} to {self.high:g}"


RANGES: dict[str, _Range] = {
    "length_scale": _Range(0.25, 4),
    "noise_scale": _Range(0, 2),
    "noise_w": _Range(0, 2),
    "volume": _Range(0, 4),
    "sentence_silence": _Range(0, 5),
    "threads": _Range(0, 64, whole=True),
    "voices_in_memory": _Range(1, 16, whole=True),
}
SWITCHES = ("deterministic", "tensorrt")
INTERNAL = ("model", "speaker")
"""Options that a voice carries itself."""

SENTENCE_SILENCE = 0.2
LEAST_VOICES = 2
"""Kept open however little memory there is."""

MOST_SPARE_BYTES = 512_000_000
"""For further ones, where the core has so much to spare: six of medium quality."""

MEMORY_PER_BYTE = 1.3
"""Of a voice's file that is open and has spoken."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak an utterance."""

    noise_scale: float
    length_scale: float
    noise_w: float
    volume: float
    """Factor, the same for every sentence."""

    sentence_silence: float
    """Seconds after each sentence."""


def check(options: Mapping[str, Value]) -> None:
    """Raise OptionError for the first option that does not exist or whose value is not allowed."""
    for key, value in options.items():
        if key in RANGES:
            number(options, key, 0)
        elif key in SWITCHES:
            switch(options, key)
        elif key not in INTERNAL or not isinstance(value, str):
            raise OptionError(f"piper has no option {key!r}. It has: {', '.join((*RANGES, *SWITCHES))}.")


def manner(options: Mapping[str, Value], config: VoiceConfig) -> Manner:
    """The user's options, else the voice's own values. Raises OptionError."""
    silent = switch(options, "deterministic")
    return Manner(
        noise_scale=0.0 if silent else number(options, "noise_scale", config.noise_scale),
        length_scale=number(options, "length_scale", config.length_scale),
        noise_w=0.0 if silent else number(options, "noise_w", config.noise_w),
        volume=number(options, "volume", 1.0),
        sentence_silence=number(options, "sentence_silence", SENTENCE_SILENCE),
    )


def voices_in_memory(options: Mapping[str, Value]) -> int | None:
    """As the user wishes; None = as many as there is room for. Raises OptionError."""
    return int(number(options, "voices_in_memory", 0)) or None


def number(options: Mapping[str, Value], key: str, normal: float) -> float:
    """An option as a number; text is accepted, for Home Assistant's form knows nothing else. Raises OptionError."""
    given, allowed = options.get(key), RANGES[key]
    if given is None:
        return normal
    try:
        value = float(given) if not isinstance(given, bool) else math.nan
    except ValueError:
        value = math.nan
    if not allowed.low <= value <= allowed.high or (allowed.whole and value != int(value)):
        raise OptionError(f"piper option {key} = {given!r}: use {allowed}.")
    return value


def switch(options: Mapping[str, Value], key: str) -> bool:
    """An option as a truth value. Raises OptionError."""
    given = options.get(key, False)
    if isinstance(given, str) and given.lower() in {"true", "false"}:
        return given.lower() == "true"
    if not isinstance(given, bool):
        raise OptionError(f"piper option {key} = {given!r}: use true or false.")
    return given
