"""Reference voices: somebody's recording and what is said in it, found, checked, encoded once.

    references/anna.wav (.flac, .mp3, .ogg)    5 to 30 seconds of one person
    references/anna.txt (.lab)                 what is said
    references/anna.json                       optional: {"language": "en-GB", "origin": "…", "consent": "…"}

Finding them is light, for it happens at every start; audio is read only when an engine first uses a voice.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # heavy: see `load`
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

_LOGGER = logging.getLogger(__name__)

AUDIO = (".wav", ".flac", ".mp3", ".ogg")
TEXT = (".txt", ".lab")

SHORTEST, LONGEST = 2.0, 60.0
"""Seconds; below, there is no voice to be heard; above, the prompt is longer than all that will be said."""

QUIET = 0.01
"""Peak below which a recording is silence."""

CLIPPED = 0.01
"""Share of samples at full scale from which a recording is spoilt."""

SPEECH_FLOOR = 10 ** (-40 / 20)
"""Of the loudest 20 ms: what is below, at the ends, is not speech."""

MARGIN = 0.1
"""Seconds left before and after speech."""

SETTLED_NS = 3_000_000_000
"""After a change; before, another one may come that a file system with coarse times does not show."""


class VoiceReferenceError(ValueError):
    """A reference cannot be used: says which and why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording with its text."""

    name: str
    audio: Path
    text: str
    language: str = ""
    origin: str = ""
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a folder."""

    usable: tuple[Reference, ...] = ()
    complaints: tuple[str, ...] = ()

    def complain(self) -> None:
        """Raises VoiceReferenceError when there is something that cannot be used."""
        if self.complaints:
            raise VoiceReferenceError("; ".join(self.complaints))


def find(folder: Path) -> Found:
    """All references of a folder, by name; none where there is no folder."""
    usable, complaints = [], []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO)
    except OSError:
        return Found()
    for path in paths:
        try:
            usable.append(describe(path))
        except VoiceReferenceError as error:
            complaints.append(str(error))
    return Found(tuple(usable), tuple(complaints))


def describe(audio: Path) -> Reference:
    """A recording with what stands beside it; the audio itself is not read. Raises VoiceReferenceError."""
    text = next((audio.with_suffix(each) for each in TEXT if audio.with_suffix(each).is_file()), None)
    if text is None:
        raise VoiceReferenceError(f"{audio.name} has no text: write what is said into {audio.stem}.txt")
    said = " ".join(text.read_text(encoding="utf-8", errors="replace").split())
    if not said:
        raise VoiceReferenceError(f"{text.name} is empty: write what is said in {audio.name}")
    notes: dict[str, Any] = {}
    about = audio.with_suffix(".json")
    if about.is_file():
        try:
            notes = json.loads(about.read_text(encoding="utf-8"))
        except ValueError as error:
            raise VoiceReferenceError(f"{about.name} is not JSON: {error}") from error
        if not isinstance(notes, dict):
            raise VoiceReferenceError(f"{about.name} is not a table")
    kept = {key: str(notes.get(key, "")) for key in ("language", "origin", "consent")}
    return Reference(audio.stem, audio, said, **kept)


def load(audio: Path, rate: int) -> NDArray[np.float32]:
    """The speech in a recording, mono, at a rate in Hz. Raises VoiceReferenceError for what is no voice."""
    speech, own_rate = speech_of(audio)
    if own_rate == rate:
        return speech
    import numpy as np  # heavy, and finding references must stay light
    import soxr

    return soxr.resample(speech, own_rate, rate).astype(np.float32)


def speech_of(audio: Path) -> tuple[NDArray[np.float32], int]:
    """The speech in a recording, mono, and its rate in Hz. Raises VoiceReferenceError for what is no voice."""
    import numpy as np

    samples, own_rate = _read(audio)
    mono: NDArray[np.float32] = np.nan_to_num(samples.mean(axis=1))
    if not len(mono) or np.abs(mono).max() < QUIET:
        raise VoiceReferenceError(f"{audio.name} is silent")
    if np.mean(np.abs(mono) >= 0.999) > CLIPPED:
        raise VoiceReferenceError(f"{audio.name} is clipped: record it again at a lower level")
    speech = trimmed(mono, own_rate)
    if len(speech) < SHORTEST * own_rate:
        raise VoiceReferenceError(
            f"{audio.name} has {len(speech) / own_rate:.1f} s of speech, {SHORTEST:g} s at least; 5 to 30 s are best"
        )
    return speech, own_rate


def _read(audio: Path) -> tuple[NDArray[np.float32], int]:
    """(samples, channels) and the rate in Hz."""
    try:
        import soundfile
    except ImportError:  # where no engine uses recordings
        return _read_wav(audio)
    try:
        _require_short(audio, soundfile.info(str(audio)).duration)
        return soundfile.read(str(audio), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise VoiceReferenceError(f"{audio.name} cannot be read as audio: {error}") from error


def _read_wav(audio: Path) -> tuple[NDArray[np.float32], int]:
    """By the standard library: whole numbers of 16, 24 and 32 bits."""
    import wave

    import numpy as np

    try:
        with wave.open(str(audio)) as wav:
            _require_short(audio, wav.getnframes() / wav.getframerate())
            width, channels, rate = wav.getsampwidth(), wav.getnchannels(), wav.getframerate()
            data = wav.readframes(wav.getnframes())
    except (wave.Error, OSError, EOFError, ZeroDivisionError) as error:
        raise VoiceReferenceError(
            f"{audio.name} cannot be read as audio here ({error}): only WAV of 16, 24 or 32 bits can be, where no "
            "engine that uses recordings is installed"
        ) from error
    if width < 2:
        raise VoiceReferenceError(f"{audio.name} has 8 bits: record it with 16 or more")
    data = data[: len(data) // (width * channels) * width * channels]
    numbers = np.frombuffer(data, np.uint8).reshape(-1, width)
    whole = np.zeros((len(numbers), 4), np.uint8)
    whole[:, 4 - width :] = numbers
    samples = whole.view("<i4").reshape(-1, channels) / np.float32(2**31)
    return samples.astype(np.float32), rate


def _require_short(audio: Path, seconds: float) -> None:
    if seconds > LONGEST:
        raise VoiceReferenceError(
            f"{audio.name} lasts {seconds:.0f} s, {LONGEST:g} s at most: cut out 5 to 30 s of speech"
        )


def trimmed(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Without what is before and after speech."""
    import numpy as np

    window = max(1, rate // 50)
    count = len(samples) // window
    if not count:
        return samples
    level = np.sqrt(np.mean(samples[: count * window].reshape(count, window) ** 2, axis=1))
    loud = np.nonzero(level > level.max() * SPEECH_FLOOR)[0]
    margin = round(MARGIN * rate)
    begin, end = loud[0] * window - margin, (loud[-1] + 1) * window + margin
    return samples[max(0, int(begin)) : int(end)]


def trace(content: bytes) -> str:
    """What the names of all that was made of a recording begin with, so that it can be deleted with the recording."""
    return hashlib.sha256(content).hexdigest()[:16]


class Library:
    """What an engine has made of recordings, kept on disk by their content, engine and version."""

    def __init__(self, folder: Path, engine: str, version: str) -> None:
        """version: of the encoder; another one encodes anew."""
        self._folder, self._key = folder / "references", f"{engine}:{version}:".encode()
        self._seen: dict[Path, tuple[tuple[int, ...], Path]] = {}  # a recording → its state, and what is kept for it

    def encoded(self, reference: Reference, encode: Callable[[], Tensor]) -> Tensor:
        """What `encode` gives for this recording; called once for each content. A recording that has not changed since
        it was last asked for is not read."""
        audio, stat = reference.audio, reference.audio.stat()
        state = stat.st_size, stat.st_mtime_ns, stat.st_ino
        seen = self._seen.get(audio)
        path = seen[1] if seen and seen[0] == state else self._path(audio.read_bytes())
        if time.time_ns() - stat.st_mtime_ns > SETTLED_NS:
            self._seen[audio] = state, path
        return self._kept(path, encode)

    def kept(self, content: bytes, make: Callable[[], Tensor]) -> Tensor:
        """What `make` gives for this content, from disk where it was made before."""
        return self._kept(self._path(content), make)

    def _path(self, content: bytes) -> Path:
        digest = hashlib.sha256(self._key + content).hexdigest()[:32]
        return self._folder / f"{trace(content)}-{digest}.safetensors"

    def _kept(self, path: Path, make: Callable[[], Tensor]) -> Tensor:
        from safetensors import SafetensorError, safe_open  # heavy, and finding references must stay light

        from .weights import write

        try:
            with safe_open(path, framework="pt") as handle:  # type: ignore[no-untyped-call]
                tensor: Tensor = handle.get_tensor("codes")
                return tensor.clone()
        except (OSError, SafetensorError):
            pass  # not there yet, or half a file
        codes = make()
        try:
            write({"codes": codes.contiguous()}, path)
        except OSError as error:
            _LOGGER.warning("What was made of a reference cannot be kept, and will be made again: %s", error)
        return codes
