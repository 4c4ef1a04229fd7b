"""A voice on disk as Home Assistant should see it: ids, names and BCP 47 tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meadowlark.api import Attribution, Value, Voice

from .files import FoundVoice

MANY_SPEAKERS = 16
"""Voices with more speakers are listed once: libritts has 904, and they are known by number only."""

_TAG = re.compile(r"([a-z]{2,3})[_-]([A-Z]{2}|[0-9]{3})(?![A-Za-z0-9])")
_BARE = re.compile(r"[a-z]{2,3}(?![A-Za-z0-9])")
CATALOGUE = Attribution("Piper voices", "https://huggingface.co/rhasspy/piper-voices")


def voices_of(found: FoundVoice) -> Iterator[Voice]:
    """The voice, then one of its own for each of its speakers.

    The id is the name that wyoming-piper gives it, so that automations stay as they are.
    """
    base: dict[str, Value] = {"model": str(found.model)}
    title = _title(found)
    tags = languages(found)
    yield Voice(
        id=found.id,
        languages=tags,
        name=title,
        speakers=tuple(found.config.speakers),
        options=base,
        attribution=CATALOGUE,
    )
    for speaker in found.config.speakers:
        if usable_in_id(speaker):
            yield Voice(
                id=f"{found.id}+{speaker}",
                languages=tags,
                name=f"{title}, {speaker}",
                options={**base, "speaker": speaker},
                attribution=CATALOGUE,
                advertised=len(found.config.speakers) <= MANY_SPEAKERS,
            )


def languages(found: FoundVoice) -> tuple[str, ...]:
    """BCP 47 tags: what the file says, else what its name begins with, else espeak-ng's voice."""
    for said in (found.config.language, found.id):
        if match := _TAG.match(said):
            return (f"{match[1]}-{match[2]}",)
        if match := _BARE.match(said):
            return (match[0],)
    espeak = found.config.espeak_voice.rpartition("/")[2]
    language, _, region = espeak.partition("-")
    if language.isalpha() and 2 <= len(language) <= 3:
        return (f"{language}-{region.upper()}" if len(region) == 2 else language,)
    return ("und",)


def usable_in_id(speaker: str) -> bool:
    """Whether a speaker's name can stand in a voice's id."""
    return bool(speaker.strip()) and "/" not in speaker and speaker == speaker.strip()


def _title(found: FoundVoice) -> str:
    """ "lessac (medium)" of "en_US-lessac-medium"."""
    _, _, rest = found.id.partition("-")
    name, _, quality = rest.rpartition("-")
    if name and quality in {"x_low", "low", "medium", "high"}:
        return f"{name} ({quality})"
    return rest or found.id
