"""`meadowlark engines`: what has been measured of each engine, and what a running server does with it now."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..api import EngineManifest
from ..residency.ledger import Death, Ledger
from ..residency.ledger_file import LedgerFile
from ..server.control import EngineState
from ..server.control_client import running_engines
from ..settings import Settings
from .printing import print_json, print_table
from .wiring import find

SHORT: Final = 30
LONG: Final = 240
"""Characters of a clause and of a long sentence, for which speed is shown."""

HEAD: Final = (
    "ENGINE", "DEVICE", "MEMORY", "PEAK", "LOAD", "WARM-UP", "RTF SHORT", "LONG", "FIRST AUDIO", "SENTENCES", "STATE"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One engine on one kind of device. Seconds and bytes; None = not measured."""

    engine: str
    device: str
    bytes: int
    """Measured, else the manifest's."""

    measured: bool
    peak_bytes: int | None = None
    load_seconds: float | None = None
    warm_up_seconds: float | None = None
    rtf_short: float | None = None
    rtf_long: float | None = None
    first_audio_seconds: float | None = None
    loads: int = 0
    sentences: int = 0
    death: Death | None = None
    state: EngineState | None = None
    """In the running server; None = none runs."""


def engines(settings: Settings, as_json: bool) -> None:
    """One line for each engine and kind of device."""
    ledger = LedgerFile(settings.data_dir / "ledger.json").read(keep_broken=False)
    manifests, live = asyncio.run(_ask(settings))
    rows = list(rows_of(ledger, manifests, live))
    if as_json:
        print_json(rows)
        return
    if rows:
        print_table(HEAD, [_cells(row) for row in rows])
    else:
        sys.stdout.write("No engine is installed, and none has been measured: see `meadowlark plugins`.\n")
    sys.stdout.write(f"\n{_legend(rows, live is not None, settings)}\n")


def rows_of(ledger: Ledger, manifests: Sequence[EngineManifest], live: Sequence[EngineState] | None) -> Iterator[Row]:
    """Every engine that is installed or has been measured, by name, on each kind of device that is known."""
    installed = {manifest.id: manifest for manifest in manifests}
    states = {state.engine: state for state in live or ()}
    for engine in sorted({*installed, *ledger.entries}):
        stated = installed[engine].memory if engine in installed else {}
        for kind in sorted({*ledger.kinds(engine), *stated}) or ["cpu"]:
            yield _row(ledger, engine, kind, stated, states.get(engine))


async def _ask(settings: Settings) -> tuple[tuple[EngineManifest, ...], tuple[EngineState, ...] | None]:
    registry, live = await asyncio.gather(find(settings), running_engines(settings.data_dir / "control.sock"))
    return registry.engines, live


def _row(ledger: Ledger, engine: str, kind: str, stated: Mapping[str, int], state: EngineState | None) -> Row:
    known = ledger.estimate(engine, kind, stated_bytes=stated.get(kind, 0))
    spoken = bool(known.sentences and known.rtfs)
    return Row(
        engine=engine,
        device=kind,
        bytes=known.bytes,
        measured=bool(known.loads),
        peak_bytes=known.peak_bytes if known.loads else None,
        load_seconds=known.load_seconds if known.loads else None,
        warm_up_seconds=known.warm_up_seconds if known.loads else None,
        rtf_short=known.rtf(SHORT) if spoken else None,
        rtf_long=known.rtf(LONG) if spoken else None,
        first_audio_seconds=known.first_audio_seconds(SHORT) if spoken else None,
        loads=known.loads,
        sentences=known.sentences,
        death=ledger.death(engine),
        state=state,
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.engine,
        row.device,
        ("~" if row.bytes and not row.measured else "") + _megabytes(row.bytes or None),
        _megabytes(row.peak_bytes),
        _seconds(row.load_seconds),
        _seconds(row.warm_up_seconds),
        "-" if row.rtf_short is None else f"{row.rtf_short:.3f}",
        "-" if row.rtf_long is None else f"{row.rtf_long:.3f}",
        _seconds(row.first_audio_seconds),
        str(row.sentences or "-"),
        "; ".join(_state(row)) or "-",
    )


def _state(row: Row) -> Iterator[str]:
    """What it does now, and how it last died."""
    state, death = row.state, row.death
    if state and (not state.device or state.device.partition(":")[0] == row.device):
        place = f" on {state.device}" if state.device else ""
        listeners = f", {state.leases} listening" if state.leases else ""
        pinned = ", pinned" if state.pinned else ""
        yield f"{state.state}{place}{listeners}{pinned}"
        if state.rests_seconds:
            yield f"tried again in {state.rests_seconds:.0f} s"
    if death:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(death.at))
        times = f", {death.in_a_row} times in a row" if death.in_a_row > 1 else ""
        yield f"died {when} ({death.reason}){times}"


def _legend(rows: Sequence[Row], running: bool, settings: Settings) -> str:
    guessed = "~ is what the manifest says: not measured yet. " if any(not row.measured for row in rows) else ""
    speed = f"RTF and first audio: of {SHORT} and {LONG} characters; below 1 is faster than speech. "
    source = "" if running else f"No server runs with the data folder {settings.data_dir}: this is what it remembers."
    return (guessed + speed + source).strip()


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.0f} MB"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.1f} s"
