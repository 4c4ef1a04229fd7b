"""Whether a mark ends a sentence.

Our own rules come first, where sentence-stream 1.3 is known to be wrong (abbreviations, ordinals, list numbers, quotes,
starts in lower case or with a digit); it decides the rest. Pure: left context, mark, and a look ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import regex
from sentence_stream import SentenceBoundaryDetector

from meadowlark.text import abbreviations
from meadowlark.text.stream import NeedMoreError

WIDE = "。！？｡．።။།៕។"
"""These end a sentence without a space behind them; so does a danda."""
NARROW = ".!?…؟।॥۔։‽"
CLOSERS = "'\"’”‘“»«›‹)]}」』）》】〕〉﹂﹄"
_WIDE_QUOTES = frozenset("」』”’﹂﹄")
_OPENERS = frozenset("'\"‘“„‚«»‹›([{¿¡–—-「『（")
_WORD_RE = regex.compile(r"°?[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}'’.°\-]*[\p{L}\p{M}\p{N}°])?$")
_INITIALS_RE = regex.compile(r"(?:\p{L}\p{M}*\.-?)+\p{L}\p{M}*$")
_SPACED_INITIALS_RE = regex.compile(r"(?<![\p{L}\p{N}])\p{L}\. ?\p{L}$")
_SPACED_RE = regex.compile(r"(?<![\p{L}\p{N}])(\p{L}{1,3})\. (\p{L}{1,4})$")
_ARTICLE_RE = regex.compile(r"\b(?:de[rmns]|die|das|[ai]m|zu[mr]|vom|beim|jede[rmns]?) \d+$", regex.IGNORECASE)
_ROMAN_RE = regex.compile(r"[IVXLC]+")
_VOWEL_RE = regex.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüýąęěůőűıаеёиіїоуыэюяєαεηιουωάέήίόύώ]", regex.IGNORECASE)
_SYLLABIC_LANGUAGES = frozenset(("cs", "sk", "sl", "hr", "sr", "bs"))
_SYLLABIC_RE = regex.compile(r".[rlŕĺ].", regex.IGNORECASE)  # "vlk", "smrt" are words
_DAY_RE = regex.compile(r"[0-3]?\d\.[01]?\d")
_UNIT_RE = regex.compile(r"\d\s?\p{L}+$")
_CASED_RE = regex.compile(r"^[\p{Latin}\p{Cyrillic}\p{Greek}]+$")
_HAN_KANA_RE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー々]")
_QUOTED_ON_RE = regex.compile(r"(?:と|って|という|とか|など|なんて|の|を|は|が|も|に|で|、|，|,)")
_SAID_RE = regex.compile(r"\p{Han}{0,3}?[说說问問道喊答]")
_HAN_RE = regex.compile(r"\p{Han}")
_LIST_NUMBER_RE = regex.compile(r"[\s'\"„“‘«(\[]*(?:\d{1,3}|\p{Ll})")
_AHEAD = 24
"""Characters of the next word that are looked at."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What comes behind a mark, as far as it has come."""

    text: str
    start: int
    final: bool

    def char(self, offset: int) -> str:
        """The character so far behind the mark, "" behind the end of the text; NeedMoreError when it has not come."""
        index = self.start + offset
        if index < len(self.text):
            return self.text[index]
        if self.final:
            return ""
        raise NeedMoreError

    def word(self, offset: int) -> str:
        """The word that begins there, whole."""
        length = 0
        while length < _AHEAD and (char := self.char(offset + length)) and (char.isalnum() or char in "'’"):
            length += 1
        return self.text[self.start + offset : self.start + offset + length]


def ends_sentence(left: str, mark: str, closers: str, ahead: Ahead, at_start: bool, language: str) -> bool:
    """Whether a sentence ends behind `mark` and `closers`.

    `left` is the end of what stands before them, from the sentence's beginning where `at_start`.
    """
    following = ahead.char(0)
    if not following:
        return False
    if mark[-1] in WIDE or mark[-1] in "।॥۔" or (mark[-1] in "!?…" and _HAN_KANA_RE.search(left[-1:])):
        return _ends_wide(closers, following, ahead)
    if not following.isspace():
        return mark[-1] in "!?" and not closers and left[-1:].islower() and following.isupper()
    offset = 1
    while offset < 6 and ahead.char(offset) in _OPENERS and ahead.char(offset):
        offset += 1
    first = ahead.char(offset) or ahead.char(1)
    if first.islower() and (closers or mark[-1] == "…" or mark.endswith("..")):
        return False
    if any(char in "!?؟‽" for char in mark):
        return True
    if mark[-1] == "…" or mark.endswith(".."):
        return not first.isdecimal()
    if mark == "." and not closers:
        return _full_stop(left, first, ahead, offset, at_start, language)
    return True


def surely_complete(left: str, mark: str, language: str) -> bool:
    """Whether a sentence that ends here would not go on, as far as one can tell without what follows."""
    if mark != ".":
        return mark[-1] != "…" and not mark.endswith("..")
    word = _last_word(left)
    return bool(word) and not word[-1].isdecimal() and not _abbreviated(word, left, language)


def _ends_wide(closers: str, following: str, ahead: Ahead) -> bool:
    """Scripts without a space behind the stop: only a quotation may be gone on with."""
    if not any(char in _WIDE_QUOTES for char in closers):
        return True
    if following.isspace():
        return True
    if _QUOTED_ON_RE.match(following) or (following == "っ" and ahead.char(1) == "て"):
        return False
    length = 1
    while length < 4 and _HAN_RE.match(ahead.char(length - 1)):
        if _SAID_RE.fullmatch(ahead.text[ahead.start : ahead.start + length]):
            return False
        length += 1
    return not _SAID_RE.fullmatch(ahead.text[ahead.start : ahead.start + length])


def _full_stop(left: str, first: str, ahead: Ahead, offset: int, at_start: bool, language: str) -> bool:
    word = _last_word(left)
    if not word:
        return not first.islower()
    if at_start and _LIST_NUMBER_RE.fullmatch(left):
        return False  # the number of a list item belongs to what follows
    if word.isdecimal():
        return _number_ends(word, left, first, ahead, offset, language)
    if _DAY_RE.fullmatch(word) and language in abbreviations.ORDINAL_LANGUAGES:
        if first.islower() or first.isdecimal():
            return False  # "Am 24.12. ist"
        return language != "de" or _begins_sentence(ahead, offset, language)
    if language in ("de", "nl") and word.endswith("str") and first.isdecimal():
        return False  # "Hauptstr. 12"
    if first.isdecimal() and (word in abbreviations.WEEKDAYS or ".-" in word):
        return False  # "Sat. 28th", "Mo.-Fr. 9-17 Uhr"
    if language == "en" and word == "in" and first.islower() and _UNIT_RE.search(left):
        return False  # "0.5 in. today"
    if _abbreviated(word, left, language):
        return _abbreviation_ends(word, first, ahead, offset, language)
    if first.islower() and language in abbreviations.ORDINAL_LANGUAGES and _ROMAN_RE.fullmatch(word):
        return False  # "Karel IV. byl"
    alone = _stands_alone(word, left, at_start)
    if not alone and _vowelless(word, language) and not _UNIT_RE.search(left):
        return False  # no vowel makes it speakable: an abbreviation that we do not know
    # German nouns are written like the short names and titles that sentence-stream takes for abbreviations.
    if language == "de" or alone or not first.isalpha():
        return True
    if first.islower():
        return not (word.istitle() and len(word) <= 4)  # "on Mon. at 3"
    return _library_splits(word, first) or _begins_sentence(ahead, offset, language)


def _number_ends(word: str, left: str, first: str, ahead: Ahead, offset: int, language: str) -> bool:
    """A number with a full stop: an ordinal, or the end of a sentence."""
    if len(word) > 2:
        return True
    ordinals = language in abbreviations.ORDINAL_LANGUAGES
    if first.isdecimal():
        return not ordinals
    if not first.isalpha():
        return True
    following = ahead.word(offset).casefold()
    if following in abbreviations.MONTHS or (ordinals and following in abbreviations.BEHIND_ORDINALS):
        return False
    if ordinals and first.islower():
        return False
    if language == "de" and _ARTICLE_RE.search(left):
        return _begins_sentence(ahead, offset, language)  # "der 1. FC Köln"
    return True


def _abbreviation_ends(word: str, first: str, ahead: Ahead, offset: int, language: str) -> bool:
    lowered = word.casefold()
    if lowered.replace("’", "'").rpartition("'")[2] in abbreviations.never(language):
        return False
    if first.isdecimal():
        # "No. 5", "Jan. 3", "p. 7" go on; "etc. 5 more" and "5 p.m. 3 lights" do not.
        return lowered in ("etc", "usw", "ecc", "enz", "itd", "itp", "atd", "atď", "osv", "a.m", "p.m", "jr")
    if not first.isupper():
        return not first.isalpha() and lowered == "etc"
    if lowered in ("a.m", "p.m"):
        return ahead.word(offset).casefold() not in abbreviations.AFTER_TIME
    if lowered in ("etc", "usw", "ecc", "enz", "itd", "itp", "atd", "atď", "apod", "osv", "no", "т.д", "т.п"):
        return True
    return _begins_sentence(ahead, offset, language)


def _begins_sentence(ahead: Ahead, offset: int, language: str) -> bool:
    """Whether the next word is one that begins sentences, and not an initial: "A. С. Пушкин"."""
    word = ahead.word(offset)
    return word.casefold() in abbreviations.starters(language) and (len(word) > 1 or ahead.char(offset + 1) != ".")


def _abbreviated(word: str, left: str, language: str) -> bool:
    """Whether a full stop behind this word marks an abbreviation or an initial."""
    lowered = word.casefold()
    elided = lowered.replace("’", "'").rpartition("'")[2]  # "l'avv."
    if elided in abbreviations.never(language) or lowered in abbreviations.maybe(language):
        return True
    if (spaced := _SPACED_RE.search(left)) and spaced.expand(r"\1.\2").casefold() in abbreviations.never(language):
        return True
    if _INITIALS_RE.fullmatch(word) or _SPACED_INITIALS_RE.search(left):
        return True
    return len(word) == 1 and word.isalpha() and _CASED_RE.match(word) is not None


def _stands_alone(word: str, left: str, at_start: bool) -> bool:
    """Whether the sentence has no other word ("Yes."), or this is all capitals ("the TV.")."""
    return (at_start and left.strip("'\"„“‘«([ ") == word) or (len(word) > 1 and word.isupper())


def _vowelless(word: str, language: str) -> bool:
    if language in _SYLLABIC_LANGUAGES and _SYLLABIC_RE.search(word):
        return False
    return _CASED_RE.match(word) is not None and not _VOWEL_RE.search(word)


def _last_word(left: str) -> str:
    found = _WORD_RE.search(left)
    return found[0] if found else ""


def _library_splits(word: str, first: str) -> bool:
    """What sentence-stream makes of this word, a full stop and what begins behind it.

    A fresh detector for a few characters: its own buffer is searched from its beginning again and again (8,000
    characters without a mark take 1.3 s), and it says "no" by saying nothing until the next mark.
    """
    detector = SentenceBoundaryDetector()
    return bool(list(detector.add_chunk(f"{word}. {first}")))
