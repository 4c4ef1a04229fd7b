"""Checkpoints: renamed, mapped, converted once; what is wrong with one is named."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")
pytest.importorskip("safetensors")

from meadowlark.kit.weights import Weights, WeightsError, converted, open_weights, renamed, write

TABLE = ((r".*\.mask", None), (r"model\.(.*)", r"\1"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write({"model.a": torch.arange(6.0).view(2, 3), "b": torch.ones(100), "b.mask": torch.ones(4)}, path)
    return path


def test_names_go_through_the_table(file: Path) -> None:
    weights = Weights([file], TABLE)
    assert "a" in weights
    assert "b.mask" not in weights
    assert weights.shape("a") == (2, 3)
    assert weights.take("a", (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    weights.take("b")
    weights.finish()
    assert renamed("other", TABLE) == "other"


def test_what_is_wrong_is_named(file: Path) -> None:
    weights = Weights([file], TABLE)
    with pytest.raises(WeightsError, match=r"model\.safetensors: model\.a has the shape \(2, 3\) where .* \(3, 3\)"):
        weights.take("a", (3, 3))
    with pytest.raises(WeightsError, match=r"model\.safetensors has no tensor c"):
        weights.take("c")
    with pytest.raises(WeightsError, match="tensors that the model does not have: a, b"):
        weights.finish()


def test_truncated_files_are_named(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:-200])
    with pytest.raises(WeightsError, match=r"model\.safetensors is truncated: it ends within b"):
        Weights([file])
    for rest in (whole[:7], whole[:50], b"\xff" * 64):
        file.write_bytes(rest)
        with pytest.raises(WeightsError, match=r"model\.safetensors is not a"):
            Weights([file])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1740000000\n",
            "is a Git LFS pointer, not the file of 1,740,000,000 bytes .*git lfs pull",
        ),
        (b"\n<!DOCTYPE html><html><title>Sign in</title>", "is a web page, .*token"),
        (b"Access to model x is restricted.", r"is a message of the server \(Access to model x is restricted\.\)"),
    ],
)
@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
def test_what_a_download_left_behind_is_named(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"{name.replace('.', '[.]')} {complaint}"):
        open_weights([path])


def test_older_checkpoints_keep_apart_what_is_one_now(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    query, key, value = torch.randn(4, 3), torch.randn(2, 3), torch.randn(2, 3)
    write({"l.wq.weight": query, "l.wk.weight": key, "l.wv.weight": value, "m.wq.weight": query + 1}, path)
    joins = ((r"(.*)\.wqkv\.weight", (r"\1.wq.weight", r"\1.wk.weight", r"\1.wv.weight")),)
    weights = Weights([path], joins=joins)
    assert "l.wqkv.weight" in weights
    assert "m.wqkv.weight" not in weights
    assert weights.shape("l.wqkv.weight") == (8, 3)
    assert torch.equal(weights.take("l.wqkv.weight", (8, 3)), torch.cat([query, key, value]))
    with pytest.raises(WeightsError, match=r"l\.wq\.weight \+ l\.wk\.weight \+ .* has the shape \(8, 3\)"):
        weights.take("l.wqkv.weight", (9, 3))
    with pytest.raises(WeightsError, match=r"no tensor m\.wqkv\.weight \(it holds l\.wk"):
        weights.take("m.wqkv.weight")


def test_only_the_generator_counts_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "codec.pth"
    torch.save({"generator.a": torch.ones(2), "a": torch.zeros(2), "discriminator.b": torch.zeros(1)}, path)
    weights = open_weights([path], within="generator.")
    assert weights.take("a").tolist() == [1, 1]
    weights.finish()  # nothing else was kept
    torch.save({"a": torch.zeros(2)}, path)
    assert open_weights([path], within="generator.").take("a").tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.float8_e4m3fn])
def test_numbers_of_another_programs_making_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "model.safetensors"
    write({"a": torch.zeros(4).to(dtype)}, path)
    with pytest.raises(WeightsError, match=r"model\.safetensors: a is (u?int8|float8_e4m3fn) where .* the original"):
        Weights([path]).take("a")


def test_strangers_are_told_of_and_left_alone(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = Weights([file], TABLE)
    weights.take("a")
    weights.finish(known="layers.*")
    assert "model.safetensors holds tensors that nothing here uses: b" in caplog.text
    with pytest.raises(WeightsError, match="does not have: b"):
        weights.finish(known="[bc]")


@pytest.fixture
def pickle(tmp_path: Path) -> Path:
    path = tmp_path / "old.pth"
    both = torch.arange(10.0)
    torch.save({"state_dict": {"model.a": both[:5], "model.b": both[5:], "x.mask": torch.ones(3)}}, path)
    return path


def test_a_pickle_is_converted_once(pickle: Path) -> None:
    weights = open_weights([pickle], TABLE)
    assert weights.take("a").tolist() == [0, 1, 2, 3, 4]
    assert weights.take("b").tolist() == [5, 6, 7, 8, 9]
    weights.finish()
    made = converted(pickle, TABLE)
    assert made.parent == pickle.parent
    before = made.stat().st_mtime_ns
    assert converted(pickle, TABLE).stat().st_mtime_ns == before
    torch.save({"model.a": torch.zeros(2)}, pickle)
    assert open_weights([pickle], TABLE).take("a").tolist() == [0, 0]


def test_a_pickle_whose_folder_is_read_only(pickle: Path, tmp_path: Path) -> None:
    (pickle.parent / "old.converted.safetensors").mkdir()  # nothing can be renamed onto it
    made = converted(pickle, TABLE, tmp_path / "cache")
    assert made.parent == tmp_path / "cache"
    assert not list(pickle.parent.glob(".old*"))


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


def test_a_pickle_runs_no_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"a": _Evil()}, path)
    with pytest.raises(WeightsError, match=r"evil\.pth cannot be read: it holds objects of a program \(print\)"):
        open_weights([path])
    assert capsys.readouterr().out == ""


def test_a_half_pickle_is_named(pickle: Path) -> None:
    pickle.write_bytes(pickle.read_bytes()[:300])
    with pytest.raises(WeightsError, match=r"old\.pth cannot be read: it is truncated \(300 bytes"):
        open_weights([pickle])
    pickle.write_bytes(bytes(range(256)))
    with pytest.raises(WeightsError, match=r"old\.pth cannot be read: .* it is truncated or no checkpoint"):
        open_weights([pickle])
    torch.save([1, 2], pickle)
    with pytest.raises(WeightsError, match="not a table of tensors but a list"):
        open_weights([pickle])
    torch.save({"bert": {"a": torch.ones(1)}, "decoder": {"b": torch.ones(1)}}, pickle)
    with pytest.raises(WeightsError, match="not a table of tensors: bert, decoder are none"):
        open_weights([pickle])


def test_tied_tensors_of_a_pickle_are_written_apart(tmp_path: Path) -> None:
    path = tmp_path / "tied.pth"
    embedding = torch.arange(4.0)
    torch.save({"embeddings": embedding, "output": embedding}, path)
    weights = open_weights([path])
    assert weights.take("embeddings").tolist() == weights.take("output").tolist() == [0, 1, 2, 3]


def test_a_pickle_of_the_old_kind_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    assert open_weights([path]).take("a").tolist() == [1, 1]
