"""The three hooks of a plugin. Each is handed `register`; call it as often as you like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pluggy

from .api import EngineManifest, Marker, Voice

PROJECT = "meadowlark"
"""Name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def register_engines(register: Callable[[EngineManifest], None]) -> None:
    """Register the engines of this plugin."""


@hookspec
def register_voices(register: Callable[[str, Voice], None], voice_dir: Path) -> None:
    """Register voices found at run time, as (engine id, voice): files in `voice_dir`, data of a library."""


@hookspec
def register_markers(register: Callable[[str, Marker], None]) -> None:
    """Register markers, as (engine id, marker): a manifest's own, or more for somebody else's engine."""
