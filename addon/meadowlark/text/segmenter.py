"""The text front end as one: chunks of a reply in, sentences ready to be spoken out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import regex

from meadowlark.api import Marker, MarkerKind, PlacedEvent, Pronunciation
from meadowlark.text.clean import Break, Cleaner, TextOrBreak
from meadowlark.text.given import Given
from meadowlark.text.markers import Lifted, Mark, MarkerLifter, MarkerMap
from meadowlark.text.sentences import Piece, Splitter

if TYPE_CHECKING:  # 10 ms of patterns that only those need who make a Normalizer
    from meadowlark.text.normalize import Normalizer

_BLOCK = 2048
"""Characters that go through all stages at a time: it bounds what is held, however large the chunk."""
_SPEAKABLE_RE = regex.compile(r"[\p{L}\p{N}]")
_LEADING_RE = regex.compile(r"(?:[\s,;:!?…)\]}、，。；：！？]|\.(?![\p{L}\p{N}]))+")
_EMPTY_RE = regex.compile(r"[(（]\s*[)）] ?")
_NOT_WORD_RE = regex.compile(r"[^\p{L}\p{N}\p{M}\n]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is spoken at one go."""

    text: str
    """Clean and speakable; empty where there is only an event to make."""

    style: Marker | None
    """The engine's own marker of the style in force; None = neutral."""

    events: tuple[PlacedEvent, ...]
    """In the order of their positions in `text`."""

    pronunciations: tuple[Pronunciation, ...] = ()
    """What the text itself or the user's lexicon says in IPA of stretches of `text`, in their order."""


class Segmenter:
    """Markers lifted out, markup cleaned away, sentences found; one reply long.

    The sentences do not depend on how the text was cut into chunks, unless `pause` was called. Any text will do.
    """

    def __init__(
        self,
        markers: MarkerMap,
        language: str = "en",
        max_chars: int = 400,
        first_clause_chars: int | None = None,
        normalize: Normalizer | None = None,
        left_out: Callable[[str], None] | None = None,
    ) -> None:
        """`language`: BCP 47, a hint. `first_clause_chars`: the first piece may end at a clause from there on.

        `normalize` is given each sentence when it is complete, and may make it longer than `max_chars`.
        `left_out` is told why a word's IPA was not used.
        """
        self._lifter = MarkerLifter(markers)
        self._cleaner = Cleaner(language)
        self._splitter = Splitter(language, max_chars, first_clause_chars)
        self._normalize = normalize
        self._style: Marker | None = None
        self._events: deque[tuple[int, Marker]] = deque()
        self._given: deque[tuple[int, int, str]] = deque()  # start and end in the whole text, IPA
        self._left_out = left_out or (lambda _: None)

    def push(self, chunk: str) -> list[Sentence]:
        """The sentences that are complete by now."""
        sentences: list[Sentence] = []
        for start in range(0, len(chunk), _BLOCK):
            sentences += self._read(self._lifter.push(chunk[start : start + _BLOCK]))
        return sentences

    def pause(self) -> list[Sentence]:
        """The stream has paused: also what surely ends a sentence or a long clause."""
        sentences = self._sentences(self._splitter.pause())
        if self._events and not sentences:
            sentences = self._lone_events()
        return sentences

    def finish(self) -> list[Sentence]:
        """All that is left; the reply ends here."""
        sentences = self._read(self._lifter.finish())
        sentences += self._spoken(self._cleaner.finish())
        sentences += self._sentences(self._splitter.end(), closing=True)
        if not self._splitter.begun and self._cleaner.code:
            sentences += self._code(self._cleaner.code)
        return sentences + self._lone_events()

    def _read(self, items: Iterable[Lifted]) -> list[Sentence]:
        sentences: list[Sentence] = []
        for item in items:
            if isinstance(item, str):
                sentences += self._spoken(self._cleaner.push(item))
            elif isinstance(item, Given):
                sentences += self._word(item)
            elif not self._cleaner.fenced:
                sentences += self._spoken(self._cleaner.interrupt())
                sentences += self._mark(item)
        return sentences

    def _spoken(self, items: Iterable[TextOrBreak]) -> list[Sentence]:
        sentences: list[Sentence] = []
        for item in items:
            if item is Break.LINE:
                sentences += self._sentences(self._splitter.end_line(), closing=True)
            else:
                sentences += self._sentences(self._splitter.push(item))
        return sentences

    def _word(self, given: Given) -> list[Sentence]:
        """A word goes the way of all text, and its place is remembered."""
        sentences = self._spoken(self._cleaner.flush())
        text = "".join(each for each in self._cleaner.push(given.word) + self._cleaner.flush() if isinstance(each, str))
        if given.why:
            self._left_out(given.why)
        if not text:  # in a fence
            return sentences
        word = text.lstrip(" ,")
        pieces = self._splitter.push(text, whole=len(word) if given.ipa else 0)
        if given.ipa and word:
            end = self._splitter.length
            self._given.append((end - len(word), end, given.ipa))
        return sentences + self._sentences(pieces)

    def _mark(self, mark: Mark) -> list[Sentence]:
        """A style ends what came before it; an event is remembered with its place."""
        if mark.kind is MarkerKind.EVENT and mark.marker:
            self._events.append((self._splitter.length, mark.marker))
        if mark.kind is not MarkerKind.STYLE or _native(mark.marker) == _native(self._style):
            return []
        sentences = self._sentences(self._splitter.end(), closing=True)
        self._style = mark.marker
        return sentences

    def _sentences(self, pieces: list[Piece], closing: bool = False) -> list[Sentence]:
        """The pieces with their events; `closing`: one at the very end belongs to the last piece."""
        return [
            self._sentence(piece, closing and piece is pieces[-1])
            for piece in pieces
            if _SPEAKABLE_RE.search(piece.text)
        ]

    def _sentence(self, piece: Piece, closing: bool) -> Sentence:
        positions: list[int] = []
        markers: list[Marker] = []
        while self._events and self._events[0][0] < piece.stop + closing:
            at, marker = self._events.popleft()
            positions.append(min(max(at - piece.start, 0), len(piece.text)))
            markers.append(marker)
        given = self._given_in(piece)
        places = [min(max(at - piece.start, 0), len(piece.text)) for start, end, _ in given for at in (start, end)]
        text, positions = _tidy(piece.text, positions + places)
        starts, ends = positions[len(markers) :: 2], positions[len(markers) + 1 :: 2]
        said = tuple(
            Pronunciation(start, end, ipa)
            for start, end, (_, _, ipa) in zip(starts, ends, given, strict=True)
            if start < end
        )
        if self._normalize is None:
            return Sentence(text, self._style, _placed(zip(positions, markers, strict=False)), said)
        spoken = self._normalize(text, said)
        events = _placed(zip(map(spoken.place, positions), markers, strict=False))
        return Sentence(spoken.text, self._style, events, spoken.pronunciations)

    def _given_in(self, piece: Piece) -> list[tuple[int, int, str]]:
        """The words with their sounds that are whole in a piece; one that was cut is said as it is spelt."""
        found = []
        while self._given and self._given[0][0] < piece.stop:
            given = self._given.popleft()
            if piece.start <= given[0] and given[1] <= piece.start + len(piece.text):
                found.append(given)
            else:
                self._left_out("its word is too long for one sentence")
        return found

    def _lone_events(self) -> list[Sentence]:
        """Events behind which no words came."""
        if not self._events:
            return []
        events = _placed((0, marker) for _, marker in self._events)
        self._events.clear()
        return [Sentence("", self._style, events)]

    def _code(self, code: str) -> list[Sentence]:
        """The words of code, for a reply that holds nothing else: silence would look like a failure."""
        sentences: list[Sentence] = []
        for line in code.splitlines():
            if words := _NOT_WORD_RE.sub(" ", line).strip():
                sentences += self._sentences(self._splitter.push(words))
                sentences += self._sentences(self._splitter.end_line(), closing=True)
        return sentences + self._sentences(self._splitter.end(), closing=True)


def _native(marker: Marker | None) -> object:
    return None if marker is None else marker.native


def _placed(events: Iterable[tuple[int, Marker]]) -> tuple[PlacedEvent, ...]:
    return tuple(PlacedEvent(position, marker.name, marker.native) for position, marker in events)


def _tidy(text: str, positions: list[int]) -> tuple[str, list[int]]:
    """Without punctuation that lost what it belonged to, and the positions moved along."""
    cuts = [found.span()] if (found := _LEADING_RE.match(text)) else []
    cuts += [m.span() for m in _EMPTY_RE.finditer(text, cuts[0][1] if cuts else 0)]
    for start, end in reversed(cuts):
        text = text[:start] + text[end:]
        positions = [at - min(max(at - start, 0), end - start) for at in positions]
    return text.rstrip(), [min(at, len(text.rstrip())) for at in positions]
