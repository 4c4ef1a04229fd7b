"""How long the pieces are."""

from __future__ import annotations

import pytest

from meadowlark.schedule.pieces import FEWEST_CHARS, MOST_CHARS, Speed, first_clause_chars, longest_piece_chars


@pytest.mark.parametrize(
    "speed",
    [
        Speed(0.02),  # a whole sentence is there at once
        Speed(0.5, streams=True),
        Speed(1.2),  # it stutters whatever we do
        Speed(0.0),
    ],
)
def test_whole_sentences_where_a_clause_gains_nothing(speed: Speed) -> None:
    assert first_clause_chars(speed) is None


@pytest.mark.parametrize("rtf", [0.12, 0.2, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("overhead", [0.0, 0.1, 0.3])
def test_a_first_clause_plays_until_the_next_sentence_is_there(rtf: float, overhead: float) -> None:
    speed = Speed(rtf, overhead)
    chars = first_clause_chars(speed)
    if chars is None:
        return
    assert chars >= FEWEST_CHARS
    plays = (chars + 1) * speed.seconds_per_char
    next_is_there = overhead + 70 * speed.seconds_per_char * rtf
    assert plays >= next_is_there


def test_a_slower_engine_gets_a_longer_first_clause_once_gaps_threaten() -> None:
    lengths = [first_clause_chars(Speed(rtf)) for rtf in (0.3, 0.5, 0.7)]
    assert lengths == sorted(lengths, key=lambda each: each or 0)
    assert None not in lengths


def test_long_sentences_are_cut_only_where_others_wait() -> None:
    slow = Speed(0.25)
    assert longest_piece_chars(slow, others=0) == MOST_CHARS
    assert 60 <= longest_piece_chars(slow, others=1) < 120
    assert longest_piece_chars(Speed(0.01), others=5) == MOST_CHARS
    assert longest_piece_chars(Speed(3.0), others=5) == 60


def test_where_others_are_served_meanwhile_nothing_is_cut() -> None:
    assert longest_piece_chars(Speed(0.25, alternates=True), others=5) == MOST_CHARS
