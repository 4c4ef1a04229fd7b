"""A Kokoro with random weights, of the network that kokoro ships. Runs in the venv of script/random-models."""

from __future__ import annotations

import importlib.resources
import json
import math
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from kokoro.model import KModel, KModelForONNX
from onnxruntime.quantization import QuantType, quantize_dynamic

warnings.filterwarnings("ignore")

FRAMES_A_TOKEN = 2.75
"""Of 25 ms, as English is spoken; untrained durations would be 25 frames."""

VOICES = ("af_heart", "af_sky", "am_adam", "bf_emma", "ff_siwis", "if_sara")


def make(path: Path, config: dict) -> None:
    """The fp32 file in the layout of kokoro-onnx's model-files-v1.1."""
    torch.manual_seed(0)
    nothing = path.with_suffix(".pth")
    torch.save({}, nothing)  # the loader goes through an empty table: every weight stays as it was drawn
    model = KModel(repo_id="hexgrad/Kokoro-82M", config=config, model=str(nothing), disable_complex=True).eval()
    nothing.unlink()
    share = FRAMES_A_TOKEN / config["max_dur"]
    with torch.no_grad():
        model.predictor.duration_proj.linear_layer.bias.fill_(math.log(share / (1 - share)))
    ids = torch.tensor([[0, *range(1, 49), 0]])
    torch.onnx.export(
        KModelForONNX(model).eval(),
        (ids, torch.randn(1, 256), torch.tensor([1.0])),
        str(path),
        input_names=["input_ids", "style", "speed"],
        output_names=["waveform", "duration"],
        opset_version=17,
        dynamic_axes={"input_ids": {1: "input_ids_len"}, "waveform": {0: "num_samples"}},
        dynamo=False,
    )
    made = onnx.load(path)
    made.metadata_props.add(key="kokoro_config", value=json.dumps(config))
    onnx.save(made, path)


def main() -> None:
    folder = Path(sys.argv[1]) / "kokoro"
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((importlib.resources.files("kokoro_onnx") / "config.json").read_text())
    begun = time.monotonic()
    path = folder / "kokoro-v1.0.onnx"
    if not path.exists():
        make(path, config)
    slow = folder / "signed" / "kokoro-v1.0.int8.onnx"
    if not slow.exists():
        slow.parent.mkdir(exist_ok=True)
        quantize_dynamic(path, slow, weight_type=QuantType.QInt8)
    voices = folder / "voices-v1.0.bin"
    if not voices.exists():
        random = np.random.default_rng(0)
        with voices.open("wb") as file:
            np.savez(
                file, **{name: (random.standard_normal((510, 1, 256)) * 0.2).astype(np.float32) for name in VOICES}
            )
    print(f"kokoro: {path.stat().st_size / 1e6:.2f} MB in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
