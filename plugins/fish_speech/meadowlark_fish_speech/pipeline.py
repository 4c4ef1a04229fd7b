"""Fish-Speech at work, in the worker: a sentence is heard from its first frames on."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meadowlark.api import Pipeline, PipelineContext, Utterance, Value, is_out_of_memory
from meadowlark.kit.decode import free_bytes
from meadowlark.kit.graphs import Recorder
from meadowlark.kit.kvcache import Prefix
from meadowlark.kit.pace import Grade, Paces, choose, machine
from meadowlark.kit.precision import Bits, Plan, Quality, bfloat16_is_quick, plan
from meadowlark.kit.references import Library, describe, load
from meadowlark.kit.stream import State, first_piece, pieces

from . import TIMBRES, codec, phonemes, settings
from .captured import Captured
from .checkpoint import Checkpoint
from .company import in_company
from .config import ModelConfig
from .generate import Eager, Speaker, Speech
from .generations import of_engine
from .markers import marked_parts
from .prompt import Prompt, Sample
from .sampler import Manner, RandomNoise
from .text import has_words
from .timbres import SENTENCE, Timbres

_LOGGER = logging.getLogger(__name__)

Audio: TypeAlias = NDArray[np.float32]

FRAME_RATE = codec.RATE / codec.FRAME

LARGEST_PIECE = 16
"""Frames, 0.74 s: beyond it the codec gains nothing, and a listener who left is waited for longer."""

VOICES_IN_MEMORY = 4
"""Whose prompts are kept as keys and values: 112 KiB a token in bfloat16, 31 MB for 10 s of reference."""

DRAWING_SECONDS = 15.0
"""Of a load, at most, for the first timbre: the core takes a load that lasts far longer than others for hung."""

GRADES = (Grade(Bits.FULL, 4.5), Grade(Bits.INT8, 1.8), Grade(Bits.INT4, 1.0))
"""Of a CPU, best first: what `quality: auto` chooses from."""


class FishPipeline(Pipeline):
    """One model, one codec, several voices."""

    def __init__(
        self,
        context: PipelineContext,
        *,
        free: Callable[[str], int] = free_bytes,
        recorder: Recorder | None = None,
    ) -> None:
        """free: bytes of a GPU. recorder: makes a CPU do as a GPU does, for tests."""
        super().__init__(context)
        self._free, self._recorder = free, recorder

    def load(self) -> None:
        """Read the checkpoint. Raises CheckpointError, ConfigError, TokenizerError, WeightsError, ValueError."""
        options = self.context.options
        settings.check(options)
        if threads := int(settings.number(options, "threads") or 0):
            torch.set_num_threads(threads)
        engine = self.context.engine
        folders = (Path(str(options["folder"])),) if "folder" in options else (self.context.voice_dir / engine,)
        self._generation = of_engine(engine)
        self._checkpoint = Checkpoint.find(self.context.files, folders, self.context.data_dir, self._generation)
        quality = Quality(str(options.get("quality", "auto")))
        self._paces = Paces(self.context.data_dir, engine, machine(self.context.device, torch.get_num_threads()))
        self._plan = plan(self.context.device, quality, real_time_at=Bits(choose(GRADES, self._paces.rtf()).name))
        config = self._checkpoint.config()
        self._tokenizer = self._checkpoint.tokenizer(config)
        self._reads_sounds = self._generation.marks and len(self._tokenizer.trusted(phonemes.START)) == 1
        self._alone = self._speaker_of(config, int(settings.number(options, "threads") or 0))
        codec_plan = Plan(self._plan.device, _codec_dtype(self._plan))
        self._decoder = self._checkpoint.decoder(codec_plan, config.codebooks)
        self._speaker, self.places = in_company(self._alone, self._plan, self._free, self._recorder)
        if on_gpu := isinstance(self._speaker, Captured):
            self._alone = self._speaker
        self._open = 0
        self._library = Library(self.context.data_dir, engine, self._generation.codec.version)
        self._timbres = Timbres(
            self._library,
            str(config),
            self._speech_of_timbre,
            self._alone.tokens.stop,
            keeps_halves=not on_gpu,  # a GPU draws one in a second or two, and has few places
        )
        self._prefixes: OrderedDict[str, Prefix] = OrderedDict()
        self._step_seconds = self._decode_seconds = 0.0
        _LOGGER.info("%s computes as %s, %d sentences at a time", engine, self._plan, self.places)

    def _speaker_of(self, config: ModelConfig, threads: int) -> Speaker:
        """By itself: ONNX Runtime where weights are packed, else torch."""
        tokens, bits = self._tokenizer.tokens, self._plan.bits
        if bits is not Bits.FULL:  # in float32 both take the same time, and ONNX Runtime twice the memory
            from .ort_speaker import OrtSpeaker  # loads onnxruntime: not for a GPU

            folder = self.context.data_dir / "graphs" / self.context.engine
            try:
                return OrtSpeaker(
                    self._checkpoint.model_weights(config, tokens), config, tokens, bits, folder, threads=threads
                )
            except OSError as error:
                if is_out_of_memory(error):
                    raise  # torch would need more
                _LOGGER.warning(
                    "Packed weights cannot be kept in %s (%s): a frame will take twice to three times as long",
                    folder,
                    error,
                )
        return Eager(self._checkpoint.model(config, tokens, self._plan))

    def warm_up(self) -> None:
        """Measure how fast frames and sound are made here, on which depends when the first is heard; draw a timbre."""
        count = 5
        if isinstance(self._speaker, Captured):
            self._speaker.warm_up()
            count = 13  # the last four come together
        speech = Speech(self._speaker, self._prompt("Hello.", ()).whole, self._sampler(self._manner({}), 0), count)
        frames, stamps = [], []
        for frame in speech:
            frames.append(frame)
            stamps.append(time.perf_counter())
        self._step_seconds = (stamps[-1] - stamps[-5:][0]) / max(1, len(stamps[-5:]) - 1)
        state = State()
        for _ in range(2):
            begun = time.perf_counter()
            self._sound(frames, state)
            self._decode_seconds = (time.perf_counter() - begun) / len(frames)
        self._paces.note(self._plan.bits, (self._step_seconds + self._decode_seconds) * FRAME_RATE)
        _LOGGER.debug("A frame takes %.1f ms, its sound %.1f ms", self._step_seconds * 1e3, self._decode_seconds * 1e3)
        self._draw_ahead(next(iter(TIMBRES.values())))  # the first voice's: while it loads, another one speaks

    def _draw_ahead(self, timbre: int) -> None:
        """As much of it as there is time for; the rest when it is asked for."""
        frames = int(DRAWING_SECONDS / self._step_seconds)
        for _ in itertools.islice(self._timbres.drawing(timbre), frames):
            pass

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Yield float32. Raises VoiceReferenceError, ValueError."""
        parts = list(self._parts(utterance))
        if not parts:
            if utterance.text:
                _LOGGER.info("A text of %d characters has no word in it: a short pause", len(utterance.text))
                yield np.zeros(codec.FRAME, np.float32)  # emoji, dots: a breath
            return
        if not utterance.options.get("reference"):
            for _ in self._timbres.drawing(_timbre_of(utterance)):
                yield np.zeros(0, np.float32)  # others are spoken meanwhile
        samples, key = self._samples(utterance)
        manner, seed = self._manner(utterance.options), int(settings.number(utterance.options, "seed") or 0)
        for part in parts:
            prompt = self._prompt(part, samples)
            sampler = self._sampler(manner, seed or _seed_of(part))
            frames = settings.Lengths().frames(part, FRAME_RATE)
            speech = Speech(self._speaker, prompt.whole, sampler, frames, self._prefix(key, prompt))
            self._open += 1
            try:
                yield from self._heard(speech)
            finally:
                self._open -= 1
            if not speech.stopped:
                _LOGGER.debug("The model did not end a sentence of %d characters within %d frames", len(part), frames)

    def _parts(self, utterance: Utterance) -> Iterator[str]:
        """What the model reads, one after the other; nothing where there is nothing to say or to do."""
        utterance = phonemes.written(utterance) if self._reads_sounds else utterance
        generation, text = self._generation, self._generation.clean(utterance.text)
        events = utterance.events if generation.marks else ()
        if has_words(text) or events:
            style = utterance.style if generation.marks else None
            yield from marked_parts(text, style, events, generation.piece_bytes)

    def _heard(self, speech: Speech) -> Iterator[Audio]:
        """Sound from frames, few at first."""
        first = first_piece(1 / FRAME_RATE, self._step_seconds, self._decode_seconds)
        rtf = (self._step_seconds + self._decode_seconds) * FRAME_RATE
        sizes = pieces(first, max(first, LARGEST_PIECE), rtf)
        size, waiting, state = next(sizes), [], State()
        for frame in speech:
            if int(frame[0]) != self._speaker.tokens.stop:
                waiting.append(frame)
            if len(waiting) == size:
                yield self._sound(waiting, state)
                size, waiting = next(sizes), []
            elif self._open > 1:
                yield np.zeros(0, np.float32)  # nothing to be heard yet: the others' turn
        if waiting:
            yield self._sound(waiting, state)

    def _sound(self, frames: list[Tensor], state: State) -> Audio:
        codes = torch.stack(frames, dim=1)[None, 1:].to(self._plan.device)
        audio: Audio = self._decoder.decode(codes, state)[0, 0].float().cpu().numpy()
        return audio

    def _samples(self, utterance: Utterance) -> tuple[tuple[Sample, ...], str]:
        """Whom to speak like, and a key for it."""
        if path := str(utterance.options.get("reference", "")):
            reference = describe(Path(path))
            codes = self._library.encoded(reference, lambda: self._encode(Path(path)))
            sample = Sample(reference.text, codes)
        else:
            sample = Sample(SENTENCE, self._timbres.codes(_timbre_of(utterance)))
        return (sample,), _key_of(sample)

    def _encode(self, path: Path) -> Tensor:
        """The encoder is read for it and forgotten: 207 of the codec's 391 million weights."""
        audio = torch.from_numpy(load(path, codec.RATE))
        plan = Plan(self._plan.device, torch.float32)
        codes = self._checkpoint.encoder(plan).encode(audio[None, None])[0].cpu()
        torch.cuda.empty_cache()  # a GPU is shared, and torch would keep 0.8 GB; without one it does nothing
        return codes

    def _speech_of_timbre(self, seed: int) -> Speech:
        """On a CPU by itself: it may be left half drawn, and would keep a place from others."""
        frames = settings.Lengths().frames(SENTENCE, FRAME_RATE) // 2
        sampler = self._alone.sampler(self._manner({}), RandomNoise(seed))
        return Speech(self._alone, self._prompt(SENTENCE, ()).whole, sampler, frames)

    def _prefix(self, key: str, prompt: Prompt) -> Prefix:
        """The voice's part of a prompt, as the model has read it."""
        if key not in self._prefixes:
            while len(self._prefixes) >= VOICES_IN_MEMORY:
                self._prefixes.popitem(last=False)
            self._prefixes[key] = self._speaker.prefix(prompt.voice)
        self._prefixes.move_to_end(key)
        return self._prefixes[key]

    def _prompt(self, text: str, samples: tuple[Sample, ...]) -> Prompt:
        return self._generation.write(self._tokenizer, text, samples, self._speaker.config.codebooks)

    def _manner(self, options: Mapping[str, Value]) -> Manner:
        manner = self._generation.manner
        for name in ("temperature", "top_p", "repetition_penalty", "top_k"):
            if (value := settings.number(options, name)) is not None:
                manner = dataclasses.replace(manner, **{name: int(value) if name == "top_k" else value})
        return manner

    def _sampler(self, manner: Manner, seed: int) -> Any:
        return self._speaker.sampler(manner, RandomNoise(seed))


def _timbre_of(utterance: Utterance) -> int:
    """Of a voice without a reference."""
    return int(settings.number({"seed": utterance.options.get("timbre", 1)}, "seed") or 1)


def _key_of(sample: Sample) -> str:
    """By what is in it: a recording may be exchanged for another one of the same name and length."""
    return hashlib.sha256(f"{sample.text} {sample.codes.tolist()}".encode()).hexdigest()


def _codec_dtype(chosen: Plan) -> torch.dtype:
    """Convolutions are not quantized; where 4 bits are good enough for the model, 16 are for its sound."""
    return torch.bfloat16 if chosen.bits is Bits.INT4 and bfloat16_is_quick() else chosen.dtype


def _seed_of(text: str) -> int:
    """Another one for each text, the same for the same."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4], "big") >> 1
