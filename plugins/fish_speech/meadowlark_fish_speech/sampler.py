"""What is drawn from a frame's logits: S1's way, S1's as published with its faults, S2's.

Works on rows of the model's heads, not on vocabulary ids. Keeps what was drawn lately, for penalties. That lies in
tensors which stay where they are, and nothing is asked of them in between: so a captured graph can draw (captured.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
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
    """How freely is drawn. Tensors (B, 1) give each sequence its own."""

    temperature: float | Tensor = 0.8
    top_p: float | Tensor = 0.8
    repetition_penalty: float | Tensor = 1.1
    """S1 and 1.5 only."""

    top_k: int | Tensor = 0
    """S2 only; 0 = all."""


S1_MANNER = Manner(0.8, 0.8, 1.1)
S2_MANNER = Manner(1.0, 0.9, top_k=30)
V15_MANNER = Manner(0.7, 0.7, 1.5)


@dataclass(frozen=True, slots=True)
class FrameNoise:
    """Chance for one frame. A draw takes one number from `uniform`, or one for each row from `exponential` (`draw`)."""

    main: Tensor  # (B, 1 or rows of the main head)
    again: Tensor  # the same, for S2's second draw
    codes: tuple[Tensor, ...]  # (B, 1 or rows of the fast head), of the codes 1 … codebooks - 1


class Noise(Protocol):
    """Where chance comes from; a test gives what was recorded."""

    def frame(self, codes: int) -> FrameNoise:
        """For the next frame of a sentence. codes: drawn after the main token."""


class RandomNoise:
    """Chance from a seed: the same numbers on every device."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator()
        self._generator.manual_seed(seed)

    def frame(self, codes: int) -> FrameNoise:
        numbers = sampling.uniform(1, codes + 2, generator=self._generator)
        main, again, *rest = numbers.split(1, dim=1)
        return FrameNoise(main, again, tuple(rest))


class Sampler(Protocol):
    """Draws the tokens of one frame after the other."""

    def main(self, logits: Tensor) -> Tensor:
        """The row of the main token, (B,)."""

    def code(self, place: int, logits: Tensor) -> Tensor:
        """The code at a place, (B,)."""

    def remember(self, row: Tensor, frame: Tensor, who: Tensor | None = None) -> None:
        """A whole frame was drawn: its main token's row (B,), the frame itself (B, 11).

        who: (B,) sequences that it was drawn for; the others stay as they are.
        """


class Recent:
    """The last frames of each sequence, in a ring: nothing moves, nothing grows, no number is read back."""

    def __init__(self, batch: int, width: int, size: int, device: torch.device | str, nobody: int = 0) -> None:
        """nobody: what stands where there was no frame yet."""
        self._nobody = nobody
        self.data = torch.full((batch, width, size), nobody, dtype=torch.long, device=device)
        self.made = torch.zeros(batch, 1, dtype=torch.long, device=device)
        """Frames of each sequence so far."""
        self._places = torch.arange(size, device=device)

    def clear(self, sequence: int) -> None:
        """Another sequence begins."""
        self.data[sequence] = self._nobody
        self.made[sequence] = 0

    def push(self, column: Tensor, who: Tensor | None, *, skip_first: bool = False, fill_first: bool = False) -> None:
        """A frame (B, width). The first may be left out, or stand in all places until others come."""
        here = self._places == (self.made - 1) % len(self._places)  # (B, size); the first lies in the last place
        if skip_first:
            here = here & (self.made > 0)
        if fill_first:
            here = here | (self.made == 0)
        if who is not None:
            here = here & who[:, None]
        self.data.copy_(torch.where(here[:, None], column[:, :, None], self.data))
        self.made.add_(1 if who is None else who[:, None])

    def oldest(self) -> Tensor:
        """(B, width) of a ring without the first frame; its first place until it has been filled."""
        size, after = len(self._places), self.made - 1
        place = torch.where(after < size, 0, after % size)
        return self.data.gather(2, place[:, None].expand(-1, self.data.shape[1], -1))[:, :, 0]


class _RingSampler(ABC):
    """What both ways have in common: the ring, the noise, the first frame that must not be the last."""

    def __init__(self, manner: Manner, noise: Noise, width: int, stop_row: int | None, as_published: bool) -> None:
        self._manner, self._noise, self._width = manner, noise, width
        self._stop_row, self._as_published = stop_row, as_published
        self._recent: Recent | None = None
        self._now: FrameNoise | None = None
        self.on_host = True
        """Whether numpy draws, where it can; False: the draw can be captured."""

    @abstractmethod
    def allocate(self, batch: int, device: torch.device | str) -> Recent:
        """What is kept of frames; comes by itself with the first logits."""

    @abstractmethod
    def code(self, place: int, logits: Tensor) -> Tensor:
        """The code at a place, (B,)."""

    def _begin(self, logits: Tensor) -> tuple[Tensor, Recent, FrameNoise]:
        """A frame begins: its logits, in which the first one's end of speech is left out, the ring, the noise."""
        if self._recent is None:
            self.allocate(logits.shape[0], logits.device)
        recent = self._recent
        assert recent is not None
        self._now = self._noise.frame(self._width - 2)
        if self._stop_row is not None and not self._as_published:
            stop = slice(self._stop_row, self._stop_row + 1)
            logits = logits.clone()
            logits[:, stop] = logits[:, stop].masked_fill(recent.made == 0, float("-inf"))
        return logits, recent, self._now

    def _draw(
        self, logits: Tensor, noise: Tensor, temperature: float | Tensor, top_p: float | Tensor, top_k: int | Tensor = 0
    ) -> Tensor:
        count = top_k if isinstance(top_k, Tensor) else top_k or None
        if self._as_published and not (isinstance(top_p, Tensor) or isinstance(count, Tensor)):
            # Of tokens that are equally likely some are dropped and some kept, by the order of a sort.
            logits = sampling.top_p_plainly(logits, top_p, crossing=False, count=count)
            return sampling.draw(sampling.temperature(logits, temperature), noise[:, : logits.shape[1]])
        if self._can_draw_on_host(logits, noise) and not isinstance(temperature, Tensor):
            return sampling.draw_on_host(logits, noise, top_p, temperature, count=count)
        logits = sampling.top_p(logits, top_p, crossing=False, count=count)
        noise = noise[:, : logits.shape[1]].to(logits.device)
        return sampling.draw(sampling.temperature(logits, temperature), noise)

    def _can_draw_on_host(self, logits: Tensor, noise: Tensor) -> bool:
        return self.on_host and logits.device.type == "cpu" and noise.shape[1] == 1


class S1Sampler(_RingSampler):
    """Penalty, top-p on logits as they are, temperature, the draw: S1's way, and 1.5's.

    as_published: the window begins with zeros, leaves the first frame out, and S1's main token is penalised by the
    oldest column of the window, eleven numbers of which ten are codes. Otherwise, and in 1.5 always: by the main tokens
    of the window.
    """

    def __init__(
        self,
        manner: Manner,
        noise: Noise,
        *,
        as_published: bool = False,
        stop_row: int | None = None,
        width: int = 11,
        by_column: bool = True,
    ) -> None:
        """stop_row: the row of the token that ends speech, which then is never drawn first. width: of a frame.

        by_column: as published, the main token is penalised by the oldest column (S1); False: by main tokens (1.5).
        """
        super().__init__(manner, noise, width, stop_row, as_published)
        self._by_column = as_published and by_column
        self._penalty: Tensor | None = None  # (B, 1), 1 for the first frame

    def allocate(self, batch: int, device: torch.device | str) -> Recent:
        self._recent = Recent(batch, self._width, WINDOW, device)  # row 0 the main token, as a row of the head
        return self._recent

    def main(self, logits: Tensor) -> Tensor:
        logits, recent, now = self._begin(logits)
        self._penalty = torch.where(recent.made > 0, self._manner.repetition_penalty, 1.0)
        previous = recent.oldest() if self._by_column else recent.data[:, 0]
        logits = sampling.repetition_penalty(logits, previous, self._penalty)
        return self._draw(logits, now.main, self._manner.temperature, self._manner.top_p)

    def code(self, place: int, logits: Tensor) -> Tensor:
        assert self._recent is not None, "main() comes first"
        assert self._now is not None
        assert self._penalty is not None
        logits = sampling.repetition_penalty(logits, self._recent.data[:, place + 1], self._penalty)
        return self._draw(logits, self._now.codes[place - 1], self._manner.temperature, self._manner.top_p)

    def remember(self, row: Tensor, frame: Tensor, who: Tensor | None = None) -> None:
        assert self._recent is not None, "main() comes first"
        column = torch.cat([row[:, None], frame[:, 1:]], dim=1)
        # As published, zeros stand for what was not yet said; else the first frame, penalised once all the same.
        self._recent.push(column, who, skip_first=self._as_published, fill_first=not self._as_published)


class S2Sampler(_RingSampler):
    """Top-p and top-k on logits as they are, temperature, the draw; a token that was there lately is drawn anew."""

    def __init__(
        self, manner: Manner, noise: Noise, stop_row: int, *, as_published: bool = False, width: int = 11
    ) -> None:
        super().__init__(manner, noise, width, stop_row, as_published)

    def allocate(self, batch: int, device: torch.device | str) -> Recent:
        self._recent = Recent(batch, 1, RAS_WINDOW, device, nobody=-1)
        return self._recent

    def main(self, logits: Tensor) -> Tensor:
        manner = self._manner
        logits, recent, now = self._begin(logits)
        row = self._draw(logits, now.main, manner.temperature, manner.top_p, manner.top_k)
        other = self._draw(logits, now.again, RAS_TEMPERATURE, RAS_TOP_P, manner.top_k)
        again = (recent.data[:, 0] == row[:, None]).any(dim=1) & (row != self._stop_row)
        return torch.where(again, other, row)

    def code(self, place: int, logits: Tensor) -> Tensor:
        assert self._now is not None, "main() comes first"
        manner = self._manner
        return self._draw(logits, self._now.codes[place - 1], manner.temperature, manner.top_p, manner.top_k)

    def remember(self, row: Tensor, frame: Tensor, who: Tensor | None = None) -> None:
        assert self._recent is not None, "main() comes first"
        self._recent.push(row[:, None], who, skip_first=self._as_published)
