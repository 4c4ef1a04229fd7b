"""What becomes of an engine's samples."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadowlark.audio import Resampler, seconds, silence, split, to_s16le


def samples(data: bytes) -> list[int]:
    return np.frombuffer(data, dtype="<i2").tolist()


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (1, 4, 1)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_of_any_mono_shape(shape, dtype):
    chunk = np.array([0.0, 1.0, -1.0, 0.5], dtype=dtype).reshape(shape)

    assert samples(to_s16le(chunk)) == [0, 32767, -32767, 16384]


def test_loud_samples_are_clipped_and_never_wrap():
    assert samples(to_s16le(np.array([1.5, -1.5, 1e30, -1e30], dtype=np.float32))) == [32767, -32767, 32767, -32767]


@pytest.mark.parametrize("order", ["<i2", ">i2"])
def test_integers_pass_as_they_are(order):
    assert samples(to_s16le(np.array([1, -2, 32767, -32768], dtype=order))) == [1, -2, 32767, -32768]


def test_strided_arrays_are_no_trouble():
    stereo = np.array([[0.1, 0.9], [0.2, 0.9], [0.3, 0.9]], dtype=np.float32)

    assert samples(to_s16le(stereo[:, 0])) == [3277, 6553, 9830]


@pytest.mark.parametrize("data", [b"", b"\x01\x02", bytearray(b"\x01\x02"), memoryview(b"\x01\x02\x03\x04")])
def test_bytes_pass_as_they_are(data):
    assert to_s16le(data) == bytes(data)


@pytest.mark.parametrize("shape", [(0,), (1, 0), (0, 1)])
def test_an_empty_chunk_is_empty(shape):
    assert to_s16le(np.zeros(shape, dtype=np.float32)) == b""


def test_the_engines_array_is_left_alone():
    chunk = np.array([2.0, -2.0], dtype=np.float32)
    to_s16le(chunk)

    assert chunk.tolist() == [2.0, -2.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(ValueError, match="NaN or infinity"):
        to_s16le(np.array([0.0, bad, 0.0], dtype=np.float32))


def test_half_a_sample_is_refused():
    with pytest.raises(ValueError, match="3 bytes of s16le: half a sample"):
        to_s16le(b"\x01\x02\x03")


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        ([0.0, 0.1], "^list is not audio; yield a float32 numpy array"),
        (None, "NoneType is not audio"),
        ("sound", "str is not audio"),
        (np.zeros((2, 8), dtype=np.float32), r"shape \(2, 8\) is not mono"),
        (np.zeros(8, dtype=np.int32), "numpy array of int32 is not audio"),
        (np.zeros(8, dtype=np.complex64), "numpy array of complex64 is not audio"),
        (subprocess.CompletedProcess([], 0), "^subprocess.CompletedProcess is not audio"),
    ],
)
def test_what_is_not_audio_is_named(chunk, message):
    with pytest.raises(TypeError, match=message):
        to_s16le(chunk)


@given(st.binary(max_size=99).map(lambda data: data * 2), st.integers(2, 33))
def test_split_loses_nothing_and_cuts_no_sample(data, size):
    pieces = list(split(data, size))

    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= size and len(piece) % 2 == 0 for piece in pieces)


@pytest.mark.parametrize("size", [1, 0, -2])
def test_split_needs_room_for_a_sample(size):
    with pytest.raises(ValueError, match="do not hold a sample"):
        list(split(b"1234", size))


def test_silence_lasts_as_long_as_it_says():
    assert silence(0.5, 22050) == bytes(22050)
    assert seconds(len(silence(0.25, 24000)), 24000) == 0.25
    assert silence(0, 24000) == b""


@pytest.mark.parametrize(("rate_in", "rate_out"), [(22050, 16000), (24000, 22050), (16000, 48000), (44100, 24000)])
def test_resampling_keeps_length_and_pitch(rate_in, rate_out):
    tone = to_s16le(0.5 * np.sin(2 * np.pi * 440 * np.arange(rate_in) / rate_in))
    resampler = Resampler(rate_in, rate_out)
    out = b"".join([*(resampler.push(piece) for piece in split(tone, 2000)), resampler.finish()])

    assert seconds(len(out), rate_out) == pytest.approx(1.0, abs=0.0005)
    expected = 0.5 * 32767 * np.sin(2 * np.pi * 440 * np.arange(rate_out) / rate_out)
    middle = slice(rate_out // 10, -rate_out // 10)
    assert np.abs(np.frombuffer(out, "<i2")[middle] - expected[middle]).max() < 50


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
def test_resampling_does_not_depend_on_the_pieces(lengths):
    tone = to_s16le(0.5 * np.sin(np.arange(sum(lengths)) / 9))
    whole, pieces = Resampler(22050, 16000), Resampler(22050, 16000)
    out, at = b"", 0
    for length in lengths:
        out += pieces.push(tone[at : at + 2 * length])
        at += 2 * length

    assert out + pieces.finish() == whole.push(tone) + whole.finish()


def test_the_servers_part_needs_no_numpy():
    code = (
        "import sys; from meadowlark.audio import silence, split, seconds; "
        "list(split(silence(0.1, 24000), 100)); sys.exit('numpy' in sys.modules or 'soxr' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
