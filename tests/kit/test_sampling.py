"""Filters against the words that describe them."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from pathlib import Path

import numpy as np
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


@pytest.mark.parametrize("crossing", [False, True])
@pytest.mark.parametrize("flatness", [0.1, 1.0, 5.0])
def test_top_p_is_what_was_published(flatness: float, crossing: bool) -> None:
    logits = torch.randn(4, 3000, generator=torch.Generator().manual_seed(1)) * flatness
    for share in (1e-6, 0.3, 0.8, 0.99):
        wanted = sampling.top_p_plainly(logits, share, crossing=crossing)
        assert torch.equal(sampling.top_p(logits, share, crossing=crossing), wanted)
        wanted = sampling.top_p_plainly(logits, share, crossing=crossing, count=30)
        assert torch.equal(sampling.top_p(logits, share, crossing=crossing, count=30), wanted)


@pytest.mark.parametrize("flatness", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("count", [None, 5, 2000])
def test_a_draw_on_the_host_is_the_same(flatness: float, count: int | None) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(200, 1000, generator=generator) * flatness
    logits[:, 3] = float("-inf")
    noise = sampling.uniform(200, 1, generator=generator)
    for share, heat in ((1e-6, 1.0), (0.3, 0.7), (0.8, 0.8), (0.99, 1.4), (1.0, 1.0), (0.9, 0.0)):
        kept = sampling.top_p(logits, share, crossing=False, count=count)
        wanted = sampling.draw(sampling.temperature(kept, heat), noise)
        found = sampling.draw_on_host(logits, noise, share, heat, count=count)
        assert int((found != wanted).sum()) <= 1, "but for a number that falls between two"


def test_a_share_of_1_drops_nothing() -> None:
    logits = torch.randn(64, 1088, generator=torch.Generator().manual_seed(2))
    assert not torch.equal(sampling.top_p_plainly(logits, 1.0, crossing=False), logits), "nothing was rounded up"
    assert torch.equal(sampling.top_p(logits, 1.0, crossing=False), logits)
    assert torch.equal(sampling.top_p(logits, torch.ones(64, 1), crossing=False), logits)


def test_each_sequence_may_have_its_own_numbers() -> None:
    logits = torch.randn(2, 50, generator=torch.Generator().manual_seed(1)) * 3
    numbers = [(0.5, 0.3, 3, 1.2), (1.5, 0.9, 40, 2.0)]
    heat, share, count, penalty = (torch.tensor(each)[:, None] for each in zip(*numbers, strict=True))
    seen = torch.tensor([[4, 5], [6, 6]])
    found = sampling.repetition_penalty(logits, seen, penalty)
    found = sampling.temperature(sampling.top_p(found, share, crossing=False, count=count), heat)
    for row, (own_heat, own_share, own_count, own_penalty) in enumerate(numbers):
        own = sampling.repetition_penalty(logits[row : row + 1], seen[row : row + 1], own_penalty)
        own = sampling.top_p(own, own_share, crossing=False, count=own_count)
        assert torch.equal(found[row : row + 1], sampling.temperature(own, own_heat))


def test_repetition_penalty_counts_once() -> None:
    logits = torch.tensor([[2.0, -2.0, 1.0]])
    found = sampling.repetition_penalty(logits, torch.tensor([[0, 0, 1]]), 2.0)
    assert found.tolist() == [[1.0, -4.0, 1.0]]
    assert sampling.repetition_penalty(logits, torch.tensor([[0]]), 1.0) is logits


def test_draws_with_the_chances_that_the_logits_say() -> None:
    generator = torch.Generator().manual_seed(1)
    for noise in (
        sampling.exponential(20_000, 4, generator=generator),
        sampling.uniform(20_000, 1, generator=generator),
    ):
        drawn = sampling.draw(LOGITS.expand(20_000, 4), noise).bincount(minlength=4) / 20_000
        torch.testing.assert_close(drawn, LOGITS.exp()[0], atol=0.02, rtol=0)


def test_what_was_dropped_is_never_drawn() -> None:
    logits = torch.full((1, 5000), float("-inf"))
    logits[0, [7, 4000]] = torch.tensor([1.0, 1.0])
    assert sampling.draw(logits, torch.zeros(1, 1)).tolist() == [7]
    highest = torch.tensor([[1 - 2.0**-20]])
    assert sampling.draw(logits, highest).tolist() == [4000]
    noise = sampling.uniform(4000, 1, generator=torch.Generator().manual_seed(3))
    assert float(noise.max()) <= float(highest)
    assert set(sampling.draw(logits.expand(4000, 5000), noise).tolist()) == {7, 4000}


def test_cold_is_greedy() -> None:
    noise = sampling.exponential(100, 4, generator=torch.Generator().manual_seed(2))
    assert set(sampling.draw(sampling.temperature(LOGITS, 0).expand(100, 4), noise).tolist()) == {1}


def recorded(name: str) -> torch.Tensor:
    """Of Chatterbox's samplers (transformers' processors, two cases of each); what was dropped is not stored."""
    with np.load(Path(__file__).parent / "golden" / "samplers_resample.npz") as data:
        if name in data:
            return torch.from_numpy(data[name])
        rows, columns, values = (torch.from_numpy(data[f"{name}@{part}"]) for part in ("row", "column", "value"))
        shape = data["en_logits" if name.startswith("en") else "turbo_logits"].shape
    whole = torch.full(shape, float("-inf"))
    whole[rows.long(), columns.long()] = values
    return whole


@pytest.mark.parametrize("top_p", [sampling.top_p, sampling.top_p_plainly])
def test_the_order_of_chatterbox(top_p) -> None:
    logits = sampling.repetition_penalty(recorded("en_logits"), recorded("en_hist").long(), 1.2)
    logits = sampling.min_p(sampling.temperature(logits, 0.8), 0.05)
    assert torch.equal(logits, recorded("en_after_minp"))
    assert torch.equal(top_p(logits, 0.9), recorded("en_after_topp"))


@pytest.mark.parametrize("top_p", [sampling.top_p, sampling.top_p_plainly])
def test_the_order_of_chatterbox_turbo(top_p) -> None:
    logits = sampling.top_k(sampling.temperature(recorded("turbo_logits"), 0.8), 1000)
    logits = sampling.repetition_penalty(top_p(logits, 0.95), recorded("turbo_hist").long(), 1.2)
    assert torch.equal(logits, recorded("turbo_out"))
