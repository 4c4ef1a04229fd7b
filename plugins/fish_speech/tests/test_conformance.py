"""The suite that every engine passes, on tiny random checkpoints in the official layouts."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.testing import conformance
from meadowlark_fish_speech.doubles import write_15, write_s1, write_s2

VOICES = Path(tempfile.mkdtemp(prefix="meadowlark-fish-"))
"""Made when the tests are collected: that is when the suite asks which voices there are."""

atexit.register(shutil.rmtree, VOICES, ignore_errors=True)
write_s1(VOICES / "fish_speech")
write_s2(VOICES / "fish_speech_s2")
write_15(VOICES / "fish_speech_15")


COMMON = {
    "voice_dir": VOICES,
    "options": {"threads": 1},
    "sentences": {"en": "Good day."},  # random weights find no end: seconds are by letters
    "max_voices": 1,
}

TestS1 = conformance.suite("fish_speech", **COMMON, max_markers=3)
TestS2 = conformance.suite("fish_speech_s2", **COMMON, max_markers=2)
Test15 = conformance.suite("fish_speech_15", **COMMON)
