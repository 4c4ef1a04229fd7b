"""The samplers against their rules, written down as lists."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
from torch import Tensor

from meadowlark.kit import sampling
from meadowlark_fish_speech.sampler import FrameNoise, Manner, RandomNoise, Recent, S1Sampler, S2Sampler

ROWS = 40


class Clocks:
    """A number for each row, as upstream draws; `again` may be said."""

    def __init__(self, seed: int, rows: int = ROWS, again: list[float] | None = None) -> None:
        self._generator, self._rows, self._again = torch.Generator().manual_seed(seed), rows, again

    def frame(self, codes: int) -> FrameNoise:
        main, again, *rest = (sampling.exponential(1, self._rows, generator=self._generator) for _ in range(codes + 2))
        return FrameNoise(main, again if self._again is None else torch.tensor([self._again]), tuple(rest))


def frame_of(codes: list[Tensor]) -> Tensor:
    return torch.stack(codes, dim=1)


def drawn(logits: Tensor, noise: Tensor, manner: Manner) -> Tensor:
    kept = sampling.top_p_plainly(logits, manner.top_p, crossing=False, count=manner.top_k or None)
    return sampling.draw(sampling.temperature(kept, manner.temperature), noise)


def s1_by_lists(logits: Tensor, seed: int, as_published: bool, manner: Manner) -> list[list[int]]:
    """logits: (frames, 11, ROWS), the eleventh unused."""
    noise = Clocks(seed)
    if not as_published and manner.top_p >= 1:
        manner = replace(manner, top_p=2.0)  # all; as published, a sum that is rounded to more than 1 drops some
    history: list[list[int]] = []
    for number, frame in enumerate(logits):
        now, codes = noise.frame(9), []
        window, later = history[-16:], history[1:]
        if as_published:
            window = later[-16:] if len(later) >= 16 else (later + [[0] * 11] * 16)[:16]
        for place in range(10):
            row = frame[place][None]
            if number:
                seen = [each[place + 1 if place else 0] for each in window]
                seen = window[0] if as_published and not place else seen
                row = sampling.repetition_penalty(row, torch.tensor([seen]), manner.repetition_penalty)
            codes.append(int(drawn(row, now.main if not place else now.codes[place - 1], manner)))
        history.append([codes[0], codes[0] % 7, *codes[1:]])
    return history


EXTREMES = [Manner(0.8, p, 1.1) for p in (1e-6, 0.05, 1, 1.0)] + [
    Manner(heat, 0.9, 2.0) for heat in (0, 1e-5, 0.1, 1.5)
]


def s1_draws(logits: Tensor, seed: int, as_published: bool, manner: Manner) -> list[list[int]]:
    sampler = S1Sampler(manner, Clocks(seed), as_published=as_published)
    found = []
    for frame in logits:
        row = sampler.main(frame[:1])
        codes = [row, row % 7, *(sampler.code(place, frame[place][None]) for place in range(1, 10))]
        sampler.remember(row, frame_of(codes))
        found.append([int(each) for each in codes])
    return found


@pytest.mark.parametrize("manner", [Manner(top_p=0.95, repetition_penalty=1.5), *EXTREMES])
@pytest.mark.parametrize("as_published", [True, False])
def test_s1_is_its_rules(as_published: bool, manner: Manner) -> None:
    logits = torch.randn(40, 10, ROWS, generator=torch.Generator().manual_seed(1)) * 2
    assert s1_draws(logits, 5, as_published, manner) == s1_by_lists(logits, 5, as_published, manner)


@pytest.mark.parametrize("manner", [Manner(0.8, 0.5, 1.3), *EXTREMES])
def test_of_equals_as_many_are_dropped_as_published(manner: Manner) -> None:
    logits = (torch.randn(40, 10, ROWS, generator=torch.Generator().manual_seed(1)) * 2).round()
    assert s1_draws(logits, 5, True, manner) == s1_by_lists(logits, 5, True, manner)


@pytest.mark.parametrize("as_published", [True, False])
def test_greedy_takes_one_of_equals(as_published: bool) -> None:
    logits = torch.tensor([[0.0, 5.0, 1.0, 5.0, 5.0]])
    rows = {
        int(S1Sampler(Manner(0.8, 1e-6), RandomNoise(seed), as_published=as_published).main(logits))
        for seed in range(20)
    }
    assert rows == {1} if as_published else rows <= {1, 3, 4}


@pytest.mark.parametrize("as_published", [True, False])
def test_s2_is_its_rules(as_published: bool) -> None:
    logits = torch.randn(60, 1, ROWS, generator=torch.Generator().manual_seed(2)) * 3
    manner, noise, history, hits = Manner(1.2, 0.9, top_k=5), Clocks(3), [], 0
    sampler = S2Sampler(manner, Clocks(3), ROWS - 1, as_published=as_published)
    for number, frame in enumerate(logits):
        now = noise.frame(9)
        if not number and not as_published:
            frame[:, -1] = float("-inf")
        wanted = int(drawn(frame, now.main, manner))
        if wanted in history[1 if as_published else 0 :][-10:] and wanted != ROWS - 1:
            wanted, hits = int(drawn(frame, now.again, Manner(1.0, 0.9, top_k=5))), hits + 1
        row = sampler.main(frame)
        assert int(row) == wanted
        history.append(wanted)
        sampler.remember(row, torch.zeros(1, 11, dtype=torch.long))
    assert hits >= 5


def test_speech_never_ends_before_it_begins() -> None:
    logits = torch.tensor([[9.0, 1.0, 0.0]])
    for sampler in (S1Sampler(Manner(), RandomNoise(0), stop_row=0), S2Sampler(Manner(), RandomNoise(0), 0)):
        assert sampler.main(logits).tolist() == [1]
        sampler.remember(torch.tensor([1]), torch.zeros(1, 11, dtype=torch.long))
        assert sampler.main(logits).tolist() == [0]
        assert logits[0, 0] == 9.0


def test_s2_draws_anew_what_was_there_lately() -> None:
    class Ones(Clocks):
        def frame(self, codes: int) -> FrameNoise:
            again = torch.tensor([[1.0, 1.0, 1e-9, 1.0]])  # the second draw takes the last but one
            return FrameNoise(torch.ones(1, 4), again, (torch.ones(1, 4),) * codes)

    sampler = S2Sampler(Manner(1.0, 1.0), Ones(0), 0)
    logits = torch.tensor([[0.0, 3.0, 2.9, 2.8]])
    rows = []
    for _ in range(3):
        row = sampler.main(logits)
        rows.append(int(row))
        sampler.remember(row, torch.zeros(1, 11, dtype=torch.long))
    assert rows == [1, 2, 2]


def test_sequences_of_a_batch_have_their_own() -> None:
    """Manners, windows, beginnings."""
    logits = torch.randn(30, 2, ROWS, generator=torch.Generator().manual_seed(4)) * 2
    manners = (Manner(0.5, 0.9, 1.8), Manner(1.3, 0.99, 1.1))
    alone = [S1Sampler(each, RandomNoise(number), stop_row=3, width=3) for number, each in enumerate(manners)]

    class Both:
        noises = (RandomNoise(0), RandomNoise(1))

        def frame(self, codes: int) -> FrameNoise:
            one, two = (each.frame(codes) for each in self.noises)
            codes_of = zip(one.codes, two.codes, strict=True)
            main, again = torch.cat([one.main, two.main]), torch.cat([one.again, two.again])
            return FrameNoise(main, again, tuple(torch.cat(pair) for pair in codes_of))

    def knob(name: str) -> Tensor:
        return torch.tensor([[getattr(each, name)] for each in manners])

    together = S1Sampler(
        Manner(knob("temperature"), knob("top_p"), knob("repetition_penalty")), Both(), stop_row=3, width=3
    )
    together.on_host = False
    for turn, frame in enumerate(logits):
        rows = together.main(frame)
        codes = together.code(1, frame)
        who = torch.tensor([turn % 3 != 1, True])  # the first sequence waits now and then
        for number, each in enumerate(alone):
            own = each.main(frame[number : number + 1])
            code = each.code(1, frame[number : number + 1])
            assert (int(rows[number]), int(codes[number])) == (int(own), int(code))
            if who[number]:
                each.remember(own, frame_of([own, own, code]))
        together.remember(rows, frame_of([rows, rows, codes]), who)


def test_what_is_kept_never_moves() -> None:
    recent = Recent(2, 1, 4, "cpu")
    places = (recent.data.data_ptr(), recent.made.data_ptr())
    for number in range(9):
        recent.push(torch.tensor([[number], [10 * number]]), None)
    assert places == (recent.data.data_ptr(), recent.made.data_ptr())
    assert sorted(recent.data[0, 0].tolist()) == [5, 6, 7, 8]
    recent.clear(0)
    assert recent.made[:, 0].tolist() == [0, 9]
    assert recent.data[0].eq(0).all()
    assert sorted(recent.data[1, 0].tolist()) == [50, 60, 70, 80]


def test_a_seed_is_the_same_chance_again() -> None:
    one, two = (RandomNoise(7).frame(9) for _ in range(2))
    assert torch.equal(one.main, two.main)
    assert len(one.codes) == 9
    assert all(torch.equal(each, other) for each, other in zip(one.codes, two.codes, strict=True))
    assert not torch.equal(one.main, one.again)
