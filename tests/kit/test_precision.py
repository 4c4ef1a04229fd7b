"""Quantized layers compute what the weights they stand for compute."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit.precision import (
    GROUP,
    Bits,
    Dense,
    Int4,
    Int8,
    Plan,
    Quality,
    dense_int4,
    half_dtype,
    plan,
    quantized_int4,
)


@pytest.fixture
def weight() -> torch.Tensor:
    return torch.randn(64, 128, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("bias", [True, False])
def test_int8(weight: torch.Tensor, rows: int, bias: bool) -> None:
    layer = Int8(weight, torch.ones(64) if bias else None)
    x = torch.randn(1, rows, 128, generator=torch.Generator().manual_seed(1))
    wanted = x.bfloat16().float() @ layer.dense().T + bias
    torch.testing.assert_close(layer(x), wanted, atol=0.15, rtol=0.01)  # bfloat16 has three digits
    assert layer(x).dtype == x.dtype
    torch.testing.assert_close(layer.dense(), weight, atol=float(weight.abs().max() / 127), rtol=0.01)


@pytest.mark.parametrize("rows", [1, 5])
def test_int4(weight: torch.Tensor, rows: int) -> None:
    layer = Int4(weight, torch.ones(64))
    x = torch.randn(1, rows, 128, generator=torch.Generator().manual_seed(1))
    codes, scales, zeros = quantized_int4(weight)
    wanted = x @ dense_int4(codes, scales, zeros).T + 1
    torch.testing.assert_close(layer(x), wanted, atol=0.25, rtol=0.02)
    step = (weight.view(64, -1, GROUP).amax(2) - weight.view(64, -1, GROUP).amin(2)) / 15
    off = (dense_int4(codes, scales, zeros) - weight).view(64, -1, GROUP).abs().amax(2)
    assert (off <= step / 2 + 1e-5).all()


def test_what_does_not_fit_stays_whole() -> None:
    made = Plan(bits=Bits.INT4)
    assert isinstance(made.linear(torch.randn(64, 128)), Int4)
    assert isinstance(made.linear(torch.randn(64, 100)), Dense)
    assert isinstance(made.exact(torch.randn(64, 128)), Dense)
    assert isinstance(Plan(bits=Bits.INT8).linear(torch.randn(64, 100)), Int8)
    with pytest.raises(ValueError, match="a row of 100 weights in groups of 32"):
        quantized_int4(torch.randn(64, 100))


def test_fewer_bits_are_fewer_bytes(weight: torch.Tensor) -> None:
    full, eight, four = (Plan(bits=bits).linear(weight).bytes for bits in (Bits.FULL, Bits.INT8, Bits.INT4))
    assert (full, eight) == (32768, 8192)
    assert four == 4096 + 64 * 4 * 2 * 2  # two numbers of two bytes for each group


def test_a_layer_does_not_hold_on_to_the_file(weight: torch.Tensor) -> None:
    assert Plan().exact(weight)(torch.eye(128)).shape == (128, 64)
    assert Plan().exact(weight).weight.data_ptr() != weight.data_ptr()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("quality", "bits"),
    [(Quality.FAST, Bits.INT4), (Quality.BALANCED, Bits.INT8), (Quality.QUALITY, Bits.FULL), (Quality.AUTO, Bits.INT8)],
)
def test_quality_on_a_cpu(quality: Quality, bits: Bits) -> None:
    assert plan("cpu", quality, real_time_at=Bits.INT8) == Plan("cpu", torch.float32, bits)


def test_dtype_of_a_gpu() -> None:
    assert half_dtype((9, 0)) is torch.bfloat16
    assert half_dtype((7, 5)) is torch.float16
    assert half_dtype((6, 1)) is torch.float32
