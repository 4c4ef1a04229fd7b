"""Two transformers that speak: the slow one says what comes next, the fast one its ten codes.

A frame is a column of 11 integers: the token of the vocabulary, then the ten codes; text has zeros for codes. Knows
nothing of tokenizers, of prompts or of sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from meadowlark.kit.kvcache import KVCache, causal_mask
from meadowlark.kit.precision import Linear, Plan
from meadowlark.kit.weights import Weights

from .config import ModelConfig
from .transformer import RMSNorm, Stack

WRAPPED = r"(?:(?:module|model|_orig_mod)\.)"
"""What training puts before each name."""

TABLE = (
    (r".*audio_(?!decoder).*", None),  # left over from training
    (rf"{WRAPPED}*text_model\.model\.(.*)", r"\1"),  # S2
    (rf"{WRAPPED}*audio_decoder\.codebook_embeddings\.(.*)", r"codebook_embeddings.\1"),
    (rf"{WRAPPED}*audio_decoder\.(.*)", r"fast_\1"),
    (rf"{WRAPPED}+(.*)", r"\1"),
)
"""Names in the published checkpoints → ours, which are S1's."""

JOINS = ((r"(.*)\.wqkv\.(weight|bias)", (r"\1.wq.\2", r"\1.wk.\2", r"\1.wv.\2")),)
"""Older checkpoints keep queries, keys and values apart."""

KNOWN = r"(fast_)?(layers|embeddings|norm|output|project_in)\..*|codebook_embeddings\..*"
"""Names of which each must be used; others may be there, such as tables that are computed."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the model needs to know of the vocabulary."""

    semantic_begin: int
    semantic_end: int
    stop: int


class Embedding:
    """Frames as vectors: a row for the token and, where it is sound, one for each code."""

    def __init__(self, weights: Weights, config: ModelConfig, tokens: Tokens, plan: Plan) -> None:
        """Raises WeightsError."""
        rows, dim, codes = config.codebooks * config.codebook_size, config.slow.dim, config.codebook_size
        self._tokens, self._dtype = tokens, plan.dtype
        self.text = weights.take("embeddings.weight", (config.vocabulary, dim))
        self.codes = weights.take("codebook_embeddings.weight", (rows, dim))
        if torch.device(plan.device).type == "cpu":
            # In the file's own precision, 84 MB for S1; the text's 320 MB stay in the file: a frame reads a row of it.
            self.codes = self.codes.clone()
        else:
            self.text, self.codes = (each.to(plan.device, plan.dtype) for each in (self.text, self.codes))
        self._offsets = torch.arange(config.codebooks, device=plan.device) * codes
        self._scale = (config.codebooks + 1) ** 0.5 if config.scale_embeddings else 1.0

    def __call__(self, frames: Tensor) -> Tensor:
        """(B, 11, T) integers → (B, T, C)."""
        main, codes = frames[:, 0], frames[:, 1:]
        text = functional.embedding(main, self.text).to(self._dtype)
        sound = functional.embedding(codes + self._offsets[:, None], self.codes).to(self._dtype).sum(dim=1)
        spoken = (main >= self._tokens.semantic_begin) & (main <= self._tokens.semantic_end)
        return torch.where(spoken[..., None], (text + sound) / self._scale, text)


def semantic_code(config: ModelConfig, tokens: Tokens, main: Tensor) -> Tensor:
    """The first code of a frame by its token (B,); text counts as code 0."""
    return (main - tokens.semantic_begin).clamp(0, config.codebook_size - 1)


def head_tokens(config: ModelConfig, tokens: Tokens, whole: bool) -> Tensor:
    """The vocabulary ids of the head's rows, ascending: all, or those that may be drawn."""
    if whole:
        return torch.arange(config.vocabulary)
    return torch.tensor(sorted({*range(tokens.semantic_begin, tokens.semantic_end + 1), tokens.stop}))


def projection(weights: Weights, config: ModelConfig, plan: Plan) -> Linear | None:
    """From the slow stack's width to the fast one's; None where they have the same."""
    slow, fast = config.slow.dim, config.fast.dim
    if slow == fast:
        return None
    return plan.exact(weights.take("fast_project_in.weight", (fast, slow)), weights.take("fast_project_in.bias"))


class DualAR:
    """S1-mini, S2-pro and 1.5 by their configurations."""

    def __init__(
        self, weights: Weights, config: ModelConfig, tokens: Tokens, plan: Plan, *, whole_head: bool = False
    ) -> None:
        """Read all weights. whole_head: keep the rows of the head that are text, as upstream does for S1: 14 % of the
        weights that a frame reads, for tokens that must never be drawn. Raises WeightsError."""
        self.config, self.tokens, self.plan = config, tokens, plan
        dim, fast_dim, codes = config.slow.dim, config.fast.dim, config.codebook_size
        device, dtype = plan.device, plan.dtype
        make = plan.linear
        self.embed = Embedding(weights, config, tokens, plan)
        self.slow = Stack(weights, "layers", config.slow, config.context, make, dtype, device)
        self.norm = RMSNorm(weights.take("norm.weight", (dim,)).to(device, dtype), config.slow.norm_eps)
        whole = self.embed.text if config.tied else weights.take("output.weight", (config.vocabulary, dim))
        self.row_tokens = head_tokens(config, tokens, whole_head).to(device)
        """Vocabulary id of each row of the head, ascending."""
        self.head: Linear = plan.exact(whole if whole_head else whole[self.row_tokens.cpu()], None)
        self.project = projection(weights, config, plan)
        self.fast_embeddings = weights.take("fast_embeddings.weight", (codes, fast_dim)).to(device, dtype)
        self.fast = Stack(weights, "fast_layers", config.fast, config.codebooks, plan.linear, dtype, device)
        self.fast_norm = RMSNorm(weights.take("fast_norm.weight", (fast_dim,)).to(device, dtype), config.fast.norm_eps)
        self.fast_head: Linear = plan.exact(
            weights.take("fast_output.weight", (codes, fast_dim))[: config.residual_rows], None
        )
        self.pair_mask = causal_mask(2, 2, device)

    def cache(self, length: int, batch: int = 1) -> KVCache:
        """Room for so many positions of the slow stack."""
        return self.slow.cache(length, batch, self.plan.dtype, self.plan.device)

    def fast_cache(self, batch: int = 1) -> KVCache:
        """Room for one frame of the fast stack; each frame writes all of it anew."""
        return self.fast.cache(self.config.codebooks, batch, self.plan.dtype, self.plan.device)

    def prefill(self, prompt: Tensor, cache: KVCache, start: int = 0) -> Tensor:
        """Read a prompt (1, 11, T) that follows `start` positions already in the cache; the last state, (1, C)."""
        count = prompt.shape[2]
        mask = causal_mask(count, start + count, self.plan.device)
        return self.slow(self.embed(prompt), cache, start, start + count, mask)[:, -1]

    def step(self, frame: Tensor, cache: KVCache, at: int | Tensor, length: int, mask: Tensor | None = None) -> Tensor:
        """Read one frame (B, 11) of each sequence; the state (B, C) from which the next is drawn."""
        return self.slow(self.embed(frame[:, :, None]), cache, at, length, mask)[:, -1]

    def main_logits(self, state: Tensor) -> Tensor:
        """(B, rows of the head), float32."""
        return self.head(self.norm(state)).float()

    def fast_state(self, state: Tensor) -> Tensor:
        """What the fast stack begins with, (B, C'), of the slow one's last state (B, C)."""
        state = self.norm(state) if self.config.norm_before_fast else state
        return state if self.project is None else self.project(state)

    def begin_codes(self, state: Tensor, code: Tensor, cache: KVCache) -> Tensor:
        """Logits of the second code (B, R): the state and the first code go through the fast stack as one call."""
        x = torch.stack([state, functional.embedding(code, self.fast_embeddings)], dim=1)
        return self._fast_logits(self.fast(x, cache, 0, 2, self.pair_mask))

    def next_code(self, code: Tensor, place: int, cache: KVCache) -> Tensor:
        """Logits of the code after the one at `place` (2 … codebooks - 1), (B, R)."""
        x = functional.embedding(code, self.fast_embeddings)[:, None]
        return self._fast_logits(self.fast(x, cache, place, place + 1))

    def _fast_logits(self, x: Tensor) -> Tensor:
        return self.fast_head(self.fast_norm(x[:, -1])).float()
