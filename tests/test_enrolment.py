"""Reference voices that a user gives: checked by a real process, kept whole or not at all, removed without a trace."""

from __future__ import annotations

import asyncio
import json
import math
import os
import struct
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from meadowlark.api import EngineManifest, Voice
from meadowlark.enrolment import ASSUMED_SECONDS, LONGEST_WAIT, Enrolment, Wish
from meadowlark.errors import MeadowlarkError, RefusedError, RequestError, VoiceError
from meadowlark.kit.references import find, trace
from meadowlark.plugins import Registry
from meadowlark.recordings import LARGEST_BYTES
from meadowlark.testing.engines import tone_manifest

RATE = 8000
WISH = Wish("anna", " Good\n morning. ", "en-GB", "herself", "in writing")


def write(path: Path, seconds: float = 3.0, level: float = 0.3, width: int = 2) -> Path:
    """A tone with silence around it, as WAV."""
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(width)
        wav.setframerate(RATE)
        count, most = int(seconds * RATE), 2 ** (8 * width - 1) - 1
        values = (max(-1.0, min(1.0, level * math.sin(0.2 * number))) for number in range(count))
        data = b"".join(struct.pack("<i", int(value * most))[:width] for value in values)
        quiet = b"\0" * (width * RATE // 2)
        wav.writeframes(quiet + data + quiet)
    return path


def engine(*voices: str, id: str = "parrot", cloning: bool = True) -> EngineManifest:  # noqa: A002
    return replace(tone_manifest(id, voices=tuple(Voice(each, ("en",)) for each in voices)), cloning=cloning)


REGISTRY = Registry((engine("polly"), engine("anna", id="deaf", cloning=False)))


@pytest.fixture
def enrolment(tmp_path: Path) -> Enrolment:
    return Enrolment(tmp_path / "voices", tmp_path / "data")


def content(enrolment: Enrolment) -> list[str]:
    return sorted(each.name for each in enrolment.folder.iterdir() if each.name != ".lock")


@pytest.mark.parametrize("width", [2, 3, 4])
async def test_a_voice_is_kept_with_its_notes(enrolment: Enrolment, tmp_path: Path, width: int) -> None:
    recording = write(tmp_path / "take 3.dat", width=width)
    assert await enrolment.add(WISH, recording, REGISTRY) == "anna"
    assert content(enrolment) == ["anna.json", "anna.txt", "anna.wav"]
    assert (enrolment.folder / "anna.wav").read_bytes() == recording.read_bytes()
    [found] = find(enrolment.folder).usable
    assert (found.name, found.text, found.language) == ("anna", "Good morning.", "en-GB")
    assert (found.origin, found.consent) == ("herself", "in writing")
    notes = json.loads((enrolment.folder / "anna.json").read_text())
    assert 3.0 <= notes["seconds"] <= 3.3
    [listed] = enrolment.voices(Registry((engine("polly", "anna"), engine("anna", id="deaf", cloning=False))))
    assert (listed.name, listed.used_by, listed.problem) == ("anna", ("parrot",), "")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: write(path, seconds=1.0), r"anna\.wav has 1\.\d s of speech, 2 s at least"),
        (lambda path: write(path, seconds=61), "lasts 62 s, 60 s at most"),
        (lambda path: write(path, level=0.001), "is silent"),
        (lambda path: write(path, level=5), "is clipped: record it again"),
        (lambda path: path.write_bytes(b""), "no WAV, FLAC, MP3 or Ogg"),
        (lambda path: path.write_bytes(b"#!/bin/sh\nexit 1\n"), "no WAV, FLAC, MP3 or Ogg"),
        (lambda path: path.write_bytes(b"RIFF\0\0\0\0WAVE" + os.urandom(1000)), "cannot be read as audio"),
        (lambda path: path.write_bytes(b"fLaC" + os.urandom(1000)), "cannot be read as audio"),
        (lambda path: path.write_bytes(b"ID3" + os.urandom(1000)), "cannot be read as audio"),
        (lambda path: path.mkdir(), "cannot be read"),
        (os.mkfifo, "is no file"),
        (lambda path: path.symlink_to("/dev/zero"), "is no file"),
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.touch() or os.truncate(path, LARGEST_BYTES + 1), "has 34 MB, 34 at most"),
    ],
)
async def test_what_is_no_voice_is_refused_with_the_reason(enrolment: Enrolment, tmp_path: Path, make, reason) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(RequestError, match=reason):
        await enrolment.add(WISH, path, REGISTRY)
    assert content(enrolment) == []


HOSTILE = [
    "", "../anna", "/etc/passwd", "a/b", "..", ".hidden", "-rf", "a b", "a\nb", "a\0b", "anna.wav", "x" * 65, "a+b",
    "a\\b", "\u202eanna", "\U0001f600",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_that_are_more_than_names_are_refused(enrolment: Enrolment, tmp_path: Path, name: str) -> None:
    recording = write(tmp_path / "x.wav")
    with pytest.raises(RequestError, match="The name"):
        await enrolment.add(replace(WISH, name=name), recording, REGISTRY)
    with pytest.raises(VoiceError, match="There is no reference voice"):
        enrolment.remove(name)
    assert list(tmp_path.glob("*")) == [recording]  # noqa: ASYNC240


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": " \n"}, "The text"),
        ({"text": "?!"}, "The text"),
        ({"text": "a" * 2001}, "The text"),
        ({"text": "a\0b"}, "The text"),
        ({"text": "Gr\ufffdn"}, "UTF-8"),
        ({"language": "english please"}, "no BCP 47 tag"),
        ({"consent": "a" * 501}, "consent"),
    ],
)
async def test_notes_are_checked(enrolment: Enrolment, tmp_path: Path, change, reason) -> None:
    with pytest.raises(RequestError, match=reason):
        await enrolment.add(replace(WISH, **change), tmp_path / "x.wav", REGISTRY)


async def test_names_in_other_scripts(enrolment: Enrolment, tmp_path: Path) -> None:
    assert await enrolment.add(replace(WISH, name="Ju\u0308rgen"), write(tmp_path / "x.wav"), REGISTRY) == "Jürgen"
    assert "Jürgen.wav" in content(enrolment)


async def test_a_name_is_given_once(enrolment: Enrolment, tmp_path: Path) -> None:
    recording = write(tmp_path / "x.wav")
    with pytest.raises(RequestError, match="parrot has a voice 'Polly' of its own"):
        await enrolment.add(replace(WISH, name="Polly"), recording, REGISTRY)
    done = await asyncio.gather(
        *(enrolment.add(replace(WISH, name=name), recording, REGISTRY) for name in ("anna", "anna", "ANNA", "emma")),
        return_exceptions=True,
    )
    assert sum(isinstance(each, RequestError) for each in done) == 2
    assert len([each for each in content(enrolment) if each.endswith(".wav")]) == 2


async def test_who_would_wait_too_long_is_told_at_once(enrolment: Enrolment, tmp_path: Path) -> None:
    """A check that does not end, and as many behind it as may wait."""
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    recording, registry = write(tmp_path / "x.wav"), replace(REGISTRY, interpreters={"parrot": str(slow)})

    def add(name: str) -> asyncio.Task[str]:
        return asyncio.create_task(enrolment.add(replace(WISH, name=name), recording, registry))

    room = int(LONGEST_WAIT / ASSUMED_SECONDS) + 1
    waiting = [add(f"anna{number}") for number in range(room)]
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match=rf"{room} other recordings are being checked: try again in 20 s"):
        await add("emma")
    with pytest.raises(RequestError, match="'anna1' is being checked already"):
        await add("Anna1")
    for each in waiting:
        each.cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in done)
    assert content(enrolment) == []
    assert await enrolment.add(replace(WISH, name="emma"), recording, REGISTRY) == "emma"


async def test_what_a_killed_server_left_is_swept_and_what_is_being_checked_is_not(
    enrolment: Enrolment, tmp_path: Path
) -> None:
    assert enrolment.sweep() == 0
    left = enrolment.folder / ".new-left"
    left.mkdir(parents=True)
    write(left / "anna.wav")
    recording = write(tmp_path / "x.wav")
    adding = asyncio.create_task(enrolment.add(WISH, recording, REGISTRY))
    while len(content(enrolment)) < 2:  # noqa: ASYNC110 - a thread sets no event
        await asyncio.sleep(0.001)
    assert Enrolment(tmp_path / "voices", tmp_path / "data").sweep() == 1
    assert not left.exists()
    assert await adding == "anna"
    assert content(enrolment) == ["anna.json", "anna.txt", "anna.wav"]


def test_what_only_looks_like_it_stops_no_sweep(enrolment: Enrolment, tmp_path: Path) -> None:
    (enrolment.folder / ".new-left").mkdir(parents=True)
    (enrolment.folder / ".new-file").write_text("somebody else's")
    (enrolment.folder / ".new-link").symlink_to(tmp_path)
    assert enrolment.sweep() == 1
    assert content(enrolment) == [".new-file", ".new-link"]


async def test_two_processes_want_the_same_name(tmp_path: Path) -> None:
    """Each has checked that it is free; the one that comes second to the names is refused."""
    recording = write(tmp_path / "x.wav")
    both = [Enrolment(tmp_path / "voices", tmp_path / "data") for _ in range(2)]
    done = await asyncio.gather(*(each.add(WISH, recording, REGISTRY) for each in both), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["RequestError", "str"]
    assert content(both[0]) == ["anna.json", "anna.txt", "anna.wav"]


async def test_removing_takes_what_engines_have_made_of_it(enrolment: Enrolment, tmp_path: Path) -> None:
    recording = write(tmp_path / "x.wav")
    await enrolment.add(WISH, recording, REGISTRY)
    made = tmp_path / "data" / "parrot" / "references"
    made.mkdir(parents=True)
    (made / f"{trace(recording.read_bytes())}-0123.safetensors").write_bytes(b"codes")
    (made / "other-0123.safetensors").write_bytes(b"codes")
    assert enrolment.remove("anna") == 4
    assert content(enrolment) == []
    assert [each.name for each in made.iterdir()] == ["other-0123.safetensors"]
    with pytest.raises(VoiceError, match=r"There is no reference voice 'anna'\. There are: none"):
        enrolment.remove("anna")


async def test_a_link_to_a_recording_that_is_gone_can_be_removed(enrolment: Enrolment, tmp_path: Path) -> None:
    enrolment.folder.mkdir(parents=True)
    (enrolment.folder / "anna.wav").symlink_to(tmp_path / "gone.wav")
    (enrolment.folder / "anna.txt").write_text("Good morning.")
    assert enrolment.remove("anna") == 2
    assert content(enrolment) == []


def test_what_cannot_be_used_is_listed_with_the_reason(enrolment: Enrolment) -> None:
    enrolment.folder.mkdir(parents=True)
    (enrolment.folder / "mute.wav").write_bytes(b"")
    [listed] = enrolment.voices(REGISTRY)
    assert (listed.name, listed.problem) == ("mute", "mute.wav has no text: write what is said into mute.txt")


async def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "voices").write_text("")
    with pytest.raises(MeadowlarkError, match=r"cannot be written .* make it writable"):
        await Enrolment(tmp_path / "voices", tmp_path).add(WISH, write(tmp_path / "x.wav"), REGISTRY)


async def test_an_interpreter_that_cannot_check(enrolment: Enrolment, tmp_path: Path) -> None:
    recording = write(tmp_path / "x.wav")
    for interpreter, reason in (("/nowhere/python", "cannot be run"), ("/bin/false", r"could not be checked \(exit")):
        registry = replace(REGISTRY, interpreters={"parrot": interpreter})
        with pytest.raises(MeadowlarkError, match=reason):
            await enrolment.add(WISH, recording, registry)
    assert content(enrolment) == []
