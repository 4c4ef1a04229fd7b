"""What took long to make is made once, whole, and not for ever."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from meadowlark.kit.disk_room import RESERVE_BYTES
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
    with pytest.raises(OSError, match=r"MB are free in .*, or could be, \d+ are needed"):
        kept(tmp_path, "key", maker([], "one"), size=shutil.disk_usage(tmp_path).total)


class Disk:
    """Of so many kB, on which only this folder lies."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder, self.room = folder, room * KB

    def free(self, folder: Path) -> int:
        assert folder == self.folder
        return self.room + RESERVE_BYTES - sum(file.stat().st_size for file in folder.glob("*/*"))

    def keep(self, name: str, size: int, *, fails: bool = False) -> None:
        def make(place: Path) -> None:
            (place / "weights").write_bytes(bytes(size * KB))
            if fails:
                raise ValueError("no such tensor")

        kept(self.folder, name, make, size=size * KB, free=self.free)

    def there(self) -> list[str]:
        return sorted(each.name for each in self.folder.iterdir() if each.is_dir())

    def age(self, *names: str) -> None:
        """The first was used longest ago."""
        for number, name in enumerate(names):
            os.utime(self.folder / name, (1e9 + number, 1e9 + number))


KB = 4096


def test_what_will_be_replaced_counts_as_room(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 100)
    disk.keep("first", 40)
    disk.keep("second", 40)
    disk.age("first", "second")
    disk.keep("third", 40)  # 20 are free
    assert disk.there() == ["second", "third"]
    disk.age("second", "third")
    disk.keep("large", 90)
    assert disk.there() == ["large"]


def test_with_room_enough_the_old_one_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 150)
    disk.keep("first", 40)
    disk.keep("second", 40)
    disk.age("first", "second")
    with pytest.raises(ValueError, match="no such tensor"):
        disk.keep("third", 40, fails=True)
    assert disk.there() == ["first", "second"]
    disk.keep("third", 40)
    assert disk.there() == ["second", "third"]


def test_nothing_is_lost_where_even_that_would_not_do(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 100)
    disk.keep("first", 40)
    with pytest.raises(OSError, match="are needed"):
        disk.keep("large", 120)
    assert disk.there() == ["first"]


def test_only_one_may_stay(tmp_path: Path) -> None:
    for name in ("one", "other"):
        kept(tmp_path, name, maker([], name), most=1)
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == ["other"]


def test_who_was_quicker_on_a_disk_without_locks_is_right(tmp_path: Path) -> None:
    def overtaken(folder: Path) -> None:
        (folder / "a").write_text("second")
        (tmp_path / "key").mkdir()
        (tmp_path / "key" / "a").write_text("first")

    assert (kept(tmp_path, "key", overtaken) / "a").read_text() == "first"
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == ["key"]


def test_keys_follow_files_and_ways(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(b"weights")
    first = key_of([file], "4 bits")
    assert key_of([file], "4 bits") == first
    assert key_of([file], "8 bits") != first
    os.utime(file, (1, 1))
    assert key_of([file], "4 bits") != first


def test_several_workers_do_not_mind_what_others_remove(tmp_path: Path) -> None:
    failed: list[OSError] = []

    def work(worker: int) -> None:
        try:
            for turn in range(40):
                kept(tmp_path / "graphs", f"{worker}-{turn % 5}", lambda place: None, free=lambda _: 10**12)
        except OSError as error:
            failed.append(error)

    workers = [threading.Thread(target=work, args=(each,)) for each in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert not failed
