"""A worker's part of `script/bench fish`, in a process of its own: a load, a first sound, a sentence, memory.

Prints one JSON object. Usage: _fish_worker.py FOLDER QUALITY THREADS
"""

import json
import sys
import time
from pathlib import Path

SENTENCE = "There is fresh bread in the kitchen, and the soup is warm."
"""12 words."""

REFERENCE_FRAMES = 60
"""2.8 s."""


def main():
    folder, quality, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    begun = time.perf_counter()
    import torch

    from meadowlark.api import PipelineContext, Utterance, Voice
    from meadowlark_fish_speech.pipeline import FishPipeline

    torch.set_num_threads(threads)
    imported = time.perf_counter()
    context = PipelineContext(
        "fish_speech",
        data_dir=folder / "data",
        options={"folder": str(folder), "quality": quality, "threads": threads},
    )
    pipeline = FishPipeline(context)
    pipeline.load()
    loaded = time.perf_counter()
    pipeline.warm_up()
    warm = time.perf_counter()
    pipeline._timbres.codes = lambda seed: torch.zeros(10, REFERENCE_FRAMES, dtype=torch.long)
    pipeline._timbres.drawing = lambda seed: iter(())
    voice = Voice("one", ("en-US",), options={"timbre": 1})
    utterance = Utterance(SENTENCE, voice, "en-US", options=voice.options)
    samples, key = pipeline._samples(utterance)
    pipeline._prefix(key, pipeline._prompt("a", samples))  # the voice has spoken before: its prompt has been read
    asked = time.perf_counter()
    stamps, lengths = [], []
    for audio in pipeline.synthesize(utterance):
        stamps.append(time.perf_counter() - asked)
        lengths.append(len(audio))
        if sum(lengths) > 44100 * 4:
            break
    print(
        json.dumps(
            {
                "import_seconds": imported - begun,
                "load_seconds": loaded - imported,
                "warm_up_seconds": warm - loaded,
                "first_audio_ms": stamps[0] * 1e3,
                "first_audio_frames": lengths[0] // 2048,
                "sentence_rtf": stamps[-1] / (sum(lengths) / 44100),
                "peak_memory_mb": status("VmHWM") / 1024,  # ru_maxrss would be that of who started us
                "own_memory_mb": status("RssAnon") / 1024,  # without pages of files, which the system can drop
            }
        )
    )


def status(name):
    """KB of this process, by the name of /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
