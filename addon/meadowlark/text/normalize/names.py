"""Rules for words that are not read as they are written: abbreviations, Roman numerals, units alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import regex

from meadowlark.text.normalize.integers import roman
from meadowlark.text.normalize.language import GENITIVE, Language, in_order
from meadowlark.text.normalize.rules import GAP, HYPHENS, Match, Rule, alternatives, ends_text, starts_text, word_before

# Behind fifty: not "XL" and "CD".
_NUMERAL: Final = "(?:[IVX]{2,7}|L[IVX]{1,7}|XL[IVX]{1,5})"
_NUMERALS: Final = in_order(
    "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI XXII XXIII XXIV XXV"
)
_NUMERAL_SUFFIXES: Final = ("", "e", "er", "ème", "º", "ª")
_ALSO_ENDS: Final = frozenset(("M.", "Me", "D.", "St.", "Mt.", "Ft."))
"""Titles that are something else behind a name: "Main St.", "Jean M. Dupont"."""
_LEAD: Final = r"(?<![\p{L}\p{N}\p{M}_.@/\\])"
_END: Final = r"(?![\p{L}\p{N}\p{M}_]|[.@/\\]\p{L})"
_ALONE_UNITS = "°C °F kWh Wh MWh GWh kW MW W/m² km/h mph m³ m² cm² km² µg μg hPa mbar kPa ppm ppb dBm kHz MHz GHz % ‰"
_ALONE: Final = frozenset(_ALONE_UNITS.split())
"""Units that are nothing else where no number stands before them, as in "measured in kWh"."""


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _name(pattern: str, read: Callable[[Match], str]) -> Rule:
    return Rule(regex.compile(f"{_LEAD}(?:{pattern}){_END}"), read)


class Names:
    """The rules of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def openings(self) -> Iterator[tuple[Iterable[str], Rule]]:
        """Each rule with what it begins with, in the order in which they are tried."""
        language = self._language
        capitals = map(_capital, language.numbered)
        sure = alternatives(language.titles.keys() - _ALSO_ENDS)
        unsure = alternatives(language.titles.keys() & _ALSO_ENDS)
        regnal = alternatives(language.regnal)
        single = "VX" if language.code.startswith("en") else "IVX"  # "Henry I know"
        per = rf"(?:/(?P<per>{alternatives(language.per)}))?"
        ages = alternatives(language.centuries)
        numerals = [numeral + suffix for numeral in _NUMERALS for suffix in _NUMERAL_SUFFIXES]
        alone = _ALONE & language.units.keys()
        months = alternatives(language.month_names)
        month = rf"(?i:{months})(?!\p{{L}})"
        hour = r"h(?:[0-9]{2})?(?!\p{L})"
        later = rf"(?: to |[{HYPHENS}])[0-9]{{1,2}}(?::[0-9]{{2}})?"
        clock = rf"[0-9]{{1,2}}(?::[0-9]{{2}}|{hour}|{later})(?![0-9]| ?[%°])"
        date = rf",? (?:{month}|[0-9]{{1,2}}(?:st|nd|rd|th|\.)? ?(?:{month}|[0-9]{{1,2}}\.)|{clock})"
        day = alternatives(language.weekdays)
        other = rf"(?:,|,? (?:und|oder|and|or|et|y|e|i|a|en|&)) (?:{day})(?!\p{{L}})"
        days = (
            rf"(?P<day>{day})\.?(?={date}|: [-−]?[0-9]|{other})"
            rf"|(?<=(?:{day})\.?(?:,|,? (?:und|oder|and|or|et|y|e|i|a|en|&)) )(?P<day>{day})(?!\p{{L}})(?:\.(?! *$))?"
        )
        week = rf"(?P<day>{day})\.?{GAP}[{HYPHENS}]{GAP}(?P<until>{day})(?!\p{{L}})(?:\.(?! *$))?"
        if language.range_case != GENITIVE:  # the table does not have the days' cases
            yield language.weekdays, _name(week, self._week)
        yield language.weekdays, _name(days, self._weekday)
        year = r"(?= (?:['’][0-9]|[12][0-9]{3}))"
        yield language.month_names, _name(rf"(?P<month>(?i:{months}))\.?{year}", self._month)
        yield language.abbreviations, _name(alternatives(language.abbreviations), self._abbreviation)
        begun = {_capital(each): each for each in language.abbreviations if each[:1].islower() and len(each) > 2}
        begun = {capital: each for capital, each in begun.items() if capital not in language.abbreviations}
        yield begun, _name(rf"(?:{alternatives(begun)})(?= )", self._begun)
        named = r"(?= ?\p{Lu}| (?:and|und|et|y|e|en|i|a|&) \p{Lu})"
        yield language.titles, _name(rf"(?:{sure}|(?<!\p{{Lu}}\p{{L}}* )(?:{unsure})){named}", self._title)
        yield language.letters, _name(alternatives(language.letters), self._letters)
        yield (
            language.regnal,
            _name(
                rf"(?P<name>{regnal}) (?P<numeral>[{single}]|{_NUMERAL})(?:\.(?=[,;:)]| \p{{Ll}}))?",
                self._regnal,
            ),
        )
        yield (
            language.numbered,
            _name(
                rf"(?P<word>{alternatives({*language.numbered, *capitals})}) (?P<numeral>[IV]|{_NUMERAL})"
                rf"|(?P<word>(?i:{alternatives(language.numbered)})) (?P<numeral>{_NUMERAL})",
                self._numbered,
            ),
        )
        if language.centuries:
            suffix = rf"(?:\.? |(?:{'|'.join(filter(None, _NUMERAL_SUFFIXES))}|°) )"
            yield numerals, _name(rf"(?P<numeral>[IVX]|{_NUMERAL}){suffix}(?P<age>{ages})", self._century)
        yield alone, _name(rf"(?P<unit>{alternatives(alone)}){per}", self._alone)

    def _abbreviation(self, match: Match) -> str:
        """The full stop stays where the sentence ends with it."""
        words = self._language.abbreviations[match[0]]
        return f"{words}." if match[0].endswith(".") and ends_text(match) else words

    def _begun(self, match: Match) -> str:
        """An abbreviation that the sentence begins with: "Ca. 5 Grad"."""
        if not starts_text(match):
            return ""
        return _capital(self._language.abbreviations[match[0][:1].lower() + match[0][1:]])

    def _weekday(self, match: Match) -> str:
        return self._language.weekdays[match["day"]]

    def _week(self, match: Match) -> str:
        opening, between = self._language.range_words
        first, last = (self._language.weekdays[match[each]] for each in ("day", "until"))
        return f"{opening} {first} {between} {last}".strip()

    def _month(self, match: Match) -> str:
        """An abbreviation before a year."""
        language, written = self._language, match["month"]
        if language.capital_months and written[0].islower():
            return ""
        name = list(language.month_names)[language.month_names[written.lower()] - 1]
        if written.lower() == name:
            return ""
        if language.of and not language.capital_months:
            name += f" {language.of}"
        return name.capitalize() if written[0].isupper() else name

    def _title(self, match: Match) -> str:
        return self._language.titles[match[0]]

    def _letters(self, match: Match) -> str:
        return self._language.letters[match[0]]

    def _regnal(self, match: Match) -> str:
        number = roman(match["numeral"])
        words = self._language.regnal_ordinal(number, match["name"]) if number else ""
        return words and f"{match['name']} {words}"

    def _numbered(self, match: Match) -> str:
        number = roman(match["numeral"])
        return f"{match['word']} {self._language.cardinal(number, '')}" if number else ""

    def _century(self, match: Match) -> str:
        number = roman(match["numeral"])
        forms = self._language.centuries
        form = forms.get(f"{word_before(match)} {match['age']}", forms[match["age"]])
        words = self._language.ordinal(number, form) if number else ""
        return words and f"{words} {match['age']}"

    def _alone(self, match: Match) -> str:
        language = self._language
        words = language.units[match["unit"]].form(language.plural(1_000_000, False))
        return words + (f" {language.per[match['per']]}" if match["per"] else "")
