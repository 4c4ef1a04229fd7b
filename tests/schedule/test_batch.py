"""Which sentences are spoken together."""

from __future__ import annotations

import random

import pytest

from meadowlark.schedule.batch import LONGEST_BATCH_WAIT, Batching, companions
from meadowlark.schedule.policy import Waiting, pick

GAINS = Batching(most=4, share=0.2)


def sentence(ticket: int, dry: float | None, *, speech: float = 4.0, kind: str = "v", rtf: float = 0.1) -> Waiting:
    work = rtf * speech
    return Waiting(ticket, 0.0, dry, work=work, speech=speech, rest=0.0, first=work, batch=kind)


FIRST = sentence(0, 20.0)
SAME = sentence(1, 30.0)
OTHER_VOICE = sentence(2, 30.0, kind="w")
LONG = sentence(3, 30.0, speech=12.0)
NEW = sentence(4, None)


@pytest.mark.parametrize(
    ("waiting", "batching", "expected"),
    [
        ([FIRST, SAME], GAINS, (FIRST, SAME)),
        ([FIRST, OTHER_VOICE, LONG], GAINS, (FIRST,)),
        ([FIRST, SAME], Batching(most=1, share=0.2), (FIRST,)),
        ([FIRST, SAME], Batching(most=4, share=1.0), (FIRST,)),
        ([FIRST, SAME, NEW], GAINS, (FIRST, NEW, SAME)),  # the newcomer is due first
        ([FIRST, SAME, NEW], Batching(2, 0.2), (FIRST, NEW)),
    ],
)
def test_companions(waiting: list[Waiting], batching: Batching, expected: tuple[Waiting, ...]) -> None:
    assert companions(FIRST, waiting, 0.0, batching) == expected


def test_unlike_sentences_go_alone() -> None:
    nameless = sentence(0, 20.0, kind="")
    assert companions(nameless, [nameless, sentence(1, 20.0, kind="")], 0.0, GAINS) == (nameless,)


def test_nobody_runs_dry_for_company() -> None:
    """Together they take 0.48 s, or 0.76 s where batches gain less."""
    tight, easy = sentence(0, 0.45), sentence(0, 0.5)
    assert companions(tight, [tight, SAME], 0.0, GAINS) == (tight,)
    assert companions(easy, [easy, SAME], 0.0, GAINS) == (easy, SAME)
    hurried = sentence(5, 1.4, kind="w")
    slow = Batching(most=4, share=0.9)
    chosen = sentence(0, 9.0)
    batch = companions(chosen, [chosen, SAME, hurried], 0.0, slow)
    assert batch == (chosen, SAME)
    hurried = sentence(5, 1.2, kind="w")
    assert companions(chosen, [chosen, SAME, hurried], 0.0, slow) == (chosen,)


def test_a_newcomer_waits_no_longer_than_the_cap() -> None:
    new = sentence(0, None, rtf=1.0)
    assert companions(new, [new, sentence(1, 90.0, rtf=1.0)], 0.0, Batching(4, 0.5)) == (new,)
    assert len(companions(new, [new, sentence(1, 90.0, rtf=1.0)], 0.0, Batching(4, LONGEST_BATCH_WAIT / 8))) == 2


@pytest.mark.parametrize("seed", range(50))
def test_a_batch_is_of_one_kind_in_one_bucket_and_not_too_large(seed: int) -> None:
    dice = random.Random(seed)
    waiting = [
        sentence(n, dice.choice((None, dice.uniform(0, 30))), speech=dice.uniform(1, 15), kind=dice.choice("ab"))
        for n in range(dice.randint(1, 20))
    ]
    chosen = pick(waiting, 0.0)
    batch = companions(chosen, waiting, 0.0, GAINS)
    assert batch[0] is chosen
    assert len(batch) <= 4
    assert len({each.ticket for each in batch}) == len(batch)
    assert {each.batch for each in batch} == {chosen.batch}
    assert max(each.speech for each in batch) / min(each.speech for each in batch) <= 1.5 + 1e-9
