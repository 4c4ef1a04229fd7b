"""The residency bench in small: real workers, real evictions, a watcher of its own, and what it reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[2] / "script" / "benches"


def test_evictions_under_a_small_budget() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(BENCHES / "residency.py"), "--only", "evictions", "--requests", "12", "--budget", "150"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout.splitlines()[-1])
    results = document["results"]
    assert document["bench"] == "residency"
    assert results["requests"] == 12
    assert (results["lost"], results["oom"]) == (0, 0)
    assert -150 < results["peak_over_budget_mb"] <= 0
    assert results["loads"] >= results["cold"] > 0
    stages = sum(value for key, value in results.items() if key.startswith("stage_ms_mean."))
    assert stages > 0
