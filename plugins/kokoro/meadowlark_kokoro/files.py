"""Which of Kokoro's files lie in the folders, of whichever layout they are. Light: opens no model.

kokoro-v1.0.onnx + voices-v1.0.bin        kokoro-onnx (v1.0 and v1.1): the voices in one archive of numpy arrays
onnx/model.onnx + voices/af_heart.bin     onnx-community: a raw file for each voice
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .voices import rank

OWN_FOLDER = "kokoro"
BELOW = ("", "onnx", "voices")
"""Folders below one that are searched as well."""

CHINESE = "v1.1-zh"
"""In the names of the model and the archive of voices that have an alphabet of their own."""

V1_0 = "v1.0"

RAW_BYTES = 510 * 256 * 4
"""A voice of onnx-community: float32, one row for each number of tokens."""

_ORDER = (("", 0), ("fp16", 1), ("uint8", 2), ("q8", 3), ("int8", 3), ("quantized", 3), ("q4", 4))


@dataclass(frozen=True, slots=True)
class Found:
    """What is there."""

    models: tuple[Path, ...] = ()
    """Best first: fp32, fp16, then smaller ones."""

    voices: dict[str, Path] = field(default_factory=dict)
    """Name → the file that it is in."""

    def model_for(self, voice: str) -> Path:
        """The best of those that a voice was made for: v1.1-zh and the others share none."""
        wanted = generation(self.voices[voice]) if voice in self.voices else V1_0
        return next((each for each in self.models if generation(each) == wanted), self.models[0])


def look(folders: Iterable[Path], complain: Callable[[str], None] = lambda _: None) -> Found:
    """Models and voices in the folders; the first of each name counts."""
    models: dict[str, Path] = {}
    voices: dict[str, Path] = {}
    for folder in folders:
        for path in _files(folder):
            if path.suffix == ".onnx" and ("kokoro" in path.stem.lower() or path.stem.startswith("model")):
                models.setdefault(path.name, path)
            elif path.suffix in {".bin", ".npz"}:
                for name in _voices_in(path, complain):
                    voices.setdefault(name, path)
    ordered = {name: voices[name] for name in sorted(voices, key=rank)}
    return Found(tuple(sorted(models.values(), key=_preference)), ordered)


def generation(path: Path) -> str:
    """Which of the two models a file is, or its voices were made for: one's styles say nothing to the other."""
    return CHINESE if CHINESE in path.stem else V1_0


def divided(voices: Iterable[str], files: Mapping[str, Path]) -> str:
    """Why voices cannot be blended; empty where they can."""
    first: dict[str, str] = {}
    for voice in voices:
        if voice in files:
            first.setdefault(generation(files[voice]), voice)
    told = (f"{voice} is a voice of Kokoro {model} ({files[voice].name})" for model, voice in first.items())
    return f"{' and '.join(told)}; only voices of the same model can be blended" if len(first) > 1 else ""


def folders(*roots: Path) -> tuple[Path, ...]:
    """Each root and its folder for this engine."""
    return tuple(each for root in roots for each in (root / OWN_FOLDER, root))


def _files(folder: Path) -> Iterator[Path]:
    for name in BELOW:
        try:
            yield from sorted(path for path in (folder / name).iterdir() if path.is_file())
        except OSError:  # not there, or not ours to read
            continue


def _voices_in(path: Path, complain: Callable[[str], None]) -> list[str]:
    """An archive's names, or the file's own where it has a raw voice's size; none of another program's .bin."""
    try:
        if path.stat().st_size == RAW_BYTES:
            return [path.stem]
        if not zipfile.is_zipfile(path):
            return []
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except (OSError, zipfile.BadZipFile) as error:
        complain(f"{path} cannot be read: {error}")
        return []


def _preference(path: Path) -> tuple[int, str]:
    """The smaller a file is for its precision, the later."""
    stem = path.stem.lower()
    return max(order for mark, order in _ORDER if mark in stem), path.name
