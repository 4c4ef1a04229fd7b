"""What is written in a house and what is said: whole texts through the whole front end, by hand checked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from meadowlark.text import MarkerMap, Segmenter
from meadowlark.text.normalize import Normalizer, languages

TABLE = Path(__file__).parent / "sentences.tsv"
BETWEEN = " ‖ "


def rows() -> list[tuple[str, str, str]]:
    """(language, written, spoken)"""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("# ")]  # type: ignore[misc]


def spoken(language: str, chunks: list[str]) -> str:
    segmenter = Segmenter(MarkerMap([]), language, normalize=Normalizer(language))
    sentences = [sentence for chunk in chunks for sentence in segmenter.push(chunk)] + segmenter.finish()
    return BETWEEN.join(sentence.text for sentence in sentences)


def test_every_language_has_its_rows() -> None:
    count = Counter(language for language, _, _ in rows())
    assert set(count) == set(languages())
    assert min(count["en"], count["de"]) >= 60
    assert min(count.values()) >= 10


@pytest.mark.parametrize("language", languages())
def test_what_is_written_is_spoken(language: str) -> None:
    wrong = []
    for tag, written, said in rows():
        text = written.replace("\\n", "\n")
        if tag == language and {spoken(tag, [text]), spoken(tag, list(text))} != {said}:
            wrong.append(f"{written!r} was spoken {spoken(tag, [text])!r}, not {said!r}")
    assert not wrong, "\n" + "\n".join(wrong)
