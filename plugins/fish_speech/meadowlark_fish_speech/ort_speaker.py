"""Both stacks as graphs of ONNX Runtime, for CPUs: a frame takes a third of the time that torch takes with 4 bits.

The weights are packed once for each checkpoint and precision and kept; from then on a load opens two graphs and reads
the embeddings. Prompts are read by the same graph: nothing is in memory twice.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from meadowlark.kit.kept_files import kept, key_of
from meadowlark.kit.kvcache import Prefix, length_for
from meadowlark.kit.ort import Compute
from meadowlark.kit.ort_decoder import FORMAT, Decoder, GraphError, Reader, Shape
from meadowlark.kit.ort_packing import WHOLE, Packing
from meadowlark.kit.precision import Bits, Plan
from meadowlark.kit.weights import Weights

from .config import ModelConfig, StackConfig
from .generate import FrameMaker, Heads, draw_frame, sampler_of
from .model import KNOWN, Embedding, Tokens, head_tokens, projection
from .sampler import Manner, Noise, Sampler
from .transformer import Rotary

_LOGGER = logging.getLogger(__name__)

PLAN = Plan("cpu", torch.float32)
"""Of what is not in the graphs."""

LAYERS = {Bits.FULL: WHOLE, Bits.INT8: Packing(8), Bits.INT4: Packing(4)}

HEADS = {Bits.FULL: WHOLE, Bits.INT8: Packing(8), Bits.INT4: Packing(8)}
"""Never below 8 bits: a head decides between codes, and is a hundredth of the weights that a frame reads."""

VERSION = 1
"""Changes when the same checkpoint gives other graphs by the same kit."""


class OrtSpeaker:
    """A model as two graphs."""

    def __init__(
        self,
        weights: Weights,
        config: ModelConfig,
        tokens: Tokens,
        bits: Bits,
        folder: Path,
        *,
        threads: int = 0,
        whole_head: bool = False,
    ) -> None:
        """folder: where the graphs are kept. threads: 0 = ONNX Runtime's choice here. Raises WeightsError, OSError when
        they cannot be written."""
        self.config, self.tokens = config, tokens
        self.row_tokens = head_tokens(config, tokens, whole_head)
        self.embed = Embedding(weights, config, tokens, PLAN)
        size = (config.codebook_size, config.fast.dim)
        self.fast_embeddings = weights.take("fast_embeddings.weight", size).float().clone()
        self.project = projection(weights, config, PLAN)
        shapes = shape_of(config.slow, len(self.row_tokens)), shape_of(config.fast, config.residual_rows)
        key = key_of(weights.files, FORMAT, VERSION, config, self.row_tokens.tolist(), LAYERS[bits], HEADS[bits])

        def make(place: Path) -> None:
            write_graphs(weights, config, self.row_tokens, bits, place)

        self.slow, self.fast = _opened(folder, key, make, shapes, bits, Compute(threads=threads))

    def sampler(self, manner: Manner, noise: Noise, *, as_published: bool = False) -> Sampler:
        """Of the model's generation."""
        stop_row = int((self.row_tokens == self.tokens.stop).nonzero())
        return sampler_of(self.config, stop_row, manner, noise, as_published=as_published)

    def start(self, prompt: Tensor, sampler: Sampler, length: int, prefix: Prefix | None = None) -> FrameMaker:
        """Frames of a sentence."""
        return _Frames(self, prompt, sampler, length, prefix)

    @torch.inference_mode()
    def prefix(self, prompt: Tensor) -> Prefix:
        """Keys and values of a voice's prompt."""
        cache = self.slow.cache(length_for(prompt.shape[1], 0, self.config.context))
        self.slow.on(cache).read(self.embed(prompt[None]), 0)
        return cache.snapshot(prompt.shape[1])

    def heads(self, slow: Reader, rows: Sequence[int] = (0,)) -> Heads:
        """What frames are drawn from: these rows of what the slow stack has read."""
        return _Heads(self, slow, rows)

    def readers(self, length: int, prefix: Prefix | None) -> tuple[Reader, Reader]:
        """Of one sentence: the slow stack, which has read the prefix, and the fast one."""
        cache = self.slow.cache(length)
        if prefix is not None:
            cache.restore(prefix)
        return self.slow.on(cache), self.fast.on(self.fast.cache(self.config.codebooks))


class _Frames:
    """One sentence."""

    def __init__(
        self, speaker: OrtSpeaker, prompt: Tensor, sampler: Sampler, length: int, prefix: Prefix | None
    ) -> None:
        self._speaker, self._prompt, self._sampler = speaker, prompt, sampler
        self._begin = 0 if prefix is None else prefix.length
        with torch.inference_mode():
            self._slow, self._fast = speaker.readers(length, prefix)
        self._heads = speaker.heads(self._slow)
        self._at = prompt.shape[1]
        self._frame: Tensor | None = None

    @torch.inference_mode()
    def first(self) -> Tensor:
        self._slow.read(self._speaker.embed(self._prompt[None, :, self._begin :]), self._begin)
        return self._draw()

    @torch.inference_mode()
    def next(self) -> Tensor:
        assert self._frame is not None, "first() comes first"
        self._slow.read(self._speaker.embed(self._frame[:, :, None]), self._at)
        self._at += 1
        return self._draw()

    def close(self) -> None:
        """The cache goes with the object."""

    def _draw(self) -> Tensor:
        self._frame = draw_frame(self._heads, self._slow.state, self._sampler, self._fast)
        return self._frame[0]


class _Heads:
    """What frames are drawn from: readers hold the states and the logits of both stacks."""

    def __init__(self, speaker: OrtSpeaker, slow: Reader, rows: Sequence[int]) -> None:
        self.config, self.tokens, self.row_tokens = speaker.config, speaker.tokens, speaker.row_tokens
        self._speaker, self._slow, self._rows = speaker, slow, list(rows)

    def main_logits(self, state: Tensor) -> Tensor:
        return self._slow.logits[self._rows]  # a copy: a sampler may keep it, the next step overwrites the reader's

    def fast_state(self, state: Tensor) -> Tensor:
        state = (self._slow.normed if self.config.norm_before_fast else self._slow.state)[self._rows]
        return state if self._speaker.project is None else self._speaker.project(state)

    def begin_codes(self, state: Tensor, code: Tensor, cache: Reader) -> Tensor:
        cache.read(torch.stack([state, self._embedded(code)], dim=1), 0)
        return cache.logits.clone()

    def next_code(self, code: Tensor, place: int, cache: Reader) -> Tensor:
        cache.read(self._embedded(code)[:, None], place)
        return cache.logits.clone()

    def _embedded(self, code: Tensor) -> Tensor:
        return functional.embedding(code, self._speaker.fast_embeddings)


def shape_of(stack: StackConfig, head_rows: int) -> Shape:
    """A stack as the kit knows it."""
    return Shape(
        layers=stack.layers,
        dim=stack.dim,
        heads=stack.heads,
        kv_heads=stack.kv_heads,
        head_dim=stack.head_dim,
        hidden=stack.hidden,
        head_rows=head_rows,
        norm_eps=stack.norm_eps,
        qk_norm=stack.qk_norm,
        qkv_bias=stack.qkv_bias,
        out_bias=stack.o_bias,
    )


def write_graphs(weights: Weights, config: ModelConfig, row_tokens: Tensor, bits: Bits, folder: Path) -> None:
    """Both graphs. Takes all weights that are left. Raises WeightsError."""
    from meadowlark.kit.ort_decoder_graph import Packings, build  # the onnx package: not at each load

    packings = Packings(LAYERS[bits], HEADS[bits])
    head = "embeddings.weight" if config.tied else "output.weight"
    main = weights.take(head, (config.vocabulary, config.slow.dim))[row_tokens]
    codes = weights.take("fast_output.weight", (config.codebook_size, config.fast.dim))[: config.residual_rows]
    for name, prefix, norm, stack, positions, rows in (
        ("slow", "layers", "norm", config.slow, config.context, main),
        ("fast", "fast_layers", "fast_norm", config.fast, config.codebooks, codes),
    ):
        table = Rotary(positions, stack.head_dim, stack.rope_base).table
        take = _taker(weights, prefix, norm, stack, rows)
        build(shape_of(stack, len(rows)), take, (table.real, table.imag), packings, folder, name)
    weights.finish(KNOWN)


def _taker(weights: Weights, prefix: str, norm: str, stack: StackConfig, head: Tensor) -> Callable[[str], Tensor]:
    """Weights of a stack by the kit's names."""
    wide, dim, rows = stack.heads * stack.head_dim, stack.dim, (stack.heads + 2 * stack.kv_heads) * stack.head_dim
    names = {
        "attention_norm": ("attention_norm.weight", (dim,)),
        "ffn_norm": ("ffn_norm.weight", (dim,)),
        "q_norm": ("attention.q_norm.weight", (stack.head_dim,)),
        "k_norm": ("attention.k_norm.weight", (stack.head_dim,)),
        "qkv": ("attention.wqkv.weight", (rows, dim)),
        "qkv_bias": ("attention.wqkv.bias", (rows,)),
        "out": ("attention.wo.weight", (dim, wide)),
        "out_bias": ("attention.wo.bias", (dim,)),
        "down": ("feed_forward.w2.weight", (dim, stack.hidden)),
    }

    def take(name: str) -> Tensor:
        if name == "head":
            return head
        if name == "norm":
            return weights.take(f"{norm}.weight", (dim,))
        layer, _, kind = name.partition(".")
        if kind == "gate_up":
            both = (f"{prefix}.{layer}.feed_forward.{each}.weight" for each in ("w1", "w3"))
            return torch.cat([weights.take(each, (stack.hidden, dim)) for each in both])
        ours, shape = names[kind]
        return weights.take(f"{prefix}.{layer}.{ours}", shape)

    return take


def _opened(
    folder: Path,
    key: str,
    make: Callable[[Path], None],
    shapes: tuple[Shape, Shape],
    bits: Bits,
    compute: Compute,
    decoder: Callable[[Path, Shape, Compute], Decoder] = Decoder,
) -> tuple[Decoder, Decoder]:
    """The graphs, made where they are not there, and anew where they cannot be read: not where memory is short."""
    size = sum(bytes_of(shape, bits) for shape in shapes)

    def opened() -> tuple[Decoder, Decoder]:
        place = kept(folder, key, make, size=size)
        slow, fast = (
            decoder(place / f"{name}.onnx", shape, compute)
            for name, shape in zip(("slow", "fast"), shapes, strict=True)
        )
        return slow, fast

    if not (folder / key).is_dir():
        _LOGGER.info("Packing the weights for this processor, once: %.0f MB in %s", size / 1e6, folder)
        return opened()
    try:
        return opened()
    except GraphError as error:
        _LOGGER.warning("%s; it is made again", error)
        shutil.rmtree(folder / key, ignore_errors=True)
        return opened()


def bytes_of(shape: Shape, bits: Bits) -> int:
    """Of a stack's packed weights and its head's: what a step reads."""
    wide, layers = shape.heads * shape.head_dim, LAYERS[bits]
    matrices = (
        (shape.qkv_rows, shape.dim),
        (shape.dim, wide),
        (2 * shape.hidden, shape.dim),
        (shape.dim, shape.hidden),
    )
    layer = sum(layers.size(rows, columns) for rows, columns in matrices)
    return shape.layers * layer + HEADS[bits].size(shape.head_rows, shape.dim)
