"""Sentences from recorded graphs: `Eager` for GPUs, ten times as fast, several at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from meadowlark.kit.graphs import Recorder, recorder_for
from meadowlark.kit.kvcache import Prefix
from meadowlark.kit.recorded import Recorded

from .batch import BatchFrames, TorchModel
from .generate import Eager, FrameMaker, draw_frame
from .model import DualAR
from .sampler import FrameNoise, Manner, Noise, Sampler

_LOGGER = logging.getLogger(__name__)

CAPACITY = 2048
"""Positions of a place: a reference of a minute and a long sentence. 112 KiB each of S1-mini in bfloat16, 0.9 GB for
four places."""

ALL = 2**31
"""More tokens than a vocabulary has: no top-k."""


@dataclass(frozen=True, slots=True)
class Request:
    """How a sentence is to be drawn."""

    manner: Manner
    noise: Noise
    as_published: bool = False


class Captured(Eager):
    """The model on a GPU, whole frames at a time; a sentence that finds no place is computed eagerly."""

    def __init__(
        self,
        model: DualAR,
        *,
        places: int = 1,
        capacity: int = CAPACITY,
        recorder: Recorder | None = None,
        **options: Any,
    ) -> None:
        """places: sentences at a time. recorder: default the device's. options: of Recorded."""
        super().__init__(model)
        self.places, self.capacity = places, min(capacity, model.config.context)
        self._recorder, self._options = recorder, options
        self._batches: dict[tuple[bool, bool], Recorded[Request]] = {}

    def warm_up(self) -> None:
        """Record all that a sentence will need."""
        self.batch().record_all()

    def sampler(self, manner: Manner, noise: Noise, *, as_published: bool = False) -> Any:
        """What `start` takes: the sampler itself is part of the graph."""
        return Request(manner, noise, as_published)

    def start(self, prompt: Tensor, sampler: Request, length: int, prefix: Prefix | None = None) -> FrameMaker:
        """Frames of a sentence."""
        noise = _Peeked(sampler.noise, self.config.codebooks - 1)
        batch = self.batch(sampler.as_published, clocks=noise.first.main.shape[1] > 1)
        if batch.free and length <= self.capacity:
            return BatchFrames(batch, Request(sampler.manner, noise), prompt, prefix)
        why = f"{length} positions, {self.capacity} were made ready" if batch.free else "all places are taken"
        _LOGGER.info("A sentence is computed operation by operation, more slowly: %s", why)
        drawn: Sampler = super().sampler(sampler.manner, noise, as_published=sampler.as_published)
        return super().start(prompt, drawn, length, prefix)

    def batch(self, as_published: bool = False, clocks: bool = False) -> Recorded[Request]:
        """The places of those who draw in this way. clocks: noise has a number for each row of the heads."""
        key = (as_published, clocks)
        if key not in self._batches:
            # A recorder for each: its graphs share memory, and both may be at work at the same time.
            recorder = self._recorder or recorder_for(self.model.plan.device)
            self._batches[key] = Recorded(
                TorchModel(self.model),
                Drawn(self.model, self.places, as_published=as_published, clocks=clocks),
                self.places,
                self.capacity,
                recorder=recorder,
                name="Fish-Speech",
                **self._options,
            )
        return self._batches[key]


class Drawn:
    """Frames of all places from the slow stack's states, in tensors that stay where they are."""

    def __init__(self, model: DualAR, places: int, *, as_published: bool = False, clocks: bool = False) -> None:
        """clocks: see FrameNoise."""
        config, device = model.config, model.plan.device
        rows, code_rows = len(model.row_tokens), min(config.residual_rows, config.codebook_size)
        widths = [rows if clocks else 1] * 2 + [code_rows if clocks else 1] * (config.codebooks - 1)
        self._model, self._noise, self._fast_cache = model, _Laid(widths), model.fast_cache(places)
        self.read = torch.zeros(1, config.slow.dim, dtype=model.plan.dtype, device=device)
        self.frame = torch.zeros(config.codebooks + 1, dtype=torch.long, device=device)
        self.chance = sum(widths)
        knobs = torch.ones(3, places, 1, device=device)
        self._manner = Manner(*knobs, torch.full((places, 1), ALL, dtype=torch.long, device=device))
        self._sampler: Any = Eager(model).sampler(self._manner, self._noise, as_published=as_published)
        self._sampler.on_host = False
        self._recent = self._sampler.allocate(places, device)
        self.state: Sequence[Tensor] = (self._recent.data, self._recent.made)

    def begin(self, place: int, own: Request) -> None:
        """Nothing of who was there before is remembered."""
        self._recent.clear(place)
        for name in ("temperature", "top_p", "repetition_penalty"):
            getattr(self._manner, name)[place] = getattr(own.manner, name)
        assert isinstance(self._manner.top_k, Tensor)
        self._manner.top_k[place] = own.manner.top_k or ALL

    def next_chance(self, own: Request) -> Tensor:
        """Of a sentence's noise."""
        return self._noise.laid(own.noise)

    def draw(self, read: Tensor, chance: Tensor, who: Tensor) -> Tensor:
        """Frames (B, 11)."""
        self._noise.chance = chance
        return draw_frame(self._model, read, self._sampler, self._fast_cache, who)


class _Laid:
    """A frame's noise as one row of numbers, in which the host lays it ready."""

    def __init__(self, widths: list[int]) -> None:
        self._widths = widths
        self.chance = torch.zeros(0)

    def laid(self, noise: Noise) -> Tensor:
        """The next row of a sentence."""
        frame = noise.frame(len(self._widths) - 2)
        parts = zip((frame.main, frame.again, *frame.codes), self._widths, strict=True)
        return torch.cat([part[0, :width].cpu().expand(width) for part, width in parts])

    def frame(self, codes: int) -> FrameNoise:
        main, again, *rest = self.chance.split(self._widths, dim=1)
        return FrameNoise(main, again, tuple(rest))


class _Peeked:
    """Noise of which the first frame has been looked at."""

    def __init__(self, noise: Noise, codes: int) -> None:
        self._noise, self.first = noise, noise.frame(codes)
        self._given = False

    def frame(self, codes: int) -> FrameNoise:
        if self._given:
            return self._noise.frame(codes)
        self._given = True
        return self.first
