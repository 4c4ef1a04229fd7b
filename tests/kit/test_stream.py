"""A stream in pieces is the whole, whatever the pieces."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit.stream import (
    CausalConv1d,
    CausalConvTranspose1d,
    State,
    WindowedAttention,
    first_piece,
    needed_context,
    pieces,
    window_mask,
    windowed,
)
from meadowlark.kit.windows import Pace, Schedule

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
    assert list(islice(pieces(1, 16, 0.1), 4)) == [1, 4, 16, 16]
    assert list(islice(pieces(8, 16, 1.5), 3)) == [8, 16, 16]
    with pytest.raises(ValueError, match="pieces of 0"):
        next(pieces(0, 4))


@given(rtf=st.floats(0.01, 0.99), most=st.integers(8, 64))
def test_no_piece_comes_too_late(rtf: float, most: int) -> None:
    """As long as the work is done as quickly as it was measured."""
    sizes = islice(pieces(first_piece(1, rtf, 0, most), most, rtf), 200)
    made = heard_until = 0.0
    for number, size in enumerate(sizes):
        made += size * rtf
        assert not number or made <= heard_until, (number, size)
        heard_until = max(made, heard_until) + size
        assert 1 <= size <= most
    assert rtf > 0.7 or size == most


@pytest.mark.parametrize(
    ("step", "decode", "frames"), [(0.002, 0.001, 1), (0.02, 0.01, 2), (0.03, 0.012, 4), (0.1, 0.02, 8)]
)
def test_the_slower_the_later(step: float, decode: float, frames: int) -> None:
    assert first_piece(0.0464, step, decode) == frames


class Vocoder(torch.nn.Module):
    """Up by 2 · 3, with residual blocks that see far to both sides, as HiFi-GAN's do."""

    def __init__(self) -> None:
        super().__init__()
        self.begin = torch.nn.Conv1d(4, 8, 7, padding=3)
        self.ups = torch.nn.ModuleList(
            torch.nn.ConvTranspose1d(8, 8, 2 * rate + rate % 2, rate, padding=(rate + 1) // 2) for rate in (2, 3)
        )
        self.residuals = torch.nn.ModuleList(
            torch.nn.ModuleList(
                torch.nn.Conv1d(8, 8, kernel, dilation=dilation, padding=(kernel - 1) // 2 * dilation)
                for kernel, dilation in ((3, 1), (3, 3), (7, 1), (7, 5))
            )
            for _ in self.ups
        )
        self.end = torch.nn.Conv1d(8, 1, 7, padding=3)

    @torch.inference_mode()
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.begin(x)
        for up, residuals in zip(self.ups, self.residuals, strict=True):
            length = x.shape[2] * up.stride[0]
            x = up(torch.nn.functional.leaky_relu(x, 0.1))
            assert x.shape[2] == length
            for each in residuals:
                x = x + each(torch.nn.functional.leaky_relu(x, 0.1))
        return self.end(x).tanh()


HOP = 6


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    torch.manual_seed(0)
    return Vocoder().eval()


@pytest.fixture(scope="module")
def latents() -> torch.Tensor:
    return torch.randn(2, 4, 97, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def context(vocoder: Vocoder, latents: torch.Tensor) -> tuple[int, int]:
    return needed_context(vocoder, latents, HOP)


@pytest.mark.parametrize(
    ("first", "most", "growth"), [(1, 1, 1.0), (1, 64, 2.0), (5, 20, 1.5), (30, 30, 2.0), (97, 97, 2)]
)
def test_windows_of_a_vocoder_are_the_whole(
    vocoder: Vocoder, latents: torch.Tensor, context: tuple[int, int], first: int, most: int, growth: float
) -> None:
    parts = list(windowed(vocoder, latents, HOP, Schedule(first, most, *context, growth)))
    assert parts[0].shape[2] == first * HOP
    torch.testing.assert_close(torch.cat(parts, dim=2), vocoder(latents), atol=1e-6, rtol=0)


@pytest.mark.parametrize("sizes", [(1,) * 97, (40, 1, 56), (97,), (3, 90, 4)])
def test_latents_may_still_be_arriving(
    vocoder: Vocoder, latents: torch.Tensor, context: tuple[int, int], sizes: tuple[int, ...]
) -> None:
    arrived = 0

    def source() -> Iterator[torch.Tensor]:
        nonlocal arrived
        for part in latents.split(list(sizes), dim=2):
            arrived += part.shape[2]
            yield part

    before, after = context
    parts, heard = [], 0
    for part in windowed(vocoder, source(), HOP, Schedule(2, 16, before, after)):
        parts.append(part)
        heard += part.shape[2] // HOP
        assert arrived >= min(97, heard + after)
        if sizes == (1,) * 97 and heard < 97 - after:
            assert arrived == heard + after, "waited for more than it needed"
    torch.testing.assert_close(torch.cat(parts, dim=2), vocoder(latents), atol=1e-6, rtol=0)
    assert list(windowed(vocoder, [], HOP, Schedule(2, 16, before, after))) == []


def test_too_little_context_is_not_exact(vocoder: Vocoder, latents: torch.Tensor, context: tuple[int, int]) -> None:
    before, after = context
    whole = vocoder(latents)
    for less in ((before // 3, after), (before, after // 3)):
        parts = torch.cat(list(windowed(vocoder, latents, HOP, Schedule(8, 8, *less, 1.0))), dim=2)
        assert (parts - whole).abs().max() > 1e-6


def test_needed_context_of_what_is_known() -> None:
    weight = torch.ones(1, 1, 5)
    seen = needed_context(lambda x: torch.nn.functional.conv1d(x, weight, padding=2), torch.ones(1, 1, 20), 1)
    assert seen == (2, 2)
    layer = CausalConv1d(weight)
    assert needed_context(layer, torch.ones(1, 1, 20), 1) == (4, 0)
    with pytest.raises(ValueError, match="too few"):
        needed_context(layer, torch.ones(1, 1, 6), 1)
    with pytest.raises(ValueError, match="nothing"):
        needed_context(torch.zeros_like, torch.ones(1, 1, 6), 1)


def test_a_pace_learns_what_windows_cost(vocoder: Vocoder, latents: torch.Tensor) -> None:
    ticks = iter(range(100))
    pace = Pace(0.1)
    list(windowed(vocoder, latents, HOP, Schedule(97, 97, 4, 4), pace, clock=lambda: next(ticks)))
    assert pace.cost == pytest.approx(1 / 97)
