"""Text → audio as espeak-ng makes it, block by block.

espeak_Synth returns when all is spoken and hands out audio from inside; a generator must stop in mid-sentence. Hence a
thread of its own for each library, and a short queue between the two: the thread stays at most `AHEAD` blocks ahead.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from .errors import EspeakError
from .library import Library, Parameter, Word, speakable

BLOCK_MS = 60
"""espeak-ng's least: first audio after 0.25 ms, against 0.36 ms with 200 and 1.1 ms with 1000."""

AHEAD = 64
"""Blocks made before they are fetched: a usual sentence is finished at once, a book does not pile up."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """How to speak; units and ranges as in `Parameter`."""

    rate: int = 175
    pitch: int = 50
    range: int = 50
    volume: int = 100
    word_gap: int = 0


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
    output: SimpleQueue[tuple[bytes, Sequence[Word]] | _End] = field(default_factory=SimpleQueue)
    room: threading.Semaphore = field(default_factory=threading.Semaphore)
    unwanted: bool = False


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
        return self._library.sample_rate

    def speak(
        self,
        text: str,
        voice: str,
        variant: str = "",
        prosody: Prosody | None = None,
        *,
        end_pause: bool = True,
        on_word: Callable[[Word], None] | None = None,
    ) -> Iterator[bytes]:
        """Yield s16le mono of any plain text, in blocks of about 60 ms; closing the iterator stops within a block.

        voice: an identifier ("gmw/en-US"). end_pause: the pause after a sentence (0.3 s) follows the last one too.
        on_word: called before the block in which the word begins. Raises UnknownVoiceError, EspeakError.
        """
        job = _Job(text, voice, variant, prosody or Prosody(), on_word is not None, end_pause)
        if self._process != os.getpid():
            self._start()
        if not self._free.acquire(blocking=False):
            raise EspeakError("still speaking: close the last utterance first, or use another Synthesizer")
        ended, room = False, AHEAD
        try:
            self._jobs.put(job)
            while not isinstance(item := job.output.get(), _End):
                audio, words = item
                job.room.release(room)
                room = 1
                for word in words if on_word else ():
                    on_word(word)
                if audio:
                    yield audio
            ended = True
            if item.error:
                raise item.error
        finally:
            job.unwanted = True
            job.room.release()
            while not ended:  # the library must be at rest before the next utterance
                ended = isinstance(job.output.get(), _End)
            self._free.release()

    def close(self) -> None:
        """End the thread; the copy of the library stays in memory."""
        self._jobs.put(None)

    def _start(self) -> None:
        self._process = os.getpid()
        self._library = Library(BLOCK_MS)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._free = threading.Lock()
        threading.Thread(target=_work, args=(self._library, self._jobs), name="espeak-ng", daemon=True).start()


def _work(library: Library, jobs: SimpleQueue[_Job | None]) -> None:
    """The thread: nobody else touches the library."""
    while job := jobs.get():
        try:
            _speak(library, job)
        except BaseException as error:
            job.output.put(_End(error))
        else:
            job.output.put(_End())


def _speak(library: Library, job: _Job) -> None:
    def hand_over(audio: bytes, words: Sequence[Word]) -> bool:
        job.room.acquire()
        if job.unwanted:
            return False
        job.output.put((audio, words))
        return True

    if job.unwanted:
        return
    library.set_voice(job.voice, job.variant)
    for parameter in Parameter:
        library.set_parameter(parameter, getattr(job.prosody, parameter.name.lower()))
    library.synthesize(job.text, hand_over, end_pause=job.end_pause, words=job.words)
