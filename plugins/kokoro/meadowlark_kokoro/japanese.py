"""Japanese → the symbols that Kokoro was trained on: words as they are said, in IPA with one letter for an affricate.

The words and how they are said come from Open JTalk's dictionary (pyopenjtalk-plus), imported with the first text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from .mixed_text import joined, taken_apart
from .symbols import pairs

_ROWS = {
    "アイウエオ": "a i ɯ e o",
    "カキクケコ": "ka kʲi kɯ ke ko",
    "ガギグゲゴ": "ɡa ɡʲi ɡɯ ɡe ɡo",
    "サシスセソ": "sa ɕi sɨ se so",
    "ザジズゼゾ": "ʣa ʥi zɨ ʣe ʣo",
    "タチツテト": "ta ʨi ʦɨ te to",
    "ダヂヅデド": "da ʥi zɨ de do",
    "ナニヌネノ": "na ɲi nɯ ne no",
    "ハヒフヘホ": "ha çi ɸɯ he ho",
    "バビブベボ": "ba bʲi bɯ be bo",
    "パピプペポ": "pa pʲi pɯ pe po",
    "マミムメモ": "ma mʲi mɯ me mo",
    "ラリルレロ": "ɾa ɾʲi ɾɯ ɾe ɾo",
    "ワヰヱヲ": "βa i e o",
    "ヤユヨ": "ja jɯ jo",
    "ァィゥェォ": "a i ɯ e o",
    "ャュョヮ": "ja jɯ jo βa",
    "ヴヵヶ": "vɯ ka ke",
}
_GLIDES = pairs("キ=kʲ ギ=ɡʲ シ=ɕ ジ=ʥ チ=ʨ ヂ=ʥ ニ=ɲ ヒ=ç ビ=bʲ ピ=pʲ ミ=mʲ リ=ɾʲ")
"""Consonants of kana in i before a small ャ, ュ, ョ or ェ."""

_LOANS = pairs(
    """イェ=je ウァ=βa ウィ=βi ウェ=βe ウォ=βo ヴァ=va ヴィ=vʲi ヴェ=ve ヴォ=vo ヴュ=bʲɨ スィ=sʲi ズィ=zʲi
    ティ=tʲi ディ=dʲi テュ=tʲɨ デュ=dʲɨ トゥ=tɯ ドゥ=dɯ ファ=ɸa フィ=ɸʲi フェ=ɸe フォ=ɸo フュ=ɸʲɨ フョ=ɸʲo
    ツァ=ʦa ツィ=ʦʲi ツェ=ʦe ツォ=ʦo クァ=kᵝa クィ=kᵝi クェ=kᵝe クォ=kᵝo グァ=ɡᵝa グィ=ɡᵝi グェ=ɡᵝe グォ=ɡᵝo"""
)
SOUNDS: Mapping[str, str] = {
    **{kana: sound for row, sounds in _ROWS.items() for kana, sound in zip(row, sounds.split(), strict=True)},
    **{
        f"{kana}{small}": glide + sound
        for kana, glide in _GLIDES.items()
        for small, sound in zip("ャュョェ", "aɨoe", strict=True)
    },
    **_LOANS,
    "ッ": "ʔ",
    "ー": "ː",
}
"""Kana → symbols, ン apart: it takes the place of what follows."""

_NASALS = {
    **dict.fromkeys("mpb", "m"),
    **dict.fromkeys("kɡ", "ŋ"),
    **dict.fromkeys("ɲʨʥ", "ɲ"),
    **dict.fromkeys("ntdɾzʣʦ", "n"),
}
_KANA = re.compile("|".join(map(re.escape, sorted(SOUNDS, key=len, reverse=True))) + "|ン")
_NOT_SAID = "’'"
"""Open JTalk's mark of a vowel without voice."""

_POINT = "．"

_LETTER = re.compile(r"[\u3041-\u30ff\u3400-\u9fff々〆〇ｦ-ﾟ0-9０-９A-Za-z%％℃°+\-−－/~〜～.,:¥$€]")


class Japanese:
    """Reads Japanese."""

    def __init__(self) -> None:
        import pyopenjtalk

        # Sudachi, which it can ask as well, takes 200 MB of memory to tell readings of a few single characters apart.
        self._analyse: Callable[[str], Sequence[Mapping[str, Any]]] = partial(
            pyopenjtalk.run_frontend, use_sudachi_kanji_yomi=False
        )

    def clauses(self, text: str, english: Callable[[str], str], unknown: Callable[[str], None]) -> Iterator[str]:
        """See Reader."""
        yield from joined(taken_apart(text), lambda own: self._read(own, unknown), english)

    def _read(self, own: str, unknown: Callable[[str], None]) -> str:
        for character in _LETTER.sub("", own):
            unknown(character)
        known = "".join(_LETTER.findall(own))
        return " ".join(filter(None, map(in_symbols, said(self._analyse(known))))) if known else ""


def said(words: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Katakana as they are said, one for each word; endings and suffixes belong to the word before them."""
    before: Mapping[str, Any] | None = None
    together = ""
    for word in words:
        kana = str(word["pron"]).translate(dict.fromkeys(map(ord, _NOT_SAID)))
        if word["pos"] == "記号":
            continue
        if before is not None and not _belongs(word, before):
            yield together
            together = ""
        together += kana
        before = word
    yield together


def in_symbols(kana: str) -> str:
    """コンニチワ → "koɲɲiʨiβa"."""
    sounds = [match[0] if match[0] == "ン" else SOUNDS[match[0]] for match in _KANA.finditer(kana)]
    after = [*sounds[1:], ""]
    return "".join(_nasal(behind) if sound == "ン" else sound for sound, behind in zip(sounds, after, strict=True))


def _nasal(behind: str) -> str:
    return _NASALS.get(behind[:1], "ɴ") if behind != "ン" else "n"


def _belongs(word: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """行き + ます, 走っ + て, 二 + 十, 三 + 時, お + 湯."""
    kind, group, text = word["pos"], str(word["pos_group1"]), word["string"]
    if before["pos"] == "接頭詞":
        return True
    if kind == "助動詞":
        return before["pos"] in {"動詞", "助動詞", "形容詞"} and text not in {"です", "でしょ", "だろ"}
    if kind == "助詞":
        return group == "接続助詞" and text in {"て", "で", "ば", "ちゃ", "じゃ", "たり", "だり"}
    if kind == "名詞":
        number = before["pos"] == "名詞" and (before["pos_group1"] == "数" or before["string"] == _POINT)
        return group == "接尾" or (number and (group == "数" or text == _POINT or word.get("pos_group2") == "助数詞"))
    return bool(kind == "動詞" and group in {"接尾", "非自立"})
