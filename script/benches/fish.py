"""Fish-Speech S1-mini at full size with random weights on this CPU: a frame, its sound, a sentence, loading.

Usage: script/bench fish [--tiny] [--threads N] [--frames N] [--precisions int4,int8,full] [--no-baseline] [--cpu-time]
                         [--folder FOLDER]
       script/bench fish --gpu [--device cuda] [--tiny] [--frames N] [--ways eager,captured,compiled] [--batches 1,4,16]

--gpu, the default where there is one, measures that instead: see _fish_gpu.py for what is told.

Needs `script/setup fish_speech`, 8 GB of memory and 4 GB of disk ($TMPDIR); --tiny needs next to nothing and tells
next to nothing. --cpu-time counts what the process computed instead of what passed: with --threads 1, the figure that
a busy machine does not change.

ms_per_frame is of the route that speaks: ONNX Runtime where weights are packed, torch in float32; torch_… are torch's
for the same precision. floor: bytes of weights that a frame reads, by the bandwidth measured here. baseline: the same
weights computed in upstream's way, see _fish_baseline.py. load_seconds.cold packs the weights, .warm finds them packed;
memory and the first sound are of a worker of its own: own_memory_mb is what is not pages of files.
"""

import argparse
import contextlib
import functools
import gc
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _fish_baseline
import _fish_gpu
from _measure import report

now = time.perf_counter

CONTEXT = 128
"""Tokens before the first frame that is timed: a reference of 3 s, a sentence."""


def main():
    global now
    options = parse()
    if options.cpu_time:
        now = time.process_time
    import torch

    torch.set_num_threads(options.threads)
    results, notes = {}, []
    with contextlib.ExitStack() as stack:
        folder = options.folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="meadowlark-fish-"))
        values = write_checkpoint(Path(folder), options.tiny)
        if options.gpu:
            report("fish", _fish_gpu.measure(Path(folder), options, said), ["random weights"])
            return
        results["bandwidth_gb_s"] = bandwidth()
        for name in options.precisions.split(","):
            results |= said(precision(Path(folder), name, options))
        if options.baseline:
            names = options.baseline_precisions.split(",")
            models = [(name, functools.partial(plain_model, Path(folder), name)) for name in names]
            results |= said(_fish_baseline.frames(models, values, CONTEXT, now))
        results |= said(sound(Path(folder), options))
        results |= said(worker(Path(folder), options))
    first = options.precisions.split(",")[0]
    for slots in (8192, 512):
        key = f"baseline_ms_per_frame.{slots}.full"
        if key in results:
            results[f"times_faster.{slots}"] = results[key] / results[f"ms_per_frame.{first}"]
    results["threads"], results["load_average"] = options.threads, os.getloadavg()[0]
    notes.append("medians; random weights; peak_memory_mb is of a worker, pages of files included")
    report("fish", results, notes)


def said(results):
    """Shown at once, for a bench of minutes."""
    print(results, file=sys.stderr, flush=True)
    return results


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--folder", help="where the checkpoint is written and stays; one that is there is used")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--precisions", default="int4,int8,full")
    parser.add_argument("--no-baseline", dest="baseline", action="store_false")
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--baseline-precisions", default="full,bf16")
    parser.add_argument("--gpu", action=argparse.BooleanOptionalAction, help="default: where there is one")
    parser.add_argument("--device", default="cuda", help="of the GPU's part")
    parser.add_argument("--ways", default="eager,captured,compiled")
    parser.add_argument("--batches", default="1,4,16")
    options = parser.parse_args()
    if options.gpu is None:
        import torch

        options.gpu = torch.cuda.is_available()
    return options


def write_checkpoint(folder, tiny):
    """Weights as safetensors, so that loading can be timed without unpickling; the tokenizer's files."""
    import torch

    from meadowlark.kit.weights import write
    from meadowlark_fish_speech.doubles import S1_MINI, S1_TINY, codec_tensors, language_tensors, write_tokenizer

    values = S1_TINY if tiny else S1_MINI
    if (folder / "codec.safetensors").is_file():
        return values
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    (folder / "config.json").write_text(json.dumps(values))
    ranks = 256 if tiny else 151643
    write_tokenizer(folder, ranks, values["codebook_size"])
    write(language_tensors(values, generator), folder / "model.safetensors")
    width, decoder, layers = (16, 16, 1) if tiny else (1024, 1536, 8)
    write(codec_tensors(width, generator, decoder_width=decoder, layers=layers), folder / "codec.safetensors")
    return values


def bandwidth():
    """GB/s that this machine reads from memory with the threads that are set; the best of five."""
    import torch

    block = torch.ones(64 * 1024 * 1024)
    return max(block.numel() * 4 / seconds(block.sum) / 1e9 for _ in range(5))


def seconds(action):
    begun = now()
    action()
    return now() - begun


def tokens_of(folder):
    """Of the checkpoint's vocabulary."""
    from meadowlark_fish_speech.tokenizer import S1Tokenizer

    return S1Tokenizer(folder / "tokenizer.tiktoken", folder / "special_tokens.json").tokens


def plain_model(folder, name):
    """For the baseline: the head is whole."""
    import torch

    from meadowlark.kit.precision import Plan
    from meadowlark.kit.weights import Weights
    from meadowlark_fish_speech.config import read_config
    from meadowlark_fish_speech.model import TABLE, DualAR

    plan = Plan("cpu", torch.bfloat16 if name == "bf16" else torch.float32)
    config = read_config(folder / "config.json")
    return DualAR(Weights([folder / "model.safetensors"], TABLE), config, tokens_of(folder), plan, whole_head=True)


def speakers(folder, name, threads):
    """(key's beginning, the speaker, seconds it took) of each route to a frame in a precision: first what is used."""
    import torch

    from meadowlark.kit.precision import Bits, Plan
    from meadowlark.kit.weights import Weights
    from meadowlark_fish_speech.config import read_config
    from meadowlark_fish_speech.generate import Eager
    from meadowlark_fish_speech.model import TABLE, DualAR
    from meadowlark_fish_speech.ort_speaker import OrtSpeaker

    config, tokens = read_config(folder / "config.json"), tokens_of(folder)

    def weights():
        return Weights([folder / "model.safetensors"], TABLE)

    if name != "full":
        begun = now()
        speaker = OrtSpeaker(weights(), config, tokens, Bits(name), folder / "data" / "graphs", threads=threads)
        yield "", speaker, now() - begun
    begun = now()
    speaker = Eager(DualAR(weights(), config, tokens, Plan("cpu", torch.float32, Bits(name))))
    yield "torch_" if name != "full" else "", speaker, now() - begun


def precision(folder, name, options):
    """A frame, a prompt, a load, by each route."""
    import torch

    from meadowlark_fish_speech.generate import Speech
    from meadowlark_fish_speech.sampler import Manner, RandomNoise

    results = {}
    for route, speaker, load in speakers(folder, name, options.threads):
        prompt = torch.zeros(11, CONTEXT, dtype=torch.long)
        prompt[0] = 1
        stamps = [now()]
        speech = Speech(speaker, prompt, speaker.sampler(Manner(), RandomNoise(0)), options.frames + 2)
        stamps.extend(now() for _ in speech)
        took = [after - before for before, after in itertools.pairwise(stamps)]
        read = bytes_read(speaker, name)
        slow, fast = passes(speaker)
        results |= {
            f"{route}ms_per_frame.{name}": statistics.median(took[1:]) * 1e3,
            f"{route}best_ms_per_frame.{name}": min(took[1:]) * 1e3,
            f"{route}slow_ms.{name}": slow * 1e3,
            f"{route}fast_ms.{name}": fast * 1e3,
            f"{route}floor_ms_per_frame.{name}": read / (bandwidth() * 1e9) * 1e3,
            f"{route}mb_read_per_frame.{name}": read / 1e6,
            f"{route}prefill_ms.{name}": took[0] * 1e3,
            f"{route}load_seconds.{name}": load,
        }
        speech = speaker = None  # 3 GB, before the next is read
        gc.collect()
    return results


def passes(speaker):
    """Seconds of the slow stack's step, of the fast one's nine."""
    import torch

    config = speaker.config
    with torch.inference_mode():
        if hasattr(speaker, "model"):
            model = speaker.model
            cache, reader = model.cache(256), model.fast_cache()
            step = functools.partial(model.step, torch.zeros(1, 11, dtype=torch.long), cache, CONTEXT, CONTEXT + 1)
            heads = model
        else:
            slow, reader = speaker.readers(256, None)
            step = functools.partial(slow.read, torch.zeros(1, 1, config.slow.dim), CONTEXT)
            heads = speaker.heads(slow)
        state, code = torch.zeros(1, config.fast.dim), torch.zeros(1, dtype=torch.long)

        def codes():
            heads.begin_codes(state, code, reader)
            for place in range(2, config.codebooks):
                heads.next_code(code, place, reader)

        return tuple(statistics.median(seconds(each) for _ in range(9)) for each in (step, codes))


def bytes_read(speaker, name):
    """Of weights, by one frame: the slow stack once, the fast one nine times."""
    from meadowlark.kit.precision import Bits
    from meadowlark_fish_speech.ort_speaker import bytes_of

    places = speaker.config.codebooks - 1
    if not hasattr(speaker, "model"):
        return sum(n * bytes_of(each.shape, Bits(name)) for n, each in ((1, speaker.slow), (places, speaker.fast)))
    model = speaker.model
    slow, fast = (
        sum(
            each.bytes
            for layer in stack.layers
            for each in (layer.attention.qkv, layer.attention.out, layer.feed_forward.both, layer.feed_forward.down)
        )
        for stack in (model.slow, model.fast)
    )
    return slow + model.head.bytes + places * (fast + model.fast_head.bytes)


def worker(folder, options):
    """A process that loads and speaks, twice: it packs the weights, it finds them packed."""
    results = {}
    script = Path(__file__).with_name("_fish_worker.py")
    for load in ("cold", "warm"):
        command = [sys.executable, str(script), str(folder), "fast", str(options.threads)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(ran.stdout.splitlines()[-1])
        results[f"load_seconds.{load}"] = found.pop("load_seconds")
        results[f"peak_memory_mb.{load}"] = found.pop("peak_memory_mb")
    return results | found


def sound(folder, options):
    """Seconds of computing for a second of sound: streamed in pieces of 16 frames, of fewer, and in upstream's way."""
    import torch

    from meadowlark.kit.precision import Plan
    from meadowlark.kit.stream import State
    from meadowlark.kit.weights import Weights
    from meadowlark_fish_speech import codec, codec_packed

    results, length = {}, 16 * codec.FRAME / codec.RATE
    codes = torch.randint(0, 1024, (1, 10, 16))
    path = folder / "codec.safetensors"
    for name, dtype in (("bf16", torch.bfloat16), ("full", torch.float32)):
        decoder, state = codec_packed.decoder(Weights([path], codec.TABLE), Plan("cpu", dtype)), State()
        decoder.decode(codes[:, :, :2], state)
        for frames in (1, 4, 16):
            part = codes[:, :, :frames]
            took = [seconds(lambda: decoder.decode(part, state)) for _ in range(2 + 16 // frames)]  # noqa: B023
            key = f"dac_rtf.{name}" if frames == 16 else f"dac_rtf.{name}.{frames}_frames"
            results[key] = statistics.median(took[1:]) / length * 16 / frames
    audio = torch.randn(1, 1, codec.RATE * 3) * 0.1
    encoder = codec_packed.encoder(Weights([path], codec.TABLE), Plan())
    results["encode_rtf"] = min(seconds(lambda: encoder.encode(audio)) for _ in range(2)) / 3
    if options.baseline:
        plain = codec.Decoder(Weights([path], codec.TABLE), Plan())
        results["baseline_dac_rtf"] = _fish_baseline.sound(path, plain, codes, length, now)
    return results


if __name__ == "__main__":
    main()
