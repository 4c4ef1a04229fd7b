"""An implementation against what another one computed: what was compared, how far it is off, whether that is allowed.

For tests (`require`) and benches (`Check` has the figures). Plugins keep small golden files; a maker of golden data
writes tensors by name and says with what they were made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


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


def equal(name: str, found: Tensor, wanted: Tensor) -> Check:
    """All numbers are the same; another shape is as wrong as can be."""
    if found.shape != wanted.shape:
        return Check(name, float("inf"), 0.0, f"shape {tuple(found.shape)} for {tuple(wanted.shape)}")
    places = (found != wanted.to(found.device, found.dtype)).nonzero()
    where = f"{places[0].tolist()}, the first of {len(places)}" if len(places) else ""
    return Check(name, float(len(places)), 0.0, where)


def within(name: str, found: Tensor, wanted: Tensor, allowed: float) -> Check:
    """No number is off by more than `allowed`; NaN is infinitely far off, equal infinities are not."""
    if found.shape != wanted.shape:
        return Check(name, float("inf"), allowed, f"shape {tuple(found.shape)} for {tuple(wanted.shape)}")
    found, wanted = found.detach().cpu().double(), wanted.detach().cpu().double()
    error = torch.where(found == wanted, torch.zeros_like(found), (found - wanted).abs())
    error = torch.nan_to_num(error, nan=float("inf"), posinf=float("inf"))
    if not error.numel():
        return Check(name, 0.0, allowed)
    place = int(error.argmax())
    where = str([int(each) for each in torch.unravel_index(torch.tensor(place), error.shape)])
    return Check(name, float(error.max()), allowed, where)


def require(checks: Iterable[Check]) -> None:
    """Raises AssertionError with all that is not as it should be, and when there was nothing to compare."""
    seen = list(checks)
    assert seen, "nothing was compared"
    wrong = [str(each) for each in seen if not each.ok]
    assert not wrong, "; ".join(wrong)
