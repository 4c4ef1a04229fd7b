"""Who speaks: the engine asked for, or in its place one that can be heard in time.

Puts what the supervisor and the catalog know before the policies (residency.fallback), and gives back choices.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from .catalog import Catalog, Choice
from .errors import RefusedError, VoiceError, echoed
from .residency.engine import Engine
from .residency.fallback import (
    FIRST_AUDIO_BUDGET,
    Bridge,
    Instead,
    Prospect,
    Tried,
    Voiced,
    chain,
    impossible,
    who_speaks,
)
from .residency.supervisor import LONGEST_REST, Supervisor
from .schedule.admission import Line, TooMuch, Turn, admit
from .schedule.queue import Expected

GAIN_BOUNDS = (0.25, 4.0)
"""A fallback is made louder or softer within these bounds, 12 dB either way."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user allows and wishes when a voice cannot speak in time."""

    allowed: bool = True
    voices: Mapping[str, str] = field(default_factory=dict)
    """Voice or engine by language; "" = for every language."""

    budget: float = FIRST_AUDIO_BUDGET
    """Seconds to first audio."""

    may_change: bool = False
    """Two voices in one reply."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a reply begins."""

    choice: Choice
    """Who speaks first."""

    hand_over: Choice | None = None
    """Who takes over at the end of a sentence, as soon as it is ready."""

    within: float | None = None
    """Seconds after which somebody else speaks if nothing has been heard; None = nobody else can."""


class Fallbacks:
    """Decides who speaks."""

    def __init__(self, supervisor: Supervisor, wishes: Wishes, clock: Callable[[], float]) -> None:
        self._supervisor = supervisor
        self._wishes = wishes
        self._clock = clock
        self._tried: dict[str, Tried] = {}
        """By engine, until it is heard in time."""
        self._spoken: tuple[Catalog | None, dict[str, tuple[str, ...]]] = (None, {})
        """Of that catalog, what each engine's voices speak."""

    @property
    def budget(self) -> float:
        """Seconds to first audio that the user allows."""
        return self._wishes.budget

    def begin(self, catalog: Catalog, asked: Choice, chars: int) -> Opening:
        """Who speaks a reply whose first sentence has so many characters. RefusedError: all have too much to do."""
        others = self.others(catalog, asked)
        prospect = self._prospect(asked, chars)
        prospects = [self._prospect(choice, chars) for choice in others]
        by_engine = {choice.manifest.id: choice for choice in others}
        match admit(self._line(prospect, prospect.queue), [self._line(each, each.seconds) for each in prospects]):
            case Turn(engine):
                return Opening(by_engine[engine])
            case TooMuch(reason):
                raise RefusedError(f"Too much to say at once: {reason}.")
        doubted = bool(others) and self._doubted(prospect, chars)
        voicing = who_speaks(
            prospect, prospects, self._wishes.budget, may_change=self._wishes.may_change, doubted=doubted
        )
        match voicing:
            case Instead(fallback):
                return Opening(by_engine[fallback], within=self._wishes.budget if len(others) > 1 else None)
            case Bridge(fallback, _):
                return Opening(by_engine[fallback], hand_over=asked)
        return Opening(asked, within=self._wishes.budget if others else None)

    def heard_in_time(self, choice: Choice, chars: int) -> None:
        """A reply began with it, and a sentence of so many characters."""
        tried = self._tried.get(choice.manifest.id)
        if tried and chars >= tried.chars:  # one that is in time with a word may be late with a long sentence
            del self._tried[choice.manifest.id]

    def _doubted(self, prospect: Prospect, chars: int) -> bool:
        """Whether an engine that is late by its figures speaks all the same, to see if it is; remembers that.

        Where nothing but its own figures speaks against it: it is there, idle and well.
        """
        if prospect.seconds is None or prospect.seconds <= self._wishes.budget or prospect.load:
            return False
        engine, tried, now = self._supervisor.engine(prospect.engine), self._tried.get(prospect.engine), self._clock()
        if not (engine.ready and engine.turns.idle) or engine.deaths or (tried and not tried.may_be_again(now)):
            return False
        self._tried[engine.id] = tried.again(now, chars) if tried else Tried(now, chars)
        return True

    def others(self, catalog: Catalog, asked: Choice, tried: Collection[str] = ()) -> list[Choice]:
        """Who may speak for a voice, in order of preference, without those that have been tried."""
        if not self._wishes.allowed:
            return []
        configured = {key: _engine_of(name) for key, name in self._wishes.voices.items()}
        names = chain(asked.manifest.id, asked.language, configured, self._voiced(catalog))
        return [self._as(catalog, name, asked) for name in names if name not in tried]

    def gain(self, choice: Choice, asked: Choice) -> float:
        """What makes one engine as loud as the other; 1 where either has never been heard."""
        if choice.manifest.id == asked.manifest.id:
            return 1.0
        ours, theirs = self._engine(choice).level, self._engine(asked).level
        if not ours or not theirs:
            return 1.0
        return min(max(theirs / ours, GAIN_BOUNDS[0]), GAIN_BOUNDS[1])

    def ready(self, choice: Choice) -> bool:
        """Whether its engine is resident."""
        return self._engine(choice).ready

    def may_take_over(self, choice: Choice) -> bool:
        """Whether its engine is resident, and not at opening a voice ahead."""
        return self.ready(choice) and not self._supervisor.opening(choice.manifest.id)

    def problems(self, catalog: Catalog) -> tuple[str, ...]:
        """What is wrong with the configured fallbacks, in words for the user; those still to come are not wrong."""
        voices = {key: name for key, name in self._wishes.voices.items() if not _comes(catalog, name)}
        wrong = list(impossible({key: _engine_of(name) for key, name in voices.items()}, self._voiced(catalog)))
        for language, name in voices.items():
            if "/" in name:
                try:
                    catalog.named(name)
                except VoiceError as error:
                    wrong.append(f"fallback for {echoed(language) if language else 'every language'}: {error}")
        return tuple(wrong)

    def _as(self, catalog: Catalog, engine: str, asked: Choice) -> Choice:
        """The engine's voice for what is asked: the configured one, else one of the language, else its first."""
        for key in (asked.language, asked.language.replace("_", "-").partition("-")[0], ""):
            name = self._wishes.voices.get(key, "")
            if "/" in name and _engine_of(name) == engine:
                wished = _find(catalog, name)
                if wished and not wished.waits:
                    return wished
        return catalog.of_engine(engine, asked.language)

    def _voiced(self, catalog: Catalog) -> list[Voiced]:
        languages = self._languages(catalog)
        engines = [(self._supervisor.engine(each.id), each) for each in catalog.ready if each.voices]
        return [
            Voiced(
                each.id,
                languages[each.id],
                engine.estimate.bytes,
                resident=engine.ready,
                last_resort=each.last_resort,
                usable=self._supervisor.resting(each.id) <= LONGEST_REST,
            )
            for engine, each in engines
        ]

    def _languages(self, catalog: Catalog) -> dict[str, tuple[str, ...]]:
        """What each engine speaks; gathered once for each catalog: it has hundreds of voices, and every reply asks."""
        if self._spoken[0] is not catalog:
            spoken = {each.id: tuple(tag for voice in each.voices for tag in voice.languages) for each in catalog.ready}
            self._spoken = (catalog, spoken)
        return self._spoken[1]

    def _prospect(self, choice: Choice, chars: int) -> Prospect:
        """How soon an engine would be heard."""
        engine = self._engine(choice)
        known = engine.estimate
        load: float | None = self._supervisor.opening(engine.id) if engine.ready else 0.0
        if not engine.ready:
            load = known.load_seconds + known.warm_up_seconds if known.loads else None
            rest = self._supervisor.resting(engine.id)
            load = load + rest if load is not None else (rest or None)
        speech = known.speech_seconds(chars)
        work, first = known.rtf(chars) * speech, None
        if known.sentences:
            first = known.first_audio_seconds(chars) if choice.manifest.streaming else work
        return Prospect(engine.id, load, engine.turns.wait_of_newcomer(Expected(work, speech)), first)

    def _line(self, prospect: Prospect, seconds: float | None) -> Line:
        """What a newcomer finds at an engine; what nobody knows counts as short, and the timer decides.

        The load of the engine asked for does not count: it is nobody's crowd, and once done it is done for all.
        """
        turns = self._supervisor.engine(prospect.engine).turns
        return Line(prospect.engine, prospect.queue if seconds is None else seconds, turns.newcomers)

    def _engine(self, choice: Choice) -> Engine:
        return self._supervisor.engine(choice.manifest.id)


def _find(catalog: Catalog, name: str) -> Choice | None:
    try:
        return catalog.named(name)
    except VoiceError:
        return None


def _comes(catalog: Catalog, name: str) -> bool:
    """Whether its files, or the list that may have it, are not here yet."""
    found = _find(catalog, name)
    return found.waits if found else bool(catalog.awaited(name, bare=False))


def _engine_of(name: str) -> str:
    return name.partition("/")[0]
