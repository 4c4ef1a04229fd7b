"""Announces the server on the network (mDNS), so that Home Assistant offers it by itself.

Registered only while the server is up, because Home Assistant connects the moment it hears of us. The instance name is
part of Home Assistant's unique id and never changes without need. zeroconf is heavy (0.1 s, 4 MB): import this module
only to advertise.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import socket
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import zeroconf
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from .. import __version__
from ..errors import SettingsError
from .addresses import UNHEARD, Adapter, adapters, reachable
from .endpoint import Endpoint, TcpEndpoint

_LOGGER = logging.getLogger(__name__)

SERVICE = "_wyoming._tcp.local."

_MULTICAST_BIT = 1 << 40
"""Set in what `uuid.getnode` invents where it finds no network card."""

_NAMES = 20
_NAME_BYTES = 60
"""A label has at most 63 bytes, of which "-20" may be needed."""

_CLOSE_SECONDS = 2.0


def default_name(machine_id: Path = Path("/etc/machine-id"), node: Callable[[], int] = uuid.getnode) -> str:
    """Return "meadowlark-1a2b3c": the same at each start, another one on each machine, and its id stays private."""
    with contextlib.suppress(OSError):
        known = machine_id.read_text().strip()
        if known:
            return _named(known)
    mac = node()
    return _named(socket.gethostname() if mac & _MULTICAST_BIT else f"{mac:012x}")


def _note_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        _LOGGER.error("No longer announced on the network: unexpected error", exc_info=task.exception())


def _named(identity: str) -> str:
    return f"meadowlark-{hashlib.sha256(b'meadowlark ' + identity.encode()).hexdigest()[:6]}"


class Advertiser:
    """Keeps the announcement true: through missing networks, taken names and changing addresses."""

    def __init__(
        self,
        name: str,
        endpoints: Sequence[Endpoint],
        *,
        present: Callable[[], Sequence[Adapter]] = adapters,
        poll_seconds: float = 30.0,
        retry_seconds: float = 1.0,
    ) -> None:
        """Raise SettingsError for a name that no network takes.

        `endpoints`: where the server listens, as addresses. `retry_seconds` doubles up to `poll_seconds`.
        """
        if not 0 < len(name.encode()) <= _NAME_BYTES or not name.isprintable():
            raise SettingsError(
                f"zeroconf: the name {name!r} cannot be announced: use 1 to {_NAME_BYTES} bytes of text"
            )
        tcp = [each for each in endpoints if isinstance(each, TcpEndpoint) and each.host != str(UNHEARD)]
        self._wanted = name
        self._port = tcp[0].port if tcp else 0
        self._endpoints = [endpoint for endpoint in tcp if endpoint.port == self._port]  # a service has one port
        self._present = present
        self._poll_seconds = poll_seconds
        self._retry_seconds = retry_seconds
        self._task: asyncio.Task[None] | None = None
        self._zeroconf: AsyncZeroconf | None = None
        self._service: AsyncServiceInfo | None = None
        self.addresses: tuple[str, ...] = ()
        """Told to the network; empty while it is not."""

    @property
    def name(self) -> str:
        """The instance name in use, else the wanted one."""
        return self._service.name.removesuffix(f".{SERVICE}") if self._service else self._wanted

    def start(self) -> None:
        """Begin to announce, in the background: call it when the server is up."""
        if not self._endpoints:
            _LOGGER.info("Not announced on the network: a unix socket or [::1] is reached only from this machine")
            return
        self._task = asyncio.create_task(self._keep_true(), name="advertise")
        self._task.add_done_callback(_note_failure)

    async def stop(self) -> None:
        """Say goodbye to the network; takes at most about 2 s and never raises."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._withdraw()

    async def _keep_true(self) -> None:
        pause, complained = self._retry_seconds, False
        while True:
            try:
                addresses = reachable(self._endpoints, self._present())
                if addresses != self.addresses or not addresses:
                    await self._announce(addresses)
                pause, complained = self._poll_seconds, False
            except (OSError, RuntimeError, zeroconf.Error) as error:
                await self._withdraw()
                pause = min(pause * 2, self._poll_seconds) if complained else self._retry_seconds
                if not complained:
                    _LOGGER.warning(
                        "Cannot announce the server on the network yet (%s); trying again. "
                        "Home Assistant can be given host and port %d by hand",
                        error or type(error).__name__,
                        self._port,
                    )
                complained = True
            await asyncio.sleep(pause)

    async def _announce(self, addresses: tuple[str, ...]) -> None:
        """Register with these addresses under the wanted name, or the first free one after it.

        A change of addresses begins anew with other sockets: those of a network that went away are dead for good.
        """
        await self._withdraw(goodbye=not addresses)
        if not addresses:
            raise OSError("this machine has no network address")
        self._zeroconf = AsyncZeroconf(interfaces=list(addresses))
        for number in range(1, _NAMES + 1):
            service = self._info(self._wanted if number == 1 else f"{self._wanted}-{number}", addresses)
            try:
                announced = await self._zeroconf.async_register_service(service)
            except zeroconf.NonUniqueNameException:
                continue
            self._service, self.addresses = service, addresses
            await announced
            _LOGGER.info("Announced as %s at %s, port %d", self.name, ", ".join(addresses), self._port)
            return
        raise OSError(f"the name {self._wanted} and {_NAMES - 1} others like it are taken: choose one with --zeroconf")

    def _info(self, name: str, addresses: tuple[str, ...]) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            SERVICE,
            f"{name}.{SERVICE}",
            port=self._port,
            server=f"{_named(name)}.local.",  # unique as the name is, and ASCII whatever that is
            parsed_addresses=list(addresses),
            properties={"version": __version__},
        )

    async def _withdraw(self, *, goodbye: bool = True) -> None:
        """Close; without goodbye the new announcement replaces the old one, and nobody sees the service vanish."""
        network, service = self._zeroconf, self._service
        self._zeroconf = self._service = None
        self.addresses = ()
        if network is None:
            return
        if service is not None and not goodbye:
            network.zeroconf.registry.async_remove(service)
        with contextlib.suppress(TimeoutError, OSError, RuntimeError, zeroconf.Error):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await network.async_close()
