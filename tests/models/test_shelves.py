"""Where files are looked for, and which one counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from meadowlark.api import Asset
from meadowlark.models.shelves import Record, Shelves, hub_cache, source_of

ASSET = Asset("meadow/lark", "onnx/model.onnx", revision="main", bytes=5)
COMMIT = "0123456789" * 4


def lay(path: Path, data: bytes = b"12345") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def places(shelves: Shelves) -> list[Path]:
    """In the order of the search."""
    assert shelves.hub
    return [
        shelves.voices / "horn" / "onnx" / "model.onnx",
        shelves.voices / "horn" / "model.onnx",
        shelves.voices / "model.onnx",
        shelves.models / "horn" / "onnx" / "model.onnx",
        shelves.shared[0] / "horn" / "onnx" / "model.onnx",
        shelves.shared[0] / "horn" / "model.onnx",
        shelves.hub / "models--meadow--lark" / "snapshots" / COMMIT / "onnx" / "model.onnx",
    ]


def test_the_order_of_the_search(shelves: Shelves) -> None:
    assert shelves.hub
    lay(shelves.hub / "models--meadow--lark" / "refs" / "main", COMMIT.encode())
    for path in reversed(places(shelves)):
        lay(path)
        assert shelves.find("horn", ASSET) == path
    for path in places(shelves):
        assert shelves.find("horn", ASSET) == path
        path.unlink()
    assert shelves.find("horn", ASSET) is None


def test_a_revision_that_is_a_commit_needs_no_ref(shelves: Shelves) -> None:
    lay(places(shelves)[-1])
    assert shelves.find("horn", replace(ASSET, revision=COMMIT)) == places(shelves)[-1]
    assert shelves.find("horn", ASSET) is None


@pytest.mark.parametrize("place", range(7))
def test_a_file_of_another_size_is_another_file(shelves: Shelves, place: int) -> None:
    lay(places(shelves)[place], b"123456")
    assert shelves.find("horn", replace(ASSET, revision=COMMIT)) is None


@pytest.mark.parametrize("place", [1, 2, 5])
def test_a_bare_name_counts_only_with_a_known_size(shelves: Shelves, place: int) -> None:
    lay(places(shelves)[place])
    assert shelves.find("horn", ASSET)
    assert shelves.find("horn", replace(ASSET, bytes=0)) is None


def test_a_folder_is_no_file(shelves: Shelves) -> None:
    places(shelves)[3].mkdir(parents=True)
    assert shelves.find("horn", replace(ASSET, bytes=0)) is None


def test_another_engines_file_of_the_same_name_is_not_taken(shelves: Shelves) -> None:
    lay(shelves.models / "drum" / "onnx" / "model.onnx")
    assert shelves.find("horn", ASSET) is None


@pytest.mark.parametrize(
    ("record", "asset", "found"),
    [
        (Record(source_of(ASSET), 5), ASSET, True),
        (Record(source_of(ASSET), 5), replace(ASSET, revision="v2"), False),  # the plugin names a newer one
        (Record("elsewhere", 5, sha256="a" * 64), replace(ASSET, sha256="a" * 64), True),
        (Record(source_of(ASSET), 5, sha256="a" * 64), replace(ASSET, sha256="b" * 64), False),
        (Record(source_of(ASSET), 5, md5="a" * 32), replace(ASSET, md5="b" * 32), False),
        (Record("elsewhere", 5, md5="a" * 32), replace(ASSET, md5="a" * 32), True),
    ],
)
def test_what_was_downloaded_for_an_older_manifest(shelves: Shelves, record: Record, asset: Asset, found: bool) -> None:
    place = shelves.place("horn", asset)
    lay(place.file)
    assert shelves.find("horn", asset)  # put there by hand
    lay(place.record, msgspec.json.encode(record))
    assert bool(shelves.find("horn", asset)) is found


def test_a_record_that_cannot_be_read_is_none(shelves: Shelves) -> None:
    place = shelves.place("horn", ASSET)
    lay(place.file)
    lay(place.record, b"\xff{")
    assert shelves.find("horn", ASSET) == place.file


def test_no_two_files_share_their_hidden_names(shelves: Shelves) -> None:
    keys = ["a/b.onnx", "a--b.onnx", "b.onnx", "x" * 240, "x" * 239 + "y", "ä" * 120, "a/" + "b" * 240]
    parts = {shelves.place("horn", Asset("r/r", key)).part for key in keys}
    assert len(parts) == len(keys)
    assert all(len(each.name.encode()) < 255 for each in parts)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
        ({"HUGGINGFACE_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
        ({"HF_HOME": "/b", "XDG_CACHE_HOME": "/c"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({}, str(Path("~/.cache/huggingface/hub").expanduser())),
    ],
)
def test_the_hubs_cache_is_where_the_hub_has_it(environ: dict[str, str], folder: str) -> None:
    assert hub_cache(environ) == Path(folder)
