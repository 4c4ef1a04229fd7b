"""`meadowlark voices` and `meadowlark plugins`: what is installed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace

from ..api import EngineManifest, Voice
from ..errors import VoiceError
from ..models.state import in_words
from ..models.store import Store
from ..plugins import Registry
from ..settings import Settings
from .beginnings import Beginning, beginnings
from .model_store import store_of
from .printing import print_json, print_table
from .wiring import catalog_of, find


def voices(settings: Settings, language: str, engine: str, everything: bool, as_json: bool) -> None:
    """One line a voice; filtered by language and engine."""
    registry, store = asyncio.run(_look(settings))
    catalog = catalog_of(registry, settings, awaiting=store.awaiting())
    engines = (catalog.manifest(engine),) if engine else catalog.engines
    found = [
        (manifest, voice)
        for manifest in engines
        for voice in manifest.voices
        if (everything or voice.advertised) and _speaks(voice, language)
    ]
    ready = catalog_of(registry, settings, absent=store.absent(), awaiting=store.awaiting())
    if not found:
        hints = "".join(f" {_sentence(each)}" for each in beginnings(ready, store) if each.engine == engine)
        raise VoiceError(
            f"No installed voice matches.{hints} `meadowlark voices` lists all, `meadowlark plugins` the engines."
        )
    if as_json:
        print_json(
            [{"name": f"{m.id}/{v.id}", "languages": v.languages, "description": v.name or v.id} for m, v in found]
        )
        return
    rows = [
        (f"{m.id}/{v.id}", " ".join(v.languages), v.name or v.id, in_words(store.state(m.id, v.id))) for m, v in found
    ]
    lacking = sum(bool(row[3]) for row in rows)
    width = 4 if lacking else 3
    print_table(("VOICE", "LANGUAGES", "NAME", "STATE")[:width], [row[:width] for row in rows])
    default = f"Default: {ready.default}. " if ready.default else ""
    pull = f"{lacking} of them are not downloaded: `meadowlark pull ENGINE/VOICE` does it. " if lacking else ""
    sys.stdout.write(f"\n{len(found)} voices. {pull}{default}{_variants(engines)}\n")


def plugins(settings: Settings, as_json: bool) -> None:
    """One line a plugin, with what is wrong with it. Exit status 1 when one does not work."""
    registry, store = asyncio.run(_look(settings))
    if as_json:
        print_json(registry.rows)
    else:
        by_id = {each.id: each for each in registry.engines}
        rows = [
            (
                row.name,
                f"{row.distribution} {row.version}".strip() or "-",
                ", ".join(f"{each} ({len(by_id[each].voices)} voices)" for each in row.engines if each in by_id) or "-",
                by_id[row.engines[0]].license if row.engines and row.engines[0] in by_id else "-",
                row.error or "ok",
            )
            for row in (
                replace(row, name=f"{row.name} in {row.environment}") if row.environment else row
                for row in registry.rows
            )
        ]
        print_table(("PLUGIN", "DISTRIBUTION", "ENGINES", "LICENSE", "STATE"), rows)
        if not rows:
            sys.stdout.write("No plugin is installed: script/setup installs the ones of the repository.\n")
        catalog = catalog_of(registry, settings, absent=store.absent(), awaiting=store.awaiting())
        for number, each in enumerate(beginnings(catalog, store)):
            sys.stdout.write("\n" * (not number) + f"{_sentence(each)}\n")
    if registry.errors:
        sys.exit(1)


async def _look(settings: Settings) -> tuple[Registry, Store]:
    """What is installed, and which of its files are there."""
    registry, store = await find(settings), store_of(settings)
    await store.install(registry.engines)
    return registry, store


def _sentence(each: Beginning) -> str:
    return f"{each.text}{': ' if each.remedy else ''}{each.remedy}."


def _speaks(voice: Voice, language: str) -> bool:
    wanted = language.lower().replace("_", "-")
    tags = [each.lower().replace("_", "-") for each in voice.languages]
    return not wanted or any(tag == wanted or tag.startswith(wanted + "-") for tag in tags)


def _variants(engines: Sequence[EngineManifest]) -> str:
    for manifest in engines:
        if manifest.variants and manifest.voices:
            some = ", ".join(manifest.variants[:3])
            example = f"{manifest.id}/{manifest.voices[0].id}+{manifest.variants[0]}"
            return (
                f"{manifest.title} takes any of {len(manifest.variants)} variants ({some}, …) behind a voice: {example}"
            )
    return ""
