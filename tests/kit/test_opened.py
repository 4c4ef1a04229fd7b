"""How many models stay open."""

from __future__ import annotations

import pytest

from meadowlark.kit.opened import Opened


def use(opened: Opened[str, str], key: str, size: int) -> bool:
    """Whether it had to be opened."""
    if opened.get(key):
        return False
    opened.make_room(size)
    opened.put(key, key.upper(), size)
    return True


@pytest.mark.parametrize(
    ("least", "spare", "exactly", "open_at_the_end"),
    [
        (2, 0, None, ["C", "D"]),
        (2, 59, None, ["C", "D"]),
        (2, 60, None, ["B", "C", "D"]),
        (2, 110, None, ["A", "B", "C", "D"]),
        (1, 1000, None, ["A", "B", "C", "D"]),
        (2, 1000, 1, ["D"]),
        (2, 0, 3, ["B", "C", "D"]),
    ],
)
def test_further_ones_stay_as_far_as_there_is_room(least, spare, exactly, open_at_the_end) -> None:
    opened: Opened[str, str] = Opened(least, spare, exactly)
    for key, size in (("a", 50), ("b", 60), ("c", 70), ("d", 80)):
        assert use(opened, key, size)
    assert list(opened) == open_at_the_end


def test_the_one_unused_for_longest_goes() -> None:
    opened: Opened[str, str] = Opened(2, 0)
    assert [use(opened, key, 10) for key in "abacab"] == [True, True, False, True, False, True]
    assert list(opened) == ["A", "B"]


def test_one_that_is_larger_than_all_there_is_to_spare_is_opened_all_the_same() -> None:
    opened: Opened[str, str] = Opened(1, 100)
    use(opened, "a", 90)
    use(opened, "b", 500)
    assert list(opened) == ["A", "B"]
    assert opened.kept_bytes == 90
    use(opened, "c", 10)
    assert list(opened) == ["C"]
    assert opened.kept_bytes == 0
