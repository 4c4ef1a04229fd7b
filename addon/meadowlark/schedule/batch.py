"""Which sentences to speak in one batch, on engines that can. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from .policy import Waiting, keeps_time

LONGEST_BATCH_WAIT: Final = 0.5
"""Seconds by which a batch may delay the first audio of a sentence, compared with speaking it alone and at once."""

BUCKET_RATIO: Final = 1.5
"""Sentences of one bucket differ in length by no more: a batch works as long as its longest."""


@dataclass(frozen=True, slots=True)
class Batching:
    """What an engine gains by batches, as measured."""

    most: int = 1
    """Sentences at a time (the manifest's max_batch)."""

    share: float = 1.0
    """Work that each further sentence adds, as a share of its own; 1 = batches gain nothing."""

    def seconds(self, batch: Sequence[Waiting]) -> float:
        """That a batch takes: its longest, and a share of the others."""
        longest = max(each.work for each in batch)
        return longest + self.share * (sum(each.work for each in batch) - longest)


def companions(
    chosen: Waiting, waiting: Sequence[Waiting], now: float, batching: Batching, absent: Sequence[Waiting] = ()
) -> tuple[Waiting, ...]:
    """The batch to speak: the chosen sentence, and those that may come along; alone where that is better.

    Only sentences that wait already: nobody is held back until a batch is full. Companions are of the same kind and
    length. One comes along if everybody in the batch is still heard in time (before running dry, newcomers no more than
    LONGEST_BATCH_WAIT later than alone) and if everybody else is, unless they would not be anyhow.
    """
    if batching.most < 2 or batching.share >= 1 or not chosen.batch:
        return (chosen,)
    batch = [chosen]
    others = [each for each in waiting if each is not chosen]
    alike = [each for each in others if each.batch == chosen.batch and _bucket(each) == _bucket(chosen)]
    for each in sorted(alike, key=lambda each: (_due(each), each.since, each.ticket)):
        if len(batch) == batching.most:
            break
        if _may_join([*batch, each], others, now, batching, absent):
            batch.append(each)
    return tuple(batch)


def _may_join(
    batch: list[Waiting], others: Sequence[Waiting], now: float, batching: Batching, absent: Sequence[Waiting]
) -> bool:
    seconds = batching.seconds(batch)
    if any(now + seconds > _latest(each, now) for each in batch):
        return False
    rest = [each for each in (*others, *absent) if each.runs_dry_at is not None and each not in batch]
    alone, together = batch[0], replace(batch[0], work=seconds, first=seconds)
    return keeps_time([together, *rest], now) or not keeps_time([alone, *rest], now)


def _latest(each: Waiting, now: float) -> float:
    """By when it should be heard: before its listener runs dry; a little later where that cannot be kept anyhow."""
    alone = now + each.first
    return _due(each) if _due(each) >= alone else alone + LONGEST_BATCH_WAIT


def _due(each: Waiting) -> float:
    return -math.inf if each.runs_dry_at is None else each.runs_dry_at


def _bucket(each: Waiting) -> int:
    return round(math.log(max(each.speech, 0.1), BUCKET_RATIO))
