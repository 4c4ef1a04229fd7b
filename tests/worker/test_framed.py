"""Small pieces become larger ones once the listener has some in hand; nothing is lost or late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meadowlark.testing.clock import FakeClock
from meadowlark.worker.job import Cancelled, Piece, framed


def blocks(count: int, clock: FakeClock, seconds_each: float = 0.0, error: Exception | None = None) -> Iterator[Piece]:
    for number in range(count):
        clock.advance(seconds_each)
        yield Piece(bytes([number]) * 4410, 0.1)
    if error:
        raise error


def sent(pieces: Iterator[Piece], clock: FakeClock) -> list[Piece]:
    return [frame for frame in framed(pieces, clock) if frame.payload]


def test_a_fast_engine_sends_few_frames_the_first_at_once() -> None:
    clock = FakeClock()
    frames = sent(blocks(30, clock), clock)
    assert len(frames[0].payload) == 4410
    assert len(frames) < 15
    assert b"".join(frame.payload for frame in frames) == b"".join(piece.payload for piece in blocks(30, clock))
    assert sum(frame.seconds for frame in frames) == pytest.approx(3.0)


def test_a_slow_engine_is_never_held_back() -> None:
    clock = FakeClock()
    assert [len(frame.payload) for frame in sent(blocks(10, clock, 0.09), clock)] == [4410] * 10


def test_every_piece_is_a_turn() -> None:
    """Others are spoken between two of them, while this one is held back, too."""
    clock, made = FakeClock(), list[int]()

    def counted() -> Iterator[Piece]:
        for number, piece in enumerate(blocks(30, clock)):
            made.append(number)
            yield piece

    frames = framed(counted(), clock)
    for turns in range(1, 31):
        next(frames)
        assert len(made) == turns


def test_what_was_made_before_a_failure_is_heard_and_a_cancel_is_silent() -> None:
    for error, heard in ((ValueError("no"), 7), (Cancelled(), 5)):
        clock = FakeClock()
        got = 0
        with pytest.raises(type(error)):
            for frame in framed(blocks(7, clock, error=error), clock):
                got += len(frame.payload) // 4410
        assert got == heard
