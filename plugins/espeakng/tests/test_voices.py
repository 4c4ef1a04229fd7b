from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from meadowlark_espeakng.data import find_data
from meadowlark_espeakng.errors import UnknownVoiceError
from meadowlark_espeakng.library import Library
from meadowlark_espeakng.synthesis import Synthesizer
from meadowlark_espeakng.voices import base_voices, pitch, variant_names, variants


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
    )


def listed_by_the_library(library: Library) -> dict[str, tuple[str, tuple[str, ...]]]:
    """identifier → (name, languages) as espeak_ListVoices tells."""
    library._c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    voices = library._c.espeak_ListVoices(None)
    found = {}
    index = 0
    while voices[index]:
        voice = voices[index].contents
        found[voice.identifier.decode()] = (voice.name.decode().strip(), tuple(_languages(voice.languages)))
        index += 1
    return found


def _languages(raw: ctypes._Pointer[ctypes.c_char]) -> list[str]:
    """Each is a priority byte and a C string; an empty one ends the list."""
    found, index = [], 0
    while raw[index] != b"\0":
        end = index + 1
        while raw[end] != b"\0":
            end += 1
        found.append(raw[index + 1 : end].decode())
        index = end + 1
    return found


def test_the_same_voices_as_the_library_lists(library: Library) -> None:
    ours = {voice.identifier: (voice.name, voice.languages) for voice in base_voices()}
    assert ours == listed_by_the_library(library)
    assert len(ours) >= 141


def test_a_voice_without_dictionary_is_silent_and_no_other(synthesizer: Synthesizer) -> None:
    for voice in base_voices():
        audio = b"".join(synthesizer.speak("Hello 123 abc.", voice.identifier))
        assert voice.has_dictionary == (audio.count(0) < len(audio)), voice


def test_variants_have_names_and_genders() -> None:
    by_name = {each.name: each.gender for each in variants()}
    assert tuple(by_name) == variant_names()
    assert len(by_name) == 104
    assert by_name["f2"] == by_name["whisperf"] == "female"
    assert by_name["m3"] == by_name["whisper"] == by_name["Andy"] == "male"
    assert by_name["klatt"] == ""
    assert "Mr serious" in by_name


@pytest.mark.parametrize(
    ("identifier", "variant", "expected"),
    [
        ("gmw/en-US", "", (82, 118)),
        ("gmw/af", "", (63, 120)),
        ("gmw/af", "f2", (142, 220)),
        ("aav/vi-VN-x-south", "", (82, 118)),
        ("gmw/en-US", "Demonic", (43, 120)),
        ("gmw/en-US", "klatt", (82, 118)),
    ],
)
def test_the_pitch_of_a_voice(identifier: str, variant: str, expected: tuple[int, int]) -> None:
    assert pitch(identifier, variant) == expected


def test_every_pitch_can_be_read() -> None:
    for voice in base_voices():
        assert all(20 < end < 400 for end in pitch(voice.identifier))
    for name in variant_names():
        assert all(20 < end < 400 for end in pitch("gmw/de", name))
    with pytest.raises(UnknownVoiceError):
        pitch("gmw/xx")


def test_every_variant_speaks(synthesizer: Synthesizer) -> None:
    for name in variant_names():
        audio = b"".join(synthesizer.speak("This is a test.", "gmw/en-US", name))
        assert audio.count(0) < len(audio) / 2, name


@pytest.mark.parametrize("module", ["voices", "data"])
def test_the_list_is_made_without_ctypes_or_the_library(module: str) -> None:
    code = (
        f"import sys, meadowlark_espeakng.{module}, meadowlark_espeakng.voices as v;"
        "assert v.base_voices() and v.variants();"
        "heavy = {'ctypes', 'espeakng_loader', 'numpy', 'meadowlark'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert find_data().is_dir()
