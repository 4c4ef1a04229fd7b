"""The harness sees what differs."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from meadowlark.api import Pipeline, PipelineContext, Utterance, Voice
from meadowlark.kit.parity import equal, golden, require, spoken, within


def test_equal_counts_and_places() -> None:
    same = torch.tensor([[1, 2], [3, 4]])
    assert equal("tokens", same, same.clone()).ok
    check = equal("tokens", same, torch.tensor([[1, 2], [9, 9]]))
    assert (check.error, check.ok) == (2, False)
    assert "[1, 0], the first of 2" in str(check)
    assert not equal("tokens", same, same[:1]).ok


def test_within_takes_the_worst() -> None:
    one = torch.zeros(2, 2)
    other = torch.tensor([[0.0, 1e-7], [0.0, 3e-6]])
    assert within("audio", one, other, 1e-5).ok
    check = within("audio", one, other, 1e-6)
    assert not check.ok
    assert check.where == "[1, 1]"
    assert not within("audio", torch.tensor([float("nan")]), torch.tensor([0.0]), 1).ok
    assert within("audio", torch.tensor([float("-inf")]), torch.tensor([float("-inf")]), 0).ok


def test_require_names_all_that_is_wrong() -> None:
    wrong = [equal(name, torch.tensor([1]), torch.tensor([2])) for name in "ab"]
    with pytest.raises(AssertionError, match=r"a: 1 > 0.*; b: 1 > 0"):
        require(wrong)
    with pytest.raises(AssertionError, match="nothing was compared"):
        require([])


def test_takes_tensors_and_arrays() -> None:
    half = torch.tensor([1.0, 2.5], dtype=torch.bfloat16)
    assert within("logits", half, np.array([1.0, 2.5]), 0).ok
    assert equal("tokens", np.array([1, 2]), torch.tensor([1, 2])).ok
    assert equal("count", 3, np.array(3)).ok
    assert not within("logits", half.requires_grad_(), [1.0, 2.0], 0.4).ok
    assert within("nothing", torch.zeros(0), np.zeros(0), 0).ok


def test_golden_files(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    arrays = {"tokens": np.arange(3), "audio": np.ones(2, np.float32)}
    np.savez(tmp_path / "one.npz", **arrays)
    save_file(arrays, tmp_path / "two.safetensors")
    (tmp_path / "two.json").write_text(json.dumps({"seed": 7}))
    for name, about in (("one.npz", {}), ("two.safetensors", {"seed": 7})):
        found = golden(tmp_path / name)
        assert found.about == about
        assert found["tokens"].tolist() == [0, 1, 2]
        assert found["audio"].dtype == np.float32
    np.savez(tmp_path / "pickle.npz", thing=np.array([object()]))
    with pytest.raises(ValueError, match="allow_pickle"):
        golden(tmp_path / "pickle.npz")


class _Mixed(Pipeline):
    def synthesize(self, utterance: Utterance):
        if utterance.text:
            yield np.array([0.5, -0.5], np.float32)
            yield np.array([32767, 0], "<i2").tobytes()


def test_spoken_is_one_piece() -> None:
    pipeline, voice = _Mixed(PipelineContext("mixed")), Voice("one", ("en",))
    assert spoken(pipeline, Utterance("Hi.", voice, "en")).tolist() == [0.5, -0.5, 1.0, 0.0]
    assert spoken(pipeline, Utterance("", voice, "en")).shape == (0,)


def test_third_parties_need_no_torch() -> None:
    code = "import sys, meadowlark.testing.parity; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
