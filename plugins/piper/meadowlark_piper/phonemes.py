"""Text → the symbols of a voice → the numbers that its model reads."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from meadowlark.kit.pronunciation import pieces
from meadowlark_espeakng.phonemes import Phonemizer
from meadowlark_espeakng.voices import base_voices

from .config import VoiceConfig
from .errors import VoiceFileError

_LOGGER = logging.getLogger(__name__)

BEGIN, PAD, END = "^", "_", "$"
MOST_SYMBOLS = 500
"""In one run: the model's attention needs memory for the square of it. A sentence of 400 letters has about 400."""

_OTHER_MARKS = {"…": ".", "—": ",", ";": ",", ":": ","}
"""Punctuation → what says nearly the same, for voices that were trained without it."""

_BREAKS = re.compile(r"(?<=[.!?,;:])\s+|\s+")


class Speller:
    """Spells text for one voice."""

    def __init__(self, config: VoiceConfig, phonemizer: Phonemizer, voice: str = "") -> None:
        """voice: for messages. Raises VoiceFileError where espeak-ng has not the language."""
        missing = [symbol for symbol in (BEGIN, PAD, END) if symbol not in config.phoneme_ids]
        if missing:
            raise VoiceFileError(f"the phoneme_id_map of voice {voice} has no {' '.join(missing)}")
        self._config, self._phonemizer, self._voice = config, phonemizer, voice
        self._espeak = espeak_identifier(config.espeak_voice) if config.phoneme_type == "espeak" else ""
        self.unknown: Counter[str] = Counter()
        """Symbols that the voice does not have, and how often they were left out."""

    def sentences(self, text: str) -> Iterator[list[int]]:
        """The numbers of each sentence; nothing for a text without any sound."""
        before = len(self.unknown)
        for symbols in self._symbols(text):
            for run in _runs(symbols):
                if ids := self._ids(run):
                    yield ids
        if len(self.unknown) > before:
            _LOGGER.warning(
                "Voice %s has no sound for %s; left out (%d so far)",
                self._voice,
                " ".join(self.unknown),
                self.unknown.total(),
            )

    def _symbols(self, text: str) -> Iterator[str]:
        """Each sentence as one string of symbols."""
        if self._config.phoneme_type == "text":
            plain = "".join(piece.text + piece.mark for piece in pieces(text))
            yield unicodedata.normalize("NFD", plain.casefold()).strip()
            return
        sentence: list[str] = []
        for symbols, ends in self._clauses(text):
            sentence.append(symbols)
            if ends:
                yield unicodedata.normalize("NFD", " ".join(sentence))
                sentence = []
        if sentence:
            yield unicodedata.normalize("NFD", " ".join(sentence))

    def _clauses(self, text: str) -> Iterator[tuple[str, bool]]:
        """(phonemes with the clause's mark, whether a sentence ends)."""
        for piece in pieces(text):
            if piece.ipa:
                yield piece.ipa + piece.mark, piece.mark != "" and piece.mark in ".!?…"
                continue
            for clause in self._phonemizer.clauses(piece.text, self._espeak):
                yield clause.phonemes + clause.mark, clause.ends_sentence

    def _ids(self, symbols: str) -> list[int]:
        """[BEGIN, PAD, each symbol with a PAD behind it, END]; empty where no symbol is known."""
        table = self._config.phoneme_ids
        pad = table[PAD]
        ids: list[int] = []
        for symbol in self._mapped(symbols):
            if known := table.get(symbol) or table.get(_OTHER_MARKS.get(symbol, "")):
                ids += (*known, *pad)
            else:
                self.unknown[symbol] += 1
        return [*table[BEGIN], *pad, *ids, *table[END]] if ids else []

    def _mapped(self, symbols: str) -> Iterator[str]:
        for symbol in symbols:
            yield from self._config.phoneme_map.get(symbol, (symbol,))


def espeak_identifier(name: str) -> str:
    """espeak-ng's own identifier ("gmw/en-US") of what a voice's JSON calls it ("en-us"). Raises VoiceFileError."""
    wanted = name.lower().rpartition("/")[2]
    voices = base_voices()
    for tag in (wanted, wanted.partition("-")[0]):
        for voice in voices:
            if voice.identifier.lower().rpartition("/")[2] == tag:
                return voice.identifier
        for voice in voices:
            if tag in voice.languages:
                return voice.identifier
    raise VoiceFileError(f"espeak-ng has no voice {name!r}, which this voice takes its phonemes from")


def _runs(symbols: str) -> Iterator[str]:
    """Pieces of at most MOST_SYMBOLS, cut at punctuation or between words where there is one."""
    while len(symbols) > MOST_SYMBOLS:
        spaces = [match.start() for match in _BREAKS.finditer(symbols, 0, MOST_SYMBOLS)]
        marked = [at for at in spaces if at and symbols[at - 1] in ".!?,;:…—"]
        cut = (marked or spaces or [MOST_SYMBOLS])[-1] or MOST_SYMBOLS
        yield symbols[:cut]
        symbols = symbols[cut:].lstrip()
    if symbols:
        yield symbols
