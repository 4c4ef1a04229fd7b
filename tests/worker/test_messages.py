"""Messages survive the way, and nonsense does not get in."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import get_args

import pytest
from wyoming.event import Event, read_event

from meadowlark.api import Attribution, PlacedEvent, Utterance, Voice
from meadowlark.worker.messages import (
    Born,
    Cancel,
    Chunk,
    Done,
    Exited,
    Failed,
    Failure,
    Fork,
    ForkFailed,
    Hello,
    Importing,
    Load,
    Loaded,
    LoadFailed,
    Message,
    Opening,
    Ready,
    Speak,
    Unload,
    describe_exit,
    encode,
    from_event,
    from_packet,
    to_event,
    to_packet,
)

UTTERANCE = Utterance(
    "Grüß Gott, 世界 🎉",
    Voice("anna", ("de-AT", "de"), "Anna", ("one", "two"), {"speed": 1.5, "model": "x"}, Attribution("A", "https://a")),
    "de-AT",
    variant="whisper",
    speaker="two",
    style={"rate": 1.2, "loud": True},
    style_name="excited",
    events=(PlacedEvent(4, "laugh", "(laughs)"), PlacedEvent(9, "sigh", {"length": 2})),
    options={"temperature": 0.7, "steps": 12},
)
STREAM = [
    Load(
        "kokoro",
        "meadowlark_kokoro.pipeline:Kokoro",
        24000,
        "cuda:0",
        "/data",
        "/voices",
        {"half": True},
        {"model.onnx": "/m"},
        20,
    ),
    Speak(1, UTTERANCE, 16000),
    Speak(2, replace(UTTERANCE, style="(excited)", events=()), None),
    Cancel(2),
    Unload(),
    Loaded(1.5, 0.25, 123_456_789),
    Loaded(1.5, 0.25, 123_456_789, 234_567_890, 3_456_789_012, 4_567_890_123),
    LoadFailed(Failure.OUT_OF_MEMORY, "CUDA out of memory"),
    Opening(3),
    Opening(3, over=True),
    Chunk(3, bytes(range(256))),
    Done(3, 1.25, 0.5, 0.05),
    Done(4, 1.25, 0.5, 0.05, 123_456_789, 234_567_890, 3_456_789_012, 4_567_890_123),
    Failed(4, Failure.NO_AUDIO, "made no audio"),
]
PACKETS = [
    Hello(1, "1.2.3"),
    Importing("torch"),
    Ready({"torch": "ImportError: libcuda"}, ("Thread-1",)),
    Fork("kokoro"),
    Born(4711),
    ForkFailed("Resource temporarily unavailable"),
    Exited(4711, "killed by SIGSEGV"),
]


def test_every_message_is_tried_here():
    assert {type(message) for message in STREAM + PACKETS} == set(get_args(Message))


@pytest.mark.parametrize("message", STREAM, ids=lambda message: type(message).__name__)
def test_over_a_stream(message):
    event = read_event(io.BytesIO(encode(message)))

    assert from_event(event) == message


@pytest.mark.parametrize("message", PACKETS, ids=lambda message: type(message).__name__)
def test_in_a_packet(message):
    assert from_packet(to_packet(message)) == message


def test_the_frame_is_wyomings():
    event = to_event(Chunk(3, b"\1\2"))

    assert (event.type, event.data, event.payload) == ("chunk", {"job": 3}, b"\1\2")
    assert to_event(LoadFailed(Failure.ERROR, "no")).type == "load-failed"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Event("describe"), "'describe' is not a message"),
        (Event("cancel"), "'cancel': .*missing required field `job`"),
        (Event("cancel", {"job": "seven"}), "Expected `int`, got `str`"),
        (Event("failed", {"job": 1, "kind": "boredom", "message": ""}), "Invalid enum value 'boredom'"),
        (Event("load", {}), "missing required field"),
    ],
)
def test_nonsense_is_a_value_error(event, message):
    with pytest.raises(ValueError, match=message):
        from_event(event)


@pytest.mark.parametrize("packet", [b"", b"noise", b'{"type": "born"}', b"\xff"])
def test_a_packet_of_nonsense_is_a_value_error(packet):
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        from_packet(packet)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (7, "exit code 7"),
        (-11, "killed by SIGSEGV"),
        (-9, "killed by SIGKILL"),
        (-45, "killed by signal 45"),
    ],
)
def test_an_exit_in_words(code, words):
    assert describe_exit(code) == words
