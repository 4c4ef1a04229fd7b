"""The GPU bench where there is no GPU: small, through real workers, a real neighbour and the real keeper."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[2] / "script" / "benches"


def test_the_cpu_path(tmp_path: Path) -> None:
    options = ["--device", "cpu", "--sizes", "0.1", "--rounds", "1", "--seconds", "1", "--share", "0.6"]
    options += ["--folder", str(tmp_path)]  # three engines hold 0.4 GB with their interpreters
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(BENCHES / "gpu-residency.py"), *options],
        capture_output=True,
        text=True,
        env=environment,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    document = json.loads(last)
    results = document["results"]
    assert document["bench"] == "gpu-residency"
    assert any("NOT A GPU" in line for line in table)
    assert results["device"] == "cpu"
    assert {"0.1gb.held_mb", "0.1gb.back_mb", "0.1gb.reload_s", "0.1gb.back_after_ms"} <= results.keys()
    assert results["neighbour.resident_before"] == 3
    assert results["neighbour.replies"] > 0
    assert list(tmp_path.iterdir()) == []


def test_weights_are_a_safetensors_file(tmp_path: Path) -> None:
    """Read as the format's description says: a length, a JSON header, tensors end to end."""
    path = tmp_path / "w.safetensors"
    code = "import sys; from pathlib import Path; from _ballast import write_weights; "
    code += "write_weights(Path(sys.argv[1]), 70_000_000)"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=os.environ | {"PYTHONPATH": str(BENCHES)})
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    end = 0
    for tensor in header.values():
        rows, columns = tensor["shape"]
        assert tensor["data_offsets"] == [end, end + 2 * rows * columns]
        end = tensor["data_offsets"][1]
    assert start % 8 == 0
    assert start + end == len(content)
    assert 0 <= 70_000_000 - end < 2 * 8192
