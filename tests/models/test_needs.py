"""Which files a voice needs, and when a failed download is tried again."""

from __future__ import annotations

import pytest

from meadowlark.api import Asset, EngineManifest, Value, Voice
from meadowlark.models.needs import LONG_PAUSE, LONGEST_PAUSE, assets_of, chosen, pause
from meadowlark.models.state import Downloading, Failed, Missing, Present, Progress, Trouble, in_words, megabytes

FP32 = Asset("a/b", "model.onnx", option="model", value="fp32")
FP32_DATA = Asset("a/b", "model.onnx_data", option="model", value="fp32")
FP16 = Asset("a/b", "fp16.onnx", option="model", value="fp16")
VOICES = Asset("a/b", "voices.bin")
ALL = (VOICES, FP32, FP32_DATA, FP16)


@pytest.mark.parametrize(
    ("options", "here", "expected"),
    [
        ({}, (), (VOICES, FP32, FP32_DATA)),  # the first that is named
        ({"model": "fp16"}, (), (VOICES, FP16)),  # the user's wish
        ({}, (FP16,), (VOICES, FP16)),  # what is there
        ({}, (FP32,), (VOICES, FP32, FP32_DATA)),  # half of it counts for nothing, and is the first anyway
        ({}, (FP32, FP16), (VOICES, FP16)),  # the one that is whole
        ({"model": "fp32"}, (FP16,), (VOICES, FP32, FP32_DATA)),
        ({"model": "auto"}, (FP16,), (VOICES, FP16)),  # a value that is about something else
        ({"quality": "fp16"}, (), (VOICES, FP32, FP32_DATA)),
    ],
)
def test_options_choose_between_files(
    options: dict[str, Value], here: tuple[Asset, ...], expected: tuple[Asset, ...]
) -> None:
    assert chosen(ALL, options, here.__contains__) == expected


def test_a_number_as_the_value() -> None:
    rates = tuple(Asset("a/b", f"{rate}.onnx", option="rate", value=str(rate)) for rate in (16000, 22050))
    assert chosen(rates, {"rate": 22050}, lambda _: False) == rates[1:]


def test_a_voice_needs_the_engines_files_and_its_own_each_once() -> None:
    voice = Voice("v", ("en",), assets=(VOICES, FP16))
    manifest = EngineManifest("e", "E", "MIT", "a:b", 16_000, voices=(voice,), assets=(FP32, VOICES))
    assert assets_of(manifest, voice) == (FP32, VOICES, FP16)
    assert assets_of(manifest, None) == (FP32, VOICES)


def test_pauses_grow_for_what_passes_by_itself() -> None:
    pauses = [pause(Trouble.NETWORK, failures) for failures in range(1, 100)]
    assert pauses[:4] == [30, 60, 120, 240]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_what_somebody_must_mend_is_tried_hourly() -> None:
    for kind in (Trouble.ACCESS, Trouble.ABSENT, Trouble.WRONG, Trouble.DISK, Trouble.OFFLINE):
        assert pause(kind, 1) == pause(kind, 9) == LONG_PAUSE


def test_a_server_is_not_asked_before_it_wishes() -> None:
    assert pause(Trouble.BUSY, 1, asked=7200) == 7200
    assert pause(Trouble.BUSY, 5, asked=10) == 480


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (Present(), ""),
        (Missing(0), "is not downloaded"),
        (Missing(310_000_000), "is not downloaded (310 MB)"),
        (Downloading(Progress("e", "v", done=5, total=20)), "is being downloaded (25 %)"),
        (Downloading(Progress("e", "v", note="asks the server")), "is being downloaded: asks the server"),
        (Failed("no disk", Trouble.DISK, 0.0), "could not be downloaded: no disk"),
    ],
)
def test_states_in_words(state: Present | Missing | Downloading | Failed, words: str) -> None:
    assert in_words(state) == words


@pytest.mark.parametrize(
    ("size", "words"), [(310e6, "310 MB"), (9.96e6, "10.0 MB"), (0.5e6, "0.5 MB"), (2_500, "2 kB"), (0, "0 kB")]
)
def test_sizes_for_people(size: float, words: str) -> None:
    assert megabytes(size) == words
