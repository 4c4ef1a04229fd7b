"""Fish-Speech S1-mini at full size with random weights on this CPU: a frame, its sound, a sentence, loading.

Usage: script/bench fish [--tiny] [--threads N] [--frames N] [--precisions int4,int8,full] [--no-baseline] [--cpu-time]
       script/bench fish --gpu [--device cuda] [--tiny] [--frames N] [--ways eager,captured,compiled] [--batches 1,4,16]

--gpu, the default where there is one, measures that instead: see _fish_gpu.py for what is told.

Needs `script/setup fish_speech`, 8 GB of memory and 4 GB of disk ($TMPDIR); --tiny needs next to nothing and tells
next to nothing. --cpu-time counts what the process computed instead of what passed: with --threads 1, the figure that
a busy machine does not change.

baseline: the same weights computed in upstream's way: attention over the whole cache, with keys and values repeated for
each query head; ten separate passes of the fast stack; the head of the whole vocabulary; weight norm in each
convolution, sound at once. floor: bytes of weights that a frame reads, by the bandwidth measured here.
"""

import argparse
import gc
import itertools
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import _fish_gpu
from _measure import report

now = time.perf_counter

CONTEXT = 128
"""Tokens before the first frame that is timed: a reference of 3 s, a sentence."""

SENTENCE = "There is fresh bread in the kitchen, and the soup is getting warm."  # 12 words and a few


def main():
    global now
    options = parse()
    if options.cpu_time:
        now = time.process_time
    import torch

    torch.set_num_threads(options.threads)
    results, notes = {}, []
    with tempfile.TemporaryDirectory(prefix="meadowlark-fish-") as folder:
        values = write_checkpoint(Path(folder), options.tiny)
        if options.gpu:
            report("fish", _fish_gpu.measure(Path(folder), options, said), ["random weights"])
            return
        results["bandwidth_gb_s"] = bandwidth()
        for name in options.precisions.split(","):
            results |= said(precision(Path(folder), values, name, options))
        if options.baseline:
            results |= said(baselines(Path(folder), values, options))
        results |= said(sound(Path(folder), options))
        results |= sentence(Path(folder), options)
    first = options.precisions.split(",")[0]
    for slots in (8192, 512):
        key = f"baseline_ms_per_frame.{slots}.full"
        if key in results:
            results[f"times_faster.{slots}"] = results[key] / results[f"ms_per_frame.{first}"]
    results["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results["threads"], results["load_average"] = options.threads, os.getloadavg()[0]
    notes.append("peak_memory_mb is of the whole bench, baselines included; medians; random weights")
    report("fish", results, notes)


def said(results):
    """Shown at once, for a bench of minutes."""
    print(results, file=sys.stderr, flush=True)
    return results


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
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
    import json

    import torch

    from meadowlark.kit.weights import write
    from meadowlark_fish_speech.doubles import S1_MINI, S1_TINY, codec_tensors, language_tensors, write_tokenizer

    values = S1_TINY if tiny else S1_MINI
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


def open_model(folder, name, whole_head=False):
    """(model, seconds)."""
    import torch

    from meadowlark.kit.precision import Bits, Plan
    from meadowlark.kit.weights import Weights
    from meadowlark_fish_speech.config import read_config
    from meadowlark_fish_speech.model import TABLE, DualAR
    from meadowlark_fish_speech.tokenizer import S1Tokenizer

    plan = Plan("cpu", torch.bfloat16) if name == "bf16" else Plan("cpu", torch.float32, Bits(name))
    tokens = S1Tokenizer(folder / "tokenizer.tiktoken", folder / "special_tokens.json").tokens
    begun = now()
    config = read_config(folder / "config.json")
    model = DualAR(Weights([folder / "model.safetensors"], TABLE), config, tokens, plan, whole_head=whole_head)
    return model, now() - begun


def precision(folder, values, name, options):
    """A frame, step by step."""
    import torch

    from meadowlark_fish_speech.generate import Eager, Speech
    from meadowlark_fish_speech.sampler import Manner, RandomNoise, S1Sampler

    model, load = open_model(folder, name)
    prompt = torch.zeros(11, CONTEXT, dtype=torch.long)
    prompt[0] = 1
    stamps = [now()]
    speech = Speech(Eager(model), prompt, S1Sampler(Manner(), RandomNoise(0)), options.frames + 2)
    stamps.extend(now() for _ in speech)
    took = [after - before for before, after in itertools.pairwise(stamps)]
    cache, fast = model.cache(256), model.fast_cache()
    frame = torch.zeros(1, 11, dtype=torch.long)
    with torch.inference_mode():
        slow = statistics.median(seconds(lambda: model.step(frame, cache, CONTEXT, CONTEXT + 1)) for _ in range(6))
        state, code = torch.zeros(1, values["fast_dim"], dtype=model.plan.dtype), torch.zeros(1, dtype=torch.long)

        def codes():
            model.begin_codes(state, code, fast)
            for place in range(2, 10):
                model.next_code(code, place, fast)

        quick = statistics.median(seconds(codes) for _ in range(6))
    read = bytes_read(model)
    results = {
        f"ms_per_frame.{name}": statistics.median(took[1:]) * 1e3,
        f"best_ms_per_frame.{name}": min(took[1:]) * 1e3,
        f"slow_ms.{name}": slow * 1e3,
        f"fast_ms.{name}": quick * 1e3,
        f"floor_ms_per_frame.{name}": read / (bandwidth() * 1e9) * 1e3,
        f"mb_read_per_frame.{name}": read / 1e6,
        f"prefill_ms.{name}": took[0] * 1e3,
        f"load_seconds.{name}": load,
    }
    model = speech = None  # 3 GB, before the next is read
    gc.collect()
    return results


def bytes_read(model):
    """Of weights, by one frame: the slow stack once, the fast one nine times."""

    def of(stack):
        return sum(
            each.bytes
            for layer in stack.layers
            for each in (
                layer.attention.qkv,
                layer.attention.out,
                layer.feed_forward.both,
                layer.feed_forward.down,
            )
        )

    places = model.config.codebooks - 1
    return of(model.slow) + model.head.bytes + places * (of(model.fast) + model.fast_head.bytes)


def baselines(folder, values, options):
    """Upstream's way, in float32 and in bfloat16."""
    results = {}
    for name in options.baseline_precisions.split(","):
        model, _ = open_model(folder, name, whole_head=True)
        for slots in (512, 8192):
            took = plain_frames(model, values, min(slots, values["max_seq_len"]), 2 if slots == 8192 else 4)
            results[f"baseline_ms_per_frame.{slots}.{name}"] = took * 1e3
        del model
        gc.collect()
    return results


def plain_frames(model, values, slots, count):
    """The median of some frames."""
    import torch

    from meadowlark_fish_speech.model import semantic_code
    from meadowlark_fish_speech.sampler import Manner, RandomNoise, S1Sampler

    sampler, cache = S1Sampler(Manner(), RandomNoise(0), as_published=True), model.cache(slots)
    fast = model.fast.cache(values["num_codebooks"], 1, model.plan.dtype, "cpu")
    frame = torch.zeros(1, 11, dtype=torch.long)
    took = []
    with torch.inference_mode():
        for at in range(CONTEXT, CONTEXT + count + 1):
            begun = now()
            state = plain_stack(model.slow, model.embed(frame[:, :, None]), cache, at)[:, -1]
            row = sampler.main(model.main_logits(state))
            codes = [semantic_code(model.config, model.tokens, row)]
            plain_stack(model.fast, model.fast_state(state)[:, None], fast, 0)
            for place in range(1, model.config.codebooks):
                x = torch.nn.functional.embedding(codes[-1], model.fast_embeddings)[:, None]
                x = plain_stack(model.fast, x, fast, place)[:, -1]
                codes.append(sampler.code(place, model.fast_head(model.fast_norm(x)).float()))
            frame = torch.stack([row, *codes], dim=1)
            sampler.remember(row, frame)
            took.append(now() - begun)
    return statistics.median(took[1:])


def plain_stack(stack, x, cache, at):
    """One position, attending over all slots of the cache, each key copied for each query head."""
    import torch

    mask = (torch.arange(cache.length) <= at)[None, None, None]
    angles = stack.rotary.table[at : at + 1]
    group = stack.config.heads // stack.config.kv_heads
    for index, layer in enumerate(stack.layers):
        queries, keys, values = layer.attention.project(layer.attention_norm(x), stack.rotary, angles)
        cache.write(index, at, keys, values)
        keys, values = (each.repeat_interleave(group, dim=1) for each in cache.read(index, cache.length))
        y = torch.nn.functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        x = x + layer.attention.join(y)
        x = x + layer.feed_forward(layer.ffn_norm(x))
    return x


def sound(folder, options):
    """Seconds of computing for a second of sound: streamed in pieces of 16 frames, and in upstream's way."""
    import torch

    from meadowlark.kit.precision import Plan
    from meadowlark.kit.stream import State
    from meadowlark.kit.weights import Weights
    from meadowlark_fish_speech import codec

    results, length = {}, 16 * codec.FRAME / codec.RATE
    codes = torch.randint(0, 1024, (1, 10, 16))
    path = folder / "codec.safetensors"
    for name, dtype in (("bf16", torch.bfloat16), ("full", torch.float32)):
        decoder, state = codec.Decoder(Weights([path], codec.TABLE), Plan("cpu", dtype)), State()
        decoder.decode(codes[:, :, :2], state)
        took = [seconds(lambda: decoder.decode(codes, state)) for _ in range(3)]  # noqa: B023
        results[f"dac_rtf.{name}"] = statistics.median(took) / length
    if options.baseline:
        results["baseline_dac_rtf"] = plain_sound(path, decoder, codes, length)
    return results


def plain_sound(path, decoder, codes, length):
    """All at once, weights normed in each call, each operation of the snake by itself."""
    import torch

    from meadowlark.kit.weights import Weights
    from meadowlark_fish_speech import codec

    weights = Weights([path], codec.TABLE)
    normed = [
        (weights.take(f"{name}.weight_g").clone(), weights.take(f"{name}.weight_v").clone())
        for name in sorted({each.rsplit(".", 1)[0] for each in weights._where if each.endswith(".weight_v")})
        if name.startswith("decoder.")
    ]

    def snake(self, x):
        return x + (self.alpha + 1e-9).reciprocal() * torch.sin(self.alpha * x).pow(2)

    ours, codec.Snake.__call__ = codec.Snake.__call__, snake
    try:

        def once():
            for size, direction in normed:
                size * direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1)
            decoder.decode(codes)

        once()
        return statistics.median(seconds(once) for _ in range(3)) / length
    finally:
        codec.Snake.__call__ = ours


def sentence(folder, options):
    """From text to the first sound, as the server has it."""
    from meadowlark.api import PipelineContext, Utterance, Voice
    from meadowlark_fish_speech.pipeline import FishPipeline

    pipeline = FishPipeline(
        PipelineContext("fish_speech", data_dir=folder / "data", options={"folder": str(folder), "quality": "fast"})
    )
    load = seconds(pipeline.load)
    warm = seconds(pipeline.warm_up)
    voice = Voice("one", ("en-US",), options={"timbre": 1})
    pipeline._draw_anchor = lambda seed: __import__("torch").zeros(10, 60, dtype=int)  # 2.8 s of reference
    utterance = Utterance(SENTENCE, voice, "en-US", options=voice.options)
    pipeline._prefix(*prefix_of_voice(pipeline, utterance))
    speech = pipeline.synthesize(utterance)
    begun = now()
    first = next(speech)
    took = now() - begun
    speech.close()
    return {
        "first_audio_ms": took * 1e3,
        "first_audio_frames": len(first) // 2048,
        "load_seconds": load,
        "warm_up_seconds": warm,
    }


def prefix_of_voice(pipeline, utterance):
    """The voice has spoken before: its prompt has been read."""
    samples, key = pipeline._samples(utterance)
    return key, pipeline._prompt("a", samples)


if __name__ == "__main__":
    main()
