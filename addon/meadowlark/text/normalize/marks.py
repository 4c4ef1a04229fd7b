"""What is written with signs inside words, and is read before or after the numbers: "S01E02", "x²", "Hauptstr."."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import regex

from meadowlark.text.edits import Edit
from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.rules import alternatives

_DIGIT_RE = regex.compile("[0-9]")
_WORD_RE = regex.compile(r"\p{L}+")
_EPISODE_RE = regex.compile(r"(?<![\p{L}\p{N}_])[sS]([0-9]{1,2}) ?[eE]([0-9]{1,3})(?![\p{L}\p{N}_])")
_LEFT_RE = regex.compile(
    r"(?<=[\p{L}\p{N})\]])(?<![²³])[²³](?![\p{L}\p{N}])|(?<=[\p{L}\p{N})\]²³] )[=+×÷](?= [\p{L}\p{N}(])"
)
_FEET_RE = regex.compile(r"(?<![\p{L}\p{N}])([0-9]{1,2})['’′] ?([0-9]{1,2})[\"”″](?![\p{L}\p{N}])")
_INCHES_RE = regex.compile(
    r"(?<!\S|['’′] )(?:([0-9]{2,3})[\"”](?=[ -]\p{L})"
    r"|([0-9]{0,2}\.[0-9]{1,2}|[0-9]{1,2}[-–][0-9]{1,2})[\"”](?=[\s.,;:)-]|$))"
)
_SIDES_RE = regex.compile(
    r"(?<![\p{L}\p{N}.,])([0-9]{1,3}(?:[.,][0-9]{1,2})?)([\"”'’″′]) ?[xX×] ?([0-9]{1,3}(?:[.,][0-9]{1,2})?)\2"
)
_BY_RE = regex.compile(r"(?<=[0-9][ \u00a0\u202f]?(?:mm|cm|m|km|ft|in|′|″)) ?[xX×] ?(?=[0-9])")
_OFFSET_RE = regex.compile(r"(?<=(?<!\p{L})(?:UTC|GMT)) ?([-+−])(?=[0-9]{1,2}(?![0-9]))")
_POWER_RE = regex.compile(r"(?<=[\p{L}\p{N})\]])\^(?=[-−]?[0-9])")
_EXPONENT_RE = regex.compile(r"(?<![\p{L}\p{N}.,])([0-9](?:[.,][0-9]{1,9})?)[eE]([+-]?)([0-9]{1,3})(?![\p{L}\p{N}.])")
_COUNT_RE = regex.compile(r"(?<=[\p{L}\p{N}%°] )[x×](?=[0-9]{1,3}(?![\p{L}\p{N}]|[.,x×][0-9]))")
_DECIMALS: Final = r"(?<![\p{L}\p{N}.,])[0-9]{1,9}(?:[ \u202f\u00a0][0-9]{3}){0,3}%s[0-9]{1,2}(?![0-9]|[.,][0-9])"
_LONGEST_CENTS: Final = 3
_GAP: Final = r"[ \u00a0\u202f]?"
_ALONE: Final = r"(?<![\p{N}.,])[1-9][0-9]{0,2}(?:%s[0-9]{3})+%s[0-9]{1,2}(?![0-9]|[.,][0-9])"
_MANY: Final = r"(?<![\p{L}\p{N}.,])[1-9][0-9]{0,2}(?:%s){2,4}(?![0-9]|[.,][0-9])"
_SPACED: Final = r"(?<![\p{L}\p{N}.,])[1-9][0-9]{0,2}[ \u00a0\u202f][0-9]{3}"
_COMMA_RE = regex.compile(r"(?<![\p{L}\p{N}.,])(?:[0-9]{2,9},[0-9]{1,2}|[0-9],[0-9]{2})(?![\p{L}\p{N}]|[.,][0-9])")
"""A decimal comma where that is none; "1,2" may be two numbers."""
_DEGREES: Final = r"(?<=[0-9])[ \u00a0\u202f]?(?:[°˚] ?|%s)(?P<scale>[CcFf])(?![\p{L}\p{N}])|(?<=[0-9] ?)[˚%s]"
_ORDINAL_SIGN: Final = "(?<=[-−][0-9]|[0-9][0-9]|[7-9]|[0-9] )º ?|º"
"""Where "º" marks ordinals, "1º C" is a class at school."""
_POINTS_RE = regex.compile(_ALONE % (r"\.", ","))
_COMMAS_RE = regex.compile(_ALONE % (",", r"\."))


class Marks:
    """Of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts
        foreign = "," if language.decimal == "." else r"\."
        units = alternatives(language.units)
        measures = alternatives((*language.units, *language.currencies))
        self._foreign = [_POINTS_RE if language.decimal == "." else _COMMAS_RE]
        if "." not in language.groups and language.decimal == ",":
            self._foreign.append(_POINTS_RE)
        # "1.234.567" may be a version where that is no way to group.
        self._foreign.append(regex.compile(_MANY % (r"\.000" if language.decimal == "." else ",[0-9]{3}")))
        if language.decimal == ".":
            self._foreign.append(_COMMA_RE)
        self._measured_re = regex.compile(_DECIMALS % foreign + rf"(?={_GAP}(?:{measures})(?![\p{{L}}\p{{N}}]))")
        if " " not in language.groups:  # else that is read anyway
            self._foreign.append(regex.compile(_SPACED + rf"(?={_GAP}(?:{measures})(?![\p{{L}}\p{{N}}]))"))
        self._paid_re = regex.compile(rf"(?<=(?:{alternatives(language.currencies)}){_GAP})" + _DECIMALS % foreign)
        self._pair_re = regex.compile(
            rf"(?<=[0-9](?:{_GAP}(?:°|{units}))) ?/ ?(?!100 ?km)"
            rf"(?=[-−]?[0-9]{{1,6}}(?:[.,][0-9]{{1,3}})?{_GAP}(?:°|{units})(?!\p{{L}}))"
            rf"|(?<=[0-9])/(?=[-−]?[0-9]{{1,3}}{_GAP}°)"
        )
        self._ending_re = regex.compile(rf"(?<=\p{{Ll}}{{3}})(?:{alternatives(language.endings)})(?=\s|$)")
        single = [point for point in language.compass if len(point) == 1]
        several = alternatives(language.compass.keys() - single)
        self._compass_re = regex.compile(
            rf"(?<![\p{{L}}\p{{N}}.-])(?:{several})(?![\p{{L}}\p{{N}}-])"
            rf"|(?<=[^\s0-9] |°|/)(?<!(?<!\p{{L}})\p{{Lu}} )(?:{alternatives(single)})(?![\p{{L}}\p{{N}}'’-])"
        )

        ordinals = "º" in language.ordinal_marks
        self._degrees_re = regex.compile(_DEGREES % ((_ORDINAL_SIGN, "") if ordinals else ("º ?", "º")))

        rewrites = (partial(_rewritten, regex.compile(each), written) for each, written in language.rewrites.items())
        self.before: tuple[Callable[[str], list[Edit]], ...] = (
            self._degrees,
            *rewrites,
            self._numbers,
            self._pairs,
            self._powers,
            self._lengths,
            self._points,
        )
        """What the rules for numbers would not see, or take for something else; one step after the other."""

    def _degrees(self, text: str) -> list[Edit]:
        """ "5ºC", "5 ° C", "5 °c": with the sign and the letter of the unit."""
        found = self._degrees_re.finditer(text)
        edits = [Edit(*each.span(), "°" + (each["scale"] or "").upper()) for each in found]
        return [each for each in edits if text[each.start : each.end] != each.words]

    def _numbers(self, text: str) -> list[Edit]:
        """Numbers as others write them."""
        if not _DIGIT_RE.search(text):
            return []
        patterns = (self._measured_re, self._paid_re, *self._foreign)
        found = (each for pattern in patterns for each in pattern.finditer(text))
        return _apart(Edit(*each.span(), self._own_way(each[0])) for each in found)

    def _pairs(self, text: str) -> list[Edit]:
        """Episodes, numbers with exponents, "14°/5°", "x2", "UTC+1", abbreviated ends of words."""
        edits = [Edit(*found.span(), self._language.endings[found[0]]) for found in self._ending_re.finditer(text)]
        if _DIGIT_RE.search(text):
            language = self._language
            edits += [Edit(*found.span(), self._episode(found)) for found in _EPISODE_RE.finditer(text)]
            edits += [Edit(*found.span(), ", ") for found in self._pair_re.finditer(text)]
            edits += [Edit(*found.span(), f"{language.operators['×']} ") for found in _COUNT_RE.finditer(text)]
            signs = ((found.span(), "+" if found[1] == "+" else "−") for found in _OFFSET_RE.finditer(text))
            edits += [Edit(*span, f" {language.operators[sign]} ") for span, sign in signs]
            real = filter(_is_real, _EXPONENT_RE.finditer(text))
            edits += [Edit(*found.span(), self._exponent(found)) for found in real]
        return _apart(edits)

    def _powers(self, text: str) -> list[Edit]:
        return [Edit(*found.span(), f" {self._language.powers['^']} ") for found in _POWER_RE.finditer(text)]

    def _lengths(self, text: str) -> list[Edit]:
        """Feet and inches, and lengths by lengths."""
        if not _DIGIT_RE.search(text):
            return []
        by = self._language.by
        edits = [Edit(*found.span(), f" {by} ") for found in _BY_RE.finditer(text)]
        if "′" in self._language.units:
            edits += [Edit(*found.span(), f"{found[1]}′ {found[2]}″") for found in _FEET_RE.finditer(text)]
        if "″" in self._language.units:
            for found in _SIDES_RE.finditer(text):
                sign = "″" if found[2] in '"”″' else "′"
                if sign in self._language.units:
                    edits.append(Edit(*found.span(), f"{found[1]}{sign} {by} {found[3]}{sign}"))
            edits += [
                Edit(*found.span(), f"{found[1] or found[2]}″")
                for found in _INCHES_RE.finditer(text)
                if _no_quote(found)
            ]
        return _apart(edits)

    def _points(self, text: str) -> list[Edit]:
        """Points of the compass, where wind or a place is spoken of."""
        if "°" not in text and self._language.winds.isdisjoint(_WORD_RE.findall(text.lower())):
            return []
        return [Edit(*each.span(), self._language.compass[each[0]]) for each in self._compass_re.finditer(text)]

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
        at = max(written.rfind(","), written.rfind("."))
        if at < 0 or len(written) - at > _LONGEST_CENTS:
            return regex.sub(r"[.,\s]", "", written)
        return regex.sub(r"[.,\s]", "", written[:at]) + self._language.decimal + written[at + 1 :]

    def _exponent(self, found: regex.Match[str]) -> str:
        """ "6.02e23": times ten to the power of twenty-three."""
        return f"{found[1]}×10^{found[2].strip('+')}{found[3]}"


def _rewritten(pattern: regex.Pattern[str], written: str, text: str) -> list[Edit]:
    return [Edit(*found.span(), found.expand(written)) for found in pattern.finditer(text)]


def _apart(edits: Iterable[Edit]) -> list[Edit]:
    """In order, those left out that overlap one before them."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept


def _is_real(found: regex.Match[str]) -> bool:
    """Not "1e6", which is also an identifier."""
    return len(found[1]) > 1 or found[2] != ""


def _no_quote(found: regex.Match[str]) -> bool:
    """Whether no quotation is open that this sign would close."""
    before = found.string[: found.start()]
    return sum(map(before.count, '"“„”')) % 2 == 0
