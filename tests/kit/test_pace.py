"""What keeps up is chosen, and found out step by step."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from meadowlark.kit.pace import LIMIT, WINDOW, Grade, Paces, choose, foreseen, machine

GRADES = (Grade("full", 6.0), Grade("int8", 2.0), Grade("int4", 1.0))


@pytest.mark.parametrize(
    ("rtf", "chosen"),
    [
        ({}, "int4"),
        ({"int4": 1.9}, "int4"),
        ({"int4": 0.5}, "int4"),
        ({"int4": 0.39}, "int8"),
        ({"int4": 0.1}, "full"),
        ({"int4": 0.39, "int8": 0.85}, "int4"),
        ({"int4": 0.5, "int8": 0.8}, "int8"),
        ({"int4": 0.39, "int8": 0.2}, "full"),
        ({"int4": 0.1, "full": 0.81}, "int8"),
        ({"full": 3.0, "int8": 2.0, "int4": 1.5}, "int4"),
    ],
)
def test_the_best_that_keeps_up(rtf: dict[str, float], chosen: str) -> None:
    assert choose(GRADES, rtf).name == chosen


def test_what_is_measured_counts_more_than_what_is_foreseen() -> None:
    assert foreseen(GRADES[0], GRADES, {"int4": 0.1, "int8": 0.3}) == pytest.approx(0.9)
    assert foreseen(GRADES[1], GRADES, {"int4": 0.1, "int8": 0.3}) == 0.3
    assert foreseen(GRADES[1], GRADES, {}) is None


@pytest.mark.parametrize("speed", [0.05, 0.3, 0.7, 2.0])
def test_ends_where_it_stays(speed: float) -> None:
    """Load after load, on a machine where grades cost other than was thought."""
    really = {"full": 9 * speed, "int8": 1.5 * speed, "int4": speed}
    rtf: dict[str, float] = {}
    for _ in range(6):
        name = choose(GRADES, rtf).name
        rtf[name] = really[name]
    kept = choose(GRADES, rtf).name
    assert kept == name
    assert really[kept] <= LIMIT or kept == "int4"


def test_measurements_outlive_the_process(tmp_path: Path) -> None:
    paces = Paces(tmp_path / "new", "fish", "here")
    assert paces.rtf() == {}
    for rtf in (9.0, 9.0, 0.5, 0.4, 0.6, 0.5, 0.7):  # a busy start is forgotten
        paces.note("int4", rtf)
    paces.note("int8", 1.25)
    assert Paces(tmp_path / "new", "fish", "here").rtf() == {"int4": 0.5, "int8": 1.25}
    assert Paces(tmp_path / "new", "fish", "elsewhere").rtf() == {}
    assert Paces(tmp_path / "new", "other", "here").rtf() == {}
    assert (tmp_path / "new" / "pace-fish.json").read_text().count(",") < 4 * WINDOW
    assert len(list((tmp_path / "new").iterdir())) == 1


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"here": 3}', '{"here": {"int4": ["x", -1]}}'])
def test_a_spoilt_file_is_written_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "pace-fish.json").write_text(content)
    paces = Paces(tmp_path, "fish", "here")
    assert paces.rtf() == {}
    paces.note("int4", 0.5)
    paces.note("int4", float("nan"))
    assert paces.rtf() == {"int4": 0.5}


def test_what_cannot_be_kept_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        Paces(tmp_path / "file", "fish", "here").note("int4", 0.5)
    assert "cannot be kept" in caplog.text


def test_a_machine_has_a_name() -> None:
    assert machine("cpu", 2).endswith("2 threads, cpu")
    assert machine("cpu", 2) != machine("cpu", 4)
