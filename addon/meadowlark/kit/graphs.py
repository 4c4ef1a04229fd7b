"""A step recorded once and replayed: on a GPU one launch instead of two thousand, which take ten times as long.

What a step must be: the same operations in the same shapes every time, on tensors that stay where they are; nothing
asked of a number (`int(x)`, `if x:`, indexing by booleans), no Python that counts. What changes from step to step is a
tensor: positions, the noise of a draw, a flag. `Step` gives it such tensors and runs it; tape.py shows on a CPU, in a
test, whether a step keeps to this.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

_LOGGER = logging.getLogger(__name__)

Tensors: TypeAlias = tuple[Tensor, ...]

WARM_UPS = 3
"""Runs before a step is recorded, in which libraries choose kernels and make their workspaces."""


class Recorder(Protocol):
    """Can make a replay of a step."""

    def warm(self, run: Callable[[], Tensors]) -> None:
        """Run it for the first time, in such a way that it can be recorded afterwards."""

    def record(self, run: Callable[[], Tensors]) -> tuple[Callable[[], object], Tensors]:
        """(what does all of it again, its results, which a replay overwrites). Raises RuntimeError."""


class CudaGraphs:
    """Records graphs that share their memory, of which therefore one runs at a time."""

    def __init__(self, device: torch.device | str) -> None:
        self._device = torch.device(device)
        self._pool = torch.cuda.graph_pool_handle()

    def warm(self, run: Callable[[], Tensors]) -> None:
        with torch.cuda.device(self._device):
            stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                run()
            current.wait_stream(stream)

    def record(self, run: Callable[[], Tensors]) -> tuple[Callable[[], object], Tensors]:
        graph = torch.cuda.CUDAGraph()
        # thread_local: another thread of the engine may go on using the GPU meanwhile
        with (
            torch.cuda.device(self._device),
            torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"),
        ):
            outputs = run()
        return graph.replay, outputs


def recorder_for(device: torch.device | str) -> Recorder | None:
    """Of a GPU of NVIDIA; None where nothing can be recorded."""
    return CudaGraphs(device) if torch.device(device).type == "cuda" and torch.cuda.is_available() else None


class Step:
    """A function on tensors that stay where they are: given values are copied in, results lie in the same place."""

    def __init__(
        self,
        step: Callable[..., Tensors],
        inputs: Mapping[str, Tensor] | None = None,
        state: Sequence[Tensor] = (),
        *,
        recorder: Recorder | None = None,
        compile_mode: str = "",
        name: str = "step",
    ) -> None:
        """Record it, if there is a recorder and it can be done; else it runs as it is, with a warning that says why.

        inputs: examples of what it takes, by name. state: all else that it changes, put back after the runs that
        recording takes (a cache need not be named where what was written is written again, or never read).
        compile_mode: of torch.compile ("max-autotune-no-cudagraphs"), on a GPU; fuses small operations, costs minutes
        at the first run: to be measured before it is used.
        """
        self._inputs = {key: value.clone() for key, value in (inputs or {}).items()}
        self._step = step
        if compile_mode and recorder is not None:
            self._step = torch.compile(step, mode=compile_mode, dynamic=False)
        self._outputs: Tensors | None = None
        self._replay: Callable[[], object] | None = None
        if recorder is not None:
            self._record(recorder, state, name)

    @property
    def recorded(self) -> bool:
        """Whether it is replayed."""
        return self._replay is not None

    @torch.inference_mode()
    def __call__(self, **given: Tensor) -> Tensors:
        """The results: tensors that the next call overwrites, to be cloned by whoever keeps them. What is not given is
        as it was given last."""
        for key, value in given.items():
            self._inputs[key].copy_(value, non_blocking=True)
        if self._replay is not None:
            self._replay()
        else:
            self._run_as_it_is()
        assert self._outputs is not None
        return self._outputs

    def _run(self) -> Tensors:
        return self._step(**self._inputs)

    def _run_as_it_is(self) -> None:
        outputs = self._run()
        if self._outputs is None:
            self._outputs = tuple(each.clone() for each in outputs)
            return
        for kept, made in zip(self._outputs, outputs, strict=True):
            kept.copy_(made)

    @torch.inference_mode()
    def _record(self, recorder: Recorder, state: Sequence[Tensor], name: str) -> None:
        kept = [each.clone() for each in state]

        def put_back() -> None:
            for each, before in zip(state, kept, strict=True):
                each.copy_(before)

        try:
            for _ in range(WARM_UPS):
                recorder.warm(self._run)
                put_back()
            self._replay, self._outputs = recorder.record(self._run)
        except RuntimeError as error:  # of a failed capture torch tells the end, its context the cause
            cause: Any = error.__context__ or error
            _LOGGER.warning("The %s cannot be recorded and runs slowly, operation by operation: %s", name, cause)
        finally:
            put_back()
