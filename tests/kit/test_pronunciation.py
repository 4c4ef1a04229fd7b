"""`[word](/ipa/)` and everything that only looks like it."""

from __future__ import annotations

import pytest

from meadowlark.api import Pronunciation, Utterance, Voice
from meadowlark.kit.pronunciation import Piece, marked, pieces


def test_a_text_without_any_is_one_piece() -> None:
    assert list(pieces("Just text.")) == [Piece("Just text.")]
    assert list(pieces("")) == []


def test_words_with_their_sounds_and_marks() -> None:
    assert list(pieces("Say [Kokoro](/kˈOkəɹO/), then [x](/ɛks/)!? Done")) == [
        Piece("Say "),
        Piece("Kokoro", "kˈOkəɹO", ","),
        Piece(" then "),
        Piece("x", "ɛks", "!"),
        Piece(" Done"),
    ]


@pytest.mark.parametrize("text", ["[link](https://a.b/c)", "[word](ipa)", "[](/a/)", "[a](//)", "[a\nb](/c/)", "(/a/)"])
def test_other_brackets_are_text(text: str) -> None:
    assert list(pieces(text)) == [Piece(text)]


def test_the_lexicons_pronunciations_are_written_into_the_text() -> None:
    utterance = Utterance(
        "Ask Siobhan or Niamh.",
        Voice("v", ("en",)),
        "en",
        pronunciations=(Pronunciation(4, 11, "ʃɪˈvɔːn"), Pronunciation(15, 20, "niːv")),
    )
    assert marked(utterance) == "Ask [Siobhan](/ʃɪˈvɔːn/) or [Niamh](/niːv/)."
    assert [piece.ipa for piece in pieces(marked(utterance))] == ["", "ʃɪˈvɔːn", "", "niːv"]


def test_a_pronunciation_that_could_not_be_read_again_is_left_out() -> None:
    told = (Pronunciation(0, 3, "a/b"), Pronunciation(4, 7, "a"), Pronunciation(8, 11, "b"))
    assert marked(Utterance("one t]o end", Voice("v", ("en",)), "en", pronunciations=told)) == "one t]o [end](/b/)"
