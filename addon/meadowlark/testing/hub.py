"""A hub on loopback: the part of the protocol that downloads use, with the faults that hubs and networks have."""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "5f0c" * 10
BLOCK = 65_536


@dataclass
class File:
    """One file, and what happens when it is asked for."""

    data: bytes
    large: bool = True
    """LFS: its etag is the sha256, and it comes by a redirect to other storage."""

    cuts: list[int] = field(default_factory=list)
    """After so many bytes of one answer the connection is reset: one each time, until there are none."""

    statuses: list[int] = field(default_factory=list)
    """Answers to the next requests for its bytes, before it comes."""

    head_status: int = 0
    error_code: str = ""
    """The hub's X-Error-Code."""

    retry_after: str = ""
    block_seconds: float = 0.0
    """Of pause after each block; see Hub.unblock."""
    sent_instead: bytes | None = None
    """Comes in place of the data, with the data's checksum in the headers."""

    ranges: bool = True
    token: str = ""
    """Only for those who bring it."""

    sent: int = 0
    gets: list[str] = field(default_factory=list)
    """The Range of each request for its bytes."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()


@dataclass
class Hub:
    """What it holds, by "owner/name/path"."""

    files: dict[str, File] = field(default_factory=dict)
    url: str = ""
    authorizations: list[tuple[str, str]] = field(default_factory=list)
    """(path, token) of every request."""

    active: int = 0
    busiest: int = 0
    unblocked: threading.Event = field(default_factory=threading.Event)

    def unblock(self) -> None:
        """From now on nothing pauses, and what does goes on."""
        self.unblocked.set()


@contextmanager
def serve(files: dict[str, File] | None = None) -> Iterator[Hub]:
    """A hub for as long as the block lasts."""
    hub = Hub(files or {})

    class Handler(_Handler):
        house = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    house: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(self._head)

    def do_GET(self) -> None:
        self._answer(self._get)

    def _answer(self, act: Callable[[File, str], None]) -> None:
        path = unquote(urlsplit(self.path).path)
        self.house.authorizations.append((path, self.headers.get("Authorization", "")))
        resolve = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        storage = re.fullmatch(r"/storage/(.+)", path)
        name = f"{resolve[1]}/{resolve[3]}" if resolve else storage[1] if storage else path[1:]
        file = self.house.files.get(name)
        if not file:
            return self._empty(404, {"X-Error-Code": "EntryNotFound"})
        if file.token and not storage and self.headers.get("Authorization") != f"Bearer {file.token}":
            return self._empty(
                401 if file.error_code != "GatedRepo" else 403, {"X-Error-Code": file.error_code or "RepoNotFound"}
            )
        self.house.active += 1
        self.house.busiest = max(self.house.busiest, self.house.active)
        try:
            return act(file, name)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.house.active -= 1

    def _head(self, file: File, name: str) -> None:
        if file.head_status:
            more = {"Retry-After": file.retry_after} if file.retry_after else {}
            return self._empty(file.head_status, {"X-Error-Code": file.error_code, **more})
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
        if not file.large:
            return self._empty(200, {**headers, "Content-Length": str(len(file.data))})
        linked = {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(len(file.data))}
        storage = f"{self.house.url.replace('127.0.0.1', 'localhost')}/storage/{name}?signed=1"  # another host
        return self._empty(302, {**headers, **linked, "Location": storage})

    def _get(self, file: File, name: str) -> None:
        file.gets.append(self.headers.get("Range", ""))
        if file.statuses:
            more = {"Retry-After": file.retry_after} if file.retry_after else {}
            return self._empty(file.statuses.pop(0), more)
        data = file.data if file.sent_instead is None else file.sent_instead
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and file.ranges else 0
        if start and start >= len(data):
            return self._empty(416, {"Content-Range": f"bytes */{len(data)}"})
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        end = min(len(data), start + file.cuts.pop(0)) if file.cuts else len(data)
        for at in range(start, end, BLOCK):
            block = memoryview(data)[at : min(end, at + BLOCK)]
            self.wfile.write(block)
            file.sent += len(block)
            self.house.unblocked.wait(file.block_seconds)
        if end < len(data):
            self._reset()
        return None

    def _reset(self) -> None:
        """Cut off as a bad network does; what was sent before arrives, so that bytes can be counted."""
        self.wfile.flush()
        time.sleep(0.05)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _empty(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            if value:
                self.send_header(key, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", "0")
        self.end_headers()
