"""Which of this machine's addresses others can reach. Pure but for `adapters`."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import ifaddr

from .endpoint import TcpEndpoint

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_INNER = ("docker", "br-", "veth", "virbr", "hassio", "podman", "cni", "flannel", "lxcbr", "lxdbr", "vboxnet", "vmnet")
"""Beginnings of the names of networks that exist only inside this machine."""


UNHEARD = ipaddress.IPv6Address("::1")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A network interface and its addresses."""

    name: str
    addresses: tuple[IpAddress, ...]


def adapters() -> tuple[Adapter, ...]:
    """Return the interfaces as they are now; a system call or two, well under a millisecond."""
    return tuple(
        Adapter(
            each.name, tuple(ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0]) for ip in each.ips)
        )
        for each in ifaddr.get_adapters()
    )


def reachable(endpoints: Iterable[TcpEndpoint], present: Iterable[Adapter]) -> tuple[str, ...]:
    """Return the addresses at which clients on the network reach any of the endpoints, sorted; perhaps none.

    Home Assistant refuses unspecified and link-local addresses. Loopback is told only when nothing else is listened on,
    and ::1 never: it has no multicast, by which to tell it.
    """
    present = tuple(present)
    usable = {
        address
        for adapter in present
        for address in adapter.addresses
        if not address.is_link_local and address != UNHEARD
    }
    inner = {address for each in present if each.name.startswith(_INNER) for address in each.addresses}
    outer = {address for address in usable - inner if not address.is_loopback}
    found: set[IpAddress] = set()
    for endpoint in endpoints:
        host = ipaddress.ip_address(endpoint.host.partition("%")[0])
        if host.is_unspecified:
            found |= {address for address in outer if address.version == host.version}
        else:
            found |= usable & {host}
    public = {address for address in found if not address.is_loopback}
    return tuple(str(address) for address in sorted(public or found, key=lambda each: (each.version, each)))
