"""A third party's engine: installed by pip out of a folder, without a line changed in the core, it is there and speaks.

The folder is plugins/example. It goes into a fresh virtualenv that has what this one has, but no plugin.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import yaml
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.info import Describe, Info, TtsProgram
from wyoming.tts import Synthesize, SynthesizeVoice

import meadowlark

EXAMPLE = Path(__file__).parent.parent / "plugins" / "example"

WORDS = "One two three."
SECONDS = 3 * 0.1 + 0.03 * 12
"""Of WORDS: a beep is 0.1 s and 0.03 s a letter long."""

pytestmark = pytest.mark.timeout(60)  # pip and three interpreters, on a busy machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The third party's own copy."""
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("third") / "party"))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """The interpreter of a virtualenv with the core and the third party's plugin."""
    where = tmp_path_factory.mktemp("env")
    venv.create(where, symlinks=True)  # no pip inside: ours installs into it
    python = where / "bin" / "python"
    site = sysconfig.get_path("purelib", "venv", {"base": str(where), "platbase": str(where)})
    lend_packages(Path(site))
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "--python", str(python), "install", str(folder),
            "--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir", "--disable-pip-version-check",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert not done.returncode, done.stdout + done.stderr
    return python


def lend_packages(site: Path) -> None:
    """Link this environment's packages into another's, the core included, plugins left out: no network is needed."""
    for scheme in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for package in Path(scheme).iterdir():
            if not package.name.startswith(("meadowlark", "__pycache__")) and package.suffix != ".pth":
                (site / package.name).symlink_to(package)
    (site / "meadowlark").symlink_to(Path(meadowlark.__file__).parent)


def test_it_appears_and_speaks(python: Path, tmp_path: Path) -> None:
    with server(python, tmp_path, {}) as port:
        programs, replies = asyncio.run(visit(port, "beeps/high", "low"))
    beeps = next(each for each in programs if each.name == "beeps")
    assert [voice.name for voice in beeps.voices] == ["beeps/low", "beeps/high"]
    assert {"beeps/low", "beeps/high"} <= {voice.name for voice in programs[0].voices}
    assert [seconds_of(*reply) for reply in replies] == pytest.approx([SECONDS, SECONDS], abs=0.01)


def test_it_speaks_out_of_another_virtualenv(python: Path, tmp_path: Path) -> None:
    with server(Path(sys.executable), tmp_path, {"environments": [str(python)]}) as port:
        programs, replies = asyncio.run(visit(port, "beeps/low"))
    assert any(each.name == "beeps" for each in programs)
    assert [seconds_of(*reply) for reply in replies] == pytest.approx([SECONDS], abs=0.01)


def test_its_author_runs_the_conformance_suite(python: Path, folder: Path) -> None:
    plain = [*("-p", "no:asyncio"), *("-p", "no:timeout"), *("-p", "no:cacheprovider"), *("-W", "error")]
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-rs", *plain],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert [line for line in skipped if "one sentence at a time" not in line] == []


@contextmanager
def server(python: Path, folder: Path, settings: Mapping[str, object]) -> Iterator[int]:
    """The real server as a process; its port."""
    config = folder / "settings.yaml"
    alone = {"preload": False, "always_speak": False}  # nobody stands in for an engine that is late on a busy machine
    config.write_text(yaml.safe_dump({**alone, **settings}))
    arguments = ["serve", "--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--data-dir", "data", "--config", config]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [python, "-m", "meadowlark", *arguments], cwd=folder, env=environment(), stderr=log, stdout=log
        )
        try:
            yield port_of(process, folder / "log")
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0, (folder / "log").read_text()


def environment() -> dict[str, str]:
    """Ours, without what would let the other interpreter see more than a third party's does."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MEADOWLARK_"))}


def port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    """Where the server listens, as soon as it does."""
    while not (found := re.search(r"Listening on tcp://\S+:(\d+)\n", log.read_text())):
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    return int(found[1])


async def visit(port: int, *voices: str) -> tuple[list[TtsProgram], list[tuple[AudioStart, bytes]]]:
    """Describe, then the same words in each voice."""
    async with connection(port) as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
        assert event
        info = Info.from_event(event)
        return info.tts, [await say(client, WORDS, voice) for voice in voices]


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[AsyncClient]:
    client = AsyncClient.from_uri(f"tcp://127.0.0.1:{port}")
    async with asyncio.timeout(50):
        await client.connect()
        try:
            yield client
        finally:
            await client.disconnect()


async def say(client: AsyncClient, text: str, voice: str) -> tuple[AudioStart, bytes]:
    await client.write_event(Synthesize(text, SynthesizeVoice(voice)).event())
    start: AudioStart | None = None
    audio = b""
    while event := await client.read_event():
        assert not Error.is_type(event.type), event.data
        if AudioStart.is_type(event.type):
            start = AudioStart.from_event(event)
        elif AudioChunk.is_type(event.type):
            audio += AudioChunk.from_event(event).audio
        elif AudioStop.is_type(event.type):
            break
    assert start
    return start, audio


def seconds_of(start: AudioStart, audio: bytes) -> float:
    assert (start.rate, start.width, start.channels) == (16000, 2, 1)
    assert max(audio) > 0
    return len(audio) / 2 / start.rate
