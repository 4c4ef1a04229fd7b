"""How far a download is, how fast it goes, and when the log should hear of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ..api import Asset
from .messages import Line
from .state import Progress, megabytes

SPEED_SECONDS: Final = 5.0
"""The speed is the mean over about so long."""

LOG_SHARE: Final = 0.1
LOG_SECONDS: Final = 10.0
LONGEST_SILENCE: Final = 60.0


class Meter:
    """Turns a fetcher's lines about single files into the progress of them all."""

    def __init__(self, engine: str, voice: str, assets: Iterable[Asset], now: float) -> None:
        self._sizes = {each.key: each.bytes for each in assets}
        self._done = dict.fromkeys(self._sizes, 0)
        self._fetched = dict.fromkeys(self._sizes, 0)
        self._mark = (now, 0)
        self.progress = Progress(engine, voice, total=sum(self._sizes.values()))

    def take(self, line: Line, now: float) -> Progress:
        """The progress after one more line."""
        self._done[line.file] = line.size
        self._fetched[line.file] = max(line.fetched, self._fetched.get(line.file, 0))
        if line.total:
            self._sizes[line.file] = line.total
        self.progress = replace(
            self.progress,
            done=sum(self._done.values()),
            total=sum(self._sizes.values()),
            file=line.file,
            note=line.note,
            bytes_per_second=self._speed(now),
        )
        return self.progress

    def _speed(self, now: float) -> float:
        then, fetched = self._mark
        total = sum(self._fetched.values())
        if now - then < SPEED_SECONDS and self.progress.bytes_per_second:
            return self.progress.bytes_per_second
        if now - then < 0.5:
            return 0.0
        self._mark = (now, total)
        return (total - fetched) / (now - then)


class Chronicle:
    """Picks the moments for the log: each tenth, none sooner than 10 s after the last, and one a minute at least."""

    def __init__(self, now: float) -> None:
        self._at = now
        self._done = 0
        self._note = ""

    def line(self, progress: Progress, now: float) -> str:
        """What to log now; empty = nothing."""
        moved = progress.done - self._done
        silent = now - self._at
        tenth = bool(progress.total) and moved >= LOG_SHARE * progress.total
        news = "; goes on" in progress.note and "; goes on" not in self._note  # each wait once, not each second
        self._note = progress.note
        if not (news or silent >= LONGEST_SILENCE or (silent >= LOG_SECONDS and tenth)):
            return ""
        self._at, self._done = now, progress.done
        return describe(progress)


def describe(progress: Progress) -> str:
    """ "120 of 310 MB (38 %), 2.5 MB/s, 76 s left"."""
    if progress.note:
        return f"{megabytes(progress.done)} here; {progress.note}"
    if not progress.total:
        return f"{megabytes(progress.done)}"
    share = f"{megabytes(progress.done)} of {megabytes(progress.total)} ({100 * progress.done // progress.total} %)"
    if not progress.bytes_per_second:
        return share
    left = (progress.total - progress.done) / progress.bytes_per_second
    return f"{share}, {megabytes(progress.bytes_per_second)}/s, {left:.0f} s left"
