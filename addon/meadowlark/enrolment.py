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
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import MeadowlarkError, RefusedError, RequestError, VoiceError
from .kit.references import AUDIO, TEXT, VoiceReferenceError, describe, find, trace
from .manifest import LANGUAGE
from .plugins import Registry
from .recordings import LARGEST_BYTES, copied, seconds_of

MOST_NAME: Final = 64
MOST_TEXT: Final = 2_000
"""Characters; nobody says more in a minute."""

MOST_NOTE: Final = 500

_ASIDE: Final = ".new-"

LONGEST_WAIT: Final = 15.0
"""Seconds that somebody waits for those who came before; with the check of his own, less than a client's patience."""

ASSUMED_SECONDS: Final = 5.0
"""That a check takes, until one has been made."""


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
        self._coming: dict[str, str] = {}
        """Names of those who are checked or wait for it; loosely → as given."""
        self._check_seconds = ASSUMED_SECONDS

    async def add(self, wish: Wish, recording: Path, registry: Registry) -> str:
        """Check a recording and keep a copy of it; the voice's name.

        Raises RequestError, MeadowlarkError; RefusedError when too many others are being checked.
        """
        wish = _checked(wish)
        self._require_free(wish.name, registry)
        with self._line(wish.name):
            await self._turn()
            try:
                self._require_free(wish.name, registry)
                with _guarded(self.folder):
                    self.folder.mkdir(parents=True, exist_ok=True)
                    with self._aside() as aside:
                        copy = await asyncio.to_thread(copied, recording, aside, wish.name)
                        begun = time.monotonic()
                        seconds = await seconds_of(copy, _interpreter(registry))
                        self._check_seconds = time.monotonic() - begun
                        await asyncio.to_thread(self._keep, copy, wish, seconds)
            finally:
                self._one_at_a_time.release()
        return wish.name

    def sweep(self) -> int:
        """Remove what was being checked when a server or a command was killed; how many. Reads the disk."""
        if not self.folder.is_dir():
            return 0
        with _guarded(self.folder), self._locked():
            return sum(_removed_if_left(each) for each in self.folder.glob(f"{_ASIDE}*"))

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

    @contextmanager
    def _line(self, name: str) -> Iterator[None]:
        """A place in the line. RequestError, RefusedError: nobody waits who will be refused in the end."""
        if other := self._coming.get(_loose(name)):
            raise RequestError(f"A reference voice {other!r} is being checked already.")
        if len(self._coming) * self._check_seconds > LONGEST_WAIT:
            raise self._too_many()
        self._coming[_loose(name)] = name
        try:
            yield
        finally:
            del self._coming[_loose(name)]

    async def _turn(self) -> None:
        """One is checked at a time: decoding takes memory."""
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await self._one_at_a_time.acquire()
        except TimeoutError:
            raise self._too_many() from None

    def _too_many(self) -> RefusedError:
        count, seconds = len(self._coming), max(1.0, len(self._coming) * self._check_seconds)
        return RefusedError(f"{count} other recordings are being checked: try again in {seconds:.0f} s.")

    @contextmanager
    def _aside(self) -> Iterator[Path]:
        """A folder of the moment. It is locked as long as this process lives, so that `sweep` knows whose it is."""
        with self._locked():
            aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=self.folder))
            held = os.open(aside, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            os.close(held)

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


def _interpreter(registry: Registry) -> str:
    """Of the first engine that uses recordings: its libraries read them."""
    engine = next(iter(able(registry)), "")
    return registry.interpreters.get(engine) or sys.executable


def _complaint(recording: Path) -> str:
    try:
        describe(recording)
    except VoiceReferenceError as error:
        return str(error)
    return "there are two recordings of this name"


def _removed_if_left(aside: Path) -> bool:
    try:
        held = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False  # gone meanwhile, or somebody else's
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False  # somebody is at it
    else:
        shutil.rmtree(aside, ignore_errors=True)
        return True
    finally:
        os.close(held)


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
