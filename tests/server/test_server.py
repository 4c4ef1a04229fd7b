"""Listening and stopping."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from wyoming.event import Event

from meadowlark.errors import MeadowlarkError, RefusedError, SettingsError
from meadowlark.server.endpoint import TcpEndpoint, UnixEndpoint, parse
from meadowlark.server.health import check
from meadowlark.server.server import Server
from meadowlark.speech import Pcm

pytestmark = pytest.mark.usefixtures("virtual_time")


@pytest.mark.parametrize(
    ("uri", "endpoint"),
    [
        ("tcp://0.0.0.0:10200", TcpEndpoint("0.0.0.0", 10200)),
        ("tcp://[::]:10200", TcpEndpoint("::", 10200)),
        ("tcp://localhost:0", TcpEndpoint("localhost", 0)),
        ("unix:///run/voice.sock", UnixEndpoint(Path("/run/voice.sock"))),
    ],
)
def test_uris(uri, endpoint):
    assert parse(uri) == endpoint
    assert str(endpoint) == uri


@pytest.mark.parametrize(
    "uri",
    [
        *("", "10200", "tcp://", "tcp://host", "tcp://:10200", "tcp://host:x", "tcp://host:70000", "tcp://[::1:5"),
        *("unix://", "unix://relative/path", "stdio://", "http://host:80"),
    ],
)
def test_wrong_uris_say_what_is_right(uri):
    with pytest.raises(SettingsError, match=r"uri: .*tcp://0.0.0.0:10200"):
        parse(uri)


async def test_several_uris_at_once(speaker, tmp_path):
    server = Server(speaker)
    await server.start(["tcp://127.0.0.1:0", f"unix://{tmp_path}/a", "tcp://[::1]:0"])
    assert len(server.endpoints) == 3
    for endpoint in server.endpoints:
        assert (await check(str(endpoint))).tts
    await server.stop(0)
    assert not (tmp_path / "a").exists()


async def test_a_taken_port_is_named_with_the_remedy_and_nothing_stays_open(house, speaker, tmp_path):
    server = Server(speaker)
    port = house.server.endpoints[0].port
    with pytest.raises(SettingsError, match=rf"port {port} is taken .*--uri"):
        await server.start([f"unix://{tmp_path}/a", house.uri])
    assert not (tmp_path / "a").exists()
    assert (await check(house.uri)).tts


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        ("tcp://203.0.113.77:10200", "no address of this machine"),
        ("tcp://no-such-host.invalid:10200", "is not known"),
        ("unix:///no/such/folder/socket", "/no/such/folder does not exist"),
        ("unix:///" + "x" * 200, "too long"),
    ],
)
async def test_what_stands_in_the_way_is_said(speaker, uri, word):
    with pytest.raises(SettingsError, match=word):
        await Server(speaker).start([uri])


async def test_a_stale_unix_socket_is_replaced(start, tmp_path):
    path = tmp_path / "voice.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    house = await start(uri=f"unix://{path}")
    assert (await check(house.uri)).tts


async def test_a_living_unix_socket_is_not(start, speaker, tmp_path):
    house = await start(uri=f"unix://{tmp_path}/voice.sock")
    with pytest.raises(SettingsError, match="another server"):
        await Server(speaker).start([house.uri])
    assert (await check(house.uri)).tts


async def test_a_file_is_not_replaced_by_a_socket(speaker, tmp_path):
    (tmp_path / "notes").write_text("precious")
    with pytest.raises(SettingsError, match="no socket"):
        await Server(speaker).start([f"unix://{tmp_path}/notes"])
    assert (tmp_path / "notes").read_text() == "precious"


async def test_stopping_closes_idle_connections_at_once_and_accepts_no_more(house):
    async with house.call() as caller:
        await caller.send(Event("ping"))
        await caller.until("pong")
        stopping = asyncio.create_task(house.server.stop(grace=60))
        assert await caller.rest() == []
        await stopping
        with pytest.raises(MeadowlarkError, match="nothing can be reached"):
            await check(f"tcp://127.0.0.1:{caller.client.port}", 1)


async def test_stopping_lets_a_reply_finish(house):
    go_on = asyncio.Event()

    async def wait() -> Pcm:
        await go_on.wait()
        return Pcm(16_000, b"\2\0")

    house.speaker.script["wait"] = wait
    async with house.call() as caller:
        await caller.stream("hello wait bye")
        await caller.until("audio-chunk")
        stopping = asyncio.create_task(house.server.stop(grace=60))
        await house.until(house.speaker.draining.is_set)
        go_on.set()
        assert await caller.rest() == ["audio-chunk", "audio-stop", "synthesize-stopped"]
        await stopping


async def test_a_speaker_that_ends_early_when_draining_is_an_error_to_the_client(house):
    async def until_draining() -> Pcm:
        await house.speaker.draining.wait()
        raise RefusedError("The server is shutting down; the rest of the text was not spoken.")

    house.speaker.script["sentence"] = until_draining
    async with house.call() as caller:
        await caller.stream("hello sentence")
        await caller.until("audio-chunk")
        stopping = asyncio.create_task(house.server.stop(grace=60))
        assert await caller.rest() == ["error"]
        await stopping


async def test_stopping_ends_a_reply_that_takes_too_long(house):
    house.speaker.script["load"] = asyncio.Event().wait
    async with house.call() as caller:
        await caller.stream("hello load")
        await caller.until("audio-chunk")
        stopping = asyncio.create_task(house.server.stop(grace=0.05))
        assert await caller.rest() == ["error"]
        assert caller.error["code"] == "refused"
        await stopping
    assert not house.speaker.speaking


async def test_stopping_is_bounded_even_for_a_client_that_does_not_listen(house):
    house.speaker.script["load"] = asyncio.Event().wait
    async with house.raw() as raw:
        raw.writer.transport.pause_reading()
        raw.send(Event("synthesize", {"text": "load"}))
        await house.until(lambda: house.speaker.speaking)
        await house.server.stop(grace=0)
        await house.until(lambda: not house.connections)


async def test_one_connections_bug_reaches_no_other(house, caplog):
    async def bug() -> Pcm:
        raise KeyError("bug")

    house.speaker.script["bug"] = bug
    async with house.call() as well, house.call() as ill:
        await ill.synthesize("bug")
        await ill.rest()
        await well.synthesize("hello")
        await well.until("audio-stop")
    assert "KeyError" in caplog.text


async def test_health_of_something_else(tmp_path):
    async def other(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        writer.close()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(other, tmp_path / "ssh"):
        with pytest.raises(MeadowlarkError, match="is it a Wyoming server"):
            await check(f"unix://{tmp_path}/ssh")
    async with await asyncio.start_unix_server(mute, tmp_path / "mute"):
        with pytest.raises(MeadowlarkError, match=r"within 0\.05 s"):
            await check(f"unix://{tmp_path}/mute", 0.05)
    with pytest.raises(SettingsError, match="uri"):
        await check("tcp://host")
