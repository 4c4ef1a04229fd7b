"""Rules for amounts of something: money, units, millions."""

from __future__ import annotations

import regex

from meadowlark.text.normalize.amounts import Amount, Amounts
from meadowlark.text.normalize.language import SINGULAR, Language, Noun
from meadowlark.text.normalize.rules import (
    GAP,
    HYPHENS,
    MINUSES,
    SIGN,
    Match,
    Rule,
    alternatives,
    ends_text,
    rule,
    text_before,
    word_after,
    word_before,
)

_SPACED_UNITS = frozenset(("A", "m", "K", "C", "F", "t", "in", "d", "J", "N", "B", "b", "ha", "ac", "cd"))
"""Read only behind a space: "flat 10A" and "5m" may be anything."""
_LETTER_RE = regex.compile(r"\p{L} A $")
"""Before "5 mg" in "vitamin A 5 mg": no article."""
_OF_MONEY = frozenset(("B", "K", "T", "m"))
"""Magnitudes of money only: "$3.5B" are billions, "5 B" are bytes."""


class Quantities:
    """The rules of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts

    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        language, number = self._language, self._amounts.number
        amount = rf"(?P<number>{number})"
        second = rf"(?P<sign2>[{MINUSES}](?=[0-9]))?(?P<second>{number})"
        per = rf"(?:{GAP}/{GAP}(?P<per>{alternatives(language.per)}|100km))?"
        magnitude = rf"{GAP}(?P<magnitude>{alternatives(language.magnitudes.keys() - _OF_MONEY)})(?!\p{{L}})"
        of_money = rf"{GAP}(?P<magnitude>{alternatives(language.magnitudes)})(?!\p{{L}})"
        money = rf"(?P<currency>{alternatives(language.currencies)})"
        glued = alternatives(language.units.keys() - _SPACED_UNITS)
        spaced = alternatives(language.units.keys() & _SPACED_UNITS)
        unit = (
            rf"(?:{GAP}(?P<unit>{glued})|[ \u00a0\u202f](?P<spaced>{spaced})"
            rf"|(?<=(?<![-\p{{L}}])[0-9]{{4}})(?P<spaced>K)|(?<=V[,/] ?[0-9]{{1,3}})(?P<spaced>A))(?!\.\p{{Lu}})"
        )
        # "2 tbsp. of sugar", "1 Std. 30 Min."
        stop = r"(?:\.(?= \p{Ll})|(?<=[Mm]in|[Ss]td|[Ss]ek|[Ss]e[cg]|h(?:od|rs?))\.(?= [0-9]{1,3} ?\p{L})|\.(?=[,;:]))?"
        money_to = rf"(?:(?:{GAP}(?P=currency))?{GAP}[{HYPHENS}]{GAP}(?:(?P=currency){GAP})?{second})?"
        money_from = rf"(?:(?:{GAP}(?:{alternatives(language.currencies)}))?{GAP}[{HYPHENS}]{GAP}{second})?"
        unit_to = rf"(?:(?:{GAP}(?:{glued}))?{GAP}[{HYPHENS}]{GAP}{second})?"
        no_cents = r"(?:[.,][–—-]{1,2})?"
        return (
            rule(
                rf"(?P<sign>[{MINUSES}])?{money}{GAP}{amount}{no_cents}{money_to}(?:{of_money})?{per}",
                self._read_money,
            ),
            rule(rf"{SIGN}{amount}{no_cents}{money_from}(?:{of_money})??{GAP}{money}{per}", self._read_money),
            rule(rf"(?P<plus>\+(?=[0-9]))?{SIGN}{amount}{unit_to}(?:{magnitude})??{unit}{stop}{per}", self._read_unit),
            rule(rf"{SIGN}{amount}{magnitude}", self._read_magnitude),
        )

    def _read_money(self, match: Match) -> str:
        currency = self._language.currencies[match["currency"]]
        amount = self._amounts.parse(match["number"], match["sign"] or "")
        if match["magnitude"]:
            words = self._counted(amount, currency.major, match["magnitude"])
            if match["second"]:
                words = self._counted(self._second(match), currency.major, match["magnitude"])
                opening, between = self._language.range_words
                first = self._amounts.read(amount, self._language.range_case)
                words = first and words and f"{opening} {first} {between} {words}".strip()
        elif match["second"]:
            words = self._amounts.span(amount, self._second(match), currency.major, before=word_before(match))
        elif currency.minor and len(amount.fraction) == 2:
            words = self._major_and_minor(amount, currency.major, currency.minor)
        else:
            words = self._amounts.count(amount, currency.major, self._case(match))
        return self._with_per(words, match)

    def _major_and_minor(self, amount: Amount, major: Noun, minor: Noun) -> str:
        amounts = self._amounts
        cents = Amount(str(int(amount.fraction)))
        if not int(amount.whole) and cents.whole != "0":
            return amounts.count(Amount(cents.whole, "", amount.negative), minor)
        said = amounts.count(Amount(amount.whole, "", amount.negative), major)
        if not said or cents.whole == "0":
            return said
        template = self._language.money
        return template.format(major=said, minor=amounts.count(cents, minor), cents=amounts.read(cents))

    def _read_unit(self, match: Match) -> str:
        unit = self._language.units[match["unit"] or match["spaced"]]
        amount = self._amounts.parse(match["number"], match["sign"] or "")
        if match["second"]:
            words = self._amounts.span(amount, self._second(match), unit, before=word_before(match))
        elif match["magnitude"]:
            words = self._counted(amount, unit, match["magnitude"])
        else:
            words = self._amounts.count(amount, unit, self._case(match))
        if words and match["plus"]:
            words = f"{self._language.operators['+']} {words}"
        words = self._with_per(words, match)
        return f"{words}." if words and match[0].endswith(".") and ends_text(match) else words

    def _read_magnitude(self, match: Match) -> str:
        amount = self._amounts.parse(match["number"], match["sign"] or "")
        return self._amounts.count(amount, self._language.magnitudes[match["magnitude"]])

    def _case(self, match: Match) -> str:
        case = self._language.cases.get(word_before(match), "") if self._language.cases else ""
        if case != SINGULAR:
            return case
        no_noun = word_after(match) in ("", self._language.by)
        return "" if no_noun or _LETTER_RE.search(text_before(match)) else case

    def _second(self, match: Match) -> Amount:
        return self._amounts.parse(match["second"], match["sign2"] or "")

    def _counted(self, amount: Amount, noun: Noun, magnitude: str) -> str:
        """Millions of something."""
        language = self._language
        words = self._amounts.count(amount, language.magnitudes[magnitude])
        return words and f"{words} {language.magnitudes_of(noun.form(language.plural(1_000_000, False)))}"

    def _with_per(self, words: str, match: Match) -> str:
        per = {"100km": "100 km"}.get(match["per"], match["per"])
        return f"{words} {self._language.per[per]}" if words and per else words
