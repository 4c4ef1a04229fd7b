"""Two servers on one data folder: the first keeps what is measured, the second says so and harms nothing."""

from __future__ import annotations

from pathlib import Path

from .houses import Place


def test_the_second_server_says_so_and_leaves_the_ledger_alone(tmp_path: Path) -> None:
    place = Place(tmp_path)
    ledger = place.data / "ledger.json"
    with place.serve("--voice", "espeak/en-us") as first:
        with place.serve("--voice", "espeak/en-us") as second:
            log = second.stop()  # it would write the ledger now
        assert f"Another Meadowlark (process {first.process.pid}) keeps the ledger {ledger}" in log
        assert "another server runs with this data folder; give each its own with --data-dir" in log
        assert "Traceback" not in log
        assert not ledger.exists()
        assert "espeak/en-us" in first.voices()
        assert "keeps the ledger" not in first.stop()
    assert ledger.exists()


def test_a_command_beside_a_server_is_no_news(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.serve("--voice", "espeak/en-us"):
        done = place.run("say", "Hello.", "-o", "x.wav")
    assert done.returncode == 0
    assert "ledger" not in done.stderr


def test_the_next_one_keeps_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place.run("say", "Hello.", "-o", "x.wav").returncode == 0
    with place.serve("--voice", "espeak/en-us") as server:
        assert "keeps the ledger" not in server.stop()
