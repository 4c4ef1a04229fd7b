"""Voices for the tests of this folder: doubles of a few kilobytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from meadowlark.api import Native, PipelineContext, Utterance, Value, Voice
from meadowlark_piper.doubles import write_voice
from meadowlark_piper.files import find
from meadowlark_piper.pipeline import PiperPipeline
from meadowlark_piper.voices import voices_of

EMOTIONAL = ("amused", "angry", "disgusted", "drunk", "neutral", "sleepy", "surprised", "whisper")


@pytest.fixture(scope="session")
def voice_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One voice, one of 16 kHz, one with emotions, one that reads letters."""
    folder = tmp_path_factory.mktemp("voices")
    write_voice(folder, "en_US-double-medium")
    write_voice(folder / "piper", "en_US-small-x_low", rate=16000)
    write_voice(folder / "piper" / "de", "de_DE-thorsten_emotional-medium", espeak="de", speakers=EMOTIONAL)
    write_voice(folder / "piper", "en_US-letters-low", phoneme_type="text", espeak={})
    return folder


@pytest.fixture(scope="session")
def voices(voice_dir: Path) -> dict[str, Voice]:
    """By id."""
    complaints: list[str] = []
    found = {voice.id: voice for each in find((voice_dir,), complaints.append) for voice in voices_of(each)}
    assert not complaints
    return found


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PiperPipeline]:
    pipeline = PiperPipeline(PipelineContext("piper", data_dir=tmp_path_factory.mktemp("data")))
    pipeline.load()
    pipeline.warm_up()
    return pipeline


@pytest.fixture(scope="session")
def say(pipeline: PiperPipeline, voices: dict[str, Voice]) -> Callable[..., np.ndarray]:
    """say(text, voice, style=None, speaker="", **options) → all samples."""

    def speak(
        text: str, voice: str = "en_US-double-medium", style: Native | None = None, speaker: str = "", **options: Value
    ) -> np.ndarray:
        chosen = voices[voice]
        utterance = Utterance(
            text, chosen, chosen.languages[0], style=style, speaker=speaker, options={**options, **chosen.options}
        )
        return np.concatenate([np.zeros(0, np.float32), *pipeline.synthesize(utterance)])

    return speak
