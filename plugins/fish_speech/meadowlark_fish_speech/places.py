"""Room for sentences on a GPU: whole frames as recorded graphs, for all of them at once.

Slow step, fast passes, draws and what is remembered are one launch, and nothing is asked of the GPU between frames:
each is written into a ring, and read by the host a few frames later. What was made after the end of speech, or after
its listener left, is forgotten. Sequences come and go in places of a batch, each with a position, a manner and chance
of its own. On a CPU all of it runs as well, without graphs: for tests.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from meadowlark.kit.graphs import Recorder, Step, Tensors
from meadowlark.kit.kvcache import Prefix, buckets, live_mask

from .generate import Eager, draw_frame
from .model import DualAR
from .sampler import FrameNoise, Manner, Noise

CAPACITY = 4096
"""Positions of a place: a reference of a minute, and a minute of speech. 0.47 GB of S1-mini's cache in bfloat16."""

AHEAD = 4
"""Frames between two looks of the host: the first three are looked at sooner, they are waited for."""

WAITING = 64
"""Frames of a sentence that nobody has asked for, 3 s, from which on it waits for its listener."""

ALL = 2**31
"""More tokens than a vocabulary has: no top-k."""


@dataclass(slots=True)
class _Sequence:
    noise: Noise
    at: int
    """Position that the next frame to be launched is read at."""

    made: deque[Tensor] = field(default_factory=deque)
    """Frames that nobody has asked for yet."""

    live: bool = True
    """Whether the device goes on with it."""

    begun: bool = False
    ended: bool = False
    """The end of speech was drawn, and not as the first frame."""


class _RingNoise:
    """What the host has laid ready for this turn."""

    def __init__(self, ring: Tensor, turn: Tensor, widths: list[int]) -> None:
        self._ring, self._turn, self._widths = ring, turn, widths  # (turns, B, sum of widths)

    def frame(self, codes: int) -> FrameNoise:
        main, again, *rest = self._ring.index_select(0, self._turn)[0].split(self._widths, dim=1)
        return FrameNoise(main, again, tuple(rest))


@dataclass(slots=True)
class _For:
    """A sampler that remembers for some of the batch only."""

    sampler: Any
    who: Tensor  # (B,)

    def main(self, logits: Tensor) -> Tensor:
        return self.sampler.main(logits)

    def code(self, place: int, logits: Tensor) -> Tensor:
        return self.sampler.code(place, logits)

    def remember(self, row: Tensor, frame: Tensor, who: Tensor | None = None) -> None:
        self.sampler.remember(row, frame, self.who)


class Places:
    """Room for `batch` sequences, which advance together. Used by one thread."""

    def __init__(
        self,
        model: DualAR,
        batch: int = 1,
        *,
        capacity: int = CAPACITY,
        as_published: bool = False,
        clocks: bool = False,
        recorder: Recorder | None = None,
        compile_mode: str = "",
        ahead: int = AHEAD,
        shortest: int = 512,
    ) -> None:
        """capacity: positions of each. clocks: noise has a number for each row of the heads, see FrameNoise.
        shortest: of the lengths that a step is recorded for."""
        self._model, self.capacity, self._ahead = model, min(capacity, model.config.context), ahead
        self._recorder, self._compile_mode = recorder, compile_mode
        self._sequences: list[_Sequence | None] = [None] * batch
        self._sizes: Iterator[int] = itertools.repeat(ahead)
        self._flight: list[tuple[int, list[_Sequence | None]]] = []  # turn, who has which place in it
        self._next_turn = 0
        self._gpu = torch.device(model.plan.device).type == "cuda" and torch.cuda.is_available()
        self._stream = torch.cuda.Stream(model.plan.device) if self._gpu else None  # sound is made beside it
        self._lengths = buckets(self.capacity, shortest)
        self._steps: dict[int, Step] = {}
        self._wait_for_caller()
        with torch.inference_mode(), self._on_stream():
            self._make_tensors(batch, as_published, clocks)
            state = torch.zeros(batch, model.config.slow.dim, dtype=model.plan.dtype, device=model.plan.device)
            self._first = self._recorded(self._draw, {"state": state, "who": self._live}, "first frame")

    def _make_tensors(self, batch: int, as_published: bool, clocks: bool) -> None:
        model, config = self._model, self._model.config
        device = model.plan.device
        rows, code_rows = len(model.row_tokens), min(config.residual_rows, config.codebook_size)
        self._widths = [rows if clocks else 1] * 2 + [code_rows if clocks else 1] * (config.codebooks - 1)
        self._cache, self._fast_cache = model.cache(self.capacity, batch), model.fast_cache(batch)
        integer = {"dtype": torch.long, "device": device}
        self._frame = torch.zeros(batch, config.codebooks + 1, **integer)
        self._at, self._turn = torch.zeros(batch, **integer), torch.zeros(1, **integer)
        self._live = torch.zeros(batch, dtype=torch.bool, device=device)
        self._history = torch.zeros(self._ahead, *self._frame.shape, **integer)
        self._seen = torch.zeros_like(self._history, device="cpu", pin_memory=self._gpu)
        self._chance = torch.zeros(self._ahead, batch, sum(self._widths), device=device)
        self._chance_here = torch.zeros_like(self._chance, device="cpu", pin_memory=self._gpu)
        knobs = torch.ones(3, batch, 1, device=device)
        self._manner = Manner(*knobs, torch.full((batch, 1), ALL, **integer))
        noise = _RingNoise(self._chance, self._turn, self._widths)
        self._sampler: Any = Eager(model).sampler(self._manner, noise, as_published=as_published)
        self._sampler.on_host = False
        self._recent = self._sampler.allocate(batch, device)

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self._sequences.count(None)

    @property
    def recorded(self) -> bool:
        """Whether all that was recorded so far is replayed."""
        return all(each.recorded for each in (self._first, *self._steps.values()))

    def record_all(self) -> None:
        """Record the step for all lengths, so that no sentence has to wait for it."""
        for length in self._lengths:
            self._step(length)

    @torch.inference_mode()
    def join(self, prompt: Tensor, manner: Manner, noise: Noise, prefix: Prefix | None = None) -> int:
        """Read a prompt (11, T), the prefix included, and make the first frame; the place of the sequence. Raises
        IndexError when all are taken, ValueError when the prompt is too long."""
        count, start = prompt.shape[1], 0
        if count >= self.capacity:
            raise ValueError(f"a prompt of {count} positions where there is room for {self.capacity}")
        if None not in self._sequences:
            raise IndexError(f"all {len(self._sequences)} places are taken")
        place = self._sequences.index(None)
        self._collect()
        self._wait_for_caller()  # who may have made the prefix just now
        with self._on_stream():
            if prefix is not None:
                self._cache.restore(prefix, place)
                start = prefix.length
            rest = prompt[None, :, start:].to(self._model.plan.device)
            state = self._model.prefill(rest, self._cache.slot(place), start)
            self._recent.clear(place)
            self._set_manner(place, manner)
            self._at[place] = count
            who = torch.arange(len(self._sequences), device=state.device) == place
            self._sequences[place] = sequence = _Sequence(noise, count)
            alone = [sequence if number == place else None for number in range(len(self._sequences))]
            self._lay_chance(alone)
            self._first(state=state.expand(len(self._sequences), -1), who=who)
            self._fly(alone, 1)
            self._live[place] = True
        self._sizes = itertools.chain((1, 1, 2), itertools.repeat(self._ahead))
        self._collect()
        self._look_ahead()
        return place

    def frame(self, place: int) -> Tensor:
        """The next frame (11,) of a sequence, on the CPU. Raises IndexError when it has ended or has no room left."""
        sequence = self._sequences[place]
        assert sequence is not None, "nobody has this place"
        while not sequence.made:
            if not self._goes_on(sequence) and all(who[place] is not sequence for _, who in self._flight):
                raise IndexError(f"a sequence has ended, or used up its {self.capacity} positions")
            if not self._flight:
                self._launch()
            self._collect()
            self._look_ahead()
        return sequence.made.popleft()

    def _goes_on(self, sequence: _Sequence) -> bool:
        return not sequence.ended and sequence.at < self.capacity and len(sequence.made) < WAITING

    @torch.inference_mode()
    def leave(self, place: int) -> None:
        """Give a place back; what was launched for it is forgotten."""
        self._sequences[place] = None
        with self._on_stream():
            self._live[place] = False
            self._at[place] = 0

    @torch.inference_mode()
    def _launch(self) -> None:
        """Some frames of all sequences that go on."""
        able = [each if each is not None and self._goes_on(each) else None for each in self._sequences]
        for place, each in enumerate(self._sequences):
            if each is not None and each.live != (able[place] is not None):
                each.live = not each.live
                with self._on_stream():
                    self._live[place] = each.live
                    if each.ended or each.at >= self.capacity:
                        self._at[place] = 0  # where it computes idly, there is a position
        positions = [each.at for each in able if each is not None]
        if not positions:
            return
        count = min(next(self._sizes), self._ahead, self.capacity - max(positions))
        step = self._step(next(length for length in self._lengths if length >= max(positions) + count))
        turn = self._next_turn
        with self._on_stream():
            for number in range(count):
                self._next_turn = (turn + number) % self._ahead
                self._lay_chance(able)
                step()
            self._next_turn = turn
            self._fly(able, count)
        for each in able:
            if each is not None:
                each.at += count

    def _lay_chance(self, who: list[_Sequence | None]) -> None:
        """The numbers of these sequences for the next turn."""
        turn = self._next_turn
        for place, each in enumerate(who):
            if each is not None:
                noise = each.noise.frame(len(self._widths) - 2)
                parts = zip((noise.main, noise.again, *noise.codes), self._widths, strict=True)
                laid = [part[0, :width].cpu().expand(width) for part, width in parts]
                self._chance_here[turn, place] = torch.cat(laid)
        self._chance[turn].copy_(self._chance_here[turn], non_blocking=True)

    def _fly(self, who: list[_Sequence | None], count: int) -> None:
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
                if each is not None and self._sequences[place] is each and not each.ended:
                    frame = self._seen[turn, place].clone()
                    each.made.append(frame)
                    each.ended = each.begun and int(frame[0]) == self._model.tokens.stop
                    each.begun = True
        self._flight = []

    def _look_ahead(self) -> None:
        """A GPU goes on while the host makes sound of what it has."""
        if self._gpu:
            self._launch()

    def _draw(self, state: Tensor, who: Tensor) -> Tensors:
        """A frame of the slow stack's last states, for some: into the ring."""
        frame = draw_frame(self._model, state, _For(self._sampler, who), self._fast_cache)
        self._frame.copy_(torch.where(who[:, None], frame, self._frame))
        self._history.index_copy_(0, self._turn, self._frame[None])
        self._turn.copy_((self._turn + 1) % self._ahead)
        return ()

    def _step(self, length: int) -> Step:
        """The step that sees so many positions."""
        if length not in self._steps:

            def run() -> Tensors:
                mask = live_mask(self._at, length, self._model.plan.dtype)
                self._draw(self._model.step(self._frame, self._cache, self._at, length, mask), self._live)
                self._at.add_(self._live)
                return ()

            with self._on_stream():
                self._steps[length] = self._recorded(run, {}, f"step of Fish-Speech at {length} positions")
        return self._steps[length]

    def _recorded(self, run: Any, inputs: dict[str, Tensor], name: str) -> Step:
        state = [self._frame, self._at, self._turn, self._history, self._recent.data, self._recent.made]
        return Step(run, inputs, state, recorder=self._recorder, compile_mode=self._compile_mode, name=name)

    def _set_manner(self, place: int, manner: Manner) -> None:
        for name in ("temperature", "top_p", "repetition_penalty"):
            getattr(self._manner, name)[place] = getattr(manner, name)
        assert isinstance(self._manner.top_k, Tensor)
        self._manner.top_k[place] = manner.top_k or ALL

    def _on_stream(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if self._stream is None else torch.cuda.stream(self._stream)

    def _wait_for_caller(self) -> None:
        """What comes on our stream is computed behind what the caller has asked of the GPU so far."""
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._model.plan.device))
