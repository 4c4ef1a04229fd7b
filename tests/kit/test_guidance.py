"""Two rows of one batch are two runs; test_decode.py guides sequences from step to step."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit.guidance import guided, guided_plainly


def test_guided_is_the_formula() -> None:
    conditioned, free = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1))
    rows = torch.stack([conditioned, free], dim=1).flatten(0, 1)
    for scale in (0.0, 1.0, 2.0, 3.5):
        torch.testing.assert_close(guided(rows, scale), guided_plainly(conditioned, free, scale), atol=1e-5, rtol=0)
    found = guided(rows, torch.tensor([[1.0], [2.0], [0.0]]))
    torch.testing.assert_close(found[0], conditioned[0])
    torch.testing.assert_close(found[1], 2 * conditioned[1] - free[1], atol=1e-5, rtol=0)
    assert torch.equal(found[2], free[2])
