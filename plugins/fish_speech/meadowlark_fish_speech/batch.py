"""Several sentences at a time without a GPU: their frames are computed together, so that weights are read once for all.

S1-mini at full size with random weights, ONNX Runtime, 4 bits, CPU time of one thread (`script/bench together`): a
frame of one sentence takes 52 ms; of two 64, three 80, four 91 ms. That is 1.6 and 2.3 times as many frames a second,
each of them 1.2 and 1.7 times as late. (torch's products: in 8 bits four rows take 1.07 times the time of one; in
float32 two take 2.4 times.) On a GPU captured.py does it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from meadowlark.kit.decode import Batch, Opening, Positions, Together
from meadowlark.kit.kvcache import KVCache, Prefix, live_mask

from .generate import Eager, FrameMaker, Speaker, draw_frame, is_last
from .model import DualAR
from .sampler import Manner, Noise, Sampler

if TYPE_CHECKING:  # onnxruntime is not for a GPU
    from meadowlark.kit.ort_decoder import Reader

    from .ort_speaker import OrtSpeaker

_LOGGER = logging.getLogger(__name__)

CAPACITY = 768
"""Positions of a place: a reference of 10 s and 100 characters. 224 KiB each of S1-mini in float32, 0.35 GB for two
places. A sentence that needs more is computed by itself, in turn with the others."""


class Choir:
    """A speaker for several sentences at a time; each is what it would be alone, but for rounding."""

    def __init__(self, speaker: Speaker, batch: Batch[Any]) -> None:
        self.config, self.tokens, self.batch = speaker.config, speaker.tokens, batch
        self._speaker = speaker

    def sampler(self, manner: Manner, noise: Noise, *, as_published: bool = False) -> Any:
        """The speaker's."""
        return self._speaker.sampler(manner, noise, as_published=as_published)

    def prefix(self, prompt: Tensor) -> Prefix:
        """The speaker's."""
        return self._speaker.prefix(prompt)

    def start(self, prompt: Tensor, sampler: Any, length: int, prefix: Prefix | None = None) -> FrameMaker:
        """Frames of a sentence, together with the others' where it fits."""
        if self.batch.free and length <= self.batch.length:
            return BatchFrames(self.batch, sampler, prompt, prefix)
        why = f"{length} positions, {self.batch.length} were made ready" if self.batch.free else "all places are taken"
        return self._by_itself(why, prompt, sampler, length, prefix)

    def _by_itself(self, why: str, prompt: Tensor, sampler: Any, length: int, prefix: Prefix | None) -> FrameMaker:
        _LOGGER.debug("A sentence is computed by itself: %s", why)
        return self._speaker.start(prompt, sampler, length, prefix)


def choir(speaker: Speaker, places: int, capacity: int = CAPACITY) -> Choir:
    """A speaker's sentences, computed together."""
    model = TorchModel(speaker.model) if isinstance(speaker, Eager) else OrtModel(cast("OrtSpeaker", speaker))
    return Choir(speaker, Together(model, model.draw, places, min(capacity, speaker.config.context)))


class BatchFrames:
    """One sentence of several that are decoded together."""

    def __init__(self, batch: Batch[Any], own: Any, prompt: Tensor, prefix: Prefix | None) -> None:
        self._batch, self._own, self._opening = batch, own, Opening(prompt, prefix)
        self._place: int | None = None

    def first(self) -> Tensor:
        self._place = self._batch.join(self._own, self._opening)
        return self._batch.frame(self._place)

    def next(self) -> Tensor:
        assert self._place is not None, "first() comes first"
        return self._batch.frame(self._place)

    def close(self) -> None:
        if self._place is not None:
            self._batch.leave(self._place)


class TorchModel:
    """`Eager` for a batch."""

    rows = 1

    def __init__(self, model: DualAR) -> None:
        self._model = model

    def cache(self, length: int, batch: int = 1) -> KVCache:
        """Of the slow stack."""
        return self._model.cache(length, batch)

    def prefill(self, prompt: Tensor, cache: KVCache, start: int = 0) -> Tensor:
        """The last state (1, C)."""
        return self._model.prefill(prompt.to(self._model.plan.device), cache, start)

    def step(self, frames: Tensor, cache: KVCache, where: Positions) -> Tensor:
        """States (B, C)."""
        mask = live_mask(where.at, where.length, self._model.plan.dtype)
        return self._model.step(frames, cache, where.at, where.length, mask)

    def is_last(self, frame: Tensor, number: int) -> bool:
        """See generate.py."""
        return is_last(self._model.tokens, frame, number)

    def draw(self, states: Tensor, rows: Sequence[int], samplers: Sequence[Sampler]) -> Tensor:
        """Frames (rows, 11)."""
        fast = self._model.fast_cache(len(rows))
        return draw_frame(self._model, states[list(rows)], Each(samplers), fast)


class OrtModel:
    """`OrtSpeaker` for `Together`: a reader for each number of sequences that step together."""

    rows = 1

    def __init__(self, speaker: OrtSpeaker) -> None:
        self._speaker = speaker
        self._slow: dict[int, Reader] = {}
        self._fast: dict[int, Reader] = {}

    def cache(self, length: int, batch: int = 1) -> KVCache:
        """Of the slow stack; for one `Together`."""
        return self._speaker.slow.cache(length, batch)

    def prefill(self, prompt: Tensor, cache: KVCache, start: int = 0) -> Reader:
        """What has read it, one row."""
        reader = self._speaker.slow.on(cache)
        reader.read(self._speaker.embed(prompt), start)
        return reader

    def step(self, frames: Tensor, cache: KVCache, where: Positions) -> Reader:
        """What has read them, a row each."""
        if len(frames) not in self._slow:
            self._slow[len(frames)] = self._speaker.slow.on(cache)
        reader = self._slow[len(frames)]
        reader.read(self._speaker.embed(frames[:, :, None]), where.at)
        return reader

    def is_last(self, frame: Tensor, number: int) -> bool:
        """See generate.py."""
        return is_last(self._speaker.tokens, frame, number)

    def draw(self, read: Reader, rows: Sequence[int], samplers: Sequence[Sampler]) -> Tensor:
        """Frames (rows, 11)."""
        count, fast = len(rows), self._speaker.fast
        if count not in self._fast:
            self._fast[count] = fast.on(fast.cache(self._speaker.config.codebooks, count))
        return draw_frame(self._speaker.heads(read, rows), read.state, Each(samplers), self._fast[count])


@dataclass(frozen=True, slots=True)
class Each:
    """Draws for several sentences: a row with the sampler of each."""

    samplers: Sequence[Sampler]

    def main(self, logits: Tensor) -> Tensor:
        """The row of the main token of each, (B,)."""
        return torch.cat([each.main(logits[row : row + 1]) for row, each in enumerate(self.samplers)])

    def code(self, place: int, logits: Tensor) -> Tensor:
        """The code at a place of each, (B,)."""
        return torch.cat([each.code(place, logits[row : row + 1]) for row, each in enumerate(self.samplers)])

    def remember(self, row: Tensor, frame: Tensor, who: Tensor | None = None) -> None:
        """A frame of each was drawn."""
        for number, each in enumerate(self.samplers):
            each.remember(row[number : number + 1], frame[number : number + 1])
