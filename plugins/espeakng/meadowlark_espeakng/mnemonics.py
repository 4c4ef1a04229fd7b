"""IPA → espeak-ng's own mnemonics, which it takes between `[[` and `]]` in a text.

espeak-ng 1.52 prints IPA but does not read it, and its mnemonics mean other sounds in other languages. Therefore the
library itself is asked: every mnemonic of its data is put through the voice, and what comes back in IPA is the table
(5-15 ms, once for each voice). Signs that the voice lacks are replaced by the nearest it has.
"""

from __future__ import annotations

import logging
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .ipa import LONG, NASAL, PALATAL, PRIMARY, SECONDARY, is_sound, is_vowel, nearest, units
from .library import Library
from .voices import phoneme_tables

_LOGGER = logging.getLogger(__name__)

_TIE: Final = "\u0361"
_STRESS: Final = {PRIMARY: "'", SECONDARY: ","}
_NOT_SOUNDS: Final = "_|'%,=-:;~#"
"""What mnemonics of pauses, stress, lengthening and changes of a neighbour begin with."""
_ENVIRONMENTS: Final = (("", ""), ("'", ""), ("", "'a"), ("'a", "a"), ("", "a"))
"""What stands around a mnemonic when it is tried: German has no "d" before a pause, English no "ɪ" without a stress."""
_LONGEST: Final = 6
"""Letters and modifiers of one sound: "aɪə", "ɔːɹ"."""
_WITHOUT: Final = {"ə˞": ("ə", "ɹ"), "ɜ˞": ("ɜː", "ɹ")}
"""Sounds that are two where a voice has not the one."""
_TABLE_HEADER: Final = 36
_ROW: Final = struct.Struct("<4s12x")


@dataclass(frozen=True, slots=True)
class Sounds:
    """A stretch of a text and how it is said."""

    start: int
    end: int
    ipa: str


class Mnemonics:
    """For one library, in whose thread it is used."""

    def __init__(self, library: Library) -> None:
        """Cheap; a voice's table is made when it is first needed."""
        self._library = library
        self._tables: dict[str, dict[str, str]] = {}
        self.replaced: Counter[str] = Counter()
        """Signs that a voice lacks, and how often something else was said for them, or nothing."""

    def text(self, text: str, sounds: Sequence[Sounds], voice: str) -> tuple[str, list[tuple[int, int]]]:
        """The text with the sounds in their places, and where each of its pieces began in it: (there, here).

        The library must speak as `voice` already. `sounds` are in order. The text's own brackets become parentheses:
        as long, and not spoken either.
        """
        plain = text.replace("[", "(").replace("]", ")")
        before = len(self.replaced)
        parts: list[str] = []
        places = [(0, 0)]
        length = end = 0
        for each in sounds:
            written = self.written(stressed(each.ipa), voice)
            part = f"[[{written}]]" if written else plain[each.start : each.end]
            parts += (plain[end : each.start], part)
            begin = length + each.start - end
            length, end = begin + len(part), each.end
            places += ((begin, each.start), (length, end))
        if len(self.replaced) > before:
            signs, times = " ".join(self.replaced), self.replaced.total()
            _LOGGER.warning("espeak-ng has no sound for %s; the nearest is said, or none (%d so far)", signs, times)
        return "".join((*parts, plain[end:])), places

    def written(self, ipa: str, voice: str) -> str:
        """IPA as mnemonics of a voice, which the library must speak as already; empty where there is no sound."""
        table = self._table(voice)
        signs = units(ipa) if table else []
        written: list[str] = []
        at = 0
        while at < len(signs):
            if signs[at] in _STRESS or signs[at] == " ":
                written.append(_STRESS.get(signs[at], signs[at]))
                at += 1
                continue
            for length in range(min(_LONGEST, len(signs) - at), 0, -1):
                mnemonic = _of("".join(signs[at : at + length]), table)
                if mnemonic and not (length > 1 and _linked(signs[at + length - 1 :])):
                    written.append(mnemonic)
                    at += length
                    break
            else:
                written += self._instead(signs[at], table)
                at += 1
        return _joined(written)

    def _instead(self, unit: str, table: dict[str, str]) -> Iterator[str]:
        """For one sound that the voice has not as it is written."""
        single = [each for each in table if len(units(each)) == 1]
        nasals = [each for each in single if NASAL in each and is_vowel(each)] if NASAL in unit else []
        for closest, added in [(nearest(unit, nasals), "")] if nasals else _less(unit):
            if mnemonic := table.get(closest):
                yield mnemonic + added
                break
        else:
            for part in _WITHOUT.get(unit, (unit,)):
                closest = part if part in table else nearest(part, single)
                if closest[:1] != part[0]:
                    self.replaced[unit] += 1
                if closest:
                    yield table[closest] + (":" if LONG in part and LONG not in closest else "")
        if NASAL in unit and NASAL not in closest and is_vowel(unit) and "ŋ" in table:
            yield table["ŋ"]

    def _table(self, voice: str) -> dict[str, str]:
        """IPA → mnemonic."""
        if voice not in self._tables:
            self._tables[voice] = _asked(self._library, _mnemonics(voice, self._library.data))
        return self._tables[voice]


def stressed(ipa: str) -> str:
    """With a stress on each word that shows none: dictionaries leave it out in words of one syllable."""
    return " ".join(word if PRIMARY in word or SECONDARY in word else PRIMARY + word for word in ipa.split())


def _joined(written: Sequence[str]) -> str:
    """With a bar between sounds, so that two are not read as one."""
    text = ""
    for each in written:
        text += f"|{each}" if text and text[-1] not in "', " and each not in "', " else each
    return text.strip("', ") and text


def _of(sound: str, table: dict[str, str]) -> str:
    """A sound's mnemonic, or that of the short one with the sign that makes it long: Italian "tʃː"."""
    if sound.endswith(LONG) and sound not in table and sound[:-1] in table:
        return table[sound[:-1]] + ":"
    return table.get(sound, "")


def _linked(signs: Sequence[str]) -> bool:
    """Whether these begin with an r and a vowel: "ɑːɹ" is one sound, but says its r twice before another vowel."""
    following = next((each for each in signs[1:] if each not in _STRESS), "")
    return signs[0] in ("ɹ", "r", "ɾ") and following != "" and is_vowel(following)


def _less(unit: str) -> Iterator[tuple[str, str]]:
    """The same letter with fewer modifiers or another length, and what says in mnemonics what is missing."""
    letter, modifiers = unit[0], unit[1:]
    if LONG in modifiers:
        yield unit.replace(LONG, ""), ":"
    if is_vowel(unit):
        yield unit + LONG, ""
    if PALATAL in modifiers:
        yield unit.replace(PALATAL, ""), ";"
    for each in modifiers:
        yield letter + each, ""
    yield letter, ""
    yield letter + LONG, ""


def _asked(library: Library, mnemonics: Sequence[str]) -> dict[str, str]:
    """What each means in the voice; of several for one sound, the plainest, and what is most surely that sound."""
    meant: dict[str, Counter[tuple[str, bool]]] = {}
    for before, after in _ENVIRONMENTS:
        (_, opening), (_, closing) = library.sounds((before, after), _TIE)
        opening = opening or before.replace("'", PRIMARY)
        tried = [each for each in mnemonics if not (after and "#" in each)]  # "n#" is an n that waits for a vowel
        heard = library.sounds((f"{before}|{each}|{after}" for each in tried), _TIE)
        for mnemonic, (understood, ipa) in zip(tried, heard, strict=True):
            read = understood.removeprefix(before).removesuffix(after)
            sound = ipa.removeprefix(opening).removesuffix(closing)
            if read and mnemonic.startswith(read) and ipa == opening + sound + closing and _is_one(sound):
                meant.setdefault("".join(units(sound)), Counter())[mnemonic, read == mnemonic] += 1
    return {
        sound: min(which, key=lambda each: _rank(each[0], each[1], which[each]))[0] for sound, which in meant.items()
    }


def _rank(mnemonic: str, understood: bool, times: int) -> tuple[object, ...]:
    signs = sum(not char.isalpha() for char in mnemonic)
    return not understood, not mnemonic[0].isalpha(), signs, -times, not mnemonic[0].islower(), len(mnemonic)


def _is_one(sound: str) -> bool:
    """Whether this is IPA of one sound: its letters are tied."""
    parts = units(sound)
    return (
        parts != []
        and all(map(is_sound, parts))
        and sound.count(_TIE) >= len(parts) - 1
        and not any(map(str.isdigit, sound))
    )


def _mnemonics(voice: str, data: Path) -> tuple[str, ...]:
    """All that the voice's table has, and those that it builds on; of all tables where its name is none of theirs.

    The file phontab has a count of tables, and for each a header of 36 bytes (number of rows, number of the table that
    it builds on, its name behind two more bytes) and rows of 16, which begin with the mnemonic.
    """
    content = (data / "phontab").read_bytes()
    tables: list[tuple[str, int, list[str]]] = []
    position = 4
    for _ in range(content[0]):
        rows, builds_on = content[position], content[position + 1]
        name = _c_string(content[position + 4 : position + _TABLE_HEADER])
        position += _TABLE_HEADER
        end = position + rows * _ROW.size
        tables.append((name, builds_on, [_c_string(each) for (each,) in _ROW.iter_unpack(content[position:end])]))
        position = end
    names = [name for name, _, _ in tables]
    number = next((names.index(name) + 1 for name in phoneme_tables(voice, data) if name in names), 0)
    chosen = list(range(len(tables))) if not number else []
    while number:
        chosen.append(number - 1)
        number = tables[number - 1][1]
    found = dict.fromkeys(each for table in chosen for each in tables[table][2])
    return tuple(each for each in found if each and each[0] not in _NOT_SOUNDS and each.isprintable())


def _c_string(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "replace")
