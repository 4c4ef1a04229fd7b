"""Piper: the voices that Home Assistant's users have, heard while the sentence is still being computed.

Light: reads the voices' JSON files and loads nothing; the work is done in `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from meadowlark.api import Attribution, EngineManifest, Value, Voice, hookimpl

from . import catalogue, settings, voices
from .errors import VoiceFileError
from .files import find
from .styles import MARKERS

HOMES = (Path("/share/piper"), Path("/data"))
"""Where Home Assistant's users keep voices of their own, and where wyoming-piper downloads to."""

RATE = 22050
"""Hz, of medium and high voices; those of 16 kHz are brought to it."""


@hookimpl
def register_engines(register: Callable[[EngineManifest], None]) -> None:
    """Register the engine; its voices are files."""
    register(manifest())


@hookimpl
def register_voices(
    register: Callable[[str, Voice], None], voice_dir: Path, model_dir: Path, files: Mapping[str, Mapping[str, str]]
) -> None:
    """Register the voices that are there, then those of the catalogue that could be downloaded.

    Raises VoiceFileError in the end, with all files that cannot be used.
    """
    wrong: list[str] = []
    seen: set[str] = set()
    for found in find((voice_dir, *HOMES), wrong.append):
        seen.add(found.id)
        for voice in voices.voices_of(found):
            register("piper", voice)
    for entry in catalogue.read(files.get("piper", {}).get(catalogue.FILE, ""), wrong.append):
        if entry.key not in seen:
            seen.add(entry.key)
            for voice in catalogue.voices_of(entry):
                register("piper", voice)
    for found in find((model_dir,), lambda _: None):  # downloaded, and the catalogue has it no more
        if found.id not in seen:
            for voice in voices.voices_of(found):
                register("piper", voice)
    if wrong:
        raise VoiceFileError("; ".join(wrong))


@hookimpl
def check_options(options: Mapping[str, Value]) -> None:
    """Raise OptionError for what Piper cannot do."""
    settings.check(options)


def manifest() -> EngineManifest:
    """What the core knows of the engine."""
    return EngineManifest(
        id="piper",
        title="Piper",
        license="GPL-3.0-or-later",  # each voice's own licence is in its MODEL_CARD
        pipeline="meadowlark_piper.pipeline:PiperPipeline",
        sample_rate=RATE,
        markers=MARKERS,
        memory={"cpu": 220 * 1024**2, "cuda": 700 * 1024**2},
        preload=("numpy", "meadowlark_piper.settings"),
        assets=(catalogue.ASSET,),
        streaming=True,
        max_batch=16,  # of listeners heard at once; each waits with its frames: 0.7 MB for 10 s
        alternates=True,
        samples=True,  # the duration predictor draws random numbers
        attribution=Attribution("Piper", "https://github.com/OHF-Voice/piper1-gpl"),
        description="Small neural voices for many languages, quick on a Raspberry Pi",
    )
