"""Speaks the sentences of one reply: with the voice asked for, or with a fallback when that one is late or fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace

from .api import PlacedEvent, Utterance, Value
from .catalog import Catalog, Choice
from .errors import EngineError, LoadError, MeadowlarkError, RefusedError, WorkerError
from .fallbacks import Fallbacks
from .reply import Reply
from .residency.lease import Lease
from .residency.supervisor import Supervisor
from .text import MarkerMap, Sentence

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What all deliveries of a server share."""

    supervisor: Supervisor
    fallbacks: Fallbacks
    options: Mapping[str, Mapping[str, Value]]
    """The user's settings by engine id."""

    files: Callable[[Choice], Mapping[str, str]]
    """Paths of a voice's assets."""

    why_absent: Callable[[Choice], str]
    """Why a voice cannot speak, in words that follow its name; its files are fetched from now on."""

    marker_map: Callable[[Choice], MarkerMap]
    clock: Callable[[], float]


class LateError(MeadowlarkError):
    """Nothing was heard in time."""


class Delivery:
    """One reply's. Use as a context manager: it holds leases."""

    def __init__(self, means: Means, catalog: Catalog, asked: Choice, reply: Reply) -> None:
        self._means = means
        self._catalog = catalog
        self._asked = asked
        self._reply = reply
        self._choice = asked
        """Who speaks now."""
        self._hand_over: Choice | None = None
        """Who takes over at the end of a sentence, once it is ready."""
        self._opened = False
        self._failed = False
        """The engine asked for began to speak and failed."""
        self._rest_chars = 0
        self._leases: dict[str, tuple[Lease, ExitStack]] = {}
        self._late: asyncio.Task[None] | None = None
        """An engine that was too late and is still being stopped."""

    def __enter__(self) -> Delivery:
        if not self._asked.waits:
            self._lease(self._asked)  # its load begins now, before there is a sentence
        return self

    def __exit__(self, *_: object) -> None:
        for engine in list(self._leases):
            self._release(engine)
        if self._failed:  # its process may be gone; not before: the fallback may have needed its place
            self._means.supervisor.prewarm(self._asked.manifest.id)

    async def say(self, sentence: Sentence, rest_chars: int = 0) -> None:
        """Speak a sentence, whoever has to. Raises LoadError, WorkerError, RefusedError when nobody can.

        rest_chars: characters of text known to follow, or likely to.
        """
        self._rest_chars = rest_chars
        opening = not self._opened
        within = self._cue(len(sentence.text))
        if opening and self._choice is not self._asked and not self._asked.waits:
            within = await self._stand_in(within)
        tried = {self._asked.manifest.id}
        before, again = self._reply.speech_seconds, False
        while True:
            tried.add(self._choice.manifest.id)
            try:
                await self._in_time(sentence, within, again=again)
            except (EngineError, RefusedError, LateError) as error:
                others = self._means.fallbacks.others(self._catalog, self._asked, tried)
                if not others:
                    broke_off = isinstance(error, WorkerError) and self._reply.speech_seconds > before
                    if again or not (broke_off and self._choice.manifest.samples):  # others have been continued
                        raise
                    _LOGGER.warning("%s; %s says the sentence again", error, self._choice.name)
                    within, again = None, True
                    continue
                _LOGGER.warning("%s; %s speaks instead", str(error).rstrip("."), others[0].name)
                failed, self._choice, self._hand_over = self._choice, others[0], None
                self._failed |= failed is self._asked and isinstance(error, WorkerError)
                within = None if self._reply.started.is_set() or len(others) == 1 else self._means.fallbacks.budget
                if failed is self._asked and isinstance(error, LateError):
                    within = await self._stand_in(within)
                else:
                    self._release(failed.manifest.id)
            else:
                if opening and within is not None and self._choice is self._asked:
                    self._means.fallbacks.heard_in_time(self._asked, len(sentence.text))
                return

    async def _stand_in(self, within: float | None) -> float | None:
        """Load the fallback; the engine asked for speaks after all if it is loaded sooner. What is left of `within`.

        Each may need the memory of the other: a lease on one that does not speak would have them wait for ever.
        """
        begun, supervisor = self._means.clock(), self._means.supervisor
        if self._means.fallbacks.ready(self._asked):  # slow, hung, or with too much to do
            self._release(self._asked.manifest.id)
            return within
        self._lease(self._choice)
        engines = (self._choice.manifest.id, self._asked.manifest.id)
        try:
            async with asyncio.timeout(within):
                ready = await supervisor.first_ready(engines)
        except TimeoutError:
            return 0.0
        if ready == self._asked.manifest.id:
            self._choice, self._hand_over = self._asked, None
            return None
        return None if within is None else max(0.0, within - (self._means.clock() - begun))

    def _cue(self, chars: int) -> float | None:
        """Choose who speaks this sentence; the seconds within which it must be heard, None = as long as it takes."""
        if not self._opened:
            self._opened = True
            if self._asked.waits:
                self._choice = self._instead_of_absent()
                return None
            opening = self._means.fallbacks.begin(self._catalog, self._asked, chars)
            self._choice, self._hand_over = opening.choice, opening.hand_over
            if self._choice is not self._asked:
                _LOGGER.info("%s would be late; %s speaks", self._asked.name, self._choice.name)
            return opening.within
        if self._hand_over and self._means.fallbacks.may_take_over(self._hand_over):
            self._choice, self._hand_over = self._hand_over, None
        return None

    def _instead_of_absent(self) -> Choice:
        """The files of the voice asked for are not there: another voice speaks meanwhile."""
        why = self._means.why_absent(self._asked)
        others = self._means.fallbacks.others(self._catalog, self._asked)
        if not others:
            raise LoadError(self._asked.manifest.id, f"{self._asked.name} {why}; no other voice can speak meanwhile")
        _LOGGER.info("%s %s; %s speaks", self._asked.name, why, others[0].name)
        return others[0]

    async def _in_time(self, sentence: Sentence, within: float | None, *, again: bool = False) -> None:
        """Speak; LateError when the reply has no audio by then. The engine that is late is stopped meanwhile."""
        if within is None:
            await self._speak(sentence, again=again)
            return
        speaking = asyncio.create_task(self._speak(sentence))
        try:
            await asyncio.wait({speaking}, timeout=within)
            if not (speaking.done() or self._reply.started.is_set()):
                speaking.cancel()
                self._late = speaking  # stopping a hung engine takes 2 s; nobody waits for that
                speaking.add_done_callback(lambda task: task.cancelled() or task.exception())
                raise LateError(f"{self._choice.name} was not heard within {within:.1f} s")
            await speaking
        finally:
            speaking.cancel()

    async def _speak(self, sentence: Sentence, *, again: bool = False) -> None:
        reply, choice, clock = self._reply, self._choice, self._means.clock
        utterance = self._utterance(sentence, choice)
        begun, before, first = clock(), reply.speech_seconds, 0.0
        speech = self._lease(choice).speak(
            utterance,
            rate=reply.rate if reply.rate != choice.manifest.sample_rate else None,
            gain=self._means.fallbacks.gain(choice, self._asked),
            runs_dry_at=reply.runs_dry_at,
            rest_chars=self._rest_chars,
            again=again,
        )
        async with aclosing(speech) as chunks:
            async for chunk in chunks:
                first = first or clock() - begun
                reply.voices[choice.name] = None
                reply.add(chunk)
        took, spoken = clock() - begun, reply.speech_seconds - before
        if spoken:
            _LOGGER.debug(
                "%s: %r, %d characters, %.2f s of audio, first after %.1f ms, RTF %.3f",
                choice.name,
                utterance.text,
                len(utterance.text),
                spoken,
                first * 1e3,
                took / spoken,
            )

    def _lease(self, choice: Choice) -> Lease:
        engine = choice.manifest.id
        if engine not in self._leases:
            stack = ExitStack()
            self._leases[engine] = stack.enter_context(self._means.supervisor.lease(engine)), stack
        return self._leases[engine][0]

    def _release(self, engine: str) -> None:
        if engine in self._leases:
            self._leases.pop(engine)[1].close()

    def _utterance(self, sentence: Sentence, choice: Choice) -> Utterance:
        sentence = sentence if choice.manifest.id == self._asked.manifest.id else self._translated(sentence, choice)
        return Utterance(
            text=sentence.text,
            voice=choice.voice,
            language=choice.language,
            variant=choice.variant,
            speaker=choice.speaker,
            style=sentence.style.native if sentence.style else None,
            style_name=sentence.style.name if sentence.style else "",
            events=sentence.events,
            pronunciations=sentence.pronunciations,
            options={**self._means.options.get(choice.manifest.id, {}), **choice.voice.options},
            files=self._means.files(choice),
        )

    def _translated(self, sentence: Sentence, choice: Choice) -> Sentence:
        """The sentence with another engine's markers in the place of those of the engine asked for."""
        markers = self._means.marker_map(choice)
        events = []
        for event in sentence.events:
            if marker := markers.resolve(event.name):
                events.append(PlacedEvent(event.position, marker.name, marker.native))  # noqa: PERF401
        style = markers.resolve(sentence.style.name) if sentence.style else None
        return replace(sentence, style=style, events=tuple(events))
