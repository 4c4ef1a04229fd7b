"""The next token from logits: penalties, filters, the draw. Pure; noise is given, so that a draw can be repeated.

Every function takes logits (B, V) and gives logits (B, V) back; engines put them in the order that they were
published with, for the order decides what is heard. `draw` ends the chain.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

_NEVER = float("-inf")


def repetition_penalty(logits: Tensor, previous: Tensor, penalty: float) -> Tensor:
    """Make the tokens `previous` (B, N) less likely, each once however often it is there."""
    if penalty == 1.0:
        return logits
    scores = logits.gather(1, previous)
    return logits.scatter(1, previous, torch.where(scores < 0, scores * penalty, scores / penalty))


def temperature(logits: Tensor, value: float) -> Tensor:
    """Below 1: the likely becomes likelier. 0 counts as 1e-5, which is greedy."""
    return logits / max(value, 1e-5)


def top_k(logits: Tensor, count: int) -> Tensor:
    """Keep the `count` most likely, and what is as likely as the last of them."""
    if count >= logits.shape[1]:
        return logits
    least = logits.topk(count, dim=1).values[:, -1:]
    return logits.masked_fill(logits < least, _NEVER)


def min_p(logits: Tensor, share: float) -> Tensor:
    """Keep what is at least `share` times as likely as the most likely."""
    chances = torch.softmax(logits, dim=1)
    return logits.masked_fill(chances < share * chances.amax(dim=1, keepdim=True), _NEVER)


def top_p(logits: Tensor, share: float, *, crossing: bool = True, count: int | None = None) -> Tensor:
    """Keep the most likely that together have `share` of the chance, always the first.

    crossing: whether the token is kept with which the sum reaches the share (Hugging Face's way), or not (Fish's).
    count: at most so many.
    """
    ordered, places = logits.sort(dim=1, descending=True)
    chances = torch.softmax(ordered, dim=1)
    total = chances.cumsum(dim=1)
    drop = total - chances >= share if crossing else total > share
    if count is not None:
        drop[:, count:] = True
    drop[:, 0] = False
    return logits.masked_fill(torch.zeros_like(drop).scatter(1, places, drop), _NEVER)


def draw(logits: Tensor, noise: Tensor) -> Tensor:
    """One token each, (B,), with the chances that the logits say; noise (B, V) from `exponential`.

    The first of exponential clocks that run at the speed of the chances: no sum over the vocabulary is read back, so a
    GPU is not waited for.
    """
    return (torch.softmax(logits, dim=1) / noise).argmax(dim=1)


def exponential(*shape: int, generator: Generator | None = None, device: torch.device | str = "cpu") -> Tensor:
    """Noise for `draw`, never 0."""
    tiny = torch.finfo(torch.float32).tiny
    return torch.empty(*shape, device=device).exponential_(generator=generator).clamp_min_(tiny)
