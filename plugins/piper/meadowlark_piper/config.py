"""What a voice's JSON says. Light: read at every start for every voice."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import VoiceFileError

PHONEME_TYPES = ("espeak", "text")
"""What can be spoken here."""

UNAVAILABLE = {
    "pinyin": "its Chinese text needs g2pW and its dictionaries",
    "japanese": "its Japanese text needs pyopenjtalk and its dictionary",
    "thai": "its Thai text needs a word segmenter and a pronouncing dictionary",
    "hebrew": "its Hebrew text needs a model that writes the vowel points",
}
"""Phoneme type → why not."""

HOP = 256


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """A voice as its JSON describes it."""

    sample_rate: int
    phoneme_ids: Mapping[str, tuple[int, ...]]
    """Symbol → what the model is given for it."""

    phoneme_type: str = "espeak"
    espeak_voice: str = ""
    phoneme_map: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Symbol → the symbols that stand for it in this voice."""

    speakers: Mapping[str, int] = field(default_factory=dict)
    """Name → number; empty for a voice with one speaker."""

    default_speaker: int = 0
    noise_scale: float = 0.667
    length_scale: float = 1.0
    noise_w: float = 0.8
    hop: int = HOP
    """Samples in a frame."""

    language: str = ""
    """As "en_US"; empty where the file does not say."""

    dataset: str = ""
    quality: str = ""


def read(path: Path) -> VoiceConfig:
    """Raises VoiceFileError, naming the file, what is wrong and the remedy."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise VoiceFileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise VoiceFileError(f"{path} is not JSON; was it cut off? Download it again") from error
    try:
        return parse(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"it has no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
        raise VoiceFileError(f"{path} does not describe a Piper voice: {what}") from error


def parse(found: Any) -> VoiceConfig:
    """The JSON's content. Raises KeyError for what is missing, ValueError or TypeError for what is wrong."""
    if not isinstance(found, dict):
        raise TypeError("it holds no object")
    espeak = found.get("espeak") or {}
    kind = str(found.get("phoneme_type") or "espeak").rpartition(".")[2].lower()
    inference = found.get("inference") or {}
    if kind == "espeak" and not espeak.get("voice"):
        raise KeyError("espeak.voice")
    speakers = {str(name): int(number) for name, number in (found.get("speaker_id_map") or {}).items()}
    count = int(found.get("num_speakers") or 1)
    if count > 1 and not speakers:
        speakers = {str(number): number for number in range(count)}
    return VoiceConfig(
        sample_rate=_number(found["audio"], "sample_rate", "audio.sample_rate", 8000, 48000),
        phoneme_ids={symbol: _ids(symbol, ids) for symbol, ids in found["phoneme_id_map"].items()},
        phoneme_type=kind,
        espeak_voice=str(espeak.get("voice") or ""),
        phoneme_map={symbol: tuple(others) for symbol, others in (found.get("phoneme_map") or {}).items()},
        speakers=speakers if count > 1 else {},
        default_speaker=int(found.get("default_speaker_id") or 0),
        noise_scale=_finite(inference, "noise_scale", 0.667),
        length_scale=_finite(inference, "length_scale", 1.0),
        noise_w=_finite(inference, "noise_w", 0.8),
        hop=int(found.get("hop_length") or HOP),
        language=str((found.get("language") or {}).get("code") or ""),
        dataset=str(found.get("dataset") or ""),
        quality=str(found["audio"].get("quality") or ""),
    )


def _number(mapping: Mapping[str, Any], key: str, name: str, low: int, high: int) -> int:
    if key not in mapping:
        raise KeyError(name)
    value = int(mapping[key])
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, expected {low} to {high}")
    return value


def _ids(symbol: str, ids: Any) -> tuple[int, ...]:
    """A list, or in old files a single number."""
    return tuple(int(each) for each in (ids if isinstance(ids, list) else [ids]))


def _finite(mapping: Mapping[str, Any], key: str, normal: float) -> float:
    value = float(mapping.get(key, normal))
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"inference.{key} is {value}")
    return value
