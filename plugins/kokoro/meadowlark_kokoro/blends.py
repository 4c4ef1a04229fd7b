"""Mixtures of voices: "af_heart+af_sky", "af_heart*2 + af_sky", "af_heart(0.7)+af_sky(0.3)". Pure but for `read`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import ModelFileError

FILE = "blends.txt"
"""In a folder of voices; a line is `name = af_heart*0.7 + af_sky*0.3`."""

Blend = tuple[tuple[str, float], ...]
"""Voices and their shares, which add up to 1."""

MOST_WEIGHT = 1_000_000

_PART = re.compile(r"([^\s+*()]+)\s*(?:\*\s*([^\s+*()]+)|\(\s*([^\s+*()]+)\s*\))?")
_NAME = re.compile(r"[^\s/+=#]+")


def parse(text: str) -> Blend:
    """A single voice is a blend as well. Raises ModelFileError, naming what is wrong."""
    weights: dict[str, float] = {}
    for part in text.split("+"):
        match = _PART.fullmatch(part.strip())
        if not match:
            raise ModelFileError(f"blend {text!r}: write af_heart+af_sky, or with weights af_heart*2+af_sky")
        weight = _weight(match[2] or match[3] or "1", text)
        weights[match[1]] = weights.get(match[1], 0.0) + weight
    total = sum(weights.values())
    if total <= 0:
        raise ModelFileError(f"blend {text!r}: its weights add up to {total:g}; at least one must be more than 0")
    return tuple((voice, weight / total) for voice, weight in weights.items() if weight)


def read(path: Path, complain: Callable[[str], None]) -> Iterator[tuple[str, Blend]]:
    """The blends of a file, by name; nothing where there is none. A wrong line is told to `complain`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        complain(f"{path} cannot be read: {error}")
        return
    for number, line in enumerate(lines, 1):
        name, equals, text = line.partition("#")[0].partition("=")
        if not line.partition("#")[0].strip():
            continue
        if not (equals and _NAME.fullmatch(name.strip())):
            complain(f"{path}, line {number}: {line.strip()!r}: write `name = af_heart*0.7 + af_sky*0.3`")
            continue
        try:
            blend = parse(text.strip())
        except ModelFileError as error:
            complain(f"{path}, line {number}: {error}")
            continue
        yield name.strip(), blend


def written(blend: Blend) -> str:
    """As `parse` reads it."""
    return "+".join(voice if len(blend) == 1 else f"{voice}*{share:.6g}" for voice, share in blend)


def _weight(text: str, blend: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= MOST_WEIGHT:
        raise ModelFileError(f"blend {blend!r}: {text!r} is no weight; use a number from 0 to {MOST_WEIGHT:,}")
    return weight
