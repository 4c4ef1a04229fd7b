"""Rules for numbers that are names: telephone numbers, postcodes, versions."""

from __future__ import annotations

import regex

from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.language import Language, words
from meadowlark.text.normalize.rules import Match, Rule, rule, word_after, word_before

_PHONES = (
    r"\+[1-9][0-9]{0,2}[ ./-]?(?:\([0-9]{1,5}\)[ ./-]?)?[0-9]{1,12}(?:[ ./-][0-9]{1,10}){0,6}",
    r"(?:1[ -])?\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}",
    r"(?:1-)?[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}",
    r"(?:\([0-9]{2}\)|[1-9][0-9]) [0-9]{4,5}-[0-9]{4}",
    r"(?:1 )?[2-9][0-9]{2}([ .])[0-9]{3}\1[0-9]{4}",
    r"[2-9][0-9]{2}-[0-9]{4}",
    r"0 [1-9][0-9]{2}(?: [0-9]{2,3}){2,3}",
    r"\(0[0-9]{1,5}\) ?[0-9]{3,10}(?:[ -][0-9]{2,8}){0,4}",
    r"0[0-9]{1,5}[ /-]{1,3}[0-9]{2,10}(?:[ -][0-9]{1,8}){0,5}",
)
_STAGE = r"(?:[-.]?(?P<stage>alpha|beta|rc|dev|a|b)[-.]?(?P<build>[0-9]{1,4})?)?"
_STAGES = {"a": "alpha", "b": "beta", "rc": "R C"}
_GROUP_RE = regex.compile(r"[0-9]+")
_LEAST_DIGITS = 7
_SERIAL_DIGITS = 9
_VERSIONED = words(
    "version versión versione versie wersja verze versão firmware zigbee bluetooth hdmi usb python android ios ipados "
    "os macos wi-fi wifi matter kernel linux debian ubuntu esphome mqtt java node php windows html modbus release "
    "update raum zimmer büro saal kapitel abschnitt chapitre section salle capítulo sección capitolo sezione sala "
    "hoofdstuk paragraaf zaal lokaal rozdział pokój kapitola místnost seção secção"
)
"""Behind these a number with a full stop is one of a version, in languages with a decimal comma."""

_MEASURES = words(
    "grad prozent degré degrés grado grados gradi graden stopień stopnia stopni stopnie stupeň stupně stupňů grau "
    "graus procent procenta por per pour watt lux"
)
"""But before these it is what a sensor says: "Zimmer 21.5 Grad"."""


class Codes:
    """The rules of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts

    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        return (
            rule(rf"(?P<v>[vV]\.?)(?P<number>[0-9]{{1,8}}(?:\.[0-9]{{1,8}}){{0,6}}){_STAGE}", self._read_version),
            rule(rf"(?P<number>[0-9]{{1,8}}(?:\.[0-9]{{1,8}}){{2,6}}){_STAGE}", self._read_version),
            rule(
                rf"(?P<number>[0-9]{{1,8}}\.[0-9]{{1,8}})(?=[-.]?(?:alpha|beta|rc|dev|[ab][0-9])){_STAGE}",
                self._read_version,
            ),
            rule(r"(?P<number>20[1-4][0-9]\.(?:[1-9]|1[0-2]))", self._read_version),
            rule(rf"(?:{self._language.postcodes or '(?!)'})", self._read_postcode),
            *(rule(pattern, self._read_phone) for pattern in _PHONES),
            rule(r"[0-9]{2,4}(?: [0-9]{2,4}){2,4}", self._read_called),
            rule(r"[0-9]{2,9}(?:-[0-9]{2,9}){2,5}", self._read_serial),
            rule(r"(?<=[\p{L}]-)[0-9]{5,15}", self._read_serial),
            rule(r"[0-9]{1,3}\.[0-9]{1,3}", self._read_release),
        )

    def _read_version(self, match: Match) -> str:
        language = self._language
        if match["number"].count(".") and self._groups(match["number"]):
            return ""
        parts = [self._part(each) for each in match["number"].split(".")]
        said = f" {language.dot} ".join(parts)
        if stage := match.groupdict().get("stage"):
            said += f" {_STAGES.get(stage, stage)}"
            said += f" {self._amounts.code(match['build'])}" if match["build"] else ""
        named = match.groupdict().get("v") and word_before(match) != language.version
        return f"{language.version} {said}" if named else said

    def _groups(self, written: str) -> bool:
        """Whether it is rather a whole number with full stops between its thousands."""
        return "." in self._language.groups and regex.fullmatch(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+", written) is not None

    def _part(self, digits: str) -> str:
        if len(digits) == 4 and digits.startswith("20"):
            return self._language.year(int(digits))  # "2026.11"
        return self._amounts.code(digits)

    def _read_release(self, match: Match) -> str:
        """A full stop behind the name of what has versions is no decimal mark: "Zigbee 3.0", where that is a comma."""
        versioned = self._language.decimal == "," and word_before(match) in _VERSIONED
        versioned = versioned and word_after(match).lower() not in _MEASURES
        return f" {self._language.dot} ".join(map(self._part, match[0].split("."))) if versioned else ""

    def _read_postcode(self, match: Match) -> str:
        if not (first := self._language.postcode_digits):
            return ", ".join(map(self._amounts.digits, _GROUP_RE.findall(match[0])))
        digits = "".join(_GROUP_RE.findall(match[0]))
        return f"{self._postcode_part(digits[:first])}, {self._postcode_part(digits[first:])}"

    def _postcode_part(self, digits: str) -> str:
        """ "Zéro zéro un", "cero trece"."""
        rest = digits.lstrip("0")
        zeros = self._amounts.digits("0" * (len(digits) - len(rest)))
        return f"{zeros} {self._amounts.code(rest) if rest else ''}".strip()

    def _read_serial(self, match: Match) -> str:
        """Groups that no date or telephone number has, read digit by digit."""
        groups = _GROUP_RE.findall(match[0])
        enough = len(groups) == 1 or sum(map(len, groups)) >= _SERIAL_DIGITS
        return ", ".join(map(self._amounts.digits, groups)) if enough else ""

    def _read_called(self, match: Match) -> str:
        """Groups of digits behind "call" or "phone"."""
        called = self._language.spelled_after.intersection(word_before(match, 4).split())
        return self._read_phone(match) if called else ""

    def _read_phone(self, match: Match) -> str:
        groups = _GROUP_RE.findall(match[0])
        if not _LEAST_DIGITS <= sum(map(len, groups)) <= 17:
            return ""
        said = ", ".join(map(self._phone_group, groups))
        return f"{self._language.operators['+']} {said}" if match[0][0] == "+" else said

    def _phone_group(self, digits: str) -> str:
        if self._language.phone_pairs and len(digits) == 2:
            return self._amounts.code(digits)
        return self._amounts.digits(digits)
