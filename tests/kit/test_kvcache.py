"""The cache gives back what was written, and grouped attention is plain attention."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit.kvcache import KVCache, attend, attend_plainly, causal_mask, length_for, live_mask


@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize(("count", "length"), [(1, 1), (1, 9), (5, 5), (3, 9)])
def test_attention_is_plain_attention(heads: int, kv_heads: int, count: int, length: int) -> None:
    torch.manual_seed(0)
    queries = torch.randn(2, heads, count, 8)
    keys, values = torch.randn(2, 2, kv_heads, length, 8)
    for mask in (None, causal_mask(count, length)):
        found = attend(queries, keys, values, mask)
        torch.testing.assert_close(found, attend_plainly(queries, keys, values, mask), atol=1e-6, rtol=0)


def test_each_sequence_has_a_mask_of_its_own() -> None:
    torch.manual_seed(0)
    queries = torch.randn(2, 4, 1, 8)
    keys, values = torch.randn(2, 2, 2, 6, 8)
    mask = (torch.arange(6) <= torch.tensor([[2], [5]]))[:, None, None]
    found = attend(queries, keys, values, mask)
    for row, length in enumerate((3, 6)):
        alone = attend(queries[row : row + 1], keys[row : row + 1, :, :length], values[row : row + 1, :, :length])
        torch.testing.assert_close(found[row : row + 1], alone, atol=1e-6, rtol=0)


def test_a_mask_to_be_added_hides_the_same() -> None:
    torch.manual_seed(0)
    queries, (keys, values) = torch.randn(2, 4, 1, 8), torch.randn(2, 2, 2, 6, 8)
    at = torch.tensor([2, 5])
    shown, added = live_mask(at, 6), live_mask(at, 6, torch.float32)
    assert shown[:, 0, 0].sum(dim=1).tolist() == [3, 6]
    assert torch.equal(attend(queries, keys, values, added), attend(queries, keys, values, shown))


def test_positions_of_each_sequence() -> None:
    cache = KVCache(1, 2, 4, 8, batch=3)
    keys, values = torch.randn(2, 3, 2, 1, 4)
    cache.write(0, torch.tensor([0, 5, 7]), keys, values)
    for row, at in enumerate((0, 5, 7)):
        assert torch.equal(cache.read(0, 8)[0][row, :, at], keys[row, :, 0])
        assert torch.equal(cache.read(0, 8)[1][row, :, at], values[row, :, 0])
    assert int((cache.data != 0).sum()) == 2 * 3 * 2 * 4


def test_a_prefix_is_a_copy() -> None:
    cache = KVCache(2, 1, 4, 8)
    cache.write(1, 0, torch.ones(1, 1, 3, 4), torch.ones(1, 1, 3, 4))
    prefix = cache.snapshot(3)
    cache.write(1, 0, torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4))
    other = KVCache(2, 1, 4, 8, batch=2)
    other.restore(prefix, slot=1)
    assert other.read(1, 3)[0][1].eq(1).all()
    assert other.read(1, 8)[0][0].eq(0).all()
    assert prefix.bytes == 2 * 2 * 3 * 4 * 4
    with pytest.raises(ValueError, match="a prefix of 3 positions in a cache of 2"):
        KVCache(2, 1, 4, 2).restore(prefix)


def test_reading_copies_nothing() -> None:
    cache = KVCache(2, 1, 4, 8)
    keys, _ = cache.read(1, 5)
    assert keys.data_ptr() == cache.data[1, 0].data_ptr()
    assert cache.slot(0).data.data_ptr() == cache.data.data_ptr()


def test_length() -> None:
    assert length_for(100, 60, 8192) == 256
    assert length_for(100, 10_000, 2048) == 2048
    with pytest.raises(ValueError, match="the model's context has 512"):
        length_for(512, 1, 512)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_room_is_taken_as_it_is_written(dtype: torch.dtype) -> None:
    def own_kilobytes() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

    before = own_kilobytes()
    cache = KVCache(8, 8, 128, 8192, dtype=dtype)  # 268 MB and more
    cache.write(3, 0, torch.ones(1, 8, 2, 128, dtype=dtype), torch.ones(1, 8, 2, 128, dtype=dtype))
    assert own_kilobytes() - before < 100_000
    assert not cache.data[7, :, :, :, :4].any()
    assert cache.data[3, :, :, :, :2].all()
