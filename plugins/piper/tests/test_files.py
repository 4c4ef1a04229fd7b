"""Which voices are found, under which names, and what is said of those that cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import meadowlark_piper
from meadowlark.api import Voice
from meadowlark.catalog import Catalog, VoiceRequest
from meadowlark.manifest import problems, voice_problems
from meadowlark.plugins import Registry
from meadowlark_piper.config import parse
from meadowlark_piper.doubles import description, write_voice
from meadowlark_piper.errors import VoiceFileError
from meadowlark_piper.files import find
from meadowlark_piper.voices import MANY_SPEAKERS, voices_of


def found(folder: Path) -> tuple[dict[str, Voice], list[str]]:
    complaints: list[str] = []
    voices = {voice.id: voice for each in find((folder,), complaints.append) for voice in voices_of(each)}
    return voices, complaints


def catalog(voices: dict[str, Voice]) -> Catalog:
    manifest = meadowlark_piper.manifest()
    return Catalog(Registry((replace(manifest, voices=tuple(voices.values())),)))


def test_the_manifest_is_valid(voices: dict[str, Voice]) -> None:
    assert not list(problems(meadowlark_piper.manifest()))
    assert not [wrong for voice in voices.values() for wrong in voice_problems(voice)]


def test_names_of_wyoming_piper_are_understood(voices: dict[str, Voice]) -> None:
    house = catalog(voices)
    for asked in ("en_US-double-medium", "piper/en_US-double-medium", "en-us-double-medium"):
        assert house.resolve(VoiceRequest(asked)).voice.id == "en_US-double-medium"
    choice = house.resolve(VoiceRequest("de_DE-thorsten_emotional-medium", speaker="angry"))
    assert (choice.voice.id, choice.speaker) == ("de_DE-thorsten_emotional-medium", "angry")
    assert (
        house.resolve(VoiceRequest("piper/de_DE-thorsten_emotional-medium+angry")).voice.options["speaker"] == "angry"
    )
    assert house.resolve(VoiceRequest(language="de")).voice.id == "de_DE-thorsten_emotional-medium"


def test_names_and_tags(voices: dict[str, Voice]) -> None:
    emotional = voices["de_DE-thorsten_emotional-medium"]
    assert (emotional.name, emotional.languages) == ("thorsten_emotional (medium)", ("de-DE",))
    assert voices["de_DE-thorsten_emotional-medium+angry"].name == "thorsten_emotional (medium), angry"
    assert emotional.advertised


@pytest.mark.parametrize(
    ("name", "code", "espeak", "tag"),
    [
        ("en_US-lessac-medium", "", "en-us", "en-US"),
        ("es_419-x-low", "", "es-419", "es-419"),
        ("mine", "pt_PT", "pt", "pt-PT"),
        ("mine", "", "gmw/en-us", "en-US"),
        ("mine", "", "cs", "cs"),
        ("Großmutter", "", "en-gb-x-rp", "en"),
    ],
)
def test_languages(tmp_path: Path, name: str, code: str, espeak: str, tag: str) -> None:
    write_voice(tmp_path, name, espeak=espeak, language={"code": code})
    (voice,) = found(tmp_path)[0].values()
    assert voice.languages == (tag,)


def test_a_voice_with_hundreds_of_speakers_is_listed_once(tmp_path: Path) -> None:
    write_voice(tmp_path, "en_US-libritts_r-medium", speakers=[f"p{number}" for number in range(904)])
    voices, _ = found(tmp_path)
    assert len(voices) == 905 > MANY_SPEAKERS
    assert [each.id for each in voices.values() if each.advertised] == ["en_US-libritts_r-medium"]
    assert catalog(voices).resolve(VoiceRequest("en_US-libritts_r-medium+p903")).voice.options["speaker"] == "p903"


def test_the_first_of_two_voices_of_one_name_counts(tmp_path: Path) -> None:
    write_voice(tmp_path, "en_US-double-medium")
    write_voice(tmp_path / "piper", "en_US-double-medium")
    (voice,) = found(tmp_path)[0].values()
    assert voice.options["model"] == str(tmp_path / "en_US-double-medium.onnx")


def test_a_folder_that_is_not_there_has_no_voices(tmp_path: Path) -> None:
    assert found(tmp_path / "nowhere") == ({}, [])


@pytest.mark.parametrize("kind", ["pinyin", "hebrew", "japanese", "thai", "PhonemeType.PINYIN", "klingon"])
def test_what_cannot_be_spoken_is_named_with_the_reason(tmp_path: Path, kind: str) -> None:
    write_voice(tmp_path, "zh_CN-chaowen-medium", phoneme_type=kind)
    write_voice(tmp_path, "en_US-double-medium")
    voices, (complaint,) = found(tmp_path)
    assert list(voices) == ["en_US-double-medium"]
    assert "zh_CN-chaowen-medium cannot be spoken: phoneme type" in complaint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phoneme_id_map": None}, "does not describe a Piper voice"),
        ({"audio": {}}, "it has no 'audio.sample_rate'"),
        ({"audio": {"sample_rate": 3}}, "audio.sample_rate is 3, expected 8000 to 48000"),
        ({"espeak": {}}, "it has no 'espeak.voice'"),
        ({"inference": {"length_scale": "fast"}}, "could not convert string to float: 'fast'"),
        ({"inference": {"noise_w": float("nan")}}, "inference.noise_w is nan"),
    ],
)
def test_a_wrong_description_is_named_with_what_is_wrong(tmp_path: Path, change: dict[str, object], said: str) -> None:
    write_voice(tmp_path, **change)
    voices, (complaint,) = found(tmp_path)
    assert not voices
    assert "en_US-double-medium.onnx.json" in complaint
    assert said in complaint


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = Path(f"{write_voice(tmp_path)}.json")
    content = json.loads(path.read_text())
    del content["phoneme_id_map"]
    path.write_text(json.dumps(content))
    assert "it has no 'phoneme_id_map'" in found(tmp_path)[1][0]


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "\xff"])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, content: str) -> None:
    Path(f"{write_voice(tmp_path)}.json").write_bytes(content.encode("latin-1"))
    assert "en_US-double-medium.onnx.json" in found(tmp_path)[1][0]


def test_a_description_without_its_model_is_named(tmp_path: Path) -> None:
    write_voice(tmp_path).unlink()
    assert "en_US-double-medium.onnx is not beside it" in found(tmp_path)[1][0]


def test_wrong_files_are_told_and_the_others_registered(tmp_path: Path) -> None:
    write_voice(tmp_path, "en_US-double-medium")
    write_voice(tmp_path, "de_DE-broken-low", audio={})
    registered: list[tuple[str, str]] = []
    with pytest.raises(VoiceFileError, match=r"de_DE-broken-low\.onnx\.json"):
        meadowlark_piper.register_voices(
            lambda engine, voice: registered.append((engine, voice.id)), tmp_path, tmp_path / "models", {}
        )
    assert ("piper", "en_US-double-medium") in registered


def test_old_and_new_ways_of_writing_a_description() -> None:
    content = description()
    content["phoneme_id_map"] = {"a": 5, "b": [6, 7]}
    content["default_speaker_id"] = 3
    config = parse(content)
    assert config.phoneme_ids == {"a": (5,), "b": (6, 7)}
    assert config.default_speaker == 3
    assert parse(description() | {"num_speakers": 2}).speakers == {"0": 0, "1": 1}


def test_importing_and_finding_is_light(voice_dir: Path) -> None:
    """A voice is found by its JSON: neither numpy nor ONNX is loaded for it."""
    code = (
        "import sys; from pathlib import Path; import meadowlark_piper;"
        f"meadowlark_piper.register_voices(lambda *_: None, Path({str(voice_dir)!r}), Path('none'), {{}});"
        "heavy = {'numpy', 'onnx', 'onnxruntime', 'soxr', 'ctypes', 'meadowlark_piper.pipeline'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
