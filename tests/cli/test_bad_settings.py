"""Settings about residency that cannot be: said at start, in a line, by the server as a person starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("MEADOWLARK_", "SUPERVISOR_"))}

SETTINGS = """
zeroconf: false
memory_budget_mb: 900000000
fallbacks: {de: nobody, fr: espeak/no-such-voice}
"""


def serve(folder: Path, settings: str, says: str = "") -> tuple[int, str]:
    """(exit status, log) of a server that ends by itself, or is told to once it has said that."""
    (folder / "settings.yaml").write_text(settings)
    log = folder / "log"
    with log.open("w") as stderr:
        server = subprocess.Popen(
            [sys.executable, "-m", "meadowlark", "serve", "--uri", "tcp://127.0.0.1:0", "--config", "settings.yaml"],
            cwd=folder,
            env=ENVIRONMENT | {"MEADOWLARK_DATA_DIR": "data"},
            stderr=stderr,
        )
    try:
        deadline = time.monotonic() + 30
        while server.poll() is None and time.monotonic() < deadline and not (says and says in log.read_text()):
            time.sleep(0.05)
        if says and server.poll() is None:
            server.send_signal(signal.SIGTERM)
        return server.wait(30), log.read_text()
    finally:
        server.kill()
        server.wait()


def test_a_slip_in_the_lexicon_silences_no_house(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lexicon.yaml").write_text("en: {HVAC: [H vac")
    status, log = serve(tmp_path, "zeroconf: false", says="Ready with")
    assert status == 0, log
    assert "lexicon.yaml is not valid YAML" in log
    assert "Words are said without it" in log


def test_what_can_be_lived_with_is_said_and_the_server_serves(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.json").write_bytes(b"\x00\xff no ledger")
    status, log = serve(tmp_path, SETTINGS, says="Ready with")
    assert status == 0, log
    assert "memory_budget_mb is 900000000, but this machine has" in log
    assert "fallback 'nobody' is not installed; installed are" in log
    assert "fallback for 'fr':" in log
    assert "no-such-voice" in log
    assert "it is kept as ledger.json.broken-1" in log
    assert (tmp_path / "data" / "ledger.json.broken-1").read_bytes() == b"\x00\xff no ledger"
    assert (tmp_path / "data" / "ledger.json").exists()  # rebuilt
    assert "Traceback" not in log


@pytest.mark.parametrize("setting", ["pinned: [nope]", "pinned: [espeak, nope]"])
def test_an_unknown_pinned_engine_stops_the_start(setting: str, tmp_path: Path) -> None:
    status, log = serve(tmp_path, f"zeroconf: false\n{setting}\n")
    assert status == 2, log
    assert "pinned: no engine 'nope' is installed; installed are" in log
    assert "Traceback" not in log
