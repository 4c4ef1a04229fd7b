"""Classifier-free guidance: what a prompt adds is taken several times, by a second run without it in the same batch.

Of B sequences 2B rows are computed: the first B with their prompts, the last B without, or with another one to get away
from. Both are given the same tokens. A row costs next to nothing beside the weights that are read for all.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .kvcache import KVCache, Prefix


def guided(logits: Tensor, scale: float | Tensor) -> Tensor:
    """(2B, …) → (B, …): u + scale · (c - u), of c with the prompt and u without; 1 is c, 0 is u.

    scale: a tensor (B, 1 …) or () may change from step to step, in a captured graph too. Chatterbox writes
    c + w · (c - u): scale = 1 + w.
    """
    conditioned, free = logits.chunk(2)
    return free + (conditioned - free) * scale


def guided_plainly(conditioned: Tensor, free: Tensor, scale: float) -> Tensor:
    """What `guided` computes, of two runs apart: the reference of a test."""
    return (1 - scale) * free + scale * conditioned


def both(rows: Tensor) -> Tensor:
    """(B, …) → (2B, …): what was drawn, or read, for each sequence, for both of its rows."""
    return torch.cat([rows, rows])


class GuidedCache:
    """A cache of 2B rows, seen as B sequences of two each: both prompts kept as prefixes, each row with its position.

    The prompts of a sequence may differ in length: rows have positions of their own, which `both` does not give.
    """

    def __init__(self, cache: KVCache) -> None:
        """Raises ValueError for an odd number of rows."""
        if cache.batch % 2:
            raise ValueError(f"{cache.batch} rows are no pairs")
        self.cache = cache
        self.at = torch.zeros(cache.batch, dtype=torch.long, device=cache.data.device)
        """Position at which each row reads next."""

    @property
    def sequences(self) -> int:
        return self.cache.batch // 2

    def rows(self, sequence: int) -> tuple[int, int]:
        """The row with the prompt, and the one without."""
        return sequence, sequence + self.sequences

    def begin(self, sequence: int, conditioned: Prefix, free: Prefix) -> None:
        """A sequence starts behind its prompts. Raises ValueError when one is too long."""
        for row, prefix in zip(self.rows(sequence), (conditioned, free), strict=True):
            self.cache.restore(prefix, row)
            self.at[row] = prefix.length

    def advance(self, who: Tensor | None = None) -> None:
        """One position further; who: (B,) sequences that read something."""
        self.at.add_(1 if who is None else both(who))
