"""The harness sees what differs."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit.parity import equal, require, within


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
