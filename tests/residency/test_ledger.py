"""The ledger: what it expects after what it was told, and how it survives its disk."""

from __future__ import annotations

import json
import logging
import math
import os
import random
from pathlib import Path

import pytest

from meadowlark.residency.ledger import (
    GUESSED_PACE,
    GUESSED_RTF,
    GUESSED_SHARE,
    LENGTHS,
    MIDDLES,
    WINDOW,
    Death,
    Ledger,
    bucket,
)
from meadowlark.residency.ledger_file import LARGEST_BYTES, MOST_BROKEN, LedgerFile, encode
from meadowlark.schedule.batch import Batching, Speaking, may_join
from meadowlark.schedule.policy import Waiting

GB = 10**9


def sentence(
    ledger: Ledger, chars: int, *, first: float = 0.1, rtf: float = 0.2, kind: str = "cpu", **more: float
) -> None:
    audio = 0.06 * chars
    ledger.record_sentence(
        "a", kind, chars=chars, audio_seconds=audio, seconds=rtf * audio, first_audio_seconds=first, **more
    )


def test_the_manifest_is_only_the_first_guess() -> None:
    ledger = Ledger()
    guess = ledger.estimate("a", "cuda", stated_bytes=2 * GB)
    assert (guess.bytes, guess.peak_bytes, guess.loads, guess.sentences) == (2 * GB, 2 * GB, 0, 0)
    assert guess.load_seconds > 1
    assert guess.rtf(50) == GUESSED_RTF
    assert guess.first_audio_seconds(100) == pytest.approx(100 * GUESSED_PACE * GUESSED_RTF)
    ledger.record_load("a", "cuda", bytes=GB, peak_bytes=3 * GB, load_seconds=0.8, warm_up_seconds=0.2)
    measured = ledger.estimate("a", "cuda", stated_bytes=2 * GB)
    assert (measured.bytes, measured.peak_bytes, measured.loads) == (GB, 3 * GB, 1)
    assert (measured.load_seconds, measured.warm_up_seconds) == (0.8, 0.2)


def test_asking_leaves_no_trace() -> None:
    ledger = Ledger()
    ledger.estimate("a", "cpu")
    assert (ledger.death("a"), ledger.kinds("a"), ledger.entries) == (None, (), {})


def test_what_was_expected_changes_with_the_next_measurement() -> None:
    ledger = Ledger()
    assert ledger.estimate("a", "cpu", stated_bytes=7).bytes == 7
    ledger.record_load("a", "cpu", bytes=GB, load_seconds=1)
    assert ledger.estimate("a", "cpu", stated_bytes=7).bytes == GB
    assert ledger.estimate("a", "cpu") is ledger.estimate("a", "cpu")
    before = ledger.estimate("a", "cpu").share
    for together in (2.0, 1.0, 2.0):  # in company before it was ever alone, alone, in company
        ledger.record_sentence(
            "a", "cpu", chars=60, audio_seconds=4, seconds=together, first_audio_seconds=1, together=together
        )
        assert ledger.estimate("a", "cpu").rtf(60) > 0
    assert ledger.estimate("a", "cpu").sentences == 3
    assert ledger.estimate("a", "cpu").share != before


def test_device_kinds_are_apart() -> None:
    ledger = Ledger()
    ledger.record_load("a", "cuda", bytes=GB, load_seconds=1)
    assert ledger.estimate("a", "cpu", stated_bytes=7).bytes == 7
    assert ledger.kinds("a") == ("cuda",)


def test_estimates_rise_at_once_and_fall_with_time() -> None:
    ledger = Ledger()
    for size in (1, 1, 3):
        ledger.record_load("a", "cpu", bytes=size * GB, load_seconds=size)
    assert ledger.estimate("a", "cpu").bytes == 3 * GB  # the worst of a few
    for _ in range(WINDOW - 1):
        ledger.record_load("a", "cpu", bytes=GB, load_seconds=1)
    assert ledger.estimate("a", "cpu").bytes == GB
    assert ledger.estimate("a", "cpu").load_seconds == 1
    assert ledger.estimate("a", "cpu").loads == WINDOW + 2


def test_company_makes_a_sentence_slower_and_not_the_engine() -> None:
    """Four at a time at 0.15 each: 1.45 times as long as alone."""
    ledger = Ledger()
    assert ledger.estimate("a", "cpu").share == GUESSED_SHARE
    sentence(ledger, 60, rtf=0.2, first=0.1)
    for _ in range(WINDOW):
        sentence(ledger, 60, rtf=0.2 * 1.45, first=0.5, together=4.0)
    sentence(ledger, 60, rtf=0.9, first=0.5, together=1.3)  # too little company to tell
    known = ledger.estimate("a", "cpu")
    assert known.rtf(60) == pytest.approx(0.2)
    assert known.first_audio_seconds(60) == pytest.approx(0.1)
    assert known.share == pytest.approx(0.15, abs=0.001)
    assert known.sentences == WINDOW + 2


def test_who_was_never_alone_has_a_speed_all_the_same() -> None:
    ledger = Ledger()
    sentence(ledger, 60, rtf=0.2 * (1 + 3 * GUESSED_SHARE), first=0.19, together=4.0)
    assert ledger.estimate("a", "cpu").rtf(60) == pytest.approx(0.2)
    assert ledger.estimate("a", "cpu").first_audio_seconds(60) == pytest.approx(0.1)
    sentence(ledger, 60, rtf=0.1, first=0.05, together=2.0)  # faster than alone: company costs nothing
    assert ledger.estimate("a", "cpu").share == 0.0


def test_a_guess_from_a_crowd_gives_way_to_the_first_sentence_alone(tmp_path: Path) -> None:
    ledger = Ledger()
    sentence(ledger, 60, rtf=9.0, first=5.0, together=2.0)
    file = LedgerFile(tmp_path / "ledger.json")
    assert file.write(encode(ledger))
    ledger = file.read()
    sentence(ledger, 60, rtf=0.2, first=0.1)
    assert ledger.estimate("a", "cpu").rtf(60) == pytest.approx(0.2)
    assert ledger.estimate("a", "cpu").first_audio_seconds(240) == pytest.approx(0.1 * 240 / 60)
    sentence(ledger, 60, rtf=0.3, first=0.2)  # and only that
    assert ledger.entries["a"].devices["cpu"].rtf == {bucket(60): [0.2, 0.3]}


def test_one_busy_moment_does_not_end_all_company() -> None:
    ledger = Ledger()
    sentence(ledger, 60, rtf=0.1, first=0.1)
    sentence(ledger, 60, rtf=0.5, first=0.5, together=2.0)  # each further one as much as four alone?
    batching = Batching(4, ledger.estimate("a", "cpu").share)
    speaking, next_one = [Speaking(left=0.4, lasts_until=104.0)], Waiting(1, 100.0, None, work=0.4)
    assert may_join(next_one, speaking, [], 100.0, batching)
    for _ in range(WINDOW):
        sentence(ledger, 60, rtf=0.12, first=0.1, together=2.0)
    assert ledger.estimate("a", "cpu").share == pytest.approx(0.2)


def test_one_bad_measurement_among_many_does_not_rule() -> None:
    ledger = Ledger()
    for seconds in [0.1] * 10 + [30.0] + [0.1] * 5:
        ledger.record_load("a", "cpu", bytes=GB, load_seconds=seconds)
    assert ledger.estimate("a", "cpu").load_seconds == 0.1


def test_peaks_are_the_worst_operation() -> None:
    ledger = Ledger()
    ledger.record_load("a", "cpu", bytes=2 * GB, peak_bytes=3 * GB, load_seconds=1)
    sentence(ledger, 50, bytes=2 * GB, peak_bytes=5 * GB)
    assert ledger.estimate("a", "cpu").peak_bytes == 5 * GB
    for _ in range(WINDOW):
        sentence(ledger, 50, bytes=2 * GB, peak_bytes=2 * GB)
    assert ledger.estimate("a", "cpu").peak_bytes == 3 * GB


def test_unknown_bytes_do_not_lower_an_estimate() -> None:
    ledger = Ledger()
    ledger.record_load("a", "cpu", bytes=GB, load_seconds=1)
    for _ in range(WINDOW):
        sentence(ledger, 50)
    assert ledger.estimate("a", "cpu").bytes == GB


def test_speed_by_length() -> None:
    ledger = Ledger()
    sentence(ledger, 12, first=0.1, rtf=0.5)
    sentence(ledger, 240, first=0.7, rtf=0.1)
    estimate = ledger.estimate("a", "cpu")
    assert [estimate.rtf(chars) for chars in (5, 12, 240, 400)] == pytest.approx([0.5, 0.5, 0.1, 0.1])
    assert 0.1 < estimate.rtf(100) < estimate.rtf(50) < 0.5
    assert estimate.first_audio_seconds(5) == 0.1
    assert estimate.first_audio_seconds(126) == pytest.approx(0.4)
    assert estimate.first_audio_seconds(480) == pytest.approx(1.4)  # an engine that does not stream
    assert estimate.speech_seconds(100) == pytest.approx(6.0)
    assert estimate.sentences == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_a_measurement_that_can_be_none_is_left_out(bad: float) -> None:
    ledger = Ledger()
    ledger.record_load("a", "cpu", bytes=GB, load_seconds=1)
    ledger.record_load("a", "cpu", bytes=GB, load_seconds=bad, warm_up_seconds=bad)
    ledger.record_sentence("a", "cpu", chars=0, audio_seconds=1, seconds=1, first_audio_seconds=1)
    ledger.record_sentence("a", "cpu", chars=9, audio_seconds=0, seconds=1, first_audio_seconds=1)
    ledger.record_sentence("a", "cpu", chars=9, audio_seconds=1, seconds=bad, first_audio_seconds=bad)
    estimate = ledger.estimate("a", "cpu")
    assert (estimate.load_seconds, estimate.rtf(9)) == (1, GUESSED_RTF)


def test_buckets() -> None:
    assert [bucket(chars) for chars in (0, 1, 20, 21, 40, 320, 321, 9999)] == [0, 0, 0, 1, 1, 4, 5, 5]
    assert [bucket(chars) for chars in MIDDLES] == list(range(len(LENGTHS) + 1))


def test_random_estimates_stay_within_what_was_measured() -> None:
    dice = random.Random(3)
    for _ in range(100):
        ledger = Ledger()
        rtfs = [round(dice.uniform(0.01, 2), 4) for _ in range(dice.randint(1, 60))]
        for rtf in rtfs:
            sentence(ledger, dice.randint(1, 500), rtf=rtf)
        estimate = ledger.estimate("a", "cpu")
        for chars in (1, 33, 120, 2000):
            assert min(rtfs) - 1e-4 <= estimate.rtf(chars) <= max(rtfs) + 1e-4
            assert estimate.first_audio_seconds(chars) >= 0.1


def test_deaths_and_recovery() -> None:
    ledger = Ledger()
    assert not ledger.record_recovery("a")
    ledger.record_death("a", at=100.0, reason="killed by SIGSEGV", in_a_row=3, rests_until=160.0)
    assert ledger.death("a") == Death(100.0, "killed by SIGSEGV", 3, 160.0)
    assert ledger.record_recovery("a")
    assert ledger.death("a") == Death(100.0, "killed by SIGSEGV", 0)
    assert not ledger.record_recovery("a")


# On disk


@pytest.fixture
def file(tmp_path: Path) -> LedgerFile:
    return LedgerFile(tmp_path / "data" / "ledger.json")


def full() -> Ledger:
    ledger = Ledger()
    ledger.record_load("a", "cuda", bytes=GB, peak_bytes=2 * GB, load_seconds=1.25, warm_up_seconds=0.5)
    for chars in (10, 30, 90, 400):
        sentence(ledger, chars, kind="cuda", bytes=GB, peak_bytes=GB)
    ledger.record_death("b", at=5.0, reason="exit code 3", in_a_row=1)
    ledger.extra("a")["hours"] = [0.5, 0.25]
    return ledger


def test_what_was_written_is_read(file: LedgerFile) -> None:
    ledger = full()
    assert file.write(encode(ledger))
    assert file.read().entries == ledger.entries
    assert sorted(path.name for path in file.path.parent.iterdir()) == ["ledger.json", "ledger.json.lock"]


def test_no_file_is_an_empty_ledger(file: LedgerFile, caplog: pytest.LogCaptureFixture) -> None:
    assert file.read().entries == {}
    assert not caplog.records


BROKEN = {
    "empty": b"",
    "half": encode(full())[:200],
    "no JSON": b"\x89PNG\r\n",
    "no UTF-8": b'{"version": 1, "engines": {"\xff": {}}}',
    "an array": b"[1]",
    "deep": b"[" * 100_000,
    "foreign": b'{"name": "x"}',
    "of the future": b'{"version": 2, "engines": {}}',
    "negative": b'{"version": 1, "engines": {"a": {"devices": {"cpu": {"bytes": [-1]}}}}}',
    "infinite": b'{"version": 1, "engines": {"a": {"devices": {"cpu": {"bytes": [1e999]}}}}}',
    "text": b'{"version": 1, "engines": {"a": {"devices": {"cpu": {"load_seconds": ["1"]}}}}}',
    "no such length": b'{"version": 1, "engines": {"a": {"devices": {"cpu": {"rtf": {"77": [1]}}}}}}',
    "too large": b" " * (LARGEST_BYTES + 1),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_ledger_is_kept_aside(file: LedgerFile, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    assert file.read().entries == {}
    assert file.path.with_name("ledger.json.broken-1").read_bytes() == content
    assert not file.path.exists()
    assert len(caplog.records) == 1
    assert "ledger.json.broken-1" in caplog.text


def test_broken_ones_do_not_pile_up(file: LedgerFile) -> None:
    file.path.parent.mkdir()
    for number in range(MOST_BROKEN + 3):
        file.path.write_text(f"broken {number}")
        file.read()
    kept = {path.name: path.read_text() for path in file.path.parent.iterdir()}
    assert len(kept) == MOST_BROKEN
    assert kept["ledger.json.broken-1"] == "broken 0"
    assert kept[f"ledger.json.broken-{MOST_BROKEN}"] == f"broken {MOST_BROKEN + 2}"


def test_too_long_windows_are_cut(file: LedgerFile) -> None:
    file.path.parent.mkdir()
    cpu = {"bytes": list(range(100)), "rtf": {"0": [1] * 100}}
    file.path.write_text(json.dumps({"version": 1, "engines": {"a": {"devices": {"cpu": cpu}}}}))
    measured = file.read().entries["a"].devices["cpu"]
    assert (measured.bytes, len(measured.rtf[0])) == (list(range(80, 100)), WINDOW)


def test_keys_of_a_later_release_are_no_reason_to_forget(file: LedgerFile) -> None:
    file.path.parent.mkdir()
    document = json.loads(encode(full()))
    document["engines"]["a"]["colour"] = "blue"
    file.path.write_text(json.dumps(document))
    assert file.read().entries == full().entries


def test_a_number_that_json_lacks_does_not_cost_the_ledger(file: LedgerFile) -> None:
    ledger = full()
    ledger.extra("a")["hours"] = [math.nan, 1.0, math.inf]
    file.write(encode(ledger))
    assert file.read().extra("a") == {"hours": [0.0, 1.0, 0.0]}


def test_a_disk_that_takes_nothing_costs_one_line(file: LedgerFile, caplog: pytest.LogCaptureFixture) -> None:
    """Once, however often it is tried; and once more after it has worked in between."""
    file.path.parent.write_text("a file where the folder should be")
    for _ in range(3):
        assert not file.write(b"{}")
    assert len(caplog.records) == 1
    file.path.parent.unlink()
    assert file.write(b"{}")
    file.path.unlink()
    file.path.mkdir()
    (file.path / "in the way").touch()
    assert not file.write(b"{}")
    assert len(caplog.records) == 2
    assert not file.path.with_name("ledger.json.new").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_leaves_the_old_ledger(file: LedgerFile, caplog: pytest.LogCaptureFixture) -> None:
    assert file.write(encode(full()))
    file.path.with_name("ledger.json.new").symlink_to("/dev/full")
    assert not file.write(encode(Ledger()))
    assert file.read().entries == full().entries
    assert "No space left on device" in caplog.text
    assert file.write(encode(Ledger()))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_ledger_stays_where_it_is(file: LedgerFile, caplog: pytest.LogCaptureFixture) -> None:
    file.write(encode(full()))
    file.path.chmod(0)
    assert file.read().entries == {}
    assert file.path.exists()
    assert "Permission denied" in caplog.text


def test_a_folder_in_the_place_of_the_ledger(file: LedgerFile, caplog: pytest.LogCaptureFixture) -> None:
    file.path.mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        assert file.read().entries == {}
    assert len(caplog.records) == 1
