"""Frames from recorded graphs are the frames that are computed one by one. The tape stands for a GPU."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import json
import logging
import os
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
from safetensors.torch import load_file
from torch import Tensor

from meadowlark.kit import parity
from meadowlark.kit.decode import Opening
from meadowlark.kit.precision import Plan
from meadowlark.kit.recorded import AHEAD, WAITING, Recorded
from meadowlark.kit.tape import Tape
from meadowlark.kit.weights import Weights
from meadowlark_fish_speech.batch import TorchModel
from meadowlark_fish_speech.captured import Captured, Drawn, Request
from meadowlark_fish_speech.config import config_of
from meadowlark_fish_speech.generate import Eager, Speaker, Speech
from meadowlark_fish_speech.model import TABLE, DualAR, Tokens
from meadowlark_fish_speech.parity import token_checks
from meadowlark_fish_speech.sampler import Manner, RandomNoise

CALM = Manner()


def model_of(golden) -> DualAR:
    known = golden.about["tokens"]
    tokens = Tokens(known["semantic_begin_id"], known["semantic_end_id"], known["im_end"])
    return DualAR(Weights([golden.file], TABLE), config_of(golden.about["model"]), tokens, Plan())


@pytest.fixture(scope="module")
def model(s1) -> DualAR:
    return model_of(s1)


@pytest.fixture(scope="module")
def prompt(s1) -> Tensor:
    return s1.trace["greedy_ref.prompt"].long()


def as_published(model: DualAR, run: str, trace: dict, recorder: Tape | None, **options) -> Captured:
    clocks = f"{run}.noise_slow" in trace
    return Captured(model, recorder=recorder, as_published=True, clocks=clocks, **options)


@pytest.mark.parametrize("recorder", [None, Tape()])
@pytest.mark.parametrize(
    ("generation", "run"),
    [("s1", "greedy_ref"), ("s1", "sampled_ref"), ("s2", "greedy_ref"), ("s2", "sampled_ras")],
)
def test_tokens_are_upstream_s(request, generation: str, run: str, recorder: Tape | None) -> None:
    golden = request.getfixturevalue(generation)
    about = golden.about
    made: list[Captured] = []

    def speaker(network: DualAR) -> Captured:
        made.append(as_published(network, run, golden.trace, recorder, capacity=256, shortest=64))
        return made[0]

    checks = token_checks(golden.file, about["model"], about["tokens"], run, about["runs"][run], golden.trace, speaker)
    parity.require(checks)
    assert made[0].batch.recorded == (recorder is not None)


@pytest.mark.skipif("MEADOWLARK_GOLDEN" not in os.environ, reason="MEADOWLARK_GOLDEN names no folder")
@pytest.mark.parametrize("name", ["s1_tiny", "s2_tiny"])
def test_tokens_are_upstream_s_in_whole_runs(name: str) -> None:
    folder = Path(os.environ["MEADOWLARK_GOLDEN"]) / name
    meta, model = (json.loads((folder / f"{each}.json").read_text()) for each in ("meta", "config"))
    trace, checks = load_file(folder / "trace.safetensors"), []
    for run, settings in meta.items():
        if run != "_":
            checks += token_checks(
                folder / "model.safetensors",
                model,
                meta["_"],
                run,
                settings,
                trace,
                lambda network, run=run: as_published(network, run, trace, Tape(), capacity=512, shortest=128),
            )
    parity.require(checks)
    assert len(checks) == 5


def spoken(speaker: Speaker, prompt: Tensor, seed: int, frames: int, manner: Manner = CALM) -> list[list[int]]:
    sampler = speaker.sampler(manner, RandomNoise(seed))
    return [frame.tolist() for frame in Speech(speaker, prompt, sampler, frames)]


def test_one_recording_serves_all_manners_and_lengths(model: DualAR, prompt: Tensor) -> None:
    """Over the edges of its lengths (32, 64, 80), in one process, sentence after sentence."""
    captured, eager = Captured(model, recorder=Tape(), capacity=80, shortest=32), Eager(model)
    captured.warm_up()
    places = captured.batch
    recorded = dict(places._steps)
    assert list(recorded) == [32, 64, 80]
    for seed, manner in enumerate((Manner(), Manner(0.3, 0.5, 1.5), Manner(1.5, 1.0, 1.0))):
        begin = prompt[:, : 20 + seed]
        assert spoken(captured, begin, seed, 55, manner) == spoken(eager, begin, seed, 55, manner)
    assert places._steps == recorded
    assert places.free == 1


def test_s2_too(s2) -> None:
    model, prompt = model_of(s2), s2.trace["greedy_ref.prompt"].long()
    captured, eager = Captured(model, recorder=Tape(), capacity=256, shortest=256), Eager(model)
    for seed, manner in enumerate((Manner(1.0, 0.9, top_k=30), Manner(0.7, 0.5, top_k=3), Manner(1.5, 1.0))):
        assert spoken(captured, prompt, seed, 15, manner) == spoken(eager, prompt, seed, 15, manner)


def places_of(model: DualAR, count: int, capacity: int, kind: type[Recorded] = Recorded, **options) -> Recorded:
    return kind(TorchModel(model), Drawn(model, count), count, capacity, **options)


def join(places: Recorded, prompt: Tensor, seed: int, manner: Manner = CALM) -> int:
    return places.join(Request(manner, RandomNoise(seed)), Opening(prompt))


def make_ends_likely(model: DualAR) -> None:
    """Now and then."""
    head = model.head.weight.clone()
    stop = int((model.row_tokens == model.tokens.stop).nonzero())
    direction = torch.randn(head.shape[1], generator=torch.Generator().manual_seed(0))
    head[stop] = 2 * head.norm(dim=1).mean() * direction / direction.norm()
    model.head.weight = head


def test_what_comes_after_the_end_is_forgotten(s1) -> None:
    """The model goes on for some frames before the host has seen the stop; nobody hears of them."""
    model = model_of(s1)
    make_ends_likely(model)
    prompt = s1.trace["greedy_ref.prompt"].long()
    captured, eager = Captured(model, recorder=Tape(), capacity=256, shortest=256, ahead=7), Eager(model)
    lengths = set()
    for seed in range(4):
        found = spoken(captured, prompt, seed, 60)
        assert found == spoken(eager, prompt, seed, 60)
        lengths.add(len(found))
    assert len(lengths) == 4, "sentences end at different places of a block"
    assert max(lengths) < 60


def test_who_leaves_in_the_middle_leaves_nothing(model: DualAR, prompt: Tensor) -> None:
    captured = Captured(model, recorder=Tape(), capacity=256, shortest=256)
    speech = iter(Speech(captured, prompt, captured.sampler(Manner(), RandomNoise(1)), 50))
    for _ in range(6):
        next(speech)
    speech.close()
    assert spoken(captured, prompt, 2, 12) == spoken(Eager(model), prompt, 2, 12)


def test_begins_behind_a_prefix(model: DualAR, prompt: Tensor) -> None:
    captured = Captured(model, recorder=Tape(), capacity=256, shortest=256)
    prefix = captured.prefix(prompt[:, :25])
    sampler = captured.sampler(Manner(), RandomNoise(3))
    found = [frame.tolist() for frame in Speech(captured, prompt, sampler, 10, prefix)]
    assert found == spoken(Eager(model), prompt, 3, 10)


def test_what_does_not_fit_is_computed_all_the_same(
    model: DualAR, prompt: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    captured, eager = Captured(model, recorder=Tape(), capacity=128, shortest=128), Eager(model)
    with caplog.at_level(logging.INFO):
        assert spoken(captured, prompt, 1, 100) == spoken(eager, prompt, 1, 100)
        assert "128 were made ready" in caplog.text
        open_one = iter(Speech(captured, prompt, captured.sampler(Manner(), RandomNoise(5)), 9))
        first = next(open_one).tolist()
        assert spoken(captured, prompt, 2, 9) == spoken(eager, prompt, 2, 9)
        assert "all places are taken" in caplog.text
        assert [first, *(frame.tolist() for frame in open_one)] == spoken(eager, prompt, 5, 9)


def test_sequences_of_a_batch_come_and_go(model: DualAR, prompt: Tensor) -> None:
    prompts = [prompt[:, :20], prompt[:, :31], prompt[:, :9]]
    manners = [Manner(), Manner(0.4, 0.6, 1.6), Manner(1.4, 0.95, 1.0)]
    wanted = [
        spoken(Eager(model), each, seed, 14, manner)
        for seed, (each, manner) in enumerate(zip(prompts, manners, strict=True))
    ]
    places = places_of(model, 2, 64, recorder=Tape(), shortest=32)

    def begin(number: int) -> int:
        return join(places, prompts[number], number, manners[number])

    def take(place: int, count: int) -> list[list[int]]:
        return [places.frame(place).tolist() for _ in range(count)]

    first = begin(0)
    found = take(first, 3)
    second = begin(1)
    with pytest.raises(IndexError, match="all 2 places are taken"):
        begin(2)
    assert take(second, 6) == wanted[1][:6]
    found += take(first, 5)
    assert found == wanted[0][:8]
    places.leave(first)
    third = begin(2)
    assert third == first
    assert take(third, 14) == wanted[2]
    assert take(second, 8) == wanted[1][6:14]


class Ahead(Recorded):
    """The host looks ahead as it does on a GPU."""

    def _look_ahead(self) -> None:
        self._launch()


@pytest.mark.parametrize("ahead", [3, AHEAD])
def test_whoever_comes_and_goes_in_the_middle_of_a_block(s1, ahead: int) -> None:
    model, prompt, chance = model_of(s1), s1.trace["greedy_ref.prompt"].long(), random.Random(ahead)
    make_ends_likely(model)
    wanted = [spoken(Eager(model), prompt[:, : 9 + seed], seed, 40) for seed in range(4)]
    places = places_of(model, 3, 64, Ahead, shortest=16, ahead=ahead)
    heard: dict[int, tuple[int, int]] = {}  # place → seed, frames
    for _ in range(150):
        if places.free and chance.random() < 0.15:
            seed = chance.randrange(4)
            heard[join(places, prompt[:, : 9 + seed], seed)] = seed, 0
        elif heard:
            place = chance.choice(list(heard))
            seed, count = heard.pop(place)
            if count == len(wanted[seed]) or chance.random() < 0.05:
                places.leave(place)
            else:
                assert places.frame(place).tolist() == wanted[seed][count]
                heard[place] = seed, count + 1


def test_who_is_not_listened_to_waits(model: DualAR, prompt: Tensor) -> None:
    places = places_of(model, 2, 256, shortest=256)
    one, other = (join(places, prompt[:, :10], seed) for seed in range(2))
    found = [places.frame(one).tolist() for _ in range(WAITING + 8)]
    waiting = places._places[other]
    assert waiting is not None
    assert WAITING <= len(waiting.made) < WAITING + AHEAD
    assert places._live.tolist() == [True, False]
    assert found == spoken(Eager(model), prompt[:, :10], 0, WAITING + 8)
    assert [places.frame(other).tolist() for _ in range(WAITING + 8)] == spoken(
        Eager(model), prompt[:, :10], 1, WAITING + 8
    )


def test_who_has_ended_computes_no_more(s1) -> None:
    model, prompt = model_of(s1), s1.trace["greedy_ref.prompt"].long()
    make_ends_likely(model)
    places = places_of(model, 1, 256, recorder=Tape(), shortest=256)
    wanted = spoken(Eager(model), prompt, 0, 60)
    assert wanted[-1][0] == model.tokens.stop
    place = join(places, prompt, 0)
    assert [places.frame(place).tolist() for _ in wanted] == wanted
    with pytest.raises(IndexError, match="a sequence has ended"):
        places.frame(place)


def on_meta(thing: object, seen: set[int]) -> object:
    """A model's tensors without their numbers."""
    if isinstance(thing, Tensor):
        return thing.to("meta")
    if isinstance(thing, (list, tuple)):
        return type(thing)(on_meta(each, seen) for each in thing)
    if type(thing).__module__.startswith("meadowlark") and hasattr(thing, "__dict__") and id(thing) not in seen:
        seen.add(id(thing))
        vars(thing).update({name: on_meta(value, seen) for name, value in vars(thing).items()})
    return thing


@pytest.mark.parametrize("generation", ["s1", "s2"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_step_stays_on_its_device(request, generation: str, dtype: torch.dtype) -> None:
    """A tensor on "meta" does not mix with those of the CPU, and there is no number in it to be asked for."""
    golden = request.getfixturevalue(generation)
    known = golden.about["tokens"]
    tokens = Tokens(known["semantic_begin_id"], known["semantic_end_id"], known["im_end"])
    model = DualAR(Weights([golden.file], TABLE), config_of(golden.about["model"]), tokens, Plan("cpu", dtype))
    model.plan = Plan("meta", dtype)
    places = places_of(model, 2, 64, shortest=64)
    with torch.inference_mode():
        on_meta(model, set())
        places._first._run()
        places._step(64)._run()
        state = model.prefill(torch.zeros(1, 11, 9, dtype=torch.long, device="meta"), places._cache.slot(1), 3)
    assert (state.device.type, state.dtype) == ("meta", dtype)
    assert places._history.device.type == "meta"


def test_room_that_is_used_up(model: DualAR, prompt: Tensor) -> None:
    places = places_of(model, 2, 24, recorder=Tape(), shortest=24)
    one, other = (join(places, prompt[:, :count], 0) for count in (20, 12))
    frames = [places.frame(one).tolist() for _ in range(5)]  # the first, and four that were read
    with pytest.raises(IndexError, match="ended, or used up its 24 positions"):
        places.frame(one)
    assert frames == spoken(Eager(model), prompt[:, :20], 0, 5)
    found = [places.frame(other).tolist() for _ in range(13)]
    assert found == spoken(Eager(model), prompt[:, :12], 0, 13)
    with pytest.raises(ValueError, match="a prompt of 24 positions where there is room for 24"):
        join(places, prompt[:, :24], 0)
