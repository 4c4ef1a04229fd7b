"""One warning a minute for the same mistake of the same machine."""

from __future__ import annotations

from logging import DEBUG, WARNING

from meadowlark.repeats import MOST, SECONDS, Repeats
from meadowlark.testing.clock import FakeClock


def test_a_repetition_is_for_those_who_look_closely() -> None:
    clock = FakeClock()
    repeats = Repeats(clock)
    assert repeats.level("10.0.0.1:1111", "No voice 'x'.") == WARNING
    assert repeats.level("10.0.0.1:2222", "No voice 'x'.") == DEBUG, "another connection of the same machine"
    assert repeats.level("10.0.0.1:2222", "No voice 'y'.") == WARNING
    assert repeats.level("10.0.0.2:1111", "No voice 'x'.") == WARNING
    assert repeats.level("say", "No voice 'x'.") == WARNING
    clock.advance(SECONDS - 0.1)
    assert repeats.level("10.0.0.1:3333", "No voice 'x'.") == DEBUG
    clock.advance(0.2)
    assert repeats.level("10.0.0.1:3333", "No voice 'x'.") == WARNING
    assert repeats.level("[::1]:3333", "No voice 'x'.") == WARNING


def test_new_mistakes_for_ever_are_forgotten() -> None:
    repeats = Repeats(FakeClock())
    for number in range(3 * MOST):
        assert repeats.level("10.0.0.1:1", str(number)) == WARNING
    assert len(repeats._said) == MOST
    assert repeats.level("10.0.0.1:1", "0") == WARNING
