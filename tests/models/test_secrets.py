"""What the hub or the HTTP library says never has the token in it when it goes into a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from meadowlark.api import Asset
from meadowlark.models.fetcher import fetch_all
from meadowlark.models.messages import Line, Order


def test_a_token_that_the_library_quotes_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "hf_very\x01secret"  # no HTTP library sends this, and some say what they do not send
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    asset = Asset("", "x.bin", url=f"https://127.0.0.1:1/{token}", sha256="0" * 64)
    lines: list[Line] = []
    fetch_all(Order("horn", (asset,), str(tmp_path), 0, pause=0.0), lines.append)
    assert lines[-1].trouble
    assert "very" not in lines[-1].note
