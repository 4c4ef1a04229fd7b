"""What `meadowlark models` shows and what `meadowlark remove` deletes."""

from __future__ import annotations

import fcntl
from dataclasses import replace
from pathlib import Path

import pytest

from meadowlark.api import Asset, EngineManifest, Voice
from meadowlark.errors import MeadowlarkError
from meadowlark.models.inventory import Entry, inventory, remove_engine, remove_voice
from meadowlark.models.shelves import Shelves

MODEL = Asset("meadow/lark", "model.onnx", bytes=4, license="CC-BY-4.0")
SHARED = Asset("meadow/lark", "de/shared.onnx", bytes=4)
OWN = Asset("meadow/lark", "de/own.json")
HORN = EngineManifest(
    "horn",
    "Horn",
    "MIT",
    "a:b",
    16_000,
    voices=(Voice("v", ("de",), assets=(SHARED, OWN)), Voice("w", ("de",), assets=(SHARED,))),
    assets=(MODEL,),
)


def lay(path: Path, data: bytes = b"1234") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def by_file(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    return {each.file: each for each in entries}


def test_every_file_with_its_licence_and_its_users(shelves: Shelves) -> None:
    own = lay(shelves.models / "horn" / "de" / "shared.onnx")
    users = lay(shelves.voices / "horn" / "model.onnx")
    found = by_file(inventory(shelves, [HORN]))
    assert list(found) == ["model.onnx", "de/shared.onnx", "de/own.json"]
    assert found["model.onnx"] == Entry(
        "horn", "model.onnx", 4, "CC-BY-4.0", str(users), own=False, engine_wide=True, source="meadow/lark@main"
    )
    assert found["de/shared.onnx"] == Entry(
        "horn", "de/shared.onnx", 4, "MIT", str(own), own=True, voices=("v", "w"), source="meadow/lark@main"
    )
    assert (found["de/own.json"].path, found["de/own.json"].own) == ("", False)


def test_downloads_that_have_not_ended_and_what_belongs_to_nothing(shelves: Shelves) -> None:
    lay(shelves.place("horn", OWN).part, b"12")
    lay(shelves.place("horn", OWN).lock)
    lay(shelves.models / "horn" / "old.onnx")
    lay(shelves.models / "gone" / "model.onnx")
    lay(shelves.models / "gone" / ".meadowlark" / "model.bin.part")
    found = inventory(shelves, [HORN])
    assert by_file(found)["de/own.json"].coming == 2
    orphans = [(each.engine, each.file) for each in found if not each.source]
    assert orphans == [("gone", ".meadowlark/model.bin.part"), ("gone", "model.onnx"), ("horn", "old.onnx")]


def test_a_voices_own_files_go_and_nothing_else(shelves: Shelves) -> None:
    for asset in (MODEL, SHARED, OWN):
        lay(shelves.place("horn", asset).file)
    lay(shelves.place("horn", OWN).record, b"{}")
    users = lay(shelves.voices / "horn" / "de" / "own.json")
    assert remove_voice(shelves, "horn", HORN.voices[0]) == 8
    left = [path for path in shelves.models.rglob("*") if path.is_file()]
    assert left == [shelves.place("horn", MODEL).file]
    assert not (shelves.models / "horn" / "de").exists()
    assert users.exists()
    assert remove_voice(shelves, "horn", HORN.voices[0]) == 0


def test_what_has_only_begun_to_come_goes_too(shelves: Shelves) -> None:
    part = lay(shelves.place("horn", OWN).part, b"12")
    assert remove_voice(shelves, "horn", HORN.voices[0]) == 2
    assert not part.exists()


def test_an_engine_goes_with_all_that_was_left_of_it(shelves: Shelves) -> None:
    lay(shelves.place("horn", MODEL).file)
    lay(shelves.place("horn", OWN).part)
    lay(shelves.models / "drum" / "model.onnx")
    assert remove_engine(shelves, "horn") == 8
    assert not (shelves.models / "horn").exists()
    assert (shelves.models / "drum" / "model.onnx").exists()
    assert remove_engine(shelves, "horn") == 0


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_being_downloaded_stays(shelves: Shelves, whole: bool) -> None:
    part = lay(shelves.place("horn", OWN).part)
    lock = lay(shelves.place("horn", OWN).lock)
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(MeadowlarkError, match="is being downloaded"):
            remove_engine(shelves, "horn") if whole else remove_voice(shelves, "horn", HORN.voices[0])
    assert part.exists()


def test_what_cannot_be_deleted_is_said(shelves: Shelves) -> None:
    lay(shelves.place("horn", OWN).file / "in the way")
    with pytest.raises(MeadowlarkError, match="cannot be written"):
        remove_voice(shelves, "horn", HORN.voices[0])


def test_choices_that_are_not_taken_go_too(shelves: Shelves) -> None:
    small = replace(OWN, name="small.onnx", option="model", value="small")
    lay(shelves.place("horn", small).file)
    assert remove_voice(shelves, "horn", Voice("v", ("de",), assets=(SHARED, small))) == 4
