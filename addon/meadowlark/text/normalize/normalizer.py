"""Sentences as they are spoken: `normalize` for a text, `Normalizer` for the text front end."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import regex

from meadowlark.api import Pronunciation
from meadowlark.text.edits import Edit, apply, moved
from meadowlark.text.endings import with_ending
from meadowlark.text.lexicon import Lexicon
from meadowlark.text.normalize import languages as _tables
from meadowlark.text.normalize.engine import Engine
from meadowlark.text.normalize.language import Language
from meadowlark.text.normalize.masks import masked, unmasked
from meadowlark.text.words import primary

_SPEAKABLE_RE = regex.compile(r"[\p{L}\p{N}]")


def normalize(text: str, language: str) -> str:
    """A clean sentence with its numbers, times, units and abbreviations in words; what is not known stays.

    `language`: BCP 47. Never raises, and changes nothing of its own output.
    """
    for edits in engine(language).steps(text):
        text = apply(text, edits)
    return text


def prepare(language: str) -> None:
    """Load what a language's first number would wait for: 50-200 ms of work, once; from any thread."""
    normalize("1", language)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence as it is spoken."""

    text: str

    pronunciations: tuple[Pronunciation, ...]

    _steps: tuple[Sequence[Edit], ...]

    def place(self, position: int) -> int:
        """Where a place in the written sentence is in this one."""
        for edits in self._steps:
            position = moved(position, edits)
        return position


class Normalizer:
    """Written sentences to spoken ones, in one language, with the user's own words."""

    def __init__(self, language: str, lexicon: Lexicon | None = None) -> None:
        """`language`: BCP 47. Cheap from the second of a language on."""
        self._language = language
        self._engine = engine(language)
        self._words = lexicon.words(language, also=lambda word: normalize(word, language)) if lexicon else None

    def __call__(self, text: str, given: Sequence[Pronunciation] = ()) -> Spoken:
        """Never raises, and never leaves nothing of a sentence that has words.

        given: words whose sounds the text itself gives; they stay as they are, and the lexicon does not change them.
        """
        spoken = self._spoken(text, self._held(text, given))
        if spoken is None:  # the text has the letters of the mask
            spoken = self._spoken(text, ()) or Spoken(text, (), ())
        if not spoken.pronunciations:
            return spoken
        ended = tuple(with_ending(each, spoken.text, self._language) for each in spoken.pronunciations)
        return replace(spoken, pronunciations=ended)

    def _held(self, text: str, given: Sequence[Pronunciation]) -> list[Pronunciation]:
        """What no rule may touch: given words, and the user's own that are looked for as they are written."""
        held = list(given)
        for start, end in self._words.as_written(text) if self._words else ():
            if all(end <= each.start or each.end <= start for each in given):
                held.append(Pronunciation(start, end, ""))
        return sorted(held, key=lambda each: each.start)

    def _spoken(self, text: str, held: Sequence[Pronunciation]) -> Spoken | None:
        """None where what is held was not to be found again."""
        normal = masked(text, held) if held else text
        steps = self._engine.steps(normal)
        for edits in steps:
            normal = apply(normal, edits)
        said: list[Pronunciation] = []
        if held:
            found = unmasked(normal, text, held)
            if found is None:
                return None
            normal, said = found[0], [each for each in found[1] if each.ipa]
        if self._words is None:
            return Spoken(normal, tuple(said), steps)
        respelled, pronunciations = self._words.find(masked(normal, said) if said else normal)
        spoken = apply(normal, respelled)
        if _SPEAKABLE_RE.search(normal) and not _SPEAKABLE_RE.search(spoken):
            return Spoken(normal, tuple(said), steps)
        said = [replace(each, start=moved(each.start, respelled), end=moved(each.end, respelled)) for each in said]
        said = sorted((*said, *pronunciations), key=lambda each: each.start)
        return Spoken(spoken, tuple(said), (*steps, respelled))


def languages() -> tuple[str, ...]:
    """The languages that have a table."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(_tables.__path__)))


def tables(code: str) -> Mapping[str, Language]:
    """BCP 47 tag in lower case → table: a language's own and those of its regions that differ; empty where unknown."""
    if code not in _known():
        return {}
    module = importlib.import_module(f"{_tables.__name__}.{code}")
    regions: Mapping[str, Language] = getattr(module, "REGIONS", {})
    return {code: module.LANGUAGE, **regions}


def engine(language: str) -> Engine:
    """The engine for a BCP 47 tag; compiled once for each table, and kept."""
    tag, code = language.replace("_", "-").strip().lower(), primary(language)
    known = tables(code)
    return _engine(tag if tag in known else code if known else "")


@cache
def _known() -> frozenset[str]:
    return frozenset(languages())


@cache
def _engine(tag: str) -> Engine:
    return Engine(tables(primary(tag)).get(tag))
