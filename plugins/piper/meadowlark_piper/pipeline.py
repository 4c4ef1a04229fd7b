"""Piper at work, in the worker."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from meadowlark.api import Pipeline, Utterance
from meadowlark.kit import ort
from meadowlark.kit.opened import Opened
from meadowlark.kit.pronunciation import marked
from meadowlark_espeakng.phonemes import Phonemizer

from . import RATE, settings
from .config import VoiceConfig, read
from .errors import VoiceFileError
from .model import Audio, PiperModel
from .phonemes import Speller
from .settings import Manner
from .styles import speaker_for

_LOGGER = logging.getLogger(__name__)

LAST_VOICE = "last-voice"
"""Holds the files of the voice that spoke last: a house has one, and it is loaded before anybody asks."""


@dataclass(frozen=True, slots=True)
class _Voice:
    config: VoiceConfig
    speller: Speller
    model: PiperModel


class PiperPipeline(Pipeline):
    """Speaks a sentence window by window, each 0.25-2 s; the same samples as computed at once."""

    def load(self) -> None:
        """Open the voice that spoke last. Raises ValueError for a wrong option."""
        options = self.context.options
        settings.check(options)
        self._compute = ort.Compute(
            device=self.context.device,
            threads=int(settings.number(options, "threads", 0)),
            tensorrt=settings.switch(options, "tensorrt"),
            cache_dir=self.context.data_dir,
        )
        self._phonemizer = Phonemizer()
        self._voices: Opened[Path, _Voice] = Opened(
            settings.LEAST_VOICES,
            min(settings.MOST_SPARE_BYTES, self.context.spare_bytes),
            exactly=settings.voices_in_memory(options),
        )
        self._last = self._last_voice()
        if self._last:
            try:
                self._voice(*self._last)
            except VoiceFileError as error:
                _LOGGER.debug("The voice that spoke last cannot be loaded: %s", error)

    def warm_up(self) -> None:
        """The first run of a model takes its memory, and espeak-ng reads its voices: 30-100 ms."""
        for voice in self._voices:
            for ids in voice.speller.sentences("a"):
                for _ in voice.model.speak(ids, (0.0, 1.0, 0.0)):
                    pass

    def prepare(self, utterance: Utterance) -> None:
        """Open the voice: 0.3 s, or 5 s when it is cut for the first time. Raises VoiceFileError."""
        if utterance.text:
            self._voice(*_files(utterance))

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Yield float32. Raises VoiceFileError, ValueError."""
        if not utterance.text:
            return
        path, description = _files(utterance)
        voice = self._voice(path, description)
        manner = settings.manner(utterance.options, voice.config)
        speaker = _speaker(utterance, voice.config)
        spoken = False
        for ids in voice.speller.sentences(marked(utterance)):
            spoken = True
            yield from self._sentence(voice, ids, manner, speaker)
        if not spoken:
            if any(letter.isalnum() for letter in utterance.text):
                language = voice.config.espeak_voice or voice.config.language
                raise ValueError(f"voice {path.stem} speaks {language} and has no sounds for this text")
            yield _silence(max(manner.sentence_silence, 0.1))
        self._remember(path, description)

    def _sentence(self, voice: _Voice, ids: list[int], manner: Manner, speaker: int) -> Iterator[Audio]:
        scales = (manner.noise_scale, manner.length_scale, manner.noise_w)
        audio = voice.model.speak(ids, scales, speaker)
        if voice.config.sample_rate != RATE:
            audio = _resampled(audio, voice.config.sample_rate)
        for chunk in audio:
            yield chunk * np.float32(manner.volume) if manner.volume != 1 else chunk
        if manner.sentence_silence:
            yield _silence(manner.sentence_silence)

    def _voice(self, path: Path, description: Path) -> _Voice:
        """The voice, opened now if it is not; those that were silent longest go when there are too many."""
        if voice := self._voices.get(path):
            return voice
        config = read(description)
        speller = Speller(config, self._phonemizer, path.stem)
        self._voices.make_room(size := _bytes(path))
        model = PiperModel(path, config, self._compute, self.context.data_dir / "parts")
        self._voices.put(path, voice := _Voice(config, speller, model), size)
        self.kept_bytes = self._voices.kept_bytes
        return voice

    def _last_voice(self) -> tuple[Path, Path] | None:
        """Its files; None where they are gone."""
        try:
            lines = (self.context.data_dir / LAST_VOICE).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return None
        files = [Path(line) for line in lines if Path(line).is_file()]
        return (files[0], files[1]) if len(files) == 2 else None

    def _remember(self, *files: Path) -> None:
        if files == self._last:
            return
        self._last = (files[0], files[1])
        try:
            self.context.data_dir.mkdir(parents=True, exist_ok=True)
            (self.context.data_dir / LAST_VOICE).write_text("\n".join(map(str, files)), encoding="utf-8")
        except OSError as error:
            _LOGGER.debug("Cannot remember the voice that spoke last: %s", error)


def _files(utterance: Utterance) -> tuple[Path, Path]:
    """The voice's model and its description: where the model store has them, else where they were found."""
    model = str(utterance.options["model"])
    path = Path(utterance.files.get(model, model))
    return path, Path(utterance.files.get(f"{model}.json", f"{path}.json"))


def _bytes(path: Path) -> int:
    """Of memory that a voice takes when it is open; the model says what is wrong with a file that is not there."""
    return int(settings.MEMORY_PER_BYTE * path.stat().st_size) if path.is_file() else 0


def _speaker(utterance: Utterance, config: VoiceConfig) -> int:
    """Whom the request or the voice names; else who speaks in the style, else neutrally. Raises ValueError."""
    name = utterance.speaker or str(utterance.options.get("speaker", ""))
    if name and config.speakers:
        if name not in config.speakers:
            some = ", ".join(list(config.speakers)[:10])
            raise ValueError(f"voice {utterance.voice.id} has no speaker {name!r}; it has {some}")
        return config.speakers[name]
    styled = speaker_for(utterance.style, config.speakers)
    return config.default_speaker if styled is None else styled


def _resampled(audio: Iterator[Audio], rate: int) -> Iterator[Audio]:
    stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
    for chunk in audio:
        yield stream.resample_chunk(chunk)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * RATE), np.float32)
