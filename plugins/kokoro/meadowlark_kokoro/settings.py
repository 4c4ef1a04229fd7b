"""What a user may set for this engine, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from meadowlark.api import OptionError, Value

QUALITIES = ("auto", "fast", "balanced", "quality")
"""fast: in windows; balanced, quality: each run at once; auto: in windows where that would be waited for too long."""

TEXT_PARTS = ("auto", "fp32", "uint8")
CHOICES = {"quality": QUALITIES, "text_part": TEXT_PARTS}
SWITCHES = ("tensorrt",)
INTERNAL = ("blend",)
"""Options that a voice carries itself."""


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float
    whole: bool = False

    def __str__(self) -> str:
        return f"{'a whole number' if self.whole else 'a number'} from {self.low:g} to {self.high:g}"


RANGES = {
    "speed": _Range(0.5, 2),
    "volume": _Range(0, 4),
    "sentence_silence": _Range(0, 5),
    "threads": _Range(0, 64, whole=True),
}
NORMAL = {"speed": 1.0, "volume": 1.0, "sentence_silence": 0.0, "threads": 0.0}
FREE = ("model",)
"""A file's name or path, or the value of the model store's choice."""


def check(options: Mapping[str, Value]) -> None:
    """Raise OptionError for the first option that does not exist or whose value is not allowed."""
    for key, value in options.items():
        if key in RANGES:
            number(options, key)
        elif key in CHOICES:
            choice(options, key)
        elif key in SWITCHES:
            switch(options, key)
        elif key in FREE and not isinstance(value, str):
            raise OptionError(
                f"kokoro option {key} = {value!r}: use a file's name; in quotes where YAML reads it as no."
            )
        elif key not in (*FREE, *INTERNAL) or not isinstance(value, str):
            names = ", ".join((*RANGES, *CHOICES, *SWITCHES, *FREE))
            raise OptionError(f"kokoro has no option {key!r}. It has: {names}.")


def number(options: Mapping[str, Value], key: str) -> float:
    """An option as a number; text is accepted, for Home Assistant's form knows nothing else. Raises OptionError."""
    given, allowed = options.get(key, NORMAL[key]), RANGES[key]
    try:
        value = float(given) if not isinstance(given, bool) else math.nan
    except ValueError:
        value = math.nan
    if not allowed.low <= value <= allowed.high or (allowed.whole and value != int(value)):
        raise OptionError(f"kokoro option {key} = {given!r}: use {allowed}.")
    return value


def choice(options: Mapping[str, Value], key: str) -> str:
    """One of the words allowed for an option, the first where nothing is said. Raises OptionError."""
    given = options.get(key, CHOICES[key][0])
    if given not in CHOICES[key]:
        raise OptionError(f"kokoro option {key} = {given!r}: use one of {', '.join(CHOICES[key])}.")
    return str(given)


def switch(options: Mapping[str, Value], key: str) -> bool:
    """An option as a truth value. Raises OptionError."""
    given = options.get(key, False)
    if isinstance(given, str) and given.lower() in {"true", "false"}:
        return given.lower() == "true"
    if not isinstance(given, bool):
        raise OptionError(f"kokoro option {key} = {given!r}: use true or false.")
    return given
