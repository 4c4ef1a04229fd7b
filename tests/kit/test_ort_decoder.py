"""The graph computes what the reference computes, whatever its weights are packed as."""
# ruff: noqa: E402  torch and ONNX Runtime may be absent

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the kit's decoders need torch")
pytest.importorskip("onnxruntime", reason="the kit's decoders need onnxruntime")
onnx = pytest.importorskip("onnx", reason="graphs are written with onnx")

from meadowlark.kit.kvcache import KVCache
from meadowlark.kit.ort import Compute
from meadowlark.kit.ort_decoder import Decoder, GraphError, Shape, reference
from meadowlark.kit.ort_decoder_graph import Packings, build
from meadowlark.kit.ort_packing import WHOLE, Packing, dense, packed, quantized

SHAPE = Shape(layers=2, dim=64, heads=4, kv_heads=2, head_dim=32, hidden=96, head_rows=50, norm_eps=1e-6, qk_norm=True)
ONE_THREAD = Compute(threads=1)


class Tensors:
    """Random weights of a shape, made when they are asked for, or what their packed form stands for."""

    def __init__(self, shape: Shape, packings: Packings = Packings()) -> None:  # noqa: B008  frozen
        self._shape, self._packings = shape, packings
        self._known: dict[str, torch.Tensor] = {}

    def take(self, name: str) -> torch.Tensor:
        if name not in self._known:
            shape, kind = self._shape, name.split(".")[-1]
            width = shape.heads * shape.head_dim
            sizes = {
                "qkv": (shape.qkv_rows, shape.dim),
                "out": (shape.dim, width),
                "gate_up": (2 * shape.hidden, shape.dim),
                "down": (shape.dim, shape.hidden),
                "head": (shape.head_rows, shape.dim),
                "q_norm": (shape.head_dim,),
                "k_norm": (shape.head_dim,),
                "qkv_bias": (shape.qkv_rows,),
            }
            size = sizes.get(kind, (shape.dim,))
            generator = torch.Generator().manual_seed(sum(map(ord, name)))
            noise = torch.randn(*size, generator=generator)
            self._known[name] = noise * 0.1 if len(size) == 2 else 1 + noise * 0.3
        return self._known[name]

    def packed(self, name: str) -> torch.Tensor:
        tensor = self.take(name)
        return (
            dense(tensor, self._packings.head if name == "head" else self._packings.layers)
            if (tensor.dim() == 2)
            else tensor
        )


def angles(positions: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    turns = torch.outer(torch.arange(positions).float(), 0.01 ** (torch.arange(0, width, 2) / width))
    return turns.cos().bfloat16().float(), turns.sin().bfloat16().float()


def largest_difference(folder: Path, shape: Shape, packings: Packings) -> float:
    """Of states, logits and what was stored, over prompts and steps in a row."""
    tensors, table = Tensors(shape, packings), angles(64, shape.head_dim)
    decoder = Decoder(build(shape, tensors.take, table, packings, folder, "tiny"), shape, ONE_THREAD)
    cache, other = decoder.cache(40), KVCache(shape.layers, shape.kv_heads, shape.head_dim, 40)
    at, worst = 0, 0.0
    reader = decoder.on(cache)
    for count in (7, 1, 1, 5, 2, 1):
        x = torch.randn(1, count, shape.dim, generator=torch.Generator().manual_seed(count + at))
        reader.read(x, at)
        wanted = reference(shape, tensors.packed, table, x, other, at)
        pairs = [
            *zip((reader.state, reader.normed, reader.logits), wanted, strict=True),
            (cache.data[..., : shape.head_dim], other.data),
        ]
        worst = max([worst, *(float((found - right).abs().max()) for found, right in pairs)])
        at += count
    return worst


@pytest.mark.parametrize(
    "change", [{}, {"qk_norm": False}, {"qkv_bias": True, "out_bias": True}, {"kv_heads": 4}, {"head_dim": 24}]
)
def test_float32(tmp_path: Path, change: dict[str, bool]) -> None:
    assert largest_difference(tmp_path, dataclasses.replace(SHAPE, **change), Packings()) < 2e-5


@pytest.mark.parametrize("bits", [4, 8])
def test_packed_weights_are_the_weights_they_stand_for(tmp_path: Path, bits: int) -> None:
    whole = Packing(bits, whole_inputs=True)
    assert largest_difference(tmp_path, SHAPE, Packings(whole, whole)) < 2e-5


def test_sequences_at_positions_of_their_own(tmp_path: Path) -> None:
    """Two of three places step together, each behind what it has read by itself."""
    tensors, table = Tensors(SHAPE), angles(64, SHAPE.head_dim)
    decoder = Decoder(build(SHAPE, tensors.take, table, Packings(), tmp_path, "tiny"), SHAPE, ONE_THREAD)
    cache = decoder.cache(40, batch=3)
    others = [KVCache(SHAPE.layers, SHAPE.kv_heads, SHAPE.head_dim, 40) for _ in range(2)]
    generator, at = torch.Generator().manual_seed(0), [7, 3]
    for place, (other, count) in enumerate(zip(others, at, strict=True)):
        prompt = torch.randn(1, count, SHAPE.dim, generator=generator)
        decoder.on(cache.slot(place)).read(prompt, 0)
        reference(SHAPE, tensors.packed, table, prompt, other, 0)
    both = decoder.on(cache.first(2))
    for turn in range(6):
        x = torch.randn(2, 1, SHAPE.dim, generator=generator)
        both.read(x, torch.tensor(at) + turn)
        for place, other in enumerate(others):
            wanted = reference(SHAPE, tensors.packed, table, x[place : place + 1], other, at[place] + turn)
            for found, right in zip((both.state, both.normed, both.logits), wanted, strict=True):
                torch.testing.assert_close(found[place : place + 1], right, atol=2e-5, rtol=0)
    assert not cache.data[:, :, 2].any()


def test_short_inputs_cost_little(tmp_path: Path) -> None:
    """The quick kernels round what weights are multiplied with to 8 bits in blocks; not every processor has them."""
    packing = Packing(8)
    assert largest_difference(tmp_path, SHAPE, Packings(packing, packing)) < 0.3
    nodes = onnx.load(tmp_path / "tiny.onnx", load_external_data=False).graph.node
    products = [node for node in nodes if node.op_type == "MatMulNBits"]
    levels = {each.i for node in products for each in node.attribute if each.name == "accuracy_level"}
    assert levels == {4}  # int8, by the operator's own description


@pytest.mark.parametrize(("bits", "allowed"), [(8, 0.5 / 127), (4, 0.5 / 15 * 2)])
def test_rounded_to_the_nearest_code(bits: int, allowed: float) -> None:
    weight = torch.randn(16, 64, generator=torch.Generator().manual_seed(0))
    packing = Packing(bits)
    _, scales, _ = quantized(weight, packing)
    error = (dense(weight, packing) - weight).abs().view(16, 2, 32).amax(dim=2)
    limit = scales * (0.5 + 1e-4 if bits == 8 else 1.0)  # a zero point is rounded too
    assert (error <= limit).all()
    assert float(error.max()) <= allowed * 2 * float(weight.abs().max())


@pytest.mark.parametrize("packing", [Packing(4), Packing(8), WHOLE])
def test_size_is_that_of_what_is_written(packing: Packing) -> None:
    weight = torch.randn(6, 64)
    parts = packed(weight, packing) if packing.fits(64) else (weight.numpy(),)
    assert sum(each.nbytes for each in parts) == packing.size(6, 64)


def test_rows_that_are_no_whole_blocks_stay_as_they_are(tmp_path: Path) -> None:
    assert not Packing(4).fits(100)
    assert not WHOLE.fits(64)
    weight = torch.randn(4, 100)
    assert torch.equal(dense(weight, Packing(4)), weight)


def test_a_prefix_is_what_was_read(tmp_path: Path) -> None:
    tensors, table = Tensors(SHAPE), angles(64, SHAPE.head_dim)
    decoder = Decoder(build(SHAPE, tensors.take, table, Packings(), tmp_path, "tiny"), SHAPE, ONE_THREAD)
    x = torch.randn(1, 9, SHAPE.dim)
    whole, later = decoder.cache(16), decoder.cache(32)
    reader = decoder.on(whole)
    reader.read(x, 0)
    later.restore(whole.snapshot(6))
    other = decoder.on(later)
    other.read(x[:, 6:], 6)
    torch.testing.assert_close(other.logits, reader.logits, atol=2e-5, rtol=0)


def test_another_models_weight_is_named(tmp_path: Path) -> None:
    tensors = Tensors(SHAPE)

    def wrong(name: str) -> torch.Tensor:
        return torch.zeros(3, 3) if name == "0.out" else tensors.take(name)

    with pytest.raises(ValueError, match=r"0\.out has the shape \(3, 3\), not \(64, 128\)"):
        build(SHAPE, wrong, angles(8, SHAPE.head_dim), Packings(), tmp_path, "tiny")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    tensors = Tensors(SHAPE)
    path = build(SHAPE, tensors.take, angles(8, SHAPE.head_dim), Packings(), tmp_path, "tiny")
    weights = tmp_path / "tiny.weights"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(GraphError, match=r"tiny\.onnx cannot be opened"):
        Decoder(path, SHAPE, ONE_THREAD)
