"""The GPU's bench runs in small on a CPU, and tells all that it says it tells."""

from __future__ import annotations

import argparse
import importlib
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
pytest.importorskip("meadowlark_fish_speech")

BENCHES = Path(__file__).parents[2] / "script" / "benches"


@pytest.fixture
def benches() -> Iterator[tuple[ModuleType, ModuleType]]:
    sys.path.insert(0, str(BENCHES))
    try:
        yield importlib.import_module("fish"), importlib.import_module("_fish_gpu")
    finally:
        sys.path.remove(str(BENCHES))


def test_every_key_is_told(benches: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    fish, gpu = benches
    fish.write_checkpoint(tmp_path, True)
    options = argparse.Namespace(device="cpu", tiny=True, frames=4, ways="eager,captured,compiled", batches="1")
    shown: list[dict[str, float]] = []

    def said(results: dict[str, float]) -> dict[str, float]:
        shown.append(results)
        return results

    results = gpu.measure(tmp_path, options, said)
    assert results.pop("device") == "cpu"
    assert all(math.isfinite(value) and value > 0 for value in results.values())
    assert len(shown) >= 6
    documented = re.findall(r"^    ([a-z_.<>]+(?:, [a-z_.]+)*)  ", gpu.__doc__, re.MULTILINE)
    for key in (each for line in documented for each in line.split(", ")):
        if key.startswith("vram"):
            continue  # only on a GPU
        for way in ("eager", "captured"):
            wanted = key.replace("<way>", way).replace("<batch>", "1").replace("<precision>", "full")
            assert wanted in results


def test_no_sentence_ends_while_it_is_timed(benches: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    import torch  # may be absent

    fish, gpu = benches
    fish.write_checkpoint(tmp_path, True)
    model, _ = gpu.open_model(tmp_path, "cpu")
    chances = torch.softmax(model.main_logits(torch.randn(64, model.config.slow.dim)), dim=1)
    assert chances[:, model.row_tokens == model.tokens.stop].max() == 0
    assert chances.amax() < 1
