"""One private copy of the espeak-ng library, spoken to through ctypes.

espeak-ng keeps its state in global variables: two threads in one library crash (in 3 of 3 runs). The loader takes the
same bytes under another name for another library, so every `Library` here is independent of all others, in any thread.
One `Library` still belongs to one thread at a time. It cannot be unloaded: make few and keep them.

The library is used in SYNCHRONOUS mode only. In RETRIEVAL mode `espeak_Cancel` was seen to block for 39 s; here the
callback's return value stops an utterance within a block.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from .data import REMEDY, Installation, installations
from .errors import EspeakError, InstallationError, UnknownVoiceError
from .voices import USUAL_PITCH, pitch, variant_names

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000  # without it a bad data path ends our process with exit(1)
_UTF8 = 1
_PHONEMES = 0x100
_END_PAUSE = 0x1000
_IPA = 2
_POSITION_CHARACTER = 1
_EVENT_LIST_END, _EVENT_WORD = 0, 1

_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffe\uffff]")
"""NUL ends a C string; U+0001 begins an embedded command ("\\x0150S" = speed 50) that outlives its utterance; lone
surrogates are not UTF-8; private characters mean nothing."""


class Parameter(IntEnum):
    """What `set_parameter` sets; the numbers are espeak-ng's."""

    RATE = 1
    """Words a minute, 80-450."""

    VOLUME = 2
    """0-200, 100 is normal."""

    PITCH = 3
    """0-99, 50 is the voice's own."""

    RANGE = 4
    """0-99: 0 is monotone, 50 is the voice's own."""

    WORD_GAP = 7
    """Pause between words in units of 10 ms (at the normal rate)."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word and when it is heard."""

    position: int
    """Index of its first character in the text."""

    length: int
    """Characters."""

    sample: int
    """Its first sample, counted from the start of the utterance."""


OnBlock = Callable[[bytes, Sequence[Word]], bool]
"""Takes s16le audio and the words that begin in it; False stops the utterance."""


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Library:
    """espeak-ng at work, for one thread at a time; a voice or parameter stays until the next is set."""

    def __init__(self, block_ms: int = 60, found: Iterable[Installation] | None = None) -> None:
        """block_ms: audio per callback, at least 60. Raises InstallationError with the remedy."""
        self._c, installation = _load(installations() if found is None else found)
        self._declare()
        data = os.fsencode(installation.data)
        self.sample_rate: int = self._c.espeak_Initialize(_SYNCHRONOUS, block_ms, data, _DONT_EXIT)
        if self.sample_rate <= 0:
            raise InstallationError(f"espeak-ng cannot use its data in {installation.data}: version mismatch? {REMEDY}")
        self.data = installation.data
        self._variants = frozenset(variant_names(self.data))
        self._voice = ""
        self._pitch = USUAL_PITCH
        self._on_block: OnBlock | None = None
        self._wants_words = False
        self._failure: BaseException | None = None
        self._callback = _Callback(self._block)  # must live as long as the library may call it
        self._c.espeak_SetSynthCallback(self._callback)

    @property
    def version(self) -> str:
        """Such as "1.52.0"."""
        return str(self._c.espeak_Info(None), "ascii").split()[0]

    def set_voice(self, identifier: str, variant: str = "") -> None:
        """Speak as this voice from now on; free when it does already. Raises UnknownVoiceError.

        A switch takes 0.02-0.5 ms, but 9-23 ms for Russian, whose dictionary of 8 MB is read anew each time.
        """
        if variant and variant not in self._variants:  # espeak-ng itself would silently speak without it
            raise UnknownVoiceError(f"espeak-ng has no variant {variant!r}")
        name = f"{identifier}+{variant}" if variant else identifier
        if name == self._voice:
            return
        self._voice = ""
        if self._c.espeak_SetVoiceByName(name.encode()):
            raise UnknownVoiceError(f"espeak-ng has no voice {identifier!r}")
        self._pitch = pitch(identifier, variant, self.data)
        self._voice = name

    def widest_range(self, pitch: int) -> int:
        """The largest Parameter.RANGE that this voice bears at this Parameter.PITCH, 50-99.

        espeak-ng 1.52 crashes where the intonation would fall below 0 Hz. The least range that does so was measured for
        the seven variants that get there ("Demonic": 64 at pitch 0, 89 at 50); this stays at least 5 below.
        """
        low, high = self._pitch
        return min(99, round(50 + (20 + pitch) * (low - 9) / (high - low))) if high > low else 99

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Raises EspeakError when espeak-ng refuses it."""
        if self._c.espeak_SetParameter(parameter, value, 0):
            raise EspeakError(f"espeak-ng refuses {parameter.name.lower()} = {value}")

    def synthesize(
        self, text: str, on_block: OnBlock, *, end_pause: bool = True, words: bool = False, phonemes: bool = False
    ) -> None:
        """Speak plain text; returns when all is spoken or `on_block` has returned False. Raises what that raises.

        words: tell `on_block` about words too. Markup and control characters mean nothing; neither do phoneme
        brackets, `[[…]]`, unless `phonemes`.
        """
        encoded = speakable(text).encode()
        self._on_block, self._wants_words, self._failure = on_block, words, None
        flags = _UTF8 | (_END_PAUSE if end_pause else 0) | (_PHONEMES if phonemes else 0)
        error = self._c.espeak_Synth(encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, flags, None, None)
        self._on_block = None
        if self._failure:
            raise self._failure
        if error:
            raise EspeakError(f"espeak-ng could not speak (error {error})")

    def clauses(self, text: str, tie: str = "") -> Iterator[tuple[str, str]]:
        """The text clause by clause, as espeak-ng divides it, with the IPA of each; concatenated, it is the text.

        tie: the character that joins the letters of one phoneme. The iterator must be run to its end.
        """
        encoded = speakable(text).encode()
        buffer = ctypes.create_string_buffer(encoded, len(encoded) + 1)
        base = ctypes.addressof(buffer)
        position = ctypes.c_void_p(base)
        mode = _ipa_mode(tie)
        begin = 0
        while position.value is not None:
            ipa = self._c.espeak_TextToPhonemes(ctypes.byref(position), _UTF8, mode)
            end = len(encoded) if position.value is None else _without_last(encoded, position.value - base)
            yield encoded[begin:end].decode(), str(ipa, "utf-8", "replace")
            begin = end

    def sounds(self, mnemonics: Iterable[str], tie: str = "") -> list[tuple[str, str]]:
        """What `[[…]]` says in the present voice, for each: what was understood, in mnemonics, and its IPA."""
        self._read_brackets(True)
        try:
            return [(self._phonemes(each, 0), self._phonemes(each, _ipa_mode(tie))) for each in mnemonics]
        finally:
            self._read_brackets(False)

    def _read_brackets(self, on: bool) -> None:
        """espeak_TextToPhonemes has no flag for it; what the last espeak_Synth was told holds."""
        self._on_block = None
        self._c.espeak_Synth(b" ", 2, 0, _POSITION_CHARACTER, 0, _UTF8 | (_PHONEMES if on else 0), None, None)

    def _phonemes(self, mnemonics: str, mode: int) -> str:
        buffer = ctypes.create_string_buffer(f"[[{mnemonics}]]".encode())
        position = ctypes.c_void_p(ctypes.addressof(buffer))
        return str(self._c.espeak_TextToPhonemes(ctypes.byref(position), _UTF8, mode), "utf-8", "replace").strip()

    def _declare(self) -> None:
        c = self._c
        c.espeak_Initialize.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
        c.espeak_Info.argtypes = (ctypes.c_void_p,)
        c.espeak_Info.restype = ctypes.c_char_p
        c.espeak_SetVoiceByName.argtypes = (ctypes.c_char_p,)
        c.espeak_SetParameter.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
        c.espeak_SetSynthCallback.argtypes = (_Callback,)
        c.espeak_SetSynthCallback.restype = None
        c.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        c.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int)
        c.espeak_TextToPhonemes.restype = ctypes.c_char_p

    def _block(self, wave: int | None, samples: int, events: ctypes._Pointer[_Event]) -> int:
        """Called by espeak-ng; 1 stops it. An exception must not escape: ctypes would print it and go on."""
        try:
            if self._failure or not self._on_block:
                return 1
            words = tuple(_words(events)) if self._wants_words else ()
            audio = ctypes.string_at(wave, samples * 2) if wave and samples > 0 else b""
            if not audio and not words:
                return 0
            return 0 if self._on_block(audio, words) else 1
        except BaseException as error:
            self._failure = error
            return 1


def speakable(text: str) -> str:
    """The text with a space for every character that espeak-ng must not see; as long as it was."""
    return _UNSPEAKABLE.sub(" ", text)


def _ipa_mode(tie: str) -> int:
    return _IPA | (0x80 | ord(tie) << 8 if tie else 0)


def _words(events: ctypes._Pointer[_Event]) -> Iterator[Word]:
    index = 0
    while (event := events[index]).type != _EVENT_LIST_END:
        if event.type == _EVENT_WORD:
            yield Word(event.text_position - 1, event.length, event.sample)
        index += 1


def _without_last(encoded: bytes, end: int) -> int:
    """espeak-ng 1.52 returns one character too far: it has looked at the first of the next clause, and remembers it."""
    end -= 1
    while end > 0 and encoded[end] & 0xC0 == 0x80:
        end -= 1
    return end


def _load(found: Iterable[Installation]) -> tuple[ctypes.CDLL, Installation]:
    """A fresh copy of the first library that loads."""
    reasons = []
    for installation in found:
        try:
            return _copy(installation.library or _system_library()), installation
        except OSError as error:
            reasons.append(str(error))
    raise InstallationError(f"espeak-ng is not installed{''.join(f'; {each}' for each in reasons)}. {REMEDY}")


def _system_library() -> Path:
    """The file behind the system's libespeak-ng, as its loader finds it."""
    name = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
    ctypes.CDLL(name)
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "/libespeak-ng.so" in line:
            return Path(line[line.index("/") :])
    raise OSError(f"{name} was loaded, but its file is not in /proc/self/maps")


def _copy(library: Path) -> ctypes.CDLL:
    """Load the library under a name of its own: from memory, else from a file in the temporary folder.

    Either alone would fail somewhere: that folder may be mounted noexec, a sandbox may forbid to execute memory files.
    """
    content = library.read_bytes()
    try:
        # Never closed: the loader compares names, and /proc/self/fd/N must not come to mean another copy.
        fd = os.memfd_create(library.name, os.MFD_CLOEXEC)
        Path(f"/proc/self/fd/{fd}").write_bytes(content)
        return ctypes.CDLL(f"/proc/self/fd/{fd}")
    except OSError:
        # The mapping outlives the name.
        with tempfile.NamedTemporaryFile(prefix=f"meadowlark-{os.getpid()}-", suffix=".so") as file:
            file.write(content)
            file.flush()
            return ctypes.CDLL(file.name)
