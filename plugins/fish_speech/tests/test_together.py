"""Sentences computed together are the sentences computed alone, in torch and in ONNX Runtime's graphs."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
pytest.importorskip("onnxruntime", reason="Fish-Speech needs onnxruntime on a CPU: script/setup fish_speech")
pytest.importorskip("onnx", reason="Fish-Speech needs onnx on a CPU: script/setup fish_speech")
from torch import Tensor

from meadowlark.kit.decode import WAITING, Opening, Together
from meadowlark.kit.precision import Bits, Plan
from meadowlark.kit.weights import Weights
from meadowlark_fish_speech.batch import Each, TorchModel, choir
from meadowlark_fish_speech.config import config_of
from meadowlark_fish_speech.generate import Eager, Speaker, Speech
from meadowlark_fish_speech.model import TABLE, DualAR, Tokens
from meadowlark_fish_speech.ort_speaker import OrtSpeaker
from meadowlark_fish_speech.sampler import Manner, RandomNoise


def tokens_of(golden) -> Tokens:
    known = golden.about["tokens"]
    return Tokens(known["semantic_begin_id"], known["semantic_end_id"], known["im_end"])


@pytest.fixture(scope="module")
def model(s1) -> DualAR:
    return DualAR(Weights([s1.file], TABLE), config_of(s1.about["model"]), tokens_of(s1), Plan())


@pytest.fixture(scope="module", params=["torch s1", "ort s1", "torch s2", "ort s2"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Speaker, Tensor]:
    """A speaker in float32, and a prompt."""
    kind, _, generation = request.param.partition(" ")
    golden = request.getfixturevalue(generation)
    prompt = golden.trace["greedy_ref.prompt"].long()
    weights, config = Weights([golden.file], TABLE), config_of(golden.about["model"])
    if kind == "torch":
        return Eager(DualAR(weights, config, tokens_of(golden), Plan())), prompt
    folder = tmp_path_factory.mktemp("graphs")
    return OrtSpeaker(weights, config, tokens_of(golden), Bits.FULL, folder, threads=1), prompt


def speech(speaker: Speaker, prompt: Tensor, seed: int, frames: int, manner: Manner = Manner()) -> Speech:  # noqa: B008
    return Speech(speaker, prompt, speaker.sampler(manner, RandomNoise(seed)), frames)


def alone(speaker: Speaker, prompt: Tensor, seed: int, frames: int, manner: Manner = Manner()) -> list[list[int]]:  # noqa: B008
    return [frame.tolist() for frame in speech(speaker, prompt, seed, frames, manner)]


def test_join_leave_and_come(case: tuple[Speaker, Tensor]) -> None:
    """Token for token, whoever is there: one leaves in the middle, another takes the place, a fourth has none."""
    speaker, prompt = case
    lengths, manners = (20, 31, 9), (Manner(), Manner(0.4, 0.6, 1.6), Manner(1.4, 0.95, 1.0))
    prompts = [prompt[:, :length] for length in lengths]
    wanted = [alone(speaker, each, seed, 12, manners[seed]) for seed, each in enumerate(prompts)]
    many = choir(speaker, places=2, capacity=128)

    def begin(number: int):
        return iter(speech(many, prompts[number], number, 12, manners[number]))

    open_ones = {0: begin(0)}
    found: dict[int, list[list[int]]] = {0: [], 1: [], 2: []}
    for turn in range(18):
        if turn == 2:
            open_ones[1] = begin(1)
        if turn == 5:
            open_ones.pop(0).close()
            open_ones[2] = begin(2)
        for number, each in list(open_ones.items()):
            if (frame := next(each, None)) is not None:
                found[number].append(frame.tolist())
            else:
                del open_ones[number]
    assert found[0] == wanted[0][:5]
    assert [found[1], found[2]] == wanted[1:]
    assert many.batch.free == 2


def test_who_does_not_fit_is_spoken_by_itself(case: tuple[Speaker, Tensor]) -> None:
    speaker, prompt = case
    many = choir(speaker, places=1, capacity=128)
    first, second = (iter(speech(many, prompt[:, :20], seed, 10)) for seed in (1, 2))
    found = [(next(first).tolist(), next(second).tolist()) for _ in range(10)]
    assert [one for one, _ in found] == alone(speaker, prompt[:, :20], 1, 10)
    assert [two for _, two in found] == alone(speaker, prompt[:, :20], 2, 10)
    long = alone(many, prompt[:, :20], 3, 120)
    assert long == alone(speaker, prompt[:, :20], 3, 120)


def test_begins_behind_a_prefix(case: tuple[Speaker, Tensor]) -> None:
    speaker, prompt = case
    many = choir(speaker, places=2, capacity=128)
    sampler = many.sampler(Manner(), RandomNoise(4))
    found = Speech(many, prompt, sampler, 5, many.prefix(prompt[:, :30]))
    assert [frame.tolist() for frame in found] == alone(speaker, prompt, 4, 5)


def together(model: DualAR, places: int, length: int = 64) -> Together:
    torch_model = TorchModel(model)
    return Together(torch_model, torch_model.draw, places, length)


def test_room_that_is_used_up(model: DualAR, s1) -> None:
    prompt = s1.trace["greedy_ref.prompt"].long()[:, :10]
    speaker, many = Eager(model), together(model, 1, length=12)

    def sampler():
        return speaker.sampler(Manner(), RandomNoise(0))

    place = many.join(sampler(), Opening(prompt))
    with pytest.raises(IndexError, match="all 1 places are taken"):
        many.join(sampler(), Opening(prompt))
    frames = [many.frame(place).tolist() for _ in range(3)]
    assert frames == alone(speaker, prompt, 0, 3)
    with pytest.raises(IndexError, match="used up its 12 positions"):
        many.frame(place)
    many.leave(place)
    with pytest.raises(ValueError, match="a prompt of 12 positions where there is room for 12"):
        many.join(sampler(), Opening(s1.trace["greedy_ref.prompt"].long()[:, :12]))


def test_who_asks_seldom_keeps_nobody_back_and_loses_nothing(model: DualAR, s1) -> None:
    """While one sentence's sound is made, another goes on; not for ever, for frames are kept."""
    prompt = s1.trace["greedy_ref.prompt"].long()[:, :10]
    speaker, many = Eager(model), together(model, 2)
    slow, quick = (many.join(speaker.sampler(Manner(), RandomNoise(seed)), Opening(prompt)) for seed in (1, 2))
    frames = WAITING + 10
    assert [many.frame(quick).tolist() for _ in range(frames)] == alone(speaker, prompt, 2, frames)
    kept = many._places[slow]
    assert kept is not None
    assert len(kept.made) == WAITING
    assert [many.frame(slow).tolist() for _ in range(frames)] == alone(speaker, prompt, 1, frames)


def test_each_draws_with_its_own() -> None:
    class Fixed:
        def __init__(self, number: int) -> None:
            self.number, self.seen = number, list[list[int]]()

        def main(self, logits: Tensor) -> Tensor:
            return logits.argmax(dim=1) + self.number

        def code(self, place: int, logits: Tensor) -> Tensor:
            return logits.argmax(dim=1) + 10 * self.number + place

        def remember(self, row: Tensor, frame: Tensor, who: Tensor | None = None) -> None:
            self.seen.append([*row.tolist(), *frame[0].tolist()])

    two = [Fixed(0), Fixed(1)]
    each = Each(two)
    logits = torch.tensor([[0.0, 9.0], [9.0, 0.0]])
    assert each.main(logits).tolist() == [1, 1]
    assert each.code(3, logits).tolist() == [4, 13]
    each.remember(torch.tensor([5, 6]), torch.tensor([[7, 7], [8, 8]]))
    assert [fixed.seen for fixed in two] == [[[5, 7, 7]], [[6, 8, 8]]]
