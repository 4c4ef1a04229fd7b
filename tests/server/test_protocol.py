"""What a well-behaved client gets, event by event."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from wyoming.event import Event
from wyoming.info import Info

from meadowlark.catalog import VoiceRequest
from meadowlark.errors import WorkerError
from meadowlark.speech import Pcm

pytestmark = pytest.mark.usefixtures("virtual_time")

ONE_SHOT = ["audio-start", "audio-chunk", "audio-stop"]
STREAMED = [*ONE_SHOT, "synthesize-stopped"]


async def test_describe_answers_with_info(house):
    async with house.call() as caller:
        await caller.send(Event("describe"))
        info = Info.from_event(await caller.until("info"))
    assert [program.name for program in info.tts] == ["meadowlark", "tone", "bell"]


async def test_ping_is_copied_back(house):
    async with house.call() as caller:
        await caller.send(Event("ping", {"text": "¿hola? 👋"}))
        assert (await caller.until("pong")).data == {"text": "¿hola? 👋"}


async def test_one_shot(house):
    async with house.call() as caller:
        await caller.synthesize("hello")
        await caller.until("audio-stop")
        assert caller.kinds == ONE_SHOT
        assert caller.audio == b"\1\0" * 500
        for event in caller.events[:2]:
            assert (event.data["rate"], event.data["width"], event.data["channels"]) == (16_000, 2, 1)
            assert event.data["timestamp"] is None


async def test_home_assistants_stream_is_said_once(house):
    async with house.call() as caller:
        await caller.stream("one two ", "three")
        await caller.until("synthesize-stopped")
        assert caller.kinds == STREAMED
        assert house.speaker.texts == ["one two three"]
        assert caller.audio == b"\1\0" * 100 * len("onetwothree")


async def test_one_format_and_one_start_for_many_sentences(house):
    async with house.call() as caller:
        await caller.stream(*(f"sentence{n} " for n in range(20)))
        await caller.until("synthesize-stopped")
    assert [event.type for event in caller.events].count("audio-start") == 1
    assert [event.type for event in caller.events].count("audio-stop") == 1


async def test_a_one_shot_after_a_stream_is_honoured(house):
    async with house.call() as caller:
        await caller.stream("streamed")
        await caller.until("synthesize-stopped")
        await caller.synthesize("shot")
        await caller.until("audio-stop")
    assert house.speaker.texts == ["streamed", "shot"]
    assert caller.kinds == [*STREAMED, *ONE_SHOT]


async def test_several_requests_are_answered_in_order(house):
    async with house.call() as caller:
        await caller.synthesize("a")
        await caller.stream("bb")
        await caller.synthesize("ccc")
        await caller.until("audio-stop")
        await caller.until("synthesize-stopped")
        await caller.until("audio-stop")
    assert house.speaker.texts == ["a", "bb", "ccc"]
    assert caller.kinds == [*ONE_SHOT, *STREAMED, *ONE_SHOT]


async def test_the_speaker_is_called_at_synthesize_start_before_there_is_text(house):
    async with house.call() as caller:
        await caller.send(Event("synthesize-start", {"voice": {"name": "tone/plain"}}))
        await house.until(lambda: house.speaker.speaking == 1)
        assert house.speaker.requests[0].voice == VoiceRequest("tone/plain")


async def test_audio_comes_while_the_text_still_arrives(house):
    async with house.call() as caller:
        await caller.send(Event("synthesize-start"), Event("synthesize-chunk", {"text": "early"}))
        await caller.until("audio-chunk")
        await caller.send(Event("synthesize-chunk", {"text": "late"}), Event("synthesize-stop"))
        await caller.until("synthesize-stopped")
    assert caller.kinds == STREAMED


async def test_describe_and_ping_are_answered_while_speaking(house):
    go_on = asyncio.Event()
    house.speaker.script["wait"] = lambda: _after(go_on)
    async with house.call() as caller:
        await caller.synthesize("now wait")
        await caller.until("audio-chunk")
        await caller.send(Event("describe"), Event("ping"))
        await caller.until("info")
        await caller.until("pong")
        go_on.set()
        await caller.until("audio-stop")
    assert caller.kinds == ["audio-start", "audio-chunk", "info", "pong", "audio-chunk", "audio-stop"]


async def _after(event: asyncio.Event) -> Pcm:
    await event.wait()
    return Pcm(16_000, b"\2\0")


async def test_big_pieces_are_cut_and_the_first_is_not_held_back(house):
    loud = bytes(range(256)) * 2000

    async def big() -> Pcm:
        return Pcm(48_000, loud)

    house.speaker.script["big"] = big
    async with house.call() as caller:
        await caller.synthesize("big")
        await caller.until("audio-stop")
    sizes = [len(event.payload) for event in caller.events if event.type == "audio-chunk"]
    assert caller.audio == loud
    assert max(sizes) <= 9600  # 100 ms
    assert all(size % 2 == 0 for size in sizes)


async def test_the_first_piece_is_on_the_wire_before_the_second_exists(house):
    never = asyncio.Event()
    house.speaker.script["wait"] = lambda: _after(never)
    async with house.call() as caller:
        await caller.synthesize("x wait")
        await caller.until("audio-chunk")
        assert caller.audio == b"\1\0" * 100


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        (None, VoiceRequest()),
        ({}, VoiceRequest()),
        ({"name": "tone/plain"}, VoiceRequest("tone/plain")),
        ({"name": "tone/plain", "speaker": "7"}, VoiceRequest("tone/plain", speaker="7")),
        ({"language": "de-DE"}, VoiceRequest(language="de-DE")),
        ({"name": None, "language": "de"}, VoiceRequest(language="de")),
    ],
)
@pytest.mark.parametrize("way", ["synthesize", "stream"])
async def test_the_voice_reaches_the_speaker(house, voice, expected, way):
    data = {} if voice is None else {"voice": voice}
    async with house.call() as caller:
        await getattr(caller, way)("hello", **data)
        await caller.until("audio-stop")
    assert house.speaker.requests[0].voice == expected
    assert house.speaker.requests[0].client.startswith("127.0.0.1:")


async def test_select_program_narrows_the_voices_of_the_connection(house):
    async with house.call() as caller:
        for program in ("bell", "meadowlark"):
            await caller.send(Event("select-program", {"name": program}))
            await caller.synthesize("hello", voice={"name": "plain"})
            await caller.until("audio-stop")
    assert [request.voice.engine for request in house.speaker.requests] == ["bell", ""]


async def test_an_unknown_program_is_an_error_that_names_the_known_ones(house):
    async with house.call() as caller:
        await caller.send(Event("select-program", {"name": "gong"}))
        assert await caller.rest() == ["error"]
    assert "gong" in caller.error["text"]
    assert "meadowlark, tone, bell" in caller.error["text"]


@pytest.mark.parametrize(
    "event",
    [
        Event("transcribe", {"language": "en"}),
        Event("audio-start", {"rate": 16000, "width": 2, "channels": 1}),
        Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, b"\0" * 100_000),
        Event("detect", {"names": None}),
        Event("user-event", {"name": "hello"}),
        Event("no such event", {"a": [1, {"b": None}]}),
    ],
)
async def test_other_events_are_passed_over(house, event):
    async with house.call() as caller:
        await caller.send(event)
        await caller.synthesize("hello")
        await caller.until("audio-stop")
    assert caller.kinds == ONE_SHOT


@pytest.mark.parametrize("way", ["synthesize", "stream"])
async def test_an_error_closes_the_connection_and_never_looks_like_success(house, way):
    async def fail() -> Pcm:
        raise WorkerError("tone", "the engine died")

    house.speaker.script["fail"] = fail
    async with house.call() as caller:
        await getattr(caller, way)("first fail")
        assert await caller.rest() == ["audio-start", "audio-chunk", "error"]
    assert caller.error == {"text": "tone: the engine died", "code": "engine-failed"}
    assert caller.torn  # Home Assistant before 2026.9 would keep the half in its cache, and play it again and again


async def test_an_error_after_a_whole_reply_does_not_spoil_it(house):
    async with house.call() as caller:
        await caller.synthesize("whole")
        await caller.synthesize("hello", voice={"name": "nobody"})
        assert await caller.rest() == [*ONE_SHOT, "error"]
    assert not caller.torn


@pytest.mark.parametrize("way", ["synthesize", "stream"])
async def test_an_unknown_voice_is_an_error(house, way):
    async with house.call() as caller:
        await getattr(caller, way)("hello", voice={"name": "nobody"})
        assert await caller.rest() == ["error"]
    assert caller.error["code"] == "unknown-voice"
    assert not caller.torn


@pytest.mark.parametrize("way", ["synthesize", "stream"])
@pytest.mark.parametrize("text", ["", "   ", "nothing"])
async def test_a_reply_without_audio_is_an_error(house, way, text):
    async def nothing() -> Pcm:
        return Pcm(16_000, b"")

    house.speaker.script["nothing"] = nothing
    async with house.call() as caller:
        await getattr(caller, way)(text)
        assert await caller.rest() == ["error"]
    assert caller.error["code"] == "nothing-to-say"


async def test_the_same_mistake_again_is_no_warning_again(house, caplog):
    caplog.set_level("DEBUG")
    for name in ("nobody", "nobody", "nobody"):
        async with house.call() as caller:
            await caller.synthesize("hello", voice={"name": name})
            assert await caller.rest() == ["error"]
    said = [each.levelname for each in caplog.records if "No voice 'nobody'" in each.getMessage()]
    assert said == ["WARNING", "DEBUG", "DEBUG"]


@pytest.mark.parametrize(
    "raised", [ZeroDivisionError("x"), TimeoutError("x"), OSError(5, "x"), asyncio.CancelledError()]
)
async def test_an_unexpected_exception_is_logged_once_and_told_in_general(house, caplog, raised):
    async def fail() -> Pcm:
        raise raised

    house.speaker.script["fail"] = fail
    async with house.call() as caller:
        await caller.synthesize("fail")
        assert await caller.rest() == ["error"]
    assert "log" in caller.error["text"]
    assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([Event("synthesize")], "text"),
        ([Event("synthesize", {"text": 7})], "text"),
        ([Event("synthesize", {"text": "x", "voice": "tone"})], "voice"),
        ([Event("synthesize", {"text": "x", "voice": {"name": 7}})], "name"),
        ([Event("synthesize", {"text": "x", "text_format": "markdown"})], '"text" or "ssml"'),
        ([Event("synthesize-start", {"text_format": 3})], '"text" or "ssml"'),
        ([Event("synthesize-chunk", {"text": "x"})], "synthesize-start"),
        ([Event("synthesize-stop")], "synthesize-start"),
        ([Event("synthesize-start"), Event("synthesize-start")], "synthesize-stop"),
        ([Event("synthesize-start"), Event("synthesize-chunk")], "text"),
    ],
)
async def test_wrong_requests_get_an_error_that_says_what_is_right(house, events, word):
    async with house.call() as caller:
        await caller.send(*events)
        assert await caller.rest() == ["error"]
    assert word in caller.error["text"]
    assert caller.error["code"] == "bad-request"


@pytest.mark.parametrize("way", ["synthesize", "stream"])
async def test_ssml_is_spoken_as_plain_text(house, way):
    async with house.call() as caller:
        await getattr(caller, way)("<speak>Hello <b>there</b></speak>", text_format="ssml")
        await caller.until("audio-stop")
    assert house.speaker.texts[0].split() == ["Hello", "there"]


async def test_inline_data_as_a_shell_sends_it(house):
    async with house.raw() as raw:
        raw.send(json.dumps({"type": "synthesize", "data": {"text": "hello"}}).encode() + b"\n")
        raw.writer.write_eof()
        assert [event.type for event in await raw.rest()] == ONE_SHOT


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_client_that_has_asked_may_close_its_sending_side(house, streamed):
    async with house.raw() as raw:
        if streamed:
            raw.send(Event("synthesize-start"), Event("synthesize-chunk", {"text": "hello"}), Event("synthesize-stop"))
        else:
            raw.send(Event("synthesize", {"text": "hello"}))
        raw.writer.write_eof()
        assert [event.type for event in await raw.rest()] == (STREAMED if streamed else ONE_SHOT)
    await house.until(lambda: not house.connections)


async def test_unix_sockets(start, tmp_path: Path):
    house = await start(uri=f"unix://{tmp_path}/voice.sock")
    async with house.call() as caller:
        await caller.stream("hello")
        await caller.until("synthesize-stopped")
    assert caller.kinds == STREAMED
    assert house.speaker.requests[0].client == "local client"
    await house.server.stop(0)
    assert not (tmp_path / "voice.sock").exists()


async def test_a_stream_that_the_client_never_ends_gets_a_whole_reply(house):
    house.speaker.impatient = True
    async with house.call() as caller:
        await caller.send(Event("synthesize-start"), Event("synthesize-chunk", {"text": "hello"}))
        await caller.until("synthesize-stopped")
        assert caller.kinds == STREAMED
        caller.events.clear()
        # What comes too late is no mistake of a client that had not heard yet, and the next reply is whole.
        await caller.send(Event("synthesize-chunk", {"text": " late"}), Event("synthesize", {"text": "hello late"}))
        await caller.send(Event("synthesize-stop"))
        await caller.synthesize("next")
        await caller.until("audio-stop")
        assert caller.kinds == ONE_SHOT
        assert len(caller.audio) == 2 * 100 * len("next")
