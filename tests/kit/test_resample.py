"""What our resampling is beside that of the libraries which engines were published with (24 → 16 kHz).

librosa's default is what we call: soxr, high quality; equal. torchaudio's Resample (6 zeros of a sinc under a Hann
window, rolloff 0.99) has a wider transition at 8 kHz: up to 1 % of the peak of this sound differs. An engine whose
weights were trained on it (Chatterbox's reference for its decoder) must compute that itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

soxr = pytest.importorskip("soxr")

from meadowlark.audio import Resampler  # noqa: E402  soxr may be absent

LAST = 3900
"""Samples recorded; the sound itself ends a filter's length later."""


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "golden" / "samplers_resample.npz") as data:
        return {name: data[name] for name in ("wav24", "librosa_soxr16", "torchaudio16")}


def test_references_are_resampled_as_librosa_does(golden: dict[str, np.ndarray]) -> None:
    found = soxr.resample(golden["wav24"], 24000, 16000)[:LAST]  # as kit.references does
    np.testing.assert_allclose(found, golden["librosa_soxr16"], atol=2e-8)


def test_replies_are_resampled_alike_within_a_step_of_16_bits(golden: dict[str, np.ndarray]) -> None:
    stream = Resampler(24000, 16000)
    data = np.rint(golden["wav24"] * 32767).astype("<i2").tobytes()
    found = b"".join(stream.push(data[at : at + 1000]) for at in range(0, len(data), 1000)) + stream.finish()
    samples = np.frombuffer(found, "<i2")
    assert len(samples) == 4000
    np.testing.assert_allclose(samples[:LAST], golden["librosa_soxr16"] * 32767, atol=1.2)


def test_torchaudio_differs_as_far_as_is_said(golden: dict[str, np.ndarray]) -> None:
    found = soxr.resample(golden["wav24"], 24000, 16000)[:LAST]
    difference, peak = np.abs(found - golden["torchaudio16"]).max(), np.abs(found).max()
    assert 0.002 < difference < 0.003
    assert difference < 0.01 * peak
