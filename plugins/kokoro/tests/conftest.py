"""A double of Kokoro for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from meadowlark.api import PipelineContext, Utterance, Value, Voice
from meadowlark_kokoro import doubles
from meadowlark_kokoro.pipeline import KokoroPipeline

Say = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def voice_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices")
    doubles.write(folder / "kokoro", voices=("af_heart", "af_sky", "bf_emma", "jf_alpha"))
    return folder


@pytest.fixture(scope="session")
def pipeline(voice_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> KokoroPipeline:
    data = tmp_path_factory.mktemp("data")
    pipeline = KokoroPipeline(PipelineContext("kokoro", data_dir=data, voice_dir=voice_dir))
    pipeline.load()
    pipeline.warm_up()
    return pipeline


@pytest.fixture(scope="session")
def utter() -> Callable[..., Utterance]:
    """utter(text, blend="af_heart", variant="", **options)."""

    def make(text: str, blend: str = "af_heart", variant: str = "", **options: Value) -> Utterance:
        voice = Voice("v", ("en-US",), options={"blend": blend})
        return Utterance(text, voice, "en-US", variant=variant, options={**options, **voice.options})

    return make


@pytest.fixture(scope="session")
def say(pipeline: KokoroPipeline, utter: Callable[..., Utterance]) -> Say:
    """The same → all samples."""

    def speak(*what: str, **options: Value) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.float32), *pipeline.synthesize(utter(*what, **options))])

    return speak
