"""Piper: first audio and speed, ours and piper-tts's on the same voice; windows and rewritten parts against the whole.

Options: --models FOLDER (from script/random-models), --runs N (7), --quick.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
from _measure import median, report
from _sides import arguments, in_turns, ratio, rtf, side, theirs

from meadowlark.kit.onnx_same import difference, results
from meadowlark.kit.ort import Compute, session
from meadowlark_espeakng.phonemes import Phonemizer
from meadowlark_piper.config import read
from meadowlark_piper.model import PiperModel
from meadowlark_piper.phonemes import Speller
from meadowlark_piper.split import FLOW, TEXT, split

QUALITIES = ("x_low", "medium", "high")
TEXTS = {
    "short": "The kitchen light is on.",
    "sentence": "The lights in the living room are on, and the washing machine has just finished.",
    "long": (
        "The lights in the living room are on, the washing machine has just finished its work, and the window in the "
        "bedroom, which you opened this morning, is still open although it has begun to rain"
    ),
}


def compare(models: Path, data: str, quality: str, runs: int) -> dict[str, float]:
    """Our side and theirs, in turn, for each text."""
    voice = str(models / "voices" / f"en_US-random-{quality}.onnx")
    found: dict[str, float] = {}
    with (
        side("ours_piper", model=voice, data=data) as ours,
        side("theirs_piper", theirs(models), model=voice) as others,
    ):
        for name, text in TEXTS.items():
            mine, their = in_turns(runs, lambda text=text: ours(text=text), lambda text=text: others(text=text))
            key = f"{quality}.{name}"
            found |= {
                f"{key}.audio_s": median([turn.audio for turn in mine]),
                f"{key}.first_audio_ms.ours": median([turn.first for turn in mine]) * 1e3,
                f"{key}.first_audio_ms.theirs": median([turn.first for turn in their]) * 1e3,
                f"{key}.first_audio_ratio": ratio(their, mine, lambda turn: turn.first),
                f"{key}.rtf_ratio": ratio(their, mine, rtf),
                f"{key}.cpu_ratio": ratio(their, mine, lambda turn: turn.cpu / turn.audio),
            }
        found[f"{quality}.peak_mb.ours"] = mine[-1].peak_mb
        found[f"{quality}.peak_mb.theirs"] = their[-1].peak_mb
    return found


def windows(models: Path, data: str, quality: str) -> dict[str, float]:
    """The largest distance of a sample in windows from the same one computed at once, without noise."""
    path = models / "voices" / f"en_US-random-{quality}.onnx"
    config = read(Path(f"{path}.json"))
    ids = next(Speller(config, Phonemizer(), path.stem).sentences(TEXTS["sentence"]))
    scales = (0.0, config.length_scale, 0.0)
    feeds = {"input": np.array([ids]), "input_lengths": np.array([len(ids)]), "scales": np.array(scales, np.float32)}
    whole = session(path, Compute(threads=2)).run(None, feeds)[0].reshape(-1)
    windows = np.concatenate(list(PiperModel(path, config, Compute(threads=2), Path(data, "parts")).speak(ids, scales)))
    assert windows.shape == whole.shape
    return {f"{quality}.windows_max_difference_e9": float(np.abs(windows - whole).max() * 1e9)}


def rewritten(models: Path, data: str, quality: str) -> dict[str, float]:
    """The same of the exported model and of its parts written anew, with the same noise: in 1e-9 of the loudest sample.

    Weights that a network begins with as zeros or ones are random here: with zeros, half of it would do nothing.
    """
    path = stirred(models / "voices" / f"en_US-random-{quality}.onnx", Path(data))
    random, scales = np.random.default_rng(1), np.array([0.667, 1, 0.8], np.float32)
    feeds = [
        {"input": random.integers(3, 150, (1, count)), "input_lengths": np.array([count]), "scales": scales}
        for count in (2, 20, 61, 150)
    ]
    parts = split(path)
    assert len(parts[FLOW].graph.node) > 1, "the voice was left as it is"
    apart = difference(results([onnx.load(path)], feeds), results(list(parts.values()), feeds))
    return {
        f"{quality}.rewritten_max_difference_e9": apart * 1e9,
        f"{quality}.text_operators": len(parts[TEXT].graph.node) + len(parts[FLOW].graph.node),
    }


def stirred(path: Path, folder: Path) -> Path:
    """The voice with random numbers in the place of weights that are all alike."""
    model, random = onnx.load(path), np.random.default_rng(0)
    for each in model.graph.initializer:
        value = onnx.numpy_helper.to_array(each)
        if value.dtype == np.float32 and value.size > 1 and value.std() == 0:
            moved = value + 0.1 * random.standard_normal(value.shape)
            each.CopyFrom(onnx.numpy_helper.from_array(moved.astype(np.float32), each.name))
    onnx.save(model, folder / path.name)
    return folder / path.name


def main() -> None:
    options = arguments(__doc__ or "")
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as data:
        for quality in QUALITIES:
            found |= windows(options.models, data, quality)
            found |= rewritten(options.models, data, quality)
            found |= compare(options.models, data, quality, options.runs)
    report(
        "piper",
        found,
        ["max_difference_e9: in 1e-9 of full scale, or of the loudest sample; ratios: theirs / ours, same rounds"],
    )


if __name__ == "__main__":
    main()
