"""A timbre is drawn once; who leaves in the middle leaves what was drawn to the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch")

from meadowlark.kit.references import Library  # noqa: E402
from meadowlark_fish_speech.timbres import Timbres  # noqa: E402

FRAMES, STOP = 6, 99


class Model:
    """Draws frames of three numbers, and counts them."""

    def __init__(self) -> None:
        self.drawn: list[int] = []
        self.fails_at = -1
        self.at_work = 0

    def speech(self, seed: int) -> Iterator[torch.Tensor]:
        self.at_work += 1
        try:
            for place in range(FRAMES):
                if place == self.fails_at:
                    raise RuntimeError("out of luck")
                self.drawn.append(seed)
                yield torch.tensor([STOP if place == FRAMES - 1 else 5, seed, place])
        finally:
            self.at_work -= 1


def timbres(folder: Path, model: Model, name: str = "tiny", **options: bool) -> Timbres:
    return Timbres(Library(folder, "fish", "codec-1"), name, model.speech, STOP, **options)


def test_drawn_once_and_kept_on_disk(tmp_path: Path) -> None:
    model = Model()
    codes = timbres(tmp_path, model).codes(7)
    assert codes.tolist() == [[7] * 5, [0, 1, 2, 3, 4]]
    again = timbres(tmp_path, model)
    assert list(again.drawing(7)) == []
    assert torch.equal(again.codes(7), codes)
    assert len(model.drawn) == FRAMES
    timbres(tmp_path, model, "another model").codes(7)
    assert len(model.drawn) == 2 * FRAMES


def test_who_leaves_leaves_it_to_the_next(tmp_path: Path) -> None:
    model = Model()
    mine = timbres(tmp_path, model)
    left = mine.drawing(1)
    for _ in range(4):
        next(left)
    left.close()
    assert len(list(mine.drawing(1))) == FRAMES - 4
    assert mine.codes(1).tolist() == [[1] * 5, [0, 1, 2, 3, 4]]
    assert len(model.drawn) == FRAMES


def test_two_draw_one_timbre_together(tmp_path: Path) -> None:
    model = Model()
    mine = timbres(tmp_path, model)
    one, other = mine.drawing(2), mine.drawing(2)
    steps = [each for pair in zip(one, other, strict=False) for each in pair]
    for each in (one, other):
        steps += list(each)
    assert len(model.drawn) == FRAMES
    assert mine.codes(2).tolist() == [[2] * 5, [0, 1, 2, 3, 4]]


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    model = Model()
    model.fails_at = 3
    mine = timbres(tmp_path, model)
    with pytest.raises(RuntimeError, match="out of luck"):
        mine.codes(3)
    model.fails_at = -1
    assert mine.codes(3).shape == (2, 5)


def test_a_failure_leaves_no_half_to_who_drew_together(tmp_path: Path) -> None:
    model = Model()
    model.fails_at = 3
    mine = timbres(tmp_path, model)
    one, other = mine.drawing(3), mine.drawing(3)
    next(one), next(other), next(one)
    with pytest.raises(RuntimeError, match="out of luck"):
        next(other)
    assert list(one) == []
    model.fails_at = -1
    assert mine.codes(3).shape == (2, 5)


def test_what_is_left_half_drawn_does_not_gather(tmp_path: Path) -> None:
    model = Model()
    mine = timbres(tmp_path, model)
    together = mine.drawing(9)
    next(together)
    for seed in range(4):
        left = mine.drawing(seed)
        next(left)
        left.close()
        assert model.at_work == 2
    assert len(list(together)) == FRAMES - 1
    assert mine.codes(9).tolist() == [[9] * 5, [0, 1, 2, 3, 4]]


def test_where_places_are_few_the_last_who_leaves_gives_up(tmp_path: Path) -> None:
    model = Model()
    mine = timbres(tmp_path, model, keeps_halves=False)
    one, other = mine.drawing(1), mine.drawing(1)
    next(one), next(other)
    one.close()
    assert model.at_work == 1
    other.close()
    assert model.at_work == 0
    assert mine.codes(1).tolist() == [[1] * 5, [0, 1, 2, 3, 4]]
    assert len(model.drawn) == 2 + FRAMES
