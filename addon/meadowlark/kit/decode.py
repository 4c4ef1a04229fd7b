"""Several sequences decoded together: a step reads the weights once for all of them. They come and go between steps.

Knows places, positions and masks; what a step computes and how a token is drawn is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from .kvcache import KVCache, Prefix

_S = TypeVar("_S")


class Model(Protocol):
    """A transformer with a cache."""

    def cache(self, length: int, batch: int = 1) -> KVCache:
        """Room for sequences."""

    def prefill(self, prompt: Tensor, cache: KVCache, start: int = 0) -> Tensor:
        """Read a prompt (1, …, T) into a cache of one sequence; the last state (1, C)."""

    def step(self, frame: Tensor, cache: KVCache, at: int | Tensor, length: int, mask: Tensor | None = None) -> Tensor:
        """Read one frame (B, …) of each sequence; the states (B, C)."""


Draw = Callable[[Tensor, _S], Tensor]
"""A frame (1, …) from a state (1, C) and what its sequence keeps of its own: a sampler."""


@dataclass(slots=True)
class _Place(Generic[_S]):
    own: _S
    at: int
    """Position that the next frame is read at."""

    frame: Tensor
    """The last that was drawn: given once, read next."""


class Together(Generic[_S]):
    """Up to `places` sequences of at most `length` positions."""

    def __init__(self, model: Model, draw: Draw[_S], places: int, length: int) -> None:
        self._model, self._draw = model, draw
        with torch.inference_mode():
            self._cache = model.cache(length, places)
        self._places: list[_Place[_S] | None] = [None] * places
        self._new: list[int] = []

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self._places.count(None)

    @torch.inference_mode()
    def join(self, prompt: Tensor, own: _S, prefix: Prefix | None = None) -> int:
        """Read a prompt (…, T), the prefix included; the place of the sequence. Raises IndexError when all are taken,
        ValueError when the prompt is too long."""
        if None not in self._places:
            raise IndexError(f"all {len(self._places)} places are taken")
        count = prompt.shape[-1]
        if count >= self._cache.length:
            raise ValueError(f"a prompt of {count} positions where there is room for {self._cache.length}")
        place = self._places.index(None)
        start = 0
        if prefix is not None:
            self._cache.restore(prefix, place)
            start = prefix.length
        state = self._model.prefill(prompt[None, ..., start:], self._cache.slot(place), start)
        self._places[place] = _Place(own, count, self._draw(state, own))
        self._new.append(place)
        return place

    def leave(self, place: int) -> None:
        """Give a place back: the sequence is over, or nobody listens any more."""
        self._places[place] = None
        self._new = [each for each in self._new if each != place]

    @torch.inference_mode()
    def step(self) -> dict[int, Tensor]:
        """The next frame (…) of each sequence by its place; one whose room is used up leaves by itself."""
        given: dict[int, Tensor] = {}
        for place in self._new:
            given[place] = self._frame(place)[0]
        old = [place for place, each in enumerate(self._places) if each is not None and place not in self._new]
        self._new = []
        old = [place for place in old if self._has_room(place)]
        if old:
            states = self._advance(old)
            for row, place in enumerate(old):
                each = self._places[place]
                assert each is not None
                each.frame = self._draw(states[row : row + 1], each.own)
                given[place] = each.frame[0]
        return given

    def _has_room(self, place: int) -> bool:
        each = self._places[place]
        assert each is not None
        if each.at < self._cache.length:
            return True
        self.leave(place)
        return False

    def _advance(self, places: list[int]) -> Tensor:
        """Read the last frame of each of these; a place that is not among them computes idly at position 0."""
        at = torch.zeros(len(self._places), dtype=torch.long)
        frame = self._frame(places[0])
        frames = frame.new_zeros(len(self._places), *frame.shape[1:])
        for place in places:
            each = self._places[place]
            assert each is not None
            at[place], frames[place] = each.at, self._frame(place)[0]
        idle = [place for place in range(len(self._places)) if place not in places]
        kept = {place: self._cache.data[:, :, place, :, :1].clone() for place in idle if self._places[place]}
        length = int(at.max()) + 1
        at = at.to(frame.device)
        mask = (torch.arange(length, device=frame.device) <= at[:, None])[:, None, None]  # (B, 1, 1, L)
        states = self._model.step(frames, self._cache, at, length, mask)
        for place, first in kept.items():
            self._cache.data[:, :, place, :, :1] = first
        for place in places:
            each = self._places[place]
            assert each is not None
            each.at += 1
        return states[places]

    def _frame(self, place: int) -> Tensor:
        each = self._places[place]
        assert each is not None
        return each.frame
