"""script/requirements.py: what the image must install before our own wheels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CORE = """
[project]
dependencies = ["wyoming>=1.10,<2", "numpy>=1.26"]
optional-dependencies = {gpu = ["nvidia-ml-py>=12"], test = ["pytest"]}
"""
ENGINE = """
[project]
dependencies = ["meadowlark", "meadowlark-espeakng>=0.1", "numpy>=1.26", "meadowlarkish"]
optional-dependencies = {gpu = ["torch", "meadowlark[gpu]"]}
"""


def listed(root: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "engine").mkdir()
    (folder / "pyproject.toml").write_text(CORE)
    (folder / "engine" / "pyproject.toml").write_text(ENGINE)
    command = [sys.executable, str(root / "script" / "requirements.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_lists_what_is_not_ours_once(root: Path, tmp_path: Path) -> None:
    done = listed(root, tmp_path, "--extras", "", ".", "engine")
    assert done.stdout.split() == ["meadowlarkish", "numpy>=1.26", "wyoming>=1.10,<2"]


def test_extras_of_any_project(root: Path, tmp_path: Path) -> None:
    done = listed(root, tmp_path, "--extras", "gpu", ".", "engine")
    assert done.stdout.split() == ["meadowlarkish", "numpy>=1.26", "nvidia-ml-py>=12", "torch", "wyoming>=1.10,<2"]


def test_an_unknown_extra_is_an_error(root: Path, tmp_path: Path) -> None:
    done = listed(root, tmp_path, "--extras", "gpus", ".", "engine")
    assert done.returncode == 1
    assert "no" in done.stderr
    assert "'gpus'" in done.stderr
