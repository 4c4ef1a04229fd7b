"""Several sequences decoded together: a step reads the weights once for all of them. They come and go between steps.

Knows places and positions; what a step computes and how a token is drawn is the engine's. Each sequence is asked for
its next frame by whoever speaks it, in turn with the others: the first who finds none waiting has a step made for all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from .kvcache import KVCache, Prefix

_S = TypeVar("_S")

AHEAD = 16
"""Frames that wait for who asks seldom; beyond that its sequence stands still while others go on."""


class Model(Protocol):
    """A transformer with a cache. What it gives is what a frame is drawn from: states, or whatever `Draw` takes."""

    def cache(self, length: int, batch: int = 1) -> KVCache:
        """Room for sequences."""

    def prefill(self, prompt: Tensor, cache: KVCache, start: int = 0) -> Any:
        """Read a prompt (1, …, T) into a cache of one sequence; after its last position."""

    def step(self, frames: Tensor, cache: KVCache, at: Tensor, length: int) -> Any:
        """Read one frame (B, …) of each sequence at positions of their own (B,), all below `length`; after them."""


Draw = Callable[[Any, Sequence[int], Sequence[_S]], Tensor]
"""(what the model gave, rows of it, what their sequences keep of their own: samplers) → frames (rows, …)."""


@dataclass(slots=True)
class _Place(Generic[_S]):
    own: _S
    at: int
    """Position that the next frame is read at."""

    frame: Tensor
    """The last that was drawn, which is read next."""

    made: deque[Tensor] = field(default_factory=deque)
    """Frames that nobody has asked for yet."""


class Together(Generic[_S]):
    """Up to `places` sequences of at most `length` positions. Used by one thread."""

    def __init__(self, model: Model, draw: Draw[_S], places: int, length: int) -> None:
        self._model, self._draw = model, draw
        with torch.inference_mode():
            self._cache = model.cache(length, places)
        self._places: list[_Place[_S] | None] = [None] * places

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self._places.count(None)

    @property
    def length(self) -> int:
        """Positions of each."""
        return self._cache.length

    @torch.inference_mode()
    def join(self, prompt: Tensor, own: _S, prefix: Prefix | None = None) -> int:
        """Read a prompt (…, T), the prefix included, and draw the first frame; the place of the sequence, the lowest
        that is free. Raises IndexError when all are taken, ValueError when the prompt is too long."""
        if None not in self._places:
            raise IndexError(f"all {len(self._places)} places are taken")
        count = prompt.shape[-1]
        if count >= self._cache.length:
            raise ValueError(f"a prompt of {count} positions where there is room for {self._cache.length}")
        place, start = self._places.index(None), 0
        if prefix is not None:
            self._cache.restore(prefix, place)
            start = prefix.length
        read = self._model.prefill(prompt[None, ..., start:], self._cache.slot(place), start)
        frame = self._draw(read, [0], [own])[0]
        self._places[place] = _Place(own, count, frame, deque([frame]))
        return place

    def leave(self, place: int) -> None:
        """Give a place back: the sequence is over, or nobody listens any more."""
        self._places[place] = None

    def frame(self, place: int) -> Tensor:
        """The next frame (…) of a sequence. Raises IndexError when its room is used up."""
        each = self._taken(place)
        if not each.made:
            self._step()
        if not each.made:
            raise IndexError(f"a sequence has used up its {self._cache.length} positions")
        return each.made.popleft()

    @torch.inference_mode()
    def _step(self) -> None:
        """A frame for each sequence that has room, and a listener who keeps up."""
        going = [
            place
            for place, each in enumerate(self._places)
            if each is not None and each.at < self._cache.length and len(each.made) < AHEAD
        ]
        if not going:
            return
        first = self._taken(going[0]).frame
        # Not further than the last that goes: a row more costs as much as a sequence.
        at = torch.zeros(going[-1] + 1, dtype=torch.long)
        frames = first.new_zeros(len(at), *first.shape)
        for place in range(len(at)):
            if (each := self._places[place]) is not None:
                # One that stands still writes where it will write itself; at the end nothing is read any more.
                at[place], frames[place] = min(each.at, self._cache.length - 1), each.frame
        read = self._model.step(frames, self._cache.first(len(at)), at.to(first.device), int(at.max()) + 1)
        drawn = self._draw(read, going, [self._taken(place).own for place in going])
        for row, place in enumerate(going):
            each = self._taken(place)
            each.frame = drawn[row]
            each.made.append(each.frame)
            each.at += 1

    def _taken(self, place: int) -> _Place[_S]:
        each = self._places[place]
        assert each is not None, "nobody has this place"
        return each
