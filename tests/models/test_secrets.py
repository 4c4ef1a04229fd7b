"""What the hub or the HTTP library says never has the token in it when it goes into a log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from meadowlark.api import Asset
from meadowlark.models.download import download
from meadowlark.models.messages import Line, Order
from meadowlark.testing.hub import Hub


async def test_a_token_that_the_library_quotes_is_hidden(tmp_path: Path, hub: Hub, put: Callable[..., Asset]) -> None:
    """No HTTP library sends a control character; this one says what it did not send."""
    put("x.bin", b"model")
    lines: list[Line] = []
    order = Order("horn", (Asset("meadow/lark", "x.bin"),), str(tmp_path), 0, pause=0.0)
    await download(order, lines.append, {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_very\x01secret"})
    assert lines[-1].trouble
    assert "Illegal header value b'Bearer ***'" in lines[-1].note
