"""`meadowlark voices` and `meadowlark plugins`: what is installed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace

from ..api import EngineManifest, Voice
from ..errors import VoiceError
from ..settings import Settings
from .printing import print_json, print_table
from .wiring import catalog_of, find


def voices(settings: Settings, language: str, engine: str, everything: bool, as_json: bool) -> None:
    """One line a voice; filtered by language and engine."""
    catalog = catalog_of(asyncio.run(find(settings)), settings)
    engines = (catalog.manifest(engine),) if engine else catalog.engines
    found = [
        (manifest, voice)
        for manifest in engines
        for voice in manifest.voices
        if (everything or voice.advertised) and _speaks(voice, language)
    ]
    if not found:
        raise VoiceError("No installed voice matches. `meadowlark voices` lists all, `meadowlark plugins` the engines.")
    if as_json:
        print_json(
            [{"name": f"{m.id}/{v.id}", "languages": v.languages, "description": v.name or v.id} for m, v in found]
        )
        return
    rows = [(f"{m.id}/{v.id}", " ".join(v.languages), v.name or v.id) for m, v in found]
    print_table(("VOICE", "LANGUAGES", "NAME"), rows)
    default = f"Default: {catalog.default}. " if catalog.default else ""
    sys.stdout.write(f"\n{len(found)} voices. {default}{_variants(engines)}\n")


def plugins(settings: Settings, as_json: bool) -> None:
    """One line a plugin, with what is wrong with it. Exit status 1 when one does not work."""
    registry = asyncio.run(find(settings))
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
    if registry.errors:
        sys.exit(1)


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
