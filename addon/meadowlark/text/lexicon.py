"""The user's own words: how a word is said, as other words or in IPA."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import regex

from meadowlark.api import Pronunciation
from meadowlark.text.edits import Edit
from meadowlark.text.words import primary

_IPA_RE = regex.compile(r"/([^/\s][^/]*)/")
_WRITTEN_RE = regex.compile(r"[0-9.]")
"""In an entry that is looked for as it is written, before numbers and abbreviations are read: "Q4", "Dr."."""
_LONGEST_UNIT = 8
_EDGES = (
    r"(?<![\p{L}\p{N}\p{M}_])(?<!\p{N}[.,:/'’]|[-−$€£](?=\p{N}))",
    r"(?![\p{L}\p{N}\p{M}_]|[.,:/'’]\p{N}| ?[%°$€£])",
)
"""Around such an entry: "21" is not found in "21.5", "-21" and "21 %"."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Entries by language."""

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """BCP 47 tag, or "" for all languages → written → said: other words, or IPA between slashes (`/həˈloʊ/`).

    A region's entry ("en-GB") goes before the language's, and that before one for all."""

    def words(self, language: str, also: Callable[[str], str] = str) -> Words | None:
        """What holds in a language; None where nothing does.

        `also`: what becomes of a word before it is looked for. "kWh" is found as "kilowatt hours" too.
        """
        tag = language.replace("_", "-").strip().lower()
        tables = {key.replace("_", "-").strip().lower(): table for key, table in self.entries.items()}
        merged: dict[str, str] = {}
        for key in ("", primary(language), tag):
            merged.update(tables.get(key, {}))
        merged = {" ".join(word.split()): said.strip() for word, said in merged.items()}
        merged = {word: said for word, said in merged.items() if word and said}
        changed = {
            form: said for word, said in merged.items() if not _WRITTEN_RE.search(word) for form in _forms(word, also)
        }
        return Words({**changed, **merged}) if merged else None


class Words:
    """The entries of one language, ready to be found."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        """An entry with a capital behind its first letter, or all in capitals, is only found as it is written."""
        entries = {word.replace("’", "'"): said for word, said in entries.items()}
        self._exact = {word: said for word, said in entries.items() if _has_inner_capital(word)}
        self._folded = {word.casefold(): said for word, said in entries.items() if word not in self._exact}
        words = sorted(entries, key=lambda word: (-len(word), word))
        patterns = (_pattern(word, exact=word in self._exact) for word in words)
        self._re = regex.compile(rf"(?<![\p{{L}}\p{{N}}\p{{M}}_])(?:{'|'.join(patterns)})(?![\p{{L}}\p{{N}}\p{{M}}_])")

        written = "|".join(_pattern(word, word in self._exact) for word in words if _WRITTEN_RE.search(word))
        self._written_re = regex.compile(rf"{_EDGES[0]}(?:{written}){_EDGES[1]}") if written else None

    def as_written(self, text: str) -> list[tuple[int, int]]:
        """Where entries stand that nothing else may read."""
        return [found.span() for found in self._written_re.finditer(text)] if self._written_re else []

    def find(self, text: str) -> tuple[list[Edit], tuple[Pronunciation, ...]]:
        """Respellings as edits; IPA with its place in the edited text."""
        edits: list[Edit] = []
        pronunciations: list[Pronunciation] = []
        shift = 0
        for match in self._re.finditer(text):
            written = " ".join(match[0].replace("’", "'").split())
            said = self._exact.get(written) or self._folded.get(written.casefold())
            if said is None:
                continue
            ipa = _IPA_RE.fullmatch(said)
            if ipa:
                pronunciations.append(Pronunciation(match.start() + shift, match.end() + shift, ipa[1].strip()))
            elif said != match[0]:
                edits.append(Edit(match.start(), match.end(), said))
                shift += len(said) - len(match[0])
        return edits, tuple(pronunciations)


def _forms(word: str, also: Callable[[str], str]) -> set[str]:
    """What becomes of a word by itself, and of a unit behind numbers."""
    forms = {also(word)}
    for number in "12":
        counted = also(f"{number} {word}")
        if len(word) <= _LONGEST_UNIT and not counted.endswith(word):
            forms.add(counted.partition(" ")[2])
    return forms - {""}


def _has_inner_capital(word: str) -> bool:
    return any(letter.isupper() for letter in word[1:])


def _pattern(word: str, exact: bool) -> str:
    pattern = r"\s+".join(regex.escape(part) for part in word.split(" ")).replace("'", "['’]")
    return pattern if exact else f"(?i:{pattern})"
