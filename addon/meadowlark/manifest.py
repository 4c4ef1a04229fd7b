"""What makes a manifest valid. Pure; used at discovery and by the conformance suite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .api import EngineManifest, Marker, Voice

ENGINE_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
PIPELINE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
"""BCP 47 (RFC 5646) as far as syntax goes, plus the underscore that Home Assistant accepts."""

SAMPLE_RATES = range(8_000, 96_001)


def problems(manifest: EngineManifest) -> Iterator[str]:
    """Everything wrong with a manifest, each with the value that is wrong; nothing when it is fine."""
    if not ENGINE_ID.fullmatch(manifest.id):
        yield f"engine id {manifest.id!r}: use lower-case letters, digits, '_' and '-'"
    if not PIPELINE.fullmatch(manifest.pipeline):
        yield f"pipeline {manifest.pipeline!r}: write 'package.module:Class'"
    if manifest.sample_rate not in SAMPLE_RATES:
        yield f"sample_rate {manifest.sample_rate}: expected {SAMPLE_RATES.start} to {SAMPLE_RATES.stop - 1} Hz"
    if not manifest.license:
        yield "license is empty: give an SPDX expression of the code and of the weights"
    if manifest.max_batch < 1:
        yield f"max_batch {manifest.max_batch}: at least 1"
    for kind, size in manifest.memory.items():
        if size < 0:
            yield f"memory[{kind!r}] is {size}: bytes cannot be negative"
    yield from _repeated("voice", (voice.id for voice in manifest.voices))
    yield from _repeated("marker", (marker.name for marker in manifest.markers))
    for voice in manifest.voices:
        yield from voice_problems(voice)
    for marker in manifest.markers:
        yield from marker_problems(marker)


def voice_problems(voice: Voice) -> Iterator[str]:
    """Everything wrong with a voice."""
    if not voice.id or "/" in voice.id or voice.id != voice.id.strip():
        yield f"voice id {voice.id!r}: not empty, no '/', no spaces around it"
    if not voice.languages:
        yield f"voice {voice.id!r} names no language: Home Assistant lists voices by language"
    for language in voice.languages:
        if not LANGUAGE.fullmatch(language):
            yield f"voice {voice.id!r}: {language!r} is not a BCP 47 tag such as 'en-GB'"


def marker_problems(marker: Marker) -> Iterator[str]:
    """Everything wrong with a marker."""
    for name in (marker.name, *marker.aliases):
        if not name or name != " ".join(name.lower().split()):
            yield f"marker {name!r}: lower case, single spaces, not empty"


def _repeated(what: str, ids: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            yield f"{what} {each!r} is registered twice"
        seen.add(each)
