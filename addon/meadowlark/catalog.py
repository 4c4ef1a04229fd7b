"""Voice names → (engine, voice). Pure: knows what is installed, not what is loaded."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from .api import EngineManifest, Marker, Voice
from .errors import MOST_ECHOED, VoiceError, echoed
from .plugins import Registry
from .unknown_voices import PUBLISHED, more_voices, unknown_speaker, unknown_voice, unspoken_language

LANGUAGE_NAME = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{4})?([-_]([A-Za-z]{2}|\d{3}))?")
"""Language, script and region of BCP 47: what Home Assistant's languages look like."""

MOST_REMEMBERED = 512
"""Requests whose voice is known without another look: clients say a few things again and again."""

LONGEST_REMEMBERED = 200
"""Characters of such a request: it stays in memory, and one from the network may have a million."""


@dataclass(frozen=True, slots=True)
class VoiceRequest:
    """What a client may say about the voice it wants; empty = not said."""

    name: str = ""
    """"kokoro/af_heart", a bare voice id, an engine id, or a language."""

    language: str = ""
    """BCP 47, or with Home Assistant's underscore."""

    speaker: str = ""

    engine: str = ""
    """Only voices of this engine (a connection that has sent select-program)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The voice that a request gets."""

    manifest: EngineManifest
    voice: Voice
    variant: str = ""
    language: str = ""
    speaker: str = ""

    waits: bool = False
    """Its files are not there yet."""

    instead_of: str = ""
    """What was asked for and does not exist, when the user allowed that another voice speaks; else empty."""

    @property
    def name(self) -> str:
        """As clients write it."""
        variant = f"+{self.variant}" if self.variant else ""
        return f"{self.manifest.id}/{self.voice.id}{variant}"


class Catalog:
    """All voices of all engines, in order of preference."""

    def __init__(
        self,
        registry: Registry,
        default: str = "",
        *,
        language: str = "",
        fallback: bool = False,
        notes: Mapping[str, str] | None = None,
        absent: Collection[str] = (),
        awaiting: Collection[str] = (),
        advertise_absent: bool = False,
    ) -> None:
        """default: the configured voice; language: preferred where nothing is configured or asked for.

        fallback: whether the default may speak instead of a voice that does not exist.
        notes: engine id → what clients should know of its state. absent: "engine/voice" of voices whose files are
        not there; they are found by name alone, and listed where advertise_absent. awaiting: engines whose list of
        voices may still be downloaded.
        """
        self.notes = notes or {}
        self.registry = registry
        self.language = language
        self.fallback = fallback
        self._absent = frozenset(absent)
        self._awaiting = frozenset(awaiting)
        everything = tuple(sorted(registry.engines, key=_preference))
        self._by_id = {each.id: each for each in everything}
        self._by_voice = {each.id: {_loose(voice.id): voice for voice in reversed(each.voices)} for each in everything}
        self.ready: tuple[EngineManifest, ...] = tuple(self._without_absent(each) for each in everything)
        """Every engine, with the voices that can speak now."""
        self.configured = default
        self.default = ""
        first = self._default()
        if first:
            self.default = first.name
            self.ready = tuple(sorted(self.ready, key=lambda each: each.id != first.manifest.id))
        self.engines: tuple[EngineManifest, ...] = (
            tuple(self._by_id[each.id] for each in self.ready) if advertise_absent else self.ready
        )
        """Those that clients are told of, the default's first."""
        self._resolved: dict[VoiceRequest, Choice] = {}  # a look through all voices takes a millisecond
        self._of_engine: dict[tuple[str, str], Choice] = {}

    def manifest(self, engine: str) -> EngineManifest:
        """The manifest of an engine. Raises VoiceError."""
        if engine not in self._by_id:
            raise VoiceError(f"No engine {echoed(engine)} is installed. Installed: {', '.join(self._by_id) or 'none'}.")
        return self._by_id[engine]

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Every marker of every engine: none of them is ever spoken, on any engine."""
        return tuple(marker for engine in self._by_id.values() for marker in engine.markers)

    def named(self, name: str) -> Choice:
        """The voice of that name, never another one. Raises VoiceError."""
        choice = self._by_name(name, self.ready)
        if not choice:
            raise VoiceError(self._unknown(name, self.ready))
        return choice

    def awaited(self, name: str, *, bare: bool = True) -> tuple[str, ...]:
        """Engines whose list of voices is not there and may hold this name, which nothing installed has.

        bare: a name without a slash may be a voice's; else it is an engine's.
        """
        engine, slash, _ = name.strip().lower().partition("/")
        if not engine or self._by_name(name, self.ready):
            return ()
        named = slash or not bare or engine in self._by_id or engine in PUBLISHED
        return tuple(each for each in self._by_id if each in self._awaiting and (not named or each == engine))

    def of_engine(self, engine: str, language: str) -> Choice:
        """An engine's voice for a language, else its first one. Raises VoiceError."""
        if known := self._of_engine.get((engine, language)):
            return known
        self.manifest(engine)
        ready = tuple(each for each in self.ready if each.id == engine)
        choice = self._by_language(language, ready) or self._first(ready)
        if not choice:
            raise VoiceError(f"Engine {engine!r} has no voice.{more_voices(self._awaiting & {engine})}")
        if len(self._of_engine) < MOST_REMEMBERED:
            self._of_engine[engine, language] = choice
        return choice

    def resolve(self, request: VoiceRequest) -> Choice:
        """The voice to speak with. Raises VoiceError, naming the nearest ones, when there is none and no fallback."""
        if known := self._resolved.get(request):
            return known
        choice = self._resolve_or_replace(request)
        said = len(request.name) + len(request.language) + len(request.speaker) + len(request.engine)
        if len(self._resolved) < MOST_REMEMBERED and said <= LONGEST_REMEMBERED:
            self._resolved[request] = choice
        return choice

    def _resolve_or_replace(self, request: VoiceRequest) -> Choice:
        try:
            return self._resolve(request)
        except VoiceError:
            if not self.fallback:
                raise
            replacement = self._by_language(request.language, self.ready) or self._default()
            if not replacement:
                raise
            asked = request.name or request.language or request.engine or request.speaker
            return replace(replacement, instead_of=asked[:MOST_ECHOED])

    def _resolve(self, request: VoiceRequest) -> Choice:
        if request.engine:
            self.manifest(request.engine)
        engines = tuple(each for each in self.ready if request.engine in ("", each.id))
        if not any(self._by_id[engine.id].voices for engine in engines):
            raise VoiceError(
                "No voice is installed. `meadowlark plugins` shows which engines are there and what is wrong."
                + more_voices(engine.id for engine in engines if engine.id in self._awaiting)
            )
        if request.name:
            choice = self._by_name(request.name, engines)
        elif request.language:
            choice = self._by_language(request.language, engines)
        else:
            choice = self._unasked(engines)
        if not choice and request.language and not request.name:
            raise VoiceError(self._unspoken(request.language, engines))
        if not choice:
            raise VoiceError(self._unknown(request.name, engines))
        return _with_speaker(choice, request.speaker)

    def _unasked(self, engines: tuple[EngineManifest, ...]) -> Choice | None:
        """Nothing was asked for: the default, or within one engine its voice for the default's language."""
        missing = self.configured if not self._configured() else ""
        comes = missing and self.awaited(missing)
        if missing and not (self.fallback or comes):
            raise VoiceError(self._unknown(missing, engines) + " It is the voice of the settings (`voice`).")
        default = self._default()
        if not default or default.manifest.id not in [each.id for each in engines]:
            return self._first(engines)
        return replace(default, instead_of=missing[:MOST_ECHOED]) if comes else default

    def _default(self) -> Choice | None:
        return self._configured() or self._first(self.ready)

    def _configured(self) -> Choice | None:
        """The voice of the settings, which may also name an engine or a language."""
        return self._by_name(self.configured, self.ready)

    def _first(self, engines: tuple[EngineManifest, ...]) -> Choice | None:
        """One in the house's language; else in English; else any."""
        return (
            self._by_language(self.language, engines)
            or self._by_language("en-US", engines)
            or next(_choices(engines), None)
        )

    def _by_name(self, name: str, engines: tuple[EngineManifest, ...]) -> Choice | None:
        engine, slash, rest = name.strip().partition("/")
        if slash:
            chosen = tuple(each for each in engines if each.id == engine.strip().lower())
            return self._find(rest.strip(), chosen) or self._by_tag(rest, chosen)
        found = self._find(engine, engines)
        if found and not found.manifest.last_resort:
            return found
        # "de" is the id of a last resort's voice, and a language that a better engine may speak
        better = self._by_tag(engine, tuple(each for each in engines if not each.last_resort))
        named = tuple(each for each in engines if each.id == engine.lower())
        if better or found or not named:
            return better or found or self._by_tag(engine, engines, lenient=True)
        return self._first(named) or self._any_waiting(named[0].id)

    def _any_waiting(self, engine: str) -> Choice | None:
        """A voice of an engine none of whose voices is ready: the house's language, else English, else the first."""
        manifest = self._by_id[engine]
        found = self._first((manifest,))
        return replace(found, waits=True) if found else None

    def _find(self, name: str, engines: tuple[EngineManifest, ...]) -> Choice | None:
        """By id, ignoring case and "_" against "-"; else as voice+variant."""
        base, plus, variant = name.rpartition("+")
        for engine in engines:
            if voice := self._by_voice[engine.id].get(_loose(name)):
                return self._choice(engine, voice)
        for engine in engines if plus else ():
            voice = self._by_voice[engine.id].get(_loose(base))
            known = next((each for each in engine.variants if each.lower() == variant.lower()), "")
            if voice and known:
                return replace(self._choice(engine, voice), variant=known)
        return None

    def _choice(self, engine: EngineManifest, voice: Voice) -> Choice:
        return Choice(engine, voice, language=voice.languages[0], waits=f"{engine.id}/{voice.id}" in self._absent)

    def _without_absent(self, engine: EngineManifest) -> EngineManifest:
        voices = tuple(each for each in engine.voices if f"{engine.id}/{each.id}" not in self._absent)
        return replace(engine, voices=voices) if len(voices) < len(engine.voices) else engine

    def _by_tag(self, name: str, engines: tuple[EngineManifest, ...], *, lenient: bool = False) -> Choice | None:
        """A language given as the name: a bare one ("de"), or as a voice has it ("en-GB"); "en_US-lessac" is none.

        lenient: any region will do ("de-AT" where German is spoken).
        """
        found = self._by_language(name, engines)
        meant = len(_tag(name)) == 1 or (lenient and LANGUAGE_NAME.fullmatch(name))
        return found if found and (meant or _tag(name) == _tag(found.language)) else None

    def _by_language(self, language: str, engines: tuple[EngineManifest, ...]) -> Choice | None:
        """The nearest: same tag, then same language with its usual region, then same language; a last resort last."""
        wanted = _tag(language)
        best: Choice | None = None
        best_score = (False, 0)
        for choice in _choices(engines) if wanted else ():
            for tag in choice.voice.languages:
                closeness = _closeness(wanted, _tag(tag))
                score = (not choice.manifest.last_resort, closeness)
                if closeness and score > best_score:
                    best, best_score = replace(choice, language=tag), score
        return best

    def _unknown(self, name: str, engines: tuple[EngineManifest, ...]) -> str:
        engine, slash, rest = name.partition("/")
        named = [each for each in engines if slash and each.id == engine.lower()] or list(engines)
        everything = tuple(self._by_id[each.id] for each in named)
        voices = {choice.voice.id: choice.name for choice in reversed(list(_choices(everything)))}
        lists = more_voices(self.awaited(name), (rest or name).strip(), self._by_id)
        return unknown_voice(name, voices, self._by_id, lists)

    def _unspoken(self, language: str, engines: tuple[EngineManifest, ...]) -> str:
        """That nobody here speaks a language, and what to do about it."""
        could_be_had = self._by_language(language, tuple(self._by_id[each.id] for each in engines))
        elsewhere = self._by_language(language, self.ready)
        return unspoken_language(
            language,
            sorted({tag[0] for each in engines for voice in each.voices for tag in map(_tag, voice.languages)}),
            could_be_had=could_be_had.name if could_be_had else "",
            elsewhere=elsewhere.name if elsewhere else "",
            widest=any(each.last_resort for each in self._by_id.values()),
        )


def _preference(manifest: EngineManifest) -> tuple[bool, str]:
    return manifest.last_resort, manifest.id


def _choices(engines: tuple[EngineManifest, ...]) -> Iterator[Choice]:
    for engine in engines:
        for voice in engine.voices:
            yield Choice(engine, voice, language=voice.languages[0])


def _loose(name: str) -> str:
    return name.lower().replace("_", "-")


def _with_speaker(choice: Choice, speaker: str) -> Choice:
    if not speaker:
        return choice
    for known in choice.voice.speakers:
        if known.lower() == speaker.lower():
            return replace(choice, speaker=known)
    raise VoiceError(unknown_speaker(choice.name, speaker, choice.voice.speakers))


USUAL_REGION = {
    "en": "us",
    "zh": "cn",
    "cs": "cz",
    "da": "dk",
    "sv": "se",
    "uk": "ua",
    "el": "gr",
    "ja": "jp",
}
"""The region a bare language means in Home Assistant's matching where it is not the language's own letters (de-DE)."""


def _tag(language: str) -> tuple[str, ...]:
    return tuple(language.strip().lower().replace("_", "-").split("-")) if language.strip() else ()


def _closeness(wanted: tuple[str, ...], offered: tuple[str, ...]) -> int:
    """0 = another language; higher is nearer."""
    if wanted[0] != offered[0]:
        return 0
    if wanted == offered:
        return 4
    usual = (wanted[0], USUAL_REGION.get(wanted[0], wanted[0]))
    if len(wanted) == 1:
        return 3 if offered == usual else 2
    if offered == wanted[:1]:
        return 3
    return 2 if offered == usual else 1
