"""A recording that somebody gives: copied if it is one, and checked by a process that has an engine's libraries."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any, Final

from .errors import MeadowlarkError, RequestError
from .kit.references import LONGEST

LARGEST_BYTES: Final = 32 * 1024 * 1024
"""60 s of 24-bit stereo at 48 kHz take 17 MB."""

CHECK_SECONDS: Final = 40.0

BEGINNINGS: Final = {
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"\xff\xfb": ".mp3",
    b"\xff\xf3": ".mp3",
    b"\xff\xf2": ".mp3",
}
"""A file's first bytes → its ending."""


def copied(recording: Path, folder: Path, name: str) -> Path:
    """A copy under the voice's name. Raises RequestError for what is no recording."""
    try:
        with open(recording, "rb", opener=_open_at_once) as source:
            status = os.fstat(source.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise RequestError(f"{recording} is no file.")
            if status.st_size > LARGEST_BYTES:
                raise RequestError(
                    f"{recording.name} has {status.st_size / 1e6:.0f} MB, {LARGEST_BYTES / 1e6:.0f} at most: cut out "
                    f"5 to 30 s of speech, {LONGEST:g} at most."
                )
            begin = source.read(16)
            copy = folder / f"{name}{_ending(begin)}"
            with copy.open("wb") as file:
                file.write(begin)
                shutil.copyfileobj(source, file)
    except OSError as error:
        if error.filename and Path(str(error.filename)) != recording:
            raise
        raise RequestError(f"{recording} cannot be read: {error.strerror}.") from error
    return copy


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a named pipe would be waited for


def _ending(begin: bytes) -> str:
    """By the first bytes: a name may say anything."""
    if begin[:4] == b"RIFF" and begin[8:12] == b"WAVE":
        return ".wav"
    for magic, ending in BEGINNINGS.items():
        if begin.startswith(magic):
            return ending
    raise RequestError("The recording is no WAV, FLAC, MP3 or Ogg file.")


async def seconds_of(recording: Path, interpreter: str) -> float:
    """Of speech in it. Raises RequestError with what is wrong with it, MeadowlarkError."""
    try:
        process = await asyncio.create_subprocess_exec(
            interpreter,
            "-P",  # no module out of the working folder, as in the workers
            "-m",
            "meadowlark.kit.reference_check",
            str(recording),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
    except OSError as error:
        raise MeadowlarkError(f"{interpreter}, which would check the recording, cannot be run: {error}") from error
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            said, wrong = await process.communicate()
    except TimeoutError:
        raise RequestError(f"{recording.name} could not be checked within {CHECK_SECONDS:g} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError as error:
        status = process.returncode or 0
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        last = (wrong.decode("utf-8", "replace").strip().splitlines() or [""])[-1][:300]
        raise MeadowlarkError(f"{recording.name} could not be checked ({how}): {last}") from error
    if "problem" in found:
        raise RequestError(f"{found['problem']}.")
    return float(found["seconds"])
