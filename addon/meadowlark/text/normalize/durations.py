"""Rules for how long something takes, as timers write it: "1h 30m", "00:05:00"."""

from __future__ import annotations

from meadowlark.text.normalize.amounts import Amount, Amounts
from meadowlark.text.normalize.language import Language, words
from meadowlark.text.normalize.rules import GAP, Match, Rule, alternatives, ends_text, rule, word_after, word_before

_UNITS = {"d": "d", "h": "h", "m": "min", "s": "s"}
_HOURS = ("h", "Stunden", "Std")
_MINUTES = ("min", "Min", "minutes", "mins", "Minuten", "minuten", "minutos", "minuti", "minut")
"""Behind "1:30". Where they may as well stand behind a time of day ("15:30 h") other words have to tell."""
_BEFORE_TIMES = words("at um o v ve alle om às à a las")
_HOW_LONG = words(
    "duration timer runtime length elapsed dauer laufzeit restzeit spieldauer länge duración duracion temporizador "
    "durée "
    "dauert dauern dauerte takes took lasts lasted lasting dure durent dura durano duran duraron duurt duren trwa trvá "
    "minuteur durata duur looptijd czas minutnik duração temporizador doba trvání časovač uptime"
)
"""Before "1:23:45"."""
_LEFT = words(
    "left remaining elapsed übrig verbleibend verbleiben restantes restante restantes restant restants rimanenti "
    "rimasti "
    "resterend over pozostało zbývá"
)
"""Behind "0:45"."""
_STILL = words("noch still encore ancora nog quedan restam faltam mancano reste zostało zbývá")
"""Before it."""


class Durations:
    """The rules of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts

    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried; before times of day."""
        parts = "".join(rf"(?: ?(?P<{each}>[0-9]{{1,3}}){each})?" for each in _UNITS)
        clock = rf"(?!{GAP}(?:{alternatives(self._language.clock_words)}))"
        hours = alternatives(each for each in _HOURS if each not in self._language.clock_words)
        minutes = alternatives(_MINUTES)
        lettered = rule(r"(?P<h>[0-9]{1,2})h(?P<m>[0-5][0-9])", self._read)
        return (
            *(() if self._language.clock_hour == "h" else (lettered,)),
            rule(rf"(?P<h>[0-9]{{1,3}}):(?P<m>[0-5][0-9]) ?(?:{hours})(?P<dot>\.)?", self._read_counted),
            rule(rf"(?P<m>[0-9]{{1,3}}):(?P<s>[0-5][0-9]) ?(?:{minutes})(?P<dot>\.)?", self._read_counted),
            rule(r"(?P<h>[0-9]{1,3}):(?P<m>[0-5][0-9]) ?h", self._read_long),
            rule(r"(?P<h>[0-9]{1,3}):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9])" + clock, self._read_long),
            rule(r"(?P<m>[0-9]{1,2}):(?P<s>[0-5][0-9])" + clock, self._read_left),
            rule(rf"(?=[0-9]{{1,3}}[dhm] ?[0-9]){parts}", self._read),
            rule(rf"00:(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9]){clock}", self._read_timer),
        )

    def _read(self, match: Match) -> str:
        given = {each: digits for each, digits in match.groupdict().items() if digits}
        if len(given) < 2 or any(_UNITS[each] not in self._language.units for each in given):
            return ""
        return self._said({each: int(digits) for each, digits in given.items()})

    def _read_counted(self, match: Match) -> str:
        """The full stop of an abbreviation also ends the sentence."""
        said = self._parts(match)
        return said + "." * bool(said and match["dot"] and ends_text(match))

    def _read_timer(self, match: Match) -> str:
        """A time of day has an hour before its seconds, and not often seconds."""
        if word_before(match) in _BEFORE_TIMES:
            return ""
        return self._said({each: int(match[each]) for each in "ms" if int(match[each])})

    def _read_long(self, match: Match) -> str:
        return self._parts(match) if word_before(match) in _HOW_LONG or self._is_left(match) else ""

    def _read_left(self, match: Match) -> str:
        return self._parts(match) if self._is_left(match) else ""

    def _is_left(self, match: Match) -> bool:
        return word_after(match).lower() in _LEFT or word_before(match) in _STILL

    def _parts(self, match: Match) -> str:
        return self._said({each: int(match[each]) for each in "hms" if int(match.groupdict().get(each) or 0)})

    def _said(self, given: dict[str, int]) -> str:
        units = self._language.units
        return " ".join(self._amounts.count(Amount(str(each)), units[_UNITS[name]]) for name, each in given.items())
