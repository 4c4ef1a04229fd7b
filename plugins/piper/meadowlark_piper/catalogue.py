"""The official catalogue of Piper voices, as its file on the hub says: nothing of it is kept in this package.

The file is an asset like any other (`meadowlark pull piper` fetches it); the voices in it can then be spoken, and their
files are downloaded when somebody does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meadowlark.api import Asset, Value, Voice

from .files import SUFFIX
from .voices import CATALOGUE, speaker_voices, tag, title

REPOSITORY = "rhasspy/piper-voices"
FILE = "voices.json"
CARD = "MODEL_CARD"
"""Beside each voice: its licence, which is not the same for all."""

ASSET = Asset(REPOSITORY, FILE, optional=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """A voice that can be downloaded."""

    key: str
    languages: tuple[str, ...]
    assets: tuple[Asset, ...]
    speakers: Mapping[str, int] = field(default_factory=dict)


def read(path: str, complain: Callable[[str], None]) -> Iterator[Entry]:
    """The entries of a catalogue, none of an empty path; what is wrong with it is told to `complain`."""
    if not path:
        return
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        entries = list(found.items())
    except (OSError, ValueError, AttributeError) as error:
        complain(f"{path} is no catalogue of Piper voices ({error}); delete it, and `meadowlark pull piper`")
        return
    wrong = []
    for key, said in entries:
        try:
            yield _entry(key, said)
        except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
            wrong.append(str(key))
    if wrong:
        complain(f"{path}: {len(wrong)} entries cannot be read, the first is {wrong[0]!r}")


def voices_of(entry: Entry) -> Iterator[Voice]:
    """As of a voice on disk, with the files that it needs."""
    base: dict[str, Value] = {"model": f"{entry.key}.onnx"}
    yield Voice(
        id=entry.key,
        languages=entry.languages,
        name=title(entry.key),
        speakers=tuple(entry.speakers),
        options=base,
        attribution=CATALOGUE,
        assets=entry.assets,
    )
    yield from speaker_voices(entry.key, entry.languages, entry.speakers, base, entry.assets)


def _entry(key: str, said: Any) -> Entry:
    files: Mapping[str, Mapping[str, Any]] = said["files"]
    model = next(path for path in files if path.endswith(".onnx"))
    description = next(path for path in files if path.endswith(SUFFIX))
    card = next((path for path in files if path.rpartition("/")[2] == CARD), "")
    assets = [_asset(model, files, f"{key}.onnx"), _asset(description, files, f"{key}{SUFFIX}")]
    if card:
        assets.append(_asset(card, files, f"{key}.{CARD}", optional=True))
    languages = tag(str((said.get("language") or {}).get("code") or "")) or tag(key) or "und"
    speakers = {str(name): int(number) for name, number in (said.get("speaker_id_map") or {}).items()}
    return Entry(str(key), (languages,), tuple(assets), speakers if int(said.get("num_speakers") or 1) > 1 else {})


def _asset(path: str, files: Mapping[str, Mapping[str, Any]], name: str, *, optional: bool = False) -> Asset:
    """The catalogue gives size and MD5."""
    said = files[path]
    return Asset(
        REPOSITORY,
        path,
        bytes=int(said.get("size_bytes") or 0),
        md5=str(said.get("md5_digest") or ""),
        name=name,
        optional=optional,
    )
