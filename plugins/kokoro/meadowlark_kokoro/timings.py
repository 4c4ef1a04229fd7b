"""When each word is heard, from the frames that the model gives each token. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FRAME_SECONDS = 0.025
_PUNCTUATION = frozenset(';:,.!?—…"()“”')


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a run, in Kokoro's notation."""

    symbols: str
    start: float
    """Seconds from the start of the run."""

    end: float


def words(run: str, durations: Sequence[int]) -> Iterator[Word]:
    """The words of a run; durations: frames of each token, with the pad at either end."""
    if len(durations) != len(run) + 2:
        raise ValueError(f"{len(durations)} durations for {len(run)} symbols and two pads")
    position, begun, symbols = int(durations[0]), 0, ""
    for symbol, frames in zip(f"{run} ", [*durations[1:-1], 0], strict=True):
        if symbol == " " or symbol in _PUNCTUATION:
            if symbols:
                yield Word(symbols, begun * FRAME_SECONDS, position * FRAME_SECONDS)
            symbols = ""
        else:
            begun = begun if symbols else position
            symbols += symbol
        position += int(frames)
