"""Zeroconf over real multicast on loopback, seen by a second instance as Home Assistant would see it."""

from __future__ import annotations

import asyncio
import ipaddress
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from meadowlark.errors import SettingsError
from meadowlark.server.addresses import Adapter, adapters, reachable
from meadowlark.server.advertise import SERVICE, Advertiser, default_name
from meadowlark.server.endpoint import TcpEndpoint, UnixEndpoint

HOME = TcpEndpoint("127.0.0.1", 10200)

RUN = f"ml-{uuid.uuid4().hex[:8]}"
"""Names begin so: the same tests may run elsewhere on this machine."""


def adapter(name: str, *addresses: str) -> Adapter:
    return Adapter(name, tuple(map(ipaddress.ip_address, addresses)))


HOUSE = (
    adapter("lo", "127.0.0.1", "::1"),
    adapter("eth0", "192.168.1.5", "fd00::5", "fe80::5"),
    adapter("wlan0", "192.168.1.6", "169.254.3.4"),
    adapter("br0", "10.0.0.2"),
    adapter("docker0", "172.17.0.1"),
    adapter("br-1f2e3d", "172.18.0.1"),
    adapter("hassio", "172.30.32.1"),
)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["0.0.0.0"], ("10.0.0.2", "192.168.1.5", "192.168.1.6")),
        (["::"], ("fd00::5",)),
        (["0.0.0.0", "::"], ("10.0.0.2", "192.168.1.5", "192.168.1.6", "fd00::5")),
        (["192.168.1.5"], ("192.168.1.5",)),
        (["172.17.0.1"], ("172.17.0.1",)),
        (["127.0.0.1"], ("127.0.0.1",)),
        (["::1"], ()),  # nothing can be announced there
        (["127.0.0.1", "::1"], ("127.0.0.1",)),
        (["127.0.0.1", "192.168.1.5"], ("192.168.1.5",)),
        (["169.254.3.4"], ()),
        (["192.168.1.77"], ()),  # its network has gone away
        (["fe80::5%eth0"], ()),
        ([], ()),
    ],
)
def test_only_addresses_that_home_assistant_can_use_are_told(hosts, expected):
    assert reachable([TcpEndpoint(host, 1) for host in hosts], HOUSE) == expected


def test_without_a_network_nothing_is_told():
    assert reachable([TcpEndpoint("0.0.0.0", 1)], HOUSE[:1]) == ()


def test_the_adapters_of_this_machine_have_loopback():
    assert any(address.is_loopback for each in adapters() for address in each.addresses)


def test_the_default_name_is_stable_and_differs_between_machines(tmp_path: Path):
    (tmp_path / "one").write_text("0123456789abcdef0123456789abcdef\n")
    (tmp_path / "two").write_text("fedcba9876543210fedcba9876543210\n")
    (tmp_path / "empty").write_text("")
    one = default_name(tmp_path / "one")
    assert one == default_name(tmp_path / "one")
    assert one.startswith("meadowlark-")
    assert len(one) == len("meadowlark-1a2b3c")
    assert "0123" not in one
    names = {
        one,
        default_name(tmp_path / "two"),
        default_name(tmp_path / "empty", lambda: 0x0242AC110002),
        default_name(tmp_path / "absent", lambda: 0x0242AC110003),
        default_name(tmp_path / "absent", lambda: 0x010000000001),  # no card: the host's name decides
    }
    assert len(names) == 5
    assert default_name(tmp_path / "absent", lambda: 1 << 40) == default_name(tmp_path / "absent", lambda: 3 << 40)


class Network:
    """Another machine, as far as mDNS goes, and the changes that it sees."""

    def __init__(self) -> None:
        self.zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"])
        self.seen: list[tuple[str, str]] = []
        self.news = asyncio.Event()
        self.browser = AsyncServiceBrowser(self.zeroconf.zeroconf, SERVICE, handlers=[self._changed])

    def _changed(self, zeroconf, service_type, name, state_change) -> None:
        self.seen.append((state_change.name, name.removesuffix(f".{SERVICE}")))
        self.news.set()

    async def sees(self, change: str, name: str) -> None:
        while (change, name) not in self.seen:
            self.news.clear()
            await self.news.wait()

    async def resolve(self, name: str) -> AsyncServiceInfo:
        info = AsyncServiceInfo(SERVICE, f"{name}.{SERVICE}")
        assert await info.async_request(self.zeroconf.zeroconf, 15_000)
        return info

    async def close(self) -> None:
        await self.browser.async_cancel()
        await self.zeroconf.async_close()


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    network = Network()
    yield network
    await network.close()


Advertise = Callable[..., Advertiser]


@pytest.fixture
async def advertise() -> AsyncIterator[Advertise]:
    """Start advertisers, and stop them when the test is over."""
    advertisers: list[Advertiser] = []

    def _advertise(*args: Any, **more: Any) -> Advertiser:
        advertisers.append(Advertiser(*args, **more))
        advertisers[-1].start()
        return advertisers[-1]

    yield _advertise
    await asyncio.gather(*(each.stop() for each in advertisers))


async def test_found_resolved_and_gone(network, advertise):
    advertiser = advertise(f"{RUN}-found", [HOME])
    await network.sees("Added", f"{RUN}-found")
    info = await network.resolve(f"{RUN}-found")
    assert info.parsed_addresses() == ["127.0.0.1"]
    assert info.port == 10200
    await advertiser.stop()
    await network.sees("Removed", f"{RUN}-found")
    assert advertiser.addresses == ()


async def test_changed_addresses_are_updated_without_vanishing(network, advertise):
    present = [adapter("lo", "127.0.0.2")]
    endpoints = [TcpEndpoint("127.0.0.2", 1), TcpEndpoint("127.0.0.1", 1)]
    advertiser = advertise(f"{RUN}-moving", endpoints, present=lambda: present, poll_seconds=0.1)
    await network.sees("Added", f"{RUN}-moving")
    assert (await network.resolve(f"{RUN}-moving")).parsed_addresses() == ["127.0.0.2"]
    present[:] = [adapter("lo", "127.0.0.1")]
    while (await network.resolve(f"{RUN}-moving")).parsed_addresses() != ["127.0.0.1"]:  # noqa: ASYNC110
        await asyncio.sleep(0.1)  # mDNS lets a replaced address live for a second
    assert advertiser.addresses == ("127.0.0.1",)
    assert ("Removed", f"{RUN}-moving") not in network.seen
    await advertiser.stop()
    await network.sees("Removed", f"{RUN}-moving")


async def test_a_taken_name_gets_a_number_and_a_host_name_of_its_own(network, advertise):
    first = advertise(f"{RUN}-twin", [HOME])
    await network.sees("Added", f"{RUN}-twin")
    second = advertise(f"{RUN}-twin", [TcpEndpoint("127.0.0.1", 10300)])
    await network.sees("Added", f"{RUN}-twin-2")
    assert (first.name, second.name) == (f"{RUN}-twin", f"{RUN}-twin-2")
    one, two = [await network.resolve(name) for name in (f"{RUN}-twin", f"{RUN}-twin-2")]
    assert (one.port, two.port) == (10200, 10300)
    assert one.server != two.server  # two machines under one host name would share their addresses


async def test_a_network_that_comes_later_is_waited_for_with_one_line_in_the_log(network, advertise, caplog):
    looks = iter([(), (), OSError(100, "Network is down"), ()])

    def present() -> Sequence[Adapter]:
        look = next(looks, (adapter("lo", "127.0.0.1"),))
        if isinstance(look, OSError):
            raise look
        return look

    advertiser = advertise(f"{RUN}-late", [HOME], present=present, poll_seconds=0.04, retry_seconds=0.01)
    await network.sees("Added", f"{RUN}-late")
    await advertiser.stop()
    assert [record.levelname for record in caplog.records if record.name.startswith("meadowlark")] == ["WARNING"]
    assert "no network address" in caplog.text


async def test_a_name_may_be_any_text(network, advertise):
    advertise(f"Küche 1.OG (Süd) {RUN}", [HOME])
    await network.sees("Added", f"Küche 1.OG (Süd) {RUN}")
    assert (await network.resolve(f"Küche 1.OG (Süd) {RUN}")).server.isascii()


@pytest.mark.parametrize("name", ["", "x" * 61, "ü" * 31, "two\nlines"])
async def test_a_name_that_no_network_takes_is_refused_at_once(name):
    with pytest.raises(SettingsError, match="zeroconf"):
        Advertiser(name, [HOME])


async def test_a_unix_socket_is_not_announced_and_the_log_says_why(advertise, caplog):
    caplog.set_level("INFO")
    advertise("ml-unix", [UnixEndpoint(Path("/run/voice.sock"))])
    assert "unix socket" in caplog.text


async def test_the_loopback_that_has_no_multicast_is_not_announced(advertise, caplog):
    caplog.set_level("INFO")
    advertise("ml-inner", [TcpEndpoint("::1", 10200)])
    await asyncio.sleep(0.1)
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "[::1] is reached only from this machine" in caplog.text


async def test_stopping_at_any_moment_leaves_nothing_behind():
    for wait in (0, 0.01, 0.3):
        advertiser = Advertiser(f"{RUN}-brief", [HOME])
        advertiser.start()
        await asyncio.sleep(wait)
        await advertiser.stop()
        await advertiser.stop()
    assert len(asyncio.all_tasks()) == 1
