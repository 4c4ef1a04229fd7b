"""Rules for words that are not read as they are written: abbreviations, Roman numerals, units alone, entity ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import regex

from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.integers import roman
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.rules import GAP, Match, alternatives

_DOMAINS: Final = (
    "air_quality alarm_control_panel assist_satellite automation binary_sensor button calendar camera climate "
    "conversation counter cover date datetime device_tracker event fan geo_location group humidifier image "
    "input_boolean input_button input_datetime input_number input_select input_text lawn_mower light lock media_player "
    "notify number person plant proximity remote scene schedule script select sensor siren stt sun switch tag text "
    "time timer todo tts update vacuum valve wake_word water_heater weather zone"
)
DOMAINS: Final = frozenset(_DOMAINS.split())
"""Home Assistant's: what may stand before the full stop of an entity id."""
_SPOKEN_DOMAINS: Final = "|".join(sorted((domain.replace("_", "[_ ]") for domain in DOMAINS), key=len, reverse=True))

_NOT_A_SITE: Final = r"(?!(?:com|org|net|io|info|app|dev|eu|de|uk|co|us|fr|es|it|nl|pl|pt|cz|at|ch)(?![\p{L}\p{N}_]))"
_ENTITY: Final = (
    rf"(?<![\p{{L}}\p{{N}}\p{{M}}_.@/\\-])(?:(?:{_SPOKEN_DOMAINS})\.{_NOT_A_SITE}[a-z][a-z0-9]*+(?:_[a-z0-9]+)*+"
    r"|\p{L}[\p{L}\p{N}]*+(?:_[\p{L}\p{N}]+)++)(?![\p{L}\p{N}\p{M}_@/\\(]|[.]\p{L})"
)
"""An entity id, or a word with underscores in it."""
_NUMERAL: Final = r"(?P<numeral>[IVX]{1,7})"
_LEAD: Final = r"(?<![\p{L}\p{N}\p{M}_.@/\\])"
_END: Final = r"(?![\p{L}\p{N}\p{M}_]|[.@/\\]\p{L})"
_PIECE_RE = regex.compile(r"[0-9]+|[^0-9_. ]+")
_ALONE_UNITS = "°C °F kWh Wh MWh GWh kW MW W/m² km/h mph m³ m² cm² km² µg μg hPa mbar kPa ppm ppb dBm kHz MHz GHz % ‰"
_ALONE: Final = frozenset(_ALONE_UNITS.split())
"""Units that are nothing else where no number stands before them, as in "measured in kWh"."""


class Names:
    """The rules of one language; of none: what is the same in all of them."""

    def __init__(self, language: Language | None, amounts: Amounts | None) -> None:
        self._language = language
        self._amounts = amounts
        self._readers: dict[str, Callable[[Match], str]] = {"entity": self._entity}
        self.patterns = {"entity": _ENTITY}
        """Group → pattern, in the order in which they are tried."""
        if language is not None:
            self._add(language)

    def read(self, name: str, match: Match) -> str:
        """The words for what a pattern has found, "" to leave it."""
        return self._readers[name](match)

    def _add(self, language: Language) -> None:
        units = alternatives(_ALONE & language.units.keys())
        per = rf"(?:/(?P<per>{alternatives(language.per)}))?"
        regnal, numbered = alternatives(language.regnal), alternatives(language.numbered)
        for name, pattern, reader in (
            ("abbreviation", f"(?:{alternatives(language.abbreviations)}){_END}", self._abbreviation),
            ("title", rf"(?:{alternatives(language.titles)})(?= ?\p{{Lu}}){_END}", self._title),
            ("letters", f"(?:{alternatives(language.letters)}){_END}", self._letters),
            ("regnal", rf"(?:{regnal}) {_NUMERAL}(?P<stop>\.(?= \p{{Ll}}))?{_END}", self._regnal),
            ("numbered", rf"(?P<word>(?i:{numbered})) {_NUMERAL}{_END}", self._numbered),
            (
                "century",
                rf"{_NUMERAL}(?:\.? |[eè]m?e? |er |º |ª |° )(?P<age>{alternatives(language.centuries)}){_END}",
                self._century,
            ),
            ("alone", rf"(?P<unit>{units}){per}{_END}(?!{GAP}[0-9])", self._alone),
        ):
            self.patterns[name] = _LEAD + pattern
            self._readers[name] = reader

    def _entity(self, match: Match) -> str:
        words = _PIECE_RE.findall(match[0])
        if self._amounts:
            words = [self._amounts.code(word) or word if word.isdecimal() else word for word in words]
        elif any(word.isdecimal() for word in words):
            words = regex.split(r"[_. ]+", match[0])
        return " ".join(words)

    def _abbreviation(self, match: Match) -> str:
        """The full stop stays where the sentence ends with it."""
        assert self._language
        words = self._language.abbreviations[match["abbreviation"]]
        last = match["abbreviation"].endswith(".") and not match.string[match.end() :].strip("\"'”’»)")
        return f"{words}." if last else words

    def _title(self, match: Match) -> str:
        assert self._language
        return self._language.titles[match["title"]]

    def _letters(self, match: Match) -> str:
        assert self._language
        return self._language.letters[match["letters"]]

    def _regnal(self, match: Match) -> str:
        assert self._language
        number = roman(match["numeral"])
        name = match["regnal"].partition(" " + match["numeral"])[0]
        words = self._language.regnal_ordinal(number) if number else ""
        return words and f"{name} {words}"

    def _numbered(self, match: Match) -> str:
        assert self._language
        number = roman(match["numeral"])
        return f"{match['word']} {self._language.cardinal(number, '')}" if number else ""

    def _century(self, match: Match) -> str:
        assert self._language
        number = roman(match["numeral"])
        words = self._language.ordinal(number, self._language.centuries[match["age"]]) if number else ""
        return words and f"{words} {match['age']}"

    def _alone(self, match: Match) -> str:
        assert self._language
        language = self._language
        words = language.units[match["unit"]].form(language.plural(1_000_000, False))
        return words + (f" {language.per[match['per']]}" if match["per"] else "")
