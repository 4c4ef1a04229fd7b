"""Kokoro: first audio and speed, ours and kokoro-onnx's on the same file at the same time; windows against the whole.

Options: --models FOLDER (from script/random-models), --runs N (7), --quick.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from _measure import median, report
from _sides import arguments, in_turns, ratio, rtf, side, theirs
from numpy.typing import NDArray

from meadowlark.kit.ort import Compute
from meadowlark_kokoro.model import KokoroModel
from meadowlark_kokoro.phonemes import packed

TOKENS = {"1.3": 15, "3.9": 50, "11.4": 150, "30": 400}
"""Seconds of audio → tokens, at 75 ms each."""

QUALITIES = ("fast", "balanced")
WORD = "lˈIts ɪn ðə "
WINDOWS = (20, 40, 80, 160)
"""Half-frames of 12.5 ms."""


def runs_of(tokens: int) -> list[str]:
    """So many tokens, as our pipeline would cut them."""
    return list(packed([(WORD * tokens)[:tokens].strip()]))


def compare(models: Path, data: str, runs: int) -> dict[str, float]:
    """Each quality and theirs, in turn, for each length."""
    folder, found = str(models / "kokoro"), {}
    with (
        side("ours_kokoro", folder=folder, data=data) as ours,
        side("theirs_kokoro", theirs(models), folder=folder) as others,
    ):
        for seconds, tokens in TOKENS.items():
            text = runs_of(tokens)
            speakers = [lambda quality=quality, text=text: ours(runs=text, quality=quality) for quality in QUALITIES]
            their, *mine = in_turns(
                max(2, runs // (3 if tokens > 100 else 1)), lambda text=text: others(runs=text), *speakers
            )
            found[f"first_audio_ms.{seconds}.theirs"] = median([turn.first for turn in their]) * 1e3
            found[f"audio_s.{seconds}"] = median([turn.audio for turn in their])
            for quality, turns in zip(QUALITIES, mine, strict=True):
                key = f"{seconds}.{quality}"
                found |= {
                    f"first_audio_ms.{key}": median([turn.first for turn in turns]) * 1e3,
                    f"first_audio_ratio.{key}": ratio(their, turns, lambda turn: turn.first),
                    f"rtf_ratio.{key}": ratio(their, turns, rtf),
                    f"cpu_ratio.{key}": ratio(their, turns, lambda turn: turn.cpu / turn.audio),
                }
    return found


def peaks(models: Path, data: str) -> dict[str, float]:
    """Memory of a fresh process that has spoken 400 tokens."""
    folder, text = str(models / "kokoro"), runs_of(400)
    with side("ours_kokoro", folder=folder, data=data) as ours:
        fast = ours(runs=text, quality="fast").peak_mb
        balanced = ours(runs=text, quality="balanced").peak_mb
    with side("ours_kokoro", folder=folder, data=data, text_part="uint8") as ours:
        ours(runs=text[:1], quality="fast")
    with side("ours_kokoro", folder=folder, data=data, text_part="uint8") as ours:
        small = ours(runs=text, quality="fast").peak_mb
    with side("theirs_kokoro", theirs(models), folder=folder) as others:
        their = others(runs=text).peak_mb
    return {
        "peak_mb.ours": fast,
        "peak_mb.ours_balanced": balanced,
        "peak_mb.ours_uint8": small,
        "peak_mb.theirs": their,
        "peak_ratio": their / fast,
    }


def windows(models: Path, data: str) -> dict[str, float]:
    """How far windows are from the whole, by their size, in a run of 150 tokens."""
    model = KokoroModel(models / "kokoro" / "kokoro-v1.0.onnx", Compute(threads=2), Path(data, "parts"))
    style = (np.random.default_rng(0).standard_normal((1, 256)) * 0.2).astype(np.float32)
    speech = model.begin([model.alphabet[symbol] for symbol in runs_of(150)[0]], style, 1.0)
    whole = model.whole(speech)
    found: dict[str, float] = {}
    for size in WINDOWS:
        audio = np.concatenate(list(model.windows(speech, size, size)))
        found[f"windows.{size * 0.0125:g}.snr_db"] = snr(audio, whole)
        found[f"windows.{size * 0.0125:g}.spectral_db"] = spectral_distance(audio, whole)
    grown = np.concatenate(list(model.windows(speech)))
    return found | {
        "windows.growing.snr_db": snr(grown, whole),
        "windows.growing.spectral_db": spectral_distance(grown, whole),
    }


def snr(audio: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """dB."""
    return float(10 * np.log10(np.mean(reference**2) / np.mean((audio - reference) ** 2)))


def spectral_distance(audio: NDArray[np.float32], reference: NDArray[np.float32], size: int = 1024) -> float:
    """Mean over time of the RMS difference of log magnitudes, dB; 80 dB below the loudest counts as silence."""
    one, other = (_magnitudes(each, size) for each in (audio, reference))
    floor = other.max() * 1e-4
    difference = 20 * np.log10(np.maximum(one, floor) / np.maximum(other, floor))
    return float(np.sqrt((difference**2).mean(axis=1)).mean())


def _magnitudes(audio: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 2]
    return np.abs(np.fft.rfft(frames * np.hanning(size), axis=1))


def main() -> None:
    options = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as data:
        results = (
            windows(options.models, data) | peaks(options.models, data) | compare(options.models, data, options.runs)
        )
    report("kokoro", results, ["weights are random: distances say nothing of how it sounds; ratios: theirs / ours"])


if __name__ == "__main__":
    main()
