"""`meadowlark pull`, `meadowlark models`, `meadowlark remove`: model files from the command line."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from ..api import EngineManifest
from ..catalog import Catalog, VoiceRequest
from ..errors import DownloadError, VoiceError
from ..manifest import ENGINE_ID
from ..models.inventory import Entry, inventory, remove_engine, remove_voice
from ..models.state import megabytes
from ..plugins import Registry
from ..settings import Settings
from .model_store import notices_of, shelves_of, store_of
from .printing import print_json, print_table
from .transfer import fetch
from .wiring import catalog_of, find

Target = tuple[str, str]
"""(engine, voice); the voice may be empty."""


def pull(settings: Settings, names: Sequence[str], everything: bool = False) -> None:
    """Download what voices need. names: ENGINE/VOICE, or ENGINE for the voice it would choose; none: the default's.

    everything: all voices of the engines named. Raises DownloadError after all have been tried.
    """
    if not sys.stderr.isatty():
        logging.getLogger("meadowlark.models").setLevel(logging.INFO)  # lines in place of the bar
    failed = asyncio.run(_pull(settings, names or ("" if everything else settings.voice,), everything))
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise DownloadError(f"{len(failed)} could not be downloaded: " + " ".join(map(str, failed)))


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
            if not freed:  # a name that means nothing here is a slip
                catalog_of(registry, settings).manifest(engine)
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


async def _pull(settings: Settings, names: Sequence[str], everything: bool) -> list[DownloadError]:
    """Each in turn; what could not be downloaded."""
    store, notices = store_of(settings), notices_of(settings)
    registry = await find(settings)
    await store.install(registry.engines)
    failed: list[DownloadError] = []
    try:
        if lists := _lists(catalog_of(registry, settings, awaiting=store.awaiting()), names):
            for engine in lists:
                sys.stdout.write(await fetch(store, notices, _manifest(registry, engine)) + "\n")
            registry = await find(settings)
            await store.install(registry.engines)
        for engine, voice in _targets(catalog_of(registry, settings, awaiting=store.awaiting()), names, everything):
            try:
                sys.stdout.write(await fetch(store, notices, _manifest(registry, engine), voice) + "\n")
            except DownloadError as error:
                failed.append(error)
                sys.stderr.write(f"{engine}/{voice}: failed\n".replace("/:", ":"))
            else:
                if not voice:
                    await _tell_choice(settings, engine)
    except asyncio.CancelledError:
        sys.stderr.write("Stopped. What has come is kept: the same command goes on from there.\n")
        raise
    finally:
        await store.close()
    return failed


def _lists(catalog: Catalog, names: Sequence[str]) -> list[str]:
    """Engines whose list of voices is needed to understand a name."""
    voices = [name for name in names if name.strip().lower() not in {each.id for each in catalog.engines}]
    return list(dict.fromkeys(engine for name in voices for engine in catalog.awaited(name)))


def _manifest(registry: Registry, engine: str) -> EngineManifest:
    return next(each for each in registry.engines if each.id == engine)


async def _tell_choice(settings: Settings, engine: str) -> None:
    """After an engine's own files have come, a list of voices among them perhaps: what can be had now."""
    manifest = _manifest(registry := await find(settings), engine)
    if manifest.voices:
        example = catalog_of(registry, settings).of_engine(engine, "").name
        number = f"{len(manifest.voices)} voice{'s' * (len(manifest.voices) != 1)}"
        sys.stdout.write(
            f"{engine} has {number} to choose from now: `meadowlark voices --engine {engine}` lists them, "
            f"`meadowlark pull {example}` downloads one.\n"
        )


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
