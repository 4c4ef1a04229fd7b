"""Who speaks when the engine asked for cannot be heard in time. Pure: estimates in, a decision out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ..errors import echoed

FIRST_AUDIO_BUDGET: Final = 1.5
"""Seconds; satellites give up 2 s after a reply was announced."""

DRY_SECONDS: Final = 1.0
"""A listener has nothing to play for so long before silence is sent: most stalls are shorter, and silence delays what
comes after it."""

SILENCE_SECONDS: Final = 0.25
"""Length of one piece of silence, and the pace at which pieces are sent."""

TRY_AGAIN_SECONDS: Final = 600.0
"""After which an engine that is late by its figures, and was when it was tried, is tried again; then after twice as
long, and so on: each time a listener waits for all of the budget."""

LONGEST_UNTRIED_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Prospect:
    """How soon an engine would be heard, from the ledger and the queue. Seconds."""

    engine: str

    load: float | None
    """Until it is ready, and has opened the voice that it may be opening ahead; 0 = it is, None = nobody knows."""

    queue: float = 0.0
    """Until its turn comes (schedule.admission.expected_wait)."""

    first: float | None = 0.0
    """From its turn to first audio; None = not measured yet."""

    @property
    def seconds(self) -> float | None:
        """Until first audio; while it loads, its queue does not move. None = nobody knows."""
        return None if self.load is None or self.first is None else self.load + self.queue + self.first


@dataclass(frozen=True, slots=True)
class Speak:
    """The engine asked for speaks. A timer holds it to that."""

    engine: str

    otherwise: str | None
    """Who speaks instead when there is no audio after `within`; None = there is nobody, wait."""

    within: float


@dataclass(frozen=True, slots=True)
class Bridge:
    """The fallback speaks until the engine asked for is ready, and hands over at the end of a sentence."""

    fallback: str
    engine: str


@dataclass(frozen=True, slots=True)
class Instead:
    """The fallback speaks the whole reply; the engine asked for is loaded all the same, for the next one."""

    fallback: str


Voicing = Speak | Bridge | Instead


@dataclass(frozen=True, slots=True)
class Tried:
    """An engine was asked to speak though its figures said that it would be late.

    Figures come from sentences that it speaks, so without that a busy minute's would rule for good.
    """

    at: float
    """Seconds, of the clock that `may_be_again` is asked with."""

    chars: int
    """Of the sentence."""

    in_a_row: int = 1
    """Without having been heard in time."""

    def may_be_again(self, now: float) -> bool:
        """Whether that was long enough ago."""
        return now - self.at >= min(TRY_AGAIN_SECONDS * 2.0 ** (self.in_a_row - 1), LONGEST_UNTRIED_SECONDS)

    def again(self, now: float, chars: int) -> Tried:
        """The next time."""
        return Tried(now, chars, min(self.in_a_row + 1, 32))


def who_speaks(
    asked: Prospect,
    fallbacks: Sequence[Prospect],
    budget: float = FIRST_AUDIO_BUDGET,
    *,
    may_change: bool = False,
    doubted: bool = False,
) -> Voicing:
    """Whether the budget for first audio holds, and who speaks if not. fallbacks: in order of preference.

    may_change: the user allows two voices in one reply. Where no fallback keeps the budget either, the first that is
    heard in half the time speaks; with none such, waiting for the right voice is better. What nobody knows is tried,
    and so is what is doubted (`Tried`); the timer decides.
    """
    within = asked.seconds
    in_time = [each for each in fallbacks if each.seconds is not None and each.seconds <= budget]
    if within is None or within <= budget or doubted:
        return Speak(asked.engine, in_time[0].engine if in_time else None, budget)
    sooner = [each for each in fallbacks if each.seconds is not None and each.seconds <= within / 2]
    fallback = next(iter(in_time or sooner), None)
    if fallback is None:
        return Speak(asked.engine, None, budget)
    return Bridge(fallback.engine, asked.engine) if may_change else Instead(fallback.engine)


@dataclass(frozen=True, slots=True)
class Voiced:
    """What matters of an engine when a fallback is sought."""

    engine: str
    languages: tuple[str, ...]
    """BCP 47."""

    bytes: int
    resident: bool = False
    last_resort: bool = False
    usable: bool = True
    """Not in quarantine."""

    def speaks(self, language: str) -> bool:
        """Whether one of its voices speaks it; regions do not matter when the choice is between that and nothing."""
        return not language or _base(language) in _bases(self.languages)


def chain(asked: str, language: str, configured: Mapping[str, str], engines: Sequence[Voiced]) -> tuple[str, ...]:
    """Who could speak instead, in order: as configured, the resident ones from the lightest up, the last resort.

    configured: engine by language ("de-AT", "de", or "" for all); it need not be resident.
    """
    usable = {each.engine: each for each in engines if each.usable and each.engine != asked and each.speaks(language)}
    wished = [configured.get(key, "") for key in (language, _base(language), "")]
    resident = sorted((each.bytes, each.engine) for each in usable.values() if each.resident and not each.last_resort)
    last = sorted((each.bytes, each.engine) for each in usable.values() if each.last_resort)
    return tuple(dict.fromkeys([*(each for each in wished if each in usable), *(name for _, name in resident + last)]))


def impossible(configured: Mapping[str, str], engines: Sequence[Voiced]) -> tuple[str, ...]:
    """What is wrong with the configured fallbacks, in words for the user; to be said at start."""
    known = {each.engine: each for each in engines}
    wrong = []
    for language, engine in configured.items():
        if engine not in known:
            installed = ", ".join(sorted(known)) or "none"
            wrong.append(f"fallback {echoed(engine)} is not installed; installed are {installed}")
        elif not known[engine].speaks(language):
            speaks = ", ".join(known[engine].languages)
            wrong.append(f"fallback {engine!r} does not speak {echoed(language)}, only {speaks}; choose another one")
    return tuple(wrong)


def next_silence(runs_dry_at: float, bridging: bool) -> tuple[float, float]:
    """(when, seconds): the next piece of silence for a listener whose reply has stalled, so that no gap reaches 3 s.

    runs_dry_at: when the listener will have heard all that was sent, silence included. bridging: the last piece sent
    was silence already; then the next one follows without a gap.
    """
    return (runs_dry_at if bridging else runs_dry_at + DRY_SECONDS), SILENCE_SECONDS


@lru_cache
def _bases(languages: tuple[str, ...]) -> frozenset[str]:
    """Kept: an engine may speak a hundred, and is asked at every reply."""
    return frozenset(map(_base, languages))


def _base(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()
