"""What makes a manifest valid. Pure; used at discovery and by the conformance suite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from .api import Asset, EngineManifest, Marker, Voice

_T = TypeVar("_T")

ENGINE_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
PIPELINE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
"""BCP 47 (RFC 5646) as far as syntax goes, plus the underscore that Home Assistant accepts."""

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
DIGESTS = {"sha256": re.compile(r"[0-9a-f]{64}"), "md5": re.compile(r"[0-9a-f]{32}")}

SAMPLE_RATES = range(8_000, 96_001)


def typed(given: object, kind: type[_T]) -> _T:
    """Through the codec and back: what is wrong in type shows here, with the field's name, not in the server."""
    try:
        return msgspec.convert(msgspec.to_builtins(given), kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{kind.__name__} {getattr(given, 'id', getattr(given, 'name', ''))!r}: {error}") from error


def problems(manifest: EngineManifest) -> Iterator[str]:
    """Everything wrong with a manifest, each with the value that is wrong; nothing when it is fine."""
    if not ENGINE_ID.fullmatch(manifest.id):
        yield f"engine id {manifest.id!r}: use lower-case letters, digits, '_' and '-'"
    if not PIPELINE.fullmatch(manifest.pipeline):
        yield f"pipeline {manifest.pipeline!r}: write 'package.module:Class'"
    if manifest.sample_rate not in SAMPLE_RATES:
        yield f"sample_rate {manifest.sample_rate}: expected {SAMPLE_RATES.start} to {SAMPLE_RATES.stop - 1} Hz"
    if not manifest.license:
        yield "license is empty: give an SPDX expression of the code and of the weights"
    if manifest.max_batch < 1:
        yield f"max_batch {manifest.max_batch}: at least 1"
    if manifest.alternates and manifest.max_batch < 2:
        yield "alternates with max_batch 1: say how many sentences may be open at a time"
    for kind, size in manifest.memory.items():
        if size < 0:
            yield f"memory[{kind!r}] is {size}: bytes cannot be negative"
    yield from _repeated("voice", (voice.id for voice in manifest.voices))
    yield from _repeated("marker", (marker.name for marker in manifest.markers))
    for voice in manifest.voices:
        yield from voice_problems(voice)
    for asset in manifest.assets:
        yield from asset_problems(asset)
    yield from _places_taken(manifest.assets + tuple(each for voice in manifest.voices for each in voice.assets))
    for marker in manifest.markers:
        yield from marker_problems(marker)


def voice_problems(voice: Voice) -> Iterator[str]:
    """Everything wrong with a voice."""
    if not voice.id or "/" in voice.id or voice.id != voice.id.strip():
        yield f"voice id {voice.id!r}: not empty, no '/', no spaces around it"
    if not voice.languages:
        yield f"voice {voice.id!r} names no language: Home Assistant lists voices by language"
    for language in voice.languages:
        if not LANGUAGE.fullmatch(language):
            yield f"voice {voice.id!r}: {language!r} is not a BCP 47 tag such as 'en-GB'"
    for asset in voice.assets:
        yield from (f"voice {voice.id!r}: {wrong}" for wrong in asset_problems(asset))


def asset_problems(asset: Asset) -> Iterator[str]:
    """Everything wrong with an asset."""
    if not asset.url and not REPOSITORY.fullmatch(asset.repository):
        yield f"asset {asset.key!r}: repository {asset.repository!r} is not 'owner/name'; or give a url"
    if asset.url and not asset.url.startswith("https://"):
        yield f"asset {asset.key!r}: url {asset.url!r} does not begin with https://"
    if asset.url and not (asset.sha256 or asset.md5):
        yield f"asset {asset.key!r}: a file with a url needs sha256 or md5; nothing else vouches for it"
    for name in {asset.path, asset.key}:
        if not name or "\\" in name or any(part in ("", ".", "..") for part in name.split("/")):
            yield f"asset {name!r}: write a relative path, 'folder/file.onnx', without '..'"
    if asset.key.startswith("."):
        yield f"asset {asset.key!r}: names with a dot in front are the store's own; give it another `name`"
    for kind, pattern in DIGESTS.items():
        digest = getattr(asset, kind)
        if digest and not pattern.fullmatch(digest):
            yield f"asset {asset.key!r}: {kind} {digest!r} is not one (lower-case hexadecimal digits)"
    if asset.bytes < 0:
        yield f"asset {asset.key!r}: {asset.bytes} bytes"
    if bool(asset.option) != bool(asset.value):
        yield f"asset {asset.key!r}: `option` and `value` go together"


def marker_problems(marker: Marker) -> Iterator[str]:
    """Everything wrong with a marker."""
    for name in (marker.name, *marker.aliases):
        if not name or name != " ".join(name.lower().split()):
            yield f"marker {name!r}: lower case, single spaces, not empty"


def _places_taken(assets: Iterable[Asset]) -> Iterator[str]:
    """Two files of one engine in one place would overwrite each other for ever."""
    seen: dict[str, Asset] = {}
    for each in assets:
        if seen.setdefault(each.key, each) != each:
            yield f"asset {each.key!r} is named twice with differences: give one of the two another `name`"


def _repeated(what: str, ids: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            yield f"{what} {each!r} is registered twice"
        seen.add(each)
