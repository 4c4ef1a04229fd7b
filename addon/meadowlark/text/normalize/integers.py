"""Whole numbers in words: unicode-rbnf's tables of the CLDR, loaded when a language first needs them.

Only whole numbers are asked for: unicode-rbnf 2.4 misreads fractions in Polish and Russian, and drops the fractions of
negative numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import regex

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

LARGEST: Final = 10**15 - 1
"""Beyond this nobody listens; it is left to the engine."""

_ROMAN_RE = regex.compile(r"(?=[IVXLC])(C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


@dataclass(frozen=True, slots=True)
class Spellout:
    """Reads whole numbers with the rule sets of one locale."""

    locale: str
    """As unicode-rbnf names it: "pt_PT"."""

    forms: Mapping[str, str]
    """Gender or case → rule set; "" is the form that stands by itself."""

    respell: Mapping[str, str] | None = None
    """What it says → what is said, for whole readings or their beginnings up to a space."""

    def __call__(self, number: int, form: str = "") -> str:
        """The words; those of the form "" where a language does not have the form."""
        ruleset = self.forms.get(form) or self.forms[""]
        words = _spelled(self.locale, ruleset, number)
        if self.respell:
            for said, better in self.respell.items():
                if words == said or words.startswith(said + " "):
                    words = better + words[len(said) :]
        return words


@lru_cache(maxsize=4096)
def _spelled(locale: str, ruleset: str, number: int) -> str:
    text: str = _engine(locale).format_number(number, ruleset_names=[ruleset]).text
    return text


@cache
def _engine(locale: str) -> RbnfEngine:
    # Not at the top: 45 ms and 9 MB (an XML parser, importlib.metadata), and a language costs 1-9 ms more.
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language(locale)


def roman(numeral: str) -> int:
    """The value of a Roman numeral below 400, written as it should be; 0 for anything else."""
    found = _ROMAN_RE.fullmatch(numeral)
    if not found:
        return 0
    values = [_ROMAN[letter] for letter in numeral]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
