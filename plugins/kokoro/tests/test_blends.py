"""Mixtures of voices, and the rows of their styles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from meadowlark_kokoro import blends, doubles, register_voices
from meadowlark_kokoro.errors import ModelFileError
from meadowlark_kokoro.files import look
from meadowlark_kokoro.packs import load, mixed, row


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("af_heart", {"af_heart": 1.0}),
        ("af_heart+af_sky", {"af_heart": 0.5, "af_sky": 0.5}),
        ("af_heart*3 + af_sky", {"af_heart": 0.75, "af_sky": 0.25}),
        ("af_heart(0.7)+af_sky(0.3)", {"af_heart": 0.7, "af_sky": 0.3}),
        ("af_heart+af_heart+af_sky*2", {"af_heart": 0.5, "af_sky": 0.5}),
        ("af_heart*0 + af_sky", {"af_sky": 1.0}),
    ],
)
def test_blends(text: str, expected: dict[str, float]) -> None:
    parsed = blends.parse(text)
    assert dict(parsed) == pytest.approx(expected)
    assert dict(blends.parse(blends.written(parsed))) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("af_heart*0 + af_sky*0", "its weights add up to 0"),
        ("af_heart*-1", "'-1' is no weight"),
        ("af_heart*lots", "'lots' is no weight"),
        ("af_heart*nan", "'nan' is no weight"),
        ("af_heart*1e308+af_sky*1e308", "use a number from 0 to 1,000,000"),
        ("af_heart +", "write af_heart"),
        ("", "write af_heart"),
        ("af_heart af_sky", "write af_heart"),
    ],
)
def test_wrong_blends_are_named(text: str, said: str) -> None:
    with pytest.raises(ModelFileError, match="blend") as caught:
        blends.parse(text)
    assert said in str(caught.value)


def test_a_file_of_blends(tmp_path: Path) -> None:
    path = tmp_path / "blends.txt"
    path.write_text("# mine\nwarm = af_heart*0.7 + af_sky*0.3  # nice\n\nbroken\nzero = af_heart*0\na/b = af_sky\n")
    complaints: list[str] = []
    assert [name for name, _ in blends.read(path, complaints.append)] == ["warm"]
    assert [each.partition(": ")[0].rpartition(" ")[2] for each in complaints] == ["4", "5", "6"]
    assert list(blends.read(tmp_path / "none.txt", complaints.append)) == []


def test_a_blend_is_the_weighted_mean(tmp_path: Path) -> None:
    doubles.write(tmp_path)
    files = look([tmp_path]).voices
    heart, sky = load(files["af_heart"], "af_heart"), load(files["af_sky"], "af_sky")
    assert np.allclose(mixed(blends.parse("af_heart*3+af_sky"), files), 0.75 * heart + 0.25 * sky, atol=1e-6)
    assert np.array_equal(mixed(blends.parse("af_heart"), files), heart)


def test_an_unknown_voice_in_a_blend_is_named(tmp_path: Path) -> None:
    doubles.write(tmp_path, voices=("af_heart",))
    with pytest.raises(ModelFileError, match="voice af_ghost is not there; there are af_heart"):
        mixed(blends.parse("af_heart+af_ghost"), look([tmp_path]).voices)


def test_voices_of_different_models_are_not_blended(tmp_path: Path) -> None:
    doubles.write(tmp_path, voices=("af_heart", "af_sky"))
    with (tmp_path / "voices-v1.1-zh.bin").open("wb") as file:
        np.savez(file, zf_001=doubles.pack("zf_001"), zf_002=doubles.pack("zf_002"))
    files = look([tmp_path]).voices
    for text in ("zf_001+zf_002", "af_heart+af_sky"):
        assert mixed(blends.parse(text), files).shape == (510, 256)
    with pytest.raises(ModelFileError) as caught:
        mixed(blends.parse("af_heart*3+zf_001"), files)
    said = (
        "af_heart is a voice of Kokoro v1.0 (voices-v1.0.bin) and zf_001 is a voice of Kokoro v1.1-zh "
        "(voices-v1.1-zh.bin); only voices of the same model can be blended"
    )
    assert str(caught.value) == f"blend af_heart*0.75+zf_001*0.25: {said}"
    (tmp_path / "blends.txt").write_text("both = af_heart + zf_001\nfar = zf_001 + zf_002\n")
    names: list[str] = []
    with pytest.raises(ModelFileError) as caught:
        register_voices(lambda _, voice: names.append(voice.id), tmp_path)
    assert str(caught.value) == f"{tmp_path / 'blends.txt'}: blend both: {said}"
    assert {"af_heart", "zf_001", "far"} <= {*names}
    assert "both" not in names


def test_the_row_is_that_of_the_number_of_tokens(tmp_path: Path) -> None:
    doubles.write(tmp_path)
    pack = load(tmp_path / "voices-v1.0.bin", "af_heart")
    assert pack.shape == (510, 256)
    assert np.array_equal(row(pack, 1), pack[0:1])
    assert np.array_equal(row(pack, 50), pack[49:50])
    assert np.array_equal(row(pack, 510), pack[509:510])
    assert np.array_equal(row(pack, 9999), pack[509:510])
    assert np.array_equal(row(pack, 0), pack[0:1])


@pytest.mark.parametrize("layout", ["v1.0", "onnx-community"])
def test_both_ways_of_keeping_voices_are_the_same(tmp_path: Path, layout: str) -> None:
    doubles.write(tmp_path, layout=layout)
    files = look([tmp_path]).voices
    assert list(files) == ["af_heart", "af_sky", "bf_emma", "ff_siwis"]
    assert np.array_equal(load(files["af_sky"], "af_sky"), doubles.pack("af_sky").reshape(-1, 256))


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, np.full(256, np.nan, np.float32).tobytes()])
def test_a_file_that_holds_no_voice_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "af_x.bin"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="af_x"):
        load(path, "af_x")


def test_pickles_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "voices.bin").open("wb") as file:
        np.savez(file, af_bad=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ModelFileError, match="af_bad cannot be read"):
        load(tmp_path / "voices.bin", "af_bad")
