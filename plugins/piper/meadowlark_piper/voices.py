"""A voice as Home Assistant should see it: ids, names and BCP 47 tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from meadowlark.api import Asset, Attribution, Value, Voice

from .files import FoundVoice

MANY_SPEAKERS = 16
"""Voices with more speakers are listed once: libritts has 904, and they are known by number only."""

CATALOGUE = Attribution("Piper voices", "https://huggingface.co/rhasspy/piper-voices")

_TAG = re.compile(r"([a-z]{2,3})[_-]([A-Z]{2}|[0-9]{3})(?![A-Za-z0-9])")
_BARE = re.compile(r"[a-z]{2,3}(?![A-Za-z0-9])")


def voices_of(found: FoundVoice) -> Iterator[Voice]:
    """The voice, then one of its own for each of its speakers.

    The id is the name that wyoming-piper gives it, so that automations stay as they are.
    """
    base: dict[str, Value] = {"model": str(found.model)}
    languages = (tag(found.config.language) or tag(found.id) or _espeak_tag(found.config.espeak_voice) or "und",)
    yield Voice(
        id=found.id,
        languages=languages,
        name=title(found.id),
        speakers=tuple(found.config.speakers),
        options=base,
        attribution=CATALOGUE,
    )
    yield from speaker_voices(found.id, languages, found.config.speakers, base)


def speaker_voices(
    voice: str,
    languages: tuple[str, ...],
    speakers: Iterable[str],
    options: Mapping[str, Value],
    assets: tuple[Asset, ...] = (),
) -> Iterator[Voice]:
    """A voice for each speaker whose name can stand in an id: "de_DE-thorsten_emotional-medium+angry"."""
    speakers = tuple(speakers)
    for speaker in speakers:
        if speaker and "/" not in speaker and speaker == speaker.strip():
            yield Voice(
                id=f"{voice}+{speaker}",
                languages=languages,
                name=f"{title(voice)}, {speaker}",
                options={**options, "speaker": speaker},
                attribution=CATALOGUE,
                advertised=len(speakers) <= MANY_SPEAKERS,
                assets=assets,
            )


def tag(text: str) -> str:
    """The BCP 47 tag that a voice's name or language code begins with; empty where it begins with none."""
    if match := _TAG.match(text):
        return f"{match[1]}-{match[2]}"
    match = _BARE.match(text)
    return match[0] if match else ""


def title(voice: str) -> str:
    """ "lessac (medium)" of "en_US-lessac-medium"."""
    _, _, rest = voice.partition("-")
    name, _, quality = rest.rpartition("-")
    if name and quality in {"x_low", "low", "medium", "high"}:
        return f"{name} ({quality})"
    return rest or voice


def _espeak_tag(voice: str) -> str:
    """Of espeak-ng's "gmw/en-us": "en-US"; what is no region is left away."""
    language, _, region = voice.rpartition("/")[2].partition("-")
    if not (language.isalpha() and 2 <= len(language) <= 3):
        return ""
    return f"{language}-{region.upper()}" if len(region) == 2 else language
