"""Rules for numbers that are names: telephone numbers, network addresses, versions."""

from __future__ import annotations

import regex

from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.rules import Match, Rule, rule, word_before

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PHONES = (
    r"\+[1-9][0-9]{0,2}[ ./-]?(?:\([0-9]{1,5}\)[ ./-]?)?[0-9]{1,12}(?:[ ./-][0-9]{1,10}){0,6}",
    r"(?:1[ -])?\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}",
    r"(?:1-)?[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}",
    r"[2-9][0-9]{2}-[0-9]{4}",
    r"\(0[0-9]{1,5}\) ?[0-9]{3,10}(?:[ -][0-9]{2,8}){0,4}",
    r"0[0-9]{1,5}[ /-]{1,3}[0-9]{2,10}(?:[ -][0-9]{1,8}){0,5}",
)
_STAGE = r"(?:[-.]?(?P<stage>alpha|beta|rc|dev|a|b)[-.]?(?P<build>[0-9]{1,4})?)?"
_STAGES = {"a": "alpha", "b": "beta", "rc": "R C"}
_GROUP_RE = regex.compile(r"[0-9]+")
_LEAST_DIGITS = 7


class Codes:
    """The rules of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts

    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        return (
            rule(rf"(?P<address>{_OCTET}(?:\.{_OCTET}){{3}})(?:/[0-9]{{1,2}}|:(?P<port>[0-9]{{1,5}}))?", self._read_ip),
            rule(rf"(?P<v>[vV]\.? ?)(?P<number>[0-9]{{1,8}}(?:\.[0-9]{{1,8}}){{0,6}}){_STAGE}", self._read_version),
            rule(rf"(?P<number>[0-9]{{1,8}}(?:\.[0-9]{{1,8}}){{2,6}}){_STAGE}", self._read_version),
            rule(
                rf"(?P<number>[0-9]{{1,8}}\.[0-9]{{1,8}})(?=[-.]?(?:alpha|beta|rc|dev|[ab][0-9])){_STAGE}",
                self._read_version,
            ),
            rule(r"(?P<number>20[1-4][0-9]\.(?:[1-9]|1[0-2]))", self._read_version),
            *(rule(pattern, self._read_phone) for pattern in _PHONES),
            rule(r"[0-9]{2,4}(?: [0-9]{2,4}){2,4}", self._read_called),
        )

    def _read_ip(self, match: Match) -> str:
        amounts, dot = self._amounts, self._language.dot
        octets = match["address"].split(".")
        # "one six eight": three digits are clearer one by one, and that is how they are dictated.
        words = f" {dot} ".join(amounts.digits(each) if len(each) == 3 else amounts.code(each) for each in octets)
        mask = match[0].partition("/")[2]
        if mask:
            words += f" slash {amounts.code(mask)}"
        return f"{words} {self._language.port} {amounts.digits(match['port'])}" if match["port"] else words

    def _read_version(self, match: Match) -> str:
        language = self._language
        if match["number"].count(".") and self._groups(match["number"]):
            return ""
        parts = [self._part(each) for each in match["number"].split(".")]
        words = f" {language.dot} ".join(parts)
        if stage := match.groupdict().get("stage"):
            words += f" {_STAGES.get(stage, stage)}"
            words += f" {self._amounts.code(match['build'])}" if match["build"] else ""
        return f"{language.version} {words}" if match.groupdict().get("v") else words

    def _groups(self, written: str) -> bool:
        """Whether it is rather a whole number with full stops between its thousands."""
        return "." in self._language.groups and regex.fullmatch(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+", written) is not None

    def _part(self, digits: str) -> str:
        if len(digits) == 4 and digits.startswith("20"):
            return self._language.year(int(digits))  # "2026.11"
        return self._amounts.code(digits)

    def _read_called(self, match: Match) -> str:
        """Groups of digits behind "call" or "phone"."""
        called = self._language.spelled_after.intersection(word_before(match, 2).split())
        return self._read_phone(match) if called else ""

    def _read_phone(self, match: Match) -> str:
        groups = _GROUP_RE.findall(match[0])
        if not _LEAST_DIGITS <= sum(map(len, groups)) <= 17:
            return ""
        words = ", ".join(map(self._phone_group, groups))
        return f"{self._language.operators['+']} {words}" if match[0][0] == "+" else words

    def _phone_group(self, digits: str) -> str:
        if self._language.phone_pairs and len(digits) == 2:
            return self._amounts.code(digits)
        return self._amounts.digits(digits)
