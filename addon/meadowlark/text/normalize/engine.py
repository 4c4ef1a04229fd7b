"""One pass over a sentence: where a number, sign or word begins that a rule knows, the first rule that can reads it.

What a rule has read is not looked at again, and what none can read stays as it is, up to the end of its token.
"""

from __future__ import annotations

from typing import Final

import regex

from meadowlark.text.edits import Edit
from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.codes import Codes
from meadowlark.text.normalize.counting import Counting
from meadowlark.text.normalize.dates import Calendar
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.names import Names
from meadowlark.text.normalize.quantities import Quantities
from meadowlark.text.normalize.rules import GAP, Rule, alternatives
from meadowlark.text.normalize.sums import GLYPHS, Sums

_BEFORE: Final = r"(?<![\p{L}\p{N}\p{M}_]|[\p{L}\p{N}][.,:/@\\=?&%'’])"
"""No number begins inside a word, a longer number or an address."""
_TOKEN_RE = regex.compile(r"[\p{L}\p{N}\p{M}_.,:/@'’\\+=\-]*+")
_PHONE_START: Final = r"\([0-9]{3}\) ?[0-9]|\(0[0-9]"


class Engine:
    """Reads sentences of one language; of None: only what is the same in all."""

    def __init__(self, language: Language | None) -> None:
        amounts = Amounts(language) if language else None
        self._names = Names(language, amounts)
        self._rules: tuple[Rule, ...] = ()
        patterns = dict(self._names.patterns)
        if language and amounts:
            counting = Counting(language, amounts)
            self._rules = (
                *Calendar(language).rules(),
                *Codes(language, amounts).rules(),
                *counting.marked(),
                *Quantities(language, amounts).rules(),
                *Sums(language, amounts).rules(),
                *counting.rules(),
            )
            patterns["number"] = _number_start(language)
        self._groups = tuple(patterns)
        self._scan_re = regex.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items()))

    def edits(self, text: str) -> list[Edit]:
        """What is read otherwise than it is written, in order."""
        edits: list[Edit] = []
        position = 0
        while found := self._scan_re.search(text, position):
            group = next(name for name in self._groups if found[name] is not None)
            if group == "number":
                edit, position = self._number(text, found.start())
            else:
                words = self._names.read(group, found)
                edit = Edit(found.start(), found.end(), words) if words else None
                position = found.end() if words else found.start() + 1
            if edit and text[edit.start : edit.end] != edit.words:
                edits.append(edit)
        return edits

    def _number(self, text: str, start: int) -> tuple[Edit | None, int]:
        """The first reading of what begins here, and where to go on."""
        for rule in self._rules:
            if (match := rule.pattern.match(text, start)) and (words := rule.read(match)):
                return Edit(start, match.end(), words), match.end()
        if not text[start].isdecimal():
            return None, start + 1
        token = _TOKEN_RE.match(text, start)
        return None, max(token.end() if token else 0, start + 1)


def _number_start(language: Language) -> str:
    """Where a number may begin, with what may stand before its digits."""
    money = alternatives(language.currencies)
    signs = alternatives(language.signs)
    starts = [
        rf"[0-9{''.join(GLYPHS)}]",
        rf"[-−–](?=[0-9]|(?:{money}){GAP}[0-9])",
        r"\+(?=[0-9])",
        rf"(?:{money}){GAP}(?=[0-9])",
        rf"(?:{signs}){GAP}(?=[0-9])",
        r"[vV]\.? ?(?=[0-9])",
        r"['’](?=[0-9]{2}\p{L})",
        _PHONE_START,
    ]
    if language.month_first:
        starts.append(rf"(?i:{alternatives(language.month_names)})\.? (?=[0-9])")
    return _BEFORE + f"(?:{'|'.join(starts)})"
