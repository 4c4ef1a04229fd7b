"""Rules for numbers without a unit: ranges, ordinals, decades, years, and all that is left."""

from __future__ import annotations

import regex

from meadowlark.text.normalize.amounts import Amount, Amounts
from meadowlark.text.normalize.integers import LARGEST
from meadowlark.text.normalize.language import Dotted, Language, words
from meadowlark.text.normalize.rules import (
    GAP,
    HYPHENS,
    SIGN,
    Match,
    Rule,
    alternatives,
    last_words,
    rule,
    starts_text,
    text_before,
    word_before,
    words_after,
)

_LINKS = words("is was ist lautet die war est es è era é jest to brzmi je zní är number nummer nr numer číslo")
"""Between "code" and its digits."""
_BEFORE_RE = regex.compile(r"([\p{L}\p{M}'’]+) $")
_LISTED_RE = regex.compile(r"[0-9]{1,4}\.(?:,|,? (?:und|oder|bis|sowie))? $")
"""Before the second of "am 3. und 4."."""
_ITEM_RE = regex.compile(r"\p{L}[,;.] $")
"""Before the second number of "1. bread, 2. butter"."""
_NEXT_WORD_RE = regex.compile(r" ([\p{L}\p{M}]+)")


class Counting:
    """The rules of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts
        self._count_re = regex.compile(language.years_unless) if language.years_unless else None

    def marked(self) -> tuple[Rule, ...]:
        """What letters behind the digits tell; tried before units, whose signs may be the same."""
        language = self._language
        marks, decades = alternatives(language.ordinal_marks), alternatives(language.decade_marks)
        return (
            rule(
                rf"(?P<number>{self._amounts.whole})(?P<mark>{marks})"
                rf"(?:{GAP}[{HYPHENS}]{GAP}(?P<second>{self._amounts.whole})(?P<mark2>{marks}))?",
                self._read_ordinal,
            ),
            Rule(
                regex.compile(
                    r"(?P<number>[0-9]{1,4})(?:[.°](?= \p{L})"
                    r"|\.(?=(?P<sign>[,;:?!]| [–—(0-9])|[\"'”’“‘»)\]]*(?:$|(?<!\.) \p{Ll})))"
                ),
                self._read_dotted,
            ),
            rule(rf"['’]?(?P<number>[1-9]0|[12][0-9]{{2}}0)(?:{decades})", self._read_decade),
        )

    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        language, number = self._language, self._amounts.number
        to = rf"{GAP}(?P<dash>[{HYPHENS}]|\.\.\.?|…){GAP}"
        return (
            rule(r"[0-9](?:-[0-9]){2,9}", self._read_list),
            rule(rf"{SIGN}(?P<number>{number}){to}(?P<sign2>[-−](?=[0-9]))?(?P<second>{number})", self._read_range),
            Rule(regex.compile(rf"(?P<mark>{alternatives(language.signs)}){GAP}(?=[0-9])"), self._read_sign),
            rule(r"[0-9]{1,2}(?:,[0-9]{1,2}){2,20}", self._read_list),
            rule(r"[0-9]{2,15}(?: [0-9]{3})?", self._read_spelled),
            rule(r"(?P<number>(?:19|20)[0-9]{2})/(?P<second>[0-9]{2})", self._read_season),
            rule(rf"(?P<number>[12][0-9]{{3}}) ?(?P<word>{alternatives(language.year_words)})", self._read_year_with),
            rule(r"(?P<number>1[0-9]{3}|2[01][0-9]{2})", self._read_year),
            rule(rf"(?P<number>{number})\+(?=[\s.,;:!?)]|$)", self._read_more),
            rule(rf"(?P<plus>\+(?=[0-9]))?{SIGN}(?P<number>{number})", self._read_number),
        )

    def _read_range(self, match: Match) -> str:
        amounts, language = self._amounts, self._language
        first = amounts.parse(match["number"], match["sign"] or "")
        second = amounts.parse(match["second"], match["sign2"] or "")
        if first.value < second.value:
            if _is_year(first) and _is_year(second):
                return self._between(language.year(int(first.whole)), language.year(int(second.whole)))
            return amounts.span(first, second, gender=self._gender(match), before=word_before(match))
        if match["dash"] not in HYPHENS or any(each.fraction or each.negative for each in (first, second)):
            return ""
        a, b = amounts.code(first.whole), amounts.code(second.whole)
        return f"{a} {b}" if a and b else ""  # a score

    def _read_ordinal(self, match: Match) -> str:
        words = self._ordinal(match["number"], match["mark"])
        if not words or not match["second"]:
            return words
        until = self._ordinal(match["second"], match["mark2"])
        return until and self._between(words, until)

    def _between(self, first: str, second: str) -> str:
        opening, between = self._language.range_words
        return f"{opening} {first} {between} {second}".strip()

    def _ordinal(self, written: str, mark: str) -> str:
        number = int(self._amounts.parse(written).whole)
        return self._language.ordinal(number, self._language.ordinal_marks[mark]) if number <= LARGEST else ""

    def _gender(self, match: Match) -> str:
        """Of what is counted, as far as it shows."""
        noun, following = words_after(match)
        if not noun or (gender := self._language.counted.get(noun.lower(), "")):
            return gender if noun else ""
        before = _BEFORE_RE.search(match.string, max(0, match.start() - 32), match.start())
        word = before[1] if before and (before[1][0].islower() or before.start() > 0) else ""
        return self._language.agreement(word, noun, following)

    def _read_decade(self, match: Match) -> str:
        language = self._language
        short = len(match["number"]) == 2 and match[0][0].isdecimal()
        if short and language.decades_after and word_before(match) not in language.decades_after:
            return ""
        return language.decade(int(match["number"]))

    def _read_sign(self, match: Match) -> str:
        """The number behind it, with its unit, is read by itself."""
        return self._language.signs[match["mark"]] + " "

    def _read_list(self, match: Match) -> str:
        return ", ".join(self._amounts.code(each) for each in match[0].replace("-", ",").split(","))

    def _read_spelled(self, match: Match) -> str:
        """ "PIN 1234", "the code is 123 456"."""
        before, spelled = word_before(match, 2).split(), self._language.spelled_after
        if not (before and (before[-1] in spelled or (before[0] in spelled and before[-1] in _LINKS))):
            return ""
        return ", ".join(self._amounts.digits(each) for each in match[0].split())

    def _read_dotted(self, match: Match) -> str:
        after = _NEXT_WORD_RE.match(match.string, match.end())
        following = after[1] if after else (match["sign"] or "").strip()
        text = text_before(match)
        while listed := _LISTED_RE.search(text):
            text = text[: listed.start()]
        begins = starts_text(match) or _ITEM_RE.search(text)
        before = "" if begins else last_words(text, 2)
        words = self._language.dotted(Dotted(int(match["number"]), match[0], before, following))
        return words + "." * bool(words and not following)

    def _read_year(self, match: Match) -> str:
        language, number = self._language, int(match["number"])
        if word_before(match) in language.years_before:
            return language.year(number)
        if self._count_re is None or number < 1100 or self._count_re.match(match.string, match.end()):
            return ""
        return language.year(number)

    def _read_season(self, match: Match) -> str:
        """ "2026/27"."""
        year, next_year = int(match["number"]), int(match["second"])
        if next_year != (year + 1) % 100:
            return ""
        return f"{self._language.year(year)} {self._amounts.code(match['second'])}"

    def _read_year_with(self, match: Match) -> str:
        return self._language.year_with(int(match["number"]), word_before(match), match["word"])

    def _read_more(self, match: Match) -> str:
        """ "18+"."""
        words = self._amounts.read(self._amounts.parse(match["number"]))
        return words and f"{words} {self._language.operators['+']}"

    def _read_number(self, match: Match) -> str:
        written = match["number"]
        if written.isdecimal() and not match["sign"]:
            gender = self._gender(match)
            case = self._language.cases.get(word_before(match), "")
            words = self._amounts.code(written, gender if len(gender) > 1 else case + gender)
        else:
            case = self._language.cases.get(word_before(match), "")
            words = self._amounts.read(self._amounts.parse(written, match["sign"] or ""), case)
        return f"{self._language.operators['+']} {words}" if words and match["plus"] else words


def _is_year(amount: Amount) -> bool:
    return len(amount.whole) == 4 and not amount.fraction and amount.whole[:2] in ("18", "19", "20")
