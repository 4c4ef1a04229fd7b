"""Text → the symbols that Kokoro was trained on → numbers.

It was trained on the notation of misaki: one letter for a diphthong or an affricate. espeak-ng writes the same sounds
in IPA; with a tie between the letters of one sound, the one becomes the other by replacing. What is given as
`[word](/ipa/)` goes the same way. Mandarin and Japanese have readers of their own.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from meadowlark.kit.pronunciation import pieces
from meadowlark_espeakng.phonemes import Phonemizer

from .japanese import Japanese
from .mandarin import Mandarin
from .mixed_text import Reader
from .voices import JAPANESE, LANGUAGES, MANDARIN, Language

_LOGGER = logging.getLogger(__name__)

TIE = "^"

ENGLISH = "gmw/en-US"

MOST_TOKENS = 150
"""In one run: towards the 510 that the model takes, it hurries, and memory grows (400 tokens: 1.4 GB)."""

_ALL = {"a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "ɔ^ɪ": "Y", "d^ʒ": "ʤ", "t^ʃ": "ʧ", "g": "ɡ"}
_ENGLISH = {
    **_ALL,
    "ʔˌn\u0329": "tn",  # "button": a glottal stop before n is a t
    "ʔn\u0329": "tn",
    "ʔ": "t",
    "ɾ": "T",
    "e": "A",
    "ə^l": "ᵊl",
    "ʲo": "jo",
    "ʲə": "jə",
    "ʲ": "",
    "ɚɹ": "əɹ",
    "ɚ": "əɹ",
    "r": "ɹ",
    "x": "k",
    "ç": "k",
    "ɐ": "ə",
    "ɬ": "l",
    "o": "ɔ",
    "\u0303": "",
}
_AMERICAN = {**_ENGLISH, "o^ʊ": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪ^ə": "iə", "ɪə": "iə", "ː": ""}
_BRITISH = {**_ENGLISH, "e^ə": "ɛː", "i^ə": "ɪə", "iə": "ɪə", "ə^ʊ": "Q"}
_OTHERS = {**_ALL, "o^ʊ": "O", "ə^ʊ": "Q", "d^z": "ʣ", "t^s": "ʦ", "d^ʑ": "ʥ", "t^ɕ": "ʨ", "s^s": "S", "-": ""}
_RULES = {"gmw/en-US": _AMERICAN, "gmw/en-GB-x-rp": _BRITISH}

_SWITCH = re.compile(r"\([^()]*\)")
"""espeak-ng's "(en)" before a word of another language, with ties in between."""

_SYLLABIC = re.compile("(\\S)\u0329")


class Speller:
    """Spells text for a model's alphabet."""

    def __init__(
        self, alphabet: Mapping[str, int], phonemizer: Phonemizer, languages: Mapping[str, Language] = LANGUAGES
    ) -> None:
        self._alphabet, self._phonemizer, self._languages = alphabet, phonemizer, languages
        self._readers: dict[str, Reader] = {}
        self.unknown: Counter[str] = Counter()
        """Symbols that the model does not have, and how often they were left out."""

    def runs(self, text: str, language: str) -> Iterator[str]:
        """What is spoken at once, as symbols of the alphabet, at most MOST_TOKENS; language: espeak-ng's identifier.

        Raises ValueError where what reads this language is not installed, with the remedy.
        """
        before = len(self.unknown)
        clauses = [self._known(each) for each in self._clauses(text, language)]
        yield from packed([each for each in clauses if any(letter.isalpha() for letter in each)])
        if len(self.unknown) > before:
            symbols = " ".join(self.unknown)
            _LOGGER.warning("Kokoro has no sound for %s; left out (%d so far)", symbols, self.unknown.total())

    def numbers(self, run: str) -> list[int]:
        """One for each symbol."""
        return [self._alphabet[symbol] for symbol in run]

    def _clauses(self, text: str, language: str) -> Iterator[str]:
        for piece in pieces(text):
            if piece.ipa:
                yield spelled(piece.ipa, language, given=True) + piece.mark
                continue
            if reader := self._reader(language):
                yield from reader.clauses(piece.text, self._english, lambda character: self.unknown.update([character]))
                continue
            for clause in self._phonemizer.clauses(piece.text, language, tie=TIE):
                yield spelled(clause.phonemes, language) + clause.mark

    def _reader(self, language: str) -> Reader | None:
        """What reads a language that espeak-ng cannot read for Kokoro. Raises ValueError where it is not installed."""
        if language not in self._readers and language in {MANDARIN, JAPANESE}:
            known = next(each for each in self._languages.values() if each.espeak == language)
            if known.remedy:
                raise ValueError(f"kokoro needs more to read {known.tag}: {known.remedy}")
            bopomofo = "ㄅ" in self._alphabet
            self._readers[language] = Mandarin(bopomofo=bopomofo) if language == MANDARIN else Japanese()
        return self._readers.get(language)

    def _english(self, words: str) -> str:
        """Latin words inside a text of another script."""
        clauses = self._phonemizer.clauses(words, ENGLISH, tie=TIE)
        return " ".join(spelled(clause.phonemes, ENGLISH) for clause in clauses)

    def _known(self, symbols: str) -> str:
        kept = [symbol for symbol in symbols if symbol in self._alphabet]
        self.unknown.update(symbol for symbol in symbols if symbol not in self._alphabet)
        return " ".join("".join(kept).split())


def spelled(ipa: str, language: str, *, given: bool = False) -> str:
    """IPA in Kokoro's notation. given: by a person, who sets no ties and may use the notation itself."""
    symbols = unicodedata.normalize("NFD", _SWITCH.sub("", ipa)).replace("c\u0327", "ç").replace("\u0361", TIE)
    pattern, table = _table(language, given)
    symbols = pattern.sub(lambda match: table[match[0]], symbols)
    if language.startswith("gmw/en"):
        symbols = _SYLLABIC.sub(r"ᵊ\1", symbols)
    return symbols.replace("\u0329", "").replace(TIE, "").replace("ɹɹ", "ɹ")


@cache
def _table(language: str, given: bool) -> tuple[re.Pattern[str], dict[str, str]]:
    """What becomes of what, the longest first."""
    table = _RULES.get(language, _OTHERS)
    if given:
        untied = {key.replace(TIE, ""): value for key, value in table.items() if TIE in key}
        table = untied | {key: value for key, value in table.items() if key not in {"e", "o"}}
    longest_first = sorted(table, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), table


def packed(clauses: list[str]) -> Iterator[str]:
    """Clauses joined into runs of at most MOST_TOKENS; a longer one is cut between words."""
    run = ""
    for clause in (part for each in clauses for part in _cut(each)):
        if run and len(run) + 1 + len(clause) > MOST_TOKENS:
            yield run
            run = ""
        run = f"{run} {clause}" if run else clause
    if run:
        yield run


def _cut(clause: str) -> Iterator[str]:
    """Nearly equal pieces, where a clause is too long for a run."""
    count = -(-len(clause) // MOST_TOKENS)
    while count > 1:
        aim = min(MOST_TOKENS, -(-len(clause) // count))
        space = clause.rfind(" ", 1, MOST_TOKENS + 1)
        near = clause.find(" ", aim, MOST_TOKENS + 1)
        at = near if near > 0 else space if space > 0 else MOST_TOKENS
        yield clause[:at]
        clause = clause[at:].lstrip()
        count = -(-len(clause) // MOST_TOKENS)
    if clause:
        yield clause
