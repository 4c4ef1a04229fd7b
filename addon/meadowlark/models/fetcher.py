"""Downloads files, in a process of its own: `python -m meadowlark.models.fetcher`, an Order on stdin, Lines on stdout.

huggingface_hub takes 22 MB and 0.2 s of a fast CPU to import; this process has it for as long as a download takes, so
that the server never does. It ends with its parent: nobody reads its lines then. What has come stays for the next one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ..api import Asset
from .hub import HubError, locate, stream
from .messages import Line, Order
from .part import DiskError, Part, locked
from .shelves import Place, Record, Shelves, read_record, source_of
from .state import Trouble

ATTEMPTS: Final = 5
"""In a row that brought not one byte; one that brought some begins the count anew."""

LONGEST_WAIT: Final = 120.0
"""A server that asks for more seconds is asked again by the store, later."""

REPORT_SECONDS: Final = 0.25


Report = Callable[[Line], None]


def main() -> None:
    """Fetch what stdin orders; exit status 0 also when a file could not be had: a line has said so."""
    os.nice(10)  # on a small board the checksums must not take the processor from speech
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        fetch_all(order, _say)
    except BrokenPipeError:  # the server is gone
        os._exit(1)


def _say(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def fetch_all(order: Order, say: Report) -> None:
    """One file after the other, until one that is needed cannot be had."""
    shelves = Shelves(voices=Path(), models=Path(order.models))
    for asset in order.assets:
        line = _attempted(asset, shelves.place(order.engine, asset), order, say)
        say(line)
        if line.trouble and not asset.optional:
            return


def _attempted(asset: Asset, place: Place, order: Order, say: Report) -> Line:
    """The last line about a file."""
    try:
        size, fetched = _fetch(asset, place, order, say)
    except HubError as error:
        return Line(asset.key, note=_hidden(str(error)), trouble=error.kind, wait=error.wait)
    except DiskError as error:
        return Line(asset.key, note=str(error), trouble=Trouble.DISK)
    except BrokenPipeError:
        raise
    except Exception as error:
        return Line(asset.key, note=_hidden(f"{type(error).__name__}: {error}"), trouble=Trouble.ERROR)
    return Line(asset.key, size, size, fetched, done=True)


def _hidden(text: str) -> str:
    """Without the token, which an HTTP library quotes when it does not like it: this goes into logs."""
    token = os.environ.get("HF_TOKEN", "").strip()
    for shown in {token, repr(token)[1:-1]} - {""}:
        text = text.replace(shown, "***")
    return text


def _fetch(asset: Asset, place: Place, order: Order, say: Report) -> tuple[int, int]:
    """(size, bytes fetched) of a file that is there, checked, under its name. Raises HubError, DiskError."""
    waits = Line(asset.key, total=asset.bytes, note="waits for another process that downloads it")
    with locked(place.lock, lambda: say(waits)):
        if is_there(place, asset):
            return place.file.stat().st_size, 0
        with Part(place, order.reserve) as part:
            transfer = _Transfer(asset, part, say, order.pause)
            transfer.run()
            part.finish(_record(asset, part.size))
            return part.size, transfer.fetched


def is_there(place: Place, asset: Asset) -> bool:
    """Whether the store has the file, downloaded and checked."""
    record = read_record(place.record)
    return bool(record and record.is_of(asset) and place.file.is_file() and place.file.stat().st_size == record.size)


def _record(asset: Asset, size: int) -> Record:
    return Record(source_of(asset), size, asset.sha256, asset.md5)


class _Transfer:
    """One file over the network, over as many connections as it takes."""

    def __init__(self, asset: Asset, part: Part, say: Report, pause: float) -> None:
        self.fetched = 0
        self._asset = asset
        self._part = part
        self._say = say
        self._pause = pause
        self._total = asset.bytes
        self._said = 0.0

    def run(self) -> None:
        """All bytes, with the right checksum. Raises HubError, DiskError."""
        resumed = self._part.size > 0
        failures = 0
        while True:
            before = self.fetched
            try:
                if self._try():
                    return
                if not resumed:  # it came in one piece and is wrong
                    raise self._wrong()
                resumed = False  # what we had may have been of another file: once more, from the beginning
            except HubError as error:
                failures = 0 if self.fetched > before else failures + 1
                if error.kind not in (Trouble.NETWORK, Trouble.BUSY) or failures >= ATTEMPTS:
                    raise
                self._rest(error, max(1, failures))

    def _try(self) -> bool:
        """One connection, to the file's end; whether the checksum comes out. What is wrong is deleted."""
        self._report("asks the server")
        source = locate(self._asset)
        self._total = source.size
        if source.size and self._part.size > source.size:
            self._part.restart()
        if not source.size or self._part.size < source.size:
            self._part.require_room(source.size)
            with stream(self._asset, source, self._part.size) as answer:
                if answer.start != self._part.size:
                    self._part.restart()
                    if answer.start:
                        raise HubError(Trouble.ERROR, f"the server sends another part of {self._asset.path} than asked")
                self._total = self._total or answer.total
                for block in answer.blocks:
                    self._part.append(block)
                    self.fetched += len(block)
                    self._report()
        if self._part.size < self._total:
            raise HubError(
                Trouble.NETWORK, f"the connection ended {self._total - self._part.size} bytes before the end"
            )
        self._report("is checked")
        if self._part.size == (self._total or self._part.size) and (
            not source.digest or self._part.matches(source.digest)
        ):
            return True
        self._part.restart()
        return False

    def _wrong(self) -> HubError:
        self._part.discard()
        return HubError(
            Trouble.WRONG,
            f"what came as {self._asset.path} is not the file that the plugin names (its checksum differs) and was "
            "deleted: try again; if it stays so, update the plugin, or leave the mirror in HF_ENDPOINT out",
        )

    def _rest(self, error: HubError, failures: int) -> None:
        """Wait before the next attempt, telling so. Raises the error where the server asks for too much."""
        if error.wait > LONGEST_WAIT:
            raise error
        until = time.monotonic() + max(error.wait, self._pause * 2 ** (failures - 1))
        while (left := until - time.monotonic()) > 0:
            self._say(self._line(f"{error}; goes on in {left:.0f} s"))
            time.sleep(min(1.0, left))

    def _report(self, note: str = "") -> None:
        now = time.monotonic()
        if note or now - self._said >= REPORT_SECONDS:
            self._said = now
            self._say(self._line(note))

    def _line(self, note: str) -> Line:
        return Line(self._asset.key, self._part.size, self._total, self.fetched, note)


if __name__ == "__main__":
    main()
