"""A sentence from recorded graphs: `Eager` for GPUs, ten times as fast."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from meadowlark.kit.graphs import Recorder, recorder_for
from meadowlark.kit.kvcache import Prefix

from .generate import Eager, FrameMaker
from .model import DualAR
from .places import Places
from .sampler import FrameNoise, Manner, Noise, Sampler

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    """How a sentence is to be drawn."""

    manner: Manner
    noise: Noise
    as_published: bool


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


class Captured(Eager):
    """The model on a GPU, whole frames at a time; a sentence that finds no place is computed eagerly."""

    def __init__(self, model: DualAR, *, recorder: Recorder | None = None, **options: Any) -> None:
        """recorder: default the device's. options: of Places."""
        super().__init__(model)
        self._recorder, self._options = recorder, options
        self._places: dict[tuple[bool, bool], Places] = {}

    def warm_up(self) -> None:
        """Record all that a sentence will need."""
        self._places_for(as_published=False, clocks=False).record_all()

    def sampler(self, manner: Manner, noise: Noise, *, as_published: bool = False) -> Any:
        """What `start` takes: the sampler itself is part of the graph."""
        return _Request(manner, noise, as_published)

    def start(self, prompt: Tensor, sampler: _Request, length: int, prefix: Prefix | None = None) -> FrameMaker:
        """Frames of a sentence."""
        noise = _Peeked(sampler.noise, self.config.codebooks - 1)
        places = self._places_for(sampler.as_published, clocks=noise.first.main.shape[1] > 1)
        if places.free and length <= places.capacity:
            return _CapturedFrames(places, prompt, sampler.manner, noise, prefix)
        why = f"{length} positions, {places.capacity} were made ready" if places.free else "all places are taken"
        _LOGGER.info("A sentence is computed operation by operation, more slowly: %s", why)
        drawn: Sampler = super().sampler(sampler.manner, noise, as_published=sampler.as_published)
        return super().start(prompt, drawn, length, prefix)

    def _places_for(self, as_published: bool, clocks: bool) -> Places:
        key = (as_published, clocks)
        if key not in self._places:
            # A recorder for each: its graphs share memory, and places may be at work at the same time.
            recorder = self._recorder or recorder_for(self.model.plan.device)
            self._places[key] = Places(
                self.model, as_published=as_published, clocks=clocks, recorder=recorder, **self._options
            )
        return self._places[key]


class _CapturedFrames:
    """One sentence of `Captured`."""

    def __init__(self, places: Places, prompt: Tensor, manner: Manner, noise: Noise, prefix: Prefix | None) -> None:
        self._places, self._begin = places, (prompt, manner, noise, prefix)
        self._place: int | None = None

    def first(self) -> Tensor:
        self._place = self._places.join(*self._begin)
        return self._places.frame(self._place)

    def next(self) -> Tensor:
        assert self._place is not None, "first() comes first"
        return self._places.frame(self._place)

    def close(self) -> None:
        if self._place is not None:
            self._places.leave(self._place)
