"""Downloads as a person at a terminal sees them: what and how large, under which licence, a bar, where it is now."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from ..api import EngineManifest
from ..errors import DownloadError
from ..models.licenses import Notices
from ..models.state import Missing, Trouble, megabytes
from ..models.store import Store


async def fetch(store: Store, notices: Notices, manifest: EngineManifest, voice: str = "") -> str:
    """Have a voice's files (none named: the engine's own) with a bar on stderr; what there is now, in a line.

    Raises DownloadError; for an engine's own files also where only some that the engine can do without did not come.
    """
    name = f"{manifest.id}/{voice}" if voice else manifest.id
    own = (each for speaker in manifest.voices if speaker.id == voice for each in speaker.assets)
    for notice in notices.due(manifest, (*manifest.assets, *own)):
        sys.stderr.write(f"{notice}\n")
    before = store.state(manifest.id, voice)
    size = before.bytes if isinstance(before, Missing) else 0
    waiting = asyncio.ensure_future(store.fetch(manifest.id, voice))
    with tqdm(desc=name, total=size or None, unit="B", unit_scale=True, disable=None, leave=False) as bar:
        try:
            while not waiting.done():
                _show(bar, store)
                await asyncio.wait({waiting}, timeout=0.1)
        finally:
            waiting.cancel()
    files = waiting.result()
    lacking = store.shortcomings(manifest.id, voice)
    why = "; ".join(f"{file}: {failure.reason}" for file, failure in lacking.items())
    if lacking and not files:
        kind = next(iter(lacking.values())).kind
        raise DownloadError(f"{name} could not be downloaded: {why}", kind=Trouble(kind))
    without = f" (without {why})" if why else ""
    return f"{name}: {_where(files.values())}{without}" if files else f"{name} needs no files."


def _show(bar: tqdm[None], store: Store) -> None:
    for progress in () if bar.disable else store.transfers:
        bar.initial = bar.initial or progress.done  # what an earlier attempt left is no speed
        bar.total = progress.total or None
        bar.set_postfix_str(progress.note[:60], refresh=False)
        bar.n = progress.done
        bar.refresh()


def _where(paths: Iterable[str]) -> str:
    files = list(map(Path, paths))
    size = sum(each.stat().st_size for each in files)
    folders = dict.fromkeys(str(each.parent) for each in files)
    return f"{len(files)} file{'s' * (len(files) != 1)}, {megabytes(size)}, in {' and '.join(folders)}"
