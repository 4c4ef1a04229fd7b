"""What a pipeline yields becomes audio fit to be heard, or an error."""

from __future__ import annotations

import pytest

from meadowlark.api import Pipeline, PipelineContext, Utterance, Voice
from meadowlark.worker.job import Cancelled, JobError, failure_of, perform
from meadowlark.worker.messages import Failure, Speak

RATE = 16000
SOUND = b"\1\0" * 100
ZEROS = bytes(200)


class Scripted(Pipeline):
    """Yields what it was told to and remembers whether it was closed."""

    def __init__(self, *chunks: object) -> None:
        super().__init__(PipelineContext("scripted"))
        self.chunks = chunks
        self.yielded = 0
        self.closed = False

    def synthesize(self, utterance: Utterance):
        try:
            for chunk in self.chunks:
                self.yielded += 1
                yield chunk
        finally:
            self.closed = True


class Returning(Scripted):
    """Returns its chunk instead of yielding."""

    def synthesize(self, utterance: Utterance):
        return self.chunks[0]


def speak(text: str = "Hello", rate: int | None = None) -> Speak:
    return Speak(1, Utterance(text, Voice("v", ("en",)), "en"), rate)


def hear(pipeline: Pipeline, text: str = "Hello", rate: int | None = None) -> list[bytes]:
    """What is sent of it."""
    pieces = perform(pipeline, speak(text, rate), RATE, lambda: False)
    return [piece.payload for piece in pieces if piece.payload]


def test_bytes_pass_through_piece_by_piece():
    pieces = list(perform(Scripted(SOUND, ZEROS, SOUND), speak(), RATE, lambda: False))

    assert [piece.payload for piece in pieces] == [SOUND, ZEROS, SOUND]
    assert pieces[0].seconds == 100 / RATE


def test_silence_before_the_first_sound_is_held_back_and_not_lost():
    pipeline = Scripted(ZEROS, b"", ZEROS, SOUND, SOUND)
    pieces = perform(pipeline, speak(), RATE, lambda: False)

    assert [next(pieces).payload for _ in range(4)] == [b"", b"", b"", ZEROS + ZEROS + SOUND]
    assert pipeline.yielded == 4
    assert next(pieces).payload == SOUND


@pytest.mark.parametrize("rate", [None, 24000])
def test_each_chunk_is_a_turn_though_nothing_may_come_of_it(rate):
    pipeline = Scripted(b"", SOUND, b"", SOUND)
    pieces = perform(pipeline, speak(rate=rate), RATE, lambda: False)

    assert [(next(pieces), pipeline.yielded)[1] for _ in range(4)] == [1, 2, 3, 4]


def test_empty_chunks_are_not_sent():
    assert hear(Scripted(b"", SOUND, b"", SOUND)) == [SOUND, SOUND]


@pytest.mark.parametrize(
    ("text", "chunks", "message"),
    [
        ("Hello", (), "made no audio"),
        ("Hello", (b"",), "made no audio"),
        ("Hello", (ZEROS, ZEROS), "made nothing but silence"),
        ("42", (ZEROS,), "made nothing but silence"),
        ("你好", (ZEROS,), "made nothing but silence"),
        ("…!", (), "made no audio"),
    ],
)
def test_silence_that_looks_like_success_is_an_error(text, chunks, message):
    with pytest.raises(JobError, match=message) as caught:
        hear(Scripted(*chunks), text)

    assert caught.value.kind is Failure.NO_AUDIO


@pytest.mark.parametrize(("text", "chunks", "heard"), [("…!", (ZEROS,), [ZEROS]), ("", (), []), (" ", (), [])])
def test_silence_is_right_where_nothing_is_to_be_said(text, chunks, heard):
    assert hear(Scripted(*chunks), text) == heard


def test_bad_audio_ends_the_job_and_closes_the_pipeline():
    pipeline = Scripted(SOUND, [0.1, 0.2], SOUND)
    with pytest.raises(JobError, match="list is not audio") as caught:
        hear(pipeline)

    assert caught.value.kind is Failure.BAD_AUDIO
    assert pipeline.yielded == 2
    assert pipeline.closed


@pytest.mark.parametrize(("result", "name"), [(None, "NoneType"), (SOUND, "bytes"), (3, "int")])
def test_a_pipeline_that_returns_audio_instead_of_yielding_is_told(result, name):
    with pytest.raises(JobError, match=f"synthesize returned {name}; it must yield"):
        hear(Returning(result))


def test_any_iterable_will_do():
    assert hear(Returning([SOUND, SOUND])) == [SOUND, SOUND]


def test_a_cancelled_pipeline_makes_no_further_chunk():
    pipeline = Scripted(SOUND, SOUND, SOUND, SOUND)
    cancelled = False
    pieces = perform(pipeline, speak(), RATE, lambda: cancelled)
    next(pieces)
    cancelled = True

    with pytest.raises(Cancelled):
        next(pieces)
    assert pipeline.yielded == 1
    assert pipeline.closed


def test_a_job_cancelled_before_its_turn_is_not_begun():
    pipeline = Scripted(SOUND)
    with pytest.raises(Cancelled):
        list(perform(pipeline, speak(), RATE, lambda: True))

    assert pipeline.yielded == 0


def test_a_pipeline_that_ends_early_because_of_a_cancel_is_no_failure():
    cancelled = iter([False, True])
    with pytest.raises(Cancelled):
        list(perform(Scripted(), speak(), RATE, lambda: next(cancelled)))


@pytest.mark.parametrize("rate", [8000, 24000])
def test_another_rate_lasts_as_long(rate):
    heard = b"".join(hear(Scripted(*[SOUND] * 160), rate=rate))

    assert len(heard) == 2 * rate


class OutOfMemoryError(RuntimeError):
    """Torch's has this name."""


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("bad"), Failure.ERROR, "ValueError: bad"),
        (KeyError("voice"), Failure.ERROR, "KeyError: 'voice'"),
        (AssertionError(), Failure.ERROR, "AssertionError"),
        (SystemExit(3), Failure.ERROR, "SystemExit: 3"),
        (MemoryError(), Failure.OUT_OF_MEMORY, "MemoryError"),
        (OutOfMemoryError("no room"), Failure.OUT_OF_MEMORY, "OutOfMemoryError: no room"),
        (RuntimeError("CUDA error: out of memory"), Failure.OUT_OF_MEMORY, "RuntimeError: CUDA error: out of memory"),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"), Failure.OUT_OF_MEMORY, "RuntimeError: CUBLAS_STATUS_ALLOC_FAILED"),
        (OSError("caf\udce9"), Failure.ERROR, "OSError: caf?"),
    ],
)
def test_an_exception_in_one_line(error, kind, message):
    assert failure_of(error) == (kind, message)


def test_an_endless_message_is_cut():
    assert len(failure_of(ValueError("x" * 100_000))[1]) < 1100
