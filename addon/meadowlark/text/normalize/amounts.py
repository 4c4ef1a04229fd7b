"""How numbers are written in a language, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import regex

from meadowlark.text.normalize.integers import LARGEST
from meadowlark.text.normalize.language import ACCUSATIVE, GENITIVE, SINGULAR, Language, Noun
from meadowlark.text.normalize.language import words as words_of

_SPACES: Final = " \u00a0\u202f\u2009"
_DIGITS_ALONE: Final = 10
"""From so many digits without separators on, a number is a code and read digit by digit."""
_DIGITS_LIMIT: Final = 24
_OPENING: Final = words_of("da dai dalle dal tra fra in di con per circa entro ogni dopo od")
"""Behind these no "from" opens a range."""
_NOT_DIGIT_RE = regex.compile(r"[^0-9]+")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as it was written."""

    whole: str
    """Digits."""

    fraction: str = ""
    """Digits."""

    negative: bool = False

    @property
    def value(self) -> float:
        """For comparisons only."""
        return float(f"{'-' if self.negative else ''}{self.whole}.{self.fraction or 0}")


class Amounts:
    """Numbers of one language: the pattern that finds them, and their words."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self.whole = _whole_pattern(language)
        """A whole number, perhaps with separators."""
        if language.decimal == ".":
            decimals = r"\.[0-9]{1,12}"
        elif "." in language.groups:
            decimals = r"(?:,[0-9]{1,12}|\.(?:[0-9]{1,2}|[0-9]{4,12}))"
        else:
            decimals = r"[,.][0-9]{1,12}"
        small = r"0[.,][0-9]{1,12}|" if language.decimal == "," else ""
        self.number = rf"(?:{small}(?:{self.whole})(?:{decimals})?)(?![0-9])"
        """A number, perhaps with decimals."""

    def parse(self, written: str, sign: str = "") -> Amount:
        """The number in something that `number` matched."""
        written = written.replace("’", "'")
        mark = self._decimal_mark(written)
        whole, _, fraction = written.rpartition(mark) if mark else (written, "", "")
        digits = _NOT_DIGIT_RE.sub("", whole)
        # Sensors round to "-0.0".
        negative = bool(sign) and sign in "-−–" and (digits + fraction).strip("0") != ""
        return Amount(digits, fraction, negative)

    def _decimal_mark(self, written: str) -> str:
        own = self._language.decimal
        if own in written:
            return own
        if own == "." or "." not in written:
            return ""
        grouped = "." in self._language.groups and regex.fullmatch(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+", written)
        return "" if grouped else "."

    def plural(self, amount: Amount) -> int:
        """The plural category of nouns behind it."""
        return self._language.plural(int(amount.whole), bool(amount.fraction))

    def read(self, amount: Amount, gender: str = "") -> str:
        """Its words; "" where it is too long to be read."""
        language = self._language
        sign = language.minus + " " if amount.negative else ""
        if not amount.fraction and (len(amount.whole) > 1 and amount.whole[0] == "0"):
            return sign + self.digits(amount.whole)
        if len(amount.whole) > 15 or int(amount.whole) > LARGEST:
            return ""
        whole = int(amount.whole)
        if not amount.fraction:
            return sign + language.cardinal(whole, gender)
        return f"{sign}{language.cardinal(whole, '.')} {language.point(whole)} {self._fraction(amount.fraction)}"

    def count(self, amount: Amount, noun: Noun, case: str = "") -> str:
        """Its words with a noun in the right form, which may be a case's; "" where it is too long."""
        words = self.read(amount, case + noun.gender)
        gap = "" if words.endswith("'") else " "
        form = noun.form(self._index(amount, noun, case))
        if not amount.fraction and int(amount.whole) and int(amount.whole) % 1_000_000 == 0:
            form = self._language.magnitudes_of(form)
        return words and words + gap + form

    def _index(self, amount: Amount, noun: Noun, case: str) -> int:
        alone = not amount.fraction and int(amount.whole) == 1
        if case == SINGULAR:
            return 0
        if case == GENITIVE:
            return 3 if amount.fraction or alone else 2
        return 4 if case == ACCUSATIVE and alone and len(noun.forms) > 4 else self.plural(amount)

    def span(self, first: Amount, second: Amount, noun: Noun | None = None, gender: str = "", before: str = "") -> str:
        """From one to the other, with a noun behind both, or a gender for one; "" where one is too long.

        before: the word before them, behind which "from" may be too much."""
        language = self._language
        form = language.range_case + (noun.gender if noun else gender)
        a, b = self.read(first, form), self.read(second, form)
        if not a or not b:
            return ""
        opening, between = language.range_words
        words = f"{'' if before in _OPENING else opening} {a} {between} {b}".strip()
        if noun is None:
            return words
        index = self.plural(second) if language.range_plural is None else language.range_plural
        return f"{words} {noun.form(index)}"

    def digits(self, digits: str) -> str:
        """One by one; "" where they are too many."""
        if len(digits) > _DIGITS_LIMIT:
            return ""
        return " ".join(self._language.cardinal(int(digit), "#") for digit in digits)

    def code(self, digits: str, gender: str = "") -> str:
        """A number without separators: counted, or digit by digit where it begins with 0 or is long."""
        if len(digits) >= _DIGITS_ALONE or (len(digits) > 1 and digits[0] == "0"):
            return self.digits(digits)
        return self._language.cardinal(int(digits), gender)

    def _fraction(self, digits: str) -> str:
        zeros = len(digits) - len(digits.lstrip("0"))
        if len(digits) > self._language.fraction_digits or zeros == len(digits):
            return self.digits(digits)
        head = self.digits("0" * zeros) + " " if zeros else ""
        return head + self._language.cardinal(int(digits), ".")


def _whole_pattern(language: Language) -> str:
    """Grouped in threes, or plain. English and German group with spaces too, but only from a million on.

    "Channel 5 100 times": where spaces do not group by custom, one of them proves nothing.
    """
    marks = map(regex.escape, language.groups.replace(" ", ""))
    patterns = [rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}}){{1,4}}" for mark in marks]
    least = 1 if " " in language.groups else 2
    patterns.append(rf"[1-9][0-9]{{0,2}}(?:[{_SPACES}][0-9]{{3}}){{{least},4}}")
    patterns.append(r"[1-9][0-9]{0,2}(?:['’][0-9]{3}){1,4}")
    return "|".join(f"{pattern}(?![0-9])" for pattern in patterns) + r"|[0-9]{1,24}"
