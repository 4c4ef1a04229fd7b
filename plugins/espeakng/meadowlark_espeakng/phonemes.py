"""Text → IPA with the punctuation between clauses kept, for engines that read phonemes (Kokoro, Piper).

espeak-ng decides where clauses end, so "3.5", "1,000" and "10:30" stay whole; the punctuation, which it drops, is taken
from the text that it has consumed.
"""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass

from .library import Library

_MARKS = {
    **dict.fromkeys(".。．｡।॥۔։።፨", "."),
    **dict.fromkeys("?？؟፧⁇", "?"),
    **dict.fromkeys("!！‼", "!"),
    **dict.fromkeys(",，、､،፣", ","),
    **dict.fromkeys(";；؛፤", ";"),
    **dict.fromkeys(":：፡፥", ":"),
    **dict.fromkeys("…⋯", "…"),
    **dict.fromkeys("—–―-", "—"),
}
"""Punctuation of many scripts → the character that voice models were trained on."""

_STRENGTH = "?!….:;,—"
"""Which of several marks decides: "?!" asks, "…" trails off, a quotation's comma is less than its full stop."""

_TAIL = re.compile(r"[\W_]*$")
_ELLIPSIS = re.compile(r"\.{2,}")
_LANGUAGE_SWITCH = re.compile(r"\([A-Za-z][A-Za-z0-9-]*\)")
"""espeak-ng writes "(en)" where it reads a word by another language's rules; it drops the parentheses of the text."""


@dataclass(frozen=True, slots=True)
class Clause:
    """What is spoken in one breath."""

    text: str
    """As it was given, with its punctuation and spaces."""

    phonemes: str
    """IPA with stress marks, words separated by single spaces; empty when there was nothing to speak."""

    mark: str
    """One of . ? ! … , ; : — or nothing."""

    @property
    def ends_sentence(self) -> bool:
        """Whether a sentence ends here."""
        return self.mark != "" and self.mark in ".?!…"


class Phonemizer:
    """Text → phonemes; may be used by many threads at once, and after a fork."""

    def __init__(self) -> None:
        """Cheap: the library is loaded at first use."""
        self._library: Library | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def clauses(self, text: str, voice: str, *, tie: str = "") -> tuple[Clause, ...]:
        """The clauses of a plain text, in a voice such as "gmw/en-US"; those without any sound are left out.

        tie: put between the letters of one phoneme ("t^ʃ"). Raises UnknownVoiceError, InstallationError.
        """
        if self._process != os.getpid():  # the parent's lock may be held for ever, its library in the middle of a word
            self._library, self._lock, self._process = None, threading.Lock(), os.getpid()
        with self._lock:
            self._library = self._library or Library()
            self._library.set_voice(voice)
            pieces = tuple(self._library.clauses(text, tie))
        clauses = (_clause(piece, ipa) for piece, ipa in pieces)
        return tuple(clause for clause in clauses if clause.phonemes)

    def phonemes(self, text: str, voice: str, *, tie: str = "") -> str:
        """The same as one string: "həlˈoʊ, wˈɜːld. jˈɛs!"."""
        return " ".join(clause.phonemes + clause.mark for clause in self.clauses(text, voice, tie=tie))


def _clause(text: str, ipa: str) -> Clause:
    return Clause(text, " ".join(_LANGUAGE_SWITCH.sub("", ipa).split()), _mark(text))


def _mark(text: str) -> str:
    """The punctuation that ends a clause, from the characters after its last letter or digit."""
    tail = _ELLIPSIS.sub("…", text[_TAIL.search(text).start() :])  # type: ignore[union-attr]  # matches always
    marks = {_MARKS[character] for character in tail if character in _MARKS}
    for mark in _STRENGTH:
        if mark in marks:
            return mark
    return "." if tail.count("\n") > 1 else ""  # a paragraph without a full stop: a heading
