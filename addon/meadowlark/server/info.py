"""What clients are told about us: the catalog as Wyoming's `info`.

Home Assistant uses the first program alone, so all engines' voices are there, named "engine/voice". After it comes one
program per engine, for clients that send `select-program`; the voices keep their full names there, which mean the same
with and without it.

A voice for a region is also told without it ("en-US", hence "en"). Home Assistant refuses to speak a language that is
not on the list, and in a country without an English of its own it took the first in the alphabet: "en-029", Caribbean.

Home Assistant sorts the voices of a language by description, and a pipeline that it makes by itself takes the first.
Hence leading spaces, which sort before every letter and which no list shows: a voice that the catalog prefers for a
language, and that the alphabet does not put first, has two for its engine and two for each engine after that, and one
more where other regions' voices are on the same list; the default voice has the most. All other voices stand in order
of the alphabet.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict

import msgspec
from wyoming.event import Event
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from .. import __version__, api
from ..api import EngineManifest, Voice
from ..catalog import USUAL_REGION, Catalog
from .framing import encode

_LOGGER = logging.getLogger(__name__)

PROGRAM = "meadowlark"
"""Name of the first program. Home Assistant makes entity ids and unique ids of it: never change it."""


_REGIONAL = re.compile(r"([a-z]{2,3})[-_](?:[a-z]{2}|[0-9]{3})(?![a-z0-9])", re.IGNORECASE)
"""A language and its region; not a script, whose voices could not read the language's usual letters."""


class InfoBytes:
    """The `info` event of the current catalog, built once: Home Assistant asks every 30 s, and during speech."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._bytes = b""

    def of(self, catalog: Catalog) -> bytes:
        """Return the event's bytes; microseconds unless the catalog was replaced."""
        if catalog is not self._catalog:
            self._bytes = _event(build(catalog))
            self._catalog = catalog
        return self._bytes


def build(catalog: Catalog) -> Info:
    """Return all advertised voices of all engines; valid even when there are none."""
    indents = _indents(catalog)
    engines = [
        _program(engine, indents, catalog.notes.get(engine.id, ""))
        for engine in catalog.engines
        if any(map(_advertised, engine.voices))
    ]
    voices = [voice for engine in engines for voice in engine.voices]
    if not voices:
        _LOGGER.warning("No engine has a voice, so Home Assistant cannot add this server: see `meadowlark plugins`")
    first = TtsProgram(
        name=PROGRAM,
        attribution=Attribution("Meadowlark", ""),
        installed=True,
        description="Meadowlark: every voice engine behind one port",
        version=__version__,
        voices=voices,
        supports_synthesize_streaming=True,
    )
    return Info(tts=[first, *engines])


def _event(info: Info) -> bytes:
    """What `framing.encode` gives, in 2 ms for 1,300 voices instead of 60, for which all replies would wait."""
    data = {key: value for key, value in msgspec.to_builtins(info).items() if value is not None}
    body = msgspec.json.encode(data)
    head = msgspec.json.decode(encode(Event("info")))  # the library's, with its version
    return msgspec.json.encode(head | {"data_length": len(body)}) + b"\n" + body


def _program(engine: EngineManifest, indents: dict[str, int], note: str) -> TtsProgram:
    return TtsProgram(
        name=engine.id,
        attribution=_attribution(engine),
        installed=True,
        description=f"{engine.description or engine.title}{f' (at rest: it {note})' if note else ''}",
        version=__version__,
        voices=[_voice(engine, voice, indents) for voice in filter(_advertised, engine.voices)],
        supports_synthesize_streaming=True,
    )


def _voice(engine: EngineManifest, voice: Voice, indents: dict[str, int]) -> TtsVoice:
    name = f"{engine.id}/{voice.id}"
    return TtsVoice(
        name=name,
        attribution=_attribution(engine, voice),
        installed=True,
        description=" " * indents.get(name, 0) + _description(engine, voice),
        version=None,
        languages=_languages(voice),
        speakers=[TtsVoiceSpeaker(speaker) for speaker in voice.speakers] or None,
    )


def _description(engine: EngineManifest, voice: Voice) -> str:
    return f"{voice.name or voice.id} · {engine.title}"


def _languages(voice: Voice) -> list[str]:
    """Return a voice's languages, then those that they are without their region."""
    bare = [match[1].lower() for match in map(_REGIONAL.match, voice.languages) if match]
    return list(dict.fromkeys([*voice.languages, *bare]))


def _indents(catalog: Catalog) -> dict[str, int]:
    """Return how many spaces the descriptions begin with of those preferred voices that need any to be shown first."""
    first: dict[str, str] = {}
    shown: defaultdict[str, dict[str, str]] = defaultdict(dict)
    wanted: dict[str, int] = {}
    for position, engine in enumerate(catalog.engines):
        speakers: defaultdict[str, list[Voice]] = defaultdict(list)
        for voice in filter(_advertised, engine.voices):
            for language in _languages(voice):
                speakers[language].append(voice)
                shown[language][f"{engine.id}/{voice.id}"] = _description(engine, voice)
        for language in speakers.keys() - first.keys():
            first[language] = name = f"{engine.id}/{_preferred(speakers[language], language).id}"
            mixed = any(language not in voice.languages for voice in speakers[language])
            wanted[name] = max(wanted.get(name, 0), 2 * (len(catalog.engines) - position) + mixed)
    indents = {catalog.default: 2 * len(catalog.engines) + 2}
    late = {catalog.default}
    while late:  # what moves up in one language may pass another voice in the next
        late.clear()
        for language, name in first.items():
            texts = shown[language]
            top = min(texts, key=lambda each: " " * indents.get(each, 0) + texts[each])
            if top not in (name, catalog.default) and name not in indents:
                late.add(name)
        indents.update({name: wanted[name] for name in late})
    return indents


def _preferred(voices: list[Voice], language: str) -> Voice:
    """Return the first that names the language itself, else its usual region, else any."""
    usual = f"{language}-{USUAL_REGION.get(language, language)}"

    def distance(voice: Voice) -> int:
        if language in voice.languages:
            return 0
        return 1 if usual in (tag.lower().replace("_", "-") for tag in voice.languages) else 2

    return min(voices, key=distance)


def _advertised(voice: Voice) -> bool:
    return voice.advertised and bool(voice.languages)  # without a language Home Assistant could show it nowhere


def _attribution(engine: EngineManifest, voice: Voice | None = None) -> Attribution:
    """Return whom to thank; Wyoming clients fail without an attribution, so the engine's title is the last resort."""
    given = (voice and voice.attribution) or engine.attribution or api.Attribution(engine.title)
    return Attribution(given.name, given.url)
