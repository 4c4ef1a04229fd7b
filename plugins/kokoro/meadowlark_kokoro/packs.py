"""A voice's styles: a row of 256 numbers for each length of text, and mixtures of them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .blends import Blend, written
from .errors import ModelFileError
from .files import divided

WIDTH = 256

Pack = NDArray[np.float32]
"""Shape (rows, 256)."""


def load(path: Path, voice: str) -> Pack:
    """A voice of an archive, or a raw file. Raises ModelFileError."""
    try:
        if zipfile.is_zipfile(path):
            with np.load(path) as archive:  # pickles are refused
                values = archive[voice]
        else:
            values = np.fromfile(path, "<f4")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"voice {voice} cannot be read from {path}: {error}") from error
    if not values.size or values.size % WIDTH or not np.issubdtype(values.dtype, np.floating):
        raise ModelFileError(f"{path} holds no voice {voice}: {values.size} numbers of type {values.dtype}")
    pack: Pack = np.ascontiguousarray(values.reshape(-1, WIDTH), np.float32)
    if not np.isfinite(pack).all():
        raise ModelFileError(f"voice {voice} in {path} holds numbers that are none; download it again")
    return pack


def mixed(blend: Blend, files: Mapping[str, Path]) -> Pack:
    """The weighted mean of the voices of a blend. Raises ModelFileError for a voice that is not there, and for voices
    of different models."""
    if missing := [voice for voice, _ in blend if voice not in files]:
        raise ModelFileError(f"voice {', '.join(missing)} is not there; there are {', '.join(sorted(files)) or 'none'}")
    if why := divided((voice for voice, _ in blend), files):
        raise ModelFileError(f"blend {written(blend)}: {why}")
    packs = [(load(files[voice], voice), share) for voice, share in blend]
    rows = min(len(pack) for pack, _ in packs)
    total: Pack = sum((pack[:rows] * np.float32(share) for pack, share in packs), np.zeros((rows, WIDTH), np.float32))
    return total


def row(pack: Pack, tokens: int) -> Pack:
    """The style for so many tokens, as (1, 256): row n - 1, as the voices were made; the last one beyond."""
    index = min(max(tokens, 1), len(pack)) - 1
    return pack[index : index + 1]
