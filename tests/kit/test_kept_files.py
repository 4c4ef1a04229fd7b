"""What took long to make is made once, whole, and not for ever."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from meadowlark.kit.kept_files import kept, key_of


def maker(made: list[str], name: str):
    def make(folder: Path) -> None:
        made.append(name)
        (folder / "a").write_text(name)

    return make


def test_is_made_once(tmp_path: Path) -> None:
    made: list[str] = []
    for _ in range(2):
        place = kept(tmp_path / "graphs", "key", maker(made, "one"))
        assert (place / "a").read_text() == "one"
    assert made == ["one"]


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ValueError("the weights are another model's")

    with pytest.raises(ValueError, match="another model's"):
        kept(tmp_path, "key", fail)
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == []


def test_what_a_killed_worker_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".making-killed").mkdir()
    kept(tmp_path, "key", maker([], "one"))
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_dir()) == ["key"]


def test_the_ones_used_last_stay(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "older", "oldest")):
        kept(tmp_path, name, maker([], name), most=4)
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    kept(tmp_path, "oldest", maker([], "never"))
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_dir()) == ["new", "oldest"]


def test_a_full_disk_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"MB are free in .*, \d+ are needed"):
        kept(tmp_path, "key", maker([], "one"), size=shutil.disk_usage(tmp_path).total)


def test_keys_follow_files_and_ways(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(b"weights")
    first = key_of([file], "4 bits")
    assert key_of([file], "4 bits") == first
    assert key_of([file], "8 bits") != first
    os.utime(file, (1, 1))
    assert key_of([file], "4 bits") != first
