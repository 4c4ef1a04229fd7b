"""Asks a server what it is: the container's health check, and `meadowlark doctor`."""

from __future__ import annotations

import asyncio

from wyoming.client import AsyncClient
from wyoming.info import Describe, Info

from ..errors import MeadowlarkError, SettingsError


async def check(uri: str, timeout: float = 5.0) -> Info:
    """Return what the server at a URI says of itself within `timeout` seconds; raises MeadowlarkError."""
    try:
        client = AsyncClient.from_uri(uri)
    except ValueError as error:
        raise SettingsError(f"uri: {uri!r} is no address of a server: use tcp://host:port or unix:///path") from error
    try:
        async with asyncio.timeout(timeout), client:
            await client.write_event(Describe().event())
            while event := await client.read_event():
                if Info.is_type(event.type):
                    return Info.from_event(event)
    except TimeoutError:
        raise MeadowlarkError(f"{uri} did not answer within {timeout:g} s: is it a Wyoming server?") from None
    except OSError as error:
        raise MeadowlarkError(f"nothing can be reached at {uri} ({error}): is the server running?") from error
    raise MeadowlarkError(f"{uri} closed the connection without an answer: is it a Wyoming server?")
