"""The suite that every engine passes, on doubles in a folder of the user's voices."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from meadowlark.testing import conformance
from meadowlark_piper.doubles import write_voice

VOICES = Path(tempfile.mkdtemp(prefix="meadowlark-piper-"))
"""Made when the tests are collected: that is when the suite asks which voices there are."""

atexit.register(shutil.rmtree, VOICES, ignore_errors=True)
write_voice(VOICES / "piper", "en_US-double-medium")
write_voice(VOICES / "piper", "de_DE-thorsten_emotional-medium", espeak="de", speakers=("angry", "neutral", "whisper"))
write_voice(VOICES / "piper", "en_GB-small-x_low", espeak="en-gb-x-rp", rate=16000)

TestPiper = conformance.suite("piper", voice_dir=VOICES, max_markers=4)
