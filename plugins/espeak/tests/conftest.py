"""One engine for all tests of this folder, and ears: duration, pitch, loudness, voicing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray

from meadowlark.api import EngineManifest, Native, PipelineContext, Utterance, Value
from meadowlark_espeak import manifest as make_manifest
from meadowlark_espeak.pipeline import EspeakPipeline

RATE = 22050
FRAME, HOP = 1024, 512
LOWEST_HZ, HIGHEST_HZ = 55, 400


@dataclass(frozen=True, slots=True)
class Heard:
    """What a listener could measure."""

    seconds: float
    pitch: float
    """Median fundamental frequency of the voiced frames, Hz."""
    spread: float
    """5 % to 95 % of it, Hz."""
    loudness: float
    """RMS."""
    peak: int
    voiced: float
    """Voiced part of the frames with sound."""


@pytest.fixture(scope="session")
def listen() -> Callable[[bytes], Heard]:
    return _listen


def _listen(pcm: bytes) -> Heard:
    audio = np.frombuffer(pcm, np.int16).astype(np.float64)
    pitches, frames = [], 0
    for start in range(0, len(audio) - FRAME, HOP):
        frame = audio[start : start + FRAME]
        if np.sqrt(np.mean(frame**2)) < 500:
            continue
        frames += 1
        pitch, strength = _fundamental(frame - frame.mean())
        if strength > 0.5:
            pitches.append(pitch)
    low, middle, high = np.percentile(pitches, (5, 50, 95)) if pitches else (0, 0, 0)
    return Heard(
        seconds=len(audio) / RATE,
        pitch=float(middle),
        spread=float(high - low),
        loudness=float(np.sqrt(np.mean(audio**2))),
        peak=int(np.abs(audio).max(initial=0)),
        voiced=len(pitches) / max(frames, 1),
    )


def _fundamental(frame: NDArray[np.float64]) -> tuple[float, float]:
    """(Hz, strength 0-1) by autocorrelation."""
    spectrum = np.fft.rfft(frame, 2 * FRAME)
    correlation = np.fft.irfft(spectrum * spectrum.conj())[:FRAME]
    lags = correlation[RATE // HIGHEST_HZ : RATE // LOWEST_HZ]
    best = int(lags.argmax())
    return RATE / (best + RATE // HIGHEST_HZ), float(lags[best] / correlation[0])


@pytest.fixture(scope="session")
def manifest() -> EngineManifest:
    return make_manifest()


@pytest.fixture(scope="session")
def pipeline() -> EspeakPipeline:
    pipeline = EspeakPipeline(PipelineContext("espeak"))
    pipeline.load()
    pipeline.warm_up()
    return pipeline


@pytest.fixture(scope="session")
def say(manifest: EngineManifest, pipeline: EspeakPipeline) -> Callable[..., bytes]:
    """say(text, voice="en-us", *, style=None, variant="", options={}, **more options) → s16le, all of it."""
    voices = {voice.id: voice for voice in manifest.voices}

    def speak(
        text: str,
        voice: str = "en-us",
        style: Native | None = None,
        variant: str = "",
        options: Mapping[str, Value] = MappingProxyType({}),
        **more: Value,
    ) -> bytes:
        chosen = voices[voice]
        utterance = Utterance(
            text=text,
            voice=chosen,
            language=chosen.languages[0],
            variant=variant,
            style=style,
            options={**options, **more, **chosen.options},
        )
        return b"".join(pipeline.synthesize(utterance))

    return speak
