"""Voices without a recording: the models have none of their own, so a seed names a timbre.

A fixed sentence is generated once, unheard; its codes are the voice's reference ever after, kept on disk. That takes
some nine seconds of speech: a second or two on a GPU, far longer on a slow processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from meadowlark.kit.references import Library

SENTENCE = "The morning was quiet, and a light wind moved the curtains while the coffee was getting warm."


class Timbres:
    """Those of one model."""

    def __init__(self, library: Library, model: str, speech: Callable[[int], Iterable[Tensor]], stop: int) -> None:
        """speech: from a seed to frames (1 + codebooks,) of SENTENCE; stop: the token that ends them.

        model: what the codes depend on besides; not the precision, for a voice stays who it is when `auto` has found
        that the machine can do better.
        """
        self._library, self._model, self._speech, self._stop = library, model, speech, stop
        self._begun: dict[int, tuple[Iterator[Tensor], list[Tensor]]] = {}

    def codes(self, seed: int) -> Tensor:
        """A timbre's reference, (codebooks, T); drawn first if need be."""
        for _ in self.drawing(seed):
            pass
        return self._library.kept(self._content(seed), _missing)

    def drawing(self, seed: int) -> Iterator[None]:
        """Draw a timbre that is not there yet, a step for each frame.

        Who stops asking leaves what was drawn to the next who asks: a listener who is served by another voice after
        a few seconds must not cause the same seconds to be drawn again and again.
        """
        try:
            self._library.kept(self._content(seed), _missing)
        except LookupError:
            yield from self._draw(seed)

    def _draw(self, seed: int) -> Iterator[None]:
        if seed not in self._begun:
            self._begun[seed] = iter(self._speech(seed)), []
        frames, drawn = self._begun[seed]
        try:
            for frame in frames:
                drawn.append(frame)
                yield
            self._library.kept(self._content(seed), lambda: self._without_stop(drawn))
        except GeneratorExit:
            raise
        except BaseException:
            self._begun.pop(seed, None)
            raise
        self._begun.pop(seed, None)

    def _without_stop(self, frames: list[Tensor]) -> Tensor:
        return torch.stack([frame for frame in frames if int(frame[0]) != self._stop], dim=1)[1:].cpu()

    def _content(self, seed: int) -> bytes:
        return f"timbre {seed} {SENTENCE} {self._model}".encode()


def _missing() -> Tensor:
    raise LookupError("this timbre has not been drawn")
