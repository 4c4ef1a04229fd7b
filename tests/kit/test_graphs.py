"""A recorded step does what the step does, and only that."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")
from torch import Tensor

from meadowlark.kit.graphs import Recorder, Step, recorder_for
from meadowlark.kit.kvcache import KVCache, attend, buckets, live_mask
from meadowlark.kit.tape import Tape

RECORDERS = [None, Tape()]


class Counter:
    """Adds what it is given to what it keeps; asks nobody."""

    def __init__(self) -> None:
        self.sum = torch.zeros(2)
        self.turn = torch.zeros(1, dtype=torch.long)
        self.history = torch.zeros(4, 2)

    def step(self, more: Tensor) -> tuple[Tensor, ...]:
        self.sum.add_(more)
        self.history.index_copy_(0, self.turn, self.sum[None])
        self.turn.copy_((self.turn + 1) % 4)
        return (self.sum * 2,)

    @property
    def state(self) -> list[Tensor]:
        return [self.sum, self.turn, self.history]


@pytest.mark.parametrize("recorder", RECORDERS)
def test_inputs_are_copied_and_results_stay_in_place(recorder: Recorder | None) -> None:
    counter = Counter()
    step = Step(counter.step, {"more": torch.zeros(2)}, counter.state, recorder=recorder)
    assert counter.turn.item() == 0  # recording has left no trace
    given = torch.tensor([1.0, 2.0])
    (first,) = step(more=given)
    assert first.tolist() == [2.0, 4.0]
    given.zero_()
    (second,) = step()  # what was given last
    assert second is first
    assert second.tolist() == [4.0, 8.0]
    step(more=torch.ones(2))
    assert first.tolist() == [6.0, 10.0]
    assert counter.history[:3].tolist() == [[1, 2], [2, 4], [3, 5]]
    assert step.recorded == (recorder is not None)


def test_what_python_counts_stands_still() -> None:
    """As it would on a GPU: this is what the tape is for."""
    turns = [0]

    def step(x: Tensor) -> tuple[Tensor, ...]:
        turns[0] += 1
        return (x + turns[0],)

    recorded = Step(step, {"x": torch.zeros(1)}, recorder=Tape())
    assert recorded()[0].item() == recorded()[0].item() == 4.0


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda x: x * int(x.sum()), "asks a tensor for its numbers"),
        (lambda x: x[x > 0], "booleans as an index"),
        (lambda x: x.nonzero(), "asks a tensor for its numbers"),
        (lambda x: x + torch.tensor([1.0]), "a copy from the host"),
        (lambda x: x + torch.rand(1), "chance is drawn before"),
    ],
)
def test_what_cannot_be_recorded_runs_all_the_same(
    ask: Callable[[Tensor], Tensor], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        step = Step(lambda x: (ask(x),), {"x": torch.ones(2)}, recorder=Tape(), name="trial")
    assert not step.recorded
    [record] = caplog.records
    assert "The trial cannot be recorded" in record.message
    assert reason in record.message
    assert len(step(x=torch.full((2,), 2.0))[0])


def test_a_failed_recording_tells_the_cause_and_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Tape):
        def record(self, run):  # as torch does it: the end of a broken capture raises as well
            try:
                run()
                raise RuntimeError("operation not permitted when stream is capturing")
            finally:
                raise RuntimeError("capture_end failed")

    counter = Counter()
    step = Step(counter.step, {"more": torch.zeros(2)}, counter.state, recorder=Broken())
    assert "operation not permitted" in caplog.text
    step(more=torch.ones(2))
    assert counter.sum.tolist() == [1.0, 1.0]
    assert counter.turn.item() == 1


def test_replaying_asks_python_for_nothing() -> None:
    """Results of all kinds land where they were: views, and those that only look like views."""

    def step(x: Tensor) -> tuple[Tensor, ...]:
        values, places = x.view(2, 3).t().sort(dim=0)
        left, right = values.split(1, dim=1)
        return left.expand(3, 2) + right, places, x.view(2, 3).t().reshape(6)

    recorded = Step(step, {"x": torch.zeros(6)}, recorder=Tape())
    for seed in range(3):
        x = torch.randn(6, generator=torch.Generator().manual_seed(seed))
        for found, wanted in zip(recorded(x=x), step(x), strict=True):
            assert torch.equal(found, wanted)


def test_a_bucket_with_its_mask_is_the_live_length() -> None:
    """One attention over positions on the device, against one that is told where it stands."""
    torch.manual_seed(0)
    static, live = (KVCache(1, 2, 8, 64, batch=2) for _ in range(2))
    at = torch.tensor([0, 7])

    def step(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, ...]:
        static.write(0, at, k, v)
        keys, values = static.read(0, 32)
        found = attend(q, keys, values, live_mask(at, 32))
        at.add_(1)
        return (found,)

    shapes = {"q": torch.zeros(2, 4, 1, 8), "k": torch.zeros(2, 2, 1, 8), "v": torch.zeros(2, 2, 1, 8)}
    recorded = Step(step, shapes, [at, static.data], recorder=Tape())
    for turn in range(20):
        given = {name: torch.randn(each.shape) for name, each in shapes.items()}
        (found,) = recorded(**given)
        for row, begin in enumerate((0, 7)):
            slot = live.slot(row)
            slot.write(0, begin + turn, given["k"][row : row + 1], given["v"][row : row + 1])
            keys, values = slot.read(0, begin + turn + 1)
            wanted = attend(given["q"][row : row + 1], keys, values)
            torch.testing.assert_close(found[row : row + 1], wanted, atol=1e-6, rtol=0)


def test_buckets() -> None:
    assert buckets(4096) == (512, 1024, 2048, 4096)
    assert buckets(3000) == (512, 1024, 2048, 3000)
    assert buckets(256) == (256,)


def test_nothing_is_recorded_on_a_cpu() -> None:
    assert recorder_for("cpu") is None
