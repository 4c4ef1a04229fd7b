"""VITS' text part written for one sentence: the same numbers from a quarter of the operators.

An exported voice spends as long on 2,500 small operators - shapes, masks for batches, norms in pieces, tables gathered
bin by bin - as on its arithmetic. For a batch of one all masks are ones and most of it goes. Steps are rows here,
(steps, channels), as norms and products want them; the flow stays (1, channels, 1, frames), for which ONNX Runtime has
faster convolutions than for (1, channels, frames).
"""

from __future__ import annotations

import math

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto

from meadowlark.kit.onnx_build import Writer
from meadowlark.kit.onnx_graph import tensor

from .vits import Array, Attention, Conv, Coupling, Norm, Separable, Spline, Vits

EPSILON = 1e-5
BOUND, LEAST, SLOPE = 5.0, 1e-3, 1e-3
"""Of a spline: beyond BOUND nothing is changed; no bin and no slope is smaller than these."""

LATENT, SHIFTS = "latent", "shifts"
"""The frames before their flow; what a speaker adds to its gates."""


def text_part(net: Vits, inputs: list[ValueInfoProto], condition: ValueInfoProto | None) -> ModelProto:
    """Symbols → the frames before their flow; with speakers, also what they add to the flow and to the sound."""
    write = Writer()
    symbols = write("Reshape", "input", [-1])
    speaker = None if net.speakers is None else write("Gather", net.speakers, "sid")  # (1, G)
    steps = _encoded(write, net, symbols)
    durations = _durations(write, net, steps, speaker)
    outputs = [_latent(write, net, steps, durations)]
    if condition is not None and speaker is not None:
        write("Unsqueeze", speaker, [2], out=condition.name)
        outputs += [condition, _shifts(write, net, speaker)]
    return write.model("text", inputs, outputs)


def flow_part(net: Vits, frames: str) -> ModelProto:
    """The frames' flow. It sees `flow_context` frames to either side."""
    write = Writer()
    half = net.couplings[0].after.weight.shape[0]
    inputs = [tensor(LATENT, (1, 2 * half, "frames"))]
    halves = write.several("Split", 2, write("Unsqueeze", LATENT, [2]), axis=1, num_outputs=2)
    shifts: list[list[str]] = [[] for _ in net.couplings]
    if net.couplings[0].speaker is not None:
        sizes = [len(gates.bias) // 2 for each in net.couplings for gates, _ in each.layers for _ in range(2)]
        inputs.append(tensor(SHIFTS, (1, sum(sizes), 1)))
        split = iter(write.several("Split", len(sizes), write("Unsqueeze", SHIFTS, [2]), sizes, axis=1))
        shifts = [[next(split) for _ in range(2 * len(each.layers))] for each in net.couplings]
    for number, (coupling, shift) in enumerate(zip(net.couplings, shifts, strict=True)):
        # The channels are turned around before each coupling: instead, every other one has its weights turned.
        kept = 1 - number % 2
        halves[1 - kept] = _coupled(write, coupling, halves[kept], halves[1 - kept], shift, turned=kept == 1)
    write("Squeeze", write("Concat", *halves, axis=1), [2], out=frames)
    return write.model("flow", inputs, [tensor(frames, (1, 2 * half, "frames"))])


def flow_context(net: Vits) -> int:
    """Frames to either side that a frame of the flow's output depends on."""
    return sum((conv.weight.shape[2] // 2) * conv.dilation for each in net.couplings for conv, _ in each.layers)


def _encoded(write: Writer, net: Vits, symbols: str) -> str:
    """The text encoder: (T, C)."""
    steps = write("Gather", net.embedding * np.float32(math.sqrt(net.embedding.shape[1])), symbols)
    distances, neighbours = _distances(write, net.encoder[0], symbols)
    for layer in net.encoder:
        heard = _attended(write, layer, steps, distances, neighbours)
        steps = _normed(write, layer.first, write("Add", steps, heard))
        wide = write("Relu", _conv(write, layer.wide, _picture(write, steps)))
        narrow = _rows(write, _conv(write, layer.narrow, wide))
        steps = _normed(write, layer.second, write("Add", steps, narrow))
    return steps


def _distances(write: Writer, layer: Attention, symbols: str) -> tuple[str, str]:
    """Where a pair's distance stands among the near keys, (H, T, T); where a symbol's neighbours stand, (H, T, N)."""
    near, width = layer.near_keys.shape
    heads = layer.query.weight.shape[0] // width
    count = write("Shape", symbols)
    numbers = write("Range", 0, write("Squeeze", count), 1)
    row, column = write("Unsqueeze", numbers, [0]), write("Unsqueeze", numbers, [1])
    distance = write("Add", write("Sub", row, column), near // 2 + 1)
    distance = write("Clip", distance, 0, near + 1)  # 0 and near + 1: too far, nothing is added
    neighbour = write("Add", column, [range(near)])
    shapes = [write("Concat", [heads], count, last, axis=0) for last in (count, [near])]
    return write("Expand", distance, shapes[0]), write("Expand", neighbour, shapes[1])


def _attended(write: Writer, layer: Attention, steps: str, distances: str, neighbours: str) -> str:
    near, width = layer.near_keys.shape
    hidden = layer.query.weight.shape[0]
    scaled = 1 / math.sqrt(width)
    three = (layer.query, layer.key, layer.value)
    factors = (scaled, 1.0, 1.0)
    matrix = np.concatenate([each.matrix * np.float32(f) for each, f in zip(three, factors, strict=True)], 1)
    bias = np.concatenate([each.bias * np.float32(f) for each, f in zip(three, factors, strict=True)])
    mixed = write("Reshape", write("Add", write("MatMul", steps, matrix), bias), [0, 3 * hidden // width, width])
    query, key, value = write.several("Split", 3, write("Transpose", mixed, perm=[1, 0, 2]), axis=0, num_outputs=3)
    keys = np.pad(layer.near_keys, ((1, 1), (0, 0))).T
    score = write("MatMul", query, write("Transpose", key, perm=[0, 2, 1]))  # (H, T, T)
    score = write("Add", score, write("GatherElements", write("MatMul", query, keys), distances, axis=2))
    weights = write("Softmax", score, axis=-1)
    around = write("Pad", weights, [0, 0, near // 2, 0, 0, near // 2])
    around = write("MatMul", write("GatherElements", around, neighbours, axis=2), layer.near_values)
    heard = write("Add", write("MatMul", weights, value), around)
    return _mixed(write, layer.out, write("Reshape", write("Transpose", heard, perm=[1, 0, 2]), [0, hidden]))


def _durations(write: Writer, net: Vits, steps: str, speaker: str | None) -> str:
    """Frames of each symbol, from noise and the text: (T,), whole numbers."""
    known = _mixed(write, net.before, steps)
    if net.speaker is not None and speaker is not None:
        known = write("Add", known, _mixed(write, net.speaker, speaker))
    known = _mixed(write, net.after, _separable(write, net.inside, known))
    count = write("Shape", steps, start=0, end=1)
    zeros = write("ConstantOfShape", write("Concat", [2], count, axis=0))
    noise = write("Mul", write("RandomNormalLike", zeros, dtype=TensorProto.FLOAT), write("Gather", "scales", 2))
    one, other = (write("Reshape", each, [-1, 1]) for each in write.several("Split", 2, noise, axis=0, num_outputs=2))
    for spline in net.splines:
        one, other = other, _bent(write, spline, other, one, known)
    # The flow ends with its channels turned around once more.
    logarithm = write("Mul", write("Sub", other, net.shift), net.scale)
    lasting = write("Mul", write("Exp", logarithm), write("Gather", "scales", 1))
    return write("Cast", write("Reshape", write("Ceil", lasting), [-1]), to=TensorProto.INT64)


def _separable(write: Writer, net: Separable, steps: str) -> str:
    for apart, first, across, second in net.layers:
        seen = _rows(write, _conv(write, apart, _picture(write, steps)))
        seen = write("Gelu", _normed(write, first, seen))
        seen = write("Gelu", _normed(write, second, _mixed(write, across, seen)))
        steps = write("Add", steps, seen)
    return steps


def _bent(write: Writer, spline: Spline, kept: str, bent: str, known: str) -> str:
    """The inverse of a rational-quadratic spline of `bent` (T, 1), whose shape follows from `kept` and the text."""
    inside = write("Add", _mixed(write, spline.before, kept), known)
    shape = _mixed(write, spline.after, _separable(write, spline.inside, inside))  # (T, 3 * bins - 1)
    bins = (spline.after.weight.shape[0] + 1) // 3
    sizes, slopes = write.several("Split", 2, shape, [2 * bins, bins - 1], axis=1)
    sizes = write("Mul", write("Reshape", sizes, [0, 2, bins]), 1 / math.sqrt(spline.before.weight.shape[0]))
    sums, offset = _edges(bins)
    edges = write("Add", write("MatMul", write("Softmax", sizes, axis=-1), sums), offset)  # (T, 2, bins + 1)
    slopes = write("Add", write("Softplus", slopes), LEAST)
    slopes = write("Unsqueeze", write("Pad", slopes, [0, 1, 0, 1], 1.0), [1])
    table = write("Concat", edges, slopes, axis=1)  # (T, 3, bins + 1): x, y and slope at each edge
    # Which bin: as many as have their lower edge, but for the first, at or below the value.
    inner = write("Slice", edges, [1, 1], [2, bins], [1, 2])
    above = write("Cast", write("GreaterOrEqual", write("Unsqueeze", bent, [2]), inner), to=TensorProto.INT64)
    which = write("Add", write("ReduceSum", above, [2]), [[[0, 1]] * 3])  # (T, 3, 2): the bin's two edges
    ends = write("Reshape", write("GatherElements", table, which, axis=2), [0, 6])
    return _inverted(write, bent, *write.several("Split", 6, ends, axis=1, num_outputs=6))


def _inverted(write: Writer, y: str, x0: str, x1: str, y0: str, y1: str, slope0: str, slope1: str) -> str:
    """Where the curve of a bin has the height y: the solution of a quadratic equation."""
    width, height, rise = write("Sub", x1, x0), write("Sub", y1, y0), write("Sub", y, y0)
    slope = write("Div", height, width)
    bend = write("Mul", rise, write("Sub", write("Add", slope0, slope1), write("Mul", slope, 2.0)))
    a = write("Add", bend, write("Mul", height, write("Sub", slope, slope0)))
    b = write("Sub", write("Mul", height, slope0), bend)
    c = write("Mul", slope, rise)  # with its sign turned
    root = write("Sqrt", write("Add", write("Mul", b, b), write("Mul", write("Mul", a, c), 4.0)))
    place = write("Div", write("Mul", c, 2.0), write("Add", b, root))
    x = write("Add", write("Mul", place, width), x0)
    return write("Where", write("LessOrEqual", write("Abs", y), BOUND), x, y)


def _edges(bins: int) -> tuple[Array, Array]:
    """What makes of the bins' shares, (…, bins), their edges from -BOUND to BOUND: a product and an addition."""
    sums = np.triu(np.full((bins, bins + 1), 2 * BOUND * (1 - LEAST * bins)), 1)
    offset = 2 * BOUND * LEAST * np.arange(bins + 1) - BOUND
    sums[:, -1], offset[-1] = 0, BOUND
    return sums, offset


def _latent(write: Writer, net: Vits, steps: str, durations: str) -> ValueInfoProto:
    """Each symbol's mean and deviation for as many frames as it lasts, and noise: (1, C, F)."""
    ends = write("CumSum", durations, 0)
    total = write("Max", write("Gather", ends, -1), 1)
    frame = write("Unsqueeze", write("Range", 0, total, 1), [1])
    past = write("Cast", write("GreaterOrEqual", frame, write("Unsqueeze", ends, [0])), to=TensorProto.INT64)
    which = write("Min", write("ReduceSum", past, [1], keepdims=0), write("Sub", write("Size", durations), 1))
    both = write("Gather", _mixed(write, net.statistics, steps), which)  # (F, 2C)
    mean, logarithm = write.several("Split", 2, write("Transpose", both, perm=[1, 0]), axis=0, num_outputs=2)
    noise = write("Mul", write("RandomNormalLike", mean, dtype=TensorProto.FLOAT), write("Exp", logarithm))
    noise = write("Mul", noise, write("Gather", "scales", 0))
    write("Unsqueeze", write("Add", mean, noise), [0], out=LATENT)
    return tensor(LATENT, (1, net.statistics.weight.shape[0] // 2, "frames"))


def _shifts(write: Writer, net: Vits, speaker: str) -> ValueInfoProto:
    """What a speaker adds in all gates of the flow, one coupling after the other: (1, all, 1)."""
    convs = [each.speaker for each in net.couplings if each.speaker]
    matrix, bias = (np.concatenate([getattr(each, name) for each in convs], -1) for name in ("matrix", "bias"))
    write("Unsqueeze", write("Add", write("MatMul", speaker, matrix), bias), [2], out=SHIFTS)
    return tensor(SHIFTS, (1, len(bias), 1))


def _coupled(write: Writer, net: Coupling, kept: str, shifted: str, shift: list[str], *, turned: bool) -> str:
    """`shifted` less what the gated convolutions say of `kept`. turned: the channels are the other way round."""
    order = slice(None, None, -1 if turned else 1)
    hidden = net.before.weight.shape[0]
    after, bias = net.after.weight[order, :, 0].astype(float), net.after.bias[order].astype(float)
    state = _conv(write, Conv(net.before.weight[:, order], net.before.bias), kept)
    for number, (gates, mixing) in enumerate(net.layers):
        opened = [_conv(write, _rows_of(gates, at, at + hidden), state) for at in (0, hidden)]
        if shift:
            opened = [write("Add", each, added) for each, added in zip(opened, shift[2 * number :], strict=False)]
        said = write("Mul", write("Tanh", opened[0]), write("Sigmoid", opened[1]))
        # What goes out of all layers is added and multiplied: multiplied here, half as many channels are added.
        last = len(mixing.bias) == hidden
        out = _rows_of(mixing, 0 if last else hidden, len(mixing.bias))
        less = -(after @ out.weight[:, :, 0]), -(after @ out.bias) - (bias if number == 0 else 0)
        shifted = write("Add", shifted, _conv(write, Conv(less[0][:, :, None], less[1]), said))
        if not last:
            state = write("Add", state, _conv(write, _rows_of(mixing, 0, hidden), said))
    return shifted


def _rows_of(conv: Conv, begin: int, end: int) -> Conv:
    return Conv(conv.weight[begin:end], conv.bias[begin:end], conv.dilation)


def _normed(write: Writer, norm: Norm, steps: str) -> str:
    return write("LayerNormalization", steps, norm.gamma, norm.beta, epsilon=EPSILON)


def _mixed(write: Writer, conv: Conv, steps: str) -> str:
    """A convolution of kernel 1, of rows."""
    return write("Add", write("MatMul", steps, conv.matrix), conv.bias)


def _conv(write: Writer, conv: Conv, picture: str) -> str:
    """A convolution over (1, channels, 1, steps) that keeps the number of steps."""
    kernel = conv.weight.shape[2]
    around = conv.dilation * (kernel - 1)
    return write(
        "Conv",
        picture,
        np.asarray(conv.weight[:, :, None], np.float32),
        np.asarray(conv.bias, np.float32),
        kernel_shape=[1, kernel],
        pads=[0, around // 2, 0, around - around // 2],
        dilations=[1, conv.dilation],
        group=conv.group,
    )


def _picture(write: Writer, steps: str) -> str:
    """(T, C) → (1, C, 1, T)"""
    return write("Unsqueeze", write("Transpose", steps, perm=[1, 0]), [0, 2])


def _rows(write: Writer, picture: str) -> str:
    """(1, C, 1, T) → (T, C)"""
    return write("Transpose", write("Squeeze", picture, [0, 2]), perm=[1, 0])
