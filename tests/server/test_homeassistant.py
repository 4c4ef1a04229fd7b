"""The Supervisor, played by a small HTTP server."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from meadowlark.server.homeassistant import HomeAssistant


class FakeSupervisor(ThreadingHTTPServer):
    """Answers with what `replies` says, the last one again and again; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[tuple[int, str]] = [(200, "{}")]
        self.asked: list[dict[str, Any]] = []

    @property
    def api(self) -> HomeAssistant:
        return HomeAssistant("secret", f"http://127.0.0.1:{self.server_port}", retry_seconds=0.01)


class Handler(BaseHTTPRequestHandler):
    server: FakeSupervisor

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        token = self.headers["Authorization"]
        self.server.asked.append({"method": self.command, "path": self.path, "body": body, "token": token})
        replies = self.server.replies
        status, text = replies.pop(0) if len(replies) > 1 else replies[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Tests have nothing to read here."""


@pytest.fixture
def supervisor() -> Iterator[FakeSupervisor]:
    with FakeSupervisor() as supervisor:
        thread = threading.Thread(target=supervisor.serve_forever, args=(0.01,))
        thread.start()
        yield supervisor
        supervisor.shutdown()
        thread.join()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records if record.name.startswith("meadowlark")]


def test_only_an_add_on_has_a_supervisor():
    assert HomeAssistant.of({}) is None
    assert HomeAssistant.of({"SUPERVISOR_TOKEN": ""}) is None
    assert HomeAssistant.of({"SUPERVISOR_TOKEN": "x"}) == HomeAssistant("x", "http://supervisor")


async def test_the_supervisor_is_told_where_we_are(supervisor):
    supervisor.replies = [(200, '{"result": "ok", "data": {"uuid": "1"}}')]
    assert await supervisor.api.announce(10200, "local-meadowlark")
    assert supervisor.asked == [
        {
            "method": "POST",
            "path": "/discovery",
            "token": "Bearer secret",
            "body": {"service": "wyoming", "config": {"uri": "tcp://local-meadowlark:10200"}},
        }
    ]


async def test_it_is_told_again_until_it_listens_with_one_line_in_the_log(supervisor, caplog):
    supervisor.replies = [(502, ""), (503, ""), (200, "not json"), (200, '{"result": "ok"}')]
    assert await supervisor.api.announce(10200, "host")
    assert len(supervisor.asked) == 4
    assert lines(caplog) == ["WARNING"]


@pytest.mark.parametrize(
    ("status", "word"), [(403, "discovery: [wyoming]"), (401, "SUPERVISOR_TOKEN"), (400, "by hand")]
)
async def test_a_refusal_is_final_and_says_what_to_do(supervisor, caplog, status, word):
    supervisor.replies = [(status, "{}")]
    assert not await supervisor.api.announce(10200, "host")
    assert len(supervisor.asked) == 1
    assert lines(caplog) == ["ERROR"]
    assert word in caplog.text


async def test_a_supervisor_that_is_not_there_is_waited_for(caplog):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        api = HomeAssistant("secret", f"http://127.0.0.1:{deaf.getsockname()[1]}", retry_seconds=0.01)
        announcing = asyncio.create_task(api.announce(10200, "host"))
        while not lines(caplog):  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # some attempts more
        assert not announcing.done()
        announcing.cancel()
        await asyncio.wait({announcing})
    assert lines(caplog) == ["WARNING"]


async def test_home_assistants_language(supervisor):
    supervisor.replies = [(200, '{"language": "de", "country": "AT"}')]
    assert await supervisor.api.language() == "de"
    assert supervisor.asked[0]["method"] == "GET"
    assert supervisor.asked[0]["path"] == "/core/api/config"


@pytest.mark.parametrize("reply", [(401, ""), (502, ""), (200, "[]"), (200, "x")])
async def test_without_a_language_the_log_says_so(supervisor, caplog, reply):
    supervisor.replies = [reply]
    assert await supervisor.api.language() is None
    assert lines(caplog) == ["WARNING"]


@pytest.mark.parametrize("reply", ["{}", '{"language": null}', '{"language": ""}', '{"language": 7}'])
async def test_a_language_that_is_not_set(supervisor, reply):
    supervisor.replies = [(200, reply)]
    assert await supervisor.api.language() is None
