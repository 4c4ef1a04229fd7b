"""Fish-Speech S1-mini with random weights on this CPU, in 4 bits: frames for 1 to 4 sentences at a time.

A step makes a frame of each. CPU time of one thread, which other work on the machine does not change; medians. `ms.N`
is a step for N sentences, `ms.alone` the same without room for company, `frames_per_second.N` what it makes of all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import fish
import torch

from meadowlark.kit.precision import Bits
from meadowlark_fish_speech.batch import choir
from meadowlark_fish_speech.checkpoint import Checkpoint
from meadowlark_fish_speech.generate import Speaker, Speech
from meadowlark_fish_speech.generations import of_engine
from meadowlark_fish_speech.ort_speaker import OrtSpeaker
from meadowlark_fish_speech.sampler import Manner, RandomNoise

POSITIONS = 200
"""Of the prompt: a reference of 6 s and a sentence."""

WARM = 2
"""Frames that are not counted."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", help="where the checkpoint is written and stays; one that is there is used")
    parser.add_argument("--frames", type=int, default=24, help="of each sentence")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=4, help="sentences at a time")
    parser.add_argument("--tiny", action="store_true", help="for tests")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        speaker = _speaker(Path(arguments.folder or folder), arguments.tiny)
        ways: dict[str, Callable[[], float]] = {"alone": lambda: _step_seconds(speaker, 1, arguments.frames)}
        for count in range(1, arguments.most + 1):
            ways[str(count)] = lambda count=count: _step_seconds(
                choir(speaker, count, capacity=512), count, arguments.frames
            )
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):  # in turns: the machine is not always equally quick
            for name, way in ways.items():
                taken[name].append(way())
    results: dict[str, float] = {}
    print(f"{'at a time':>10}{'ms a step':>11}{'times alone':>13}{'frames/s':>10}")
    alone = statistics.median(taken["alone"])
    for name, each in taken.items():
        seconds = statistics.median(each)
        frames = (1 if name == "alone" else int(name)) / seconds
        results[f"ms.{name}"] = round(seconds * 1e3, 2)
        results[f"frames_per_second.{name}"] = round(frames, 1)
        print(f"{name:>10}{seconds * 1e3:11.1f}{seconds / alone:13.2f}{frames:10.1f}")
    print(json.dumps({"bench": "together", "results": results}))


def _speaker(folder: Path, tiny: bool) -> OrtSpeaker:
    fish.write_checkpoint(folder, tiny)
    found = Checkpoint.find({}, (folder,), folder / "data", of_engine("fish_speech"))
    config = found.config()
    tokens = found.tokenizer(config).tokens
    return OrtSpeaker(
        found.model_weights(config, tokens), config, tokens, Bits.INT4, folder / "data" / "graphs", threads=1
    )


def _step_seconds(speaker: Speaker, count: int, frames: int) -> float:
    """CPU seconds of a step that makes a frame of each."""
    prompt = torch.zeros(speaker.config.codebooks + 1, POSITIONS, dtype=torch.long)
    prompt[0] = torch.arange(POSITIONS) % 200
    speeches = [
        iter(Speech(speaker, prompt, speaker.sampler(Manner(), RandomNoise(seed)), frames + WARM + 1))
        for seed in range(count)
    ]
    for _ in range(WARM):
        for each in speeches:
            next(each)
    begun = time.process_time()
    made = 0
    for _ in range(frames):
        made += sum(next(each, None) is not None for each in speeches)
    return (time.process_time() - begun) * count / made


if __name__ == "__main__":
    main()
