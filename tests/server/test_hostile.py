"""Clients that vanish, stall, lie or swamp: they get a clear answer or the door, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import socket

import psutil
import pytest
from wyoming.event import Event

from meadowlark.server.framing import encode
from meadowlark.speech import Pcm

pytestmark = pytest.mark.usefixtures("virtual_time")

TEXT = Event("synthesize", {"text": "hello"})
HALF = b'{"type": "synthesize", "data_length": 500}\n{"text": "never fin'


class Endless:
    """An engine that always has more to say; counts what it was made to say."""

    def __init__(self, size: int = 3200) -> None:
        self.pcm = Pcm(16_000, b"\1\0" * (size // 2))
        self.pieces = 0

    async def __call__(self) -> Pcm:
        self.pieces += 1
        await asyncio.sleep(0)
        return self.pcm


async def test_a_listener_who_vanishes_frees_the_engine(house):
    house.speaker.script["more"] = Endless()
    async with house.call() as caller:
        await caller.synthesize("more " * 10_000)
        await caller.until("audio-chunk")
        caller.vanish()
        await house.until(lambda: not house.speaker.speaking and not house.connections)


async def test_a_listener_who_vanishes_before_the_first_audio_frees_the_engine(house):
    never = asyncio.Event()

    async def load() -> None:
        await never.wait()

    house.speaker.script["load"] = load
    async with house.call() as caller:
        await caller.synthesize("load")
        await house.until(lambda: house.speaker.speaking)
        caller.vanish()
        await house.until(lambda: not house.speaker.speaking and not house.connections)


async def test_a_listener_who_leaves_politely_in_mid_reply_is_noticed_at_the_next_audio(house):
    house.speaker.script["more"] = Endless()
    async with house.call() as caller:
        await caller.synthesize("more " * 10_000)
        await caller.until("audio-chunk")
    await house.until(lambda: not house.speaker.speaking and not house.connections)


async def test_the_end_of_the_connection_inside_a_stream_is_a_cancel(house):
    async with house.raw() as raw:
        raw.send(Event("synthesize-start"), Event("synthesize-chunk", {"text": "unfini"}))
        await house.until(lambda: house.speaker.speaking)
        raw.writer.write_eof()
        await house.until(lambda: not house.speaker.speaking)
        events = await raw.rest()
    assert "audio-stop" not in [event.type for event in events]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "Wyoming"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), "Wyoming"),
        (random.Random(1).randbytes(200_000), "Wyoming"),
        (b"{" + b"a" * 10_000_000, "header line"),
        (b'{"type": "synthesize", "data_length": 99999999999}\n', "allowed"),
        (b'{"type": "synthesize", "data_length": -1}\n', "data_length"),
        (b'{"type": "synthesize", "payload_length": 4294967296}\n' + bytes(1_000_000), "allowed"),
        (b"[]\n", "Wyoming"),
        (b"{}\n", "type"),
    ],
)
async def test_garbage_gets_an_error_even_while_it_is_still_being_sent(house, data, word):
    async with house.raw() as raw:
        raw.writer.write(data)
        [event] = await raw.rest()
    assert event.type == "error"
    assert word in event.data["text"]


async def test_a_client_that_sends_all_before_it_reads_still_gets_the_error(house):
    def simple_client() -> bytes:
        with socket.create_connection(("127.0.0.1", house.server.endpoints[0].port)) as sock:
            sock.sendall(b"{" + b"a" * 10_000_000)
            return b"".join(iter(lambda: sock.recv(65_536), b""))

    assert b"header line" in await asyncio.to_thread(simple_client)


@pytest.mark.parametrize("start_of_event", [b"{", b'{"type": "syn', HALF])
async def test_half_an_event_is_waited_for_only_so_long(start, start_of_event):
    house = await start(stall_seconds=0.05)
    async with house.raw() as raw:
        raw.send(start_of_event)
        [event] = await raw.rest()
    assert "not complete after 0.05 s" in event.data["text"]


async def test_a_slow_loris_is_closed_though_it_never_pauses(start):
    house = await start(stall_seconds=0.1)

    async def drip(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(b"{")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)

    async with house.raw() as raw:
        dripping = asyncio.create_task(drip(raw.writer))
        [event] = await raw.rest()
        dripping.cancel()
    assert event.data["code"] == "limit"


async def test_a_silent_client_is_closed(start):
    house = await start(idle_seconds=0.05)
    async with house.raw() as raw:
        [event] = await raw.rest()
    assert "idle_seconds" in event.data["text"]


async def test_waiting_for_a_long_reply_is_not_idleness(start):
    house = await start(idle_seconds=0.1)

    async def slow() -> None:
        await asyncio.sleep(0.4)

    house.speaker.script["slow"] = slow
    async with house.call() as caller:
        await caller.synthesize("slow hello")
        await caller.until("audio-stop")


async def test_an_open_stream_without_text_is_idleness(start):
    house = await start(idle_seconds=0.1)
    async with house.call() as caller:
        await caller.send(Event("synthesize-start"))
        assert await caller.rest() == ["error"]
    await house.until(lambda: not house.speaker.speaking)


async def test_a_client_that_never_reads_is_given_up_and_holds_little(start):
    house = await start(stall_seconds=0.3)
    endless = house.speaker.script["more"] = Endless()
    async with house.raw() as raw:
        raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.writer.transport.pause_reading()
        raw.send(Event("synthesize", {"text": "more " * 10_000}))
        await house.until(lambda: house.speaker.speaking)
        await house.until(lambda: not house.speaker.speaking and not house.connections)
    assert endless.pieces * 3200 < 8_000_000  # of the 32 MB asked for: what two socket buffers and our own hold


async def test_a_client_that_reads_slowly_gets_everything(start):
    house = await start(stall_seconds=1)
    house.speaker.script["more"] = Endless(320_000)
    loop, heard = asyncio.get_running_loop(), b""
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        await loop.sock_connect(sock, ("127.0.0.1", house.server.endpoints[0].port))
        await loop.sock_sendall(sock, encode(Event("synthesize", {"text": "more " * 10})))
        sock.shutdown(socket.SHUT_WR)
        for _ in range(80):
            heard += await loop.sock_recv(sock, 4096)
            await asyncio.sleep(0.02)
        while piece := await loop.sock_recv(sock, 1_000_000):
            heard += piece
    assert heard.count(b"\1\0" * 1600) == 1000
    assert b"audio-stop" in heard[-200:]


async def test_a_request_may_take_only_so_long(start):
    house = await start(request_seconds=0.1)
    house.speaker.script["load"] = asyncio.Event().wait
    async with house.call() as caller:
        await caller.synthesize("hello load")
        assert await caller.rest() == ["audio-start", "audio-chunk", "error"]
    assert "request_seconds" in caller.error["text"]
    assert not house.speaker.speaking


@pytest.mark.parametrize("chunks", [1, 7])
async def test_too_much_text(start, chunks):
    house = await start(text_chars=50)
    async with house.call() as caller:
        await caller.send(Event("synthesize-start"))
        await caller.send(*(Event("synthesize-chunk", {"text": text}) for text in ("x" * 50, *"y" * chunks)))
        kinds = await caller.rest()
    assert "audio-stop" not in kinds
    assert "50 characters (max_text_chars)" in caller.error["text"]


async def test_text_exactly_at_the_limit_is_spoken(start):
    house = await start(text_chars=50)
    async with house.call() as caller:
        await caller.synthesize("x" * 50)
        await caller.until("audio-stop")


async def test_an_event_may_be_only_so_large(start):
    house = await start(event_bytes=1000)
    async with house.call() as caller:
        await caller.synthesize("x" * 1000)
        assert await caller.rest() == ["error"]
    assert "synthesize-chunk" in caller.error["text"]


async def test_only_so_many_requests_wait_on_one_connection(house):
    house.speaker.script["load"] = asyncio.Event().wait
    async with house.call() as caller:
        await caller.synthesize("load")
        await house.until(lambda: house.speaker.speaking)
        for _ in range(5):
            await caller.synthesize("load")
        assert await caller.rest() == ["error"]
    assert "waiting" in caller.error["text"]
    assert len(house.speaker.requests) == 1


async def test_beyond_the_limit_only_describe_works(start):
    house = await start(connections=2)
    house.speaker.script["load"] = asyncio.Event().wait
    async with contextlib.AsyncExitStack() as stack:
        speakers = [await stack.enter_async_context(house.call()) for _ in range(2)]
        for caller in speakers:
            await caller.synthesize("load")
        await house.until(lambda: house.speaker.speaking == 2)
        async with house.call() as caller:
            await caller.send(Event("describe"), Event("ping"))
            await caller.until("info")
            await caller.until("pong")
            await caller.synthesize("hello")
            assert await caller.rest() == ["error"]
        assert "limit 2" in caller.error["text"]
        assert house.speaker.speaking == 2
        for caller in speakers:
            caller.vanish()
    await house.until(lambda: not house.connections)
    async with house.call() as caller:
        await caller.synthesize("hello")
        await caller.until("audio-stop")


async def test_far_beyond_the_limit_the_door_is_closed_at_once(start):
    house = await start(connections=1)
    async with contextlib.AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(house.raw()) for _ in range(60)]
        await house.until(lambda: house.connections == 33)
        [event] = await crowd[-1].rest()
        assert "too many connections" in event.data["text"]


async def test_idle_connections_keep_nobody_out_for_long(start):
    house = await start(connections=2, stall_seconds=0.1)
    async with house.raw() as oldest, house.raw():
        await house.until(lambda: house.connections == 2)
        await asyncio.sleep(0.15)
        async with house.call() as caller:
            await caller.synthesize("hello")
            await caller.until("audio-stop")
        [event] = await oldest.rest()
        assert "idle" in event.data["text"]


HOSTILE = [
    random.Random(2).randbytes(5_000),
    b"{" + b"x" * 70_000,
    HALF,
    b"GET / HTTP/1.1\r\n\r\n",
    b'{"type": "synthesize", "data_length": 1000000}\n' + b"x" * 50_000,
    b'{"type": "audio-chunk", "payload_length": 1000000}\n' + bytes(50_000),
    b"",
]


async def test_two_thousand_hostile_clients_disturb_nobody_and_leave_nothing(start, caplog):
    caplog.set_level("CRITICAL", "meadowlark")  # pytest keeps every record, and with it what the client sent
    house = await start(stall_seconds=0.3)
    house.speaker.script["more"] = Endless()
    process = psutil.Process()

    async def attack(number: int) -> None:
        with contextlib.suppress(ConnectionError):
            async with house.raw() as raw:
                if number % 8 == 7:
                    raw.send(Event("synthesize", {"text": "more " * 50}))
                    await raw.reader.read(100)  # and vanish in mid-reply
                else:
                    raw.writer.write(HOSTILE[number % 8])
                    await asyncio.sleep(0.01)

    async def listen() -> None:
        async with house.call() as caller:
            for number in range(20):
                await caller.stream(f"sentence {number} ", "and another")
                await caller.until("synthesize-stopped")
                await caller.send(Event("describe"))
                await caller.until("info")
                await asyncio.sleep(0.02)

    async def wave(size: int) -> None:
        for first in range(0, size, 50):
            await asyncio.gather(*(attack(number) for number in range(first, first + 50)))
        await house.until(lambda: not house.speaker.speaking and house.connections <= 1)
        gc.collect()

    listening = asyncio.create_task(listen())
    await wave(200)
    fds, rss = process.num_fds(), process.memory_info().rss
    await wave(2000)
    await listening
    assert process.num_fds() <= fds + 5
    assert process.memory_info().rss < rss + 16_000_000
    await house.until(lambda: not house.connections)
    assert len(asyncio.all_tasks()) == 1


async def test_200_half_events_at_once_hold_little(start):
    house = await start(stall_seconds=5)
    rss = psutil.Process(os.getpid()).memory_info().rss
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(200):
            raw = await stack.enter_async_context(house.raw())
            raw.writer.write(b"{" + b"x" * 30_000)
        await house.until(lambda: house.connections == 200)
        async with house.call() as caller:
            await caller.synthesize("hello")
            await caller.until("audio-stop")
        assert psutil.Process(os.getpid()).memory_info().rss - rss < 64_000_000
