"""The test engines do what they say, for tests stand on them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from meadowlark.api import MarkerKind, PipelineContext, PlacedEvent, Utterance, Voice
from meadowlark.testing.engines import FaultyEngine, ToneEngine, faulty_manifest, tone_manifest


def tone(utterance: Utterance, **options) -> np.ndarray:
    engine = ToneEngine(PipelineContext("tone", options=options))
    engine.load()
    engine.warm_up()
    return np.concatenate(list(engine.synthesize(utterance)))


def pitch(samples: np.ndarray, rate: int = 22050) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)


@pytest.fixture
def utterance() -> Utterance:
    manifest = tone_manifest()
    return Utterance("A sentence of some length.", manifest.voices[0], "en", options=manifest.voices[0].options)


def test_length_follows_from_the_text(utterance):
    assert len(tone(utterance)) == int(26 * 0.06 * 22050)
    assert len(tone(utterance, seconds_per_char=0.1)) == int(26 * 0.1 * 22050)


def test_it_says_the_same_twice_and_without_a_jump_between_chunks(utterance):
    assert np.array_equal(tone(utterance, chunk_seconds=0.013), tone(utterance))


def test_voices_differ_in_pitch(utterance):
    other = replace(utterance, voice=Voice("other", ("en",)))

    assert abs(pitch(tone(utterance)) - pitch(tone(other))) > 5
    assert pitch(tone(utterance, hz=440)) == pytest.approx(440, abs=1)


def test_styles_change_pitch_rate_and_volume(utterance):
    styled = replace(utterance, style={"pitch": 1.5, "rate": 2.0, "volume": 0.5})

    assert pitch(tone(styled, hz=400)) == pytest.approx(600, abs=2)
    assert len(tone(styled)) == len(tone(utterance)) // 2
    assert abs(tone(styled)).max() == pytest.approx(0.25, abs=0.01)


def test_events_are_tones_in_their_place(utterance):
    events = (PlacedEvent(10, "laugh", "laugh"), PlacedEvent(26, "sigh", "sigh"))
    samples = tone(replace(utterance, events=events), hz=400)

    assert len(samples) == pytest.approx(22050 * (26 * 0.06 + 0.4), abs=3)
    assert pitch(samples[int(0.61 * 22050) : int(0.79 * 22050)]) == pytest.approx(800, abs=6)
    assert pitch(samples[-4000:]) == pytest.approx(800, abs=6)


def test_it_is_as_slow_as_it_is_told(utterance):
    started = time.monotonic()
    tone(utterance, rtf=0.1)

    assert time.monotonic() - started > 0.1 * 26 * 0.06


@pytest.mark.parametrize("manifest", [tone_manifest("t", 16000, hz=300), faulty_manifest("t", 16000, hz=300)])
def test_manifests_carry_rate_and_options_to_the_pipeline(manifest):
    assert (manifest.id, manifest.sample_rate) == ("t", 16000)
    assert all(voice.options == {"sample_rate": 16000, "hz": 300} for voice in manifest.voices)
    assert {marker.kind for marker in manifest.markers} == set(MarkerKind)


def test_an_unknown_fault_is_named(utterance):
    engine = FaultyEngine(PipelineContext("faulty", options={"fault": "misspelt"}))

    with pytest.raises(ValueError, match="no such fault: misspelt; there are raise, "):
        list(engine.synthesize(utterance))


def test_importing_them_does_not_import_numpy():
    code = "import sys, meadowlark.testing.engines; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
