"""Text → audio as espeak-ng makes it, block by block.

espeak_Synth returns when all is spoken and hands out audio from inside; a generator must stop in mid-sentence. Hence a
thread of its own for each library, and a short queue between the two: the thread stays at most `AHEAD` blocks ahead.
"""

from __future__ import annotations

import os
import threading
import weakref
from bisect import bisect_right
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from .errors import EspeakError
from .library import Library, Parameter, Word
from .mnemonics import Mnemonics, Sounds

BLOCK_MS = 100
"""60 is espeak-ng's least and would be 0.05 ms earlier, at twice the number of hand-overs."""

AHEAD = 32
"""Blocks made before they are fetched: a usual sentence is finished at once, a book does not pile up."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """How to speak; units as in `Parameter`. A range too wide for the voice (`Library.widest_range`) is narrowed."""

    rate: int = 175
    pitch: int = 50
    range: int = 50
    volume: int = 100
    word_gap: int = 0


class Synthesizer:
    """A library and its thread: one utterance at a time. Make several to speak in parallel; each is 1 MB.

    May be made before a fork: a child that uses it gets a library and a thread of its own.
    """

    def __init__(self) -> None:
        """Raises InstallationError."""
        self._start()

    @property
    def sample_rate(self) -> int:
        """Hz of all audio."""
        return self._thread.library.sample_rate

    def speak(
        self,
        text: str,
        voice: str,
        variant: str = "",
        prosody: Prosody | None = None,
        *,
        sounds: Sequence[Sounds] = (),
        end_pause: bool = True,
        on_word: Callable[[Word], None] | None = None,
    ) -> Generator[bytes, None, None]:
        """Yield s16le mono of any plain text, in blocks of 100 ms; closing the generator stops within a block.

        voice: an identifier ("gmw/en-US"). sounds: stretches of the text that are said by IPA, in order. end_pause:
        the pause after a sentence (0.3 s) follows the last one too. on_word: called before the block in which the
        word begins. Raises UnknownVoiceError, EspeakError.
        """
        job = _Job(text, voice, variant, prosody or Prosody(), on_word is not None, end_pause, tuple(sounds))
        if self._process != os.getpid():
            self._start()
        thread = self._thread
        if not thread.free.acquire(blocking=False):
            raise EspeakError("still speaking: close the last utterance first, or use another Synthesizer")
        ended, room = False, AHEAD
        try:
            thread.begin(job)
            while not isinstance(item := job.output.get(), _End):
                audio, words = item
                job.room.release(room)
                room = 1
                if on_word:
                    for word in words:
                        on_word(word)
                if audio:
                    yield audio
            ended = True
            if item.error:
                raise item.error
        finally:
            job.cancel()
            while not ended:  # the library must be at rest before the next utterance
                ended = isinstance(job.output.get(), _End)
            thread.free.release()

    def _start(self) -> None:
        self._process = os.getpid()
        self._thread = _Thread()
        # Also when Python ends: a generator that is still open then would wait for a thread that runs no more.
        weakref.finalize(self, self._thread.stop)


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


@dataclass(slots=True)
class _Job:
    text: str
    voice: str
    variant: str
    prosody: Prosody
    words: bool
    end_pause: bool
    sounds: tuple[Sounds, ...] = ()
    output: SimpleQueue[tuple[bytes, Sequence[Word]] | _End] = field(default_factory=SimpleQueue)
    room: threading.Semaphore = field(default_factory=threading.Semaphore)
    """One block, until that has been taken: the listener is woken before the rest is made (p99 1.7 → 0.5 ms)."""

    unwanted: bool = False

    def cancel(self) -> None:
        self.unwanted = True
        self.room.release()


class _Thread:
    """A library and the thread that alone uses it."""

    def __init__(self) -> None:
        self.library = Library(BLOCK_MS)
        self.mnemonics = Mnemonics(self.library)
        self.free = threading.Lock()
        self._process = os.getpid()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._job: _Job | None = None
        self._thread = threading.Thread(target=self._run, name="espeak-ng", daemon=True)
        self._thread.start()

    def begin(self, job: _Job) -> None:
        self._job = job
        self._jobs.put(job)

    def stop(self) -> None:
        """End the thread, in mid-sentence if need be; the copy of the library stays in memory."""
        if self._process == os.getpid():
            if self._job:
                self._job.cancel()
            self._jobs.put(None)
            if self._thread is not threading.current_thread():  # the collector may run in any thread
                self._thread.join()

    def _run(self) -> None:
        while job := self._jobs.get():
            try:
                self._speak(job)
            except BaseException as error:
                job.output.put(_End(error))
            else:
                job.output.put(_End())

    def _speak(self, job: _Job) -> None:
        text, places = job.text, [(0, 0)]

        def hand_over(audio: bytes, words: Sequence[Word]) -> bool:
            job.room.acquire()
            if job.unwanted:
                return False
            job.output.put((audio, tuple(_placed(word, places) for word in words) if job.sounds else words))
            return True

        if job.unwanted:
            return
        self.library.set_voice(job.voice, job.variant)
        self._set(job.prosody)
        if job.sounds:
            text, places = self.mnemonics.text(text, job.sounds, job.voice)
        options = {"end_pause": job.end_pause, "words": job.words, "phonemes": bool(job.sounds)}
        self.library.synthesize(text, hand_over, **options)

    def _set(self, prosody: Prosody) -> None:
        library = self.library
        library.set_parameter(Parameter.RATE, prosody.rate)
        library.set_parameter(Parameter.PITCH, prosody.pitch)
        library.set_parameter(Parameter.RANGE, min(prosody.range, library.widest_range(prosody.pitch)))
        library.set_parameter(Parameter.VOLUME, prosody.volume)
        library.set_parameter(Parameter.WORD_GAP, prosody.word_gap)


def _placed(word: Word, places: list[tuple[int, int]]) -> Word:
    """A word's place in the text as it was given; `places`: where each piece begins in what was spoken, and in that."""
    piece = bisect_right(places, word.position, key=lambda place: place[0]) - 1
    spoken, given = places[piece]
    if piece % 2:  # mnemonics: as long as what they stand for
        return Word(given, places[piece + 1][1] - given, word.sample)
    return Word(given + word.position - spoken, word.length, word.sample)
