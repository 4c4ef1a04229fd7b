"""decode.py's batching on a GPU: whole frames as recorded graphs, for all sequences at once.

The step, the draws and what is remembered of them are one launch, and nothing is asked of the GPU between frames: each
is written into a ring, and read by the host a few frames later. What was made after a sequence has ended, or after its
listener left, is forgotten. The engine gives the same `Model` as for `Together`, and a `Drawing` in tensors that stay
where they are. On a CPU all of it runs as well, without graphs or on a tape (tape.py): for tests.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from .decode import Batch, Model, Opening, Positions, Taken, each_row
from .graphs import Recorder, Step, Tensors
from .kvcache import buckets

_S = TypeVar("_S")
_C = TypeVar("_C", contravariant=True)

AHEAD = 4
"""Frames between two looks of the host: the first three are looked at sooner, they are waited for."""

WAITING = 64
"""Frames of a sequence that nobody has asked for from which on it waits for its listener: 3 s of Fish."""


class Drawing(Protocol[_C]):
    """How frames are drawn in all places. What an engine lets a listener choose is a tensor with a row for each."""

    read: Tensor
    """Like what the model gives for the rows of one place (rows, …): shape, dtype, device."""

    frame: Tensor
    """Like a frame (…): what the next step reads and the host is given. A token, a column of codes; with the state that
    it was drawn from where a vocoder hears states."""

    chance: int
    """Numbers from outside that a frame takes."""

    state: Sequence[Tensor]
    """What `draw` changes for the next frame."""

    def begin(self, place: int, own: _C) -> None:
        """Another sequence has this place."""

    def next_chance(self, own: _C) -> Tensor:
        """For the next frame of a sequence, (chance,), on the CPU."""

    def draw(self, read: Tensor, chance: Tensor, who: Tensor) -> Tensor:
        """A frame in each place (B, …), of what was read (B · rows, …) by chance (B, chance); remembered where it is
        for somebody, who (B,). Keeps to what graphs.py asks of a step."""


class Recorded(Batch[_S]):
    """Places whose steps are replayed; in blocks of `ahead`, while the host makes sound of the last block."""

    def __init__(
        self,
        model: Model,
        drawing: Drawing[_S],
        places: int,
        length: int,
        *,
        recorder: Recorder | None = None,
        compile_mode: str = "",
        ahead: int = AHEAD,
        shortest: int = 512,
        name: str = "step",
    ) -> None:
        """shortest: of the lengths that a step is recorded for. name: of the engine's step, for the log."""
        super().__init__(model, places, length, WAITING)
        self._drawing, self._ahead, self._name = drawing, ahead, name
        self._recorder, self._compile_mode = recorder, compile_mode
        self._device = drawing.read.device
        self._gpu = self._device.type == "cuda"
        self._stream = torch.cuda.Stream(self._device) if self._gpu else None  # sound is made beside it
        self._sizes: Iterator[int] = itertools.repeat(ahead)
        self._flight: list[tuple[int, list[Taken[_S] | None]]] = []  # turn, who has which place in it
        self._next_turn = 0
        self._live_here = [False] * places
        self._lengths = buckets(length, shortest)
        self._steps: dict[int, Step] = {}
        self._wait_for_caller()
        with torch.inference_mode(), self._on_stream():
            self._make_tensors(places)
            read = torch.zeros_like(drawing.read).repeat(places, *[1] * (drawing.read.dim() - 1))
            self._first = self._recorded(self._draw, {"read": read, "who": self._live}, f"first frame of {name}")

    def _make_tensors(self, places: int) -> None:
        drawing, device = self._drawing, self._device
        self._frame = torch.zeros_like(drawing.frame).repeat(places, *[1] * drawing.frame.dim())
        self._at, self._begun = torch.zeros(2, places * self._model.rows, dtype=torch.long, device=device)
        self._turn = torch.zeros(1, dtype=torch.long, device=device)
        self._live = torch.zeros(places, dtype=torch.bool, device=device)
        """Whether the device goes on with it; `_live_here` knows the same."""
        self._history = torch.zeros(self._ahead, *self._frame.shape, dtype=self._frame.dtype, device=device)
        self._seen = torch.zeros_like(self._history, device="cpu", pin_memory=self._gpu)
        self._chance = torch.zeros(self._ahead, places, drawing.chance, device=device)
        self._chance_here = torch.zeros_like(self._chance, device="cpu", pin_memory=self._gpu)

    @property
    def recorded(self) -> bool:
        """Whether all that was recorded so far is replayed."""
        return all(each.recorded for each in (self._first, *self._steps.values()))

    def record_all(self) -> None:
        """Record the step for all lengths, so that no sequence has to wait for it."""
        for length in self._lengths:
            self._step(length)

    @torch.inference_mode()
    def join(self, own: _S, *openings: Opening) -> int:
        """See Batch."""
        self._collect()
        self._wait_for_caller()  # who may have made the prefix just now
        with self._on_stream():
            place = super().join(own, *openings)
        self._sizes = itertools.chain((1, 1, 2), itertools.repeat(self._ahead))
        self._collect()
        self._look_ahead()
        return place

    def _begin(self, place: int, taken: Taken[_S], read: Any) -> None:
        self._drawing.begin(place, taken.own)
        for row, begun in zip(self._rows(place), taken.begun, strict=True):
            self._at[row] = self._begun[row] = begun
        who = torch.arange(len(self._places), device=self._device) == place
        alone = [taken if number == place else None for number in range(len(self._places))]
        self._lay_chance(alone)
        self._first(read=read.repeat(len(self._places), *[1] * (read.dim() - 1)), who=who)
        self._fly(alone, 1)
        self._live[place] = self._live_here[place] = True

    @torch.inference_mode()
    def _advance(self) -> None:
        if not self._flight:
            self._launch()
        self._collect()
        self._look_ahead()

    def _comes(self, taken: Taken[_S]) -> bool:
        return self._goes_on(taken) or any(each is taken for _, who in self._flight for each in who)

    def _launch(self) -> None:
        """Some frames of all sequences that go on."""
        going = self._going()
        positions = [each.at for each in going if each is not None]
        with self._on_stream():
            for place, each in enumerate(going):
                self._set_live(place, each is not None)
        if not positions:
            return
        count = min(next(self._sizes), self._ahead, self.length - max(positions))
        step = self._step(next(length for length in self._lengths if length >= max(positions) + count))
        turn = self._next_turn
        with self._on_stream():
            for number in range(count):
                self._next_turn = (turn + number) % self._ahead
                self._lay_chance(going)
                step()
            self._next_turn = turn
            self._fly(going, count)
        for each in going:
            if each is not None:
                each.read += count

    def _set_live(self, place: int, live: bool) -> None:
        if self._live_here[place] == live:
            return
        self._live[place] = self._live_here[place] = live
        taken = self._places[place]
        if taken is None or taken.at >= self.length:
            for row in self._rows(place):
                self._at[row] = 0  # where it computes idly, there is a position

    def _lay_chance(self, who: list[Taken[_S] | None]) -> None:
        """The numbers of these sequences for the next turn."""
        turn = self._next_turn
        for place, each in enumerate(who):
            if each is not None:
                self._chance_here[turn, place] = self._drawing.next_chance(each.own)
        self._chance[turn].copy_(self._chance_here[turn], non_blocking=True)

    def _fly(self, who: list[Taken[_S] | None], count: int) -> None:
        """So many frames were launched for these; their way to the host begins."""
        self._flight = [((self._next_turn + number) % self._ahead, who) for number in range(count)]
        self._next_turn = (self._next_turn + count) % self._ahead
        self._seen.copy_(self._history, non_blocking=True)

    def _collect(self) -> None:
        """Wait for what was launched; a sequence that has left gets nothing."""
        if self._flight and self._stream is not None:
            self._stream.synchronize()
        for turn, who in self._flight:
            for place, each in enumerate(who):
                if each is not None and self._places[place] is each and not each.ended:
                    self._give(each, self._seen[turn, place].clone())
        self._flight = []

    @torch.inference_mode()
    def _look_ahead(self) -> None:
        """A GPU goes on while the host makes sound of what it has."""
        if self._gpu:
            self._launch()

    def _draw(self, read: Tensor, who: Tensor) -> Tensors:
        """A frame of what was read, for some: into the ring."""
        frame = self._drawing.draw(read, self._chance.index_select(0, self._turn)[0], who)
        self._frame.copy_(torch.where(who.view(-1, *[1] * (frame.dim() - 1)), frame, self._frame))
        self._history.index_copy_(0, self._turn, self._frame[None])
        self._turn.copy_((self._turn + 1) % self._ahead)
        return ()

    def _step(self, length: int) -> Step:
        """The step that sees so many positions."""
        if length not in self._steps:
            rows, where = self._model.rows, Positions(self._at, self._begun, length)

            def run() -> Tensors:
                self._draw(self._model.step(each_row(self._frame, rows), self._cache, where), self._live)
                self._at.add_(each_row(self._live, rows))
                return ()

            with torch.inference_mode(), self._on_stream():
                self._steps[length] = self._recorded(run, {}, f"step of {self._name} at {length} positions")
        return self._steps[length]

    def _recorded(self, run: Callable[..., Tensors], inputs: dict[str, Tensor], name: str) -> Step:
        state = [self._frame, self._at, self._turn, self._history, *self._drawing.state]
        return Step(run, inputs, state, recorder=self._recorder, compile_mode=self._compile_mode, name=name)

    def _on_stream(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if self._stream is None else torch.cuda.stream(self._stream)

    def _wait_for_caller(self) -> None:
        """What comes on our stream is computed behind what the caller has asked of the GPU so far."""
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))
