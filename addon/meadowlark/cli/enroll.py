"""`meadowlark enroll` and `meadowlark voices --own`, `--remove`: the user's own reference voices.

A running server with the same data folder does the work, so that it offers the voice at once; else this process does.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from ..enrolment import Enrolment, OwnVoice, Wish
from ..errors import RequestError
from ..server.control_client import enroll_at, forget_at, voices_at
from ..settings import Settings
from .model_store import shelves_of
from .printing import print_json, print_table
from .wiring import find

NOBODY = (FileNotFoundError, ConnectionRefusedError)
"""No server runs."""


def enroll(settings: Settings, recording: Path, wish: Wish) -> None:
    """Add a voice. Without a text, the one beside the recording. Raises RequestError, MeadowlarkError."""
    if not recording.is_file():
        raise RequestError(f"There is no recording {recording}.")
    beside = recording.with_suffix(".txt")
    if not wish.text and not beside.is_file():
        raise RequestError(f'Give what is said in {recording.name}: --text "…", or write it into {beside.name}.')
    text = wish.text or beside.read_text(encoding="utf-8", errors="replace")
    name = wish.name or recording.stem
    added = asyncio.run(_enroll(settings, recording, replace(wish, name=name, text=text)))
    sys.stdout.write(f"{added.name} is enrolled: {added.file}\n")
    if added.used_by:
        example = f"{added.used_by[0]}/{added.name}"
        sys.stdout.write(f'It is used by {", ".join(added.used_by)}: meadowlark say "Hello." --voice {example}\n')
    else:
        sys.stdout.write("No installed engine can use it; it is kept for one that can.\n")
    if not added.consent:
        sys.stdout.write("No consent is noted. Imitate only people who agree, and note that with --consent.\n")


def own_voices(settings: Settings, as_json: bool) -> None:
    """One line a reference voice: who uses it, what it says, what is wrong with it."""
    found = asyncio.run(_own(settings))
    if as_json:
        print_json(found)
        return
    rows = [
        (each.name, each.language or "any", ", ".join(each.used_by) or "-", each.origin or "-", each.consent or "-",
         each.problem or each.file)
        for each in found
    ]  # fmt: skip
    if rows:
        print_table(("VOICE", "LANGUAGE", "USED BY", "ORIGIN", "CONSENT", "FILE"), rows)
    else:
        sys.stdout.write(f"No voice is in {_enrolment(settings).folder}: `meadowlark enroll FILE` adds one.\n")


def forget(settings: Settings, name: str) -> None:
    """Delete a reference voice and what engines have made of it. Raises VoiceError, MeadowlarkError."""
    try:
        count = asyncio.run(forget_at(settings.data_dir / "control.sock", name))
    except NOBODY:
        count = _enrolment(settings).remove(name)
    sys.stdout.write(f"{name} is removed, {count} files.\n")


async def _enroll(settings: Settings, recording: Path, wish: Wish) -> OwnVoice:
    try:
        return await enroll_at(settings.data_dir / "control.sock", wish, recording)
    except NOBODY:
        pass
    enrolment = _enrolment(settings)
    name = await enrolment.add(wish, recording, await find(settings))
    return next(each for each in enrolment.voices(await find(settings)) if each.name == name)


async def _own(settings: Settings) -> tuple[OwnVoice, ...]:
    try:
        return await voices_at(settings.data_dir / "control.sock")
    except NOBODY:
        return _enrolment(settings).voices(await find(settings))


def _enrolment(settings: Settings) -> Enrolment:
    shelves = shelves_of(settings)
    return Enrolment(shelves.voices, shelves.models.parent)
