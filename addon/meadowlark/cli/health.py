"""`meadowlark health`: does a running server answer? For the container's health check."""

from __future__ import annotations

import asyncio
import sys

from ..server.health import check


def health(uri: str, timeout: float) -> None:
    """Say what answers; raises MeadowlarkError when nothing does."""
    info = asyncio.run(check(uri, timeout))
    programs = info.tts[:1]
    voices = sum(len(program.voices) for program in programs)
    name = programs[0].name if programs else "a server without speech"
    sys.stdout.write(f"{name} answers at {uri} with {voices} voices.\n")
