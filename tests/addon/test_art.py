"""icon.png and logo.png are what the store shows, and come from the drawings in art/."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest


@pytest.mark.parametrize(("name", "size"), [("icon", (128, 128)), ("logo", (250, 100))])
def test_size(root: Path, name: str, size: tuple[int, int]) -> None:
    data = (root / f"{name}.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == size
    assert len(data) < 30_000, "every user of the repository downloads it"
    assert ET.parse(root / "art" / f"{name}.svg").getroot().get("viewBox") == f"0 0 {size[0]} {size[1]}"


@pytest.mark.parametrize("name", ["icon", "logo"])
def test_drawing_needs_no_font_and_no_other_file(root: Path, name: str) -> None:
    tags = {element.tag.rpartition("}")[2] for element in ET.parse(root / "art" / f"{name}.svg").iter()}
    assert tags <= {"svg", "g", "path", "rect", "circle"}
