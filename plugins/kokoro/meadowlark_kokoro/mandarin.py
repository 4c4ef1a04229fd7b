"""Mandarin → the symbols that Kokoro was trained on: IPA with arrows for tones (v1.0), Bopomofo with digits (v1.1-zh).

Words come from rjieba, their readings from pypinyin; both are imported when the first text is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .chinese_numbers import spoken
from .mixed_text import joined, taken_apart
from .symbols import pairs

_HAN = re.compile("[〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")

INITIALS = {"": ""} | pairs(
    "b=p p=pʰ m=m f=f d=t t=tʰ n=n l=l g=k k=kʰ h=x j=ʨ q=ʨʰ x=ɕ zh=ꭧ ch=ꭧʰ sh=ʂ r=ɻ z=ʦ c=ʦʰ s=s"
)
FINALS = pairs(
    """a=a o=wo e=ɤ i=i u=u v=y ê=ɛ er=ɚ ii=ɨ iii=ɨ ai=ai ei=ei ao=au ou=ou an=an en=ən ang=aŋ eng=əŋ ong=ʊŋ
    ia=ja io=jɔ ie=je iao=jau iou=jou ian=jɛn in=in iang=jaŋ ing=iŋ iong=jʊŋ
    ua=wa uo=wo uai=wai uei=wei uan=wan uen=wən uang=waŋ ueng=wəŋ ve=ɥe van=ɥɛn vn=yn m=m n=n ng=ŋ hm=hm hng=hŋ"""
)
"""ii stands behind z, c and s, iii behind zh, ch, sh and r; v is ü."""

TONES = ("", "→", "↗", "↓", "↘", "")
"""By number; 5 is the neutral tone."""

BOPOMOFO_INITIALS = {"": ""} | pairs(
    "b=ㄅ p=ㄆ m=ㄇ f=ㄈ d=ㄉ t=ㄊ n=ㄋ l=ㄌ g=ㄍ k=ㄎ h=ㄏ j=ㄐ q=ㄑ x=ㄒ zh=ㄓ ch=ㄔ sh=ㄕ r=ㄖ z=ㄗ c=ㄘ s=ㄙ"
)
BOPOMOFO_FINALS = pairs(
    """a=ㄚ o=ㄛ e=ㄜ i=ㄧ u=ㄨ v=ㄩ ê=ㄝ er=ㄦ ii=ㄭ iii=十 ai=ㄞ ei=ㄟ ao=ㄠ ou=ㄡ an=ㄢ en=ㄣ ang=ㄤ eng=ㄥ ong=中
    ia=压 io=又 ie=ㄝ iao=要 iou=又 ian=言 in=阴 iang=阳 ing=应 iong=用
    ua=穵 uo=我 uai=外 uei=为 uan=万 uen=文 uang=王 ueng=瓮 ve=月 van=元 vn=云 m=ㄇ n=ㄋ ng=ㄥ"""
)
"""One symbol for each final; where Bopomofo has none, its makers took a character that sounds like it."""

_RETROFLEX, _DENTAL = frozenset({"zh", "ch", "sh", "r"}), frozenset({"z", "c", "s"})
_FULL_ER = frozenset(
    {"女儿", "婴儿", "孤儿", "幼儿", "少儿", "小儿", "胎儿", "男儿", "健儿", "孩儿", "混血儿", "新生儿", "早产儿"}
)
"""Words in which 儿 is a syllable of its own, not a coloured end."""


@dataclass(frozen=True, slots=True)
class Syllable:
    """One character's reading."""

    character: str
    initial: str
    final: str
    tone: int
    coloured: bool = False
    """Whether 儿 has melted into its end."""


Word = tuple[Syllable, ...]


class Mandarin:
    """Reads Mandarin."""

    def __init__(self, *, bopomofo: bool = False) -> None:
        """bopomofo: for v1.1-zh, which takes tones as they are said in a sentence; v1.0 takes a dictionary's."""
        import rjieba
        from pypinyin import Style, lazy_pinyin

        self._cut: Callable[[str], list[str]] = rjieba.cut
        self._pinyin, self._style = lazy_pinyin, Style
        self._bopomofo = bopomofo

    def clauses(self, text: str, english: Callable[[str], str], unknown: Callable[[str], None]) -> Iterator[str]:
        """See Reader."""
        yield from joined(taken_apart(spoken(text)), lambda own: self._read(own, unknown), english)

    def words(self, text: str) -> list[Word]:
        """The words of a text without punctuation, with their tones in a sentence where the model wants those."""
        words = [tuple(self._syllables(word)) for word in self._cut(text)]
        return changed([melted(word) for word in words]) if self._bopomofo else words

    def _read(self, own: str, unknown: Callable[[str], None]) -> str:
        for character in _HAN.sub("", own):
            if not character.isspace():
                unknown(character)
        known = " ".join(_HAN.findall(own))
        words = [word for run in known.split() for word in self.words(run)]
        for syllable in (each for word in words for each in word if not each.final):
            unknown(syllable.character)
        write, between = (in_bopomofo, "/") if self._bopomofo else (in_ipa, " ")
        return between.join(filter(None, ("".join(map(write, word)) for word in words)))

    def _syllables(self, word: str) -> Iterator[Syllable]:
        initials, finals, plain = (
            self._pinyin(word, style, errors=_silent, strict=True, neutral_tone_with_five=True)
            for style in (self._style.INITIALS, self._style.FINALS_TONE3, self._style.TONE3)
        )
        for character, initial, toned, whole in zip(word, initials, finals, plain, strict=True):
            toned = toned or whole  # m, n and ng, which are words without a vowel, have no final
            final, tone = (toned[:-1], int(toned[-1])) if toned[-1:].isdigit() else (toned, 5)
            if whole[:2] == "yo" and final == "o":
                final = "io"
            if final == "i" and initial in _RETROFLEX | _DENTAL:
                final = "iii" if initial in _RETROFLEX else "ii"
            yield Syllable(character, initial, final if final in FINALS else "", tone)


def _silent(characters: str) -> Any:  # pypinyin's annotations know no lists
    """For characters without a reading."""
    return [""] * len(characters)


def in_ipa(syllable: Syllable) -> str:
    """The tone stands behind the vowels: "lja↘ŋ"."""
    if not syllable.final:
        return ""
    sound, tone = FINALS[syllable.final], TONES[syllable.tone]
    ending = sound[-1] if len(sound) > 1 and sound[-1] in "nŋ" else ""
    return INITIALS[syllable.initial] + sound.removesuffix(ending) + tone + ending


def in_bopomofo(syllable: Syllable) -> str:
    """Initial, final, R for an end that 儿 colours, tone: "ㄏ穵1"."""
    if syllable.final not in BOPOMOFO_FINALS:
        return ""
    sound = BOPOMOFO_INITIALS[syllable.initial] + BOPOMOFO_FINALS[syllable.final]
    return f"{sound}{'R' * syllable.coloured}{syllable.tone}"


def melted(word: Word) -> Word:
    """花儿 is one syllable, 女儿 two."""
    if len(word) < 2 or word[-1].character != "儿" or "".join(each.character for each in word) in _FULL_ER:
        return word
    return (*word[:-2], replace(word[-2], coloured=True))


def changed(words: Sequence[Word]) -> list[Word]:
    """Tones as they are said in a sentence: 不 and 一 by what follows, the first of two third tones as a second one."""
    syllables = [each for word in words for each in word]
    after = [*syllables[1:], None]
    last = {index for index, _ in _ends(words)}
    said = [_in_front(each, *around) for each, around in zip(syllables, _around(syllables, after), strict=True)]
    for index in range(len(said) - 2, -1, -1):  # 我很好: 很 changes by 好, and then 我 has no third tone behind it
        alone = (
            index in last and index - 1 not in last and index > 0
        )  # the end of a longer word: a small pause behind it
        if said[index].tone == said[index + 1].tone == 3 and not alone:
            said[index] = replace(said[index], tone=2)
    rest = iter(said)
    return [tuple(next(rest) for _ in word) for word in words]


def _ends(words: Sequence[Word]) -> Iterator[tuple[int, Word]]:
    """Where each word's last syllable stands among all."""
    at = -1
    for word in words:
        at += len(word)
        yield at, word


def _around(
    syllables: Sequence[Syllable], after: Sequence[Syllable | None]
) -> Iterator[tuple[Syllable | None, Syllable | None]]:
    return zip([None, *syllables[:-1]], after, strict=True)


_DIGITS = frozenset("〇零一二三四五六七八九十百千万亿点第初")


def _in_front(syllable: Syllable, before: Syllable | None, after: Syllable | None) -> Syllable:
    """不 and 一 as the tone behind them has it; 一 in a number or an ordinal keeps its own."""
    if syllable.character == "不" and after is not None and after.tone == 4:
        return replace(syllable, tone=2)
    if syllable.character != "一" or after is None or (before is not None and before.character in _DIGITS):
        return syllable
    if after.character in _DIGITS - frozenset("百千万亿"):
        return syllable
    return replace(syllable, tone=2 if after.tone == 4 else 4)
