"""Filters against the words that describe them."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit import sampling

LOGITS = torch.log(torch.tensor([[0.05, 0.5, 0.15, 0.3]]))


def kept(logits: torch.Tensor) -> list[int]:
    return logits[0].isfinite().nonzero()[:, 0].tolist()


def test_top_k() -> None:
    assert kept(sampling.top_k(LOGITS, 2)) == [1, 3]
    assert kept(sampling.top_k(LOGITS, 9)) == [0, 1, 2, 3]


def test_min_p() -> None:
    assert kept(sampling.min_p(LOGITS, 0.29)) == [1, 2, 3]
    assert kept(sampling.min_p(LOGITS, 0.31)) == [1, 3]


@pytest.mark.parametrize(
    ("share", "with_crossing", "without"),
    [
        (0.4, [1], [1]),
        (0.6, [1, 3], [1]),
        (0.79, [1, 3], [1]),
        (0.81, [1, 2, 3], [1, 3]),
        (0.96, [0, 1, 2, 3], [1, 2, 3]),
    ],
)
def test_top_p(share: float, with_crossing: list[int], without: list[int]) -> None:
    assert kept(sampling.top_p(LOGITS, share)) == with_crossing
    assert kept(sampling.top_p(LOGITS, share, crossing=False)) == without


def test_top_p_with_a_count_keeps_the_first_always() -> None:
    assert kept(sampling.top_p(LOGITS, 1.0, count=2)) == [1, 3]
    assert kept(sampling.top_p(LOGITS, 1e-6, crossing=False)) == [1]


def test_repetition_penalty_counts_once() -> None:
    logits = torch.tensor([[2.0, -2.0, 1.0]])
    found = sampling.repetition_penalty(logits, torch.tensor([[0, 0, 1]]), 2.0)
    assert found.tolist() == [[1.0, -4.0, 1.0]]
    assert sampling.repetition_penalty(logits, torch.tensor([[0]]), 1.0) is logits


def test_draws_with_the_chances_that_the_logits_say() -> None:
    generator = torch.Generator().manual_seed(1)
    noise = sampling.exponential(20_000, 4, generator=generator)
    drawn = sampling.draw(LOGITS.expand(20_000, 4), noise).bincount(minlength=4) / 20_000
    torch.testing.assert_close(drawn, LOGITS.exp()[0], atol=0.02, rtol=0)


def test_cold_is_greedy() -> None:
    noise = sampling.exponential(100, 4, generator=torch.Generator().manual_seed(2))
    assert set(sampling.draw(sampling.temperature(LOGITS, 0).expand(100, 4), noise).tolist()) == {1}
