"""Two rows of one batch are two runs."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")
from torch import Tensor

from meadowlark.kit.graphs import Step
from meadowlark.kit.guidance import GuidedCache, both, guided, guided_plainly
from meadowlark.kit.kvcache import KVCache, attend, live_mask
from meadowlark.kit.tape import Tape

HEADS, WIDTH, TOKENS = 2, 8, 12


class Toy:
    """One layer of attention over embedded tokens; a position changes what is read."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.table = torch.randn(TOKENS, HEADS * WIDTH, generator=generator)
        self.turn = torch.randn(64, HEADS * WIDTH, generator=generator)
        self.head = torch.randn(TOKENS, HEADS * WIDTH, generator=generator)

    def cache(self, batch: int) -> KVCache:
        return KVCache(1, HEADS, WIDTH, 64, batch=batch)

    def logits(self, tokens: Tensor, cache: KVCache, at: Tensor, length: int) -> Tensor:
        """(rows,) → (rows, TOKENS)."""
        x = (self.table[tokens] + self.turn[at]).view(-1, HEADS, 1, WIDTH)
        cache.write(0, at, x, x * 0.5)
        keys, values = cache.read(0, length)
        return attend(x, keys, values, live_mask(at, length)).flatten(1) @ self.head.T

    def read(self, prompt: list[int], cache: KVCache) -> Tensor:
        for at, token in enumerate(prompt):
            logits = self.logits(torch.tensor([token]), cache, torch.tensor([at]), 64)
        return logits


def apart(model: Toy, prompts: tuple[list[int], list[int]], scales: list[float]) -> list[int]:
    """Greedy, with two caches that know nothing of each other."""
    caches = [model.cache(1) for _ in prompts]
    found = [model.read(prompt, cache) for prompt, cache in zip(prompts, caches, strict=True)]
    tokens: list[int] = []
    for number, scale in enumerate(scales):
        tokens.append(int(guided_plainly(*found, scale).argmax()))
        found = [
            model.logits(torch.tensor(tokens[-1:]), cache, torch.tensor([len(prompt) + number]), 64)
            for prompt, cache in zip(prompts, caches, strict=True)
        ]
    return tokens


def test_guided_is_the_formula() -> None:
    conditioned, free = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1))
    for scale in (0.0, 1.0, 2.0, 3.5):
        found = guided(torch.cat([conditioned, free]), scale)
        torch.testing.assert_close(found, guided_plainly(conditioned, free, scale), atol=1e-5, rtol=0)
    own = torch.tensor([[1.0], [2.0], [0.0]])
    found = guided(torch.cat([conditioned, free]), own)
    assert torch.equal(found[2], free[2])
    torch.testing.assert_close(found[0], conditioned[0])
    torch.testing.assert_close(found[1], 2 * conditioned[1] - free[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("recorder", [None, Tape()])
def test_sequences_with_prompts_of_different_lengths(recorder: Tape | None) -> None:
    """From prefixes kept before, in one batch, with a scale that changes from step to step, as a recorded step."""
    model = Toy()
    prompts = [([1, 2, 3, 4, 5], [0]), ([7, 8], [9, 10, 11])]
    scales = [3.0, 2.0, 1.5, 1.0, 0.5, 2.5]
    wanted = [apart(model, each, scales) for each in prompts]
    assert wanted[0] != apart(model, prompts[0], [1.0] * 6), "guidance changed nothing"

    pairs, begin = GuidedCache(model.cache(4)), torch.zeros(4, TOKENS)
    for sequence, each in enumerate(prompts):
        prefixes = []
        for row, prompt in zip(pairs.rows(sequence), each, strict=True):
            alone = model.cache(1)
            begin[row] = model.read(prompt, alone)[0]
            prefixes.append(alone.snapshot(len(prompt)))
        pairs.begin(sequence, *prefixes)
    assert pairs.at.tolist() == [5, 2, 1, 3]

    def run(token: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        logits = model.logits(both(token), pairs.cache, pairs.at, 32)
        pairs.advance()
        return (guided(logits, scale).argmax(dim=1),)

    step = Step(
        run, {"token": torch.zeros(2, dtype=torch.long), "scale": torch.ones(())}, [pairs.at], recorder=recorder
    )
    tokens = [guided(begin, scales[0]).argmax(dim=1)]
    for scale in scales[1:]:
        tokens.append(step(token=tokens[-1], scale=torch.tensor(scale))[0].clone())
    assert torch.stack(tokens, dim=1).tolist() == wanted
    assert step.recorded == (recorder is not None)


def test_who_waits_stays() -> None:
    pairs = GuidedCache(KVCache(1, 1, 2, 8, batch=4))
    pairs.advance()
    pairs.advance(torch.tensor([False, True]))
    assert pairs.at.tolist() == [1, 2, 1, 2]
    with pytest.raises(ValueError, match="3 rows are no pairs"):
        GuidedCache(KVCache(1, 1, 2, 8, batch=3))
