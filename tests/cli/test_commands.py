"""The command line as a person uses it: real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import wave
from pathlib import Path

import pytest

from meadowlark.residency.ledger import Ledger
from meadowlark.residency.ledger_file import LedgerFile, encode

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("MEADOWLARK_", "SUPERVISOR_"))}


def meadowlark(*arguments: str, cwd: Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meadowlark", *arguments],
        cwd=cwd,
        env=ENVIRONMENT | {"XDG_DATA_HOME": str(cwd)} | environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def seconds_of(path: Path) -> float:
    with wave.open(str(path)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (1, 2)
        return wav.getnframes() / wav.getframerate()


@pytest.mark.parametrize("command", [[], ["serve"], ["say"], ["voices"], ["plugins"], ["doctor"], ["health"]])
def test_help_teaches(command: list[str], tmp_path: Path) -> None:
    done = meadowlark(*command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "usage: meadowlark" in done.stdout
    if not command:
        assert "examples:" in done.stdout


def test_say_writes_a_wav(tmp_path: Path) -> None:
    done = meadowlark("say", "Hello from Meadowlark", "--output", "hello.wav", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"espeak/\S+: \d+\.\d+ s of speech.* Wrote hello\.wav", done.stderr)
    assert 0.8 < seconds_of(tmp_path / "hello.wav") < 4
    assert [each.name for each in tmp_path.iterdir() if each.name != "meadowlark"] == ["hello.wav"]


def test_say_reads_standard_input_and_writes_standard_output(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "meadowlark", "say", "-", "-o", "-"],
        cwd=tmp_path,
        env=ENVIRONMENT | {"XDG_DATA_HOME": str(tmp_path)},
        input=b"Hello there.",
        capture_output=True,
        check=True,
    )
    assert done.stdout[:4] == b"RIFF"
    assert len(done.stdout) > 20_000


def test_say_tries_at_once_what_a_server_would_let_rest(tmp_path: Path) -> None:
    """Its engine may just have been mended."""
    ledger, now = Ledger(), time.time()
    ledger.record_death("espeak", at=now, reason="killed by SIGSEGV", in_a_row=9, rests_until=now + 3600)
    LedgerFile(tmp_path / "meadowlark" / "ledger.json").write(encode(ledger))
    done = meadowlark("say", "Hello there.", "--voice", "espeak/de", "-o", "hello.wav", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "espeak/de: " in done.stderr


def test_say_without_a_loudspeaker_says_where_it_wrote(tmp_path: Path) -> None:
    done = meadowlark("say", "Hello.", cwd=tmp_path, PATH="", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = re.search(r"the speech is in (\S+\.wav)", done.stderr)
    assert found
    assert seconds_of(Path(found[1])) > 0.2


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("say", "Hello.", "--voice", "espeak/klingonn"), 1, "No voice 'espeak/klingonn' is installed"),
        (("say", "  "), 1, "nothing to say"),
        (("say", "Hello.", "-o", "/nowhere/x.wav"), 1, "Cannot write /nowhere/x.wav"),
        (("voices", "--language", "tlh-x"), 1, "No installed voice matches"),
        (("voices", "--engine", "nope"), 1, "No engine 'nope' is installed. Installed: "),
        (("serve", "--uri", "http://x"), 2, "tcp://HOST:PORT"),
        (("serve", "--memory-budget-mb", "lots"), 2, "memory_budget_mb is 'lots' in the command line"),
        (("serve", "--config", "none.yaml"), 2, "Cannot read the settings file none.yaml"),
        (("health", "--uri", "tcp://127.0.0.1:1"), 1, "is the server running?"),
        (("sing",), 2, "invalid choice: 'sing'"),
    ],
)
def test_errors_are_one_line_with_the_remedy(
    arguments: tuple[str, ...], status: int, says: str, tmp_path: Path
) -> None:
    done = meadowlark(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_who_leaves_is_no_fault(tmp_path: Path) -> None:
    """As in `meadowlark voices | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "meadowlark", "voices"],
        cwd=tmp_path,
        env=ENVIRONMENT | {"XDG_DATA_HOME": str(tmp_path)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_voices_and_plugins(tmp_path: Path) -> None:
    table = meadowlark("voices", "--language", "de", cwd=tmp_path)
    assert "espeak/de " in table.stdout
    assert "en-us" not in table.stdout.partition("Default")[0]
    listed = json.loads(meadowlark("voices", "--json", cwd=tmp_path).stdout)
    assert {"name", "languages", "description"} == set(listed[0])
    plugins = meadowlark("plugins", cwd=tmp_path)
    assert plugins.returncode == 0
    assert re.search(r"espeak\s+meadowlark-espeak \S+\s+espeak \(\d+ voices\)\s+GPL-3.0-or-later\s+ok", plugins.stdout)


def test_doctor_finds_nothing_broken_here(tmp_path: Path) -> None:
    done = meadowlark("doctor", "--uri", "tcp://127.0.0.1:0", cwd=tmp_path)
    assert "broken" not in done.stdout
    assert done.returncode == 0
    for subject in ("python", "port", "zeroconf", "plugin", "voice", "memory", "disk"):
        assert re.search(rf"^(ok|warning) +{subject}", done.stdout, re.M), subject


def test_doctor_names_who_has_the_port(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = meadowlark("doctor", "--uri", f"tcp://127.0.0.1:{other.getsockname()[1]}", cwd=tmp_path)
    assert done.returncode == 1
    assert "is taken by something that is no Wyoming server" in done.stdout
    assert "--uri" in done.stdout


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serves_until_it_is_told_to_stop(signal_: signal.Signals, tmp_path: Path) -> None:
    nohup = signal_ != signal.SIGHUP
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL)  # a new process inherits it
    server = subprocess.Popen(
        [sys.executable, "-m", "meadowlark", "--uri", "tcp://127.0.0.1:0", "--no-zeroconf"],  # no command: it serves
        cwd=tmp_path,
        env=ENVIRONMENT | {"XDG_DATA_HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGHUP, before)
    try:
        said = ""
        while "Ready with" not in said:
            assert server.stderr
            line = server.stderr.readline()
            assert line, said
            said += line
        [uri] = re.findall(r"Listening on (\S+)", said)
        if nohup:
            server.send_signal(signal.SIGHUP)
        assert "meadowlark answers" in meadowlark("health", "--uri", uri, cwd=tmp_path).stdout
        server.send_signal(signal_)
        _, log = server.communicate()
        assert server.returncode == 0, log
        assert "Stopping" in log
        assert "Traceback" not in log
    finally:
        server.kill()
        server.wait()
        assert server.stderr
        server.stderr.close()


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = meadowlark("serve", "--uri", f"tcp://127.0.0.1:{other.getsockname()[1]}", "--no-zeroconf", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot listen on" in done.stderr
    assert "Traceback" not in done.stderr
