"""Packed layers compute what the plain ones do, whole and in pieces."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from torch.nn import functional

from meadowlark.kit import packed
from meadowlark.kit.packed import PackedConv1d, PackedLinear, strided, transposed
from meadowlark.kit.stream import CausalConv1d, CausalConvTranspose1d, State

pytestmark = pytest.mark.skipif(not packed.can_pack(), reason="torch packs nothing on this machine")

DTYPES = [each for each in (torch.float32, torch.bfloat16) if packed.can_pack(each)]
SIZES = [(1,) * 13, (2, 2, 2, 2, 2, 2, 1), (4, 4, 4, 1), (7, 6), (13,)]
TOLERANCE = {torch.float32: 2e-5, torch.bfloat16: 0.1}


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [(1,), (13,), (2, 5), (2, 0)])
def test_linear(dtype: torch.dtype, rows: tuple[int, ...]) -> None:
    weight, bias, x = random(24, 40), random(24), random(*rows, 40)
    y = PackedLinear(weight.to(dtype), bias.to(dtype))(x.to(dtype))
    torch.testing.assert_close(y.float(), functional.linear(x, weight, bias), atol=TOLERANCE[dtype], rtol=0.02)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("kernel", "dilation", "channels"), [(7, 1, 6), (7, 9, 16), (1, 1, 5), (3, 3, packed.WIDE)])
def test_convolution(dtype: torch.dtype, sizes: tuple[int, ...], kernel: int, dilation: int, channels: int) -> None:
    weight, bias, x = random(3, channels, kernel) / (channels * kernel) ** 0.5, random(3), random(2, channels, 13)
    layer = PackedConv1d(weight.to(dtype), bias.to(dtype), dilation=dilation, length=2)
    rows, state = x.transpose(1, 2).to(dtype), State()
    y = torch.cat([layer(part, state) for part in rows.split(list(sizes), dim=1)], dim=1)
    wanted = CausalConv1d(weight, bias, dilation=dilation)(x).transpose(1, 2)
    torch.testing.assert_close(y.float(), wanted, atol=TOLERANCE[dtype], rtol=0.02)
    torch.testing.assert_close(y, layer(rows), atol=TOLERANCE[dtype] / 10, rtol=0.01)


@pytest.mark.parametrize("channels", [6, packed.WIDE])
def test_what_it_is_added_to(channels: int) -> None:
    layer = PackedConv1d(random(3, channels, 7), random(3))
    x, other = random(2, 9, channels), random(2, 9, 3)
    whole, here = layer.room(x, None)
    here.copy_(x)
    wanted = layer(x) + other
    torch.testing.assert_close(layer.convolve(whole, None, onto=other), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("packs", [True, False])
def test_both_ways_of_a_convolution(packs: bool) -> None:
    weight, bias, x = random(4, 6, 7), random(4), random(2, 30, 6)
    way = packed._Packed(weight, bias, 3, 5) if packs else packed._Windows(weight, bias, 3)
    wanted = functional.conv1d(x.transpose(1, 2), weight, bias, dilation=3).transpose(1, 2)
    torch.testing.assert_close(way(x), wanted, atol=1e-4, rtol=0)
    other = random(2, 12, 4)
    torch.testing.assert_close(way(x, other.clone()), wanted + other, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("kernel", "stride"), [(16, 8), (4, 2), (2, 2)])
def test_strides_are_reshapes(kernel: int, stride: int) -> None:
    weight, bias, x = random(3, 5, kernel), random(3), random(2, 5, 6 * stride)
    rows = x.transpose(1, 2).reshape(2, 6, stride * 5)
    y = PackedConv1d(strided(weight, stride), bias)(rows).transpose(1, 2)
    torch.testing.assert_close(y, CausalConv1d(weight, bias, stride=stride)(x), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("kernel", "stride"), [(16, 8), (4, 2), (2, 2)])
def test_transposed_strides_are_reshapes(kernel: int, stride: int) -> None:
    weight, bias, x = random(5, 3, kernel), random(3), random(2, 5, 6)
    rows = PackedConv1d(transposed(weight, stride), bias.repeat(stride))(x.transpose(1, 2))
    y = rows.reshape(2, 6 * stride, 3).transpose(1, 2)
    torch.testing.assert_close(y, CausalConvTranspose1d(weight, bias, stride=stride)(x), atol=1e-4, rtol=0)


def test_what_cannot_be_packed() -> None:
    assert not packed.can_pack(torch.float16)
    assert not packed.can_pack(torch.int8)
