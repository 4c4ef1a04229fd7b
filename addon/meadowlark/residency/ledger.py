"""What is known of every engine on every kind of device: memory, seconds, speed, deaths. Measured; never guessed twice.

Pure data and arithmetic: no clock, no disk (ledger_file.py), no device. A manifest's figure is only the first guess.
Each figure is a window of the last WINDOW measurements, read by percentile, so that estimates fall as well as rise.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeAlias

import msgspec

WINDOW: Final = 20
"""Measurements remembered of each figure."""

MEMORY_QUANTILE: Final = 0.9
"""Too low an estimate of memory ends in an OOM, too high a one only in an eviction too many."""

TIME_QUANTILE: Final = 0.75
"""Of seconds: a wait foreseen too short is heard as silence, one foreseen too long as the fallback's voice."""

LENGTHS: Final = (20, 40, 80, 160, 320)
"""Characters: upper ends of the buckets of sentence length; the last bucket is open."""

MIDDLES: Final = (12, 30, 60, 120, 240, 400)
"""Characters that stand for each bucket."""

GUESSED_BYTES_PER_SECOND: Final = 250e6
GUESSED_START_SECONDS: Final = 0.5
GUESSED_RTF: Final = 0.5
GUESSED_PACE: Final = 0.065
"""Of an engine never measured: loaded from a slow disk, twice as fast as speech; seconds of speech per character."""

GUESSED_SHARE: Final = 0.3
"""Work that each further sentence adds to one alone, on an engine that speaks several at a time and has never yet."""

MOST_SHARE: Final = 0.9
"""From 1 on nobody is spoken in company again, and no later measurement could say that it was but a busy moment."""

LONELY: Final = 1.1
IN_COMPANY: Final = 1.5
"""Sentences at a time, on average: up to so many a speed is that of one alone, from so many on that of several."""

Figure: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Window: TypeAlias = list[Figure]
"""Oldest first, at most WINDOW."""

Points: TypeAlias = tuple[tuple[int, float], ...]
"""(characters, figure), shortest first."""


@dataclass(slots=True)
class Measured:
    """The last measurements of one engine on one kind of device."""

    loads: int = 0
    """In all, also those that the windows have forgotten."""

    sentences: int = 0
    bytes: Window = field(default_factory=list)
    """At rest, after loading and between sentences."""

    peak_bytes: dict[str, Window] = field(default_factory=dict)
    """By operation: "load" (with its warm-up), "speak"."""

    load_seconds: Window = field(default_factory=list)
    warm_up_seconds: Window = field(default_factory=list)
    pace: Window = field(default_factory=list)
    """Seconds of speech per character."""

    first_audio: dict[int, Window] = field(default_factory=dict)
    """Seconds to the first chunk, by bucket of LENGTHS."""

    rtf: dict[int, Window] = field(default_factory=dict)
    """Seconds of work per second of speech of a sentence that is spoken alone, by bucket."""

    never_alone: bool = False
    """Its speed is a guess from sentences spoken in company; the first that is spoken alone takes their place."""

    share: Window = field(default_factory=list)
    """By how much of its time alone each further sentence makes one slower, on engines that speak several at a time."""


@dataclass(frozen=True, slots=True)
class Death:
    """The last time that an engine's worker died or could not be loaded."""

    at: float
    """Unix time: it outlives the process that saw it."""

    reason: str
    in_a_row: int
    """Deaths since it last spoke a sentence to its end; 0 = it has recovered."""

    rests_until: float = 0.0
    """Unix time: before it the engine is not started again."""


@dataclass(slots=True)
class Entry:
    """All that is known of one engine."""

    devices: dict[str, Measured] = field(default_factory=dict)
    """By device kind: "cpu", "cuda"."""

    death: Death | None = None
    extra: dict[str, list[float]] = field(default_factory=dict)
    """Small lists of numbers that a policy keeps here, opaque to the ledger: the hours of use."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an engine will need on a kind of device, as far as is known."""

    bytes: int
    """At rest."""

    peak_bytes: int
    """The most while loading or speaking; never less than `bytes`."""

    load_seconds: float
    warm_up_seconds: float
    loads: int
    """Measured in all; 0 = the bytes are the manifest's, the seconds a guess."""

    sentences: int
    """Measured in all; 0 = speed is a guess."""

    pace: float = GUESSED_PACE
    """Seconds of speech per character."""

    first_audio: Points = ()
    rtfs: Points = ()
    share: float = GUESSED_SHARE
    """Of a sentence's time alone that each further one adds, where several are spoken at a time."""

    def rtf(self, chars: int) -> float:
        """Seconds of work per second of speech, for a sentence of so many characters that is spoken alone."""
        return _between(self.rtfs, chars) if self.rtfs else GUESSED_RTF

    def speech_seconds(self, chars: int) -> float:
        """How long a sentence of so many characters will sound."""
        return self.pace * chars

    def first_audio_seconds(self, chars: int) -> float:
        """From the start of a sentence to its first audio, on a resident engine.

        Beyond the longest sentence measured it grows with the length, as it does on an engine that does not stream.
        """
        if not self.first_audio:
            return self.rtf(chars) * self.speech_seconds(chars)
        longest = self.first_audio[-1][0]
        return _between(self.first_audio, chars) * max(1.0, chars / longest)


class Ledger:
    """Everything that has been measured, by engine and device kind."""

    def __init__(self, entries: Mapping[str, Entry] | None = None) -> None:
        self.entries: dict[str, Entry] = dict(entries or {})
        self._estimates: dict[tuple[str, str], dict[int, Estimate]] = {}
        """By engine and kind, then stated bytes; until the next measurement: one reply asks a dozen times."""

    def record_load(
        self,
        engine: str,
        kind: str,
        *,
        bytes: int,  # noqa: A002 - the field's own word
        load_seconds: float,
        warm_up_seconds: float = 0.0,
        peak_bytes: int = 0,
    ) -> None:
        """An engine has been loaded and warmed up. Bytes of 0 are unknown."""
        measured = self._measured(engine, kind)
        measured.loads += 1
        _take(measured.bytes, bytes or math.nan)
        _take(measured.peak_bytes.setdefault("load", []), peak_bytes or math.nan)
        _take(measured.load_seconds, load_seconds)
        _take(measured.warm_up_seconds, warm_up_seconds)

    def record_sentence(
        self,
        engine: str,
        kind: str,
        *,
        chars: int,
        audio_seconds: float,
        seconds: float,
        first_audio_seconds: float,
        bytes: int = 0,  # noqa: A002
        peak_bytes: int = 0,
        together: float = 1.0,
    ) -> None:
        """A sentence has been spoken to its end, in so many seconds of work. Bytes of 0 are unknown.

        together: how many were spoken at a time, on average. In company a sentence is slower though the engine is not:
        that says how much each further one adds, if it is known how fast the engine is alone.
        """
        measured = self._measured(engine, kind)
        measured.sentences += 1
        _take(measured.bytes, bytes or math.nan)
        _take(measured.peak_bytes.setdefault("speak", []), peak_bytes or math.nan)
        if chars > 0 and audio_seconds > 0:
            _take(measured.pace, audio_seconds / chars)
            rtf, known = seconds / audio_seconds, _points(measured.rtf)
            if together <= LONELY:
                if measured.never_alone:
                    measured.first_audio, measured.rtf, measured.never_alone = {}, {}, False
                _take(measured.first_audio.setdefault(bucket(chars), []), first_audio_seconds)
                _take(measured.rtf.setdefault(bucket(chars), []), rtf)
            elif not known:
                measured.never_alone = True
                slower = 1 + self._estimate(engine, kind, 0).share * (together - 1)
                _take(measured.first_audio.setdefault(bucket(chars), []), first_audio_seconds / slower)
                _take(measured.rtf.setdefault(bucket(chars), []), rtf / slower)
            elif together >= IN_COMPANY and (alone := _between(known, chars)) > 0:
                _take(measured.share, max(0.0, rtf / alone - 1) / (together - 1))

    def record_death(self, engine: str, *, at: float, reason: str, in_a_row: int, rests_until: float = 0.0) -> None:
        """An engine's worker has died, or could not be loaded; unix times."""
        self._entry(engine).death = Death(at, reason, in_a_row, rests_until)

    def record_recovery(self, engine: str) -> bool:
        """It has spoken to the end of a sentence again; True when that is news."""
        entry = self._entry(engine)
        if entry.death is None or not entry.death.in_a_row:
            return False
        entry.death = Death(entry.death.at, entry.death.reason, 0)
        return True

    def extra(self, engine: str) -> dict[str, list[float]]:
        """The engine's own lists, to be read and changed in place."""
        return self._entry(engine).extra

    def death(self, engine: str) -> Death | None:
        """The engine's last death."""
        entry = self.entries.get(engine)
        return entry.death if entry else None

    def kinds(self, engine: str) -> tuple[str, ...]:
        """The device kinds on which an engine has been measured."""
        entry = self.entries.get(engine)
        return tuple(sorted(entry.devices)) if entry else ()

    def estimate(self, engine: str, kind: str, *, stated_bytes: int = 0) -> Estimate:
        """What to expect; `stated_bytes`, the manifest's, count until something has been measured."""
        known = self._estimates.setdefault((engine, kind), {})
        if stated_bytes not in known:
            known[stated_bytes] = self._estimate(engine, kind, stated_bytes)
        return known[stated_bytes]

    def _estimate(self, engine: str, kind: str, stated_bytes: int) -> Estimate:
        entry = self.entries.get(engine)
        measured = entry.devices.get(kind, _NOTHING) if entry else _NOTHING
        size = int(_quantile(measured.bytes, MEMORY_QUANTILE, stated_bytes))
        peaks = [_quantile(window, MEMORY_QUANTILE, 0) for window in measured.peak_bytes.values()]
        guessed_load = GUESSED_START_SECONDS + size / GUESSED_BYTES_PER_SECOND
        return Estimate(
            bytes=size,
            peak_bytes=int(max(size, *peaks, 0)),
            load_seconds=_quantile(measured.load_seconds, TIME_QUANTILE, guessed_load),
            warm_up_seconds=_quantile(measured.warm_up_seconds, TIME_QUANTILE, 0.0),
            loads=measured.loads,
            sentences=measured.sentences,
            pace=_quantile(measured.pace, 0.5, GUESSED_PACE),
            first_audio=_points(measured.first_audio),
            rtfs=_points(measured.rtf),
            share=min(MOST_SHARE, _quantile(measured.share, TIME_QUANTILE, GUESSED_SHARE)),
        )

    def _entry(self, engine: str) -> Entry:
        return self.entries.setdefault(engine, Entry())

    def _measured(self, engine: str, kind: str) -> Measured:
        """To be changed: what was expected before holds no longer."""
        self._estimates.pop((engine, kind), None)
        return self._entry(engine).devices.setdefault(kind, Measured())


_NOTHING: Final = Measured()


def bucket(chars: int) -> int:
    """The bucket of a sentence of so many characters."""
    return bisect.bisect_left(LENGTHS, chars)


def _take(window: Window, value: float) -> None:
    """Remember a measurement; one that can be none (a clock set back, an overflow) is left out."""
    if math.isfinite(value) and value >= 0:
        window.append(round(value, 4))
        del window[:-WINDOW]


def _quantile(window: Sequence[float], quantile: float, otherwise: float) -> float:
    """The smallest measurement that at least that share of all do not exceed; few samples give their greatest."""
    if not window:
        return otherwise
    return sorted(window)[math.ceil(quantile * len(window)) - 1]


def _points(buckets: Mapping[int, Window]) -> Points:
    known: Iterable[tuple[int, Window]] = sorted(item for item in buckets.items() if item[1])
    return tuple((MIDDLES[number], _quantile(window, TIME_QUANTILE, 0)) for number, window in known)


def _between(points: Points, chars: int) -> float:
    """On the line through the points; level beyond its ends."""
    at = bisect.bisect_left(points, chars, key=lambda point: point[0])
    if at == 0:
        return points[0][1]
    if at == len(points):
        return points[-1][1]
    (left, low), (right, high) = points[at - 1], points[at]
    return low + (high - low) * (chars - left) / (right - left)
