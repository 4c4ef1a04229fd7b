"""Kokoro's model at work: tokens and a style in, audio out, at once or window by window."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from meadowlark.kit import ort, part_files
from meadowlark.kit.onnx_graph import GraphError
from meadowlark.kit.windows import Pace, growing

from . import made, taken
from .errors import ModelFileError
from .made import HALF
from .packs import Pack
from .split import PARTS, SOUND, TEXT
from .symbols import SYMBOLS, from_config

_LOGGER = logging.getLogger(__name__)

RATE = 24000
FRAME = 2 * HALF
"""Samples; the generator's features have two steps for each frame."""

FIRST, MOST = 40, 160
"""Half-frames of the first window (0.5 s) and of the longest (2 s)."""

CONTEXT = 8
"""Half-frames (0.1 s) that a window sees on either side."""

FADE = 4 * HALF
"""Samples (50 ms) over which one window passes into the next: their statistics differ, and so do they a little."""

Audio = NDArray[np.float32]
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Speech:
    """A run of tokens on its way: the text part has been computed, or nothing where the model is not cut."""

    tensors: Mapping[str, Array]
    durations: NDArray[np.int64] | None
    """Frames of each token, the pads at both ends included; None where the model does not tell."""

    seconds: float
    """Of audio; 0 where it is not known."""


class KokoroModel:
    """One model file."""

    def __init__(
        self,
        path: Path,
        compute: ort.Compute,
        parts_dir: Path,
        *,
        small_text: bool = False,
        make: part_files.Make = made.parts,
    ) -> None:
        """small_text: the text part with unsigned 8-bit weights. make: cuts it. Raises ModelFileError."""
        begun = time.monotonic()
        self.path = path
        self._same_shapes = compute.device != "cpu"
        self._pace = Pace(HALF / RATE)
        self._sound: onnxruntime.InferenceSession | None = None
        said: Mapping[str, str] = {}
        try:
            recipe, make = (f"{made.RECIPE}-uint8", made.small) if small_text else (made.RECIPE, make)
            cut = part_files.opened(path, parts_dir, recipe, PARTS, make, lambda content: ort.session(content, compute))
            said = cut[TEXT].get_modelmeta().custom_metadata_map
            whole = said.get(made.WHOLE, "")
        except OSError as error:
            raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from error
        except GraphError as error:
            whole = str(error)
        if whole:
            self._text = _open_whole(path, compute)
            _LOGGER.warning("%s is spoken a whole sentence at a time, for %s", path.name, whole)
        else:
            self._text, self._sound = cut[TEXT], cut[SOUND]
            self._features, self._source, self._style = (each.name for each in self._sound.get_inputs())
        self._taken = _taken(self._text, path)
        self._outputs = [each.name for each in self._text.get_outputs()]
        self._audio = taken.audio(taken.of_session((self._sound or self._text).get_outputs()))
        config = self._text.get_modelmeta().custom_metadata_map.get("kokoro_config", "")
        self.alphabet = from_config(config) if config else SYMBOLS
        _tell(path, said)
        _LOGGER.info("Loaded %s in %.2f s", path.name, time.monotonic() - begun)

    @property
    def in_windows(self) -> bool:
        """Whether it can be computed in windows."""
        return self._sound is not None

    def begin(self, tokens: Sequence[int], style: Pack, speed: float) -> Speech:
        """Compute the text part. style: (1, 256)."""
        feeds = self._taken.feeds([0, *tokens, 0], style, speed)
        if self._sound is None:
            return Speech(feeds, None, 0.0)
        values = dict(zip(self._outputs, self._text.run(None, feeds), strict=True))
        values[self._style] = feeds[self._taken.style.name]
        told = [values[name] for name in self._outputs if name not in {self._features, self._source}]
        frames = values[self._features].shape[2]
        durations = told[0].reshape(-1).astype(np.int64) if told else None
        if durations is not None and (len(durations) != len(tokens) + 2 or durations.sum() * FRAME != frames * HALF):
            durations = None  # found in a file that does not give them out, and something else
        return Speech(values, durations, frames * HALF / RATE)

    def whole(self, speech: Speech) -> Audio:
        """All of it at once."""
        if self._sound is None:
            return _flat(self._text.run([self._audio], dict(speech.tensors))[0])
        names = (self._features, self._source, self._style)
        return _flat(self._sound.run(None, {name: speech.tensors[name] for name in names})[0])

    def windows(self, speech: Speech, first: int = FIRST, most: int = 0, context: int = CONTEXT) -> Iterator[Audio]:
        """The same piece by piece; differs from `whole`, whose normalization sees the whole sentence.

        most: the longest window; 0 = what suits this machine, up to MOST.
        """
        assert self._sound is not None, "only a model that is cut has windows"
        features, source = speech.tensors[self._features], speech.tensors[self._source]
        frames = features.shape[2]
        steps = (source.shape[2] - 1) // frames  # 60, and one more at the end
        tail = np.zeros(0, np.float32)
        growth = 2.0 if most else min(2.0, self._pace.growth(first, context))
        most = most or self._pace.most(MOST, first, context)
        for window in growing(frames, first, most, context, growth, same_shapes=self._same_shapes):
            feeds = {
                self._features: np.ascontiguousarray(features[:, :, window.begin : window.end]),
                self._source: np.ascontiguousarray(source[:, :, window.begin * steps : window.end * steps + 1]),
                self._style: speech.tensors[self._style],
            }
            begun = time.monotonic()
            audio = _flat(self._sound.run(None, feeds)[0])
            self._pace.note(window.end - window.begin, time.monotonic() - begun)
            start = window.skip * HALF
            stop = start + window.heard * HALF
            heard = audio[start:stop].copy()
            if count := min(len(tail), len(heard)):
                rising = np.arange(1, count + 1, dtype=np.float32) / (count + 1)
                heard[:count] = tail[:count] * (1 - rising) + heard[:count] * rising
            tail = audio[stop : stop + min(FADE, context * HALF)]
            yield heard


def _open_whole(path: Path, compute: ort.Compute) -> onnxruntime.InferenceSession:
    try:
        return ort.session(path, compute)
    except Exception as error:  # whatever ONNX Runtime has to say about a file that it cannot read
        raise ModelFileError(f"{path} is not an ONNX model that can be run: {error}") from error


def _taken(session: onnxruntime.InferenceSession, path: Path) -> taken.Taken:
    """Raises ModelFileError."""
    given = taken.of_session(session.get_inputs())
    if found := taken.taken(given):
        return found
    names = ", ".join(sorted(each.name for each in given))
    raise ModelFileError(f"{path} is not Kokoro: it takes {names}, not input_ids (or tokens), style and speed")


def _flat(audio: Array) -> Audio:
    return audio.reshape(-1).astype(np.float32, copy=False)


def _tell(path: Path, said: Mapping[str, str]) -> None:
    """What was found out when it was cut. Signed 8-bit weights run 3.4 times slower than fp32 on x86 (real-time factor
    0.94 instead of 0.28)."""
    if reason := said.get(made.AS_EXPORTED):
        _LOGGER.warning("The generator of %s is computed as it was exported, for %s", path.name, reason)
    if reason := said.get(made.NOT_SMALL):
        _LOGGER.warning("The text part of %s is not kept in 8 bits: %s", path.name, reason)
    if float(said.get(made.SIGNED, 0)) > 0.25 and platform.machine().lower() in {"x86_64", "amd64"}:
        _LOGGER.warning(
            "%s has signed 8-bit weights: on this processor it takes 3.4 times as long as the fp32 file, which is the "
            "one to use here; for less memory set text_part: uint8",
            path.name,
        )
