"""What clients are told about us: the catalog as Wyoming's `info`.

Home Assistant uses the first program alone, so all engines' voices are there, named "engine/voice". After it comes one
program per engine, for clients that send `select-program`; the voices keep their full names there, which mean the same
with and without it.

Home Assistant sorts the voices of a language by description, and a pipeline that it makes by itself takes the first.
Hence leading spaces, which sort before every letter and which no list shows: the voice that the catalog prefers for a
language has one for its engine and one for each engine after that, the default voice one more. All other voices stand
in order of the alphabet.
"""

from __future__ import annotations

import logging

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from .. import __version__, api
from ..api import EngineManifest, Voice
from ..catalog import Catalog
from .framing import encode

_LOGGER = logging.getLogger(__name__)

PROGRAM = "meadowlark"
"""Name of the first program. Home Assistant makes entity ids and unique ids of it: never change it."""


class InfoBytes:
    """The `info` event of the current catalog, built once: Home Assistant asks every 30 s, and during speech."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._bytes = b""

    def of(self, catalog: Catalog) -> bytes:
        """Return the event's bytes; microseconds unless the catalog was replaced."""
        if catalog is not self._catalog:
            self._bytes = encode(build(catalog).event())
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
        description=f"{' ' * indents.get(name, 0)}{voice.name or voice.id} · {engine.title}",
        version=None,
        languages=list(voice.languages),
        speakers=[TtsVoiceSpeaker(speaker) for speaker in voice.speakers] or None,
    )


def _indents(catalog: Catalog) -> dict[str, int]:
    """Return how many spaces each preferred voice's description begins with."""
    served: set[str] = set()
    indents = {catalog.default: len(catalog.engines) + 1}
    for position, engine in enumerate(catalog.engines):
        for voice in filter(_advertised, engine.voices):
            if not served.issuperset(voice.languages):
                indents.setdefault(f"{engine.id}/{voice.id}", len(catalog.engines) - position)
            served.update(voice.languages)
    return indents


def _advertised(voice: Voice) -> bool:
    return voice.advertised and bool(voice.languages)  # without a language Home Assistant could show it nowhere


def _attribution(engine: EngineManifest, voice: Voice | None = None) -> Attribution:
    """Return whom to thank; Wyoming clients fail without an attribution, so the engine's title is the last resort."""
    given = (voice and voice.attribution) or engine.attribution or api.Attribution(engine.title)
    return Attribution(given.name, given.url)
