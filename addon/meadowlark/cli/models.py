"""`meadowlark pull`, `meadowlark models`, `meadowlark remove`: model files from the command line."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from ..catalog import Catalog, VoiceRequest
from ..errors import DownloadError, VoiceError
from ..manifest import ENGINE_ID
from ..models.inventory import Entry, inventory, remove_engine, remove_voice
from ..models.state import Missing, megabytes
from ..models.store import Store
from ..plugins import Registry
from ..settings import Settings
from .model_store import shelves_of, store_of
from .printing import print_json, print_table
from .wiring import catalog_of, find

Target = tuple[str, str]
"""(engine, voice); the voice may be empty."""


def pull(settings: Settings, names: Sequence[str], everything: bool = False) -> None:
    """Download what voices need. names: ENGINE/VOICE, or ENGINE for the voice it would choose; none: the default's.

    everything: all voices of the engines named. Raises DownloadError after all have been tried.
    """
    registry = asyncio.run(find(settings))
    targets = _targets(catalog_of(registry, settings), names, everything)
    if not sys.stderr.isatty():
        logging.getLogger("meadowlark.models").setLevel(logging.INFO)  # lines in place of the bar
    failed = asyncio.run(_pull(store_of(settings), registry, targets))
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise DownloadError(f"{len(failed)} of {len(targets)} could not be downloaded: " + " ".join(map(str, failed)))


def models(settings: Settings, engine: str = "", everything: bool = False, as_json: bool = False) -> None:
    """One line a file. everything: also those that could be downloaded."""
    registry = asyncio.run(find(settings))
    if engine:
        catalog_of(registry, settings).manifest(engine)
    entries = [
        each
        for each in inventory(shelves_of(settings), registry.engines)
        if (everything or each.path or each.coming) and engine in ("", each.engine)
    ]
    if as_json:
        print_json(entries)
        return
    print_table(("FILE", "SIZE", "LICENSE", "USED BY", "WHERE"), [_row(each) for each in entries])
    here = [each for each in entries if each.path]
    size = sum(each.bytes for each in here)
    own = sum(each.bytes for each in here if each.own) + sum(each.coming for each in entries)
    hint = "" if everything else " --all also lists what could be downloaded."
    sys.stdout.write(
        f"\n{len(here)} files, {megabytes(size)}; {megabytes(own)} of them in the store's own folder: "
        f"`meadowlark remove` deletes them.{hint}\n"
    )


def remove(settings: Settings, names: Sequence[str]) -> None:
    """Delete downloaded files of voices or whole engines; only in the store's own folder. Raises MeadowlarkError."""
    registry = asyncio.run(find(settings))
    shelves = shelves_of(settings)
    for name in names:
        engine, slash, _ = name.partition("/")
        if not ENGINE_ID.fullmatch(engine):
            raise VoiceError(f"{name!r} is no ENGINE or ENGINE/VOICE; `meadowlark models` shows what is there.")
        if slash:
            choice = catalog_of(registry, settings).named(name)
            freed, others = (
                remove_voice(shelves, engine, choice.voice),
                _sharers(registry, choice.manifest.id, choice.name),
            )
            what = choice.name + (f" (and {others} voices that use the same files)" if others else "")
        else:
            freed, what = remove_engine(shelves, engine), engine
        sys.stdout.write(f"{what}: {_freed(freed, shelves.models / engine)}\n")


def _targets(catalog: Catalog, names: Sequence[str], everything: bool) -> list[Target]:
    found: dict[Target, None] = {}
    for name in names or ("",):
        by_engine = name.strip().lower() in {each.id for each in catalog.engines}
        if by_engine and not catalog.manifest(name.strip().lower()).voices:
            found[name.strip().lower(), ""] = None  # its own files: a list of voices, say
        elif everything:
            manifest = catalog.manifest(name.strip().lower() or catalog.default.partition("/")[0])
            needy = [each.id for each in manifest.voices if manifest.assets or each.assets]
            found.update(dict.fromkeys((manifest.id, voice) for voice in needy or [manifest.voices[0].id]))
        else:
            named = name.strip() and not by_engine
            choice = catalog.named(name) if named else catalog.resolve(VoiceRequest(engine=name.strip().lower()))
            found[choice.manifest.id, choice.voice.id] = None
    return list(found)


async def _pull(store: Store, registry: Registry, targets: Iterable[Target]) -> list[DownloadError]:
    failed: list[DownloadError] = []
    await store.install(registry.engines)
    try:
        for engine, voice in targets:
            try:
                await _fetch(store, engine, voice)
            except DownloadError as error:
                failed.append(error)
                sys.stderr.write(f"{engine}/{voice}: failed\n")
    except asyncio.CancelledError:
        sys.stderr.write("Stopped. What has come is kept: the same command goes on from there.\n")
        raise
    finally:
        await store.close()
    return failed


async def _fetch(store: Store, engine: str, voice: str) -> None:
    """One voice with its bar."""
    name = f"{engine}/{voice}"
    before = store.state(engine, voice)
    waiting = asyncio.ensure_future(store.fetch(engine, voice))
    size = before.bytes if isinstance(before, Missing) else 0
    with tqdm(desc=name, total=size or None, unit="B", unit_scale=True, disable=None, leave=False) as bar:
        try:
            while not waiting.done():
                for progress in () if bar.disable else store.transfers:
                    bar.initial = bar.initial or progress.done  # what an earlier attempt left is no speed
                    bar.total = progress.total or None
                    bar.set_postfix_str(progress.note[:60], refresh=False)
                    bar.n = progress.done
                    bar.refresh()
                await asyncio.wait({waiting}, timeout=0.1)
        finally:
            waiting.cancel()
    files = waiting.result()
    sys.stdout.write(f"{name}: {_where(files.values())}\n" if files else f"{name} needs no files.\n")


def _where(paths: Iterable[str]) -> str:
    files = list(map(Path, paths))
    size = sum(each.stat().st_size for each in files)
    folders = dict.fromkeys(str(each.parent) for each in files)
    return f"{len(files)} files, {megabytes(size)}, in {' and '.join(folders)}"


def _row(entry: Entry) -> tuple[str, str, str, str, str]:
    where = entry.path or (f"{megabytes(entry.coming)} have come" if entry.coming else f"- ({entry.source})")
    return (
        f"{entry.engine}/{entry.file}",
        megabytes(entry.bytes) if entry.bytes else "?",
        entry.license or "-",
        _used_by(entry),
        where,
    )


def _used_by(entry: Entry) -> str:
    if entry.engine_wide:
        return "every voice"
    if not entry.source:
        return "nothing installed"
    more = f" and {len(entry.voices) - 2} more" if len(entry.voices) > 2 else ""
    return ", ".join(entry.voices[:2]) + more


def _sharers(registry: Registry, engine: str, name: str) -> int:
    """How many other voices lose a file with this one."""
    manifest = next(each for each in registry.engines if each.id == engine)
    by_id = {f"{engine}/{each.id}": set(each.assets) for each in manifest.voices}
    mine = by_id.get(name.partition("+")[0], set())
    return sum(bool(mine & assets) for other, assets in by_id.items() if other != name.partition("+")[0])


def _freed(freed: int, folder: Path) -> str:
    return f"{megabytes(freed)} freed" if freed else f"nothing of it is in {folder}"
