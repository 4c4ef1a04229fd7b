"""A sentence's latent frames on their way to the generator: through their flow, in parts, when they are wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from meadowlark.kit.windows import LEAST_GROWTH

CONTEXT = "meadowlark.context"
"""Metadata of a flow: frames that it sees on either side. 0 or none: it is computed at once."""

REST = 4
"""The flow's last part is no shorter than so many contexts: each part computes its context again, 4 ms for Piper. A
sentence of 356 frames is heard 17 ms earlier than with its flow at once, on one core."""

Array = NDArray[np.float32]


class Frames:
    """A sentence's frames, brought through their flow when they are wanted, with more than that ahead."""

    def __init__(self, flow: onnxruntime.InferenceSession, known: Mapping[str, Array], growth: float) -> None:
        """known: the outputs of the text part. growth: of the windows, and of what is made ahead.

        Where a machine can barely afford the windows all is made at once: the first sound comes later, without a gap
        behind it.
        """
        self._ahead = growth if growth > LEAST_GROWTH else math.inf
        latent, *others = (each.name for each in flow.get_inputs())
        self._flow, self._name, self._fixed = flow, latent, {name: known[name] for name in others}
        self._latent = known[latent]
        self._context = int(flow.get_modelmeta().custom_metadata_map.get(CONTEXT, 0))
        self._done: list[Array] = []
        self.count = self._latent.shape[2]
        self._made = 0

    def until(self, end: int) -> Array:
        """(1, C, end)"""
        while self._made < end:
            self._add(self._stop(end))
        if len(self._done) > 1:
            self._done = [np.concatenate(self._done, axis=2)]
        return self._done[0][:, :, :end]

    def _stop(self, end: int) -> int:
        """All where little would be left: each part computes its context again."""
        stop = max(end, self._ahead * self._made) if self._made else end
        last = not self._context or self._ahead == math.inf or self.count - stop <= REST * self._context
        return self.count if last else int(stop)

    def _add(self, stop: int) -> None:
        begin, end = max(0, self._made - self._context), min(self.count, stop + self._context)
        part = np.ascontiguousarray(self._latent[:, :, begin:end])
        made = self._flow.run(None, {self._name: part, **self._fixed})[0]
        self._done.append(made[:, :, self._made - begin : stop - begin])
        self._made = stop
