"""The next token from logits: penalties, filters, the draw. Pure; noise is given, so that a draw can be repeated.

Every function takes logits (B, V) and gives logits (B, V) back; engines put them in the order that they were
published with, for the order decides what is heard. `draw` ends the chain. Where a number is taken, a tensor (B, 1)
gives each sequence its own, and a captured graph (graphs.py) another one for the next sentence.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

_NEVER = float("-inf")

_BELOW_ONE = 1 - 2.0**-20
"""So far from 1 that rounding never makes the whole sum of it."""


def repetition_penalty(logits: Tensor, previous: Tensor, penalty: float | Tensor) -> Tensor:
    """Make the tokens `previous` (B, N) less likely, each once however often it is there."""
    if not isinstance(penalty, Tensor) and penalty == 1.0:
        return logits
    scores = logits.gather(1, previous)
    return logits.scatter(1, previous, torch.where(scores < 0, scores * penalty, scores / penalty))


def temperature(logits: Tensor, value: float | Tensor) -> Tensor:
    """Below 1: the likely becomes likelier. 0 counts as 1e-5, which is greedy."""
    return logits / (value.clamp_min(1e-5) if isinstance(value, Tensor) else max(value, 1e-5))


def top_k(logits: Tensor, count: int) -> Tensor:
    """Keep the `count` most likely, and what is as likely as the last of them."""
    if count >= logits.shape[1]:
        return logits
    least = logits.topk(count, dim=1).values[:, -1:]
    return logits.masked_fill(logits < least, _NEVER)


def min_p(logits: Tensor, share: float | Tensor) -> Tensor:
    """Keep what is at least `share` times as likely as the most likely."""
    chances = torch.softmax(logits, dim=1)
    return logits.masked_fill(chances < share * chances.amax(dim=1, keepdim=True), _NEVER)


def top_p(
    logits: Tensor,
    share: float | Tensor,
    *,
    crossing: bool = True,
    count: int | Tensor | None = None,
) -> Tensor:
    """Keep the most likely that together have `share` of the chance, the first always, and what equals the last.

    crossing: whether the token is kept with which the sum reaches the share (Hugging Face's way), or not (Fish's).
    count: at most so many.
    """
    if isinstance(share, Tensor):  # 1 is all: a sum is rounded, and may pass it before the last
        share = share.masked_fill(share >= 1, 2.0)
    elif share >= 1:
        share = 2.0
    chances = torch.softmax(logits, dim=1)
    ordered = _ordered(chances, count)
    total = ordered.cumsum(dim=1)
    drop = total - ordered >= share if crossing else total > share
    if isinstance(count, Tensor):
        drop = drop | (torch.arange(drop.shape[1], device=drop.device) >= count)
    elif count is not None:
        drop[:, count:].fill_(True)
    drop[:, 0].fill_(False)  # `= False` would copy a number from the host
    least = ordered.masked_fill(drop, 2.0).amin(dim=1, keepdim=True)
    return logits.masked_fill(chances < least, _NEVER)


def _ordered(chances: Tensor, count: int | Tensor | None) -> Tensor:
    """Those that decide, largest first."""
    if isinstance(count, int):
        return chances.topk(min(count, chances.shape[1]), dim=1).values
    return chances.sort(dim=1, descending=True).values


def top_p_plainly(logits: Tensor, share: float, *, crossing: bool = True, count: int | None = None) -> Tensor:
    """What `top_p` computes, as it was published: all sorted, dropped by rank, put back in place."""
    ordered, places = logits.sort(dim=1, descending=True)
    chances = torch.softmax(ordered, dim=1)
    total = chances.cumsum(dim=1)
    drop = total - chances >= share if crossing else total > share
    if count is not None:
        drop[:, count:] = True
    drop[:, 0] = False
    return logits.masked_fill(torch.zeros_like(drop).scatter(1, places, drop), _NEVER)


def draw(logits: Tensor, noise: Tensor) -> Tensor:
    """One token each, (B,), with the chances that the logits say.

    noise: (B, V) from `exponential`: the first of clocks that run at the speed of the chances, as published engines
    draw, to be repeated number by number. Or (B, 1) from `uniform`: the token at which the sum of chances passes it,
    for a thousandth of the random numbers.
    """
    chances = torch.softmax(logits, dim=1)
    if noise.shape[1] == 1:
        total = chances.cumsum(dim=1)
        return (total <= noise * total[:, -1:]).sum(dim=1)
    return (chances / noise).argmax(dim=1)


def draw_on_host(logits: Tensor, noise: Tensor, share: float, heat: float = 1.0, *, count: int | None = None) -> Tensor:
    """draw(temperature(top_p(logits, share, crossing=False, count=count), heat), noise) on a CPU, by numpy; noise from
    `uniform`. A third of the time: of a distribution of 1024 most is spent on calling operations.
    """
    rows = zip(logits.numpy(), noise[:, 0].tolist(), strict=True)
    return torch.tensor([_draw_row(row, chance, share, max(heat, 1e-5), count) for row, chance in rows])


def _draw_row(logits: NDArray[np.float32], chance: float, share: float, heat: float, count: int | None) -> int:
    scores = logits - logits.max()
    chances = np.exp(scores)
    ordered = np.sort(chances)[::-1][:count]
    kept = len(ordered)
    if share < 1:
        kept = max(1, int(np.searchsorted(ordered.cumsum(), share * chances.sum(), side="right")))
    weights = np.exp(scores / heat)
    weights[chances < ordered[kept - 1]] = 0
    passed = weights.cumsum()
    return int(np.searchsorted(passed, np.float32(chance) * passed[-1], side="right"))


def exponential(*shape: int, generator: Generator | None = None, device: torch.device | str = "cpu") -> Tensor:
    """Noise for `draw`, never 0."""
    tiny = torch.finfo(torch.float32).tiny
    return torch.empty(*shape, device=device).exponential_(generator=generator).clamp_min_(tiny)


def uniform(*shape: int, generator: Generator | None = None, device: torch.device | str = "cpu") -> Tensor:
    """Noise for `draw`, from 0 to nearly 1."""
    return torch.rand(*shape, generator=generator, device=device).mul_(_BELOW_ONE)
