"""Windows cover everything once, with as much context as there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadowlark.kit.windows import CANCEL_SECONDS, Pace, Schedule, Window, growing


@given(
    frames=st.integers(0, 3000),
    first=st.integers(1, 60),
    more=st.integers(0, 300),
    context=st.integers(0, 40),
    growth=st.floats(1, 4),
    same_shapes=st.booleans(),
)
def test_every_frame_is_heard_once_with_its_context(
    frames: int, first: int, more: int, context: int, growth: float, same_shapes: bool
) -> None:
    windows = list(growing(frames, first, first + more, context, growth, same_shapes=same_shapes))
    heard = [frame for window in windows for frame in range(window.heard_from, window.heard_to)]
    assert heard == list(range(frames))
    for window in windows:
        assert 0 <= window.begin <= max(0, window.heard_from - context)
        assert min(frames, window.heard_to + context) <= window.end <= frames
        assert window.heard_from - window.begin == window.skip
        assert window.heard <= first + more + first


def test_windows_grow_up_to_the_longest() -> None:
    assert [window.heard for window in growing(1000, 22, 176, 16)] == [22, 44, 88, 176, 176, 176, 176, 142]
    assert [window.heard for window in growing(100, 20, 20, 4, growth=1)] == [20] * 5


def test_a_small_rest_joins_the_window_before_it() -> None:
    assert [window.heard for window in growing(25, 22, 176, 16)] == [25]
    assert [window.heard for window in growing(33, 22, 176, 16)] == [22, 11]


def test_context_stands_on_both_sides() -> None:
    first, second, *_ = growing(1000, 20, 100, 8)
    assert first == Window(0, 28, 0, 20)
    assert second == Window(12, 68, 20, 60)
    assert (second.skip, second.heard) == (8, 40)


def test_same_shapes_are_few() -> None:
    for frames in range(300, 1500, 7):
        shapes = {window.end - window.begin for window in growing(frames, 22, 176, 16, same_shapes=True)}
        assert shapes <= {54, 76, 120, 208, *range(208, 220)}, frames
    lengths = [window.end - window.begin for window in growing(1000, 22, 176, 16, same_shapes=True)]
    assert lengths == [54, 76, 120, 208, 208, 208, 208, 208]


@pytest.mark.parametrize("wrong", [(0, 10, 1, 2.0), (10, 5, 1, 2.0), (5, 10, -1, 2.0), (5, 10, 1, 0.5)])
def test_impossible_windows_are_refused(wrong: tuple[int, int, int, float]) -> None:
    with pytest.raises(ValueError, match="windows of"):
        list(growing(100, *wrong))


def test_a_machine_that_is_not_known_yet_gets_the_usual() -> None:
    pace = Pace(0.0116)
    assert pace.growth(22, 12) == 2
    assert pace.most(176, 22, 12) == 176


@pytest.mark.parametrize("rtf", [0.02, 0.05, 0.1, 0.2, 0.3, 0.4])
def test_the_next_window_is_there_before_the_last_has_been_heard(rtf: float) -> None:
    pace = Pace(0.0116)
    pace.note(100, 100 * 0.0116 * rtf)
    growth = pace.growth(44, 8)
    most = pace.most(176, 44, 8)
    ready = heard_until = 0.0
    for window in growing(2000, 44, most, 8, growth):
        work = (window.end - window.begin) * pace.cost
        ready += work
        assert work <= CANCEL_SECONDS + 1e-9
        if heard_until:
            assert ready <= heard_until, "a gap"
        heard_until = max(heard_until, ready) + window.heard * 0.0116


def test_pace_follows_a_machine_that_becomes_busy() -> None:
    pace = Pace(0.0116)
    pace.note(100, 0.05)
    calm = pace.growth(22, 12)
    for _ in range(10):
        pace.note(100, 0.5)
    assert pace.cost == pytest.approx(0.005, rel=0.1)
    assert pace.growth(22, 12) == 2 < calm
    assert pace.most(176, 22, 12) == 96, "no shorter than eight contexts"


@given(
    arrivals=st.lists(st.integers(0, 40), max_size=20),
    first=st.integers(1, 20),
    more=st.integers(0, 50),
    before=st.integers(0, 9),
    after=st.integers(0, 9),
)
def test_every_frame_that_arrives_is_heard_once(
    arrivals: list[int], first: int, more: int, before: int, after: int
) -> None:
    schedule, arrived, heard = Schedule(first, first + more, before, after), 0, []
    for count, ended in [*((count, False) for count in arrivals), (0, True)]:
        arrived += count
        while (window := schedule.window(arrived, ended=ended)) is not None:
            heard.extend(range(window.heard_from, window.heard_to))
            assert window.begin == max(0, window.heard_from - before)
            assert window.end == min(arrived, window.heard_to + after)
            assert ended or window.end == window.heard_to + after
        assert ended or arrived < schedule.position + schedule.size + after, "a window that could be computed was not"
    assert heard == list(range(arrived))
