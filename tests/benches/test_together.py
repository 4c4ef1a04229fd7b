"""The bench of sentences computed together, in small: that it runs, and says what it found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

for needed in ("torch", "onnxruntime", "onnx", "meadowlark_fish_speech"):
    pytest.importorskip(needed, reason="Fish-Speech needs it on a CPU: script/setup fish_speech")

BENCH = Path(__file__).parents[2] / "script" / "benches" / "together.py"


@pytest.mark.timeout(60)  # torch, onnx and ONNX Runtime in a fresh interpreter, on a busy machine
def test_two_at_a_time() -> None:
    command = [sys.executable, str(BENCH), "--tiny", "--frames", "3", "--rounds", "1", "--most", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout.splitlines()[-1])
    assert document["bench"] == "together"
    assert {"ms.alone", "ms.1", "ms.2", "frames_per_second.2"} <= document["results"].keys()
    assert all(each > 0 for each in document["results"].values())
