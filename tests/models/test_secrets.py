"""What the hub or the HTTP library says never has the token in it when it goes into a log."""

from __future__ import annotations

import pytest

from meadowlark.models.fetcher import _hidden


@pytest.mark.parametrize("said", ["Illegal header b'Bearer hf_very\\x01secret'", "for hf_very\x01secret: 401"])
def test_a_token_that_is_quoted_is_hidden(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", " hf_very\x01secret ")
    assert "secret" not in _hidden(said)
    assert "***" in _hidden(said)
    monkeypatch.delenv("HF_TOKEN")
    assert _hidden(said) == said
