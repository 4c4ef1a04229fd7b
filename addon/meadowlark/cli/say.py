"""`meadowlark say`: speak a text here, into a file or through the loudspeaker."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import IO

from ..catalog import VoiceRequest
from ..errors import MeadowlarkError, RequestError
from ..settings import Settings
from ..speech import SpeechRequest
from .wiring import open_house

PLAYERS = (
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("ffplay", "-loglevel", "error", "-nodisp", "-autoexit"),
    ("afplay",),
)
"""Programs that play a WAV file given as their last argument, the likeliest to work first."""


def say(settings: Settings, text: str, voice: VoiceRequest, output: str) -> None:
    """Speak. text: "-" reads standard input. output: a file, "-" for standard output, or empty to play it."""
    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        raise RequestError(
            'There is nothing to say: write the text, as in `meadowlark say "Hello"`, or "-" to read it.'
        )
    if output == "-":
        asyncio.run(_speak(settings, text, voice, sys.stdout.buffer))
    elif output:
        _into(Path(output), settings, text, voice)
    else:
        _play(settings, text, voice)


def _into(path: Path, settings: Settings, text: str, voice: VoiceRequest) -> None:
    """A file that is whole or not there."""
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            summary = asyncio.run(_speak(settings, text, voice, file))
        aside.replace(path)
    except OSError as error:
        raise MeadowlarkError(f"Cannot write {path}: {error.strerror}.") from error
    finally:
        aside.unlink(missing_ok=True)
    _tell(f"{summary} Wrote {path}.")


def _play(settings: Settings, text: str, voice: VoiceRequest) -> None:
    with tempfile.NamedTemporaryFile(prefix="meadowlark-", suffix=".wav", delete=False) as file:
        summary = asyncio.run(_speak(settings, text, voice, file))
    _tell(summary)
    for player in PLAYERS:
        if shutil.which(player[0]) and not subprocess.run([*player, file.name], check=False).returncode:
            Path(file.name).unlink()
            return
    _tell(f"No sound device or player works here; the speech is in {file.name}. Choose a file with --output FILE.")


async def _speak(settings: Settings, text: str, voice: VoiceRequest, file: IO[bytes]) -> str:
    """Write a WAV; returns what happened, in one line."""

    async def chunks() -> AsyncIterator[str]:
        yield text

    async with open_house(settings) as house:
        begun = time.monotonic()
        first = 0.0
        data = bytearray()
        rate = 0
        request = SpeechRequest(chunks(), voice, client="say")
        async with aclosing(house.speaker.speak(request)) as reply:
            async for pcm in reply:
                first = first or time.monotonic() - begun
                rate = pcm.rate
                data += pcm.data
        took = time.monotonic() - begun
        name = house.catalog.resolve(voice).name
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, rate, 0, "NONE", ""))
        wav.writeframes(data)
    return f"{name}: {len(data) / 2 / rate:.2f} s of speech, first audio after {first:.2f} s, all after {took:.2f} s."


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
