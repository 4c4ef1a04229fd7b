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

from .batch import Choir, TorchModel
from .generate import Eager, FrameMaker, draw_frame
from .model import DualAR
from .sampler import FrameNoise, Manner, Noise

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


class Captured(Choir):
    """The model on a GPU, whole frames at a time; a sentence that finds no place is computed eagerly."""

    def __init__(
        self,
        model: DualAR,
        *,
        places: int = 1,
        capacity: int = CAPACITY,
        as_published: bool = False,
        clocks: bool = False,
        recorder: Recorder | None = None,
        **options: Any,
    ) -> None:
        """places: sentences at a time. as_published, clocks: of all of them, see Drawn. recorder: default the device's.
        options: of Recorded."""
        self._recorded = Recorded(
            TorchModel(model),
            Drawn(model, places, as_published=as_published, clocks=clocks),
            places,
            min(capacity, model.config.context),
            recorder=recorder or recorder_for(model.plan.device),
            name="Fish-Speech",
            **options,
        )
        super().__init__(Eager(model), self._recorded)
        self._as_published = as_published

    def warm_up(self) -> None:
        """Record all that a sentence will need."""
        self._recorded.record_all()

    def sampler(self, manner: Manner, noise: Noise, *, as_published: bool = False) -> Any:
        """What `start` takes: the sampler itself is part of the graph."""
        assert as_published == self._as_published, "another sampler was recorded"
        return Request(manner, noise)

    def _by_itself(self, why: str, prompt: Tensor, sampler: Request, length: int, prefix: Prefix | None) -> FrameMaker:
        _LOGGER.info("A sentence is computed operation by operation, more slowly: %s", why)
        drawn = self._speaker.sampler(sampler.manner, sampler.noise, as_published=self._as_published)
        return self._speaker.start(prompt, drawn, length, prefix)


class Drawn:
    """Frames of all places from the slow stack's states, in tensors that stay where they are."""

    def __init__(self, model: DualAR, places: int, *, as_published: bool = False, clocks: bool = False) -> None:
        """clocks: noise has a number for each row of the heads, see FrameNoise."""
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
