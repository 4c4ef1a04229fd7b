"""What upstream computed, cut to what a test needs; skipped where there is no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

try:
    import torch
except ImportError:  # every test module skips itself, with the reason
    pass
else:
    torch.set_num_threads(1)  # tiny models: a second thread waits more than it works

GOLDEN = Path(__file__).parent / "golden"


class Golden:
    """One folder of golden data. Embeddings are kept as the rows that the runs use; the others are zeros."""

    def __init__(self, name: str, folder: Path) -> None:
        import numpy as np

        from meadowlark.kit import weights

        self.trace: dict[str, torch.Tensor] = {}
        found: dict[str, torch.Tensor] = {}
        with np.load(GOLDEN / f"{name}.npz") as data:
            for key in data.files:
                kind, _, rest = key.partition("/")
                if kind == "trace":
                    self.trace[rest] = torch.from_numpy(data[key])
                elif rest.endswith("@values"):
                    base = rest.removesuffix("@values")
                    whole = torch.zeros(*data[f"weights/{base}@shape"].tolist())
                    whole[torch.from_numpy(data[f"weights/{base}@rows"]).long()] = torch.from_numpy(data[key])
                    found[base] = whole
                elif "@" not in rest:
                    found[rest] = torch.from_numpy(data[key])
        self.file = folder / f"{name}.safetensors"
        weights.write(found, self.file)
        path = GOLDEN / f"{name}.json"
        self.about: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}


@pytest.fixture(scope="session")
def s1(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    return Golden("s1_tiny", tmp_path_factory.mktemp("s1"))


@pytest.fixture(scope="session")
def s2(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    return Golden("s2_tiny", tmp_path_factory.mktemp("s2"))


@pytest.fixture(scope="session")
def dac(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    return Golden("dac_tiny", tmp_path_factory.mktemp("dac"))
