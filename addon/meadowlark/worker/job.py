"""One sentence in the worker: what a pipeline yields becomes audio fit to be heard, or an error that says why not.

Knows nothing of sockets: it takes a pipeline and gives pieces of audio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..api import Pipeline, Utterance, is_out_of_memory
from ..audio import Resampler, amplified, seconds, to_s16le
from .messages import Failure, Speak

_MESSAGE_CHARS: Final = 1000
"""Some compilers put their whole source into an exception; the log has it all."""

_SAFE_SECONDS: Final = 0.5
_FRAME_BYTES: Final = 16_384


class Cancelled(Exception):  # noqa: N818 - not an error
    """The core does not want the rest."""


class JobError(Exception):
    """What came out of the pipeline cannot be played."""

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio ready to be sent; empty where the pipeline has worked and there is nothing to send yet."""

    payload: bytes
    seconds: float


NOTHING_YET: Final = Piece(b"", 0.0)


def perform(pipeline: Pipeline, speak: Speak, engine_rate: int, cancelled: Callable[[], bool]) -> Iterator[Piece]:
    """Speak an utterance at the rate asked for, a piece for each chunk of the pipeline: between two of them it may be
    others' turn. Raises Cancelled, JobError, or whatever the pipeline raises."""
    rate = speak.rate or engine_rate
    heard = _heard(pipeline, speak.utterance, cancelled)
    for payload in heard if rate == engine_rate else _resampled(heard, Resampler(engine_rate, rate)):
        loud = amplified(payload, speak.gain) if payload and speak.gain != 1.0 else payload
        yield Piece(loud, seconds(len(payload), rate))


def framed(pieces: Iterable[Piece], clock: Callable[[], float]) -> Iterator[Piece]:
    """The same audio in larger pieces while the listener has SAFE_SECONDS in hand; the first piece at once. As many
    pieces as it is given, empty ones in the place of those that are held back.

    A system call and a message for each 100 ms block cost the core more than espeak needs to make it.
    """
    held: list[Piece] = []
    begun, sent = clock(), 0.0
    try:
        for piece in pieces:
            if piece.payload:
                held.append(piece)
            if held and (
                sent - (clock() - begun) < _SAFE_SECONDS or sum(len(each.payload) for each in held) >= _FRAME_BYTES
            ):
                frame = _joined(held)
                sent += frame.seconds
                held = []
                yield frame
            else:
                yield NOTHING_YET
    except Cancelled:
        raise
    except Exception:
        if held:
            yield _joined(held)  # what was made before the failure is heard
        raise
    if held:
        yield _joined(held)


def failure_of(error: BaseException) -> tuple[Failure, str]:
    """The kind of an exception and its one line for the core, "ValueError: …"."""
    text = str(error).strip()[:_MESSAGE_CHARS].encode(errors="replace").decode()  # a file's name may be no Unicode
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return (Failure.OUT_OF_MEMORY if is_out_of_memory(error) else Failure.ERROR), message


def _heard(pipeline: Pipeline, utterance: Utterance, cancelled: Callable[[], bool]) -> Iterator[bytes]:
    """The pipeline's audio as s16le, chunk by chunk; nothing goes out before the first sound, so that a mute engine can
    be replaced."""
    mute = 0  # bytes of nothing but zeros, held back
    sounded = False
    if cancelled():
        raise Cancelled
    chunks = iter(_call(pipeline, utterance))
    try:
        for chunk in chunks:
            if cancelled():
                raise Cancelled
            pcm = _checked(chunk)
            if sounded:
                yield pcm
            elif pcm.count(0) == len(pcm):
                mute += len(pcm)
                yield b""
            else:
                sounded = True
                yield bytes(mute) + pcm
            if cancelled():  # while others were spoken: a chunk more would be made for nobody
                raise Cancelled
    finally:
        if close := getattr(chunks, "close", None):
            close()
    if cancelled():
        raise Cancelled  # a pipeline may end early because it saw the listener leave
    if not sounded:
        _require_silence_is_right(utterance.text, mute)
        if mute:
            yield bytes(mute)


def _call(pipeline: Pipeline, utterance: Utterance) -> Iterable[object]:
    result: object = pipeline.synthesize(utterance)
    if isinstance(result, Iterable) and not isinstance(result, (str, bytes)) and not hasattr(result, "dtype"):
        return result
    raise JobError(Failure.BAD_AUDIO, f"synthesize returned {type(result).__name__}; it must yield chunks of audio")


def _checked(chunk: object) -> bytes:
    try:
        return to_s16le(chunk)  # type: ignore[arg-type]  # whether it is audio is the question
    except (TypeError, ValueError) as error:
        raise JobError(Failure.BAD_AUDIO, str(error)) from error


def _require_silence_is_right(text: str, mute: int) -> None:
    """Silence passes where the text has nothing to say; no audio at all only where there is no text."""
    if any(letter.isalnum() for letter in text):
        raise JobError(Failure.NO_AUDIO, "made nothing but silence" if mute else "made no audio")
    if text.strip() and not mute:
        raise JobError(Failure.NO_AUDIO, "made no audio")


def _joined(pieces: list[Piece]) -> Piece:
    return Piece(b"".join(each.payload for each in pieces), sum(each.seconds for each in pieces))


def _resampled(stream: Iterator[bytes], resampler: Resampler) -> Iterator[bytes]:
    for payload in stream:
        yield resampler.push(payload) if payload else b""
    if out := resampler.finish():
        yield out
