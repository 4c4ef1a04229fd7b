"""Quantized layers compute what the weights they stand for compute."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit.graphs import Step
from meadowlark.kit.precision import (
    GROUP,
    Bits,
    Dense,
    Int4,
    Int8,
    Int8Widened,
    Plan,
    Quality,
    dense_int4,
    half_dtype,
    plan,
    quantized_int4,
)
from meadowlark.kit.tape import Tape


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("recorder", [None, Tape()])
def test_int8_of_a_gpu(weight: torch.Tensor, dtype: torch.dtype, recorder: Tape | None) -> None:
    """The same operations on a CPU, recorded as a graph would hold them."""
    layer = Int8Widened(weight, torch.ones(64, dtype=dtype), dtype)
    x = torch.randn(1, 5, 128, generator=torch.Generator().manual_seed(1)).to(dtype)
    step = Step(lambda x: (layer(x),), {"x": torch.zeros_like(x)}, recorder=recorder)
    assert step.recorded == (recorder is not None)
    (found,) = step(x=x)
    assert found.dtype == dtype
    wanted = x.float() @ layer.dense().T + 1
    torch.testing.assert_close(found.float(), wanted, atol=1e-4 if dtype is torch.float32 else 0.2, rtol=0.01)
    allowed = float(weight.abs().max() / 127) * (0.51 if dtype is torch.float32 else 1.1)
    torch.testing.assert_close(layer.dense(), weight, atol=allowed, rtol=0)


def test_float16_does_not_overflow() -> None:
    """127 for each weight would be a million here."""
    layer = Int8Widened(torch.full((16, 4096), 0.01), None, torch.float16)
    assert torch.allclose(
        layer(torch.full((1, 4096), 2.0, dtype=torch.float16)).float(), torch.tensor(81.92), rtol=0.01
    )


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


@pytest.mark.parametrize("quality", Quality)
def test_quality_on_a_gpu(quality: Quality) -> None:
    bits = Bits.INT8 if quality is Quality.BALANCED else Bits.FULL
    assert plan("cuda:0", quality, capability=lambda device: (8, 6)) == Plan("cuda:0", torch.bfloat16, bits)


def test_four_bits_are_not_for_gpus() -> None:
    with pytest.raises(ValueError, match="4 bits are for processors; cuda:0 computes with 8"):
        Plan("cuda:0", torch.bfloat16, Bits.INT4)


def test_eight_bits_of_another_device_are_plain_operations() -> None:
    layer = Plan("meta", torch.bfloat16, Bits.INT8).linear(torch.randn(20, 128), torch.zeros(20))
    assert isinstance(layer, Int8Widened)
    found = layer(torch.zeros(3, 128, dtype=torch.bfloat16, device="meta"))
    assert (found.shape, found.dtype, found.device.type) == ((3, 20), torch.bfloat16, "meta")
    assert layer.bytes == 20 * 128


def test_dtype_of_a_gpu() -> None:
    assert half_dtype((9, 0)) is torch.bfloat16
    assert half_dtype((7, 5)) is torch.float16
    assert half_dtype((6, 1)) is torch.float32
