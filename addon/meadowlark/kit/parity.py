"""An implementation against what another one computed: what was compared, how far it is off, whether that is allowed.

For tests (`require`) and benches (`Check` has the figures). Plugins keep small golden files; a maker of golden data
writes arrays by name, and beside them what they were made with. Takes tensors and numpy arrays alike; needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..api import Pipeline, Utterance

Numbers: TypeAlias = Any
"""A torch tensor on any device, a numpy array, or what becomes one."""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison."""

    name: str
    error: float
    """The largest difference; of tokens, how many differ."""

    allowed: float
    where: str = ""
    """Of the first or largest difference."""

    @property
    def ok(self) -> bool:
        return self.error <= self.allowed

    def __str__(self) -> str:
        sign = "≤" if self.ok else ">"
        return f"{self.name}: {self.error:.3g} {sign} {self.allowed:.3g}" + ("" if self.ok else f" at {self.where}")


@dataclass(frozen=True, slots=True)
class Golden:
    """What was recorded."""

    arrays: Mapping[str, NDArray[Any]]
    about: Mapping[str, Any]
    """What it was made with: settings, seeds, versions."""

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]


def golden(path: Path | str) -> Golden:
    """Arrays of a .npz or .safetensors file, and what the .json of the same name says. Raises OSError, ValueError."""
    path = Path(path)
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file  # only for those who keep such files

        arrays: dict[str, NDArray[Any]] = load_file(path)
    else:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    beside = path.with_suffix(".json")
    return Golden(arrays, json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {})


def spoken(pipeline: Pipeline, utterance: Utterance) -> NDArray[np.float32]:
    """All that a loaded pipeline yields for an utterance, as float32."""
    pieces = [
        np.frombuffer(piece, "<i2").astype(np.float32) / 32767.0
        if isinstance(piece, bytes)
        else np.asarray(piece, np.float32).reshape(-1)
        for piece in pipeline.synthesize(utterance)
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def equal(name: str, found: Numbers, wanted: Numbers) -> Check:
    """All numbers are the same; another shape is as wrong as can be."""
    found, wanted = _array(found), _array(wanted)
    if found.shape != wanted.shape:
        return Check(name, float("inf"), 0.0, f"shape {found.shape} for {wanted.shape}")
    places = np.argwhere(found != wanted)
    where = f"{places[0].tolist()}, the first of {len(places)}" if len(places) else ""
    return Check(name, float(len(places)), 0.0, where)


def within(name: str, found: Numbers, wanted: Numbers, allowed: float) -> Check:
    """No number is off by more than `allowed`; NaN is infinitely far off, equal infinities are not."""
    found, wanted = (_array(each).astype(np.float64) for each in (found, wanted))
    if found.shape != wanted.shape:
        return Check(name, float("inf"), allowed, f"shape {found.shape} for {wanted.shape}")
    if not found.size:
        return Check(name, 0.0, allowed)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        error = np.where(found == wanted, 0.0, np.abs(found - wanted))
    error = np.nan_to_num(error, nan=np.inf, posinf=np.inf)
    place = np.unravel_index(int(error.argmax()), error.shape)
    return Check(name, float(error.max()), allowed, str([int(each) for each in place]))


def require(checks: Iterable[Check]) -> None:
    """Raises AssertionError with all that is not as it should be, and when there was nothing to compare."""
    seen = list(checks)
    assert seen, "nothing was compared"
    wrong = [str(each) for each in seen if not each.ok]
    assert not wrong, "; ".join(wrong)


def _array(numbers: Numbers) -> NDArray[Any]:
    if hasattr(numbers, "detach"):  # a tensor, of a dtype that numpy may not have
        numbers = numbers.detach().cpu()
        numbers = numbers.double() if numbers.is_floating_point() else numbers
    return np.asarray(numbers)
