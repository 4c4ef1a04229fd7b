"""`meadowlark doctor`: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ..catalog import Choice, VoiceRequest
from ..errors import MeadowlarkError, RefusedError, SettingsError
from ..models.state import in_words
from ..plugins import Registry
from ..residency.devices import LocalDevices
from ..server.addresses import adapters, reachable
from ..server.endpoint import TcpEndpoint, parse
from ..server.health import check
from ..settings import Settings, read_lexicon
from ..speech import SpeechRequest
from .beginnings import beginnings
from .wiring import House, Use, find, open_house

LOW_MEMORY = 500_000_000
LOW_DISK = 1_000_000_000
SLOW_RTF = 0.7
"""Above it a voice speaks hardly faster than it is heard, and long replies falter."""


PATIENCE_SECONDS = 600.0
"""For first audio of an engine that loads for the first time."""

SENTENCE = "This is a test of the voice of this house."


class State(StrEnum):
    """Of one check."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    state: State
    subject: str
    text: str
    remedy: str = ""


def doctor(settings: Settings) -> None:
    """Print every finding as it is made. Exit status 1 when something is broken."""
    broken = False
    for finding in asyncio.run(_all(settings)):
        broken |= finding.state is State.BROKEN
        sys.stdout.write(f"{finding.state:<8} {finding.subject:<10} {finding.text}\n")
        if finding.remedy:
            sys.stdout.write(f"{'':19} → {finding.remedy}\n")
    if broken:
        sys.exit(1)


async def _all(settings: Settings) -> list[Finding]:
    registry = await find(settings)
    return [
        _python(),
        *[finding for uri in settings.uris for finding in await _port(uri)],
        *_network(settings),
        *_plugins(registry),
        *_lexicon(settings),
        *[finding async for finding in _voices(settings)],
        *_memory(),
        _disk(settings.data_dir),
    ]


def _python() -> Finding:
    version = ".".join(str(each) for each in sys.version_info[:3])
    return Finding(State.OK, "python", f"{version} at {sys.executable}")


async def _port(uri: str) -> list[Finding]:
    """Free, ours, or somebody else's."""
    try:
        endpoint = parse(uri)
    except MeadowlarkError as error:
        return [Finding(State.BROKEN, "port", str(error))]
    if not isinstance(endpoint, TcpEndpoint):
        return [Finding(State.OK, "port", f"a unix socket at {endpoint.path}")]
    host = "127.0.0.1" if endpoint.host in ("0.0.0.0", "::") else endpoint.host
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(2)
        taken = probe.connect_ex((host, endpoint.port)) == 0
    if not taken:
        return [Finding(State.OK, "port", f"{endpoint.port} is free")]
    try:
        info = await check(f"tcp://{host}:{endpoint.port}")
    except MeadowlarkError:
        remedy = f"stop the other program (ss -ltnp | grep {endpoint.port} names it) or choose another port with --uri"
        return [
            Finding(State.BROKEN, "port", f"{endpoint.port} is taken by something that is no Wyoming server", remedy)
        ]
    names = ", ".join(program.name for program in info.tts) or "no speech"
    if names.startswith("meadowlark"):
        return [Finding(State.OK, "port", f"Meadowlark is running on {endpoint.port} and answers")]
    remedy = "stop it, or choose another port with --uri"
    return [Finding(State.BROKEN, "port", f"{endpoint.port} is taken by another Wyoming server ({names})", remedy)]


def _network(settings: Settings) -> Iterator[Finding]:
    """Whether Home Assistant can find us by zeroconf."""
    if settings.zeroconf is False or (settings.zeroconf is None and "SUPERVISOR_TOKEN" in os.environ):
        yield Finding(State.OK, "zeroconf", "not used")
        return
    try:
        endpoints = [each for each in map(parse, settings.uris) if isinstance(each, TcpEndpoint)]
    except MeadowlarkError:
        return
    addresses = [each for each in reachable(endpoints, adapters()) if not each.startswith("127.") and each != "::1"]
    if addresses:
        yield Finding(State.OK, "zeroconf", f"announced at {', '.join(addresses)}")
    else:
        remedy = "listen on 0.0.0.0 and connect to the network, or add the server in Home Assistant by hand"
        yield Finding(State.WARNING, "zeroconf", "no address that others could reach", remedy)


def _plugins(registry: Registry) -> Iterator[Finding]:
    for row in registry.rows:
        if row.disabled:
            yield Finding(State.OK, "plugin", f"{row.name}: {row.error}")
        elif row.error:
            remedy = f"mend or remove it: {sys.executable} -m pip uninstall {row.distribution or row.name}"
            yield Finding(State.BROKEN, "plugin", f"{row.name}: {row.error}", remedy)
        else:
            yield Finding(State.OK, "plugin", f"{row.name} {row.version} with {', '.join(row.engines) or 'no engine'}")
    for engine, wrong in registry.option_errors.items():
        yield Finding(State.BROKEN, "options", f"{engine}: {wrong}", "mend it under `engines` in the settings")
    if not registry.engines:
        yield Finding(State.BROKEN, "plugin", "no engine is installed", "script/setup installs those of the repository")


def _lexicon(settings: Settings) -> Iterator[Finding]:
    """The user's words; where there are none, nothing is said."""
    try:
        if words := read_lexicon(settings):
            yield Finding(State.OK, "lexicon", f"{sum(map(len, words.values()))} words in {len(words)} languages")
    except SettingsError as error:
        yield Finding(State.BROKEN, "lexicon", str(error), "a running server does without it")


async def _voices(settings: Settings) -> AsyncIterator[Finding]:
    """Let the default voice speak, and one of each other engine that can, for real: in the data folder as it is.

    The ledger, which a running server may keep, is only read.
    """
    patient = replace(settings, always_speak=False, first_audio_budget=PATIENCE_SECONDS, preload=False)
    try:
        async with open_house(patient, use=Use.CHECK) as house:
            default = await _default(house)
            yield default
            for manifest in house.catalog.ready:
                if manifest.voices and not (
                    default.state is State.OK and house.catalog.default.startswith(f"{manifest.id}/")
                ):
                    yield await _heard(house, house.catalog.of_engine(manifest.id, house.language))
            for each in beginnings(house.catalog, house.store):
                yield Finding(State.WARNING, "voice", each.text, each.remedy)
    except MeadowlarkError as error:
        yield Finding(State.BROKEN, "voice", str(error), "`meadowlark voices` lists what is there")


async def _default(house: House) -> Finding:
    try:
        choice = house.catalog.resolve(VoiceRequest())
    except MeadowlarkError as error:
        return Finding(State.BROKEN, "voice", str(error), "`meadowlark voices` lists what is there")
    if choice.instead_of:
        wanted, lists = choice.instead_of, house.catalog.awaited(choice.instead_of)
        remedy = f"`meadowlark pull {wanted}` looks for it in the list of {' and '.join(lists)}" if lists else ""
        return Finding(State.WARNING, "voice", f"{wanted} is not known; {choice.name} speaks instead", remedy)
    if choice.waits:
        state = house.store.state(choice.manifest.id, choice.voice.id)
        remedy = f"`meadowlark pull {choice.name}` downloads it; a running server does so by itself"
        return Finding(State.WARNING, "voice", f"{choice.name} {in_words(state)}; others speak instead", remedy)
    return await _heard(house, choice, "the default voice ")


async def _heard(house: House, choice: Choice, what: str = "") -> Finding:
    """One voice, with nobody in its place."""

    async def text() -> AsyncIterator[str]:
        yield SENTENCE

    begun = time.monotonic()
    first, size, rate = 0.0, 0, 1
    voices: tuple[str, ...] = ()
    try:
        async with aclosing(house.speaker.speak(SpeechRequest(text(), VoiceRequest(choice.name), "doctor"))) as reply:
            async for pcm in reply:
                first = first or time.monotonic() - begun
                size, rate, voices = size + len(pcm.data), pcm.rate, pcm.voices
    except RefusedError as error:  # no room, while a running server has its engines loaded
        return Finding(State.WARNING, "voice", str(error), "stop the server to try it, or end other programs")
    except MeadowlarkError as error:
        return Finding(State.BROKEN, "voice", str(error), "the lines above this report say more")
    speed = (time.monotonic() - begun - first) / (size / 2 / rate)
    told = f"{what}{' and '.join(voices)}: first audio after {first:.2f} s with loading, then RTF {speed:.3f}"
    if speed > SLOW_RTF:
        remedy = "choose a lighter voice or engine, or a faster machine"
        return Finding(State.WARNING, "voice", f"{told}: hardly faster than speech", remedy)
    return Finding(State.OK, "voice", told)


def _memory() -> Iterator[Finding]:
    for memory in LocalDevices().read():
        text = f"{memory.device}: {memory.free / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
        low = memory.free < LOW_MEMORY
        yield Finding(
            State.WARNING if low else State.OK,
            "memory",
            text,
            "end other programs, or use light engines" if low else "",
        )
    if shutil.which("nvidia-smi") and len(LocalDevices().read()) == 1:
        remedy = f"{sys.executable} -m pip install nvidia-ml-py; in Docker: --gpus all"
        yield Finding(State.WARNING, "memory", "there is an NVIDIA driver, but its GPU cannot be read", remedy)


def _disk(data_dir: Path) -> Finding:
    existing = next(each for each in (data_dir.absolute(), *data_dir.absolute().parents) if each.exists())
    if not os.access(existing, os.W_OK):
        return Finding(State.BROKEN, "disk", f"{existing} cannot be written", "choose another folder with --data-dir")
    free = shutil.disk_usage(existing).free
    text = f"{free / 1e9:.1f} GB free at {existing}"
    if free < LOW_DISK:
        return Finding(State.WARNING, "disk", text, "models need space: free some, or choose another --data-dir")
    return Finding(State.OK, "disk", text)
