"""From a prompt to frames, one at a time: read, draw, yield.

Nothing runs between frames: whoever stops asking has stopped it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from meadowlark.kit.kvcache import KVCache, Prefix, length_for

from .model import DualAR
from .sampler import Sampler


class Speech:
    """One sentence as it is generated."""

    def __init__(
        self, model: DualAR, prompt: Tensor, sampler: Sampler, frames: int, prefix: Prefix | None = None
    ) -> None:
        """prompt: (11, T), the prefix included; frames: at most so many. Raises ValueError for too long a prompt."""
        self._model, self._prompt, self._sampler, self._prefix = model, prompt, sampler, prefix
        length = length_for(prompt.shape[1], frames, model.config.context)
        self._most = min(frames, length - prompt.shape[1])
        self._length = length
        self.stopped = False
        """Whether the model itself has come to an end."""

    def __iter__(self) -> Iterator[Tensor]:
        """Frames (11,), the one that ends it included."""
        model = self._model
        with torch.inference_mode():
            cache, fast_cache = model.cache(self._length), model.fast_cache()
            state = self._read(cache)
            frame = self._draw(state, fast_cache)
        at = self._prompt.shape[1]
        for made in range(self._most):
            yield frame[0]
            if int(frame[0, 0]) == model.tokens.stop and made:
                self.stopped = True
                return
            if made + 1 == self._most:
                return
            with torch.inference_mode():  # not around a yield: the caller's code is not ours to switch
                state = model.step(frame, cache, at, at + 1)
                frame = self._draw(state, fast_cache)
            at += 1

    def _read(self, cache: KVCache) -> Tensor:
        start = 0
        if self._prefix is not None:
            cache.restore(self._prefix)
            start = self._prefix.length
        return self._model.prefill(self._prompt[None, :, start:].to(self._model.plan.device), cache, start)

    def _draw(self, state: Tensor, cache: KVCache) -> Tensor:
        return draw_frame(self._model, state, self._sampler, cache)


def draw_frame(model: DualAR, state: Tensor, sampler: Sampler, cache: KVCache) -> Tensor:
    """A frame (B, 11) from the slow stack's last state (B, C)."""
    row = sampler.main(model.main_logits(state))
    main = model.row_tokens[row]
    codes = [model.first_code(main)]
    logits = model.begin_codes(model.fast_state(state), codes[0], cache)
    for place in range(1, model.config.codebooks):
        if place > 1:
            logits = model.next_code(codes[-1], place, cache)
        codes.append(sampler.code(place, logits))
    frame = torch.stack([main, *codes], dim=1)
    sampler.remember(row, frame)
    return frame


def prefix_of(model: DualAR, prompt: Tensor) -> Prefix:
    """What every sentence of a voice begins with, read once. prompt: (11, T)."""
    with torch.inference_mode():
        cache = model.cache(length_for(prompt.shape[1], 0, model.config.context))
        model.prefill(prompt[None].to(model.plan.device), cache)
        return cache.snapshot(prompt.shape[1])
