"""The control socket: what it sets off, whom it lets in, and what it says to nonsense."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from meadowlark.enrolment import OwnVoice, Wish
from meadowlark.errors import MeadowlarkError, RefusedError, RequestError, VoiceError
from meadowlark.server.control import CONNECTIONS, ControlSocket, EngineState
from meadowlark.server.control_client import ask, enroll_at, forget_at, running_engines
from meadowlark.server.control_http import BODY_BYTES, UPLOAD_BYTES

pytestmark = pytest.mark.usefixtures("virtual_time")

RESIDENT = EngineState("kokoro", "resident", "cuda:0", 1_200_000_000, leases=1, pinned=True)
RESTING = EngineState("xtts", "resting", deaths=3, last_death="killed by SIGSEGV", rests_seconds=12.5)


@dataclass
class FakeControls:
    orders: list[tuple[int, str]] = field(default_factory=list)
    warmed: list[str] = field(default_factory=list)
    freed: int = 10**12
    fault: Exception | None = None
    hold: asyncio.Event | None = None
    enrolled: dict[str, tuple[Wish, bytes]] = field(default_factory=dict)

    async def yield_memory(self, wanted: int, device: str) -> int:
        self.orders.append((wanted, device))
        if self.hold:
            await self.hold.wait()
        if self.fault:
            raise self.fault
        return min(wanted, self.freed)

    def prewarm(self, name: str) -> str:
        if name == "nobody":
            raise VoiceError("No engine 'nobody'. There are: kokoro.")
        self.warmed.append(name)
        return name.partition("/")[0]

    def engines(self) -> Sequence[EngineState]:
        return [RESIDENT, RESTING]

    async def voices(self) -> Sequence[OwnVoice]:
        return [OwnVoice(name, wish.text) for name, (wish, _) in self.enrolled.items()]

    async def enroll(self, wish: Wish, recording: Path) -> OwnVoice:
        if wish.name == "bad":
            raise RequestError("bad.wav is silent.")
        self.enrolled[wish.name] = wish, await asyncio.to_thread(recording.read_bytes)
        return OwnVoice(wish.name, wish.text, used_by=("fish",))

    async def forget(self, name: str) -> int:
        if name not in self.enrolled:
            raise VoiceError(f"There is no reference voice {name!r}. There are: anna.")
        del self.enrolled[name]
        return 3


@pytest.fixture
def controls() -> FakeControls:
    return FakeControls()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
async def control(controls: FakeControls, path: Path) -> AsyncIterator[ControlSocket]:
    control = ControlSocket(path, controls, request_seconds=0.3, work_seconds=0.6)
    assert await control.start()
    yield control
    await control.stop()


Send = Callable[[bytes], Awaitable[tuple[int, Any]]]


@pytest.fixture
def send(control: ControlSocket) -> Send:
    """Bytes as they are; the status and the answer."""

    async def send(raw: bytes, *, hang_up: bool = True) -> tuple[int, Any]:
        reader, writer = await asyncio.open_unix_connection(control.path)
        writer.write(raw)
        if hang_up:
            writer.write_eof()
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        writer.close()
        assert b"\r\nContent-Length: %d\r\n" % len(body) in head + b"\r\n"
        return int(head.split()[1]), json.loads(body)

    return send


def post(target: str, body: bytes) -> bytes:
    return f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def test_engines(control: ControlSocket) -> None:
    assert await running_engines(control.path) == (RESIDENT, RESTING)


async def test_yield_says_what_came_back(control: ControlSocket, controls: FakeControls) -> None:
    answer = await ask(control.path, "/yield", {"bytes": 2_000_000_000, "device": "cuda:0"})
    assert (answer["wanted"], answer["freed"], answer["enough"]) == (2_000_000_000, 2_000_000_000, True)
    controls.freed = 5
    answer = await ask(control.path, "/yield", {"bytes": 7})
    assert (answer["freed"], answer["enough"]) == (5, False)
    assert controls.orders == [(2_000_000_000, "cuda:0"), (7, "")]


async def test_prewarm_by_engine_or_voice(control: ControlSocket, controls: FakeControls) -> None:
    assert await ask(control.path, "/prewarm", {"engine": "kokoro"}) == {"engine": "kokoro"}
    assert await ask(control.path, "/prewarm", {"voice": "kokoro/af_heart"}) == {"engine": "kokoro"}
    assert controls.warmed == ["kokoro", "kokoro/af_heart"]


async def test_a_recording_is_sent_listed_and_removed(
    control: ControlSocket, controls: FakeControls, tmp_path: Path
) -> None:
    recording = tmp_path / "x.wav"
    recording.write_bytes(b"RIFF" + b"sound" * 100_000)
    wish = Wish("anna", "Good morning, Jürgen & co. 100 %?", "en-GB", "herself", "by mail, 2026-01-01")
    assert await enroll_at(control.path, wish, recording) == OwnVoice("anna", wish.text, used_by=("fish",))
    assert controls.enrolled["anna"] == (wish, recording.read_bytes())
    [listed] = (await ask(control.path, "/voices"))["voices"]
    assert (listed["name"], listed["text"], listed["used_by"], listed["problem"]) == ("anna", wish.text, [], "")
    assert await forget_at(control.path, "anna") == 3
    with pytest.raises(MeadowlarkError, match="There is no reference voice"):
        await forget_at(control.path, "../anna")
    assert not list(tmp_path.glob(".upload*"))  # noqa: ASYNC240


async def test_a_text_that_curl_has_not_escaped(
    control: ControlSocket, controls: FakeControls, send: Send, tmp_path: Path
) -> None:
    target = "/voices?name=anna&text=Grüße,%20André.".encode()
    await send(b"POST " + target + b" HTTP/1.1\r\nContent-Length: 4\r\n\r\nRIFF")
    assert controls.enrolled["anna"][0].text == "Grüße, André."


async def test_a_recording_may_be_named_by_its_path(
    control: ControlSocket, controls: FakeControls, tmp_path: Path
) -> None:
    recording = tmp_path / "x.wav"
    recording.write_bytes(b"RIFF")
    answer = await ask(control.path, "/voices", {"name": "anna", "text": "Hello.", "path": str(recording)})
    assert (answer["name"], answer["used_by"]) == ("anna", ["fish"])
    assert controls.enrolled["anna"] == (Wish("anna", "Hello."), b"RIFF")


async def test_curl_is_told_to_go_on_with_a_large_body(control: ControlSocket, controls: FakeControls) -> None:
    reader, writer = await asyncio.open_unix_connection(control.path)
    writer.write(b"POST /voices?name=anna&text=a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"sound")
    assert b" 200 " in await reader.readline()
    writer.close()
    assert controls.enrolled["anna"][1] == b"sound"


async def test_whoever_sends_too_much_still_hears_why(control: ControlSocket, tmp_path: Path) -> None:
    recording = tmp_path / "x.wav"
    with recording.open("wb") as file:
        file.truncate(UPLOAD_BYTES + 1)
    with pytest.raises(MeadowlarkError, match="larger than 32 MiB"):
        await enroll_at(control.path, Wish("anna", "a"), recording)
    recording.write_bytes(b"RIFF" * 1_000_000)
    with pytest.raises(MeadowlarkError, match="knows no 'volume'"):
        await ask(control.path, "/voices?name=anna&volume=3", recording)


async def test_only_its_user_may_open_it(control: ControlSocket) -> None:
    assert stat.S_IMODE(control.path.stat().st_mode) == 0o600


async def test_what_curl_sends(send: Send) -> None:
    form = b"Accept: */*\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    status, _ = await send(b"POST /yield?x=1 HTTP/1.1\r\nHost: x\r\n" + form + b'content-length: 11\r\n\r\n{"bytes":7}')
    assert status == 200


NONSENSE = [
    (b"GET /\xff HTTP/1.1\r\n\r\n", 404, "GET /engines"),
    (b"GET /nothing HTTP/1.1\r\n\r\n", 404, "POST /yield"),
    (b"GET /yield HTTP/1.1\r\n\r\n", 405, "takes POST"),
    (post("/engines", b""), 405, "takes GET"),
    (b"hello\r\n\r\n", 400, "HTTP/1.1"),
    (b"\r\n\r\n", 400, "HTTP/1.1"),
    (b'{"type": "describe"}\n\r\n\r\n', 400, "HTTP/1.1"),
    (b"GET /engines SPDY/3\r\n\r\n", 400, "HTTP/1.1"),
    (b"GET /engines HTTP/1.1\r\nHost", 400, "ends before"),
    (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431, "16 KiB"),
    (b"POST /yield HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "not a number"),
    (b"POST /yield HTTP/1.1\r\nContent-Length: 0x10\r\n\r\n", 400, "not a number"),
    (b"POST /yield HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES + 1), 413, "64 KiB"),
    (b"POST /yield HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413, "64 KiB"),
    (b"POST /yield HTTP/1.1\r\nContent-Length: 20\r\n\r\n{", 400, "after 1 of 20"),
    (b"POST /yield HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, "Content-Length"),
    (post("/yield", b""), 400, '{"bytes": 2000000000}'),
    (post("/yield", b"{}"), 400, "bytes"),
    (post("/yield", b'{"bytes": "all"}'), 400, "$.bytes"),
    (post("/yield", b'{"bytes": 0}'), 400, "$.bytes"),
    (post("/yield", b'{"bytes": -5}'), 400, "$.bytes"),
    (post("/yield", b'{"bytes": 1e400}'), 400, "bytes"),
    (post("/yield", b'{"bytes": 5, "device": 0}'), 400, "$.device"),
    (post("/yield", b"[" * 60_000), 400, "send"),
    (post("/yield", b"\xff\xfe"), 400, "send"),
    (post("/prewarm", b"{}"), 400, "name an engine"),
    (post("/prewarm", b'{"engine": "nobody"}'), 404, "There are: kokoro"),
    (post("/voices", b"{}"), 400, "/home/me/anna.wav"),
    (post("/voices", b'{"name": "a", "text": "b", "path": "anna.wav"}'), 400, "must begin with /"),
    (post("/voices", b'{"name": "a", "text": "b", "path": "/a\\u0000.wav"}'), 400, "must begin with /"),
    (post("/voices?name=anna", b""), 400, "--data-binary"),
    (post("/voices?name=anna&volume=3", b"x"), 400, "knows no 'volume'"),
    (post("/voices?name=bad", b"x"), 400, "is silent"),
    (b"POST /voices?name=anna HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (UPLOAD_BYTES + 1), 413, "32 MiB"),
    (b"POST /voices?name=anna HTTP/1.1\r\nContent-Length: 20\r\n\r\nabc", 400, "after 3 of 20"),
    (b"PUT /voices HTTP/1.1\r\n\r\n", 405, "takes GET, POST or DELETE"),
    (b"DELETE /voices HTTP/1.1\r\n\r\n", 405, "takes GET"),
    (b"DELETE /voices/..%2f..%2fetc HTTP/1.1\r\n\r\n", 404, "There are: anna"),
    (b"DELETE /voices/../../etc HTTP/1.1\r\n\r\n", 404, "There are: anna"),
    (b"DELETE /voices/ HTTP/1.1\r\n\r\n", 404, "There are: anna"),
    (b"GET /engines/x HTTP/1.1\r\n\r\n", 404, "GET /engines"),
]


@pytest.mark.parametrize(("raw", "status", "says"), NONSENSE)
async def test_nonsense_is_told_the_remedy(
    send: Send, controls: FakeControls, raw: bytes, status: int, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    got, answer = await send(raw)
    assert (got, list(answer)) == (status, ["error"])
    assert says in answer["error"]
    assert controls.orders == []
    assert "Traceback" not in caplog.text
    assert (await send(b"GET /engines HTTP/1.0\r\n\r\n"))[0] == 200


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        (RefusedError("Nothing idle is left on cuda:0; try again later."), 503, "try again later"),
        (MeadowlarkError("There is no device 'cuda:9'."), 500, "cuda:9"),
        (OSError(5, "disk"), 500, "its log says more"),
        (ZeroDivisionError(), 500, "its log says more"),
    ],
)
async def test_what_goes_wrong_inside_stays_inside(
    send: Send, controls: FakeControls, fault: Exception, status: int, says: str
) -> None:
    controls.fault = fault
    got, answer = await send(post("/yield", b'{"bytes": 5}'))
    assert got == status
    assert says in answer["error"]


async def test_the_client_is_told_why(control: ControlSocket) -> None:
    with pytest.raises(MeadowlarkError, match="There are: kokoro"):
        await ask(control.path, "/prewarm", {"engine": "nobody"})


async def test_one_that_says_nothing_is_not_waited_for(send: Callable[..., Awaitable[tuple[int, Any]]]) -> None:
    assert (await send(b"", hang_up=False))[0] == 408
    assert (await send(b"POST /yield HTTP/1.1\r\nContent-Length: 5\r\n\r\n{", hang_up=False))[0] == 408


async def test_work_has_a_time_limit(send: Send, controls: FakeControls) -> None:
    controls.hold = asyncio.Event()
    assert (await send(post("/yield", b'{"bytes": 5}')))[0] == 408


async def test_a_crowd_is_turned_away(control: ControlSocket, send: Send) -> None:
    crowd = [await asyncio.open_unix_connection(control.path) for _ in range(CONNECTIONS)]
    assert (await send(b"GET /engines HTTP/1.1\r\n\r\n"))[0] == 503
    for _, writer in crowd:
        writer.close()
    for reader, _ in crowd:
        await reader.read()
    assert (await send(b"GET /engines HTTP/1.1\r\n\r\n"))[0] == 200


async def test_one_who_leaves_at_once(control: ControlSocket, send: Send) -> None:
    for raw in (b"", b"GET /engines HTTP/1.1\r\n\r\n"):
        _, writer = await asyncio.open_unix_connection(control.path)
        writer.write(raw)
        writer.transport.abort()
    assert (await send(b"GET /engines HTTP/1.1\r\n\r\n"))[0] == 200


async def test_stop_leaves_nothing(control: ControlSocket, controls: FakeControls) -> None:
    controls.hold = asyncio.Event()
    asking = asyncio.create_task(ask(control.path, "/yield", {"bytes": 1}))
    while not controls.orders:  # noqa: ASYNC110  it is a few steps away
        await asyncio.sleep(0)
    await control.stop()
    with pytest.raises((OSError, ValueError)):
        await asking
    assert not control.path.exists()
    await control.stop()


async def test_what_a_killed_server_left_behind_is_replaced(controls: FakeControls, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert await running_engines(path) is None
    control = ControlSocket(path, controls)
    assert await control.start()
    assert await running_engines(path)
    await control.stop()


async def test_what_clients_were_sending_to_a_killed_server_is_swept(controls: FakeControls, path: Path) -> None:
    left = path.parent / ".upload-left"
    left.mkdir()
    (left / "recording").write_bytes(b"half of it")
    socket = ControlSocket(path, controls)
    assert await socket.start()
    assert not left.exists()
    await socket.stop()


async def test_what_comes_while_it_is_swept_stays(controls: FakeControls, path: Path) -> None:
    socket = ControlSocket(path, controls)
    starting = asyncio.create_task(socket.start())
    while not path.exists():  # noqa: ASYNC110, ASYNC240 - nobody tells when it listens
        await asyncio.sleep(0)
    (path.parent / ".upload-new").mkdir()
    assert await starting
    assert (path.parent / ".upload-new").exists()
    await socket.stop()


async def test_a_living_server_is_not_replaced(
    control: ControlSocket, controls: FakeControls, caplog: pytest.LogCaptureFixture
) -> None:
    assert not await ControlSocket(control.path, controls).start()
    assert "another server runs with this data folder" in caplog.text
    assert await running_engines(control.path)


@pytest.fixture
def precious(path: Path) -> Path:
    path.write_text("precious")
    return path


async def test_a_file_in_the_way_is_not_removed(
    controls: FakeControls, precious: Path, caplog: pytest.LogCaptureFixture
) -> None:
    control = ControlSocket(precious, controls)
    assert not await control.start()
    await control.stop()
    assert precious.read_bytes() == b"precious"  # noqa: ASYNC240
    assert "in the way" in caplog.text
    assert await running_engines(precious) is None


async def test_no_folder_or_too_long_a_path(
    controls: FakeControls, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not await ControlSocket(tmp_path / "nowhere" / "control.sock", controls).start()
    assert not await ControlSocket(tmp_path / ("x" * 120), controls).start()
    assert "No such file or directory" in caplog.text
    assert "choose a shorter --data-dir" in caplog.text


async def test_nobody_there(path: Path) -> None:
    assert await running_engines(path) is None


async def test_somebody_else_there(path: Path) -> None:
    async def chat(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        writer.close()

    server = await asyncio.start_unix_server(chat, path)
    with pytest.raises(MeadowlarkError, match="does not answer"):
        await running_engines(path)
    server.close()
    await server.wait_closed()


async def test_somebody_mute_there(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        with pytest.raises(MeadowlarkError, match="no answer in time"):
            await running_engines(path, timeout=0.05)
