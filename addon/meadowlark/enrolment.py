"""Reference voices that the user gives: checked where an engine could use them, kept, listed, removed.

A recording lies in `references` of the voices folder as NAME.wav (.flac, .mp3, .ogg), with NAME.txt, what is said, and
NAME.json, who may be imitated and where it comes from. kit/references.py is the engines' view of the same files.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import stat
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .errors import MeadowlarkError, RequestError, VoiceError
from .kit.references import AUDIO, LONGEST, TEXT, VoiceReferenceError, describe, find, trace
from .manifest import LANGUAGE
from .plugins import Registry

LARGEST_BYTES: Final = 32 * 1024 * 1024
"""60 s of 24-bit stereo at 48 kHz take 17 MB."""

CHECK_SECONDS: Final = 40.0
MOST_NAME: Final = 64
MOST_TEXT: Final = 2_000
"""Characters; nobody says more in a minute."""

MOST_NOTE: Final = 500

BEGINNINGS: Final = {
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"\xff\xfb": ".mp3",
    b"\xff\xf3": ".mp3",
    b"\xff\xf2": ".mp3",
}
"""A file's first bytes → its ending."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A voice to be enrolled."""

    name: str
    text: str
    """What is said in the recording."""

    language: str = ""
    """BCP 47; empty = every language that an engine speaks."""

    origin: str = ""
    """Who speaks, or where the recording comes from."""

    consent: str = ""
    """That the speaker agrees, and how it is known."""


@dataclass(frozen=True, slots=True)
class OwnVoice:
    """A reference voice, as it is listed."""

    name: str
    text: str = ""
    language: str = ""
    origin: str = ""
    consent: str = ""
    file: str = ""
    used_by: tuple[str, ...] = ()
    """Engines that offer it."""

    problem: str = ""
    """Why it cannot be used; empty when it can."""


class Enrolment:
    """The user's reference voices."""

    def __init__(self, voice_dir: Path, data_dir: Path) -> None:
        """data_dir: where engines keep what they made of recordings."""
        self.folder = voice_dir / "references"
        self._data_dir = data_dir
        self._one_at_a_time = asyncio.Lock()

    async def add(self, wish: Wish, recording: Path, registry: Registry) -> str:
        """Check a recording and keep a copy of it; the voice's name. Raises RequestError, MeadowlarkError."""
        wish = _checked(wish)
        async with self._one_at_a_time:  # decoding takes memory, and the next may want the same name
            self._require_free(wish.name, registry)
            with _guarded(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(prefix=".new-", dir=self.folder) as aside:
                    copy = await asyncio.to_thread(_copied, recording, Path(aside), wish.name)
                    seconds = await _seconds(copy, _interpreter(registry))
                    await asyncio.to_thread(self._keep, copy, wish, seconds)
        return wish.name

    def voices(self, registry: Registry) -> tuple[OwnVoice, ...]:
        """All of them, those that cannot be used too. Reads the disk."""
        usable = [
            OwnVoice(
                each.name, each.text, each.language, each.origin, each.consent, str(each.audio),
                tuple(users(registry, each.name)),
            )
            for each in find(self.folder).usable
        ]  # fmt: skip
        known = {each.name for each in usable}
        broken = [
            OwnVoice(path.stem, file=str(path), problem=_complaint(path))
            for path in self._recordings()
            if path.stem not in known
        ]
        return (*usable, *broken)

    def remove(self, name: str) -> int:
        """Delete a voice and all that engines have kept of it; how many files. Raises VoiceError, MeadowlarkError."""
        found = [path for path in self._recordings() if path.stem == name]
        if not found:
            names = ", ".join(sorted({path.stem for path in self._recordings()})) or "none"
            raise VoiceError(f"There is no reference voice {name[:80]!r}. There are: {names}.")
        with _guarded(self.folder), self._locked():
            made = [each for path in found for each in self._made_of(path)]
            beside = [found[0].with_suffix(ending) for ending in (*TEXT, ".json")]
            gone = [each for each in (*found, *beside, *made) if each.exists() or each.is_symlink()]
            for each in gone:
                each.unlink(missing_ok=True)
        return len(gone)

    def _keep(self, recording: Path, wish: Wish, seconds: float) -> None:
        """Everything gets its name at once; the recording last, for with it the voice is there."""
        notes = {
            "language": wish.language,
            "origin": wish.origin,
            "consent": wish.consent,
            "seconds": seconds,
            "enrolled": time.strftime("%Y-%m-%d"),
        }
        recording.with_suffix(".txt").write_text(wish.text + "\n", encoding="utf-8")
        recording.with_suffix(".json").write_text(
            json.dumps(notes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        with self._locked():
            self._require_unused(wish.name)
            for each in (recording.with_suffix(".txt"), recording.with_suffix(".json"), recording):
                with each.open("rb") as file:
                    os.fsync(file.fileno())
                each.replace(self.folder / each.name)

    def _require_free(self, name: str, registry: Registry) -> None:
        """Raises RequestError where the name is taken, by another recording or an engine's own voice."""
        self._require_unused(name)
        for manifest in registry.engines:
            if manifest.cloning and any(_loose(voice.id) == _loose(name) for voice in manifest.voices):
                raise RequestError(f"{manifest.id} has a voice {name!r} of its own: choose another name.")

    def _require_unused(self, name: str) -> None:
        if any(_loose(path.stem) == _loose(name) for path in self._recordings()):
            raise RequestError(f"There is a reference voice {name!r} already: remove it first, or choose another name.")

    def _recordings(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix.lower() in AUDIO)
        except OSError:
            return []

    def _made_of(self, recording: Path) -> Iterator[Path]:
        """What engines have kept of a recording."""
        if recording.is_file() and recording.stat().st_size <= LARGEST_BYTES:
            yield from self._data_dir.glob(f"*/references/{trace(recording.read_bytes())}-*")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Against other processes; held for milliseconds."""
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def users(registry: Registry, name: str) -> Iterator[str]:
    """Engines that offer a reference voice."""
    for manifest in registry.engines:
        if manifest.cloning and any(voice.id == name for voice in manifest.voices):
            yield manifest.id


def able(registry: Registry) -> tuple[str, ...]:
    """Engines that can use recordings."""
    return tuple(each.id for each in registry.engines if each.cloning)


def _checked(wish: Wish) -> Wish:
    """With names and texts as they are kept. Raises RequestError."""
    name = unicodedata.normalize("NFC", wish.name.strip())
    if not (0 < len(name) <= MOST_NAME and name[0].isalnum() and all(each.isalnum() or each in "-_" for each in name)):
        raise RequestError(
            f"The name {wish.name[:80]!r} cannot be used: 1 to {MOST_NAME} letters, digits, '-' and '_': 'anna'."
        )
    text = " ".join(wish.text.split())
    if not 0 < len(text) <= MOST_TEXT or not text.isprintable() or not any(map(str.isalnum, text)):
        raise RequestError(f"The text must be what is said in the recording, in 1 to {MOST_TEXT} characters.")
    if "\ufffd" in text:
        raise RequestError("The text has letters that could not be read: write it in UTF-8.")
    if wish.language and not LANGUAGE.fullmatch(wish.language):
        raise RequestError(f"The language {wish.language[:80]!r} is no BCP 47 tag such as 'en-GB'.")
    for what, note in (("origin", wish.origin), ("consent", wish.consent)):
        if len(note) > MOST_NOTE:
            raise RequestError(f"The note on {what} has {len(note)} characters, {MOST_NOTE} at most.")
    return Wish(name, text, wish.language, " ".join(wish.origin.split()), " ".join(wish.consent.split()))


def _copied(recording: Path, folder: Path, name: str) -> Path:
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


def _interpreter(registry: Registry) -> str:
    """Of the first engine that uses recordings: its libraries read them."""
    engine = next(iter(able(registry)), "")
    return registry.interpreters.get(engine) or sys.executable


async def _seconds(recording: Path, interpreter: str) -> float:
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
        said, wrong = await asyncio.wait_for(process.communicate(), CHECK_SECONDS)
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


def _complaint(recording: Path) -> str:
    try:
        describe(recording)
    except VoiceReferenceError as error:
        return str(error)
    return "there are two recordings of this name"


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """What the disk says, with the remedy."""
    try:
        yield
    except OSError as error:
        raise MeadowlarkError(
            f"{folder} cannot be written ({error.strerror}): make it writable, or put NAME.wav and NAME.txt there."
        ) from error


def _loose(name: str) -> str:
    return name.casefold().replace("_", "-")
