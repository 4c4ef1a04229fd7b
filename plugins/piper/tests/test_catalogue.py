"""The official catalogue: its file's form, what becomes of an entry, what is said of one that is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import meadowlark_piper
from meadowlark.api import Voice
from meadowlark.manifest import asset_problems, voice_problems
from meadowlark.models.shelves import Shelves
from meadowlark_piper.catalogue import ASSET
from meadowlark_piper.doubles import write_voice
from meadowlark_piper.errors import VoiceFileError

MD5 = "0123456789abcdef0123456789abcdef"


def entry(key: str = "en_US-lessac-medium", speakers: int = 1, size: int = 63_201_294) -> dict[str, Any]:
    """As voices.json has it."""
    code, name, quality = key.split("-")
    folder = f"{code[:2]}/{code}/{name}/{quality}"
    return {
        "key": key,
        "name": name,
        "language": {"code": code, "family": code[:2], "region": code[3:], "name_english": "English"},
        "quality": quality,
        "num_speakers": speakers,
        "speaker_id_map": {f"s{number}": number for number in range(speakers)} if speakers > 1 else {},
        "files": {
            f"{folder}/{key}.onnx": {"size_bytes": size, "md5_digest": MD5},
            f"{folder}/{key}.onnx.json": {"size_bytes": 4885, "md5_digest": MD5},
            f"{folder}/MODEL_CARD": {"size_bytes": 345, "md5_digest": MD5},
        },
        "aliases": [],
    }


def register(voice_dir: Path, take: Callable[[str, Voice], object]) -> None:
    """As the server does: the list of voices comes from wherever the model store sees it."""
    shelves = Shelves(voice_dir, voice_dir.parent / "models", shared=())
    path = shelves.find("piper", ASSET)
    files = {"piper": {ASSET.key: str(path)} if path else {}}
    meadowlark_piper.register_voices(take, voice_dir, shelves.models, files)


def registered(voice_dir: Path) -> dict[str, Voice]:
    voices: dict[str, Voice] = {}
    register(voice_dir, lambda _, voice: voices.setdefault(voice.id, voice))
    return voices


def write(folder: Path, *entries: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "voices.json").write_text(json.dumps({each["key"]: each for each in entries}))


@pytest.mark.parametrize("place", ["voices/piper", "models/piper"])
def test_voices_of_the_catalogue_name_their_files(tmp_path: Path, place: str) -> None:
    write(tmp_path / place, entry(), entry("pt_PT-tugão-medium"))
    voices = registered(tmp_path / "voices")
    assert list(voices) == ["en_US-lessac-medium", "pt_PT-tugão-medium"]
    voice = voices["en_US-lessac-medium"]
    assert (voice.languages, voice.name) == (("en-US",), "lessac (medium)")
    model, description, card = voice.assets
    assert (model.repository, model.path) == (
        "rhasspy/piper-voices",
        "en/en_US/lessac/medium/en_US-lessac-medium.onnx",
    )
    assert (model.key, model.bytes, model.md5) == ("en_US-lessac-medium.onnx", 63_201_294, MD5)
    assert description.key == "en_US-lessac-medium.onnx.json"
    assert card.optional
    assert voice.options == {"model": model.key}
    assert not [wrong for each in voices.values() for wrong in voice_problems(each)]
    assert not [wrong for each in voice.assets for wrong in asset_problems(each)]


def test_speakers_of_the_catalogue_are_voices_too(tmp_path: Path) -> None:
    write(tmp_path / "models/piper", entry("de_DE-thorsten_emotional-medium", speakers=8))
    voices = registered(tmp_path / "voices")
    assert len(voices) == 9
    assert voices["de_DE-thorsten_emotional-medium+s3"].options["speaker"] == "s3"
    assert voices["de_DE-thorsten_emotional-medium+s3"].assets == voices["de_DE-thorsten_emotional-medium"].assets


def test_a_voice_that_is_there_needs_nothing(tmp_path: Path) -> None:
    write(tmp_path / "models/piper", entry())
    path = write_voice(tmp_path / "voices", "en_US-lessac-medium")
    voice = registered(tmp_path / "voices")["en_US-lessac-medium"]
    assert not voice.assets
    assert voice.options["model"] == str(path)


def test_a_downloaded_voice_that_the_catalogue_has_no_more_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "models/piper", entry())
    write_voice(tmp_path / "models/piper", "en_US-gone-low")
    assert list(registered(tmp_path / "voices")) == ["en_US-lessac-medium", "en_US-gone-low"]


def test_broken_entries_are_counted_and_the_others_registered(tmp_path: Path) -> None:
    broken = entry("en_US-broken-low")
    del broken["files"]
    write(tmp_path / "models/piper", broken, entry())
    voices: list[str] = []
    with pytest.raises(VoiceFileError, match="1 entries cannot be read, the first is 'en_US-broken-low'"):
        register(tmp_path / "voices", lambda _, voice: voices.append(voice.id))
    assert voices == ["en_US-lessac-medium"]


@pytest.mark.parametrize("content", ["", "[]", "<html>"])
def test_a_file_that_is_no_catalogue_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "models/piper").mkdir(parents=True)
    (tmp_path / "models/piper/voices.json").write_text(content)
    with pytest.raises(VoiceFileError, match="is no catalogue of Piper voices"):
        registered(tmp_path / "voices")
