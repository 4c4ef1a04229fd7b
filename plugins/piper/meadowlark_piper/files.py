"""Which voices lie in the folders: pairs of NAME.onnx and NAME.onnx.json."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .config import PHONEME_TYPES, UNAVAILABLE, VoiceConfig, read
from .errors import VoiceFileError

SUFFIX = ".onnx.json"
OWN_FOLDER = "piper"
"""Below a voices folder: searched at any depth, so that a copy of the catalogue's folders works as it is."""


@dataclass(frozen=True, slots=True)
class FoundVoice:
    """A voice on disk."""

    id: str
    """The files' name: "en_US-lessac-medium"."""

    model: Path
    config: VoiceConfig


def find(folders: Iterable[Path], complain: Callable[[str], None]) -> Iterator[FoundVoice]:
    """Every usable voice, the first of each name; what cannot be used is told to `complain`, a line each."""
    seen: set[str] = set()
    for path in _descriptions(folders):
        name = path.name.removesuffix(SUFFIX)
        if name in seen:
            continue
        try:
            voice = _voice(name, path)
        except VoiceFileError as error:
            complain(str(error))
            continue
        seen.add(name)
        yield voice


def _voice(name: str, path: Path) -> FoundVoice:
    model = path.with_name(f"{name}.onnx")
    if not model.is_file():
        raise VoiceFileError(f"{path} describes a voice whose {model.name} is not beside it")
    config = read(path)
    if config.phoneme_type not in PHONEME_TYPES:
        reason = UNAVAILABLE.get(config.phoneme_type, "nothing here makes its phonemes")
        raise VoiceFileError(f"voice {name} cannot be spoken: phoneme type {config.phoneme_type!r}, {reason}")
    return FoundVoice(name, model.absolute(), config)


def _descriptions(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from _listed(folder)
        for place, _, names in os.walk(folder / OWN_FOLDER):
            yield from (Path(place, name) for name in sorted(names) if name.endswith(SUFFIX))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except OSError:  # not there, or not ours to read
        return []
