"""Upstream's way of computing Fish-Speech, kept to be measured against: the same weights, its habits.

Attention over the whole cache, with keys and values repeated for each query head; ten separate passes of the fast
stack; the head of the whole vocabulary; weight norm in each convolution, sound at once.
"""

import gc
import statistics

import torch


def frames(models, values, context, now):
    """Milliseconds of a frame by its key. models: (precision, a function that opens it with the whole head) each;
    context: tokens before the first frame; now: the clock."""
    results = {}
    for name, opened in models:
        model = opened()
        for slots in (512, 8192):
            took = _median(model, values, min(slots, values["max_seq_len"]), context, 2 if slots == 8192 else 4, now)
            results[f"baseline_ms_per_frame.{slots}.{name}"] = took * 1e3
        del model
        gc.collect()
    return results


def _median(model, values, slots, context, count, now):
    """The median of some frames."""
    from meadowlark_fish_speech.model import semantic_code
    from meadowlark_fish_speech.sampler import Manner, RandomNoise, S1Sampler

    sampler, cache = S1Sampler(Manner(), RandomNoise(0), as_published=True), model.cache(slots)
    fast = model.fast.cache(values["num_codebooks"], 1, model.plan.dtype, "cpu")
    frame = torch.zeros(1, 11, dtype=torch.long)
    took = []
    with torch.inference_mode():
        for at in range(context, context + count + 1):
            begun = now()
            state = _stack(model.slow, model.embed(frame[:, :, None]), cache, at)[:, -1]
            row = sampler.main(model.main_logits(state))
            codes = [semantic_code(model.config, model.tokens, row)]
            _stack(model.fast, model.fast_state(state)[:, None], fast, 0)
            for place in range(1, model.config.codebooks):
                x = torch.nn.functional.embedding(codes[-1], model.fast_embeddings)[:, None]
                x = _stack(model.fast, x, fast, place)[:, -1]
                codes.append(sampler.code(place, model.fast_head(model.fast_norm(x)).float()))
            frame = torch.stack([row, *codes], dim=1)
            sampler.remember(row, frame)
            took.append(now() - begun)
    return statistics.median(took[1:])


def _stack(stack, x, cache, at):
    """One position, attending over all slots of the cache, each key copied for each query head."""
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


def sound(path, decoder, codes, length, now):
    """All at once, weights normed in each call, each operation of the snake by itself."""
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

        stamps = []
        for _ in range(4):
            begun = now()
            once()
            stamps.append(now() - begun)
        return statistics.median(stamps[1:]) / length
    finally:
        codec.Snake.__call__ = ours
