"""What a plugin imports when it is found: `python -P -m meadowlark.testing.lightness PLUGIN` in a fresh interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

from ..models.shelves import Shelves
from ..plugins import Loader, installed

HEAVY: Final = ("torch", "onnxruntime", "transformers", "numpy", "scipy", "tensorflow", "jax")


@dataclass(frozen=True, slots=True)
class Lightness:
    """How light a plugin is."""

    seconds: float
    """Of its import and its hooks."""

    heavy: Mapping[str, str]
    """Heavy module → "file:line" that imports it."""


def weigh(plugin: str, interpreter: str = "") -> Lightness:
    """Import one installed plugin in a fresh interpreter and call its hooks. Raises RuntimeError with what it wrote."""
    python = interpreter or sys.executable
    done = subprocess.run(
        [python, "-P", "-m", "meadowlark.testing.lightness", plugin],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"exit status {done.returncode}")
    return Lightness(**json.loads(done.stdout))


class _Tripwire(MetaPathFinder):
    """Notes who asks for heavy modules; finds nothing itself."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """None: the real finders go on."""
        if fullname in HEAVY and fullname not in self.seen:
            frame = sys._getframe(1)
            while frame.f_back and "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            self.seen[fullname] = f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _main(plugin: str) -> None:
    out = os.dup(1)
    os.dup2(2, 1)  # what the plugin prints is not our answer
    tripwire = _Tripwire()
    sys.meta_path.insert(0, tripwire)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        shelves = Shelves(Path(folder, "voices"), Path(folder, "models"))
        Loader(shelves).load_all(point for point in installed() if point.name == plugin)
    seconds = time.perf_counter() - begun
    os.write(out, json.dumps({"seconds": seconds, "heavy": tripwire.seen}).encode())


if __name__ == "__main__":
    _main(sys.argv[1])
