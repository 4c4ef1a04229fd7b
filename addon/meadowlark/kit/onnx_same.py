"""Whether a rewritten model computes what the original does, shown by running both on the same numbers and noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from .ort import default_threads

Arrays = Mapping[str, NDArray[Any]]


def results(models: Sequence[ModelProto], feeds: Sequence[Arrays]) -> list[Arrays]:
    """What models in a row give for each of the feeds, by name; a later model takes what an earlier one gave.

    The feeds are among it. Random numbers are the same each time, drawn in the order of the nodes.
    """
    opened = [_opened(model) for model in models]
    return [_run(opened, given) for given in feeds]


def difference(original: Sequence[Arrays], other: Sequence[Arrays]) -> float:
    """The largest distance of a tensor that both have, in peaks of the original's; infinite for another shape, NaN."""
    worst = 0.0
    for one, two in zip(original, other, strict=True):
        for name in one.keys() & two.keys():
            if one[name].shape != two[name].shape:
                return math.inf
            apart = float(np.abs(one[name] - two[name]).max(initial=0) / np.abs(one[name]).max(initial=1e-9))
            if not math.isfinite(apart):
                return math.inf
            worst = max(worst, apart)
    return worst


def _opened(model: ModelProto) -> onnxruntime.InferenceSession:
    """As it is written: optimizing a graph takes longer than running it once or twice."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = default_threads()
    options.log_severity_level = 3
    options.enable_mem_reuse = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(_seeded(model), options, providers=["CPUExecutionProvider"])


def _seeded(model: ModelProto) -> bytes:
    draws = [node for node in model.graph.node if node.op_type in {"RandomNormalLike", "RandomNormal"}]
    for number, node in enumerate(draws):
        node.attribute.append(onnx.helper.make_attribute("seed", float(number + 1)))
    content = bytes(model.SerializeToString())
    for node in draws:
        node.attribute.pop()
    return content


def _run(models: Sequence[onnxruntime.InferenceSession], feeds: Arrays) -> dict[str, NDArray[Any]]:
    known = dict(feeds)
    for model in models:
        names = [each.name for each in model.get_outputs()]
        taken = {each.name: known[each.name] for each in model.get_inputs()}
        known |= dict(zip(names, model.run(names, taken), strict=True))
    return known
