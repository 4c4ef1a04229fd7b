"""The "s" behind a word whose sounds are given: engines would spell it, "Siobhan-ess"."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import regex

from meadowlark.api import Pronunciation
from meadowlark.text.words import primary

_ENDING_RE = regex.compile(r"(?:['’][sS]|s)(?![\p{L}\p{N}\p{M}_'’])")
_SIBILANTS: Final = "szʃʒʂʐɕʑʧʤ"
_VOICELESS: Final = "ptkfθx"


def with_ending(said: Pronunciation, text: str, language: str) -> Pronunciation:
    """The pronunciation, with the "s" of a genitive or plural that stands right behind its word."""
    ending = _ENDING_RE.match(text, said.end)
    sounds = [sign for sign in said.ipa if sign.isalpha() and sign not in "ːˑʰʲʷ"]
    if ending is None or not sounds:
        return said
    last = sounds[-1]
    if primary(language) != "en":
        spoken = "" if last in _SIBILANTS else "s"
    elif last in _SIBILANTS:
        spoken = "ɪz"
    else:
        spoken = "s" if last in _VOICELESS else "z"
    return replace(said, end=ending.end(), ipa=said.ipa + spoken)
