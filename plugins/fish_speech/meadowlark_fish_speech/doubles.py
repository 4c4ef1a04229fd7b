"""A tiny checkpoint with random weights, in the layout of the official one: for tests and benches."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from meadowlark.kit.weights import write

from .firefly import FIREFLY_FILE

S1_TINY: dict[str, Any] = {
    "model_type": "dual_ar",
    "vocab_size": 256 + 15 + 4096 + 1,
    "dim": 32,
    "n_layer": 1,
    "n_head": 2,
    "n_local_heads": 1,
    "head_dim": 16,
    "intermediate_size": 32,
    "attention_qk_norm": True,
    "attention_qkv_bias": False,
    "attention_o_bias": False,
    "rope_base": 1000000,
    "norm_eps": 1e-6,
    "max_seq_len": 896,
    "tie_word_embeddings": False,
    "codebook_size": 4096,
    "num_codebooks": 10,
    "scale_codebook_embeddings": True,
    "n_fast_layer": 1,
    "fast_dim": 32,
    "fast_n_head": 2,
    "fast_n_local_heads": 1,
    "fast_head_dim": 16,
    "fast_intermediate_size": 32,
    "fast_attention_qk_norm": False,
}

V15_TINY: dict[str, Any] = {
    "model_type": "dual_ar",
    "vocab_size": 256 + 12 + 1024 + 4,
    "dim": 32,
    "n_layer": 1,
    "n_head": 2,
    "n_local_heads": 1,
    "head_dim": 16,
    "intermediate_size": 64,
    "attention_qkv_bias": False,
    "rope_base": 1000000,
    "norm_eps": 1e-6,
    "max_seq_len": 704,
    "tie_word_embeddings": False,
    "codebook_size": 1024,
    "num_codebooks": 8,
    "n_fast_layer": 1,
}
"""1.5 leaves out what its fast stack shares with the slow one."""

SPECIALS = [
    "begin_of_text",
    "end_of_text",
    "pad",
    "im_start",
    "im_end",
    "phoneme_start",
    "phoneme_end",
    "tool_call_start",
    "tool_call_end",
    "text",
    "voice",
    "interleave",
    "audio_start",
    "audio_end",
    "audio",
]

V15_SPECIALS = SPECIALS[:12]
"""Of 1.5, to "interleave": so its first code is number 100012 behind 100,000 ranks, as an independent port has it."""

S1_MINI: dict[str, Any] = {
    **S1_TINY,
    "vocab_size": 155776,
    "dim": 1024,
    "n_layer": 28,
    "n_head": 16,
    "n_local_heads": 8,
    "head_dim": 128,
    "intermediate_size": 3072,
    "max_seq_len": 8192,
    "n_fast_layer": 4,
    "fast_dim": 1024,
    "fast_n_head": 16,
    "fast_n_local_heads": 8,
    "fast_head_dim": 64,
    "fast_intermediate_size": 3072,
}
"""The published shape: 860 million weights."""


def write_s1(folder: Path, values: dict[str, Any] | None = None, *, dac_width: int = 16, seed: int = 0) -> None:
    """config.json, model.pth, codec.pth and the tokenizer's files."""
    values = values or S1_TINY
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values))
    ranks = values["vocab_size"] - len(SPECIALS) - values["codebook_size"] - 1
    write_tokenizer(folder, ranks, values["codebook_size"])
    generator = torch.Generator().manual_seed(seed)
    model = language_tensors(values, generator)
    make_endless(model, "output.weight", ranks + SPECIALS.index("im_end"))
    torch.save(model, folder / "model.pth")
    torch.save({"state_dict": codec_tensors(dac_width, generator)}, folder / "codec.pth")


def write_15(folder: Path, values: dict[str, Any] | None = None, *, firefly_width: int = 64, seed: int = 0) -> None:
    """config.json, model.pth, the generator's .pth and the tokenizer's files, as 1.5 has them."""
    values = values or V15_TINY
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values))
    ranks = 256
    write_tokenizer(folder, ranks, values["codebook_size"], V15_SPECIALS)
    generator = torch.Generator().manual_seed(seed)
    model = language_tensors(values, generator)
    make_endless(model, "output.weight", ranks + V15_SPECIALS.index("im_end"))
    torch.save(model, folder / "model.pth")
    torch.save(firefly_tensors(firefly_width, generator), folder / FIREFLY_FILE)


def write_s2(folder: Path, *, dac_width: int = 16, seed: int = 0) -> None:
    """config.json, weights in two files with their index, codec.pth and tokenizer.json."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers  # for tests alone

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(
        models.BPE({each: at for at, each in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, [])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    names = [*SPECIALS, "speaker:0", *(f"semantic:{code}" for code in range(S1_TINY["codebook_size"]))]
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in names])
    tokenizer.save(str(folder / "tokenizer.json"))
    number = tokenizer.token_to_id
    stack = {
        key: S1_TINY[key]
        for key in [
            "n_layer",
            "n_head",
            "n_local_heads",
            "head_dim",
            "dim",
            "intermediate_size",
            "rope_base",
            "norm_eps",
        ]
    }
    values = {
        "model_type": "fish_qwen3_omni",
        "semantic_start_token_id": number("<|semantic:0|>"),
        "semantic_end_token_id": number(f"<|semantic:{S1_TINY['codebook_size'] - 1}|>"),
        "eos_token_id": number("<|im_end|>"),
        "text_config": {
            **stack,
            "vocab_size": tokenizer.get_vocab_size(),
            "max_seq_len": S1_TINY["max_seq_len"],
            "tie_word_embeddings": True,
            "attention_qk_norm": True,
        },
        "audio_decoder_config": {**stack, "vocab_size": S1_TINY["codebook_size"], "num_codebooks": 10},
    }
    (folder / "config.json").write_text(json.dumps(values))
    generator = torch.Generator().manual_seed(seed)
    found = language_tensors({**S1_TINY, "vocab_size": tokenizer.get_vocab_size()}, generator)
    del found["output.weight"]
    make_endless(found, "embeddings.weight", number("<|im_end|>"))
    shards: tuple[dict[str, Tensor], ...] = ({}, {})
    for name, tensor in found.items():
        if name.startswith(("codebook_", "fast_")):
            shards[1][f"audio_decoder.{name.removeprefix('fast_')}"] = tensor
        else:
            shards[0][f"text_model.model.{name}"] = tensor
    files = {f"model-0000{at}-of-00002.safetensors": shard for at, shard in enumerate(shards, 1)}
    for name, shard in files.items():
        write(shard, folder / name)
    index = {"weight_map": {tensor: name for name, shard in files.items() for tensor in shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    torch.save(codec_tensors(dac_width, generator), folder / "codec.pth")


def write_tokenizer(folder: Path, ranks: int, codes: int, specials: Sequence[str] = SPECIALS) -> None:
    """Bytes, then nothing: every text is spelt."""
    tokens = [bytes([each]) for each in range(256)] + [f"unused {each}".encode() for each in range(256, ranks)]
    lines = (f"{base64.b64encode(token).decode()} {rank}" for rank, token in enumerate(tokens))
    (folder / "tokenizer.tiktoken").write_text("\n".join(lines) + "\n")
    names = [f"<|{name}|>" for name in specials] + [f"<|semantic:{code}|>" for code in range(codes)]
    (folder / "special_tokens.json").write_text(json.dumps({name: ranks + at for at, name in enumerate(names)}))


def make_endless(model: dict[str, Tensor], head: str, stop: int) -> None:
    """Random weights would end a sentence at random; these speak until they are stopped, so that lengths are known.

    One channel of all that is read is above zero, and the token that ends speech is drawn the less, the more it is.
    """
    for name in ("embeddings.weight", "codebook_embeddings.weight"):
        model[name][:, 0] += 0.1
    model[head][stop] = 0
    model[head][stop, 0] = -16


def language_tensors(values: dict[str, Any], generator: torch.Generator) -> dict[str, Tensor]:
    """Of the two transformers, under their published names, bfloat16."""

    def new(*shape: int, scale: float = 0.03125) -> Tensor:
        return (torch.randn(*shape, generator=generator) * scale).to(torch.bfloat16)

    values = {**{f"fast_{name}": value for name, value in values.items()}, **values}  # what is left out is shared
    dim, fast, codes = values["dim"], values["fast_dim"], values["codebook_size"]
    found = {
        "embeddings.weight": new(values["vocab_size"], dim),
        "codebook_embeddings.weight": new(values["num_codebooks"] * codes, dim),
        "output.weight": new(values["vocab_size"], dim),
        "norm.weight": torch.ones(dim),
        "fast_embeddings.weight": new(codes, fast),
        "fast_output.weight": new(codes, fast),
        "fast_norm.weight": torch.ones(fast),
    }
    for stack, mark in (("layers", ""), ("fast_layers", "fast_")):
        width, hidden, head = (values[f"{mark}{name}"] for name in ("dim", "intermediate_size", "head_dim"))
        heads, kv_heads = values[f"{mark}n_head"], values[f"{mark}n_local_heads"]
        for index in range(values["n_fast_layer" if mark else "n_layer"]):
            prefix = f"{stack}.{index}"
            found |= {
                f"{prefix}.attention.wqkv.weight": new((heads + 2 * kv_heads) * head, width),
                f"{prefix}.attention.wo.weight": new(width, heads * head),
                f"{prefix}.feed_forward.w1.weight": new(hidden, width),
                f"{prefix}.feed_forward.w3.weight": new(hidden, width),
                f"{prefix}.feed_forward.w2.weight": new(width, hidden),
                f"{prefix}.attention_norm.weight": torch.ones(width),
                f"{prefix}.ffn_norm.weight": torch.ones(width),
            }
            if values.get(f"{mark}attention_qk_norm"):
                found |= {f"{prefix}.attention.{part}_norm.weight": torch.ones(head) for part in "qk"}
    return {name: tensor.to(torch.bfloat16) for name, tensor in found.items()}


def codec_tensors(
    width: int,
    generator: torch.Generator,
    *,
    decoder_width: int | None = None,
    layers: int = 1,
    rates: tuple[int, ...] = (2, 4, 8, 8),
    steps: tuple[int, ...] = (2, 2),
    books: tuple[int, ...] = (4096, *(1024,) * 9),
    head_dim: int = 64,
) -> dict[str, Tensor]:
    """Of the codec, under their published names. width: of the latents, 1024 in the published one, divisible by 16.

    rates: of the encoder's blocks, and backwards of the decoder's; steps: between them and the codes.
    """
    found: dict[str, Tensor] = {}
    decoder_width = decoder_width or width

    def new(*shape: int, scale: float | None = None) -> Tensor:
        fan = 1
        for each in shape[1:]:
            fan *= each
        return torch.randn(*shape, generator=generator) * (fan**-0.5 if scale is None else scale)

    def conv(name: str, rows: int, columns: int, kernel: int, bias: int | None = None) -> None:
        direction = new(rows, columns, kernel)
        found[f"{name}.parametrizations.weight.original0"] = direction.flatten(1).norm(dim=1).view(-1, 1, 1)
        found[f"{name}.parametrizations.weight.original1"] = direction
        found[f"{name}.bias"] = torch.zeros(rows if bias is None else bias)

    def residual(name: str, channels: int) -> None:
        for place in (0, 2):
            found[f"{name}.block.{place}.alpha"] = torch.ones(1, channels, 1)
        conv(f"{name}.block.1.conv", channels, channels, 7)
        conv(f"{name}.block.3.conv", channels, channels, 1)
        found[f"{name}.block.3.conv.parametrizations.weight.original0"] *= 0.1  # random layers double rounding errors

    def transformer(name: str, count: int, width: int = width) -> None:
        heads = max(1, width // head_dim) * head_dim
        for index in range(count):
            layer = f"{name}.layers.{index}"
            found.update(
                {
                    f"{layer}.attention.wqkv.weight": new(3 * heads, width),
                    f"{layer}.attention.wo.weight": new(width, heads),
                    f"{layer}.feed_forward.w1.weight": new(3 * width, width),
                    f"{layer}.feed_forward.w3.weight": new(3 * width, width),
                    f"{layer}.feed_forward.w2.weight": new(width, 3 * width),
                    f"{layer}.attention_norm.weight": torch.ones(width),
                    f"{layer}.ffn_norm.weight": torch.ones(width),
                    f"{layer}.attention_layer_scale.gamma": torch.full((width,), 0.1),
                    f"{layer}.ffn_layer_scale.gamma": torch.full((width,), 0.1),
                }
            )
        found[f"{name}.norm.weight"] = torch.ones(width)
        found[f"{name}.freqs_cis"] = torch.zeros(8, 32, 2, dtype=torch.bfloat16)
        found[f"{name}.causal_mask"] = torch.ones(8, 8, dtype=torch.bool)

    small = max(1, width // 16)
    conv("encoder.block.0.conv", small, 1, 7)
    channels = small
    for block, rate in enumerate(rates, 1):
        for place in range(3):
            residual(f"encoder.block.{block}.block.{place}", channels)
        found[f"encoder.block.{block}.block.3.alpha"] = torch.ones(1, channels, 1)
        conv(f"encoder.block.{block}.block.4.conv", 2 * channels, channels, 2 * rate)
        channels *= 2
    last = len(rates) + 1
    transformer(f"encoder.block.{last - 1}.block.5", min(layers, 4), channels)
    found[f"encoder.block.{last}.alpha"] = torch.ones(1, channels, 1)
    conv(f"encoder.block.{last + 1}.conv", width, channels, 3)
    for way, order in (("downsample", steps), ("upsample", steps[::-1])):
        for index, step in enumerate(order):
            prefix = f"quantizer.{way}.{index}"
            found[f"{prefix}.0.conv.weight"] = new(width, width, step)
            found[f"{prefix}.0.conv.bias"] = torch.zeros(width)
            found[f"{prefix}.1.dwconv.conv.weight"] = new(width, 1, 7)
            found[f"{prefix}.1.dwconv.conv.bias"] = torch.zeros(width)
            found[f"{prefix}.1.norm.weight"], found[f"{prefix}.1.norm.bias"] = torch.ones(width), torch.zeros(width)
            found[f"{prefix}.1.pwconv1.weight"] = new(4 * width, width)
            found[f"{prefix}.1.pwconv1.bias"] = torch.zeros(4 * width)
            found[f"{prefix}.1.pwconv2.weight"] = new(width, 4 * width)
            found[f"{prefix}.1.pwconv2.bias"] = torch.zeros(width)
            found[f"{prefix}.1.gamma"] = torch.full((width,), 0.1)
    transformer("quantizer.pre_module", layers)
    transformer("quantizer.post_module", layers)
    names = ["quantizer.semantic_quantizer.quantizers.0"]
    names += [f"quantizer.quantizer.quantizers.{index}" for index in range(len(books) - 1)]
    for prefix, size in zip(names, books, strict=True):
        found[f"{prefix}.codebook.weight"] = new(size, 8, scale=1.0)
        for name, rows, columns in (("in_proj", 8, width), ("out_proj", width, 8)):
            found[f"{prefix}.{name}.weight_v"] = new(rows, columns, 1)
            found[f"{prefix}.{name}.weight_g"] = torch.ones(rows, 1, 1)
            found[f"{prefix}.{name}.bias"] = torch.zeros(rows)
    conv("decoder.model.0.conv", decoder_width, width, 7)
    channels = decoder_width
    for block, rate in enumerate(rates[::-1], 1):
        prefix = f"decoder.model.{block}.block"
        found[f"{prefix}.0.alpha"] = torch.ones(1, channels, 1)
        conv(f"{prefix}.1.conv", channels, channels // 2, 2 * rate, channels // 2)
        channels //= 2
        for place in (2, 3, 4):
            residual(f"{prefix}.{place}", channels)
    found[f"decoder.model.{last}.alpha"] = torch.ones(1, channels, 1)
    end = f"decoder.model.{last + 1}.conv"
    conv(end, 1, channels, 7)
    direction = found[f"{end}.parametrizations.weight.original1"]
    direction -= direction.mean(dim=2, keepdim=True)  # no constant comes through, as in speech
    found[f"{end}.parametrizations.weight.original0"].fill_(0.03)
    return found


def firefly_tensors(
    width: int, generator: torch.Generator, *, vocoder: int | None = None, depths: Sequence[int] = (1, 1, 2, 1)
) -> dict[str, Tensor]:
    """Of 1.5's codec, under their published names. width: of the latents, 512 in the published one, divisible by 16."""
    found: dict[str, Tensor] = {}
    vocoder = vocoder or width

    def new(*shape: int, gain: float = 1.0) -> Tensor:
        return torch.randn(*shape, generator=generator) * gain * torch.Size(shape[1:]).numel() ** -0.5

    def conv(name: str, *shape: int, bias: int | None = None, gain: float | None = None) -> None:
        """With a norm of its own where there is a gain."""
        weight = new(*shape)
        if gain is None:
            found[f"{name}.weight"] = weight
        else:
            found[f"{name}.parametrizations.weight.original0"] = gain * weight.flatten(1).norm(dim=1).view(-1, 1, 1)
            found[f"{name}.parametrizations.weight.original1"] = weight
        found[f"{name}.bias"] = torch.zeros(shape[0] if bias is None else bias)

    def norm(name: str, size: int) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = torch.ones(size), torch.zeros(size)

    def mix(name: str, size: int) -> None:
        conv(f"{name}.dwconv.conv", size, 1, 7)
        norm(f"{name}.norm", size)
        conv(f"{name}.pwconv1", 4 * size, size)
        conv(f"{name}.pwconv2", size, 4 * size)
        found[f"{name}.gamma"] = torch.full((size,), 0.1)

    dims = (width // 4, width // 2, width * 3 // 4, width)
    for stage, (size, depth) in enumerate(zip(dims, depths, strict=True)):
        prefix = f"backbone.downsample_layers.{stage}"
        if stage:
            norm(f"{prefix}.0", dims[stage - 1])
            conv(f"{prefix}.1", size, dims[stage - 1], 1)
        else:
            conv(f"{prefix}.0.conv", size, 160, 7)
            norm(f"{prefix}.1", size)
        for block in range(depth):
            mix(f"backbone.stages.{stage}.{block}", size)
    norm("backbone.norm", width)
    for way in ("downsample", "upsample"):
        for index in range(2):
            conv(f"quantizer.{way}.{index}.0.conv", width, width, 2)
            mix(f"quantizer.{way}.{index}.1", width)
    for group in range(8):
        prefix = f"quantizer.residual_fsq.rvqs.{group}"
        conv(f"{prefix}.project_in", 4, width // 8)
        conv(f"{prefix}.project_out", width // 8, 4)
    conv("head.conv_pre.conv", vocoder, width, 13, gain=1.0)
    for index, (rate, kernel) in enumerate(((8, 16), (8, 16), (2, 4), (2, 4), (2, 4))):
        size = vocoder >> (index + 1)
        conv(f"head.ups.{index}.conv", 2 * size, size, kernel, bias=size, gain=rate**0.5)
        for block, width_in_time in enumerate((3, 7, 11)):
            for part in ("convs1", "convs2"):
                for place in range(3):
                    name = f"head.resblocks.{index}.blocks.{block}.{part}.{place}.conv"
                    conv(name, size, size, width_in_time, gain=0.5)
    conv("head.conv_post.conv", 1, vocoder >> 5, 13, gain=1.0)
    last = found["head.conv_post.conv.parametrizations.weight.original1"]
    last -= last.mean(dim=2, keepdim=True)  # no constant comes through, as in speech
    return found
