"""Classifier-free guidance: what a prompt adds is taken several times, by a second run without it in the same batch.

Each sequence has two rows side by side: the first with its prompt, the second without, or with another one to get away
from. Both read the same frames, each at positions of its own (`Model.rows` = 2 of decode.py). A row costs next to
nothing beside the weights that are read for all.
"""

from __future__ import annotations

from torch import Tensor


def guided(logits: Tensor, scale: float | Tensor) -> Tensor:
    """(2B, …) → (B, …): u + scale · (c - u), of c with the prompt and u without; 1 is c, 0 is u.

    scale: a tensor (B, 1 …) or () may change from step to step, in a captured graph too. Chatterbox writes
    c + w · (c - u): scale = 1 + w.
    """
    conditioned, free = logits[0::2], logits[1::2]
    return free + (conditioned - free) * scale


def guided_plainly(conditioned: Tensor, free: Tensor, scale: float) -> Tensor:
    """What `guided` computes, of two runs apart: the reference of a test."""
    return (1 - scale) * free + scale * conditioned
