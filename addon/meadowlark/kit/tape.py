"""A recorder for the CPU: what a CUDA graph does, done with torch's operations, so that a test needs no GPU.

The operations of a step are written down with the tensors they were called on; a replay does them again, on the same
memory, without the Python around them. So a step that counts in Python stands still here as it would there, and one
that asks a tensor for a number is refused. For tests: a replay is as slow as the step itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .graphs import Tensors

_INDEXING = ("aten::index", "aten::index_put", "aten::index_put_")


class Tape:
    """Records operations; see graphs.Recorder."""

    def warm(self, run: Callable[[], Tensors]) -> None:
        run()

    def record(self, run: Callable[[], Tensors]) -> tuple[Callable[[], object], Tensors]:
        calls = _Calls()
        with calls:
            outputs = run()
        return calls.again, outputs


class _Calls(TorchDispatchMode):
    """Everything that is computed while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if reason := _refusal(func, args):
            raise RuntimeError(f"{func} cannot be recorded: {reason}")
        found = func(*args, **kwargs)
        self._calls.append((func, args, kwargs, found))
        return found

    def again(self) -> None:
        """All of it, in the memory that it took the first time."""
        for func, args, kwargs, found in self._calls:
            for kept, made in zip(_tensors(found), _tensors(func(*args, **kwargs)), strict=True):
                if kept.data_ptr() != made.data_ptr():  # else a view, or changed in place: there already
                    kept.copy_(made)


def _refusal(func: Any, args: Any) -> str:
    """Why a CUDA graph could not hold this; empty where it can."""
    name, tags = func._schema.name, func.tags
    if name in _INDEXING:
        asks = any(index.dtype in (torch.bool, torch.uint8) for index in _tensors(args[1]))
        return "booleans as an index ask how many are True" if asks else ""
    if torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags:
        return "it asks a tensor for its numbers"
    if torch.Tag.nondeterministic_seeded in tags:
        return "chance is drawn before the step and given to it"
    if name == "aten::lift_fresh":
        return "a tensor made of Python's numbers is a copy from the host; make it before"
    return ""


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (each for each in tree_leaves(tree) if isinstance(each, Tensor))
