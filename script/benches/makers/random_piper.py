"""Piper voices with random weights, of the network that piper-tts ships. Runs in the venv of script/random-models."""

from __future__ import annotations

import json
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
from piper.train.vits.models import SynthesizerTrn

warnings.filterwarnings("ignore")


@dataclass(frozen=True)
class Size:
    """What differs between the qualities that Piper publishes."""

    rate: int
    hidden: int
    filters: int
    resblock: str
    kernels: tuple[int, ...]
    dilations: tuple[tuple[int, ...], ...]
    rates: tuple[int, ...]
    upsample: int
    upsample_kernels: tuple[int, ...]


NARROW = {"kernels": (3, 5, 7), "dilations": ((1, 2), (2, 6), (3, 12)), "resblock": "2"}
WIDE = {"kernels": (3, 7, 11), "dilations": ((1, 3, 5),) * 3, "resblock": "1"}
SIZES = {
    "x_low": Size(16000, 96, 384, rates=(8, 8, 4), upsample=256, upsample_kernels=(16, 16, 8), **NARROW),
    "medium": Size(22050, 192, 768, rates=(8, 8, 4), upsample=256, upsample_kernels=(16, 16, 8), **NARROW),
    "high": Size(22050, 192, 768, rates=(8, 8, 2, 2), upsample=512, upsample_kernels=(16, 16, 4, 4), **WIDE),
}
VOICES = {
    "en_US-random-x_low": ("x_low", 1),
    "en_US-random-medium": ("medium", 1),
    "en_US-random-high": ("high", 1),
    "en_US-random8-medium": ("medium", 8),
}
FRAMES_A_SYMBOL = 3.2
"""As English voices speak: 75 ms for a phoneme and the pad behind it."""


def make(name: str, quality: str, speakers: int, folder: Path) -> None:
    """NAME.onnx and its JSON."""
    begun = time.monotonic()
    torch.manual_seed(0)
    size = SIZES[quality]
    net = SynthesizerTrn(
        256, 513, 32, size.hidden, size.hidden, size.filters, 2, 6, 3, 0.1,
        size.resblock, size.kernels, size.dilations, size.rates, size.upsample, size.upsample_kernels,
        n_speakers=speakers, gin_channels=512 if speakers > 1 else 0, use_sdp=True,
    ).eval()  # fmt: skip
    with torch.no_grad():
        net.dec.remove_weight_norm()

    def forward(text, lengths, scales, sid=None):
        given = {"noise_scale": scales[0], "length_scale": scales[1], "noise_scale_w": scales[2], "sid": sid}
        return net.infer(text, lengths, **given)[0].unsqueeze(1)

    net.forward = forward
    example = (
        torch.randint(0, 160, (1, 50)),
        torch.tensor([50]),
        torch.tensor([0.667, 1.0, 0.8]),
        torch.tensor([0]) if speakers > 1 else None,
    )
    torch.onnx.export(
        net,
        example,
        str(folder / f"{name}.onnx"),
        opset_version=15,
        input_names=["input", "input_lengths", "scales", "sid"],
        output_names=["output"],
        dynamic_axes={
            "input": {0: "batch_size", 1: "phonemes"},
            "input_lengths": {0: "batch_size"},
            "output": {0: "batch_size", 2: "time"},
        },
        dynamo=False,
    )
    description = {
        "audio": {"sample_rate": size.rate, "quality": quality},
        "espeak": {"voice": "en-us"},
        "inference": {
            "noise_scale": 0.667,
            "length_scale": length_scale(folder / f"{name}.onnx", speakers),
            "noise_w": 0.8,
        },
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": speakers,
        "speaker_id_map": {f"speaker{number}": number for number in range(speakers)} if speakers > 1 else {},
        "hop_length": 256,
        "language": {"code": "en_US"},
        "dataset": "random",
    }
    (folder / f"{name}.onnx.json").write_text(json.dumps(description, ensure_ascii=False))
    print(
        f"{name}: {(folder / f'{name}.onnx').stat().st_size / 1e6:.2f} MB in {time.monotonic() - begun:.0f} s",
        flush=True,
    )


def length_scale(model: Path, speakers: int) -> float:
    """What makes random durations as long as speech."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    ids = np.zeros((1, 203), np.int64)
    ids[0, 0], ids[0, -1] = 1, 2
    ids[0, 2:-1:2] = np.random.default_rng(0).integers(14, 128, 100)
    feeds = {"input": ids, "input_lengths": np.array([203]), "scales": np.array([0.667, 1.0, 0.8], np.float32)}
    if speakers > 1:
        feeds["sid"] = np.array([0])
    frames = np.median([session.run(None, feeds)[0].size / 256 for _ in range(5)])
    return round(float(203 * FRAMES_A_SYMBOL / frames), 3)


def main() -> None:
    folder = Path(sys.argv[1]) / "voices"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (quality, speakers) in VOICES.items():
        if not (folder / f"{name}.onnx.json").exists():
            make(name, quality, speakers, folder)


if __name__ == "__main__":
    main()
