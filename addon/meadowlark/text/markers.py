"""Markers: which names an engine understands, and lifting them out of a text stream.

Knows brackets and names. Knows nothing of lines, Markdown or sentences, except that "[word](url)" is a link and
"[word](/ipa/)" (see given.py) neither a link nor a marker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import regex

from meadowlark.api import Marker, MarkerKind
from meadowlark.text import vocabulary
from meadowlark.text.given import Given, given_word
from meadowlark.text.stream import NeedMoreError

_CLOSING = {"(": ")", "[": "]", "（": "）", "【": "】", "［": "］", "*": "*"}
_TAGS = "[［"
"""Unknown tags are dropped in these alone: Japanese puts headings in 【】."""
_OPENING_RE = regex.compile(r"[(\[（【［]|\*+")
_IGNORED_RE = regex.compile(r"[\s_\-]+")
_TAG_RE = regex.compile(r"\s*(?:\p{L}[\p{L}\p{M}\u200c\u200d]*)(?:\s+\p{L}[\p{L}\p{M}\u200c\u200d]*)?\s*")
_TAG_CHAR_RE = regex.compile(r"[\p{L}\p{M}\s\u200c\u200d_\-]")
_MAX_TAG = 48
"""Characters between brackets beyond which it is no tag: two of the longest words that language models invent."""
_SLACK = 16
"""Characters of white space tolerated in a name."""


def key(name: str) -> str:
    """What two spellings of one name share: no case, no white space, no "_" or "-"."""
    folded: str = _IGNORED_RE.sub("", name.casefold())
    return folded


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a marker stood in the text, resolved for the engine."""

    kind: MarkerKind | None
    """None: a tag that means nothing and is dropped."""

    marker: Marker | None
    """The engine's own; None where it has none (a style then goes back to neutral, an event is silence)."""


DROPPED = Mark(kind=None, marker=None)

Lifted: TypeAlias = str | Mark | Given


class MarkerMap:
    """What each known name means to one engine."""

    def __init__(self, engine_markers: Iterable[Marker] = (), known: Iterable[Marker] = ()) -> None:
        """`known`: the markers of all installed engines, which are dropped and not spoken where this one lacks them."""
        own: dict[str, Marker] = {}
        for marker in engine_markers:
            own.setdefault(key(marker.name), marker)
        for marker in tuple(own.values()):  # an engine that says "happy" has "joyful"
            if portable := vocabulary.ALIASES.get(marker.name):
                own.setdefault(key(portable), marker)
        aliased: dict[str, Marker] = {}
        for marker in own.values():
            for alias in marker.aliases:
                aliased.setdefault(key(alias), marker)
        self._own = own
        self._marks: dict[str, Mark] = {}
        for marker in known:
            for name in (marker.name, *marker.aliases):
                self._marks.setdefault(key(name), Mark(marker.kind, None))
        # The portable vocabulary wins over what other engines call their own (`gasp`), the engine itself over both.
        for name in (*vocabulary.NAMES, vocabulary.NEUTRAL):
            self._marks[key(name)] = self._portable(name)
        for alias, name in vocabulary.ALIASES.items():
            self._marks[key(alias)] = self._portable(name)
        for name, marker in (*aliased.items(), *own.items()):
            self._marks[name] = Mark(marker.kind, marker)
        self._marks[key(vocabulary.NEUTRAL)] = Mark(MarkerKind.STYLE, None)
        self._marks.pop("", None)
        self._prefixes = frozenset(name[:end] for name in self._marks for end in range(len(name) + 1))
        self.longest = max(map(len, self._marks))

    def resolve(self, name: str) -> Marker | None:
        """The engine's own marker for a known name or alias, else its nearest relative's, else None."""
        mark = self.mark(name)
        return mark.marker if mark else None

    def mark(self, name: str) -> Mark | None:
        """What a name means here, or None when nobody knows it."""
        return self._marks.get(key(name))

    def may_become_known(self, start: str) -> bool:
        """Whether a known name begins like this."""
        return key(start) in self._prefixes

    def _portable(self, name: str) -> Mark:
        """A name of the vocabulary along its relatives; "neutral" ends the chain."""
        kind = vocabulary.kind(name)
        for candidate in (name, *vocabulary.relatives(name)):
            if candidate == vocabulary.NEUTRAL:
                break
            if marker := self._own.get(key(candidate)):
                return Mark(marker.kind, marker)
        return Mark(kind, None)


class MarkerLifter:
    """Takes the markers out of a stream: text in; text, marks and words with their sounds out, in order.

    What comes out never depends on where the chunks were cut. Holds back at most one open bracket, of bounded length.
    """

    def __init__(self, markers: MarkerMap) -> None:
        self._markers = markers
        self._buffer = ""
        self._before = ""
        self._limit = max(_MAX_TAG, markers.longest + _SLACK)

    def push(self, chunk: str) -> list[Lifted]:
        """What is decided by now."""
        self._buffer += chunk
        return self._lift(final=False)

    def finish(self) -> list[Lifted]:
        """All that is left; a bracket that never closed is text."""
        return self._lift(final=True)

    def _lift(self, final: bool) -> list[Lifted]:
        items: list[Lifted] = []
        text = self._buffer
        position = 0
        while position < len(text):
            opening = _OPENING_RE.search(text, position)
            if opening is None:
                items.append(text[position:])
                self._before = text[-1]
                position = len(text)
                break
            if opening.start() > position:
                items.append(text[position : opening.start()])
                self._before = text[opening.start() - 1]
                position = opening.start()
            try:
                lifted, end = self._bracket(text, opening, final)
            except NeedMoreError:
                break
            items.append(lifted or text[position:end])
            self._before = "" if lifted else text[end - 1]
            position = end
        self._buffer = text[position:]
        return items

    def _bracket(self, text: str, opening: regex.Match[str], final: bool) -> tuple[Mark | Given | None, int]:
        """What opens here and its end, or None and the end of what is text for certain."""
        start = opening.end()
        bracket = opening[0][0]
        if bracket == "[" and (given := given_word(text, start, final)):
            return given
        if bracket == "*":
            if start == len(text) and not final:
                # More asterisks may follow, but a flood of them must not be held.
                if len(opening[0]) > 2:
                    return None, start
                raise NeedMoreError
            if len(opening[0]) > 1 or self._before == "*":
                return None, start
        end = self._closing(text, start, bracket, final)
        if end is None:
            return None, start
        content = text[start:end]
        if bracket == "*" and (content[:1].isspace() or content[-1:].isspace()):
            return None, start
        mark = self._markers.mark(content)
        if bracket == "[" and self._is_link(text, end + 1, mark is not None, final):
            return None, start
        if mark:
            return mark, end + 1
        if bracket in _TAGS and self._before != "[" and _TAG_RE.fullmatch(content):
            return DROPPED, end + 1
        return None, start

    def _closing(self, text: str, start: int, bracket: str, final: bool) -> int | None:
        """Index of the closing bracket, None where this is no marker; NeedMoreError when that is open."""
        closing = _CLOSING[bracket]
        any_tag = bracket in _TAGS
        for index in range(start, min(len(text), start + self._limit + 1)):
            char = text[index]
            if char == closing:
                return index
            tag_so_far = any_tag and _TAG_CHAR_RE.match(char)
            if not tag_so_far and not self._markers.may_become_known(text[start : index + 1]):
                return None
        if len(text) > start + self._limit or final:
            return None
        raise NeedMoreError

    def _is_link(self, text: str, after: int, known: bool, final: bool) -> bool:
        """Whether what follows a "]" makes it a Markdown link: "(target)" that is not itself a marker, or "[1]"."""
        if after >= len(text):
            if final:
                return False
            raise NeedMoreError
        if text[after] == "[":
            if after + 1 >= len(text) and not final:
                raise NeedMoreError
            return text[after + 1 : after + 2].isdecimal()
        if text[after] != "(":
            return False
        if known:
            return self._is_address(text, after + 1, final)
        if (end := self._closing(text, after + 1, "(", final)) is None:
            return True
        return self._markers.mark(text[after + 1 : end]) is None

    def _is_address(self, text: str, start: int, final: bool) -> bool:
        """Whether what begins here can be a link's target rather than a remark."""
        for char in text[start : start + self._limit]:
            if char in "/:#.?@":
                return True
            if char == ")" or char.isspace():
                return False
        if len(text) < start + self._limit and not final:
            raise NeedMoreError
        return False
