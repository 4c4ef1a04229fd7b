"""A sequence of frames computed in windows, small ones first, so that the first sound comes early. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

LEAST_GROWTH, MOST_GROWTH = 2.0, 8.0
IN_TIME = 0.7
"""Of the audio in hand may pass before the next window is there."""

CANCEL_SECONDS = 0.4

LEAST_SHARE = 8
"""Contexts in the longest window at least, so that it costs no more than a quarter: on a busy machine, windows that are
short to be quick would make it busier (twice the work for Piper's high voices)."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is computed at once, and which part of it is heard. In frames."""

    begin: int
    end: int
    """Computed: [begin, end), context included."""

    heard_from: int
    heard_to: int
    """Heard: a part of the above. The windows' heard parts lie end to end and cover everything once."""

    @property
    def skip(self) -> int:
        """Computed frames before the first that is heard."""
        return self.heard_from - self.begin

    @property
    def heard(self) -> int:
        """Frames that are heard."""
        return self.heard_to - self.heard_from


@dataclass(slots=True)
class Schedule:
    """Which window comes next, of a sequence that may still be arriving: small at first, then larger."""

    first: int
    most: int
    before: int
    """Frames of context on the left, as many as there are."""

    after: int
    """On the right: so many must have arrived beyond what is heard, or all."""

    growth: float = 2.0
    position: int = 0
    """Frames that have been heard."""

    size: int = 0
    """Of the next window's heard part."""

    def __post_init__(self) -> None:
        if self.first < 1 or self.most < self.first or min(self.before, self.after) < 0 or self.growth < 1:
            context = f"context {self.before} and {self.after}"
            raise ValueError(f"windows of {self.first} to {self.most} frames, {context}, growth {self.growth}")
        self.size = self.first

    def window(self, arrived: int, *, ended: bool) -> Window | None:
        """The next one; None: more has to arrive first, or, when it has ended, all is heard.

        A rest smaller than half of `first` joins the window before it, where the end is known.
        """
        stop = self.position + self.size
        if ended and arrived - stop < self.first / 2:
            stop = arrived
        if stop <= self.position or (not ended and arrived < stop + self.after):
            return None
        made = Window(max(0, self.position - self.before), min(arrived, stop + self.after), self.position, stop)
        self.position = stop
        if self.growth > 1:
            self.size = min(self.most, max(self.size + 1, round(self.size * self.growth)))
        return made


def growing(
    frames: int, first: int, most: int, context: int, growth: float = 2.0, *, same_shapes: bool = False
) -> Iterator[Window]:
    """Windows of `first` frames, then `growth` times as many each, up to `most`, each with `context` on both sides.

    same_shapes: a window at the edge takes more context from its other side instead of being shorter, where there are
    frames enough: few shapes, for devices that search anew for each.
    """
    schedule = Schedule(first, most, context, context, growth)
    size = schedule.size
    while (window := schedule.window(frames, ended=True)) is not None:
        if same_shapes:
            shape = size + 2 * context
            begin = max(0, min(window.begin, window.end - shape))
            window = replace(window, begin=begin, end=min(frames, max(window.end, begin + shape)))
        yield window
        size = schedule.size


@dataclass(slots=True)
class Pace:
    """How fast this machine computes windows now, learned from those before; says how the next ones may grow."""

    frame_seconds: float
    """Of audio."""

    cost: float = 0.0
    """Seconds of work for a frame; 0 = not known yet."""

    def note(self, frames: int, seconds: float) -> None:
        """So many frames, context included, took so long."""
        now = seconds / frames
        self.cost = 0.7 * self.cost + 0.3 * now if self.cost else now

    def growth(self, first: int, context: int) -> float:
        """By how much a window may be longer than the one before and still be there before that has been heard."""
        if not self.cost:
            return LEAST_GROWTH
        affordable = IN_TIME * first * self.frame_seconds / self.cost - 2 * context
        return min(MOST_GROWTH, max(LEAST_GROWTH, affordable / first))

    def most(self, most: int, first: int, context: int) -> int:
        """The longest window that lets the engine notice, every CANCEL_SECONDS if it can, that nobody listens."""
        if not self.cost:
            return most
        return max(first, min(most, max(LEAST_SHARE * context, int(CANCEL_SECONDS / self.cost) - 2 * context)))
