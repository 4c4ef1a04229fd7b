"""A voice's model at work: numbers in, audio out, window by window."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from meadowlark.kit import ort, part_files
from meadowlark.kit.onnx_graph import GraphError
from meadowlark.kit.windows import LEAST_GROWTH, Pace, Window, growing

from .config import VoiceConfig
from .errors import VoiceFileError
from .frames import Frames
from .split import FLOW, PARTS, RECIPE, SOUND, TEXT, split

_LOGGER = logging.getLogger(__name__)

CONTEXT = 12
"""Frames that a window sees on either side. Measured for medium and high: from 11 on, no sample differs by 3e-8."""

FIRST, MOST = 22, 176
"""Frames of the first window (0.25 s) and of the longest (2 s): each costs its context."""

_INPUTS = {"input", "input_lengths", "scales"}

Audio = NDArray[np.float32]


class PiperModel:
    """One voice."""

    def __init__(self, path: Path, config: VoiceConfig, compute: ort.Compute, parts_dir: Path) -> None:
        """Raises VoiceFileError for a file that is not a Piper voice."""
        begun = time.monotonic()
        self._config = config
        self._same_shapes = compute.device != "cpu"
        self._whole: onnxruntime.InferenceSession | None = None
        try:
            cut = part_files.opened(
                path, parts_dir, RECIPE, PARTS, split, lambda content: ort.session(content, compute)
            )
            self._text, self._flow, self._sound = cut[TEXT], cut[FLOW], cut[SOUND]
        except OSError as error:
            raise VoiceFileError(f"{path} cannot be read: {error.strerror or error}") from error
        except GraphError as error:
            self._text = self._whole = _open_whole(path, compute)
            _LOGGER.warning("%s is spoken a whole sentence at a time, for %s", path.name, error)
        inputs = {each.name for each in self._text.get_inputs()}
        if not inputs >= _INPUTS:
            raise VoiceFileError(
                f"{path} is not a Piper voice: it takes {', '.join(sorted(inputs))}, not {', '.join(sorted(_INPUTS))}"
            )
        self._many = "sid" in inputs
        self._pace = Pace(config.hop / config.sample_rate)
        _LOGGER.info("Loaded %s in %.2f s", path.stem, time.monotonic() - begun)

    def speak(self, ids: Sequence[int], scales: tuple[float, float, float], speaker: int = 0) -> Iterator[Audio]:
        """Audio in [-1, 1], as the voice makes it. scales: noise, length, noise of the durations."""
        feeds = {
            "input": np.asarray([ids], np.int64),
            "input_lengths": np.asarray([len(ids)], np.int64),
            "scales": np.asarray(scales, np.float32),
        }
        if self._many:
            feeds["sid"] = np.asarray([speaker], np.int64)
        if self._whole:
            yield self._whole.run(None, feeds)[0].reshape(-1)
            return
        known = dict(zip([each.name for each in self._text.get_outputs()], self._text.run(None, feeds), strict=True))
        names = [each.name for each in self._sound.get_inputs()]
        fixed = {name: known[name] for name in names[1:]}
        most, growth = self._pace.most(MOST, FIRST, CONTEXT), self._pace.growth(FIRST, CONTEXT)
        frames = Frames(self._flow, known, LEAST_GROWTH if self._same_shapes else growth)
        for window in growing(frames.count, FIRST, most, CONTEXT, growth, same_shapes=self._same_shapes):
            part = np.ascontiguousarray(frames.until(window.end)[:, :, window.begin :])
            begun = time.monotonic()
            audio = self._sound.run(None, {names[0]: part, **fixed})[0].reshape(-1)
            self._pace.note(window.end - window.begin, time.monotonic() - begun)
            yield _heard(audio, window)


def _heard(audio: Audio, window: Window) -> Audio:
    """The heard part of a window's audio; the samples of a frame are counted, for `hop_length` may be missing."""
    hop = len(audio) // (window.end - window.begin)
    return audio[window.skip * hop : (window.skip + window.heard) * hop]


def _open_whole(path: Path, compute: ort.Compute) -> onnxruntime.InferenceSession:
    try:
        return ort.session(path, compute)
    except Exception as error:  # whatever ONNX Runtime has to say about a file that it cannot read
        raise VoiceFileError(f"{path} is not an ONNX model that can be run: {error}") from error
