"""A user's first voice: pulled by name, heard by a running server without a restart, named where it is lacking."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from meadowlark.testing.hub import File, Hub, serve

from .houses import Place, at_hub

doubles = pytest.importorskip("meadowlark_piper.doubles", reason="the Piper engine is not installed")

NAME = "en_US-lessac-medium"
REPOSITORY = "rhasspy/piper-voices"
LIST = f"{REPOSITORY}/voices.json"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the hub holds: a voice of a few kilobytes and the list that names it."""
    folder = tmp_path_factory.mktemp("voice")
    model = doubles.write_voice(folder, NAME)
    place = "en/en_US/lessac/medium"
    contents = {
        f"{place}/{NAME}.onnx": model.read_bytes(),
        f"{place}/{NAME}.onnx.json": model.with_name(f"{NAME}.onnx.json").read_bytes(),
        f"{place}/MODEL_CARD": b"Licence: public domain",
    }
    entry = {
        "key": NAME,
        "language": {"code": "en_US"},
        "num_speakers": 1,
        "files": {
            path: {"size_bytes": len(data), "md5_digest": hashlib.md5(data, usedforsecurity=False).hexdigest()}
            for path, data in contents.items()
        },
    }
    contents["voices.json"] = json.dumps({NAME: entry}).encode()
    return {f"{REPOSITORY}/{path}": data for path, data in contents.items()}


@pytest.fixture
def hub(files: dict[str, bytes]) -> Iterator[Hub]:
    with serve({path: File(data) for path, data in files.items()}) as hub:
        yield hub


@pytest.fixture
def place(hub: Hub, tmp_path: Path) -> Place:
    return Place(tmp_path, at_hub(hub, tmp_path))


@dataclass(frozen=True)
class Pulled:
    """A machine on which `meadowlark pull` has been run once: each command takes a second or two to start."""

    place: Place
    done: subprocess.CompletedProcess[str]

    def copy_to(self, place: Place) -> None:
        """Have what was pulled there too."""
        shutil.copytree(self.place.data, place.data)


def pull_once(files: dict[str, bytes], folder: Path, name: str) -> Pulled:
    with serve({path: File(data) for path, data in files.items()}) as hub:
        place = Place(folder, at_hub(hub, folder))
        done = place.run("pull", name)
    assert done.returncode == 0, done.stderr
    return Pulled(place, done)


@pytest.fixture(scope="module")
def voice(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Pulled:
    return pull_once(files, tmp_path_factory.mktemp("pulled"), f"piper/{NAME}")


@pytest.fixture(scope="module")
def voice_list(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Pulled:
    return pull_once(files, tmp_path_factory.mktemp("listed"), "piper")


def test_pull_by_name_on_a_fresh_machine(voice: Pulled) -> None:
    """The list is fetched first; then the voice is known, downloaded and checked."""
    models = voice.place.data / "models" / "piper"
    assert "piper: 1 file, " in voice.done.stdout
    assert f" in {models}\n" in voice.done.stdout
    assert f"piper/{NAME}: 4 files" in voice.done.stdout
    assert (models / f"{NAME}.onnx").is_file()


def test_a_pulled_voice_speaks(place: Place, voice: Pulled) -> None:
    voice.copy_to(place)
    spoken = place.run("say", "Hello there.", "--voice", f"piper/{NAME}", "-o", "x.wav")
    assert f"piper/{NAME}: " in spoken.stderr
    assert "did not speak" not in spoken.stderr


def test_pull_of_an_engine_without_a_voice_fetches_its_list_and_says_what_can_be_had(
    place: Place, voice_list: Pulled
) -> None:
    told = voice_list.done.stdout
    assert "piper has 1 voice to choose from now: `meadowlark voices --engine piper` lists them" in told
    assert f"`meadowlark pull piper/{NAME}` downloads one" in told
    voice_list.copy_to(place)
    listed = place.run("voices", "--engine", "piper").stdout
    assert f"piper/{NAME}" in listed
    assert "is not downloaded (" in listed
    assert "meadowlark pull ENGINE/VOICE" in listed


@pytest.mark.parametrize("folder", ["voices-elsewhere", "meadowlark/voices"])
def test_a_running_server_has_what_is_pulled_wherever_the_voices_folder_is(place: Place, folder: str) -> None:
    place.environment["MEADOWLARK_VOICE_DIR"] = str(place.folder / folder)
    with place.serve("--voice", "espeak/en-us") as server:
        assert f"piper/{NAME}" not in server.voices()
        assert place.run("pull", f"piper/{NAME}").returncode == 0
        server.wait_for_voice(f"piper/{NAME}")


def test_a_server_fetches_the_list_and_the_voice_that_the_settings_name(place: Place) -> None:
    """Nothing is there: espeak speaks; then the voice is there without anybody doing anything."""
    with place.serve("--voice", NAME) as server:
        server.wait_for_voice(f"piper/{NAME}")
        log = server.stop()
    assert f"'{NAME}' is not known yet: fetching the list of piper's voices" in log
    assert "Traceback" not in log


def test_a_voice_that_the_fetched_list_does_not_have_is_said(place: Place) -> None:
    with place.serve("--voice", "en_US-lessac-low") as server:
        log = server.wait_for("Requests that name no voice will fail")
    assert f"Did you mean piper/{NAME}?" in log
    assert "It is the voice of the settings" in log


def test_a_fallback_of_a_list_that_is_not_there_is_no_error(place: Place) -> None:
    place.environment["MEADOWLARK_FALLBACKS"] = f"{{en: piper/{NAME}}}"
    with place.serve("--voice", "espeak/en-us") as server:
        server.wait_for_voice(f"piper/{NAME}")
        assert "ERROR" not in server.stop()


def test_at_a_terminal_say_downloads_first(place: Place) -> None:
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "meadowlark", "say", "Hello.", "--voice", NAME, "-o", "x.wav"]
    with subprocess.Popen(command, cwd=place.folder, env=place.environ, stderr=terminal) as process:
        os.close(terminal)
        said = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while block := os.read(main, 4096):
                said += block
        os.close(main)
        assert process.wait(50) == 0
    shown = said.decode()
    assert f"piper/{NAME} is not downloaded (9 kB), licence GPL-3.0-or-later" in shown
    assert "Ctrl-C stops that, --no-download goes without" in shown
    assert f"piper/{NAME}: 0." in shown


def test_a_list_that_does_not_come_is_said(place: Place, hub: Hub) -> None:
    del hub.files[LIST]
    done = place.run("pull", "piper")
    assert done.returncode == 1
    assert "piper could not be downloaded: voices.json: rhasspy/piper-voices has no voices.json" in done.stderr
    assert "needs no files" not in done.stdout + done.stderr


def test_a_voice_comes_without_its_card(place: Place, hub: Hub) -> None:
    del hub.files[f"{REPOSITORY}/en/en_US/lessac/medium/MODEL_CARD"]
    done = place.run("pull", f"piper/{NAME}")
    assert done.returncode == 0
    assert f"(without {NAME}.MODEL_CARD: rhasspy/piper-voices has no" in done.stdout


def test_a_voice_that_the_list_does_not_have(place: Place) -> None:
    done = place.run("pull", "piper/en_US-lessac-low")
    assert done.returncode == 1
    assert f"No voice 'piper/en_US-lessac-low' is installed. Did you mean piper/{NAME}?" in done.stderr


def test_say_names_who_spoke_and_the_command_that_helps(place: Place, hub: Hub, voice_list: Pulled) -> None:
    voice_list.copy_to(place)
    done = place.run("say", "Hello.", "--voice", f"piper/{NAME}", "-o", "x.wav")
    assert done.stderr.startswith("espeak/en")
    assert f"piper/{NAME} did not speak: it is not downloaded (" in done.stderr
    assert f"Get it: meadowlark pull piper/{NAME}" in done.stderr
    assert not hub.authorizations, "without a terminal nothing is downloaded"


def test_say_downloads_when_told_to(place: Place, voice_list: Pulled) -> None:
    voice_list.copy_to(place)
    done = place.run("say", "Hello.", "--voice", f"piper/{NAME}", "-o", "x.wav", "--download")
    assert f"piper/{NAME} is not downloaded (" in done.stderr
    assert "licence GPL-3.0-or-later" in done.stderr
    assert f"piper/{NAME}: 0." in done.stderr
    assert "did not speak" not in done.stderr


def test_say_names_the_list_that_is_not_there(place: Place) -> None:
    done = place.run("say", "Hello.", "--voice", f"piper/{NAME}", "-o", "x.wav")
    assert f"`meadowlark pull piper/{NAME}` looks there" in done.stderr


def test_say_with_download_finds_a_voice_of_a_list_that_is_not_there(place: Place) -> None:
    done = place.run("say", "Hello.", "--voice", NAME, "-o", "x.wav", "--download")
    assert done.returncode == 0, done.stderr
    assert f"\npiper/{NAME}: 0." in done.stderr


PORT = "tcp://127.0.0.1:1"


def test_doctor_and_plugins_tell_how_to_get_the_first_voice(place: Place) -> None:
    first = place.run("doctor", "--uri", PORT).stdout
    assert "the default voice espeak/en-us: first audio" in first
    assert "piper has no voice yet" in first
    assert "`meadowlark pull piper` fetches the list" in first
    assert "piper has no voice yet: `meadowlark pull piper`" in place.run("plugins").stdout


def test_doctor_tries_what_is_there_and_leaves_the_ledger(place: Place, voice: Pulled) -> None:
    voice.copy_to(place)
    ledger = place.data / "ledger.json"
    ledger.write_text('{"version": 1, "engines": {}}')
    second = place.run("doctor", "--uri", PORT).stdout
    assert f"piper/{NAME}: first audio after" in second
    assert ledger.read_text() == '{"version": 1, "engines": {}}', "only read"


def test_wrong_engine_options_are_one_line(place: Place, voice: Pulled) -> None:
    voice.copy_to(place)
    place.environment["MEADOWLARK_ENGINES"] = "{piper: {length_scale: 99}, espeak: {rat: 100}}"
    place.environment["MEADOWLARK_ALWAYS_SPEAK"] = "false"
    done = place.run("say", "Hello.", "--voice", f"piper/{NAME}", "-o", "x.wav")
    assert done.returncode == 1
    assert "Options of espeak: espeak has no option 'rat'" in done.stderr
    assert "Options of piper: piper option length_scale = 99: use a number from 0.25 to 4." in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("length_scale = 99") <= 4  # a load that fails before the sentence comes is tried once more


def test_a_server_tells_of_wrong_engine_options_at_start(place: Place, voice: Pulled) -> None:
    voice.copy_to(place)
    place.environment["MEADOWLARK_ENGINES"] = "{piper: {length_scale: 99}}"
    with place.serve("--voice", "espeak/en-us") as server:
        assert "Options of piper: piper option length_scale = 99" in server.wait_for("Ready with")
