"""The suite that every engine passes, on a tiny random checkpoint in the official layout."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.testing import conformance
from meadowlark_fish_speech.doubles import write_s1

VOICES = Path(tempfile.mkdtemp(prefix="meadowlark-fish-"))
"""Made when the tests are collected: that is when the suite asks which voices there are."""

atexit.register(shutil.rmtree, VOICES, ignore_errors=True)
write_s1(VOICES / "fish_speech")

TestFish = conformance.suite("fish_speech", voice_dir=VOICES, options={"threads": 1}, max_voices=2, max_markers=4)
