"""The shape of a model, from its config.json: S1-mini and 1.5 (flat), S2-pro (nested). Pure.

Knows nothing of tensors. What a file leaves out is filled by the models' own rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

S1_CODEBOOKS = 10
"""1.5, whose configuration is of the same type, has eight, and does not scale their embeddings."""


class ConfigError(ValueError):
    """A config.json is not one of a model that this plugin knows."""


@dataclass(frozen=True, slots=True)
class StackConfig:
    """One transformer."""

    layers: int
    dim: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    """Width of the feed-forward part."""

    qk_norm: bool
    qkv_bias: bool
    o_bias: bool
    rope_base: float
    norm_eps: float


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Both transformers, and what holds them together."""

    generation: str
    """"s1", "s2" or "1.5": how a prompt is written, how tokens are drawn."""

    slow: StackConfig
    fast: StackConfig
    vocabulary: int
    codebooks: int
    codebook_size: int
    context: int
    """Positions that the slow stack was made for."""

    tied: bool
    """The embedding is the head."""

    scale_embeddings: bool
    """Text and codes of one frame are summed, then divided by sqrt(codebooks + 1)."""

    norm_before_fast: bool
    """The fast stack is given the slow one's state after its last norm (S2), not before it (S1)."""

    residual_rows: int
    """Codes that a residual codebook may draw: S1 uses the first 1024 rows of the head only."""

    semantic_begin: int = -1
    """-1: the tokenizer says."""

    semantic_end: int = -1
    stop: int = -1


def read_config(path: Path) -> ModelConfig:
    """The configuration of a model. Raises ConfigError, OSError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path.name} is not a table")
    return config_of(values, path.name)


def config_of(values: Mapping[str, Any], name: str = "config.json") -> ModelConfig:
    """The configuration in a table. Raises ConfigError."""
    kind = values.get("model_type")
    try:
        if kind == "dual_ar":
            return _flat(values)
        if kind == "fish_qwen3_omni":
            return _nested(values)
    except KeyError as error:
        raise ConfigError(f"{name} lacks {error.args[0]!r}") from error
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"{name} holds what is no number where one must be: {error}") from error
    if kind is None:
        raise ConfigError(f"{name} names no model_type: it is another model's, or another program's")
    raise ConfigError(f"{name} is of a model of type {kind!r}; known are dual_ar (S1, 1.5) and fish_qwen3_omni (S2)")


def _flat(values: Mapping[str, Any]) -> ModelConfig:
    slow = _stack(values)
    inherited = {
        "n_layer": values.get("n_fast_layer", 4),
        "dim": values.get("fast_dim") or slow.dim,
        "n_head": values.get("fast_n_head") or slow.heads,
        "n_local_heads": values.get("fast_n_local_heads") or slow.kv_heads,
        "head_dim": values.get("fast_head_dim") or slow.head_dim,
        "intermediate_size": values.get("fast_intermediate_size") or slow.hidden,
        "attention_qk_norm": _given(values.get("fast_attention_qk_norm"), slow.qk_norm),
        "attention_qkv_bias": _given(values.get("fast_attention_qkv_bias"), slow.qkv_bias),
        "attention_o_bias": _given(values.get("fast_attention_o_bias"), slow.o_bias),
        "rope_base": slow.rope_base,
        "norm_eps": slow.norm_eps,
    }
    codebook_size, codebooks = int(values["codebook_size"]), int(values["num_codebooks"])
    scaled = bool(values.get("scale_codebook_embeddings", False))
    first = scaled or codebooks == S1_CODEBOOKS
    return ModelConfig(
        generation="s1" if first else "1.5",
        slow=slow,
        fast=_stack(inherited),
        vocabulary=int(values["vocab_size"]),
        codebooks=codebooks,
        codebook_size=codebook_size,
        context=int(values.get("max_seq_len", 2048)),
        tied=bool(values.get("tie_word_embeddings", True)),
        scale_embeddings=scaled,
        norm_before_fast=bool(values.get("norm_fastlayer_input", False)),
        residual_rows=min(1024, codebook_size) if first else codebook_size,
    )


def _nested(values: Mapping[str, Any]) -> ModelConfig:
    text, audio = values["text_config"], values["audio_decoder_config"]
    return ModelConfig(
        generation="s2",
        slow=_stack(text),
        fast=_stack(audio),
        vocabulary=int(text["vocab_size"]),
        codebooks=int(audio["num_codebooks"]),
        codebook_size=int(audio["vocab_size"]),
        context=int(text.get("max_seq_len", 2048)),
        tied=bool(text.get("tie_word_embeddings", True)),
        scale_embeddings=True,
        norm_before_fast=True,
        residual_rows=int(audio["vocab_size"]),
        semantic_begin=int(values["semantic_start_token_id"]),
        semantic_end=int(values["semantic_end_token_id"]),
        stop=int(values["eos_token_id"]),
    )


def _stack(values: Mapping[str, Any]) -> StackConfig:
    dim, heads = int(values["dim"]), int(values["n_head"])
    kv_heads = int(values.get("n_local_heads", -1))
    return StackConfig(
        layers=int(values["n_layer"]),
        dim=dim,
        heads=heads,
        kv_heads=heads if kv_heads == -1 else kv_heads,
        head_dim=int(values.get("head_dim") or dim // heads),
        hidden=int(values.get("intermediate_size") or -(-int(8 * dim / 3) // 256) * 256),
        qk_norm=bool(values.get("attention_qk_norm", False)),
        qkv_bias=bool(values.get("attention_qkv_bias", False)),
        o_bias=bool(values.get("attention_o_bias", False)),
        rope_base=float(values.get("rope_base", 10000)),
        norm_eps=float(values.get("norm_eps", 1e-5)),
    )


def _given(value: Any, otherwise: bool) -> bool:
    return otherwise if value is None else bool(value)
