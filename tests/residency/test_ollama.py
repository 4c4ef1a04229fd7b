"""Ollama's cooperation: idle models go, the one that answers stays, nonsense changes nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from meadowlark.residency.ollama import FOREVER_SECONDS, Ollama
from meadowlark.testing.clock import FakeClock

pytestmark = pytest.mark.usefixtures("virtual_time")

GB = 10**9
NOON = 1_800_000_000.0


@dataclass
class Loaded:
    gpu: int
    expires_at: float
    ram: int = 0
    answering: bool = False
    first_answer: bool = False
    """Then its `expires_at` moves with every look."""


@dataclass
class FakeOllama:
    """As its scheduler does: a model that answers has its timer stopped, and goes only when it is done."""

    clock: FakeClock
    models: dict[str, Loaded] = field(default_factory=dict)
    asked_to_go: list[str] = field(default_factory=list)
    port: int = 0
    raw: bytes | None = None
    """Sent instead of any answer."""

    silent: bool = False
    refuses: bool = False

    @property
    def now(self) -> float:
        return NOON + self.clock()

    def load(self, name: str, gpu: int = 4, *, keep: float = 300, **more: object) -> Loaded:
        self.models[name] = loaded = Loaded(gpu * GB, self.now + keep, **more)  # type: ignore[arg-type]
        return loaded

    def use(self, name: str, keep: float = 300) -> None:
        self.models[name].expires_at = self.now + keep

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        if (method, path) == ("GET", "/api/ps"):
            return 200, {"models": [self._row(name, model) for name, model in self.models.items()] or None}
        assert (method, path) == ("POST", "/api/generate")
        request = json.loads(body)
        assert request["keep_alive"] == 0
        assert "prompt" not in request
        if self.refuses:
            return 500, {"error": "no"}
        self.asked_to_go.append(request["model"])
        model = self.models[request["model"]]
        model.expires_at = self.now
        if not model.answering:
            del self.models[request["model"]]
        return 200, {"model": request["model"], "response": "", "done": True, "done_reason": "unload"}

    def _row(self, name: str, model: Loaded) -> dict[str, object]:
        expires = self.now + 300 if model.first_answer else model.expires_at
        moment = datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "123Z")
        return {
            "name": name,
            "model": name,
            "size": model.gpu + model.ram,
            "size_vram": model.gpu,
            "expires_at": moment if "." in moment else moment.replace("123Z", "Z"),
            "digest": "2ae6f6dd",
            "details": {"parent_model": ""},
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path, _ = head.split(" ", 2)
            lengths = [line.split(":")[1] for line in head.splitlines() if line.lower().startswith("content-length:")]
            body = await reader.readexactly(int(lengths[0]) if lengths else 0)
            if self.silent:
                await asyncio.sleep(30)
            if self.raw is None:
                status, answer = self.answer(method, path, body)
                text = json.dumps(answer).encode() + b"\n"
                head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
                writer.write(head.encode() + text)
            else:
                writer.write(self.raw)
        except (OSError, EOFError):
            pass  # the client did not wait
        finally:
            writer.close()


@pytest.fixture
async def house() -> AsyncIterator[FakeOllama]:
    fake = FakeOllama(FakeClock())
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(fake.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    yield fake
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    server.close()
    await server.wait_closed()


@pytest.fixture
def ollama(house: FakeOllama) -> Ollama:
    return Ollama(f"http://127.0.0.1:{house.port}/", gone_seconds=0.0, clock=house.clock, now=lambda: house.now)


async def watch(ollama: Ollama, house: FakeOllama, seconds: float) -> None:
    """What `watch` does, on the fake clock."""
    await ollama.look()
    for _ in range(int(seconds / 5)):
        house.clock.advance(5)
        await ollama.look()


async def test_an_idle_model_goes_and_is_proven_gone(ollama: Ollama, house: FakeOllama) -> None:
    house.load("llama3.2:3b", 4)
    await watch(ollama, house, 30)
    released = await ollama.release(3 * GB)
    assert (released.bytes, released.models, released.reason) == (4 * GB, ("llama3.2:3b",), "")
    assert house.models == {}


async def test_a_model_not_watched_long_enough_stays(ollama: Ollama, house: FakeOllama) -> None:
    house.load("a")
    await watch(ollama, house, 25)
    released = await ollama.release(GB)
    assert (released.bytes, released.models) == (0, ())
    assert "in use lately" in released.reason
    assert house.asked_to_go == []


async def test_a_model_that_was_used_while_we_watched_stays(ollama: Ollama, house: FakeOllama) -> None:
    house.load("a")
    await watch(ollama, house, 60)
    house.use("a")
    await watch(ollama, house, 25)
    assert (await ollama.release(GB)).models == ()
    await watch(ollama, house, 10)
    assert (await ollama.release(GB)).models == ("a",)


async def test_a_model_in_its_first_answer_stays(ollama: Ollama, house: FakeOllama) -> None:
    house.load("a", first_answer=True, answering=True)
    await watch(ollama, house, 120)
    assert (await ollama.release(GB)).models == ()
    assert house.asked_to_go == []


async def test_a_model_whose_time_has_passed_is_answering(ollama: Ollama, house: FakeOllama) -> None:
    house.load("a", keep=10, answering=True)
    await watch(ollama, house, 120)
    assert (await ollama.release(GB)).models == ()
    assert house.asked_to_go == []


async def test_a_model_kept_for_ever_stays(ollama: Ollama, house: FakeOllama) -> None:
    house.load("a", keep=FOREVER_SECONDS + 3600)
    house.load("b", keep=250 * 365 * 86400.0)
    await watch(ollama, house, 120)
    assert (await ollama.release(GB)).models == ()


async def test_after_a_blind_minute_watching_begins_anew(ollama: Ollama, house: FakeOllama) -> None:
    house.load("a")
    await watch(ollama, house, 60)
    house.clock.advance(60)
    assert (await ollama.release(GB)).models == ()


async def test_a_long_answer_is_not_waited_for_nor_asked_twice(ollama: Ollama, house: FakeOllama) -> None:
    """The case that Ollama does not show: a request that began after the last one ended, and still runs."""
    house.load("a", answering=True)
    await watch(ollama, house, 60)
    released = await ollama.release(GB)
    assert (released.bytes, released.models) == (0, ())
    assert "a did not go" in released.reason
    await watch(ollama, house, 60)
    await ollama.release(GB)
    assert house.asked_to_go == ["a"]


async def test_no_more_than_needed(ollama: Ollama, house: FakeOllama) -> None:
    for name, size in (("small", 1), ("middle", 4), ("large", 9)):
        house.load(name, size)
    await watch(ollama, house, 30)
    assert (await ollama.release(3 * GB)).models == ("middle",)
    assert (await ollama.release(20 * GB)).models == ("large", "small")
    assert (await ollama.release(GB)).reason == "Ollama holds no more there"


async def test_what_is_missing_is_named(ollama: Ollama, house: FakeOllama) -> None:
    house.load("idle", 2)
    house.load("busy", 8, first_answer=True)
    await watch(ollama, house, 30)
    released = await ollama.release(6 * GB)
    assert (released.bytes, released.models) == (2 * GB, ("idle",))
    assert released.reason == "in use lately, or kept: busy"


async def test_ram_is_another_device(ollama: Ollama, house: FakeOllama) -> None:
    house.load("gpu", 4)
    house.load("half", 1, ram=3 * GB)
    await watch(ollama, house, 30)
    released = await ollama.release(2 * GB, "cpu")
    assert (released.bytes, released.models) == (3 * GB, ("half",))


async def test_a_refusal_is_logged_and_no_more(
    ollama: Ollama, house: FakeOllama, caplog: pytest.LogCaptureFixture
) -> None:
    house.load("a")
    house.refuses = True
    await watch(ollama, house, 30)
    assert (await ollama.release(GB)).models == ()
    assert "does not release a" in caplog.text


OK = b"HTTP/1.1 200 OK\r\n\r\n"
GARBAGE = {
    "nothing": b"",
    "not http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "no json": OK + b"<html>",
    "no object": OK + b"[]",
    "no list": OK + b'{"models": 7}',
    "no models": OK + b"{}",
    "no model": OK + b'{"models": ["a"]}',
    "no size": OK + b'{"models": [{"name": "a", "expires_at": "2024-06-04T14:38:31Z"}]}',
    "no moment": OK + b'{"models": [{"name": "a", "size": 1, "size_vram": 1, "expires_at": "soon"}]}',
    "no date": OK + b'{"models": [{"name": "a", "size": 1, "size_vram": 1, "expires_at": 7}]}',
    "no name": OK + b'{"models": [{"name": 1, "size": 1, "expires_at": "2024-06-04T14:38:31Z"}]}',
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "an error": b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    "binary": OK + bytes(range(256)),
    "flood": OK + b" " * (5 << 20),
}


@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_costs_one_line(
    ollama: Ollama, house: FakeOllama, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    house.raw = raw
    for _ in range(2):
        assert await ollama.look() == ()
        released = await ollama.release(GB)
    assert released.bytes == 0
    assert "cannot be asked" in released.reason
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    house.raw = None
    house.load("a")
    with caplog.at_level(logging.INFO):
        assert len(await ollama.look()) == 1
    assert "answers again" in caplog.text


async def test_nobody_there(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        ollama = Ollama(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        assert (await ollama.release(GB)).bytes == 0
    assert len(caplog.records) == 1


async def test_one_that_never_answers(ollama: Ollama, house: FakeOllama) -> None:
    house.silent = True
    async with asyncio.timeout(8):
        assert "cannot be asked" in (await ollama.release(GB)).reason


async def test_watching_goes_on_for_ever(ollama: Ollama, house: FakeOllama) -> None:
    house.load("a")
    task = asyncio.create_task(ollama.watch(pause=0.001))
    await ollama.look()
    house.raw = b""
    await asyncio.sleep(0.05)
    house.raw = None
    await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
