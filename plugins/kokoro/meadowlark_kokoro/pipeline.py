"""Kokoro at work, in the worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from meadowlark.api import Pipeline, Utterance
from meadowlark.kit import ort
from meadowlark.kit.opened import Opened
from meadowlark.kit.pronunciation import marked
from meadowlark_espeakng.phonemes import Phonemizer

from . import blends, found_in, settings
from .errors import ModelFileError
from .files import Found
from .model import FRAME, RATE, Audio, KokoroModel, Speech
from .packs import Pack, mixed, row
from .phonemes import Speller
from .timings import Word, words
from .voices import language_of

_LOGGER = logging.getLogger(__name__)

LAST_MODEL = "last-model"
"""Holds the path of the model that spoke last, for those that the model store brings with an utterance."""

PATIENCE_SECONDS = 0.8
"""quality: auto computes a run at once where that is expected to take no longer."""

KEPT_FRAMES = 12
"""Of the closing pad (0.3 s): it lasts up to 0.7 s after short sentences, and only hisses."""

MEMORY_PER_BYTE = 1.3
"""Of a model's file that is open and has spoken."""

FADE = 240
"""Samples (10 ms) over which what is left of the hiss ends: cut in the middle it would click."""

SPIN_US = 50
"""The text part is a thousand small steps."""

KNEE = 0.95
_CALIBRATION = "ðə lˈIts ɪn ðə lˈɪvɪŋ ɹˈum ɑɹ ˈɔn."


class KokoroPipeline(Pipeline):
    """Speaks a run of up to 150 tokens at once or in windows, as `quality` says."""

    def load(self) -> None:
        """Open the model that is there, or that spoke last. Raises ValueError, ModelFileError."""
        options = self.context.options
        settings.check(options)
        self._compute = ort.Compute(
            device=self.context.device,
            threads=int(settings.number(options, "threads")),
            tensorrt=settings.switch(options, "tensorrt"),
            cache_dir=self.context.data_dir,
            spin_us=SPIN_US,
        )
        small = settings.choice(options, "text_part")
        self._small_text = small == "uint8" or (small == "auto" and ort.memory_bytes() < ort.SMALL_HOST_BYTES)
        self._phonemizer = Phonemizer()
        self._found = found_in(self.context.voice_dir)
        self._packs: dict[str, Pack] = {}
        self._models: Opened[Path, tuple[KokoroModel, Speller]] = Opened(1, self.context.spare_bytes)
        self._model: KokoroModel | None = None
        self._speed_of_work = 0.0
        """Seconds of work for a second of audio, of the last run at once or in windows; 0 = not known yet."""
        if path := self._chosen() or self._last_model():
            self._open(path)

    def warm_up(self) -> None:
        """The first run takes its memory; the second shows how fast this machine is."""
        if not self._model:
            return
        tokens = [self._model.alphabet[symbol] for symbol in _CALIBRATION if symbol in self._model.alphabet]
        style = np.zeros((1, 256), np.float32)
        for _ in range(2):
            begun = time.monotonic()
            audio = self._model.whole(self._model.begin(tokens, style, 1.0))
            self._speed_of_work = (time.monotonic() - begun) / (len(audio) / RATE)
        for _ in self._phonemizer.clauses("a", "gmw/en-US"):
            pass

    def prepare(self, utterance: Utterance) -> None:
        """Open the model: a second, or ten when it is cut for the first time. Raises ModelFileError."""
        if utterance.text:
            self._model_for(utterance)

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Yield float32. Raises ModelFileError, ValueError."""
        if not utterance.text:
            return
        model = self._model_for(utterance)
        options = utterance.options
        quality = settings.choice(options, "quality")
        speed, volume = settings.number(options, "speed"), settings.number(options, "volume")
        silence = np.zeros(round(settings.number(options, "sentence_silence") * RATE), np.float32)
        pack = self._pack(utterance)
        language = language_of(_first(utterance)).espeak
        spell = self._speller(model)  # a sentence whose turn comes between two chunks may open another model
        spoken = False
        for run in spell.runs(marked(utterance), language):
            spoken = True
            tokens = spell.numbers(run)
            begun = time.monotonic()
            speech = model.begin(tokens, row(pack, len(tokens)), speed)
            for audio in _trimmed(self._audio(model, speech, quality, time.monotonic() - begun), speech):
                yield _limited(audio * np.float32(volume) if volume != 1 else audio)
            if len(silence):
                yield silence
        if not spoken:
            if any(letter.isalnum() for letter in utterance.text):
                raise ValueError(f"voice {utterance.voice.id} has no sounds for this text; it speaks {language}")
            yield np.zeros(RATE // 10, np.float32)

    def words(self, utterance: Utterance) -> Iterator[Word]:
        """When each word of an utterance is heard. Raises ValueError where the model does not tell."""
        model, pack = self._model_for(utterance), self._pack(utterance)
        before = 0.0
        speed = settings.number(utterance.options, "speed")
        spell = self._speller(model)
        for run in spell.runs(marked(utterance), language_of(_first(utterance)).espeak):
            tokens = spell.numbers(run)
            speech = model.begin(tokens, row(pack, len(tokens)), speed)
            if speech.durations is None:
                raise ValueError(f"{model.path.name} does not tell durations; files of v1.1 do")
            for word in words(run, speech.durations.tolist()):
                yield Word(word.symbols, before + word.start, before + word.end)
            before += speech.seconds - _surplus(speech) / RATE + settings.number(utterance.options, "sentence_silence")

    def _audio(self, model: KokoroModel, speech: Speech, quality: str, text_seconds: float) -> Iterator[Audio]:
        """At once or in windows."""
        patience = self._speed_of_work * speech.seconds <= PATIENCE_SECONDS
        at_once = quality in {"balanced", "quality"} or (quality == "auto" and patience and self._speed_of_work > 0)
        if at_once or not model.in_windows:
            begun = time.monotonic()
            audio = model.whole(speech)
            self._speed_of_work = (text_seconds + time.monotonic() - begun) / (len(audio) / RATE)
            yield audio
        else:
            yield from model.windows(speech)

    def _model_for(self, utterance: Utterance) -> KokoroModel:
        """The one that is open, or that the model store has brought. Raises ModelFileError."""
        brought = next((Path(path) for key, path in utterance.files.items() if key.endswith(".onnx")), None)
        path = brought or self._chosen(_first(utterance))
        if path is None:
            raise ModelFileError("no Kokoro model is there; `meadowlark pull kokoro` fetches it")
        if self._model is None or self._model.path != path:
            self._open(path)
        assert self._model
        return self._model

    def _open(self, path: Path) -> None:
        """Two stay open only where there is memory for both."""
        if not (known := self._models.get(path)):
            self._model, size = None, int(MEMORY_PER_BYTE * path.stat().st_size) if path.is_file() else 0
            self._models.make_room(size)
            model = KokoroModel(path, self._compute, self.context.data_dir / "parts", small_text=self._small_text)
            self._models.put(path, known := (model, Speller(model.alphabet, self._phonemizer)), size)
            self.kept_bytes = self._models.kept_bytes
        self._model, self._spell = known
        self._remember(path)

    def _speller(self, model: KokoroModel) -> Speller:
        assert model is self._model
        return self._spell

    def _chosen(self, voice: str = "") -> Path | None:
        """The local model that the option names, else the best for a voice. Raises ModelFileError for one not there."""
        wish = str(self.context.options.get("model", ""))
        if not self._found.models or wish in {"fp32", "fp16"}:
            wanted = [each for each in self._found.models if ("fp16" in each.stem) == (wish == "fp16")]
            return wanted[0] if wanted else None
        if not wish:
            return self._found.model_for(voice)
        for path in (*self._found.models, Path(wish)):
            if wish in {path.name, path.stem, str(path)} and path.is_file():
                return path
        names = ", ".join(each.name for each in self._found.models)
        raise ModelFileError(f"kokoro option model = {wish!r}: there is no such file; there are {names}")

    def _pack(self, utterance: Utterance) -> Pack:
        """The styles of the voice or blend, kept: a voice is 0.5 MB. Raises ModelFileError."""
        text = str(utterance.options.get("blend") or utterance.voice.id)
        text = f"{text}+{utterance.variant}" if utterance.variant else text
        if text not in self._packs:
            if len(self._packs) >= 32:
                self._packs.pop(next(iter(self._packs)))
            self._packs[text] = mixed(blends.parse(text), _voice_files(utterance.files, self._found))
        return self._packs[text]

    def _last_model(self) -> Path | None:
        try:
            path = Path((self.context.data_dir / LAST_MODEL).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return path if path.is_file() else None

    def _remember(self, path: Path) -> None:
        try:
            self.context.data_dir.mkdir(parents=True, exist_ok=True)
            (self.context.data_dir / LAST_MODEL).write_text(str(path), encoding="utf-8")
        except OSError as error:
            _LOGGER.debug("Cannot remember the model that spoke last: %s", error)


def _first(utterance: Utterance) -> str:
    """The voice whose language is spoken: the one with the largest share."""
    blend = blends.parse(str(utterance.options.get("blend") or utterance.voice.id))
    return max(blend, key=lambda part: part[1])[0]


def _voice_files(brought: Mapping[str, str], found: Found) -> dict[str, Path]:
    """Every voice that can be reached: local ones, and those beside one that the model store has brought."""
    files = dict(found.voices)
    for key, path in brought.items():
        if key.endswith(".bin"):
            for neighbour in sorted(Path(path).parent.glob("*.bin")):
                files.setdefault(neighbour.stem, neighbour)
            files[Path(key).stem] = Path(path)
    return files


def _surplus(speech: Speech) -> int:
    """Samples at the end that are only the closing pad's hiss."""
    return max(0, int(speech.durations[-1]) - KEPT_FRAMES) * FRAME if speech.durations is not None else 0


def _trimmed(audio: Iterator[Audio], speech: Speech) -> Iterator[Audio]:
    """Without the surplus, and faded out where that was cut off."""
    if not (surplus := _surplus(speech)):
        yield from audio
        return
    left = round(speech.seconds * RATE) - surplus
    for chunk in audio:
        heard, left = chunk[:left], left - len(chunk)
        yield _faded(heard, max(0, left))
        if left <= 0:
            return  # what follows is not even computed


def _faded(audio: Audio, following: int) -> Audio:
    """With its part of the last FADE samples of a run, of which so many are still to come."""
    if not len(audio) or following >= FADE:
        return audio
    to_the_end = np.arange(following + len(audio) - 1, following - 1, -1, dtype=np.float32)
    return audio * np.minimum(1, to_the_end / FADE).astype(np.float32)


def _limited(audio: Audio) -> Audio:
    """Peaks beyond the knee bend softly and never reach 1, each sample for itself: no window is louder than another."""
    loud = np.abs(audio) > KNEE
    if not loud.any():
        return audio
    bent = KNEE + (1 - KNEE) * np.tanh((np.abs(audio[loud]) - KNEE) / (1 - KNEE))
    limited = audio.copy()
    limited[loud] = np.sign(audio[loud]) * bent
    return limited
