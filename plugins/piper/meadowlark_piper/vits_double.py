"""A voice of some kilobytes whose text part is VITS, written operator by operator as exporters leave it, for tests.

Masks for a batch, norms in pieces, shapes computed at each step: what `vits_graph` writes anew. All weights are random.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from meadowlark.kit.onnx_build import Writer
from meadowlark.kit.onnx_graph import part, tensor

from . import doubles

HIDDEN, HEADS, NEAR, FILTERS, SYMBOLS = 8, 2, 2, 12, 256
LAYERS, SPLINES, COUPLINGS, GATES = 2, 3, 2, 2
BINS, BOUND, LEAST = 4, 5.0, 1e-3
FRAMES, SPEAKER = doubles.CHANNELS, 6


@dataclass(slots=True)
class _Weights:
    random: np.random.Generator

    def __call__(self, *shape: int, scale: float = 0.3) -> NDArray[np.float32]:
        return (self.random.standard_normal(shape) * scale).astype(np.float32)


def write_voice(
    folder: Path, name: str = "en_US-vits-medium", *, speakers: Sequence[str] = (), fused: bool = False
) -> Path:
    """NAME.onnx and NAME.onnx.json. fused: norms are one operator, as newer exporters write them."""
    path = doubles.write_voice(folder, name, speakers=speakers)
    onnx.save(voice(len(speakers), fused=fused), path)
    return path


def voice(speakers: int = 0, *, fused: bool = False) -> ModelProto:
    """The whole model; the sound part is that of `doubles`."""
    whole = doubles.voice(speakers)
    row = [tensor("g", (1, doubles.CHANNELS, 1))] if speakers else []
    frames = tensor("z", (1, doubles.CHANNELS, "frames"))
    sound = part(whole, [frames, *row], list(whole.graph.output), "sound")
    text = _Text(speakers, fused=fused).model()
    graph = onnx.helper.make_graph(
        [*text.graph.node, *sound.graph.node],
        "vits",
        list(whole.graph.input),
        list(whole.graph.output),
        [*text.graph.initializer, *sound.graph.initializer],
    )
    model = onnx.helper.make_model(graph, opset_imports=list(text.opset_import), ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


class _Text:
    """input, input_lengths, scales, sid → z, g."""

    def __init__(self, speakers: int, *, fused: bool) -> None:
        self.write = Writer(opset=17 if fused else 15)
        self.some = _Weights(np.random.default_rng(3))
        self.speakers, self.fused = speakers, fused
        self.mask = self.g = ""

    def model(self) -> ModelProto:
        write = self.write
        steps = write("Mul", write("Gather", self.some(SYMBOLS, HIDDEN), "input"), math.sqrt(HIDDEN))
        if self.speakers:
            row = write("Gather", self.some(self.speakers, FRAMES, scale=1.0), "sid")
            self.g = write("Unsqueeze", row, [2], out="g")
        steps = write("Transpose", steps, perm=[0, 2, 1])
        self.mask = self.mask_of("input_lengths", self.size(steps, 2))
        steps = write("Mul", steps, self.mask)
        for _ in range(LAYERS):
            steps = self.norm(write("Add", steps, self.attention(steps)))
            steps = self.norm(write("Add", steps, self.feed_forward(steps)))
        statistics = write("Mul", self.conv(write("Mul", steps, self.mask), HIDDEN, 2 * FRAMES), self.mask)
        durations = self.durations(steps)
        self.frames(statistics, durations)
        return write.model("text", [], [tensor("z", (1, FRAMES, "frames"))])

    def frames(self, statistics: str, durations: str) -> None:
        write = self.write
        total = write("Clip", write("ReduceSum", durations, [1, 2], keepdims=0), 1.0)
        lengths = write("Cast", total, to=TensorProto.INT64)
        longest = write("ReduceMax", lengths, keepdims=0)
        ends = write("CumSum", write("Squeeze", durations, [1]), 1)
        numbers = write("Cast", write("Range", 0, longest, 1), to=TensorProto.FLOAT)
        before = write("Less", write("Unsqueeze", numbers, [0, 2]), write("Unsqueeze", ends, [1]))  # (1, F, T)
        before = write("Cast", before, to=TensorProto.FLOAT)
        earlier = write("Slice", write("Pad", before, [0, 0, 1, 0, 0, 0]), [0], [-1], [2])
        path = write("Sub", before, earlier)
        mean, logs = write.several("Split", 2, statistics, [FRAMES, FRAMES], axis=1)
        mean, logs = (
            write("Transpose", write("MatMul", path, write("Transpose", each, perm=[0, 2, 1])), perm=[0, 2, 1])
            for each in (mean, logs)
        )
        noise = write("Mul", write("RandomNormalLike", mean, dtype=TensorProto.FLOAT), write("Exp", logs))
        state = write("Add", mean, write("Mul", noise, write("Gather", "scales", 0)))
        self.mask = self.mask_of(lengths, longest)
        for _ in range(COUPLINGS):
            state = self.coupling(write("Slice", state, [-1], [-(2**31)], [1], [-1]))
        write("Mul", state, self.mask, out="z")

    def coupling(self, state: str) -> str:
        write, half = self.write, FRAMES // 2
        kept, shifted = write.several("Split", 2, state, [half, half], axis=1)
        inner = write("Mul", self.conv(kept, half, HIDDEN), self.mask)
        added = self.conv(self.g, FRAMES, 2 * HIDDEN * GATES) if self.g else ""
        out = ""
        for number in range(GATES):
            gates = self.conv(inner, HIDDEN, 2 * HIDDEN, 5)
            if added:
                gates = write(
                    "Add", gates, write("Slice", added, [2 * HIDDEN * number], [2 * HIDDEN * (number + 1)], [1])
                )
            sides = write.several("Split", 2, gates, [HIDDEN, HIDDEN], axis=1)
            said = write("Mul", write("Tanh", sides[0]), write("Sigmoid", sides[1]))
            if number < GATES - 1:
                said, skipped = write.several("Split", 2, self.conv(said, HIDDEN, 2 * HIDDEN), [HIDDEN, HIDDEN], axis=1)
                inner = write("Mul", write("Add", inner, said), self.mask)
            else:
                skipped = self.conv(said, HIDDEN, HIDDEN)
            out = write("Add", out, skipped) if out else skipped
        moved = write("Sub", shifted, write("Mul", self.conv(write("Mul", out, self.mask), HIDDEN, half), self.mask))
        return write("Concat", kept, write("Mul", moved, self.mask), axis=1)

    def attention(self, steps: str) -> str:
        write, width = self.write, HIDDEN // HEADS
        count = self.size(steps, 2)
        shape = write("Concat", [1, HEADS, width], self.row(count), axis=0)
        query, key, value = (
            write("Transpose", write("Reshape", self.conv(steps, HIDDEN, HIDDEN), shape), perm=[0, 1, 3, 2])
            for _ in range(3)
        )
        query = write("Div", query, math.sqrt(width))
        scores = write("MatMul", query, write("Transpose", key, perm=[0, 1, 3, 2]))
        distant = write("Transpose", self.near(count), perm=[0, 2, 1])
        scores = write("Add", scores, self.by_position(write("MatMul", query, distant), count))
        both = write("Mul", write("Unsqueeze", self.mask, [3]), write("Unsqueeze", self.mask, [2]))
        weights = write("Softmax", write("Where", write("Equal", both, 0.0), -1e4, scores), axis=-1)
        heard = write("MatMul", weights, value)
        heard = write("Add", heard, write("MatMul", self.by_distance(weights, count), self.near(count)))
        joined = write("Concat", [1, HIDDEN], self.row(count), axis=0)
        return self.conv(write("Reshape", write("Transpose", heard, perm=[0, 1, 3, 2]), joined), HIDDEN, HIDDEN)

    def near(self, count: str) -> str:
        """What is learned of near distances, with zeros for far ones: (1, 2T - 1, channels)."""
        write = self.write
        around = write("Max", write("Sub", count, NEAR + 1), 0)
        pads = write("Concat", [0], self.row(around), [0, 0], self.row(around), [0], axis=0)
        padded = write("Pad", self.some(1, 2 * NEAR + 1, HIDDEN // HEADS), pads)
        begin = write("Max", write("Sub", NEAR + 1, count), 0)
        end = write("Add", begin, write("Sub", write("Mul", count, 2), 1))
        return write("Slice", padded, self.row(begin), self.row(end), [1])

    def by_position(self, scores: str, count: str) -> str:
        """(1, H, T, 2T - 1) by distance → (1, H, T, T) by position."""
        write, less = self.write, self.write("Sub", count, 1)
        wide = write("Pad", scores, [0, 0, 0, 0, 0, 0, 0, 1])
        flat = write("Reshape", wide, [1, HEADS, -1])
        flat = write("Pad", flat, write("Concat", [0] * 5, self.row(less), axis=0))
        width = write("Sub", write("Mul", count, 2), 1)
        rows = write("Reshape", flat, write("Concat", [1, HEADS, -1], self.row(width), axis=0))
        rows = write("Slice", rows, [0], self.row(count), [2])
        return write("Slice", rows, self.row(less), [2**31], [3])

    def by_distance(self, weights: str, count: str) -> str:
        """(1, H, T, T) by position → (1, H, T, 2T - 1) by distance."""
        write, less = self.write, self.write("Sub", count, 1)
        wide = write("Pad", weights, write("Concat", [0] * 7, self.row(less), axis=0))
        flat = write("Reshape", wide, [1, HEADS, -1])
        flat = write("Pad", flat, write("Concat", [0, 0], self.row(count), [0, 0, 0], axis=0))
        width = write("Mul", count, 2)
        rows = write("Reshape", flat, write("Concat", [1, HEADS], self.row(count), self.row(width), axis=0))
        return write("Slice", rows, [1], [2**31], [3])

    def feed_forward(self, steps: str) -> str:
        write = self.write
        wide = write("Relu", self.conv(write("Mul", steps, self.mask), HIDDEN, FILTERS, 3))
        return write("Mul", self.conv(write("Mul", wide, self.mask), FILTERS, HIDDEN, 3), self.mask)

    def durations(self, steps: str) -> str:
        write = self.write
        known = self.conv(steps, HIDDEN, HIDDEN)
        if self.g:
            known = write("Add", known, self.conv(self.g, FRAMES, HIDDEN))
        known = write("Mul", self.conv(self.separable(known), HIDDEN, HIDDEN), self.mask)
        shape = write("Concat", [1, 2], self.row(self.size(steps, 2)), axis=0)
        noise = write("RandomNormalLike", write("ConstantOfShape", shape), dtype=TensorProto.FLOAT)
        state = write("Mul", noise, write("Gather", "scales", 2))
        for _ in range(SPLINES):
            state = write("Slice", state, [-1], [-(2**31)], [1], [-1])
            kept, bent = write.several("Split", 2, state, [1, 1], axis=1)
            inner = write("Add", self.conv(kept, 1, HIDDEN), known)
            curve = write("Mul", self.conv(self.separable(inner), HIDDEN, 3 * BINS - 1), self.mask)
            state = write("Mul", write("Concat", kept, self.spline(bent, curve), axis=1), self.mask)
        state = write("Slice", state, [-1], [-(2**31)], [1], [-1])
        turned = write("Exp", write("Neg", write("Identity", self.some(2, 1) + 1)))
        state = write("Mul", write("Mul", write("Sub", state, self.some(2, 1) - 3), turned), self.mask)
        logarithm, _ = write.several("Split", 2, state, [1, 1], axis=1)
        lasting = write("Mul", write("Mul", write("Exp", logarithm), self.mask), write("Gather", "scales", 1))
        return write("Ceil", lasting)

    def separable(self, steps: str) -> str:
        write = self.write
        for dilation in (1, 3):
            apart = self.conv(write("Mul", steps, self.mask), 1, HIDDEN, 3, dilation=dilation, group=HIDDEN)
            seen = self.gelu(self.norm(apart))
            steps = write("Add", steps, self.gelu(self.norm(self.conv(seen, HIDDEN, HIDDEN))))
        return write("Mul", steps, self.mask)

    def spline(self, bent: str, curve: str) -> str:
        """The inverse of a rational-quadratic spline: (1, 1, T)."""
        write = self.write
        curve = write("Transpose", curve, perm=[0, 2, 1])  # (1, T, parameters)
        sizes = [write("Slice", curve, [BINS * each], [BINS * (each + 1)], [2]) for each in (0, 1)]
        (x, width), (y, height) = (self.edges(write("Div", each, math.sqrt(HIDDEN))) for each in sizes)
        slopes = write("Slice", curve, [2 * BINS], [3 * BINS - 1], [2])
        slopes = write("Pad", slopes, [0, 0, 1, 0, 0, 1], math.log(math.exp(1 - LEAST) - 1))
        slopes = write("Add", write("Softplus", slopes), LEAST)
        value = write("Transpose", bent, perm=[0, 2, 1])
        above = write("Cast", write("GreaterOrEqual", value, y), to=TensorProto.INT64)
        which = write("Clip", write("Sub", write("ReduceSum", above, [2]), 1), 0, BINS - 1)

        def at(table: str, index: str = which) -> str:
            return write("GatherElements", table, index, axis=2)

        x0, w, y0, h = at(x), at(width), at(y), at(height)
        s0, s1, s = at(slopes), at(slopes, write("Add", which, 1)), write("Div", h, w)
        both = write("Sub", write("Add", s0, s1), write("Mul", 2.0, s))
        rise = write("Sub", value, y0)
        a = write("Add", write("Mul", rise, both), write("Mul", h, write("Sub", s, s0)))
        b = write("Sub", write("Mul", h, s0), write("Mul", rise, both))
        c = write("Mul", write("Neg", s), rise)
        inner = write("Sub", write("Pow", b, 2.0), write("Mul", write("Mul", 4.0, a), c))
        root = write("Div", write("Mul", 2.0, c), write("Sub", write("Neg", b), write("Sqrt", inner)))
        found = write("Add", write("Mul", root, w), x0)
        inside = write("And", write("GreaterOrEqual", value, -BOUND), write("LessOrEqual", value, BOUND))
        return write("Transpose", write("Where", inside, found, value), perm=[0, 2, 1])

    def edges(self, sizes: str) -> tuple[str, str]:
        """(edges of the bins, their widths)"""
        write = self.write
        shares = write("Add", LEAST, write("Mul", 1 - LEAST * BINS, write("Softmax", sizes, axis=-1)))
        ends = write("Pad", write("CumSum", shares, 2), [0, 0, 1, 0, 0, 0])
        ends = write("Add", write("Mul", 2 * BOUND, ends), -BOUND)
        return ends, write("Sub", write("Slice", ends, [1], [BINS + 1], [2]), write("Slice", ends, [0], [BINS], [2]))

    def norm(self, steps: str) -> str:
        write = self.write
        gamma, beta = 1 + self.some(HIDDEN), self.some(HIDDEN)
        steps = write("Transpose", steps, perm=[0, 2, 1])
        if self.fused:
            steps = write("LayerNormalization", steps, gamma, beta, epsilon=1e-5)
        else:
            apart = write("Sub", steps, write("ReduceMean", steps, axes=[-1]))
            variance = write("ReduceMean", write("Pow", apart, 2.0), axes=[-1])
            steps = write("Div", apart, write("Sqrt", write("Add", variance, 1e-5)))
            steps = write("Add", write("Mul", steps, gamma), beta)
        return write("Transpose", steps, perm=[0, 2, 1])

    def gelu(self, steps: str) -> str:
        write = self.write
        erf = write("Add", write("Erf", write("Div", steps, math.sqrt(2))), 1.0)
        return write("Mul", write("Mul", steps, erf), 0.5)

    def conv(self, steps: str, taken: int, given: int, kernel: int = 1, *, dilation: int = 1, group: int = 1) -> str:
        pad = dilation * (kernel - 1) // 2
        weight = self.some(given, taken, kernel, scale=1 / math.sqrt(taken * kernel))
        said = {"kernel_shape": [kernel], "pads": [pad, pad], "dilations": [dilation], "group": group}
        return self.write("Conv", steps, weight, self.some(given), **said)

    def mask_of(self, lengths: str, longest: str) -> str:
        """(1, 1, T): one where there is a symbol, as for a batch."""
        write = self.write
        there = write("Less", write("Unsqueeze", write("Range", 0, longest, 1), [0]), write("Unsqueeze", lengths, [1]))
        return write("Unsqueeze", write("Cast", there, to=TensorProto.FLOAT), [1])

    def size(self, steps: str, axis: int) -> str:
        return self.write("Gather", self.write("Shape", steps), axis)

    def row(self, number: str) -> str:
        return self.write("Unsqueeze", number, [0])
