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

MOST, MOST_LAYERS, MOST_POSITIONS = 2**24, 1024, 2**18
"""What no model has more of: a number that is out of all reason is named before memory is asked for it."""


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
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
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
    except _WrongError as error:
        raise ConfigError(f"{name}: {error}; download it again, or take that of the model itself") from error
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
        "attention_qk_norm": _flag(values, "fast_attention_qk_norm", slow.qk_norm),
        "attention_qkv_bias": _flag(values, "fast_attention_qkv_bias", slow.qkv_bias),
        "attention_o_bias": _flag(values, "fast_attention_o_bias", slow.o_bias),
        "rope_base": slow.rope_base,
        "norm_eps": slow.norm_eps,
    }
    codebook_size, codebooks = _count(values, "codebook_size"), _count(values, "num_codebooks", least=2)
    scaled = _flag(values, "scale_codebook_embeddings", False)
    first = scaled or codebooks == S1_CODEBOOKS
    return ModelConfig(
        generation="s1" if first else "1.5",
        slow=slow,
        fast=_stack(inherited, "fast_"),
        vocabulary=_count(values, "vocab_size"),
        codebooks=codebooks,
        codebook_size=codebook_size,
        context=_context(values),
        tied=_flag(values, "tie_word_embeddings", True),
        scale_embeddings=scaled,
        norm_before_fast=_flag(values, "norm_fastlayer_input", False),
        residual_rows=min(1024, codebook_size) if first else codebook_size,
    )


def _nested(values: Mapping[str, Any]) -> ModelConfig:
    text, audio = _table(values, "text_config"), _table(values, "audio_decoder_config")
    return ModelConfig(
        generation="s2",
        slow=_stack(text, "text_config."),
        fast=_stack(audio, "audio_decoder_config."),
        vocabulary=_count(text, "vocab_size", "text_config."),
        codebooks=_count(audio, "num_codebooks", "audio_decoder_config.", least=2),
        codebook_size=_count(audio, "vocab_size", "audio_decoder_config."),
        context=_context(text),
        tied=_flag(text, "tie_word_embeddings", True),
        scale_embeddings=True,
        norm_before_fast=True,
        residual_rows=_count(audio, "vocab_size", "audio_decoder_config."),
        semantic_begin=_count(values, "semantic_start_token_id", least=0),
        semantic_end=_count(values, "semantic_end_token_id", least=0),
        stop=_count(values, "eos_token_id", least=0),
    )


def _stack(values: Mapping[str, Any], where: str = "") -> StackConfig:
    """where: what an error puts before a name."""
    dim, heads = _count(values, "dim", where), _count(values, "n_head", where)
    own = values.get("n_local_heads", -1)
    kv_heads = heads if own == -1 else _count(values, "n_local_heads", where)
    if heads % kv_heads:
        raise _WrongError(f"{where}n_head is {heads}, no multiple of n_local_heads, which is {kv_heads}")
    head_dim = _count(values, "head_dim", where) if values.get("head_dim") else dim // heads
    if head_dim < 2 or head_dim % 2:
        raise _WrongError(f"{where}head_dim is {head_dim}; it must be even")
    return StackConfig(
        layers=_count(values, "n_layer", where, most=MOST_LAYERS),
        dim=dim,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        hidden=_count(values, "intermediate_size", where)
        if values.get("intermediate_size")
        else -(-int(8 * dim / 3) // 256) * 256,
        qk_norm=_flag(values, "attention_qk_norm", False),
        qkv_bias=_flag(values, "attention_qkv_bias", False),
        o_bias=_flag(values, "attention_o_bias", False),
        rope_base=_positive(values, "rope_base", 10000.0, where),
        norm_eps=_positive(values, "norm_eps", 1e-5, where),
    )


class _WrongError(ValueError):
    """A value that cannot be."""


def _context(values: Mapping[str, Any]) -> int:
    return _count(values, "max_seq_len", most=MOST_POSITIONS) if "max_seq_len" in values else 2048


def _count(values: Mapping[str, Any], name: str, where: str = "", least: int = 1, most: int = MOST) -> int:
    value = values[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _WrongError(f"{where}{name} is {_shown(value)}; it must be a whole number from {least} to {most}")
    return value


def _positive(values: Mapping[str, Any], name: str, default: float, where: str) -> float:
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e30:
        raise _WrongError(f"{where}{name} is {_shown(value)}; it must be a number above 0")
    return float(value)


def _flag(values: Mapping[str, Any], name: str, default: bool) -> bool:
    value = values.get(name)
    if value is None:
        return default
    if value not in (True, False):  # 0 and 1 too
        raise _WrongError(f"{name} is {_shown(value)}; it must be true or false")
    return bool(value)


def _table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = values[name]
    if not isinstance(value, Mapping):
        raise _WrongError(f"{name} is {_shown(value)}; it must be a table")
    return value


def _shown(value: Any) -> str:
    return f"{value!r:.40}"
