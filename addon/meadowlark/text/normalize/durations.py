"""Rules for how long something takes, as timers write it: "1h 30m", "00:05:00"."""

from __future__ import annotations

from meadowlark.text.normalize.amounts import Amount, Amounts
from meadowlark.text.normalize.language import Language, words
from meadowlark.text.normalize.rules import GAP, Match, Rule, alternatives, rule, word_before

_UNITS = {"d": "d", "h": "h", "m": "min", "s": "s"}
_BEFORE_TIMES = words("at um o v ve alle om às à a las")


class Durations:
    """The rules of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts

    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried; before times of day."""
        parts = "".join(rf"(?: ?(?P<{each}>[0-9]{{1,3}}){each})?" for each in _UNITS)
        clock = rf"(?!{GAP}(?:{alternatives(self._language.clock_words)}))"
        return (
            rule(rf"(?=[0-9]{{1,3}}[dhm] ?[0-9]){parts}", self._read),
            rule(rf"00:(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9]){clock}", self._read_timer),
        )

    def _read(self, match: Match) -> str:
        given = {each: digits for each, digits in match.groupdict().items() if digits}
        if len(given) < 2 or any(_UNITS[each] not in self._language.units for each in given):
            return ""
        return self._said({each: int(digits) for each, digits in given.items()})

    def _read_timer(self, match: Match) -> str:
        """A time of day has an hour before its seconds, and not often seconds."""
        if word_before(match) in _BEFORE_TIMES:
            return ""
        return self._said({each: int(match[each]) for each in "ms" if int(match[each])})

    def _said(self, given: dict[str, int]) -> str:
        units = self._language.units
        return " ".join(self._amounts.count(Amount(str(each)), units[_UNITS[name]]) for name, each in given.items())
