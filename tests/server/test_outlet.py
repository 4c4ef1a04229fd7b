"""How a connection ends."""

from __future__ import annotations

import asyncio
import socket

from meadowlark.errors import RefusedError
from meadowlark.server.outlet import Outlet, error_event

MUCH = 1_000_000
"""More bytes than the sockets between the two hold."""


async def close(error: RefusedError | None) -> bytes:
    """What a client has that begins to read only when the connection is being closed."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MUCH // 10)  # some machines are set up to hold more
    theirs.setblocking(False)
    stream, writer = await asyncio.open_connection(sock=ours)
    with theirs:
        writer.write(bytes(MUCH))
        closing = asyncio.create_task(Outlet(writer, stall_seconds=10).close(error, stream))
        await asyncio.sleep(0)
        assert writer.transport.get_write_buffer_size()
        got = bytearray()
        while piece := await asyncio.get_running_loop().sock_recv(theirs, 65_536):
            got += piece
        theirs.close()
        await closing
    return bytes(got)


async def test_who_takes_the_last_of_a_reply_late_has_all_of_it() -> None:
    assert await close(None) == bytes(MUCH)


async def test_who_takes_the_last_of_a_reply_late_has_the_error_too() -> None:
    error = RefusedError("no more")
    assert await close(error) == bytes(MUCH) + error_event(error)
