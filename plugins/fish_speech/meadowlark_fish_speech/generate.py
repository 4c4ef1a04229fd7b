"""From a prompt to frames, one at a time: read, draw, yield.

Nothing runs between frames: whoever stops asking has stopped it. What computes a frame is a `Speaker`'s choice: `Eager`
is the model as it is written, the reference of all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from meadowlark.kit.kvcache import Prefix, length_for

from .config import ModelConfig
from .model import DualAR, Tokens, semantic_code
from .sampler import Manner, Noise, S1Sampler, S2Sampler, Sampler


class FrameMaker(Protocol):
    """The frames of one sentence, each made when it is asked for. Knows no end."""

    def first(self) -> Tensor:
        """Read the prompt; the first frame, (11,)."""

    def next(self) -> Tensor:
        """The frame that follows the last one; that one is read now, not before."""

    def close(self) -> None:
        """Give back what the sentence holds, such as a place in a batch. Comes once, at any time, and last."""


class Speaker(Protocol):
    """A model ready to speak, whatever computes it."""

    @property
    def config(self) -> ModelConfig:
        """Its shape."""

    @property
    def tokens(self) -> Tokens:
        """Of its vocabulary."""

    def sampler(self, manner: Manner, noise: Noise, *, as_published: bool = False) -> Any:
        """What draws the tokens of one sentence: of the kind that `start` takes."""

    def start(self, prompt: Tensor, sampler: Any, length: int, prefix: Prefix | None = None) -> FrameMaker:
        """A sentence (11, T), the prefix included, that will have at most `length` positions with all its frames."""

    def prefix(self, prompt: Tensor) -> Prefix:
        """What every sentence of a voice begins with, (11, T), read once."""


class Speech:
    """One sentence as it is generated."""

    def __init__(
        self, speaker: Speaker, prompt: Tensor, sampler: Any, frames: int, prefix: Prefix | None = None
    ) -> None:
        """prompt: (11, T), the prefix included; frames: at most so many. Raises ValueError for too long a prompt."""
        self._speaker, self._prompt, self._sampler, self._prefix = speaker, prompt, sampler, prefix
        self._length = length_for(prompt.shape[1], frames, speaker.config.context)
        self._most = min(frames, self._length - prompt.shape[1])
        self.stopped = False
        """Whether the model itself has come to an end."""

    def __iter__(self) -> Iterator[Tensor]:
        """Frames (11,), the one that ends it included."""
        maker = self._speaker.start(self._prompt, self._sampler, self._length, self._prefix)
        try:
            frame = maker.first()
            for made in range(self._most):
                yield frame
                if is_last(self._speaker.tokens, frame, made):
                    self.stopped = True
                    return
                if made + 1 < self._most:
                    frame = maker.next()
        finally:
            maker.close()


class Eager:
    """The model computed by torch, operation by operation."""

    def __init__(self, model: DualAR) -> None:
        self.model, self.config, self.tokens = model, model.config, model.tokens

    def sampler(self, manner: Manner, noise: Noise, *, as_published: bool = False) -> Sampler:
        """Of the model's generation."""
        stop_row = int((self.model.row_tokens == self.tokens.stop).nonzero())
        return sampler_of(self.config, stop_row, manner, noise, as_published=as_published)

    def start(self, prompt: Tensor, sampler: Sampler, length: int, prefix: Prefix | None = None) -> FrameMaker:
        """Frames of a sentence."""
        return _EagerFrames(self.model, prompt, sampler, length, prefix)

    @torch.inference_mode()
    def prefix(self, prompt: Tensor) -> Prefix:
        """Keys and values of a voice's prompt."""
        cache = self.model.cache(length_for(prompt.shape[1], 0, self.config.context))
        self.model.prefill(prompt[None].to(self.model.plan.device), cache)
        return cache.snapshot(prompt.shape[1])


class _EagerFrames:
    """One sentence of `Eager`."""

    def __init__(self, model: DualAR, prompt: Tensor, sampler: Sampler, length: int, prefix: Prefix | None) -> None:
        self._model, self._prompt, self._sampler, self._prefix = model, prompt, sampler, prefix
        with torch.inference_mode():
            self._cache, self._fast_cache = model.cache(length), model.fast_cache()
        self._at = prompt.shape[1]
        self._frame: Tensor | None = None

    @torch.inference_mode()
    def first(self) -> Tensor:
        start = 0
        if self._prefix is not None:
            self._cache.restore(self._prefix)
            start = self._prefix.length
        prompt = self._prompt[None, :, start:].to(self._model.plan.device)
        return self._draw(self._model.prefill(prompt, self._cache, start))

    @torch.inference_mode()
    def next(self) -> Tensor:
        assert self._frame is not None, "first() comes first"
        state = self._model.step(self._frame, self._cache, self._at, self._at + 1)
        self._at += 1
        return self._draw(state)

    def _draw(self, state: Tensor) -> Tensor:
        self._frame = draw_frame(self._model, state, self._sampler, self._fast_cache)
        return self._frame[0]

    def close(self) -> None:
        """The cache goes with the object."""


class Heads(Protocol):
    """What a frame is drawn from."""

    config: ModelConfig
    tokens: Tokens
    row_tokens: Tensor

    def main_logits(self, state: Tensor) -> Tensor:
        """See DualAR, of all four."""

    def fast_state(self, state: Tensor) -> Tensor: ...

    def begin_codes(self, state: Tensor, code: Tensor, cache: Any) -> Tensor: ...

    def next_code(self, code: Tensor, place: int, cache: Any) -> Tensor: ...


def draw_frame(model: Heads, state: Tensor, sampler: Sampler, cache: Any, who: Tensor | None = None) -> Tensor:
    """A frame (B, 11) from the slow stack's last state (B, C); the fast stack's cache is its model's.

    who: (B,) sequences that the sampler remembers it for, default all.
    """
    row = sampler.main(model.main_logits(state))
    main = model.row_tokens[row]
    codes = [semantic_code(model.config, model.tokens, main)]
    logits = model.begin_codes(model.fast_state(state), codes[0], cache)
    for place in range(1, model.config.codebooks):
        if place > 1:
            logits = model.next_code(codes[-1], place, cache)
        codes.append(sampler.code(place, logits))
    frame = torch.stack([main, *codes], dim=1)
    sampler.remember(row, frame, who)
    return frame


def is_last(tokens: Tokens, frame: Tensor, number: int) -> bool:
    """Whether a frame (11,), the so-manieth from 0 on, ends the sentence: the first one never does."""
    return number > 0 and int(frame[0]) == tokens.stop


def sampler_of(
    config: ModelConfig, stop_row: int, manner: Manner, noise: Noise, *, as_published: bool = False
) -> Sampler:
    """S1's way, which but for a fault is 1.5's, or S2's. stop_row: of the head, the end of speech."""
    width = config.codebooks + 1
    if config.generation == "s2":
        return S2Sampler(manner, noise, stop_row, as_published=as_published, width=width)
    by_column = config.generation == "s1"
    return S1Sampler(manner, noise, as_published=as_published, stop_row=stop_row, width=width, by_column=by_column)
