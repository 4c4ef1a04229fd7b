"""Rules for fractions and for numbers with signs between them."""

from __future__ import annotations

from meadowlark.text.normalize.amounts import Amounts
from meadowlark.text.normalize.dates import PARTS
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.rules import GAP, SIGN, Match, Rule, alternatives, rule, word_after, word_before

GLYPHS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8"}
_OPERATORS = {"x": "×", "X": "×", "*": "×", "·": "×", "-": "−", "–": "−", "/": "÷", ":": "÷"}
_BETWEEN_LENGTHS = frozenset("xX×")
_LENGTHS = frozenset(("mm", "cm", "m", "km", "ft", "yd", "″", "′", "px"))
_CERTAIN = frozenset("=+×÷≈<>≤≥xX*·")
"""Between numbers these mean a sum; "5 - 3" and "5 / 3" may not."""


class Sums:
    """The rules of one language."""

    def __init__(self, language: Language, amounts: Amounts) -> None:
        self._language = language
        self._amounts = amounts

    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        language = self._language
        written = alternatives(language.fractions)
        unit = rf"(?:{GAP}(?P<unit>{alternatives(language.units)})(?:\.(?= \p{{Ll}}))?)?"
        glyph = f"[{''.join(GLYPHS)}]"
        term = rf"(?:[-−](?=[0-9]))?(?:{self._amounts.number})"
        operator = r"[+×÷=*·]|/(?=[0-9]{1,9} ?=)| ?[+−–×xX*·÷=/:-] |(?<=[0-9])[xX](?=[0-9])| ?[=≈<>≤≥] ?"
        return (
            rule(
                rf"{SIGN}(?P<whole>[0-9]{{1,6}})(?: (?P<fraction>{written})|{GAP}(?P<glyph>{glyph})){unit}",
                self._read_mixed,
            ),
            rule(rf"(?:(?P<fraction>{written})|(?P<glyph>{glyph})){unit}", self._read_fraction),
            rule(
                r"(?P<first>[0-9]{1,3}(?:[.,][0-9])?)(?P<slash> / |/)(?P<second>[0-9]{1,3})(?!/| ?=)" + unit,
                self._read_out_of,
            ),
            rule(rf"(?P<first>{term})(?:(?P<operator>{operator})(?P<next>{term})){{1,12}}{unit}", self._read_sum),
            rule(r"(?P<number>[0-9]{1,3})[x×]", self._read_times),
            rule(r"(?P<number>[0-9]{1,4})(?: : |:)(?P<second>[0-9]{1,4})", self._read_ratio),
        )

    def _read_mixed(self, match: Match) -> str:
        language = self._language
        template = language.mixed.get(match["fraction"] or GLYPHS[match["glyph"]])
        if template is None:
            return ""
        amount = self._amounts.parse(match["whole"], match["sign"] or "")
        unit = language.units[match["unit"]] if match["unit"] else None
        words = template.format(n=self._amounts.read(amount, unit.gender if unit else language.mixed_gender))
        return f"{words} {unit.form(language.plural(int(amount.whole), True))}" if unit else words

    def _read_fraction(self, match: Match) -> str:
        language = self._language
        written = match["fraction"] or GLYPHS[match["glyph"]]
        before = word_before(match)
        # "Half of 1/4 cup"
        is_part = before in PARTS and not (before == "of" and (match["unit"] or word_after(match)))
        words = "" if is_part else language.fractions.get(written, "")
        if written == "1/2" and (half := self._half(match)):
            words = half
        return (
            f"{words} {language.units[match['unit']].form(language.fraction_plural)}"
            if words and match["unit"]
            else words
        )

    def _half(self, match: Match) -> str:
        """ "Half a", as the thing wants it that follows; "" where it is not known."""
        language = self._language
        if match["unit"]:
            gender = language.units[match["unit"]].gender
        elif (after := word_after(match)) and ("" in language.halves or after.lower() in language.counted):
            gender = language.counted.get(after.lower(), "")
        else:
            return ""
        return language.halves.get(gender) or language.halves.get("", "")

    def _read_out_of(self, match: Match) -> str:
        """ "8/10", "120/80", "100 / 4"."""
        language, amounts = self._language, self._amounts
        first, second = amounts.parse(match["first"]), amounts.parse(match["second"])
        between = language.out_of if first.value <= second.value else language.over
        if between == language.over and match["slash"] != "/":
            between = language.operators["÷"]
        words = f"{amounts.read(first)} {between} "
        return words + (amounts.count(second, language.units[match["unit"]]) if match["unit"] else amounts.read(second))

    def _read_sum(self, match: Match) -> str:
        written = [operator.strip() for operator in match.captures("operator")]
        operators = [self._language.operators.get(_OPERATORS.get(each, each), "") for each in written]
        if _BETWEEN_LENGTHS.issuperset(written) and self._are_lengths(match):
            operators = [self._language.by] * len(written)
        terms = [self._read_term(term) for term in (match["first"], *match.captures("next"))]
        if _CERTAIN.isdisjoint(written) or not all(operators) or not all(terms):
            return ""
        if match["unit"]:
            terms[-1] = self._amounts.count(self._amounts.parse(match["next"]), self._language.units[match["unit"]])
        return " ".join([terms[0], *(f"{sign} {term}" for sign, term in zip(operators, terms[1:], strict=True))])

    def _are_lengths(self, match: Match) -> bool:
        """Whether it is an area or a room: "3 x 4 m", "2x4", "1920 x 1080"."""
        if match["unit"]:
            return match["unit"] in _LENGTHS
        if "×" in match[0]:
            return False
        return " " not in match[0] or all(len(term) > 2 for term in (match["first"], *match.captures("next")))

    def _read_term(self, written: str) -> str:
        sign = written[0] if written[0] in "-−" else ""
        return self._amounts.read(self._amounts.parse(written[len(sign) :], sign))

    def _read_times(self, match: Match) -> str:
        number, (one, *more) = int(match["number"]), self._language.times_suffix.split("|")
        suffix = more[-1] if more and number != 1 else one
        return suffix and f"{self._language.cardinal(number, '×')} {suffix}"

    def _read_ratio(self, match: Match) -> str:
        to = self._language.operators.get(":")
        return f"{self._amounts.code(match['number'])} {to} {self._amounts.code(match['second'])}" if to else ""
