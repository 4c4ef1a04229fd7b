"""Every setting stands in DOCS.md, with its default; nothing stands there that is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from meadowlark.settings import KEYS, Settings

DOCS = (Path(__file__).parent.parent / "DOCS.md").read_text(encoding="utf-8")
SECTION = DOCS.partition("\n## All settings\n")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", SECTION, re.MULTILINE)


def test_the_table_has_each_setting_once_in_order() -> None:
    assert [key for key, _, _ in ROWS] == list(KEYS)


@pytest.mark.parametrize(("key", "default"), [(key, default) for key, default, _ in ROWS])
def test_the_default_is_the_code_s(key: str, default: str) -> None:
    assert default == _written(getattr(Settings(), key))


def test_settings_named_in_examples_exist() -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    [fallbacks] = [each for each in examples if "fallbacks:" in each]
    assert set(re.findall(r"^(\w+):", fallbacks, re.MULTILINE)) <= set(KEYS)


def _written(value: Any) -> str:
    """A default as the page writes it."""
    match value:
        case None:
            return "not said"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:.15g}"
        case Path() | str() if str(value):
            return str(value)
    assert not value
    return "none"
