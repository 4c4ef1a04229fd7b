"""Whether a rewritten model computes what the original does, shown by running both on the same numbers and noise."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from .ort import default_threads, trim

Arrays = Mapping[str, NDArray[Any]]

Seed = Callable[[int, NodeProto], int]
"""The noise that a node draws, by its number among those that draw any, or by what it is."""

_DRAWING = frozenset({"RandomNormalLike", "RandomNormal", "RandomUniformLike", "RandomUniform", "Bernoulli"})


def by_order(number: int, _: NodeProto) -> int:
    """For a part that was written anew: its names are others."""
    return number + 1


def by_name(_: int, node: NodeProto) -> int:
    """For parts that a model was cut into: each node draws the same in the part that it is in."""
    return zlib.crc32(node.output[0].encode()) % 65521 + 1


def results(
    models: Sequence[ModelProto | Callable[[], ModelProto]], feeds: Sequence[Arrays], seed: Seed = by_order
) -> list[Arrays]:
    """What models in a row give for each of the feeds, by name; a later model takes what an earlier one gave.

    The feeds are among it. Random numbers are the same each time. One model is open at a time; one that comes from a
    function is let go of before it runs.
    """
    known = [dict(given) for given in feeds]
    for model in models:
        opened = _opened(_content(model, seed))
        for each in known:
            _run(opened, each)
        del opened
        trim()
    return [*known]


def difference(original: Sequence[Arrays], other: Sequence[Arrays]) -> float:
    """The largest distance of a tensor that both have, in peaks of the original's; infinite for another shape, NaN."""
    worst = 0.0
    for one, two in zip(original, other, strict=True):
        for name in one.keys() & two.keys():
            if one[name].shape != two[name].shape:
                return math.inf
            expected = one[name].astype(np.float64)
            apart = float(np.abs(expected - two[name]).max(initial=0) / np.abs(expected).max(initial=1e-9))
            if not math.isfinite(apart):
                return math.inf
            worst = max(worst, apart)
    return worst


def _content(model: ModelProto | Callable[[], ModelProto], seed: Seed) -> bytes:
    """Trimmed on both sides: what reading and cutting a model leaves behind would be a third of the peak."""
    given = model() if callable(model) else model
    trim()
    content = _seeded(given, seed)
    del given
    trim()
    return content


def _opened(content: bytes) -> onnxruntime.InferenceSession:
    """As it is written: optimizing a graph takes longer than running it once or twice."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = default_threads()
    options.log_severity_level = 3
    options.enable_mem_reuse = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _seeded(model: ModelProto, seed: Seed) -> bytes:
    """Those that the exporter gave a seed keep it."""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    draws = [node for node in _drawing(nodes) if all(each.name != "seed" for each in node.attribute)]
    for number, node in enumerate(draws):
        node.attribute.append(onnx.helper.make_attribute("seed", float(seed(number, node))))
    content = bytes(model.SerializeToString())
    for node in draws:
        node.attribute.pop()
    return content


def _drawing(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Those in branches and loops included."""
    for node in nodes:
        if node.op_type in _DRAWING:
            yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _drawing(graph.node)


def _run(model: onnxruntime.InferenceSession, known: dict[str, NDArray[Any]]) -> None:
    names = [each.name for each in model.get_outputs()]
    taken = {each.name: known[each.name] for each in model.get_inputs()}
    known |= dict(zip(names, model.run(names, taken), strict=True))
