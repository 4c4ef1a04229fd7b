"""What a plugin raised, in one line for the user. Pure."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path


def describe(error: BaseException) -> str:
    """ "ImportError: No module named 'x' (my_plugin.py, line 3)": the line of the plugin, not of what it calls."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith("<frozen")]
    own = [each for each in frames if not _is_ours_or_pythons(each.filename)]
    place = f" ({Path(own[0].filename).name}, line {own[0].lineno})" if own else ""
    return f"{type(error).__name__}: {one_line(error)}{place}"


def _is_ours_or_pythons(filename: str) -> bool:
    path = Path(filename)
    return path.parent == Path(__file__).parent or path.is_relative_to(Path(importlib.__file__).parent)


def one_line(error: BaseException) -> str:
    """Its text without line ends."""
    return " ".join(str(error).split())
