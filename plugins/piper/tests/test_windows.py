"""What is computed in windows is what is computed at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from meadowlark.kit.onnx_graph import GraphError
from meadowlark.kit.ort import Compute
from meadowlark_piper.config import read
from meadowlark_piper.doubles import write_voice
from meadowlark_piper.errors import VoiceFileError
from meadowlark_piper.model import PiperModel
from meadowlark_piper.split import PARTS, SOUND, TEXT, split

IDS = [1, 0, *(each for number in range(120) for each in (10 + number % 60, 0)), 2]
SCALES = (0.0, 1.0, 0.0)


def whole(path: Path, speaker: int | None = None) -> np.ndarray:
    feeds = {
        "input": np.array([IDS]),
        "input_lengths": np.array([len(IDS)]),
        "scales": np.array(SCALES, np.float32),
    }
    if speaker is not None:
        feeds["sid"] = np.array([speaker])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0].reshape(-1)


@pytest.mark.parametrize("speaker", [None, 0, 2])
def test_windows_equal_the_whole(tmp_path: Path, speaker: int | None) -> None:
    path = write_voice(tmp_path, speakers=() if speaker is None else ("a", "b", "c"))
    model = PiperModel(path, read(Path(f"{path}.json")), Compute(threads=1), tmp_path / "parts")
    chunks = list(model.speak(IDS, SCALES, speaker or 0))
    assert len(chunks) > 4
    assert [len(each) for each in chunks[:4]] == [22 * 256, 44 * 256, 88 * 256, 176 * 256], "not knowing the machine"
    audio, expected = np.concatenate(chunks), whole(path, speaker)
    assert audio.shape == expected.shape
    assert np.abs(audio - expected).max() <= 1e-6
    assert np.abs(expected).max() > 0.1


def test_speakers_differ(tmp_path: Path) -> None:
    path = write_voice(tmp_path, speakers=("a", "b"))
    assert np.abs(whole(path, 0) - whole(path, 1)).max() > 0.05


def test_the_sound_part_holds_the_upsampling_and_the_text_part_none_of_it(tmp_path: Path) -> None:
    cut = split(write_voice(tmp_path, speakers=("a", "b")))
    kinds = {name: {node.op_type for node in model.graph.node} for name, model in cut.items()}
    assert "ConvTranspose" in kinds[SOUND]
    assert not {"ConvTranspose", "Conv", "Tanh"} & kinds[TEXT]
    assert [each.name for each in cut[SOUND].graph.input] == [each.name for each in cut[TEXT].graph.output]
    for model in cut.values():
        onnx.checker.check_model(model, full_check=True)


def test_the_parts_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_voice(tmp_path)
    config, compute = read(Path(f"{path}.json")), Compute(threads=1)
    PiperModel(path, config, compute, tmp_path / "parts")

    def refuse(_: Path) -> None:
        raise AssertionError("cut a second time")

    monkeypatch.setattr("meadowlark_piper.model.split", refuse)
    PiperModel(path, config, compute, tmp_path / "parts")


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("left", [0, 1000])
def test_a_kept_part_that_is_broken_is_made_anew(
    tmp_path: Path, name: str, left: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_voice(tmp_path)
    config, told = read(Path(f"{path}.json")), []
    PiperModel(path, config, Compute(threads=1), tmp_path / "parts")
    (kept,) = (tmp_path / "parts").glob(f"*/{name}.onnx")
    kept.write_bytes(kept.read_bytes()[:left].ljust(left, b"\0"))
    for _ in range(2):
        caplog.clear()
        model = PiperModel(path, config, Compute(threads=1), tmp_path / "parts")
        assert np.abs(np.concatenate(list(model.speak(IDS, SCALES))) - whole(path)).max() <= 1e-6
        told.append("broken and made anew" in caplog.text)
    assert told == [True, False]


def test_a_model_without_the_structure_is_spoken_as_a_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_voice(tmp_path)
    model = onnx.load(path)
    for node in model.graph.node:
        if node.output[0] == "a0":
            node.op_type = "Softplus"  # nothing that HiFi-GAN has in this place
            del node.attribute[:]
    onnx.save(model, path)
    with pytest.raises(GraphError):
        split(path)
    spoken = PiperModel(path, read(Path(f"{path}.json")), Compute(threads=1), tmp_path / "parts")
    (audio,) = spoken.speak(IDS, SCALES)
    assert np.array_equal(audio, whole(path))
    assert "a whole sentence at a time" in caplog.text


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = write_voice(tmp_path)
    model = onnx.load(path)
    for each in model.graph.node:
        for index, name in enumerate(each.input):
            if name == "input":
                each.input[index] = "tokens"
    model.graph.input[0].name = "tokens"
    onnx.save(model, path)
    with pytest.raises(VoiceFileError, match="is not a Piper voice: it takes input_lengths, scales, tokens"):
        PiperModel(path, read(Path(f"{path}.json")), Compute(threads=1), tmp_path / "parts")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x00" * 1000])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = write_voice(tmp_path)
    path.write_bytes(content)
    with pytest.raises(VoiceFileError, match="is not an ONNX model that can be run"):
        PiperModel(path, read(Path(f"{path}.json")), Compute(threads=1), tmp_path / "parts")
