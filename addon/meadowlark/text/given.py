"""`[word](/ipa/)` in a text: a word whose sounds are given, and what tells it from a link.

A link's target between slashes looks the same: `[docs](/path/)`. It is IPA when it has no other slash, holds nothing
but signs of the IPA, and

- one of them is found in no address: ˈ ː ə ʃ and so on, or a combining mark; or
- all are plain letters, as in `[cat](/kat/)`, they are one syllable or at most four letters to a word (who writes
  longer words in IPA marks the stress, and `[Contact](/kontakt/)` is a page), and they could sound like the word: the
  same consonants in the same order as far as letters tell, as many words, no spelling that no transcription has ("ll",
  "sh", "ck", "q"), and not the beginning of the word, which is what addresses repeat (`[Home](/home/)`).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

import regex

from meadowlark.text.stream import NeedMoreError

LONGEST_WORD: Final = 60
LONGEST_IPA: Final = 120
"""Characters: what is longer is no word's, and must not be held back."""

CERTAIN: Final = "\u2060"
"""In the IPA: whoever wrote this has said that it is IPA (SSML's <phoneme>). Cannot be seen, and is taken out."""

EMPTY: Final = "it has no sound"
TOO_LONG: Final = f"it is longer than {LONGEST_IPA} characters"

_WORD_CHARS: Final = r"\p{L}\p{N}\p{M} '’.&+/°%-"
_WORD_RE = regex.compile(rf"[\p{{L}}\p{{N}}.'’](?:[{_WORD_CHARS}]*[\p{{L}}\p{{N}}\p{{M}}.'’+%])?")
_WORD_CHAR_RE = regex.compile(rf"[{_WORD_CHARS}*_~`]")
_EMPHASIS: Final = "*_~`"
_LETTERS: Final = "a-zæçðøħŋœβθχ"
# Kokoro writes diphthongs as capitals, and tones as arrows.
_ONLY_IPA: Final = (
    r"\u0250-\u02af\u02b0-\u02ff\u1d00-\u1dbf\u2191-\u2193\u2197\u2198\u2192\ua71b-\ua71d\uab67ᵊᵻ'’ǀǁǂǃ‖‿" + CERTAIN
)
_IPA_RE = regex.compile(rf"[{_LETTERS}{_ONLY_IPA}\p{{M}}AIOQSTWY .:|()\-^]*")
_SOUND_RE = regex.compile(r"[\p{Ll}\p{Lu}\p{Lo}ᵊ]")
_OPTIONAL_RE = regex.compile(r"\([^()]*\)|[()]")
"""What dictionaries put in parentheses is not said by all: "ˈkæmɹə(ɹ)"."""
_CERTAIN_RE = regex.compile(rf"[{_ONLY_IPA}θβχ]|\p{{M}}")
_SPELLED_RE = regex.compile(r"([a-z])\1|[bcdgkpstwxz]h|[cqxy]|[aeiou]{3}|ight|tion|[A-Z:|^.]")
_ASCII_STRESS = str.maketrans({"'": "ˈ", "’": "ˈ", ":": "ː", CERTAIN: None})
_CLASSES: Final = {
    **dict.fromkeys("bp", "p"),
    **dict.fromkeys("dtθð", "t"),
    **dict.fromkeys("ckgqx", "k"),
    **dict.fromkeys("fvwβ", "f"),
    **dict.fromkeys("szç", "s"),
    **dict.fromkeys("nŋ", "n"),
    **{letter: letter for letter in "lmr"},
}
_ALIKE: Final = 0.8
_VOWELS_RE = regex.compile(r"[aeiouyæøœ]+")
_SHORT: Final = 4


@dataclass(frozen=True, slots=True)
class Given:
    """A word with its sounds."""

    word: str
    """As it is spelt, without emphasis."""

    ipa: str
    """Without slashes; empty where what stood there could not be used."""

    why: str = ""
    """Why it could not be used."""


def given_word(text: str, start: int, final: bool) -> tuple[Given, int] | None:
    """What a "[" before `start` opens and where it ends; None: something else. NeedMoreError when that is open."""
    end = _word_end(text, start, final)
    if end is None:
        return None
    word = text[start:end].strip(_EMPHASIS + " ")
    if not _WORD_RE.fullmatch(word):
        return None
    for offset, sign in enumerate("(/", start=end + 1):
        if offset >= len(text):
            if final:
                return None
            raise NeedMoreError
        if text[offset] != sign:
            return None
    return _sounds(word, text, end + 3, final)


def is_ipa_of(ipa: str, word: str) -> bool:
    """Whether signs of the IPA that stand behind a word are how it is said, and not an address."""
    spelt = " ".join(word.casefold().split())
    if _CERTAIN_RE.search(unicodedata.normalize("NFC", ipa)) and ipa != spelt:
        return True
    if _SPELLED_RE.search(ipa) or len(ipa.split()) != len(spelt.split()) or spelt.startswith(ipa) or ipa in spelt:
        return False
    if any(len(each) > _SHORT and len(_VOWELS_RE.findall(each)) > 1 for each in ipa.split()):
        return False
    written, said = _skeleton(spelt), _skeleton(ipa)
    return said != "" and SequenceMatcher(None, written, said, autojunk=False).ratio() >= _ALIKE


def written(word: str, ipa: str) -> str:
    """A word with its sounds as it stands in a text; the word alone where they cannot stand there."""
    spelt, sounds = word.strip(), " ".join(ipa.replace("/", " ").split())
    fits = len(spelt) <= LONGEST_WORD and _WORD_RE.fullmatch(spelt) is not None
    if not (fits and sounds and _IPA_RE.fullmatch(unicodedata.normalize("NFD", sounds))):
        return word
    return word.replace(spelt, f"[{spelt}](/{CERTAIN}{sounds}/)", 1)


def _word_end(text: str, start: int, final: bool) -> int | None:
    for index in range(start, min(len(text), start + LONGEST_WORD + 1)):
        if text[index] == "]":
            return index
        if not _WORD_CHAR_RE.match(text[index]):
            return None
    if final or len(text) > start + LONGEST_WORD:
        return None
    raise NeedMoreError


def _sounds(word: str, text: str, start: int, final: bool) -> tuple[Given, int] | None:
    """`/)` ends them."""
    for index in range(start, min(len(text), start + 2 * LONGEST_IPA + 1)):
        char = text[index]
        if char == "/":
            if index + 1 >= len(text) and not final:
                raise NeedMoreError
            return _checked(word, text[start:index], index + 2) if text[index + 1 : index + 2] == ")" else None
        if not _IPA_RE.fullmatch(unicodedata.normalize("NFD", char)):
            return None
    if final or len(text) > start + 2 * LONGEST_IPA:
        return None
    raise NeedMoreError


def _checked(word: str, ipa: str, end: int) -> tuple[Given, int] | None:
    ipa = _OPTIONAL_RE.sub("", ipa)
    if not ipa.strip(" " + CERTAIN):
        return Given(word, "", EMPTY), end
    if not is_ipa_of(ipa, word):
        return None
    if not _SOUND_RE.search(ipa):
        return Given(word, "", EMPTY), end
    if len(ipa) > LONGEST_IPA:
        return Given(word, "", TOO_LONG), end
    return Given(word, " ".join(ipa.translate(_ASCII_STRESS).split())), end


def _skeleton(text: str) -> str:
    """Its consonants, as far as different letters may stand for one sound."""
    return "".join(_CLASSES.get(letter, "") for letter in text)
