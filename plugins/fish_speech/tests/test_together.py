"""Sentences decoded together are the sentences decoded alone."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.kit.decode import Together
from meadowlark.kit.precision import Plan
from meadowlark.kit.weights import Weights
from meadowlark_fish_speech.config import config_of
from meadowlark_fish_speech.generate import Eager, Speech, draw_frame
from meadowlark_fish_speech.model import TABLE, DualAR, Tokens
from meadowlark_fish_speech.sampler import Manner, RandomNoise, S1Sampler


@pytest.fixture(scope="module")
def model(s1) -> DualAR:
    known = s1.about["tokens"]
    tokens = Tokens(known["semantic_begin_id"], known["semantic_end_id"], known["im_end"])
    return DualAR(Weights([s1.file], TABLE), config_of(s1.about["model"]), tokens, Plan())


def sampler(seed: int = 0) -> S1Sampler:
    return S1Sampler(Manner(), RandomNoise(seed))


def alone(model: DualAR, prompt: torch.Tensor, frames: int, seed: int) -> list[list[int]]:
    return [frame.tolist() for frame in Speech(Eager(model), prompt, sampler(seed), frames)]


def together(model: DualAR, places: int, length: int = 64) -> Together[S1Sampler]:
    return Together(model, lambda state, own: draw_frame(model, state, own, model.fast_cache()), places, length)


def test_come_and_go(model: DualAR, s1) -> None:
    prompt = s1.trace["greedy_ref.prompt"].long()
    prompts = [prompt[:, :20], prompt[:, :31], prompt[:, :9]]
    wanted = [alone(model, each, 8, seed) for seed, each in enumerate(prompts)]
    many = together(model, 2)
    found: dict[int, list[list[int]]] = {0: [], 1: [], 2: []}
    who = {many.join(prompts[0], sampler(0)): 0}
    for turn in range(12):
        if turn == 2:
            who[many.join(prompts[1], sampler(1))] = 1
        if turn == 5:  # the first listener has left; a third takes the place
            place = next(place for place, number in who.items() if number == 0)
            many.leave(place)
            who[many.join(prompts[2], sampler(2))] = 2
        for place, frame in many.step().items():
            found[who[place]].append(frame.tolist())
    assert found[0] == wanted[0][:5]
    assert found[1][:8] == wanted[1]
    assert found[2][:7] == wanted[2][:7]


def test_begins_behind_a_prefix(model: DualAR, s1) -> None:
    prompt = s1.trace["greedy_ref.prompt"].long()
    many = together(model, 1)
    many.join(prompt, sampler(4), Eager(model).prefix(prompt[:, :30]))
    assert [many.step()[0].tolist() for _ in range(5)] == alone(model, prompt, 5, 4)


def test_leaves_when_its_room_is_used_up(model: DualAR, s1) -> None:
    prompt = s1.trace["greedy_ref.prompt"].long()[:, :10]
    many = together(model, 1, length=12)
    many.join(prompt, sampler())
    with pytest.raises(IndexError, match="all 1 places are taken"):
        many.join(prompt, sampler())
    frames = [many.step() for _ in range(4)]
    assert [len(each) for each in frames] == [1, 1, 1, 0]
    assert many.free == 1
    with pytest.raises(ValueError, match="a prompt of 12 positions where there is room for 12"):
        many.join(s1.trace["greedy_ref.prompt"].long()[:, :12], sampler())
