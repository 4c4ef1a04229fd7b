"""What one must know of a language to read numbers, times and units aloud: one frozen table per language.

A new language is one file in `languages/` that ends in `LANGUAGE = Language(…)`. Categories are never optional: what a
language does not have is said with an empty table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import regex

Cardinal: TypeAlias = Callable[[int, str], str]
"""(number ≥ 0, form) → words.

Forms are a language's own genders, with a case of `cases` or `range_case` before them, and four that any may have: ""
by itself, "." before the decimal mark, "#" one digit of many, "×" before `times_suffix`. A form that it lacks is read
as ""; words that end in an apostrophe take no space behind them."""

GENITIVE = "g"
"""A case in which nouns have the fourth form behind 1 and decimals, else the third."""
ACCUSATIVE = "a"
"""A case in which nouns have the fifth form behind 1, where they have so many."""
SINGULAR = "s"
"""No case: nouns have their first form, as behind "a": "a 7 kg washing machine"."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A word with the forms that it takes behind numbers."""

    forms: tuple[str, ...]
    """In the order of the language's `plural`; the last also stands for those that are missing."""

    gender: str = ""
    """A key of the language's cardinals; "" for the form in which one counts."""

    def form(self, index: int) -> str:
        """The form for a plural category."""
        return self.forms[min(index, len(self.forms) - 1)]


def noun(forms: str, gender: str = "", tail: str = "") -> Noun:
    """noun("degree|degrees", tail=" Celsius"): each form with `tail` behind it."""
    return Noun(tuple(form + tail for form in forms.split("|")), gender)


def nouns(gender: str, table: Mapping[str, str]) -> dict[str, Noun]:
    """Nouns of one gender; several symbols for the same one stand with spaces between them: {"l L": "liter|liters"}."""
    return {symbol: noun(forms, gender) for symbols, forms in table.items() for symbol in symbols.split()}


@dataclass(frozen=True, slots=True)
class Currency:
    """Money."""

    major: Noun
    minor: Noun | None = None
    """A hundredth; None where none is in use."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day."""

    hour: int
    minute: int | None
    """None: only the hour was written, with a word for it ("20 Uhr")."""

    second: int | None
    word: str
    """What was written behind it and belongs to it ("Uhr", "PM"), "" where nothing was."""

    before: str
    """The word before it, in lower case; it may ask for a case."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date."""

    day: int
    month: int
    year: int | None
    before: str
    """The word before it, in lower case."""

    year_word: str = ""
    """What was written behind the year and belongs to it ("r.", "года")."""


@dataclass(frozen=True, slots=True)
class Dotted:
    """A number with a full stop: perhaps an ordinal."""

    number: int
    written: str
    """Returned to leave it as it is."""

    before: str
    """Up to two words before it, in lower case; "" at the beginning of a sentence."""

    after: str
    """The word behind it, or the sign; "" where the full stop ends the sentence, and does so behind an ordinal too."""


def words(text: str) -> frozenset[str]:
    """The words of a list with spaces between them."""
    return frozenset(text.split())


def in_order(text: str) -> tuple[str, ...]:
    """The same, in their order."""
    return tuple(text.split())


def numbered(text: str, more: Mapping[str, int]) -> dict[str, int]:
    """Month names in lower case → 1-12, and `more`: abbreviations and other names."""
    return {name.lower(): number for number, name in enumerate(text.split(), 1)} | dict(more)


def halves_behind(masculine: str, feminine: str, table: Mapping[str, str]) -> dict[str, str]:
    """Rewrites for languages that say "one hour and a half". `table`: "h hora horas" → gender."""
    half = r"(?:[ \u00a0\u202f]?½|[ \u00a0]1/2)[ \u00a0\u202f]?"
    rewrites = {}
    for forms, gender in table.items():
        one, many = forms.split()[-2:]
        noun = f"{half}(?:{'|'.join(forms.split())})(?![\\p{{L}}/])"
        said = feminine if gender == "f" else masculine
        rewrites[rf"(?<=(?<![\p{{L}}\p{{N}}.,/])1){noun}"] = f" {one} {said}"
        rewrites[rf"(?<=(?<![\p{{L}}\p{{N}}.,/])[0-9]{{1,3}}){noun}"] = f" {many} {said}"
    return rewrites


def one_or_more(whole: int, decimals: bool) -> int:
    """Plural: 1 takes the first form, all else the second."""
    return 0 if whole == 1 and not decimals else 1


def plainly(words: str) -> str:
    """Unchanged."""
    return words


def always(words: str) -> Callable[[int], str]:
    """The same word behind any number."""
    return lambda number: words


def never(number: Dotted) -> str:
    """No number with a full stop is an ordinal."""
    return ""


def unknown(before: str, noun: str, following: str) -> str:
    """No noun's gender shows in its letters."""
    return ""


def by_ending(
    feminine: str, masculine: str, other: str, introducing: frozenset[str], closed: frozenset[str]
) -> Callable[[str, str, str], str]:
    """Genders of nouns and adjectives by patterns for how they end, `other` where none fits.

    Only behind a word that introduces a number of things, or none: "light 1 is on" counts nothing. `closed`: words that
    are no nouns.
    """
    patterns = {"f": regex.compile(f"(?:{feminine})$"), "m": regex.compile(f"(?:{masculine})$")}

    def gender(before: str, noun: str, following: str) -> str:
        if (before and before.lower() not in introducing) or noun.lower() in closed or not noun.islower():
            return ""
        return next((each for each, pattern in patterns.items() if pattern.search(noun)), other)

    return gender


def no_year_word(year: int, before: str, word: str) -> str:
    """For languages without words that belong to years."""
    return ""


@dataclass(frozen=True, slots=True)
class Language:
    """How a language reads what is written in signs and digits."""

    code: str
    """BCP 47."""

    # Numbers
    decimal: str
    """"." or ",". Behind a comma language's whole number a full stop is a decimal point too, where it cannot group."""
    groups: str
    """What may stand between thousands; an apostrophe always may."""
    cardinal: Cardinal
    plural: Callable[[int, bool], int]
    """(whole part, whether decimals follow) → index into `Noun.forms`."""
    minus: str
    point: Callable[[int], str]
    """The word for the decimal mark behind this whole part."""
    fraction_digits: int
    """Up to so many decimals are read as one number; 1 = digit by digit."""
    magnitudes: Mapping[str, Noun]
    """"million", "Mio.", "k" → a noun."""
    magnitudes_of: Callable[[str], str]
    """What they count, as it stands behind them: "d'euros"."""
    year: Callable[[int], str]
    years_before: frozenset[str]
    """Words behind which a number from 1000 to 2199 is a year."""
    years_unless: str
    """A pattern for what makes such a number a count when it follows; "" where years are read like any number."""
    ordinal: Callable[[int, str], str]
    ordinal_marks: Mapping[str, str]
    """What is written behind the digits → form."""
    dotted: Callable[[Dotted], str]
    """Reads "3." before a word; "" where it is a number and a full stop."""
    decade_marks: tuple[str, ...]
    """"s" of "1990s"."""
    decades_after: frozenset[str]
    """Words behind which "30s" is a decade and not a unit; empty where the mark is no unit."""
    decade: Callable[[int], str]
    """Of 90 or 1990."""
    range_words: tuple[str, str]
    """Before the first ("" for nothing) and between both."""
    range_case: str
    """Put before the gender to get the form of numbers in ranges."""
    range_plural: int | None
    """Plural index behind a range; None = that of its second number."""
    fractions: Mapping[str, str]
    """"1/2" → "one half"."""
    mixed: Mapping[str, str]
    """"1/2" → "{n} and a half"."""
    mixed_gender: str
    """Of the whole number in them."""
    halves: Mapping[str, str]
    """Gender → "half a" before a thing of that gender; "" for anything. Empty where "1/2" is always read the same."""
    fraction_plural: int
    """Plural index of a unit behind a fraction."""
    operators: Mapping[str, str]
    """Between numbers: "+", "−", "×", "÷", "="; ":" is a ratio."""
    by: str
    """Between lengths: "3 x 4 m"."""
    out_of: str
    """Between numbers that are no fraction: "8/10", "page 3/10"."""
    over: str
    """The same where the first is the greater: "120/80"."""
    times_suffix: str
    """For "3x", perhaps with a form behind 1 and a bar before it; "" where it is not read."""
    signs: Mapping[str, str]
    """Before a number: "#", "№", "±"."""

    counted: Mapping[str, str]
    """Nouns in lower case, in the forms that stand behind numbers → gender; only for numbers that agree with them."""
    agreement: Callable[[str, str, str], str]
    """(word before a number, the one behind it, the next) → gender of what is counted, where `counted` lacks it; with
    a case before it where the noun shows that too."""
    cases: Mapping[str, str]
    """Prepositions in lower case → what is put before the gender to get the form of numbers behind them."""

    # Measures
    units: Mapping[str, Noun]
    per: Mapping[str, str]
    """Denominator → "per hour"."""
    currencies: Mapping[str, Currency]
    """By sign and ISO code."""
    money: str
    """Template of {major}, {minor} (both with their nouns) and {cents} (the number alone)."""

    # Times and dates
    month_names: Mapping[str, int]
    """All names and abbreviations without their full stops, in lower case → 1-12."""
    capital_months: bool
    """Month names begin with a capital, as "May" does and "may" does not."""
    short_months: frozenset[str]
    """Those of `month_names` that are only taken with a full stop behind them: "set." is one, "set" is not."""
    day_marks: tuple[str, ...]
    """What may be written behind the day: ".", "th", "er"."""
    of: str
    """The word that may stand between day, month and year: "of", "de"; "" for none."""
    month_first: bool
    """"October 5" is a date too, and 10/5 is the 5th of October."""
    date: Callable[[Day], str]
    until: tuple[str, ...]
    """Words between two days: "from the 3rd to the 5th of October"."""
    year_words: tuple[str, ...]
    """What may follow a year and belongs to it: "r." in Polish."""
    year_with: Callable[[int, str, str], str]
    """Reads a year, given the word before it and the one of `year_words` behind it."""
    date_range: Callable[[Day, int], str]
    """From a date to a later day of the same month."""
    time: Callable[[Clock], str]
    time_range: Callable[[Clock, Clock], str]
    """The word behind both is in the second."""
    clock_words: tuple[str, ...]
    """What may follow a time and belongs to it, longest first: "Uhr", "p.m."."""
    clock_hour: str
    """The letter between hours and minutes: "h"; "" for none."""

    # Codes
    dot: str
    """Said in addresses and versions."""
    colon: str
    """Said in IPv6 addresses."""
    port: str
    version: str
    phone_pairs: bool
    """Telephone numbers are read in pairs, not digit by digit."""
    spelled_after: frozenset[str]
    """Words behind which a number is read digit by digit: "code", "PIN"."""
    episode: str
    """Template of {season} and {episode}: "S01E02"."""
    postcodes: str
    """A pattern for numbers that are postcodes; "" where they are read as any number."""
    postcode_digits: int
    """So many of their first digits are read as one number, and the rest as another; 0 for digit by digit."""
    powers: Mapping[str, str]
    """"²" and "³" behind what is no unit, "^" before any other number."""
    rewrites: Mapping[str, str]
    """Patterns for what no rule would see → how it is written so that one does. Tried first, in this order."""
    winds: frozenset[str]
    """Words in lower case that tell that a sentence speaks of wind or of places, where `compass` is read."""
    compass: Mapping[str, str]
    """"NW" → "northwest"."""
    endings: Mapping[str, str]
    """Abbreviated ends of words, with their full stops: "Hauptstr."."""
    letters: Mapping[str, str]
    """"CO2" → how it is said."""

    # Words
    abbreviations: Mapping[str, str]
    """As written, with full stops."""
    titles: Mapping[str, str]
    """The same, but only before a capitalised word: "Dr."."""
    weekdays: Mapping[str, str]
    """Abbreviations without their full stops, before a date or, with a colon, before a number: "Mon, Nov 23"."""
    regnal: frozenset[str]
    """Names behind which a Roman numeral is an ordinal."""
    regnal_ordinal: Callable[[int, str], str]
    """(number, name) → the ordinal behind the name."""
    numbered: frozenset[str]
    """Words behind which a Roman numeral is a number: "Chapter". A single letter counts only behind a word written as
    here, or with a capital: "for my part I think"."""
    centuries: Mapping[str, str]
    """Words before which a Roman numeral is an ordinal ("siècle") → its form; "w wieku": of this one behind that."""
