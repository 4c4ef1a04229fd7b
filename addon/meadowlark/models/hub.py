"""The hub's protocol, by huggingface_hub: where a file is, its checksum, its bytes from a place on, errors in words.

The only module that knows huggingface_hub, and it is imported in the fetcher's process alone. `hf_hub_download` is not
used: it keeps nothing of an attempt that failed (measured with 2.4: a restart begins at byte 0), loses up to 10 MB at
each cut, and gives up when a connection is reset. Mirrors (HF_ENDPOINT), tokens (HF_TOKEN or a login), proxies,
certificates and HF_HUB_OFFLINE are huggingface_hub's own doing.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from huggingface_hub import constants, get_session, get_token, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import get_hf_file_metadata
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented, not marked as such

from ..api import Asset
from .part import Digest
from .state import Trouble

TIMEOUT: Final = 20.0
"""Seconds to connect, and of silence in mid-transfer."""

BLOCK: Final = 65_536

HUB_HOSTS: Final = frozenset({"huggingface.co", "hf.co"})

TRANSPORT: Final = frozenset({"HTTPError", "RequestException", "StreamError"})
"""Bases of what httpx, httpx2 (huggingface_hub 1, 2), requests, urllib3 (before) raise when a connection fails."""


class HubError(Exception):
    """Why a file did not come: to be followed by nothing, the text is whole."""

    def __init__(self, kind: Trouble, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.kind = kind
        self.wait = wait
        """Seconds that the server asked for; 0 = none."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file's bytes are and what they must amount to."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    """0 = not known."""

    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's bytes."""

    start: int
    """Of the first one, in the file."""

    total: int
    """Of the whole file; 0 = not said."""

    blocks: Iterator[bytes]
    """As the network gives them: what has come is never lost in a buffer when the connection breaks."""


def locate(asset: Asset) -> Source:
    """Ask where a file is. Raises HubError, also when the hub has another file than the one named."""
    wanted = _wanted(asset)
    if asset.url:
        return Source(asset.url, build_hf_headers(token=False), asset.bytes, wanted)
    url = hf_hub_url(asset.repository, asset.path, revision=asset.revision)
    with _explained(asset):
        found = get_hf_file_metadata(url, timeout=TIMEOUT)
    offered = _digest(found.etag or "")
    size = found.size or 0
    if (asset.bytes and size and asset.bytes != size) or _differ(wanted, offered):
        raise HubError(
            Trouble.WRONG,
            f"{asset.repository} now has another {asset.path} ({size} bytes) than the one that the plugin names "
            f"({asset.bytes} bytes): update the plugin",
        )
    keep = _may_have_token(url, found.location)
    headers = build_hf_headers() if keep else build_hf_headers(token=False)
    return Source(found.location, headers, size or asset.bytes, wanted or offered)


@contextmanager
def stream(asset: Asset, source: Source, start: int) -> Iterator[Answer]:
    """The file from byte `start` on, or from 0 where the server cannot. Raises HubError, also while it is read."""
    headers = {**source.headers, "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    with _explained(asset, "broke off"), _open(source.url, headers) as (status, answered, blocks):
        if status == 416:  # we have more than there is
            yield Answer(0, 0, iter(()))
        elif status >= 400:
            raise _refused(asset, status, answered, signed=source.url)
        else:
            span = re.match(r"bytes (\d+)-\d+/(\d+|\*)", answered.get("content-range", "")) if status == 206 else None
            length = answered.get("content-length", "")
            first = int(span[1]) if span else 0
            total = int(span[2]) if span and span[2] != "*" else int(length) if length.isdigit() and not span else 0
            yield Answer(first, total, blocks)


@contextmanager
def _open(url: str, headers: Mapping[str, str]) -> Iterator[tuple[int, Mapping[str, str], Iterator[bytes]]]:
    """(status, headers, bytes) by huggingface_hub's own session: httpx's kind from 1.0 on, requests' before."""
    session: Any = get_session()
    if callable(session.stream):
        with session.stream("GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True) as answer:
            yield answer.status_code, answer.headers, answer.iter_raw()
    else:
        with session.get(url, headers=headers, timeout=TIMEOUT, stream=True) as answer:
            yield answer.status_code, answer.headers, answer.raw.stream(BLOCK, decode_content=False)


@contextmanager
def _explained(asset: Asset, what: str = "failed") -> Iterator[None]:
    """Turns every error of huggingface_hub and its HTTP library into a HubError. what: a connection did."""
    try:
        yield
    except HubError:
        raise
    except OfflineModeIsEnabled as error:
        raise HubError(
            Trouble.OFFLINE, f"HF_HUB_OFFLINE is set: unset it, or copy {asset.path} into the models folder yourself"
        ) from error
    except HfHubHTTPError as error:
        raise _hub_says(asset, error) from error
    except FileMetadataError as error:
        raise HubError(
            Trouble.ERROR,
            f"{_host(asset)} does not answer as a hub does; check HF_ENDPOINT, a proxy or a login page in between",
        ) from error
    except Exception as error:
        if not TRANSPORT & {each.__name__ for each in type(error).__mro__} and not isinstance(error, TimeoutError):
            raise
        raise HubError(
            Trouble.NETWORK,
            f"the connection to {_host(asset)} {what} ({str(error) or type(error).__name__}); check this machine's "
            "network and DNS, or name a mirror in HF_ENDPOINT",
        ) from error


def _hub_says(asset: Asset, error: HfHubHTTPError) -> HubError:
    response: Any = error.response
    if isinstance(error, GatedRepoError):
        return _no_access(asset, "asks for consent to its terms")
    if isinstance(error, RevisionNotFoundError):
        return HubError(Trouble.ABSENT, f"{asset.repository} has no revision {asset.revision}: update the plugin")
    if isinstance(error, EntryNotFoundError):
        return HubError(Trouble.ABSENT, f"{asset.repository} has no {asset.path} any more: update the plugin")
    if isinstance(error, RepositoryNotFoundError):
        return _no_access(asset, "does not exist any more or is private")
    return _refused(asset, response.status_code, response.headers)


def _refused(asset: Asset, status: int, headers: Mapping[str, str], signed: str = "") -> HubError:
    """By the status alone. signed: the address, which runs out after an hour if it is not the hub's own."""
    if status in (401, 403, 410) and signed and not asset.url and not _may_have_token("", signed):
        return HubError(Trouble.NETWORK, f"the address of {asset.path} has run out; it is asked for anew")
    if status in (401, 403) and not asset.url:
        return _no_access(asset, "refuses access")
    if status in (404, 410):
        return HubError(Trouble.ABSENT, f"{asset.url or asset.path} is not there any more (404): update the plugin")
    if status == 429:
        wait = _asked_wait(headers)
        for_how_long = f" for {wait:.0f} s" if wait else ""
        return HubError(
            Trouble.BUSY,
            f"{_host(asset)} has had too many requests from this address (429) and asks to wait{for_how_long}; "
            "with a token (HF_TOKEN) it allows more",
            wait,
        )
    kind = Trouble.BUSY if status >= 500 or status == 408 else Trouble.ERROR
    return HubError(kind, f"{_host(asset)} answers {status}; try again later", _asked_wait(headers))


def _no_access(asset: Asset, why: str) -> HubError:
    page = f"{constants.ENDPOINT}/{asset.repository}"
    if get_token():
        return HubError(
            Trouble.ACCESS, f"{asset.repository} {why}, and the token given (HF_TOKEN) has no access: see {page}"
        )
    return HubError(
        Trouble.ACCESS,
        f"{asset.repository} {why}: log in and accept its terms at {page}, make a token at "
        f"{constants.ENDPOINT}/settings/tokens and set it as HF_TOKEN",
    )


def _asked_wait(headers: Mapping[str, str]) -> float:
    """Seconds from Retry-After (a number or a date) or the hub's RateLimit ('"api";r=0;t=55')."""
    after = headers.get("retry-after", "") or headers.get("Retry-After", "")
    if after.strip().isdigit():
        return float(after)
    if after and (date := email.utils.parsedate_tz(after)):
        return max(0.0, email.utils.mktime_tz(date) - time.time())
    limit = re.search(r"\bt=(\d+)", headers.get("ratelimit", "") or headers.get("RateLimit", ""))
    return float(limit[1]) if limit else 0.0


def _wanted(asset: Asset) -> Digest | None:
    if asset.sha256:
        return Digest("sha256", asset.sha256)
    return Digest("md5", asset.md5) if asset.md5 else None


def _digest(etag: str) -> Digest | None:
    """The hub's etag is the sha256 of a large file, and what git calls the blob's id of a small one."""
    kind = {64: "sha256", 40: "git"}.get(len(etag)) if re.fullmatch(r"[0-9a-f]+", etag) else None
    return Digest(kind, etag) if kind else None


def _differ(one: Digest | None, other: Digest | None) -> bool:
    return bool(one and other and one.kind == other.kind and one.hex != other.hex)


def _may_have_token(url: str, location: str) -> bool:
    """Whether an address is the hub's own: its storage elsewhere takes signed addresses and must see no token."""
    there, endpoint = urlsplit(location), urlsplit(constants.ENDPOINT)
    if there.netloc in (urlsplit(url).netloc, endpoint.netloc):
        return True
    return there.scheme == "https" and there.hostname in HUB_HOSTS


def _host(asset: Asset) -> str:
    return urlsplit(asset.url or constants.ENDPOINT).netloc
