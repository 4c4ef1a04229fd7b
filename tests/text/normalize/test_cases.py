"""What is written and what is said: one row for each case, one table for each language."""

from __future__ import annotations

from pathlib import Path

import pytest

from meadowlark.text.normalize import languages, normalize

FOLDER = Path(__file__).parent
LEAST = {"en": 120, "de": 120}


def rows(language: str) -> list[tuple[str, str, str]]:
    """(tag, written, spoken); a row may name another tag before a bar."""
    found = []
    for line in (FOLDER / f"cases_{language}.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("# "):
            written, spoken = line.split("\t")
            tag, bar, rest = written.partition("|")
            found.append((tag, rest, spoken) if bar else (language, written, spoken))
    return found


@pytest.mark.parametrize("language", languages())
def test_every_language_has_its_table(language: str) -> None:
    table = rows(language)
    assert len(table) >= LEAST.get(language, 40)
    assert len({(tag, written) for tag, written, _ in table}) == len(table)


@pytest.mark.parametrize("language", languages())
def test_what_is_written_is_spoken(language: str) -> None:
    wrong = [
        f"{tag}: {written!r} was spoken {said!r}, not {spoken!r}"
        for tag, written, spoken in rows(language)
        if (said := normalize(written, tag)) != spoken
    ]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("language", languages())
def test_what_is_spoken_stays(language: str) -> None:
    for tag, _, spoken in rows(language):
        assert normalize(spoken, tag) == spoken
