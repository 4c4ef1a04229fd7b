"""What is written with signs inside words, and is read before or after the numbers: "S01E02", "x²", "Hauptstr."."""

from __future__ import annotations

from typing import Final

import regex

from meadowlark.text.edits import Edit
from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.rules import alternatives

_EPISODE_RE = regex.compile(r"(?<![\p{L}\p{N}_])[sS]([0-9]{1,2}) ?[eE]([0-9]{1,3})(?![\p{L}\p{N}_])")
_LEFT_RE = regex.compile(
    r"(?<=[\p{L}\p{N})\]])(?<![²³])[²³](?![\p{L}\p{N}])|(?<=[\p{L}\p{N})\]²³] )[=+](?= [\p{L}\p{N}(])"
)
_FEET_RE = regex.compile(r"(?<![\p{L}\p{N}])([0-9]{1,2})['’′] ?([0-9]{1,2})[\"”″](?![\p{L}\p{N}])")
_INCHES_RE = regex.compile(r"(?<!\S|['’′] )([0-9]{2,3})[\"”](?=[ -]\p{L})")
_ALONE: Final = r"(?<![\p{N}.,])[1-9][0-9]{0,2}(?:%s[0-9]{3})+%s[0-9]{1,2}(?![0-9]|[.,][0-9])"
_POINTS_RE = regex.compile(_ALONE % (r"\.", ","))
_COMMAS_RE = regex.compile(_ALONE % (",", r"\."))


class Marks:
    """Of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts
        self._foreign_re = _POINTS_RE if language.decimal == "." else _COMMAS_RE
        self._ending_re = regex.compile(rf"(?<=\p{{Ll}}{{3}})(?:{alternatives(language.endings)})(?=\s|$)")

    def before(self, text: str) -> list[Edit]:
        """What the rules for numbers would not see, or take for something else."""
        edits = [Edit(*found.span(), self._episode(found)) for found in _EPISODE_RE.finditer(text)]
        edits += [Edit(*found.span(), self._own_way(found[0])) for found in self._foreign_re.finditer(text)]
        edits += [Edit(*found.span(), self._language.endings[found[0]]) for found in self._ending_re.finditer(text)]
        if "′" in self._language.units:
            edits += [Edit(*found.span(), f"{found[1]}′ {found[2]}″") for found in _FEET_RE.finditer(text)]
        if "″" in self._language.units:
            edits += [Edit(*found.span(), f"{found[1]}″") for found in _INCHES_RE.finditer(text) if _no_quote(found)]
        return sorted(edits, key=lambda edit: edit.start)

    def after(self, text: str) -> list[Edit]:
        """Powers that no unit has taken, and signs between what are no numbers."""
        signs = {**self._language.powers, **self._language.operators}
        found = (each for each in _LEFT_RE.finditer(text) if each[0] in signs)
        return [Edit(*each.span(), " " * (each[0] in "²³") + signs[each[0]]) for each in found]

    def _episode(self, found: regex.Match[str]) -> str:
        season, episode = (self._language.cardinal(int(each), "") for each in found.groups())
        return self._language.episode.format(season=season, episode=episode)

    def _own_way(self, written: str) -> str:
        """A number in another language's notation, "1.299,99" in English: so written that it is sure what it is."""
        return regex.sub("[.,]", "", written[:-3]) + regex.sub("[.,]", self._language.decimal, written[-3:])


def _no_quote(found: regex.Match[str]) -> bool:
    """Whether no quotation is open that this sign would close."""
    before = found.string[: found.start()]
    return sum(map(before.count, '"“„”')) % 2 == 0
