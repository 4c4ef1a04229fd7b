"""Parts are made once for the same content; a disk that takes none is no reason to be mute."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest

from meadowlark.kit.disk_room import RESERVE_BYTES
from meadowlark.kit.onnx_graph import load
from meadowlark.kit.part_files import alone, content_hash, opened, parts

NAMES = ("first", "second")


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, path: Path) -> Mapping[str, onnx.ModelProto]:
        self.times += 1
        model = load(path)
        return {"first": model, "second": model}


@pytest.fixture
def make() -> Maker:
    return Maker()


def test_made_once(model_file: Path, tmp_path: Path, make: Maker) -> None:
    for _ in range(3):
        files = parts(model_file, tmp_path / "parts", "test-1", NAMES, make)
        assert {name: Path(path).name for name, path in files.items()} == {  # type: ignore[arg-type]
            "first": "first.onnx",
            "second": "second.onnx",
        }
        assert onnx.load(files["first"]).graph.name == "model"
    assert make.times == 1


def test_a_copy_of_the_same_content_is_the_same(model_file: Path, tmp_path: Path, make: Maker) -> None:
    one = parts(model_file, tmp_path / "parts", "test-1", NAMES, make)
    moved = shutil.copy(model_file, tmp_path / "elsewhere.onnx")
    assert parts(moved, tmp_path / "parts", "test-1", NAMES, make) == one
    assert make.times == 1


def test_changed_content_and_another_recipe_are_made_anew_and_the_old_go(
    model_file: Path, tmp_path: Path, make: Maker
) -> None:
    folder = tmp_path / "parts"
    old = parts(model_file, folder, "test-1", NAMES, make)
    model = onnx.load(model_file)
    model.producer_name = "other"
    onnx.save(model, model_file)
    new = parts(model_file, folder, "test-1", NAMES, make)
    assert new != old
    assert make.times == 2
    assert not Path(old["first"]).exists()  # type: ignore[arg-type]
    small = parts(model_file, folder, "test-1-small", NAMES, make)
    newest = parts(model_file, folder, "test-2", NAMES, make)
    assert make.times == 4
    assert not Path(new["first"]).exists()  # type: ignore[arg-type]
    assert all(Path(each["first"]).exists() for each in (small, newest))  # type: ignore[arg-type]


def test_parts_of_a_model_that_is_gone_go_too(model_file: Path, tmp_path: Path, make: Maker) -> None:
    old = parts(model_file, tmp_path / "parts", "test-1", NAMES, make)
    other = model_file.rename(tmp_path / "renamed.onnx")
    model = onnx.load(other)
    model.producer_name = "other"
    onnx.save(model, other)
    parts(other, tmp_path / "parts", "test-1", NAMES, make)
    assert not Path(old["first"]).exists()  # type: ignore[arg-type]


def test_parts_go_with_a_model_that_is_renamed(model_file: Path, tmp_path: Path, make: Maker) -> None:
    folder = tmp_path / "parts"
    files = parts(model_file, folder, "test-1", NAMES, make)
    renamed = model_file.rename(tmp_path / "renamed.onnx")
    assert parts(renamed, folder, "test-1", NAMES, make) == files
    model = onnx.load(renamed)
    model.producer_name = "other"
    onnx.save(model, other := tmp_path / "other.onnx")
    parts(other, folder, "test-1", NAMES, make)
    assert make.times == 2
    assert parts(renamed, folder, "test-1", NAMES, make) == files
    assert make.times == 2


def test_an_incomplete_folder_is_made_anew(model_file: Path, tmp_path: Path, make: Maker) -> None:
    files = parts(model_file, tmp_path / "parts", "test-1", NAMES, make)
    Path(files["second"]).unlink()  # type: ignore[arg-type]
    assert parts(model_file, tmp_path / "parts", "test-1", NAMES, make) == files
    assert Path(files["second"]).is_file()  # type: ignore[arg-type]


def test_what_a_killed_worker_left_is_removed(model_file: Path, tmp_path: Path, make: Maker) -> None:
    left = tmp_path / "parts" / ".making-killed"
    left.mkdir(parents=True)
    parts(model_file, tmp_path / "parts", "test-1", NAMES, make)
    assert not left.exists()


def test_a_disk_that_takes_nothing_gives_the_parts_from_memory(
    model_file: Path, tmp_path: Path, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "parts"
    blocked.write_text("a file where the folder should be")
    made = parts(model_file, blocked, "test-1", NAMES, make)
    assert onnx.load_model_from_string(made["first"]).graph.name == "model"  # type: ignore[arg-type]
    assert "cannot be kept" in caplog.text


def test_a_full_disk_is_seen_before_anything_is_written(
    model_file: Path, tmp_path: Path, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    made = parts(model_file, tmp_path / "parts", "test-1", NAMES, make)
    assert isinstance(made["first"], bytes)
    assert not list((tmp_path / "parts").glob("*/"))


def test_what_will_be_replaced_counts_as_room(model_file: Path, tmp_path: Path, make: Maker) -> None:
    """On a disk that has room for the parts of two versions of a recipe, but not of three models."""
    folder = tmp_path / "parts"
    size = 2 * onnx.load(model_file).ByteSize()

    def free(place: Path) -> int:
        assert place == folder
        return RESERVE_BYTES + 5 * size // 2 - sum(file.stat().st_size for file in folder.glob("*/*.onnx"))

    other = Path(shutil.copy(model_file, tmp_path / "other.onnx"))
    onnx.save(onnx.helper.make_model(onnx.load(other).graph, producer_name="other"), other)
    stays = parts(other, folder, "test-1", NAMES, make, free)
    old = parts(model_file, folder, "test-1", NAMES, make, free)
    new = parts(model_file, folder, "test-2", NAMES, make, free)
    assert [Path(each["first"]).exists() for each in (stays, old, new)] == [True, False, True]  # type: ignore[arg-type]
    refused = parts(model_file, folder, "another-1", NAMES, make, free)  # replaces nothing
    assert isinstance(refused["first"], bytes)
    assert Path(new["first"]).exists()  # type: ignore[arg-type]


def test_several_at_once_end_with_one(model_file: Path, tmp_path: Path, make: Maker) -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(parts(model_file, tmp_path / "parts", "test-1", NAMES, make)))
        for _ in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 6
    assert all(each == found[0] for each in found)
    assert make.times == 1  # each cutting would hold the whole model
    assert [each.name for each in (tmp_path / "parts").iterdir() if each.name.startswith(".making")] == []


def read(part: Path | bytes) -> onnx.ModelProto:
    return onnx.load_from_string(part if isinstance(part, bytes) else part.read_bytes())


def test_a_broken_part_is_made_once_by_several(
    model_file: Path, tmp_path: Path, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    (kept, _) = parts(model_file, tmp_path / "parts", "test-1", NAMES, make).values()
    assert isinstance(kept, Path)
    kept.write_bytes(b"not a model")
    together, seen, found = threading.Barrier(4, timeout=10), threading.local(), list[object]()

    def read_together(part: Path | bytes) -> onnx.ModelProto:
        try:
            return read(part)
        except Exception:
            if not getattr(seen, "broken", False):
                seen.broken = True
                together.wait()
            raise

    def open_all() -> None:
        found.append(opened(model_file, tmp_path / "parts", "test-1", NAMES, make, read_together))

    threads = [threading.Thread(target=open_all) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [set(each) for each in found] == [set(NAMES)] * 4  # type: ignore[call-overload]
    assert make.times == 2
    assert caplog.text.count("is broken and made anew") == 1


def test_what_opening_a_whole_part_raises_comes_out(model_file: Path, tmp_path: Path, make: Maker) -> None:
    def fail(part: Path | bytes) -> None:
        raise RuntimeError("no such device")

    with pytest.raises(RuntimeError, match="no such device"):
        opened(model_file, tmp_path / "parts", "test-1", NAMES, make, fail)
    assert make.times == 1


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP])
def test_a_share_without_locks_is_used_without(tmp_path: Path, number: int, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(file: object, how: int) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / ".making-elsewhere").mkdir()  # by another worker, perhaps, which nobody can wait for
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with alone(tmp_path, refuse):
                (tmp_path / "made").write_text("made")
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert f"The file system of {tmp_path} knows no locks" in record.message
    assert (tmp_path / ".making-elsewhere").is_dir()


def test_a_lock_that_fails_otherwise_is_told_of(tmp_path: Path) -> None:
    def fail(file: object, how: int) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    with pytest.raises(OSError, match="the disk is broken"), alone(tmp_path, fail):
        raise AssertionError("went on")


def test_the_hash_follows_the_content(model_file: Path, tmp_path: Path) -> None:
    before = content_hash(model_file, tmp_path / "notes")
    assert content_hash(model_file, tmp_path / "notes") == before
    model_file.write_bytes(b"other")
    assert content_hash(model_file, tmp_path / "notes") != before


def test_what_make_raises_comes_out(tmp_path: Path, make: Maker) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"<html>")
    with pytest.raises(Exception, match="is not an ONNX model"):
        parts(wrong, tmp_path / "parts", "test-1", NAMES, make)
    assert not list((tmp_path / "parts").glob("*/"))
