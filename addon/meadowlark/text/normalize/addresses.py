"""Rules for the numbers of machines: addresses in networks, and what is written in base sixteen."""

from __future__ import annotations

import ipaddress
from typing import Final

from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.rules import Match, Rule, rule

HEX_START: Final = (
    r"::?(?=[0-9a-fA-F])|[a-fA-F][0-9a-fA-F]{0,3}:(?=[0-9a-fA-F:])"
    r"|[a-fA-F][0-9a-fA-F](?=[:-][0-9a-fA-F]{2}[:-])"
)
"""How an address begins that does not begin with a digit."""
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LONGEST: Final = 39
"""Characters of an IPv6 address."""


class Addresses:
    """The rules of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts

    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        pair = "[0-9a-fA-F]{2}"
        mask = r"(?:/(?P<mask>[0-9]{1,3}))?"
        return (
            rule(rf"(?P<address>{_OCTET}(?:\.{_OCTET}){{3}})(?:/[0-9]{{1,2}}|:(?P<port>[0-9]{{1,5}}))?", self._read_ip),
            rule(rf"(?:{pair}(?::{pair}){{5}}|{pair}(?:-{pair}){{5}})", self._read_mac),
            rule(
                r"(?=[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:)"
                rf"(?P<address>[0-9a-fA-F:]{{2,{_LONGEST}}}(?:[0-9a-fA-F]|::)){mask}",
                self._read_ipv6,
            ),
            rule(r"0[xX](?P<digits>[0-9a-fA-F]{1,16})", self._read_hex),
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

    def _read_ipv6(self, match: Match) -> str:
        """Group by group; letters are capitals, which engines spell."""
        try:
            ipaddress.IPv6Address(match["address"])
        except ValueError:
            return ""
        colon = self._language.colon
        words = f" {colon} ".join(map(self._spelled, match["address"].split(":")))
        words = " ".join(words.split())
        return f"{words} slash {self._amounts.code(match['mask'])}" if match["mask"] else words

    def _read_mac(self, match: Match) -> str:
        return ", ".join(map(self._spelled, match[0].replace("-", ":").split(":")))

    def _read_hex(self, match: Match) -> str:
        return f"{self._amounts.digits('0')} X {self._spelled(match['digits'])}"

    def _spelled(self, group: str) -> str:
        return " ".join(self._amounts.digits(each) if each.isdecimal() else each.upper() for each in group)
