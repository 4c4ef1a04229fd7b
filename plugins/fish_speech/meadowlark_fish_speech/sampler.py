"""What is drawn from a frame's logits: S1's way, S1's as published with its faults, S2's.

Works on rows of the model's heads, not on vocabulary ids. Keeps what was drawn lately, for penalties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from meadowlark.kit import sampling

WINDOW = 16
"""Frames that S1's penalty looks back on."""

RAS_WINDOW = 10
"""Frames in which S2 lets no semantic token come twice without drawing again."""

RAS_TEMPERATURE, RAS_TOP_P = 1.0, 0.9


@dataclass(frozen=True, slots=True)
class Manner:
    """How freely is drawn."""

    temperature: float = 0.8
    top_p: float = 0.8
    repetition_penalty: float = 1.1
    """S1 only."""

    top_k: int = 0
    """S2 only; 0 = all."""


S1_MANNER = Manner(0.8, 0.8, 1.1)
S2_MANNER = Manner(1.0, 0.9, top_k=30)


class Noise(Protocol):
    """Where chance comes from; a test gives what was recorded."""

    def main(self, batch: int, rows: int) -> Tensor:
        """For the main token, (B, rows)."""

    def again(self, batch: int, rows: int) -> Tensor:
        """For S2's second draw of it."""

    def code(self, place: int, batch: int, rows: int) -> Tensor:
        """For the code at a place, 1 … codebooks - 1."""


class RandomNoise:
    """Chance from a seed."""

    def __init__(self, seed: int, device: str = "cpu") -> None:
        self._device = device
        self._generator = torch.Generator(device)
        self._generator.manual_seed(seed)

    def _new(self, batch: int, rows: int) -> Tensor:
        return sampling.exponential(batch, rows, generator=self._generator, device=self._device)

    def main(self, batch: int, rows: int) -> Tensor:
        return self._new(batch, rows)

    def again(self, batch: int, rows: int) -> Tensor:
        return self._new(batch, rows)

    def code(self, place: int, batch: int, rows: int) -> Tensor:
        return self._new(batch, rows)


class Sampler(Protocol):
    """Draws the tokens of one frame after the other."""

    def main(self, logits: Tensor) -> Tensor:
        """The row of the main token, (B,)."""

    def code(self, place: int, logits: Tensor) -> Tensor:
        """The code at a place, (B,)."""

    def remember(self, row: Tensor, frame: Tensor) -> None:
        """A whole frame was drawn: its main token's row (B,), the frame itself (B, 11)."""


class S1Sampler:
    """Penalty, top-p on logits as they are, temperature, the draw.

    as_published: the window begins with zeros, leaves the first frame out, and the main token is penalised by the
    oldest column of the window, eleven numbers of which ten are codes. Otherwise: by the main tokens of the window.
    """

    def __init__(
        self, manner: Manner, noise: Noise, *, as_published: bool = False, stop_row: int | None = None
    ) -> None:
        """stop_row: the row of the token that ends speech, which then is never drawn first."""
        self._manner, self._noise, self._as_published, self._stop_row = manner, noise, as_published, stop_row
        self._window: Tensor | None = None  # (B, 11, WINDOW): row 0 the main token, as a row of the head
        self._kept = 0

    def main(self, logits: Tensor) -> Tensor:
        if self._window is not None:
            previous = self._window[:, :, 0] if self._as_published else self._window[:, 0]
            logits = sampling.repetition_penalty(logits, previous, self._manner.repetition_penalty)
        elif self._stop_row is not None and not self._as_published:
            logits = logits.clone()
            logits[:, self._stop_row] = float("-inf")
        return self._draw(logits, self._noise.main(*logits.shape))

    def code(self, place: int, logits: Tensor) -> Tensor:
        if self._window is not None:
            logits = sampling.repetition_penalty(logits, self._window[:, place + 1], self._manner.repetition_penalty)
        return self._draw(logits, self._noise.code(place, *logits.shape))

    def _draw(self, logits: Tensor, noise: Tensor) -> Tensor:
        logits = sampling.top_p(logits, self._manner.top_p, crossing=False)
        return sampling.draw(sampling.temperature(logits, self._manner.temperature), noise)

    def remember(self, row: Tensor, frame: Tensor) -> None:
        frame = torch.cat([row[:, None], frame[:, 1:]], dim=1)
        if self._window is None:
            filler = torch.zeros_like(frame) if self._as_published else frame  # penalised once, however often there
            self._window = filler[:, :, None].repeat(1, 1, WINDOW)
            return
        if self._kept < WINDOW:
            self._window[:, :, self._kept] = frame
            self._kept += 1
        else:
            self._window = torch.cat([self._window[:, :, 1:], frame[:, :, None]], dim=2)


class S2Sampler:
    """Top-p and top-k on logits as they are, temperature, the draw; a token that was there lately is drawn anew."""

    def __init__(self, manner: Manner, noise: Noise, stop_row: int, *, as_published: bool = False) -> None:
        self._manner, self._noise, self._stop_row, self._as_published = manner, noise, stop_row, as_published
        self._window: Tensor | None = None  # (B, RAS_WINDOW)
        self._kept = 0

    def main(self, logits: Tensor) -> Tensor:
        if self._window is None and not self._as_published:
            logits = logits.clone()
            logits[:, self._stop_row] = float("-inf")
        row = self._draw(logits, self._noise.main(*logits.shape), self._manner.temperature, self._manner.top_p)
        if self._window is None:
            return row
        other = self._draw(logits, self._noise.again(*logits.shape), RAS_TEMPERATURE, RAS_TOP_P)
        again = (self._window == row[:, None]).any(dim=1) & (row != self._stop_row)
        return torch.where(again, other, row)

    def code(self, place: int, logits: Tensor) -> Tensor:
        noise = self._noise.code(place, *logits.shape)
        return self._draw(logits, noise, self._manner.temperature, self._manner.top_p)

    def _draw(self, logits: Tensor, noise: Tensor, temperature: float, top_p: float) -> Tensor:
        logits = sampling.top_p(logits, top_p, crossing=False, count=self._manner.top_k or None)
        return sampling.draw(sampling.temperature(logits, temperature), noise)

    def remember(self, row: Tensor, frame: Tensor) -> None:
        if self._window is None:
            self._window = torch.full((row.shape[0], RAS_WINDOW), -1, device=row.device)
            if self._as_published:
                return
        self._window = torch.cat([self._window[:, 1:], row[:, None]], dim=1)
