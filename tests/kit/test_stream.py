"""A stream in pieces is the whole, whatever the pieces."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from itertools import islice

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit.stream import (
    CausalConv1d,
    CausalConvTranspose1d,
    State,
    WindowedAttention,
    first_piece,
    pieces,
    window_mask,
)

SIZES = [(1,) * 13, (2, 2, 2, 2, 2, 2, 1), (4, 4, 4, 1), (7, 6), (1, 12), (13,)]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("kernel", "dilation"), [(7, 1), (7, 9), (1, 1), (3, 3)])
def test_convolution(sizes: tuple[int, ...], kernel: int, dilation: int) -> None:
    torch.manual_seed(0)
    layer = CausalConv1d(torch.randn(3, 2, kernel), torch.randn(3), dilation=dilation)
    x, state = torch.randn(2, 2, 13), State()
    parts = [layer(part, state) for part in x.split(list(sizes), dim=2)]
    torch.testing.assert_close(torch.cat(parts, dim=2), layer(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("kernel", "stride"), [(16, 8), (4, 2), (2, 2), (5, 2), (7, 2)])
def test_transposed_convolution(sizes: tuple[int, ...], kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    layer = CausalConvTranspose1d(torch.randn(2, 3, kernel), torch.randn(3), stride=stride)
    x, state = torch.randn(2, 2, 13), State()
    parts = [layer(part, state) for part in x.split(list(sizes), dim=2)]
    assert [part.shape[2] for part in parts] == [size * stride for size in sizes]
    torch.testing.assert_close(torch.cat(parts, dim=2), layer(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("window", [1, 4, 8, 100])
def test_attention(sizes: tuple[int, ...], window: int) -> None:
    torch.manual_seed(0)
    layer = WindowedAttention(window)
    queries, keys, values = torch.randn(3, 1, 2, 13, 4)
    state, parts, at = State(), [], 0
    for size in sizes:
        assert layer.position(state) == at
        parts.append(layer(*(each[:, :, at : at + size] for each in (queries, keys, values)), state))
        at += size
    torch.testing.assert_close(torch.cat(parts, dim=2), layer(queries, keys, values), atol=1e-6, rtol=0)


def test_a_window_hides_what_is_older() -> None:
    mask = window_mask(3, 5, 2)
    assert mask is not None
    assert mask.int().tolist() == [[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]


def test_two_streams_do_not_mix() -> None:
    layer = CausalConv1d(torch.ones(1, 1, 3))
    one, other = State(), State()
    layer(torch.ones(1, 1, 2), one)
    assert layer(torch.zeros(1, 1, 1), other).item() == 0
    assert layer(torch.zeros(1, 1, 1), one).item() == 2
    assert one.bytes == 2 * 4


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("kernel", "stride"), [(16, 8), (4, 2), (2, 2)])
def test_convolution_with_a_stride(sizes: tuple[int, ...], kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    layer = CausalConv1d(torch.randn(3, 2, kernel), torch.randn(3), stride=stride)
    x, state = torch.randn(2, 2, 13 * stride), State()
    parts = [layer(part, state) for part in x.split([size * stride for size in sizes], dim=2)]
    torch.testing.assert_close(torch.cat(parts, dim=2), layer(x), atol=1e-5, rtol=0)


def test_what_is_cut_within_a_stride_says_so() -> None:
    with pytest.raises(ValueError, match=r"piece of 5 .* stride of 2"):
        CausalConv1d(torch.ones(1, 1, 4), stride=2)(torch.ones(1, 1, 5), State())


def test_pieces_grow() -> None:
    assert list(islice(pieces(1, 16), 7)) == [1, 2, 4, 8, 16, 16, 16]
    assert list(islice(pieces(3, 3), 3)) == [3, 3, 3]
    with pytest.raises(ValueError, match="pieces of 0"):
        next(pieces(0, 4))


@pytest.mark.parametrize(
    ("step", "decode", "frames"), [(0.002, 0.001, 1), (0.02, 0.01, 2), (0.03, 0.012, 4), (0.1, 0.02, 8)]
)
def test_the_slower_the_later(step: float, decode: float, frames: int) -> None:
    assert first_piece(0.0464, step, decode) == frames
