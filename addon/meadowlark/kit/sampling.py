"""The next token from logits: penalties, filters, the draw. Pure; noise is given, so that a draw can be repeated.

Every function takes logits (B, V) and gives logits (B, V) back; engines put them in the order that they were
published with, for the order decides what is heard. `draw` ends the chain. Where a number is taken, a tensor (B, 1)
gives each sequence its own, and a captured graph (graphs.py) another one for the next sentence.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

_NEVER = float("-inf")

FEW = 256
"""Of the most likely tokens, which `top_p` looks at first: they hold its share of all but flat distributions."""

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
    look_back: bool = False,
) -> Tensor:
    """Keep the most likely that together have `share` of the chance, the first always, and what equals the last.

    crossing: whether the token is kept with which the sum reaches the share (Hugging Face's way), or not (Fish's).
    count: at most so many.
    look_back: sort only the FEW most likely where they are enough, 4097 tokens in 50 µs instead of 115 on a CPU; that
    must be asked of the numbers, which a graph cannot, and for which a GPU would have to be waited for.
    """
    if isinstance(share, Tensor):  # 1 is all: a sum is rounded, and may pass it before the last
        share = share.masked_fill(share >= 1, 2.0)
    elif share >= 1:
        share = 2.0
    chances = torch.softmax(logits, dim=1)
    ordered = _ordered(chances, share, count, look_back)
    total = ordered.cumsum(dim=1)
    drop = total - ordered >= share if crossing else total > share
    if isinstance(count, Tensor):
        drop = drop | (torch.arange(drop.shape[1], device=drop.device) >= count)
    elif count is not None:
        drop[:, count:].fill_(True)
    drop[:, 0].fill_(False)  # `= False` would copy a number from the host
    least = ordered.masked_fill(drop, 2.0).amin(dim=1, keepdim=True)
    return logits.masked_fill(chances < least, _NEVER)


def _ordered(chances: Tensor, share: float | Tensor, count: int | Tensor | None, look_back: bool) -> Tensor:
    """The chances that decide, largest first."""
    if isinstance(count, int):
        return chances.topk(min(count, chances.shape[1]), dim=1).values
    if look_back and chances.shape[1] > 8 * FEW:  # of fewer, sorting all is as quick
        few = chances.topk(FEW, dim=1).values
        if bool((few.sum(dim=1, keepdim=True) > share).all()):
            return few
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


def exponential(*shape: int, generator: Generator | None = None, device: torch.device | str = "cpu") -> Tensor:
    """Noise for `draw`, never 0."""
    tiny = torch.finfo(torch.float32).tiny
    return torch.empty(*shape, device=device).exponential_(generator=generator).clamp_min_(tiny)


def uniform(*shape: int, generator: Generator | None = None, device: torch.device | str = "cpu") -> Tensor:
    """Noise for `draw`, from 0 to nearly 1."""
    return torch.rand(*shape, generator=generator, device=device).mul_(_BELOW_ONE)
