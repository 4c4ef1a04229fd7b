"""Several sequences decoded together: a step reads the weights once for all of them. They come and go between steps.

    place = batch.join(own, Opening(prompt, prefix))    reads a prompt, makes the first frame
    batch.frame(place)                                  the next; the first who finds none waiting has some made for all
    batch.leave(place)                                  at any time

One way to use them, two to compute: `Together` makes each step when it is asked for (CPUs), recorded.py's `Recorded`
replays whole steps ahead of the host (GPUs). Both know places and positions; what a step computes and how a frame is
drawn is the engine's. With guidance a sequence has two rows of the batch, side by side, each with a prompt of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from .kvcache import KVCache, Prefix

_S = TypeVar("_S")

WAITING = 16
"""Frames that wait for who asks seldom; beyond that its sequence stands still while others go on."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a row begins with."""

    prompt: Tensor  # (…, T), the prefix included
    prefix: Prefix | None = None


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the rows of a step read: each at its own, all below `length`."""

    at: Tensor  # (R,)
    begun: Tensor  # (R,): where the first frame was read
    length: int

    @property
    def number(self) -> Tensor:
        """Which of its sequence's frames each row reads, from 0 on: for positions that are learned by frame."""
        return self.at - self.begun


class Model(Protocol):
    """A transformer with a cache. What it gives is what a frame is drawn from: states, or whatever `Draw` takes."""

    rows: int
    """Of a sequence: 1, or 2 with guidance; then it gives tensors, of which guidance.py makes one."""

    def cache(self, length: int, batch: int = 1) -> KVCache:
        """Room for rows."""

    def prefill(self, prompt: Tensor, cache: KVCache, start: int = 0) -> Any:
        """Read a prompt (1, …, T) into a cache of one row; after its last position."""

    def step(self, frames: Tensor, cache: KVCache, where: Positions) -> Any:
        """Read one frame (R, …) in each row; after them."""

    def is_last(self, frame: Tensor, number: int) -> bool:
        """Whether a frame (…), the so-manieth from 0 on, ends its sequence."""


Draw = Callable[[Any, Sequence[int], Sequence[_S]], Tensor]
"""(what the model gave, rows of it, what their sequences keep of their own: samplers) → frames (sequences, …)."""


@dataclass(slots=True)
class Taken(Generic[_S]):
    """A place that a sequence has."""

    own: _S
    begun: tuple[int, ...]
    """Positions of each row before its first frame."""

    read: int = 0
    """Frames that were read, or are being read."""

    given: int = 0
    """Frames that were drawn, and seen by the host."""

    made: deque[Tensor] = field(default_factory=deque)
    """Of them, those that nobody has asked for yet."""

    ended: bool = False

    @property
    def at(self) -> int:
        """Where the next frame is read, by the row that is farthest."""
        return max(self.begun) + self.read


class Batch(ABC, Generic[_S]):
    """Up to `places` sequences of at most `length` positions. Used by one thread."""

    def __init__(self, model: Model, places: int, length: int, waiting: int) -> None:
        self._model, self._waiting = model, waiting
        with torch.inference_mode():
            self._cache = model.cache(length, places * model.rows)
        self._places: list[Taken[_S] | None] = [None] * places

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self._places.count(None)

    @property
    def length(self) -> int:
        """Positions of each."""
        return self._cache.length

    @torch.inference_mode()
    def join(self, own: _S, *openings: Opening) -> int:
        """Read an opening for each row and make the first frame; the place of the sequence, the lowest that is free.
        Raises IndexError when all are taken, ValueError when a prompt is too long."""
        begun = tuple(each.prompt.shape[-1] for each in openings)
        if len(begun) != self._model.rows:
            raise ValueError(f"{len(begun)} prompts for {self._model.rows} rows")
        if max(begun) >= self.length:
            raise ValueError(f"a prompt of {max(begun)} positions where there is room for {self.length}")
        if None not in self._places:
            raise IndexError(f"all {len(self._places)} places are taken")
        place = self._places.index(None)
        read = [self._open(row, each) for row, each in zip(self._rows(place), openings, strict=True)]
        taken = Taken(own, begun)
        self._begin(place, taken, read[0] if len(read) == 1 else torch.cat(read))
        self._places[place] = taken
        return place

    def leave(self, place: int) -> None:
        """Give a place back: the sequence is over, or nobody listens any more."""
        self._places[place] = None

    def frame(self, place: int) -> Tensor:
        """The next frame (…) of a sequence. Raises IndexError when it has ended or its room is used up."""
        taken = self._places[place]
        assert taken is not None, "nobody has this place"
        while not taken.made:
            if not self._comes(taken):
                raise IndexError(f"a sequence has ended, or used up its {self.length} positions")
            self._advance()
        return taken.made.popleft()

    @abstractmethod
    def _begin(self, place: int, taken: Taken[_S], read: Any) -> None:
        """Draw the first frame of what was read."""

    @abstractmethod
    def _advance(self) -> None:
        """Make frames for all sequences that go on, or see to those that are on their way."""

    def _comes(self, taken: Taken[_S]) -> bool:
        """Whether there will be another frame."""
        return self._goes_on(taken)

    def _goes_on(self, taken: Taken[_S]) -> bool:
        return not taken.ended and taken.at < self.length and len(taken.made) < self._waiting

    def _going(self) -> list[Taken[_S] | None]:
        """Who has room, and a listener who keeps up, in their places."""
        return [each if each is not None and self._goes_on(each) else None for each in self._places]

    def _give(self, taken: Taken[_S], frame: Tensor) -> None:
        taken.made.append(frame)
        taken.ended = self._model.is_last(frame, taken.given)
        taken.given += 1

    def _open(self, row: int, opening: Opening) -> Any:
        start = 0
        if opening.prefix is not None:
            self._cache.restore(opening.prefix, row)
            start = opening.prefix.length
        return self._model.prefill(opening.prompt[None, ..., start:], self._cache.slot(row), start)

    def _rows(self, place: int) -> range:
        """Of the batch, a place's."""
        return range(place * self._model.rows, (place + 1) * self._model.rows)


class Together(Batch[_S]):
    """Steps that are computed when somebody asks, for as many places as are needed."""

    def __init__(self, model: Model, draw: Draw[_S], places: int, length: int) -> None:
        super().__init__(model, places, length, WAITING)
        self._draw = draw
        self._last: dict[int, Tensor] = {}
        """Of each place, the frame that is read next."""

    def _begin(self, place: int, taken: Taken[_S], read: Any) -> None:
        self._keep(place, taken, self._draw(read, range(self._model.rows), [taken.own])[0])

    @torch.inference_mode()
    def _advance(self) -> None:
        going = {place: each for place, each in enumerate(self._going()) if each is not None}
        # Not further than the last that goes: a row more costs as much as a sequence.
        seats = self._places[: max(going) + 1]
        some = self._last[max(going)]
        frames = torch.stack([self._last.get(place, some) for place in range(len(seats))])
        begun = torch.tensor([row for each in seats for row in (each.begun if each else (0,) * self._model.rows)])
        read = torch.tensor([each.read if each else 0 for each in seats])
        # One that stands still writes where it will write itself; at the end nothing is read any more.
        at = (begun + each_row(read, self._model.rows)).clamp_max(self.length - 1)
        where = Positions(at.to(frames.device), begun.to(frames.device), int(at.max()) + 1)
        after = self._model.step(each_row(frames, self._model.rows), self._cache.first(len(at)), where)
        rows = [row for place in going for row in self._rows(place)]
        drawn = self._draw(after, rows, [each.own for each in going.values()])
        for frame, (place, each) in zip(drawn, going.items(), strict=True):
            each.read += 1
            self._keep(place, each, frame)

    def _keep(self, place: int, taken: Taken[_S], frame: Tensor) -> None:
        self._last[place] = frame
        self._give(taken, frame)


def each_row(values: Tensor, rows: int) -> Tensor:
    """(B, …) → (B · rows, …): what is said of a sequence, for each of its rows."""
    return values.unsqueeze(1).expand(-1, rows, *values.shape[1:]).flatten(0, 1)


def places_for(free: int, each: int, *, reserve: int, most: int) -> int:
    """How many places there is room for, at least one, at most `most`: in bytes what is free, what each takes, what
    stays free for other things."""
    return max(1, min(most, (free - reserve) // each))


def free_bytes(device: torch.device | str) -> int:
    """Of a GPU, what nobody has."""
    torch.cuda.empty_cache()  # what torch keeps for itself counts as taken
    return torch.cuda.mem_get_info(device)[0]
