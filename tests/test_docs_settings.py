"""Every setting stands in DOCS.md, with its default."""

from __future__ import annotations

from pathlib import Path

import pytest

from meadowlark.settings import KEYS

DOCS = (Path(__file__).parent.parent / "DOCS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", KEYS)
def test_is_documented(key: str) -> None:
    assert f"| `{key}` |" in DOCS.partition("## All settings")[2]
