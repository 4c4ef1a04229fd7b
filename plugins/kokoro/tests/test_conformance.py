"""The suite that every engine passes, on doubles in a folder of the user's voices."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from meadowlark.testing import conformance
from meadowlark_kokoro import doubles
from meadowlark_kokoro.voices import PUBLISHED, language_of

VOICES = Path(tempfile.mkdtemp(prefix="meadowlark-kokoro-"))
"""Made when the tests are collected: that is when the suite asks which voices there are."""

atexit.register(shutil.rmtree, VOICES, ignore_errors=True)
doubles.write(VOICES / "kokoro", voices=[each for each in PUBLISHED if not language_of(each).remedy])
(VOICES / "kokoro" / "blends.txt").write_text("warm = af_heart*0.7 + af_sky*0.3\n")

TestKokoro = conformance.suite(
    "kokoro",
    voice_dir=VOICES,
    options={"quality": "fast"},  # the machine of the tests is quick enough for the double to be computed at once
)
