"""The GPU's part of `script/bench fish`: S1-mini at full size with random weights, frames from 1, 4 and 16 sentences.

Keys of the JSON object (way: eager = operation by operation, captured = a recorded graph for a whole frame, compiled =
the same, its operations fused by torch.compile before):

    frames_per_second.<way>.<batch>   of all sentences together; a sentence in real time needs 21.53
    step_ms.<way>.<batch>             one step of all of them
    record_seconds.<way>.<batch>      until the step is ready; once at each load
    bandwidth_gb_s                    read and write of a large copy
    mb_read_per_frame                 weights that one step reads, whatever the batch
    roofline_frames_per_second        what that bandwidth allows one sentence
    roofline_share.<way>              of it, reached by one sentence
    dac_rtf.<precision>               seconds of computing for a second of sound, in pieces of 16 frames
    first_audio_ms, first_audio_frames   of a sentence of 12 words, with a voice that has spoken before
    load_seconds, warm_up_seconds     of the pipeline, graphs included
    vram_mb.weights, vram_mb.peak     allocated after loading; at most, in the whole bench (only on a GPU)

Published, to beat: S1-mini 150 frames a second compiled on an RTX 4090. With --device cpu all of it runs, slowly; the
tape then stands for the graph, and figures say nothing.
"""

from __future__ import annotations

import gc
import statistics
import time

CONTEXT = 128
"""Tokens before the first frame: a reference of 3 s, a sentence."""

SENTENCE = "There is fresh bread in the kitchen, and the soup is getting warm."

COMPILE_MODE = "max-autotune-no-cudagraphs"


def measure(folder, options, said):
    """All of it, by key. folder: a checkpoint as fish.py writes it. said: shows results while the bench goes on."""
    import torch

    device = options.device
    results = {"device": torch.cuda.get_device_name(device) if on_gpu(device) else "cpu"}
    results |= said({"bandwidth_gb_s": bandwidth(device, options.tiny)})
    model, plan = open_model(folder, device)
    read = frame_bytes(model)
    roofline = results["bandwidth_gb_s"] * 1e9 / read
    results |= {"mb_read_per_frame": read / 1e6, "roofline_frames_per_second": roofline}
    if on_gpu(device):
        results["vram_mb.weights"] = torch.cuda.memory_allocated(device) / 1e6
    batches = [int(each) for each in options.batches.split(",")]
    for way in options.ways.split(","):
        for batch in batches:
            results |= said(frames(model, way, batch, options.frames))
        if (key := f"frames_per_second.{way}.1") in results:
            results[f"roofline_share.{way}"] = results[key] / roofline
    del model
    gc.collect()
    results |= said(sound(folder, device, plan.dtype))
    results |= said(sentence(folder, device))
    if on_gpu(device):
        results["vram_mb.peak"] = torch.cuda.max_memory_allocated(device) / 1e6
    return results


def on_gpu(device):
    return device.startswith("cuda")


def waited(device):
    """All that was asked of the device is done."""
    import torch

    if on_gpu(device):
        torch.cuda.synchronize(device)


def timed(action, device):
    waited(device)
    begun = time.perf_counter()
    action()
    waited(device)
    return time.perf_counter() - begun


def bandwidth(device, tiny):
    import torch

    source = torch.ones((1 if tiny else 256) * 1024 * 1024, device=device)
    target = torch.empty_like(source)
    best = min(timed(lambda: target.copy_(source), device) for _ in range(5))
    return 2 * source.numel() * 4 / best / 1e9


def open_model(folder, device):
    import torch

    from meadowlark.kit.precision import Quality, plan
    from meadowlark.kit.weights import Weights
    from meadowlark_fish_speech.config import read_config
    from meadowlark_fish_speech.model import TABLE, DualAR
    from meadowlark_fish_speech.tokenizer import S1Tokenizer

    chosen = plan(device, Quality.QUALITY)
    tokens = S1Tokenizer(folder / "tokenizer.tiktoken", folder / "special_tokens.json").tokens
    config = read_config(folder / "config.json")
    model = DualAR(Weights([folder / "model.safetensors"], TABLE), config, tokens, chosen)
    # Random weights end a sentence every 2000 frames or so, and a sentence that has ended has no more to be timed.
    stop = model.row_tokens == tokens.stop
    model.head.bias = torch.zeros(len(stop), device=device, dtype=chosen.dtype).masked_fill_(stop, -1e4)
    return model, chosen


def frame_bytes(model):
    """Of weights, read by one frame: the slow stack once, the fast one nine times."""

    def of(stack):
        parts = ((each.attention.qkv, each.attention.out, each.feed_forward) for each in stack.layers)
        return sum(qkv.bytes + out.bytes + feed.both.bytes + feed.down.bytes for qkv, out, feed in parts)

    passes = model.config.codebooks - 1
    return of(model.slow) + model.head.bytes + passes * (of(model.fast) + model.fast_head.bytes)


def frames(model, way, batch, count):
    """Some seconds of `batch` sentences at once."""
    import torch

    from meadowlark.kit.decode import Opening
    from meadowlark.kit.graphs import recorder_for
    from meadowlark.kit.recorded import Recorded
    from meadowlark.kit.tape import Tape
    from meadowlark_fish_speech.batch import TorchModel
    from meadowlark_fish_speech.captured import Drawn, Request
    from meadowlark_fish_speech.sampler import S1_MANNER, RandomNoise

    device = model.plan.device
    if way == "compiled" and not on_gpu(device):
        return {}
    recorder = None if way == "eager" else recorder_for(device) or Tape()
    capacity = min(model.config.context, 1024)
    prompt = torch.ones(11, CONTEXT, dtype=torch.long)
    prompt[1:] = 0
    begun = time.perf_counter()
    mode = COMPILE_MODE if way == "compiled" else ""
    drawn = Drawn(model, batch)
    places = Recorded(TorchModel(model), drawn, batch, capacity, recorder=recorder, compile_mode=mode)
    taken = [places.join(Request(S1_MANNER, RandomNoise(seed)), Opening(prompt)) for seed in range(batch)]
    places.record_all()
    ready = time.perf_counter() - begun

    def advance(steps):
        for _ in range(steps):
            for place in taken:
                places.frame(place)

    advance(12)  # over the short blocks of the beginning
    steps = max(4, count // 4 * 4)
    seconds = statistics.median(timed(lambda: advance(steps), device) for _ in range(3)) / steps
    if recorder is not None and not places.recorded:
        raise SystemExit("the step was not recorded: see the warning above")
    key = f"{way}.{batch}"
    return {
        f"frames_per_second.{key}": batch / seconds,
        f"step_ms.{key}": seconds * 1e3,
        f"record_seconds.{key}": ready,
    }


def sound(folder, device, dtype):
    import torch

    from meadowlark.kit.precision import Plan
    from meadowlark.kit.stream import State
    from meadowlark.kit.weights import Weights
    from meadowlark_fish_speech import codec

    codes = torch.randint(0, 1024, (1, 10, 16)).to(device)
    results = {}
    for name, precision in {"half": dtype, "full": torch.float32}.items():
        decoder = codec.Decoder(Weights([folder / "codec.safetensors"], codec.TABLE), Plan(device, precision))
        state = State()
        with torch.inference_mode():
            decoder.decode(codes, state)
            took = [timed(lambda: decoder.decode(codes, state), device) for _ in range(5)]  # noqa: B023
        results[f"dac_rtf.{name}"] = statistics.median(took) / (16 * codec.FRAME / codec.RATE)
    return results


def sentence(folder, device):
    """From text to the first sound, as the server has it; a timbre stands in for a reference."""
    from meadowlark.api import PipelineContext, Utterance, Voice
    from meadowlark_fish_speech.pipeline import FishPipeline

    options = {"folder": str(folder), "quality": "quality"}
    context = PipelineContext("fish_speech", device=device, data_dir=folder / "data", options=options)
    pipeline = FishPipeline(context)
    load, warm = timed(pipeline.load, device), timed(pipeline.warm_up, device)
    voice = Voice("one", ("en-US",), options={"timbre": 1})
    utterance = Utterance(SENTENCE, voice, "en-US", options=voice.options)
    took, first = [], b""
    for _ in range(4):  # the first makes the timbre
        speech = pipeline.synthesize(utterance)
        begun = time.perf_counter()
        first = next(piece for piece in speech if len(piece))  # empty ones let others in
        took.append(time.perf_counter() - begun)
        speech.close()
    return {
        "first_audio_ms": statistics.median(took[1:]) * 1e3,
        "first_audio_frames": len(first) // 2048,
        "load_seconds": load,
        "warm_up_seconds": warm,
    }
