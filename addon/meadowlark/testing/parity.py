"""The harness of `meadowlark.kit.parity`: an implementation held against recorded data. Needs numpy, not torch."""

from __future__ import annotations

from ..kit.parity import Check, Golden, equal, golden, require, spoken, within

__all__ = ["Check", "Golden", "equal", "golden", "require", "spoken", "within"]
