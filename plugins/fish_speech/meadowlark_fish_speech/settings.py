"""The user's options for the engine, checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meadowlark.api import OptionError, Value

NUMBERS: dict[str, tuple[float, float]] = {
    "temperature": (0.1, 1.5),
    "top_p": (0.05, 1.0),
    "repetition_penalty": (1.0, 2.0),
    "top_k": (1, 1000),
    "seed": (0, 2**31),
    "threads": (0, 64),
}
"""Option → what is allowed. Left out: the model's own default."""

QUALITIES = ("auto", "fast", "balanced", "quality")
KNOWN = {*NUMBERS, "quality", "folder", "timbre", "reference"}


def check(options: Mapping[str, Value]) -> None:
    """Raises OptionError for an option that does not exist or is out of its range."""
    for name in options:
        if name not in KNOWN:
            raise OptionError(f"unknown option {name!r}; there are {', '.join(sorted(KNOWN))}")
    for name in NUMBERS:
        number(options, name)
    if (quality := options.get("quality", "auto")) not in QUALITIES:
        raise OptionError(f"quality is {quality!r}; allowed are {', '.join(QUALITIES)}")


def number(options: Mapping[str, Value], name: str) -> float | None:
    """An option's value; None where it is not set. Raises OptionError."""
    value = options.get(name)
    if value is None:
        return None
    low, high = NUMBERS[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise OptionError(f"{name} is {value!r}; allowed is {low:g} to {high:g}")
    return float(value)


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long a sentence may become, so that a model that does not find its end is stopped."""

    seconds: float = 3.0
    seconds_per_byte: float = 0.15
    """Of UTF-8: slow speech takes half of it; a Chinese character has three bytes."""

    def frames(self, text: str, rate: float) -> int:
        """rate: frames a second."""
        return round((self.seconds + self.seconds_per_byte * len(text.encode("utf-8", "replace"))) * rate)
