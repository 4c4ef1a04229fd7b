"""The packaging files of the repository, parsed."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    """What a user's clone holds."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what is committed cannot be told")
    return subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()


@pytest.fixture(scope="session")
def dockerfiles() -> ModuleType:
    """script/dockerfile.py."""
    spec = importlib.util.spec_from_file_location("dockerfile", ROOT / "script" / "dockerfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def image(dockerfiles: ModuleType) -> Any:
    """The last stage of the Dockerfile."""
    return dockerfiles.stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
