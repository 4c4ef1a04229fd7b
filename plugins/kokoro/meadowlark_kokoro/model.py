"""Kokoro's model at work: tokens and a style in, audio out, at once or window by window."""

from __future__ import annotations

import logging
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from meadowlark.kit import ort, part_files
from meadowlark.kit.onnx_graph import GraphError, load
from meadowlark.kit.windows import Pace, growing

from .errors import ModelFileError
from .packs import Pack
from .split import PARTS, RECIPE, SIGNED, SOUND, TEXT, signed_share, split
from .symbols import SYMBOLS, from_config

_LOGGER = logging.getLogger(__name__)

RATE = 24000
FRAME = 600
"""Samples; the generator's features have two steps for each frame."""

HALF = FRAME // 2

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

    def __init__(self, path: Path, compute: ort.Compute, parts_dir: Path, *, small_text: bool = False) -> None:
        """small_text: the text part with unsigned 8-bit weights. Raises ModelFileError."""
        begun = time.monotonic()
        self.path = path
        self._same_shapes = compute.device != "cpu"
        self._pace = Pace(HALF / RATE)
        self._sound: onnxruntime.InferenceSession | None = None
        try:
            cut = _parts(path, parts_dir, compute, small_text=small_text)
            self._text, self._sound = cut[TEXT], cut[SOUND]
            self._features, self._source, self._style = (each.name for each in self._sound.get_inputs())
        except OSError as error:
            raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from error
        except GraphError as error:
            self._text = _open_whole(path, compute)
            _LOGGER.warning("%s is spoken a whole sentence at a time, for %s", path.name, error)
        self._inputs = _inputs(self._text, path)
        self._outputs = [each.name for each in self._text.get_outputs()]
        metadata = self._text.get_modelmeta().custom_metadata_map
        config = metadata.get("kokoro_config", "")
        self.alphabet = from_config(config) if config else SYMBOLS
        _warn_if_slow(path, metadata, cut=self._sound is not None)
        _LOGGER.info("Loaded %s in %.2f s", path.name, time.monotonic() - begun)

    @property
    def in_windows(self) -> bool:
        """Whether it can be computed in windows."""
        return self._sound is not None

    def begin(self, tokens: Sequence[int], style: Pack, speed: float) -> Speech:
        """Compute the text part. style: (1, 256)."""
        feeds = {
            self._inputs[0].name: np.asarray([[0, *tokens, 0]], np.int64),
            self._inputs[1].name: style.astype(_dtype(self._inputs[1])),
            self._inputs[2].name: _speed(speed, self._inputs[2]),
        }
        if self._sound is None:
            return Speech(feeds, None, 0.0)
        values = dict(zip(self._outputs, self._text.run(None, feeds), strict=True))
        values[self._style] = feeds[self._inputs[1].name]
        told = [values[name] for name in self._outputs if name not in {self._features, self._source}]
        frames = values[self._features].shape[2]
        durations = told[0].reshape(-1).astype(np.int64) if told else None
        if durations is not None and (len(durations) != len(tokens) + 2 or durations.sum() * FRAME != frames * HALF):
            durations = None  # found in a file that does not give them out, and something else
        return Speech(values, durations, frames * HALF / RATE)

    def whole(self, speech: Speech) -> Audio:
        """All of it at once."""
        if self._sound is None:
            return _flat(self._text.run(None, dict(speech.tensors))[0])
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


def _parts(path: Path, folder: Path, compute: ort.Compute, *, small_text: bool) -> Mapping[str, Any]:
    """Sessions of the two parts; the text part in 8 bits takes a few seconds more, once."""
    recipe, make = (f"{RECIPE}-uint8", _split_small) if small_text else (RECIPE, split)
    return part_files.opened(path, folder, recipe, PARTS, make, lambda content: ort.session(content, compute))


def _split_small(path: Path) -> dict[str, ModelProto]:
    """Unsigned weights: as fast as fp32 on x86 and a third of its size; signed ones are 3.4 times slower."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # half a second, once for each model

    made = split(path)
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder, "text.onnx"), Path(folder, "small.onnx")
        onnx.save(made[TEXT], whole)
        quantize_dynamic(whole, small, weight_type=QuantType.QUInt8)
        return {**made, TEXT: onnx.load(small)}


def _open_whole(path: Path, compute: ort.Compute) -> onnxruntime.InferenceSession:
    try:
        return ort.session(path, compute)
    except Exception as error:  # whatever ONNX Runtime has to say about a file that it cannot read
        raise ModelFileError(f"{path} is not an ONNX model that can be run: {error}") from error


def _inputs(session: onnxruntime.InferenceSession, path: Path) -> tuple[Any, Any, Any]:
    """Tokens, style and speed, whatever the exporter calls the first. Raises ModelFileError."""
    given = {each.name: each for each in session.get_inputs()}
    tokens = given.get("input_ids") or given.get("tokens")
    if tokens is None or "style" not in given or "speed" not in given:
        names = ", ".join(sorted(given))
        raise ModelFileError(f"{path} is not Kokoro: it takes {names}, not input_ids (or tokens), style and speed")
    return tokens, given["style"], given["speed"]


def _dtype(given: Any) -> np.dtype[Any]:
    return np.dtype({"tensor(float16)": "f2", "tensor(double)": "f8"}.get(given.type, "f4"))


def _speed(speed: float, given: Any) -> Array:
    """Some exporters made it a whole number: then 1.3 would be cut to 1, and 0.8 to a division by zero."""
    if "int" in given.type:
        return np.asarray([max(1, round(speed))], np.int32 if "int32" in given.type else np.int64)
    return np.asarray([speed], _dtype(given))


def _flat(audio: Array) -> Audio:
    return audio.reshape(-1).astype(np.float32, copy=False)


def _warn_if_slow(path: Path, metadata: Mapping[str, str], *, cut: bool) -> None:
    """Signed 8-bit weights run 3.4 times slower than fp32 on x86 (real-time factor 0.94 instead of 0.28)."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return
    share = float(metadata.get(SIGNED, 0)) if cut else _signed_share(path)
    if share > 0.25:
        _LOGGER.warning(
            "%s has signed 8-bit weights: on this processor it takes 3.4 times as long as the fp32 file, which is the "
            "one to use here; for less memory set text_part: uint8",
            path.name,
        )


def _signed_share(path: Path) -> float:
    try:
        return signed_share(load(path))
    except GraphError:
        return 0.0
