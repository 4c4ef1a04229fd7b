"""Licences that do not allow every use: which those are, where they are read, and that they are told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from meadowlark.api import Asset, Attribution, EngineManifest
from meadowlark.models.licenses import Notices, not_free, restricted


@pytest.mark.parametrize(
    ("expression", "bound"),
    [
        ("Apache-2.0", []),
        ("GPL-3.0-or-later AND Apache-2.0", []),
        ("CC-BY-SA-4.0", []),
        ("Apache-2.0 AND CC-BY-NC-SA-4.0", ["CC-BY-NC-SA-4.0"]),
        ("(MIT AND CC-BY-NC-4.0)", ["CC-BY-NC-4.0"]),
        ("CC-BY-ND-4.0", ["CC-BY-ND-4.0"]),
        ("MIT OR CC-BY-NC-4.0", []),
        ("LicenseRef-Fish-Audio-Research AND Apache-2.0", ["LicenseRef-Fish-Audio-Research"]),
        ("CreativeML-OpenRAIL-M", ["CreativeML-OpenRAIL-M"]),
        ("PolyForm-Noncommercial-1.0.0", ["PolyForm-Noncommercial-1.0.0"]),
        ("", []),
    ],
)
def test_what_binds_the_user(expression: str, bound: list[str]) -> None:
    assert list(not_free(expression)) == bound


def manifest(license_: str, *assets: Asset, url: str = "") -> EngineManifest:
    attribution = Attribution("Somebody", url) if url else None
    return EngineManifest("horn", "Horn", license_, "a:B", 16_000, assets=assets, attribution=attribution)


def test_the_address_to_read() -> None:
    asset = Asset("some/model", "x.bin", license="LicenseRef-Own")
    assert restricted(manifest("MIT AND CC-BY-NC-4.0", asset)) == {
        "LicenseRef-Own": "https://huggingface.co/some/model",
        "CC-BY-NC-4.0": "https://spdx.org/licenses/CC-BY-NC-4.0.html",
    }
    assert restricted(manifest("LicenseRef-Own", url="https://example.org")) == {
        "LicenseRef-Own": "https://example.org"
    }
    assert restricted(manifest("MIT", Asset("some/model", "x.bin", license="CC0-1.0"))) == {}


def test_it_is_told_once_and_kept(tmp_path: Path) -> None:
    engine = manifest("MIT AND CC-BY-NC-4.0")
    path = tmp_path / "data" / "licenses.json"
    [notice] = Notices(path).due(engine)
    assert notice == (
        "Horn (horn) comes under CC-BY-NC-4.0, which does not allow every use: "
        "read https://spdx.org/licenses/CC-BY-NC-4.0.html"
    )
    assert Notices(path).due(engine) == ()
    asset = Asset("some/model", "x.bin", license="LicenseRef-Later")
    assert len(Notices(path).due(engine, [asset])) == 1, "a voice under another licence is news"
    assert Notices(path).due(engine, [asset]) == ()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"horn": 5}'])
def test_what_was_kept_and_cannot_be_read_is_told_again(tmp_path: Path, content: str) -> None:
    path = tmp_path / "licenses.json"
    path.write_text(content)
    engine = manifest("CC-BY-NC-4.0")
    assert len(Notices(path).due(engine)) == 1
    assert Notices(path).due(engine) == ()


def test_a_folder_that_takes_nothing_does_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    notices = Notices(tmp_path / "file" / "licenses.json")
    assert len(notices.due(manifest("CC-BY-NC-4.0"))) == 1
    assert len(notices.due(manifest("CC-BY-NC-4.0"))) == 1
