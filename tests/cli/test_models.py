"""`meadowlark pull`, `models` and `remove`, with a plugin that names files on a hub of loopback."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from meadowlark.cli.models import models, pull, remove
from meadowlark.errors import DownloadError, VoiceError
from meadowlark.settings import Settings
from meadowlark.testing.hub import File, Hub, serve

MODEL = os.urandom(400_000)
VOICE = os.urandom(50_000)

PLUGIN = """
from meadowlark.api import Asset, EngineManifest, Voice, hookimpl

@hookimpl
def register_engines(register):
    register(EngineManifest(
        id="horn", title="Horn", license="MIT", pipeline="nowhere:Nothing", sample_rate=16000,
        assets=(Asset("meadow/lark", "model.onnx", bytes={size}, license="CC-BY-4.0"),),
        voices=(
            Voice("anna", ("de-DE",), assets=(Asset("meadow/lark", "voices/anna.bin"),)),
            Voice("emma", ("en-US",), assets=(Asset("meadow/lark", "voices/emma.bin"),)),
        ),
    ))
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for each in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
        monkeypatch.delenv(each)
    files = {
        "meadow/lark/model.onnx": File(MODEL),
        "meadow/lark/voices/anna.bin": File(VOICE),
        "meadow/lark/voices/emma.bin": File(VOICE),
    }
    with serve(files) as hub:
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def settings(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    package, metadata = tmp_path / "plugins" / "test_horn", tmp_path / "plugins" / "test_horn-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text(PLUGIN.format(size=len(MODEL)))
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: test-horn\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[meadowlark]\nhorn = test_horn\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugins"))
    return Settings(data_dir=tmp_path / "data", voice="horn/emma")


def test_pull_fetches_the_engines_files_and_the_voices(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    pull(settings, ["horn/anna"])
    folder = settings.data_dir / "models" / "horn"
    assert (folder / "model.onnx").read_bytes() == MODEL
    assert (folder / "voices" / "anna.bin").read_bytes() == VOICE
    assert not (folder / "voices" / "emma.bin").exists()
    assert f"horn/anna: 2 files, 0.5 MB, in {folder}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "everything", "voices"),
    [([], False, {"emma.bin"}), (["horn"], False, {"emma.bin"}), (["HORN/Anna"], False, {"anna.bin"}),
     (["horn"], True, {"anna.bin", "emma.bin"})],
)  # fmt: skip
def test_what_pull_takes_the_names_for(
    settings: Settings, names: list[str], everything: bool, voices: set[str]
) -> None:
    pull(settings, names, everything)
    assert {each.name for each in (settings.data_dir / "models" / "horn" / "voices").iterdir()} == voices


def test_pull_of_what_needs_nothing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    pull(settings, ["espeak/de"])
    assert "espeak/de needs no files." in capsys.readouterr().out


def test_pull_of_what_does_not_exist(settings: Settings) -> None:
    with pytest.raises(VoiceError, match="Did you mean horn/anna"):
        pull(settings, ["horn/anne"])


def test_pull_tries_all_before_it_fails(settings: Settings, hub: Hub) -> None:
    del hub.files["meadow/lark/voices/anna.bin"]
    with pytest.raises(DownloadError, match=r"horn/anna could not be downloaded: meadow/lark has no voices/anna\.bin"):
        pull(settings, ["horn"], everything=True)
    assert (settings.data_dir / "models" / "horn" / "voices" / "emma.bin").exists()


def test_models_shows_sizes_licences_users_and_places(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    pull(settings, ["horn/anna"])
    capsys.readouterr()
    models(settings)
    lines = capsys.readouterr().out.splitlines()
    folder = settings.data_dir / "models" / "horn"
    assert [line.split() for line in lines[1:3]] == [
        ["horn/model.onnx", "0.4", "MB", "CC-BY-4.0", "every", "voice", str(folder / "model.onnx")],
        ["horn/voices/anna.bin", "50", "kB", "MIT", "anna", str(folder / "voices" / "anna.bin")],
    ]
    assert lines[-1].startswith("2 files, 0.5 MB; 0.5 MB of them in the store's own folder")
    models(settings, "horn", everything=True)
    assert "- (meadow/lark@main)" in capsys.readouterr().out
    models(settings, as_json=True)
    assert [each["file"] for each in json.loads(capsys.readouterr().out)] == ["model.onnx", "voices/anna.bin"]


def test_remove_of_what_was_never_there_is_a_slip(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(VoiceError, match=r"No engine 'nope' is installed. Installed: .*horn"):
        remove(settings, ["nope"])
    left = settings.data_dir / "models" / "gone" / "model.bin"
    left.parent.mkdir(parents=True)
    left.write_bytes(bytes(2_000_000))
    remove(settings, ["gone"])  # its plugin is not installed any more
    assert not left.exists()
    assert "gone: 2.0 MB freed" in capsys.readouterr().out


def test_remove_deletes_a_voice_then_the_engine(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    pull(settings, ["horn/anna"])
    folder = settings.data_dir / "models" / "horn"
    remove(settings, ["horn/anna"])
    assert [each.name for each in folder.rglob("*") if each.is_file() and ".meadowlark" not in each.parts] == [
        "model.onnx"
    ]
    remove(settings, ["horn"])
    assert not folder.exists()
    remove(settings, ["horn"])
    out = capsys.readouterr().out
    assert "horn/anna: 50 kB freed" in out
    assert "horn: 0.4 MB freed" in out
    assert f"horn: nothing of it is in {folder}" in out


@pytest.mark.parametrize("name", ["..", "../models", "", "/"])
def test_remove_stays_in_its_folder(settings: Settings, name: str) -> None:
    kept = settings.data_dir / "ledger.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    with pytest.raises(VoiceError):
        remove(settings, [name])
    assert kept.exists()
