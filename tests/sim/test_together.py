"""Several sentences at a time: the simulation by hand, and what it says of a full house."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sim.order import Reply, house
from sim.together import CHUNK_SECONDS, SHARE, simulate


def whole(at: float, *sentences: float) -> Reply:
    return Reply(tuple((0.0, audio) for audio in sentences), at)


@pytest.mark.parametrize("places", [1, 4])
def test_alone_places_change_nothing(places: int) -> None:
    heard = simulate([whole(0.0, 2.0, 8.0, 4.0)], places=places, rtf=0.25)
    assert heard.first_audio == pytest.approx([0.25 * CHUNK_SECONDS])
    assert heard.gaps == pytest.approx([0.0])


def test_four_at_once_are_heard_at_once() -> None:
    """One after the other, the last waits for three sentences of 8 s."""
    replies = [whole(0.0, 8.0) for _ in range(4)]
    alone, together = (simulate(replies, places=places, rtf=0.25) for places in (1, 4))
    step = 0.25 * CHUNK_SECONDS
    assert sorted(alone.first_audio) == pytest.approx([step + 2.0 * turn for turn in range(4)])
    assert max(together.first_audio) == pytest.approx(step * (1 + 3 * SHARE))
    assert together.gaps == pytest.approx([0.0] * 4)


def test_who_would_be_left_dry_is_not_joined() -> None:
    """At RTF 0.95 company is slower than speech: the second waits until the first bears that, not until it is done."""
    heard = simulate([whole(0.0, 8.0), whole(0.1, 8.0)], places=2, rtf=0.95)
    first, second = sorted(heard.first_audio)
    assert first == pytest.approx(0.95 * CHUNK_SECONDS)
    assert 1.0 < second < 7.6
    assert min(heard.gaps) == pytest.approx(0.0, abs=1e-6)  # of him who was there
    assert max(heard.gaps) < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_eight_listeners_are_better_off_together(seed: int) -> None:
    """An engine with RTF 0.4 that would have to work all the time for them."""
    replies = house(seed, 1.0, 0.4, 160, satellites=8)
    alone, together = (simulate(replies, places=places, rtf=0.4) for places in (1, 4))
    assert len(together.first_audio) == len(alone.first_audio) == 160
    assert together.percentile(0.95) < 0.5 * alone.percentile(0.95)
    assert together.gap <= alone.gap


def test_the_bench_prints_what_it_found() -> None:
    bench = Path(__file__).parents[2] / "script" / "benches" / "batch.py"
    done = subprocess.run([sys.executable, str(bench), "--quick"], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout.splitlines()[-1])
    assert document["bench"] == "batch"
    assert {"ttfa_p95_s.80.1", "ttfa_p95_s.80.4", "gap_s.80.4"} <= document["results"].keys()
