"""The asking end of the control socket, for the command line."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from ..enrolment import OwnVoice, Wish
from ..errors import MeadowlarkError
from .control import REQUEST_SECONDS, Engines, EngineState, Forgotten, Voices, address

ANSWER_BYTES: Final = 4 * 1024 * 1024


async def running_engines(path: Path, timeout: float = REQUEST_SECONDS) -> tuple[EngineState, ...] | None:
    """The engines of the server whose control socket this is; None when none runs. Raises MeadowlarkError."""
    try:
        async with asyncio.timeout(timeout):
            answer = await ask(path, "/engines")
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except (OSError, ValueError) as error:
        raise MeadowlarkError(
            f"The control socket {path} does not answer ({str(error) or 'no answer in time'}): "
            "is that the server's data folder, and are you its user?"
        ) from error
    return msgspec.convert(answer, Engines).engines


async def ask(path: Path, target: str, body: object = None, *, method: str = "") -> Any:
    """What the server answers; raises OSError when there is none, MeadowlarkError when it says no, ValueError.

    body: for POST, as JSON; a Path is sent as it is on disk.
    """
    content = body.read_bytes() if isinstance(body, Path) else b"" if body is None else msgspec.json.encode(body)
    method = method or ("GET" if body is None else "POST")
    reader, writer = await asyncio.open_unix_connection(address(path), limit=ANSWER_BYTES)
    try:
        head = f"{method} {target} HTTP/1.1\r\nHost: meadowlark\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        answered, _, answer = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    found = msgspec.json.decode(answer)
    if b" 200 " not in answered.split(b"\r\n")[0] + b" ":
        raise MeadowlarkError(str(found.get("error", found)) if isinstance(found, dict) else str(found))
    return found


async def enroll_at(path: Path, wish: Wish, recording: Path) -> OwnVoice:
    """Have a running server enroll a voice; raises as `ask`. The recording is sent: it may see other folders."""
    fields = {key: value for key, value in dataclasses.asdict(wish).items() if value}
    return msgspec.convert(await ask(path, f"/voices?{urlencode(fields)}", recording), OwnVoice)


async def forget_at(path: Path, name: str) -> int:
    """Have a running server remove a reference voice; how many files. Raises as `ask`."""
    return msgspec.convert(await ask(path, f"/voices/{quote(name, safe='')}", method="DELETE"), Forgotten).files


async def voices_at(path: Path) -> tuple[OwnVoice, ...]:
    """A running server's reference voices. Raises as `ask`."""
    return msgspec.convert(await ask(path, "/voices"), Voices).voices
