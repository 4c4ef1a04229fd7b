"""Commands as real processes, in a data folder of their own, with a hub on loopback."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Info

from meadowlark.testing.hub import Hub

UNWANTED = ("MEADOWLARK_", "SUPERVISOR_", "HF_", "HUGGING", "XDG_")


@dataclass
class Place:
    """A user's machine: where commands run, and what they are told by the environment."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "meadowlark"

    @property
    def environ(self) -> dict[str, str]:
        own = {key: value for key, value in os.environ.items() if not key.startswith(UNWANTED)}
        return own | {"XDG_DATA_HOME": str(self.folder), "OMP_NUM_THREADS": "1"} | self.environment

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command from beginning to end."""
        command = [sys.executable, "-m", "meadowlark", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False)

    @contextmanager
    def serve(self, *flags: str, look_seconds: float = 0.3) -> Iterator[Running]:
        """A server that is ready, looks at its folders often, and is ended with the block."""
        code = (
            "import sys; look = float(sys.argv.pop(1))\n"
            "from meadowlark import __main__ as main; import meadowlark.cli.serve as module\n"
            "arguments = main._parser().parse_args(sys.argv[1:]); main.logging.basicConfig(level='INFO')\n"
            "module.serve(main._settings(arguments), look_seconds=look)\n"
        )
        arguments = ["serve", "--uri", "tcp://127.0.0.1:0", "--no-zeroconf", *flags]
        with tempfile.NamedTemporaryFile("w", dir=self.folder, prefix="log-", delete=False) as file:
            process = subprocess.Popen(
                [sys.executable, "-c", code, str(look_seconds), *arguments],
                cwd=self.folder, env=self.environ, stderr=file,
            )  # fmt: skip
        running = Running(process, Path(file.name))
        try:
            running.wait_for("Ready with")
            yield running
        finally:
            running.stop()


@dataclass
class Running:
    """A server's process."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def uri(self) -> str:
        """Where it listens: the system has chosen the port, so that nobody else can have it."""
        found = re.search(r"Listening on (tcp://\S+:\d+)\n", self.log.read_text())
        assert found
        return found[1]

    def wait_for(self, words: str, seconds: float = 30) -> str:
        """The log, as soon as it has these words."""
        until = time.monotonic() + seconds
        while words not in (text := self.log.read_text()):
            assert self.process.poll() is None, text
            assert time.monotonic() < until, f"no {words!r} in {text}"
            time.sleep(0.05)
        return text

    def voices(self) -> set[str]:
        """What it tells Home Assistant."""
        return asyncio.run(self._voices())

    def wait_for_voice(self, name: str, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while name not in self.voices():
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)

    def stop(self) -> str:
        """Its whole log."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
        return self.log.read_text()

    async def _voices(self) -> set[str]:
        async with AsyncClient.from_uri(self.uri) as client:
            await client.write_event(Event("describe"))
            event = await client.read_event()
            assert event
            return {voice.name for voice in Info.from_event(event).tts[0].voices}


def at_hub(hub: Hub, folder: Path) -> dict[str, str]:
    """What makes a process ask this hub."""
    return {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf")}
