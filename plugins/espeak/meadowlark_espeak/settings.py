"""What a user may set for this engine, checked; and a style put on top of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from meadowlark.api import Native, OptionError, Value
from meadowlark_espeakng.synthesis import Prosody

from .markers import WHISPER


@dataclass(frozen=True, slots=True)
class _Knob:
    low: int
    high: int
    normal: int
    factor: bool
    """A style multiplies it; else a style adds to it."""

    def styled(self, value: int, change: Value | None) -> int:
        """The value under a style, within the range."""
        if not isinstance(change, int | float):
            return value
        return min(max(round(value * change if self.factor else value + change), self.low), self.high)


KNOBS: dict[str, _Knob] = {
    "rate": _Knob(80, 450, 175, factor=True),
    "pitch": _Knob(0, 99, 50, factor=False),
    "range": _Knob(0, 99, 50, factor=False),
    "volume": _Knob(0, 200, 100, factor=True),
    "word_gap": _Knob(0, 200, 0, factor=False),
}
"""The option names; units as in `meadowlark_espeakng.library.Parameter`."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak an utterance."""

    prosody: Prosody
    variant: str


def check(options: Mapping[str, Value], variants: Collection[str]) -> None:
    """Raise OptionError for the first option that does not exist or whose value is not allowed."""
    for key in options:
        if key not in KNOBS and key != "variant":
            raise OptionError(f"espeak has no option {key!r}. It has: {', '.join((*KNOBS, 'variant'))}.")
    _prosody(options, {})
    variant = options.get("variant", "")
    if variant and variant not in variants:
        raise OptionError(f"espeak option variant = {variant!r}: use one of {', '.join(sorted(variants))}.")


def manner(options: Mapping[str, Value], style: Native | None, variant: str, female: frozenset[str]) -> Manner:
    """The user's options with a style on top. female: the variants that are women. Raises OptionError."""
    change = style if isinstance(style, Mapping) else {}
    variant = variant or str(options.get("variant", ""))
    if change.get("variant") == WHISPER:
        variant = "whisperf" if variant in female else "whisper"
    return Manner(_prosody(options, change), variant)


def _prosody(options: Mapping[str, Value], change: Mapping[str, Value]) -> Prosody:
    return Prosody(**{key: knob.styled(_value(key, options), change.get(key)) for key, knob in KNOBS.items()})


def _value(key: str, options: Mapping[str, Value]) -> int:
    """An option as a whole number; text is accepted, for Home Assistant's form knows nothing else."""
    knob, given = KNOBS[key], options.get(key)
    if given is None:
        return knob.normal
    try:
        number = float(given) if not isinstance(given, bool) else float("nan")
    except ValueError:
        number = float("nan")
    if not (knob.low <= number <= knob.high and number.is_integer()):
        raise OptionError(f"espeak option {key} = {given!r}: use a whole number from {knob.low} to {knob.high}.")
    return int(number)
