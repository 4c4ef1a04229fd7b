"""A data folder that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meadowlark.cli.data_folder import with_writable_data
from meadowlark.errors import SettingsError
from meadowlark.settings import Settings


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where everybody may write."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def unwritable(tmp_path: Path) -> Settings:
    """Not even for root: a file is in the way."""
    (tmp_path / "file").touch()
    return Settings(data_dir=tmp_path / "file" / "data")


def test_one_that_can_be_written_stays(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "data")
    assert with_writable_data(settings) == settings


def test_else_a_folder_of_the_users_own_takes_its_place(
    unwritable: Settings, temporary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    aside = with_writable_data(unwritable, lambda: str(temporary)).data_dir
    assert aside == temporary / f"meadowlark-{os.getuid()}"
    assert aside.stat().st_mode & 0o777 == 0o700
    assert with_writable_data(unwritable, lambda: str(temporary)).data_dir == aside
    assert f"cannot be written (Not a directory): models and measurements go to {aside}" in caplog.text


def test_a_trap_in_its_place_is_walked_around(unwritable: Settings, temporary: Path, tmp_path: Path) -> None:
    """As whoever else may write there could lay one: a link to a folder of theirs."""
    (tmp_path / "theirs").mkdir()
    (temporary / f"meadowlark-{os.getuid()}").symlink_to(tmp_path / "theirs")
    aside = with_writable_data(unwritable, lambda: str(temporary)).data_dir
    assert aside.parent == temporary
    assert not aside.is_symlink()


def test_where_nothing_can_be_written_it_says_so(unwritable: Settings, temporary: Path) -> None:
    temporary.rmdir()
    with pytest.raises(SettingsError, match=r"nor a temporary folder .*: choose another --data-dir"):
        with_writable_data(unwritable, lambda: str(temporary))
