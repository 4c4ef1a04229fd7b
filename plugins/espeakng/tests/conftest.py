"""One library for all tests of this folder: a copy cannot be unloaded."""

from __future__ import annotations

import pytest

from meadowlark_espeakng.library import Library
from meadowlark_espeakng.phonemes import Phonemizer
from meadowlark_espeakng.synthesis import Synthesizer


@pytest.fixture(scope="session")
def library() -> Library:
    return Library()


@pytest.fixture(scope="session")
def synthesizer() -> Synthesizer:
    return Synthesizer()


@pytest.fixture(scope="session")
def phonemizer() -> Phonemizer:
    return Phonemizer()
