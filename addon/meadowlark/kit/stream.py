"""Sound in pieces, exactly as if it were computed at once: what a causal layer must remember, it keeps in a State.

A layer called without a State computes a whole; with one, the next piece of it. Measured on Fish's codec: pieces of 1,
2, 4 and 7 frames differ from the whole by less than 1e-6. Re-decoding with some frames of context, as other servers
do, is not exact and clicks or has to be cross-faded.

What is not causal (`windowed`) is computed in windows with all the context that it sees; it needs no State.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from .kvcache import attend
from .windows import IN_TIME, Pace, Schedule


@dataclass(slots=True)
class State:
    """What the layers of one stream remember, by layer."""

    tails: dict[int, Tensor] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(each.numel() * each.element_size() for each in self.tails.values())


class CausalConv1d:
    """A convolution that sees only what was before; (B, C, T) → (B, C', ceil(T / stride)); in a stream, pieces are
    multiples of the stride."""

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> None:
        """weight: (C', C / groups, K)."""
        self.weight, self.bias = weight, bias
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.context = (weight.shape[2] - 1) * dilation + 1 - stride

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        if state is not None:
            if x.shape[2] % self.stride:
                raise ValueError(f"a piece of {x.shape[2]} is cut within the stride of {self.stride}")
            if self.context:
                tail = state.tails.get(id(self))
                if tail is None:
                    tail = x.new_zeros(x.shape[0], x.shape[1], self.context)
                x = torch.cat([tail, x], dim=2)
                state.tails[id(self)] = x[:, :, -self.context :].clone()
        else:
            x = functional.pad(x, (self.context, -x.shape[2] % self.stride))
        return functional.conv1d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class CausalConvTranspose1d:
    """A transposed convolution whose end is cut off; (B, C, T) → (B, C', T · stride)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, stride: int) -> None:
        """weight: (C, C', K), K ≥ stride."""
        self.weight, self.bias, self.stride = weight, bias, stride
        self.overlap = weight.shape[2] - stride

    def __call__(self, x: Tensor, state: State | None = None) -> Tensor:
        length = x.shape[2] * self.stride
        if state is None or not self.overlap:
            return functional.conv_transpose1d(x, self.weight, self.bias, self.stride)[:, :, :length]
        y = functional.conv_transpose1d(x, self.weight, None, self.stride)
        if (tail := state.tails.get(id(self))) is not None:
            y[:, :, : self.overlap] += tail
        state.tails[id(self)] = y[:, :, length:].clone()
        y = y[:, :, :length]
        return y if self.bias is None else y + self.bias[:, None]  # once, not in the part that was carried as well


class WindowedAttention:
    """Attention over the last `window` positions, the own one among them; keeps window - 1 keys and values."""

    def __init__(self, window: int) -> None:
        self.window = window

    def position(self, state: State | None) -> int:
        """How many positions this layer has seen; positions are absolute, for rotary tables rounded to bfloat16 are
        not the same after a shift (7e-4)."""
        return 0 if state is None else state.positions.get(id(self), 0)

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor, state: State | None = None) -> Tensor:
        """(B, H, T, D) each, rotated already; (B, H, T, D)."""
        count = queries.shape[2]
        if state is not None:
            if (kept := state.tails.get(id(self))) is not None:
                keys, values = torch.cat([kept[0], keys], dim=2), torch.cat([kept[1], values], dim=2)
            state.positions[id(self)] = self.position(state) + count
            state.tails[id(self)] = torch.stack([keys, values])[:, :, :, max(0, keys.shape[2] - self.window + 1) :]
        return attend(queries, keys, values, window_mask(count, keys.shape[2], self.window, queries.device))


def window_mask(count: int, length: int, window: int, device: torch.device | str = "cpu") -> Tensor | None:
    """(T, L): each of the last `count` of `length` positions sees the last `window` up to itself; None: all of them."""
    if count == 1 and length <= window:
        return None
    ones = torch.ones(count, length, dtype=torch.bool, device=device)
    return ones.tril(length - count) & ones.triu(length - count - window + 1)


def windowed(
    module: Callable[[Tensor], Tensor],
    latents: Tensor | Iterable[Tensor],
    hop: int,
    schedule: Schedule,
    pace: Pace | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Tensor]:
    """What a vocoder that is not causal makes of latents (B, C, T), (B, C', T · hop), in parts that lie end to end.

    Exactly what it would make of all at once, if the schedule's context is as wide as it sees (`needed_context`). The
    latents may still be arriving: a window is computed as soon as its right context is there. The module must give
    `hop` samples a frame wherever the frame stands: what stretches by a fraction (interpolation to another rate) has to
    be done before. pace: learns how long windows take.
    """
    whole = isinstance(latents, Tensor)
    kept: Tensor | None = None
    dropped = 0
    for part, ended in _with_end([latents] if isinstance(latents, Tensor) else latents, whole):
        if part is not None:
            kept = part if kept is None else torch.cat([kept, part], dim=2)
        if kept is None:
            return
        while (window := schedule.window(dropped + kept.shape[2], ended=ended)) is not None:
            begun = clock()
            sound = module(kept[:, :, window.begin - dropped : window.end - dropped])
            if pace is not None:
                pace.note(window.end - window.begin, clock() - begun)
            yield sound[:, :, window.skip * hop : (window.skip + window.heard) * hop]
        old = max(0, schedule.position - schedule.before) - dropped
        if old > 0:
            kept, dropped = kept[:, :, old:].clone(), dropped + old  # a view would keep all in memory


def _with_end(parts: Iterable[Tensor], last: bool) -> Iterator[tuple[Tensor | None, bool]]:
    """Each part, and whether it is known to be the last; then, if that was not known, the end itself."""
    for part in parts:
        yield part, last
    if not last:
        yield None, True


def needed_context(module: Callable[[Tensor], Tensor], latents: Tensor, hop: int) -> tuple[int, int]:
    """How many frames to the left and to the right a sample depends on, found by changing the frame in the middle.

    latents: random ones, longer than what a sample sees. For tests and for who brings a new vocoder: the numbers then
    stand in the plugin. Raises ValueError where the latents are too short to tell.
    """
    frames = latents.shape[2]
    middle = frames // 2
    changed = latents.clone()
    changed[:, :, middle] += 1 + changed[:, :, middle].abs()
    differs = (module(latents) != module(changed)).flatten(0, 1).any(dim=0).nonzero().flatten()
    if not len(differs):
        raise ValueError("a frame that changes changes nothing that is heard")
    first, last = int(differs[0]) // hop, int(differs[-1]) // hop
    if first == 0 or last == frames - 1:
        raise ValueError(f"{frames} frames are too few: a change in the middle is heard at the end")
    return max(0, last - middle), max(0, middle - first)


def pieces(first: int, most: int, rtf: float = 0.0) -> Iterator[int]:
    """Sizes in frames of the pieces of a stream whose end is not known: small at first, so that it is heard early.

    rtf: seconds of work for a second of sound, 0 = not known. Each piece is as large as can be made while what was made
    before is heard; one that doubled at 0.7 would come too late. An engine that does not keep up leaves gaps anyhow:
    then pieces double, so that the gaps are few.
    """
    if first < 1 or most < first:
        raise ValueError(f"pieces of {first} to {most}")
    size, ahead = first, 0.0
    while True:
        yield size
        ahead = max(0.0, ahead - size * rtf) + size  # frames not yet heard, now that these are there
        in_time = int(IN_TIME * ahead / rtf) if 0 < rtf < 1 else 2 * size
        size = min(most, 4 * size, max(1, in_time))


def first_piece(frame_seconds: float, step_seconds: float, decode_seconds: float, most: int = 32) -> int:
    """Frames before the first sound is made, so that the second is ready before the first ends.

    step_seconds: per frame generated; decode_seconds: per frame made sound. An engine that keeps up begins after one
    frame or two; one that does not must not begin earlier than it must.
    """
    rtf = (step_seconds + decode_seconds) / frame_seconds
    if rtf <= 0.5:
        return 1
    return min(most, 2 if rtf <= 0.8 else 4 if rtf <= 1 else 8)
