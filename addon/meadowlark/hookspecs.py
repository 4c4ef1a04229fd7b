"""The four hooks of a plugin. Those that register are handed `register`; call it as often as you like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pluggy

from .api import EngineManifest, Marker, Value, Voice

PROJECT = "meadowlark"
"""Name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def register_engines(register: Callable[[EngineManifest], None]) -> None:
    """Register the engines of this plugin."""


@hookspec
def register_voices(
    register: Callable[[str, Voice], None],
    voice_dir: Path,
    model_dir: Path,
    files: Mapping[str, Mapping[str, str]],
) -> None:
    """Register voices found at run time, as (engine id, voice): files in `voice_dir`, data of a library.

    model_dir: where downloads are kept, a folder for each engine. files: of each engine, the paths of those assets of
    its manifest that are there, by `Asset.key`: a list of voices, say.
    """


@hookspec
def register_markers(register: Callable[[str, Marker], None]) -> None:
    """Register markers, as (engine id, marker): a manifest's own, or more for somebody else's engine."""


@hookspec
def check_options(engine: str, options: Mapping[str, Value]) -> None:
    """Raise OptionError for the first of the user's options for an engine of this plugin that is wrong."""


HOOKS = tuple(name for name, hook in list(globals().items()) if hasattr(hook, f"{PROJECT}_spec"))
"""Their names."""
