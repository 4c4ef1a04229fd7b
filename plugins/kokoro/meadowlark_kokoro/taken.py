"""What a Kokoro model takes and gives, whatever its exporter calls it: tokens, a style and a speed; audio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, ValueInfoProto, helper

WIDTH = 256
"""Numbers of a style."""

TOKENS, AUDIO = ("input_ids", "tokens"), ("waveform", "audio")
"""As they are called in the files that are published."""

_KINDS = {"float": "f4", "float16": "f2", "double": "f8", "int32": "i4", "int64": "i8"}


@dataclass(frozen=True, slots=True)
class Given:
    """An input or output."""

    name: str
    kind: np.dtype[Any]
    dims: tuple[Any, ...]
    """Numbers; anything else for what differs from run to run."""

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers."""
        return self.kind.kind in "iu"


@dataclass(frozen=True, slots=True)
class Taken:
    """The three inputs."""

    tokens: Given
    style: Given
    speed: Given

    def feeds(self, tokens: Sequence[int], style: ArrayLike, speed: float) -> dict[str, NDArray[Any]]:
        """What to run a model with. style: (1, 256)."""
        return {
            self.tokens.name: np.asarray([tokens], self.tokens.kind),
            self.style.name: np.asarray(style, self.style.kind),
            self.speed.name: np.asarray([_rounded(speed) if self.speed.is_whole else speed], self.speed.kind),
        }


def of_session(nodes: Iterable[Any]) -> list[Given]:
    """Inputs or outputs of an open model."""
    return [Given(each.name, np.dtype(_KINDS.get(_inside(each.type), "O")), tuple(each.shape)) for each in nodes]


def of_graph(values: Iterable[ValueInfoProto]) -> list[Given]:
    """Inputs or outputs of one that is not."""
    kinds = ((each, each.type.tensor_type) for each in values)
    return [
        Given(
            each.name,
            np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type) if kind.elem_type else "O"),
            tuple(dim.dim_value or None for dim in kind.shape.dim),
        )
        for each, kind in kinds
    ]


def inputs(model: ModelProto) -> list[ValueInfoProto]:
    """Those that are no weights, which old exporters count among them."""
    weights = {each.name for each in model.graph.initializer}
    return [each for each in model.graph.input if each.name not in weights]


def taken(given: Sequence[Given]) -> Taken | None:
    """The three inputs, by name or else by type and shape; None where there are others."""
    names = {each.name: each for each in given}
    tokens = next((names[each] for each in TOKENS if each in names), None)
    if tokens and "style" in names and "speed" in names:
        return Taken(tokens, names["style"], names["speed"])
    rows = [each for each in given if each.is_whole and len(each.dims) == 2]
    styles = [each for each in given if not each.is_whole and each.dims and each.dims[-1] == WIDTH]
    others = [each for each in given if each not in rows and each not in styles and len(each.dims) <= 1]
    if (len(given), len(rows), len(styles), len(others)) != (3, 1, 1, 1):
        return None
    return Taken(rows[0], styles[0], others[0])


def audio(given: Sequence[Given]) -> str:
    """The output that is heard: by name, else the first that holds no whole numbers."""
    real = [each.name for each in given if each.kind.kind == "f"] or [given[0].name]
    return next((each for each in real if each in AUDIO), real[0])


def _inside(kind: str) -> str:
    """float of tensor(float)"""
    return kind.removeprefix("tensor(").removesuffix(")")


def _rounded(speed: float) -> int:
    """Some exporters made it a whole number: then 1.3 would be cut to 1, and 0.8 to a division by zero."""
    return max(1, round(speed))
