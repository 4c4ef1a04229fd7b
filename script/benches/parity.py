"""Fish-Speech against what upstream computed: every golden run by torch and by ONNX Runtime, tokens, logits, audio.

Usage: script/bench parity [FOLDER]   FOLDER has folders of golden data, s1_tiny, s2_tiny, dac_tiny or others of their
kind, known by their config.json (default: $MEADOWLARK_GOLDEN).
Needs `script/setup fish_speech`. Exit status 1 when anything is further off than it may be.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from _measure import report


def main(arguments):
    if "-h" in arguments or "--help" in arguments:
        print(__doc__)
        return
    folder = Path(arguments[0] if arguments else os.environ.get("MEADOWLARK_GOLDEN", ""))
    if not any(folder.glob("*/trace.safetensors")):
        sys.exit("name the folder with the golden data: script/bench parity FOLDER")
    try:
        from safetensors.torch import load_file

        from meadowlark.kit.precision import Plan
        from meadowlark.kit.weights import Weights
        from meadowlark_fish_speech import codec, codec_packed
        from meadowlark_fish_speech.parity import codec_checks, language_checks
    except ImportError as error:
        sys.exit(f"{error}; run script/setup fish_speech")
    checks = []
    for place in sorted(path.parent for path in folder.glob("*/config.json")):
        model = json.loads((place / "config.json").read_text())
        if not (place / "trace.safetensors").is_file():
            continue
        file, trace = place / "model.safetensors", load_file(place / "trace.safetensors")
        if model.get("model_type") in ("dual_ar", "fish_qwen3_omni"):
            meta = json.loads((place / "meta.json").read_text())
            with tempfile.TemporaryDirectory() as graphs:
                for run, settings in meta.items():
                    for way in (None, Path(graphs)) if run != "_" else ():  # by torch, by ONNX Runtime
                        found = language_checks(file, model, meta["_"], run, settings, trace, way)
                        checks += [(place.name, each) for each in found]
        elif "quantizer" in model and "post" in model:
            weights, config = Weights([file], codec.TABLE), codec.CodecConfig.of(model)
            for way, decoder, encoder in (
                ("plain", codec.Decoder, codec.Encoder),
                ("as here", codec_packed.decoder, codec_packed.encoder),
            ):
                found = codec_checks(decoder(weights, Plan(), config), trace, encoder(weights, Plan(), config))
                checks += [(f"{place.name}, {way}", each) for each in found]
    if not checks:
        sys.exit(f"{folder} has no golden data of Fish-Speech or its codec")
    for name, each in checks:
        print("ok  " if each.ok else "OFF ", name, each)
    tokens = [each.error for _, each in checks if not each.allowed]
    report(
        "parity",
        {
            "checks": len(checks),
            "failed": sum(not each.ok for _, each in checks),
            "tokens_that_differ": int(sum(tokens)),
            "logits_error_1e6": max((each.error for _, each in checks if "logits" in each.name), default=0) * 1e6,
            "audio_error_1e6": max((each.error for _, each in checks if "audio" in each.name), default=0) * 1e6,
        },
    )
    sys.exit(any(not each.ok for _, each in checks))


if __name__ == "__main__":
    main(sys.argv[1:])
