"""Voices without a recording: the models have none of their own, so a seed names a timbre.

A fixed sentence is generated once, unheard; its codes are the voice's reference ever after, kept on disk. That takes
some nine seconds of speech: a second or two on a GPU, far longer on a slow processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from meadowlark.kit.references import Library

SENTENCE = "The morning was quiet, and a light wind moved the curtains while the coffee was getting warm."


@dataclass(slots=True)
class _Drawing:
    """A timbre of which some frames are there."""

    frames: Iterator[Tensor]
    drawn: list[Tensor] = field(default_factory=list)
    asking: int = 0
    """How many draw it together now."""


class Timbres:
    """Those of one model."""

    def __init__(
        self,
        library: Library,
        model: str,
        speech: Callable[[int], Iterable[Tensor]],
        stop: int,
        *,
        keeps_halves: bool = True,
    ) -> None:
        """speech: from a seed to frames (1 + codebooks,) of SENTENCE; stop: the token that ends them.

        model: what the codes depend on besides; not the precision, for a voice stays who it is when `auto` has found
        that the machine can do better. keeps_halves: what is left half drawn may keep its cache in memory.
        """
        self._library, self._model, self._speech, self._stop = library, model, speech, stop
        self._keeps_halves = keeps_halves
        self._begun: dict[int, _Drawing] = {}

    def codes(self, seed: int) -> Tensor:
        """A timbre's reference, (codebooks, T); drawn first if need be."""
        for _ in self.drawing(seed):
            pass
        return self._library.kept(self._content(seed), _missing)

    def drawing(self, seed: int) -> Iterator[None]:
        """Draw a timbre that is not there yet, a step for each frame.

        Who stops asking leaves what was drawn to the next who asks: a listener who is served by another voice after
        a few seconds must not cause the same seconds to be drawn again and again. When another timbre is begun, what
        nobody asks for any more is given up.
        """
        try:
            self._library.kept(self._content(seed), _missing)
        except LookupError:
            yield from self._draw(seed)

    def _draw(self, seed: int) -> Iterator[None]:
        drawing = self._begun.get(seed) or self._begin(seed)
        drawing.asking += 1
        try:
            for frame in drawing.frames:
                drawing.drawn.append(frame)
                yield
            if self._begun.get(seed) is drawing:  # else it failed while another one asked: there is only a part of it
                self._library.kept(self._content(seed), lambda: self._without_stop(drawing.drawn))
                del self._begun[seed]
        except Exception:
            self._begun.pop(seed, None)
            raise
        finally:
            drawing.asking -= 1
            if not (self._keeps_halves or drawing.asking) and self._begun.get(seed) is drawing:
                del self._begun[seed]

    def _begin(self, seed: int) -> _Drawing:
        self._begun = {other: each for other, each in self._begun.items() if each.asking}
        self._begun[seed] = drawing = _Drawing(iter(self._speech(seed)))
        return drawing

    def _without_stop(self, frames: list[Tensor]) -> Tensor:
        return torch.stack([frame for frame in frames if int(frame[0]) != self._stop], dim=1)[1:].cpu()

    def _content(self, seed: int) -> bytes:
        return f"timbre {seed} {SENTENCE} {self._model}".encode()


def _missing() -> Tensor:
    raise LookupError("this timbre has not been drawn")
