"""One pass over a sentence: where a number, sign or word begins that a rule knows, the first rule that can reads it.

What no rule can read stays as it is, up to the end of its token. A pass is repeated while it changes something: words
that a rule has put may be what its neighbour waited for ("Dr." before a capital letter).
"""

from __future__ import annotations

import re
from typing import Final

import regex

from meadowlark.text.edits import Edit, apply
from meadowlark.text.normalize.addresses import HEX_START, Addresses
from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.codes import Codes
from meadowlark.text.normalize.counting import Counting
from meadowlark.text.normalize.dates import Calendar
from meadowlark.text.normalize.durations import Durations
from meadowlark.text.normalize.entities import entity_edits
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.marks import Marks
from meadowlark.text.normalize.names import Names
from meadowlark.text.normalize.quantities import Quantities
from meadowlark.text.normalize.rules import GAP, Rule, alternatives
from meadowlark.text.normalize.sums import GLYPHS, Sums

_BEFORE: Final = r"(?<![\p{L}\p{N}\p{M}_]|[\p{L}\p{N}][.,:/@\\=?&%]|(?![lLdD])[\p{L}\p{N}]['’])"
"""No number begins inside a word, a longer number or an address; but behind "l'" and "d'"."""
_PHONE_START: Final = r"\([0-9]{2,3}\) ?[0-9]|\(0[0-9]"
# The standard library's: twice as fast here, where nearly everything is a word that no rule knows.
_PART_RE = re.compile(r"\w+|[^\w\s]")
_REST_RE = regex.compile(r"[\p{L}\p{N}\p{M}_.,:/@'’\\+=\-]*+")
_PASSES: Final = 4
"""Two change something in nearly all texts that are not made up."""
_NUMERIC: Final = frozenset("0123456789vV(+-−–'’:" + "".join(GLYPHS))
"""What a number, or a sign that belongs to it, may begin with in any language."""
_HEX: Final = frozenset("abcdefABCDEF")


class Engine:
    """Reads sentences of one language; of None: only what is the same in all."""

    def __init__(self, language: Language | None) -> None:
        amounts = Amounts(language) if language else None
        self._numbers: tuple[Rule, ...] = ()
        self._number_re = regex.compile(r"(?!)")
        self._names: dict[str, tuple[Rule, ...]] = {}
        """First word or sign, in lower case → the rules that begin so."""
        self._before_numbers: frozenset[str] = frozenset()
        self._marks = Marks(language, amounts) if language and amounts else None
        if language and amounts:
            for beginnings, rule in Names(language).openings():
                for first in {_first_part(each) for each in beginnings}:
                    self._names[first] = (*self._names.get(first, ()), rule)
            counting = Counting(language, amounts)
            self._numbers = (
                *Addresses(language, amounts).rules(),
                *Calendar(language).dates(),
                *Durations(language, amounts).rules(),
                *Calendar(language).times(),
                *Codes(language, amounts).rules(),
                *counting.marked(),
                *Quantities(language, amounts).rules(),
                *Sums(language, amounts).rules(),
                *counting.rules(),
            )
            self._number_re = _number_start(language)
            months = language.month_names if language.month_first else ()
            before = (*language.currencies, *language.signs, *months)
            self._before_numbers = frozenset(map(_first_part, before))

    def is_unknown(self, word: str) -> bool:
        """Whether no rule begins with this word."""
        first = word.lower()
        return first not in self._names and first not in self._before_numbers

    def steps(self, text: str) -> tuple[list[Edit], ...]:
        """What is read otherwise than it is written: edits of the text, edits of what came out, and so on."""
        steps: list[list[Edit]] = []
        for _ in range(_PASSES):
            known = len(steps)
            text = _step(text, entity_edits(text), steps)
            if self._marks is None:
                break
            for rewrite in self._marks.before:
                text = _step(text, rewrite(text), steps)
            text = self._passes(text, steps)
            text = _step(text, self._marks.after(text), steps)
            if len(steps) == known:
                break
        return tuple(steps)

    def _passes(self, text: str, steps: list[list[Edit]]) -> str:
        """The text behind passes that changed something."""
        for _ in range(_PASSES):
            if not (edits := self._edits(text)):
                break
            text = _step(text, edits, steps)
        return text

    def _edits(self, text: str) -> list[Edit]:
        edits: list[Edit] = []
        position = 0
        for part in _PART_RE.finditer(text):
            start = part.start()
            if start < position:
                continue
            word = part[0]
            first = word.lower()
            edit = _read(self._names.get(first, ()), text, start)
            if edit is None and (word[0] in _NUMERIC or first in self._before_numbers or self._is_hex(text, part)):
                edit, position = self._number(text, start)
            if edit:
                position = edit.end
                if text[edit.start : edit.end] != edit.words:
                    edits.append(edit)
        return edits

    def _is_hex(self, text: str, part: re.Match[str]) -> bool:
        """Whether an address with letters may begin here: "fe80::1"."""
        return part[0][0] in _HEX and part.end() - part.start() <= 4 and text[part.end() : part.end() + 1] in (":", "-")

    def _number(self, text: str, start: int) -> tuple[Edit | None, int]:
        """The first reading of a number that begins here, if one does, and where to go on."""
        if not self._number_re.match(text, start):
            return None, start
        edit = _read(self._numbers, text, start)
        rest = None if edit else _REST_RE.match(text, start)
        return edit, rest.end() if rest and text[start] not in "'’" else start


def _step(text: str, edits: list[Edit], steps: list[list[Edit]]) -> str:
    """The text with these edits, which are put behind `steps`."""
    if edits:
        steps.append(edits)
    return apply(text, edits)


def _read(rules: tuple[Rule, ...], text: str, start: int) -> Edit | None:
    """What the first rule makes of it that can read what begins here."""
    for rule in rules:
        if (match := rule.pattern.match(text, start)) and (words := rule.read(match)):
            return Edit(start, match.end(), words)
    return None


def _first_part(text: str) -> str:
    """The first word or sign, in lower case."""
    part = _PART_RE.search(text)
    return part[0].lower() if part else text.lower()


def _number_start(language: Language) -> regex.Pattern[str]:
    """Where a number may begin, with what may stand before its digits."""
    money = alternatives(language.currencies)
    signs = alternatives(language.signs)
    starts = [
        rf"[0-9{''.join(GLYPHS)}]",
        rf"[-−–](?=[0-9]|(?:{money}){GAP}[0-9])",
        r"\+(?=[0-9])",
        rf"(?:{money}){GAP}(?=[0-9])",
        rf"(?:{signs}){GAP}(?=[0-9])",
        r"[vV]\.?(?=[0-9])",
        r"['’](?=[0-9]{2}\p{L})",
        _PHONE_START,
        HEX_START,
    ]
    if language.month_first:
        starts.append(rf"(?i:{alternatives(language.month_names)})\.? (?=[0-9])")
    return regex.compile(_BEFORE + f"(?:{'|'.join(starts)})")
