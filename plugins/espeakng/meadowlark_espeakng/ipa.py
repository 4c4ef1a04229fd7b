"""The International Phonetic Alphabet: its signs, what they mean, and which of them sound alike.

Pure; knows nothing of espeak-ng.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

PRIMARY, SECONDARY = "ˈ", "ˌ"
LONG: Final = "ː"
NASAL: Final = "\u0303"
PALATAL: Final = "ʲ"

_SAME: Final = {
    "g": "ɡ",
    "'": PRIMARY,
    ":": LONG,
    "ʤ": "dʒ",
    "ʧ": "tʃ",
    "ʣ": "dz",
    "ʦ": "ts",
    "ʥ": "dʑ",
    "ʨ": "tɕ",
    "ɝ": "ɜ˞",
    "ɚ": "ə˞",
    "ᵊ": "ə",
    # Kokoro's notation
    "A": "eɪ",
    "I": "aɪ",
    "O": "oʊ",
    "Q": "əʊ",
    "W": "aʊ",
    "Y": "ɔɪ",
    "T": "ɾ",
}
"""Other ways to write the same."""

_IGNORED = re.compile(r"[\u0361\u035c\u2060.‿ˑ\-^|‖→↗↘↓↑˥˦˧˨˩/\[\]]")
"""Ties, syllable ends, tones: what an engine of Europe's languages has no use for."""

_UNIT = re.compile(r"[^\W\d_][\u0300-\u036f\u02b0-\u02c7\u02c9-\u02cb\u02cd-\u02ff\u1d2c-\u1d6a\u207f]*|.", re.DOTALL)
"""A letter and what modifies it; ˈ and ˌ are no modifiers."""

_MANNERS: Final = "plosive affricate fricative approximant lateral trill nasal"
_PLACES: Final = (
    "labial labiodental dental alveolar postalveolar retroflex palatal velar uvular pharyngeal glottal labiovelar"
)
_CONSONANTS: Final = {
    ("plosive", 0): "labial p, alveolar t, retroflex ʈ, palatal c, velar k, uvular q, glottal ʔ, pharyngeal ʡ",
    ("plosive", 1): "labial bɓ, alveolar dɗ, retroflex ɖ, palatal ɟʄ, velar ɡɠ, uvular ɢʛ",
    ("nasal", 1): "labial m, labiodental ɱ, alveolar n, retroflex ɳ, palatal ɲ, velar ŋ, uvular ɴ",
    ("trill", 1): "labial ʙ, alveolar rɾɹɺ, retroflex ɽɻ, uvular ʀʁ",
    ("fricative", 0): "labial ɸ, labiodental f, dental θ, alveolar s, postalveolar ʃɕɧ, retroflex ʂ, palatal ç, "
    "velar x, uvular χ, pharyngeal ħ, glottal h, labiovelar ʍ",
    ("fricative", 1): "labial β, labiodental v, dental ð, alveolar z, postalveolar ʒʑ, retroflex ʐ, palatal ʝ, "
    "velar ɣ, pharyngeal ʕ, glottal ɦ",
    ("lateral", 0): "alveolar ɬ",
    ("lateral", 1): "alveolar lɫɮ, retroflex ɭ, palatal ʎ, velar ʟ",
    ("approximant", 1): "labiodental ʋ, palatal jɥ, velar ɰ, labiovelar w",
}
_VOWELS: Final = (
    # close to open, each row from front to back; unrounded before rounded
    ("iy", "ɨʉ", "ɯu"),
    ("ɪʏ", "ᵻᵿ", " ʊ"),
    ("eø", "ɘɵ", "ɤo"),
    ("  ", "ə ", "  "),
    ("ɛœ", "ɜɞ", "ʌɔ"),
    ("æ ", "ɐ ", "  "),
    ("aɶ", "  ", "ɑɒ"),
)


@dataclass(frozen=True, slots=True)
class Consonant:
    """How it is made."""

    manner: int
    place: int
    voice: int


@dataclass(frozen=True, slots=True)
class Vowel:
    """Where it is made."""

    height: int
    back: int
    round: int


def _letters() -> Iterator[tuple[str, Consonant | Vowel]]:
    manners, places = _MANNERS.split(), _PLACES.split()
    for (manner, voice), groups in _CONSONANTS.items():
        for place, letters in (group.split() for group in groups.split(", ")):
            for letter in letters:
                yield letter, Consonant(manners.index(manner), places.index(place), voice)
    for height, row in enumerate(_VOWELS):
        for back, pair in enumerate(row):
            for rounded, letter in enumerate(pair):
                if letter != " ":
                    yield letter, Vowel(height, back, rounded)


LETTERS: Final = dict(_letters())
"""Each letter's features."""


def units(ipa: str) -> list[str]:
    """Letters with what modifies them, stress marks and single spaces; other ways of writing made one."""
    plain = _IGNORED.sub("", unicodedata.normalize("NFD", ipa)).replace("c\u0327", "ç")
    plain = "".join(_SAME.get(char, char) for char in plain)
    return _UNIT.findall(" ".join(plain.split()))


def is_sound(unit: str) -> bool:
    """Whether it is a letter of the IPA, with or without modifiers."""
    return unit[0] in LETTERS


def is_vowel(unit: str) -> bool:
    """Whether it can bear a stress."""
    return isinstance(LETTERS.get(unit[0]), Vowel)


def nearest(unit: str, known: Iterable[str]) -> str:
    """The one of the known units that sounds most like this one; "" for what is no letter of the IPA."""
    wanted = LETTERS.get(unit[0]) if unit else None
    if wanted is None:
        return ""
    ranked = [(_distance(unit, wanted, each), each) for each in known if type(LETTERS.get(each[0])) is type(wanted)]
    return min(ranked, default=(0.0, ""))[1]


def _distance(unit: str, wanted: Consonant | Vowel, other: str) -> float:
    modifiers = len(set(unit[1:]) ^ set(other[1:])) * 0.4
    features = LETTERS[other[0]]
    if isinstance(wanted, Vowel) and isinstance(features, Vowel):
        # A front rounded vowel is heard as a rounded one where there is no front one: "ü" as "u".
        return (
            abs(wanted.height - features.height)
            + abs(wanted.back - features.back) * 0.8
            + (wanted.round != features.round) * 1.5
            + modifiers
        )
    if isinstance(wanted, Consonant) and isinstance(features, Consonant):
        return (
            (wanted.manner != features.manner) * 3
            + abs(wanted.place - features.place) * 0.5
            + (wanted.voice != features.voice) * 2
            + modifiers
        )
    return 99.0
