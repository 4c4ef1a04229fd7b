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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from ..catalog import Choice, VoiceRequest
from ..errors import DownloadError, MeadowlarkError, RequestError
from ..models.state import Present, in_words
from ..settings import Settings
from ..speech import SpeechRequest
from .wiring import House, Use, open_house

PLAYERS = (
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("ffplay", "-loglevel", "error", "-nodisp", "-autoexit"),
    ("afplay",),
)
"""Programs that play a WAV file given as their last argument, the likeliest to work first."""

PATIENCE_SECONDS = 600.0
"""For first audio: who types a command waits for the voice that he has named."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of a text."""

    summary: str
    complaint: str = ""
    """Why another voice spoke than the one asked for, and what to do."""

    def __str__(self) -> str:
        return f"{self.summary} {self.complaint}".rstrip()


def say(settings: Settings, text: str, voice: VoiceRequest, output: str, download: bool | None = None) -> None:
    """Speak. text: "-" reads standard input. output: a file, "-" for standard output, or empty to play it.

    download: first fetch what the voice lacks; not said: at a terminal, where the bar is seen and can be stopped.
    """
    fetching = sys.stderr.isatty() if download is None else download
    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        raise RequestError(
            'There is nothing to say: write the text, as in `meadowlark say "Hello"`, or "-" to read it.'
        )
    if output == "-":
        _tell(str(asyncio.run(_speak(settings, text, voice, sys.stdout.buffer, fetching))))
    elif output:
        _into(Path(output), settings, text, voice, fetching)
    else:
        _play(settings, text, voice, fetching)


def _into(path: Path, settings: Settings, text: str, voice: VoiceRequest, fetching: bool) -> None:
    """A file that is whole or not there."""
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            spoken = asyncio.run(_speak(settings, text, voice, file, fetching))
        aside.replace(path)
    except OSError as error:
        raise MeadowlarkError(f"Cannot write {path}: {error.strerror}.") from error
    finally:
        aside.unlink(missing_ok=True)
    _tell(f"{spoken.summary} Wrote {path}. {spoken.complaint}".rstrip())


def _play(settings: Settings, text: str, voice: VoiceRequest, fetching: bool) -> None:
    with tempfile.NamedTemporaryFile(prefix="meadowlark-", suffix=".wav", delete=False) as file:
        spoken = asyncio.run(_speak(settings, text, voice, file, fetching))
    _tell(str(spoken))
    for player in PLAYERS:
        if shutil.which(player[0]) and not subprocess.run([*player, file.name], check=False).returncode:
            Path(file.name).unlink()
            return
    _tell(f"No sound device or player works here; the speech is in {file.name}. Choose a file with --output FILE.")


async def _speak(settings: Settings, text: str, voice: VoiceRequest, file: IO[bytes], fetching: bool) -> Spoken:
    """Write a WAV; what happened."""

    async def chunks() -> AsyncIterator[str]:
        yield text

    patient = replace(settings, first_audio_budget=PATIENCE_SECONDS)
    async with open_house(patient, use=Use.COMMAND) as house:
        choice = await _ready(house, voice) if fetching else house.catalog.resolve(voice)
        begun = time.monotonic()
        first = 0.0
        data = bytearray()
        rate = 0
        voices: tuple[str, ...] = ()
        request = SpeechRequest(chunks(), voice, client="say")
        async with aclosing(house.speaker.speak(request)) as reply:
            async for pcm in reply:
                first = first or time.monotonic() - begun
                rate, voices = pcm.rate, pcm.voices
                data += pcm.data
        took = time.monotonic() - begun
        complaint = _why_another(house, choice, voices)
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, rate, 0, "NONE", ""))
        wav.writeframes(data)
    seconds = len(data) / 2 / rate
    return Spoken(
        f"{' and '.join(voices)}: {seconds:.2f} s of speech, first audio after {first:.2f} s, all after {took:.2f} s.",
        complaint,
    )


async def _ready(house: House, voice: VoiceRequest) -> Choice:
    """The voice, with what it lacks downloaded. Raises VoiceError; a download that fails leaves the voice waiting."""
    from .transfer import fetch  # tqdm, where a bar is shown

    wanted = voice.name or ("" if voice.language or voice.engine else house.settings.voice)
    try:
        for engine in house.catalog.awaited(wanted):
            _tell(await fetch(house.store, house.notices, house.catalog.manifest(engine)))
            await house.rediscover()
        choice = house.catalog.resolve(voice)
        if choice.waits:
            state = house.store.state(choice.manifest.id, choice.voice.id)
            _tell(
                f"{choice.name} {in_words(state)}, licence {choice.manifest.license}. "
                "It is downloaded now: Ctrl-C stops that, --no-download goes without."
            )
            _tell(await fetch(house.store, house.notices, choice.manifest, choice.voice.id))
    except DownloadError as error:
        _tell(str(error))
    return house.catalog.resolve(voice)


def _why_another(house: House, choice: Choice, voices: tuple[str, ...]) -> str:
    """Where another voice spoke than the one asked for: why, and the command that helps; else empty."""
    state = house.store.state(choice.manifest.id, choice.voice.id)
    if choice.instead_of:
        lists = "; ".join(f"`meadowlark pull {each}`" for each in house.catalog.awaited(choice.instead_of))
        more = f" Its name may be in a list that is not here yet: {lists}." if lists else ""
        return f"{choice.instead_of!r} is not installed: {choice.name} spoke in its place.{more}"
    if choice.name in voices:
        return ""
    if isinstance(state, Present):
        return f"{choice.name} could not speak; the lines above say why."
    return f"{choice.name} did not speak: it {in_words(state)}. Get it: meadowlark pull {choice.name}"


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
