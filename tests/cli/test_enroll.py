"""A voice of one's own, from the command line to a running server's list: real processes."""

from __future__ import annotations

import json
import math
import struct
import wave
from pathlib import Path

import pytest

from .houses import Place

PLUGIN = """
from dataclasses import replace
from meadowlark.api import Voice, hookimpl
from meadowlark.kit.references import find
from meadowlark.testing.engines import tone_manifest

@hookimpl
def register_engines(register):
    register(replace(tone_manifest("parrot", voices=(Voice("polly", ("en",)),)), cloning=True))

@hookimpl
def register_voices(register, voice_dir):
    for each in find(voice_dir / "references").usable:
        register("parrot", Voice(each.name, (each.language or "en",), options={"hertz": 300}))
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    package, metadata = tmp_path / "plugins" / "test_parrot", tmp_path / "plugins" / "test_parrot-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: test-parrot\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[meadowlark]\nparrot = test_parrot\n")
    return Place(tmp_path, {"PYTHONPATH": str(tmp_path / "plugins"), "MEADOWLARK_DISABLED_PLUGINS": "[fish_speech]"})


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "anna.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, 16_000, 0, "NONE", ""))
        wav.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(0.1 * at))) for at in range(3 * 16_000)))
    return path


def test_a_running_server_offers_it_at_once_and_forgets_it(place: Place, recording: Path) -> None:
    with place.serve("--voice", "espeak/en-us", look_seconds=1000) as server:
        done = place.run("enroll", str(recording), "--text", "Good morning.", "--consent", "by herself")
        assert done.returncode == 0, done.stderr
        assert 'It is used by parrot: meadowlark say "Hello." --voice parrot/anna' in done.stdout
        assert "parrot/anna" in server.voices()
        assert (place.data / "voices" / "references" / "anna.wav").read_bytes() == recording.read_bytes()
        [listed] = json.loads(place.run("voices", "--own", "--json").stdout)
        assert (listed["name"], listed["used_by"], listed["consent"]) == ("anna", ["parrot"], "by herself")
        assert place.run("voices", "--remove", "anna").stdout == "anna is removed, 3 files.\n"
        assert "parrot/anna" not in server.voices()
        assert "Traceback" not in server.stop()


def test_without_a_server_it_works_too(place: Place, recording: Path) -> None:
    recording.with_suffix(".txt").write_text("Good morning.")
    done = place.run("enroll", str(recording), "--name", "emma")
    assert done.returncode == 0, done.stderr
    assert "emma is enrolled" in done.stdout
    assert "No consent is noted" in done.stdout
    assert "parrot" in place.run("voices", "--own").stdout
    assert place.run("voices", "--remove", "emma").returncode == 0
    assert "`meadowlark enroll FILE` adds one" in place.run("voices", "--own").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none.wav", "--text", "a"), "There is no recording none.wav"),
        (("anna.wav",), 'Give what is said in anna.wav: --text "…"'),
        (("anna.wav", "--name", "../x", "--text", "a"), "The name '../x' cannot be used"),
        (("anna.wav", "--name", "polly", "--text", "a"), "parrot has a voice 'polly' of its own"),
    ],
)
def test_what_is_wrong_is_one_line(place: Place, recording: Path, arguments: tuple[str, ...], says: str) -> None:
    done = place.run("enroll", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("meadowlark: ")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
