"""`meadowlark engines`: the ledger as a table, with what a running server says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from meadowlark.cli.engines import engines, rows_of
from meadowlark.residency.ledger import Ledger
from meadowlark.residency.ledger_file import LedgerFile, encode
from meadowlark.server.control import ControlSocket, EngineState
from meadowlark.settings import Settings
from meadowlark.testing.engines import tone_manifest

MB = 1_000_000


def measured() -> Ledger:
    ledger = Ledger()
    ledger.record_load("espeak", "cpu", bytes=21 * MB, peak_bytes=30 * MB, load_seconds=1.5, warm_up_seconds=0.01)
    for chars, rtf in ((30, 0.02), (240, 0.01)):
        ledger.record_sentence("espeak", "cpu", chars=chars, audio_seconds=2, seconds=2 * rtf, first_audio_seconds=0.05)
    ledger.record_death("gone", at=1_800_000_000.0, reason="killed by SIGSEGV", in_a_row=3)
    return ledger


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "data")
    LedgerFile(settings.data_dir / "ledger.json").write(encode(measured()))
    return settings


class Controls:
    async def yield_memory(self, wanted: int, device: str) -> int:
        raise NotImplementedError

    def prewarm(self, name: str) -> str:
        raise NotImplementedError

    def engines(self) -> list[EngineState]:
        return [EngineState("espeak", "resident", "cpu", 21 * MB, leases=2)]


@contextlib.contextmanager
def server(settings: Settings) -> Iterator[None]:
    """A control socket in a thread of its own, as the command brings its own event loop."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        control = ControlSocket(settings.data_dir / "control.sock", Controls())
        await control.start()
        ready.set()
        await stop.wait()
        await control.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait(5)
    yield
    loop.call_soon_threadsafe(stop.set)
    thread.join(5)
    loop.close()


def test_what_is_installed_and_what_was_measured() -> None:
    rows = list(rows_of(measured(), [tone_manifest("tone"), tone_manifest("espeak")], None))
    assert [(row.engine, row.device, row.measured) for row in rows] == [
        ("espeak", "cpu", True),
        ("gone", "cpu", False),
        ("tone", "cpu", False),
    ]
    espeak, gone, tone = rows
    assert (espeak.bytes, espeak.peak_bytes, espeak.load_seconds, espeak.sentences) == (21 * MB, 30 * MB, 1.5, 2)
    assert (espeak.rtf_short, espeak.rtf_long, espeak.first_audio_seconds) == pytest.approx((0.02, 0.01, 0.05))
    assert gone.death
    assert (tone.bytes, tone.load_seconds, tone.rtf_short) == (40 * MB, None, None)


def test_the_table(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    engines(settings, as_json=False)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["ENGINE", "DEVICE", "MEMORY"]
    espeak = next(line for line in lines if line.startswith("espeak"))
    assert " ".join(espeak.split()[1:]) == "cpu 21 MB 30 MB 1.5 s 10 ms 0.020 0.010 50 ms 2 -"
    gone = next(line for line in lines if line.startswith("gone"))
    assert "(killed by SIGSEGV), 3 times in a row" in gone
    assert "No server runs" in lines[-1]


def test_with_a_running_server(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with server(settings):
        engines(settings, as_json=False)
        engines(settings, as_json=True)
    table, _, document = capsys.readouterr().out.partition("\n[\n")
    assert "resident on cpu, 2 listening" in table
    assert "No server runs" not in table
    rows = json.loads("[" + document)
    assert next(row for row in rows if row["engine"] == "espeak")["state"]["leases"] == 2


def test_a_broken_ledger_is_the_servers_to_keep(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    path = settings.data_dir / "ledger.json"
    path.write_text("{")
    engines(settings, as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["measured"] is False
    assert path.read_text() == "{"


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, meadowlark.cli.engines; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "numpy", "onnxruntime", "zeroconf", "pynvml"} & set(loaded)
