from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from meadowlark_espeakng.data import find_data, installations
from meadowlark_espeakng.errors import InstallationError
from meadowlark_espeakng.library import Library

NOT_THERE = "no_such_package_of_espeak"


def make_data(folder: Path) -> Path:
    (folder / "lang").mkdir(parents=True)
    (folder / "phontab").touch()
    return folder


def test_the_package_comes_first() -> None:
    first = next(installations())
    assert first.library is not None
    assert first.library.parent.name == "espeakng_loader"
    assert find_data() == first.data


@pytest.mark.parametrize("place", ["usr/share", "usr/lib/arm-linux-gnueabihf", "usr/local/share", "usr/lib64"])
def test_the_data_of_the_system_is_found(tmp_path: Path, place: str) -> None:
    data = make_data(tmp_path / place / "espeak-ng-data")
    (found,) = installations(NOT_THERE, tmp_path)
    assert (found.data, found.library) == (data, None)


def test_a_folder_without_phoneme_tables_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "usr/share/espeak-ng-data/lang").mkdir(parents=True)
    assert not list(installations(NOT_THERE, tmp_path))


def test_nothing_installed_names_the_remedy() -> None:
    with pytest.raises(InstallationError, match="pip install espeakng-loader"):
        find_data([])
    with pytest.raises(InstallationError, match="apt install libespeak-ng1"):
        Library(found=[])


def test_a_library_that_does_not_load_is_named(tmp_path: Path) -> None:
    broken = next(installations())
    (tmp_path / "libespeak-ng.so").write_bytes(b"\x7fELF, but of another machine")
    with pytest.raises(InstallationError, match=r"not installed; .*(invalid ELF|file too short|cannot open)"):
        Library(found=[type(broken)(broken.data, tmp_path / "libespeak-ng.so")])


def test_data_of_another_version_is_an_error_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    real = next(installations())
    data = make_data(tmp_path / "espeak-ng-data")
    with pytest.raises(InstallationError, match="version mismatch"):
        Library(found=[type(real)(data, real.library)])


def test_the_library_of_the_system_is_found_by_its_loader() -> None:
    """With the package's library in the loader's path it is what a system's package would be."""
    code = """
        from meadowlark_espeakng.data import Installation, find_data
        from meadowlark_espeakng.library import Library
        library = Library(found=[Installation(find_data(), None)])
        library.set_voice("gmw/en-US")
        heard = []
        library.synthesize("Hello.", lambda audio, words: heard.append(audio) or True)
        assert sum(map(len, heard)) > 20000
    """
    folder = str(find_data().parent)
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env={**os.environ, "LD_LIBRARY_PATH": folder}, check=True
    )


def test_looking_does_not_import_the_package() -> None:
    sys.modules.pop("espeakng_loader", None)
    assert list(installations())
    assert "espeakng_loader" not in sys.modules
