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
    for rest in (b"", whole[:7], whole[:50], b"\xff" * 64):
        file.write_bytes(rest)
        with pytest.raises(WeightsError, match=r"model\.safetensors is not a"):
            Weights([file])


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
    with pytest.raises(WeightsError, match=r"evil\.pth cannot be read"):
        open_weights([path])
    assert capsys.readouterr().out == ""


def test_a_half_pickle_is_named(pickle: Path) -> None:
    pickle.write_bytes(pickle.read_bytes()[:300])
    with pytest.raises(WeightsError, match=r"old\.pth cannot be read"):
        open_weights([pickle])
    torch.save([1, 2], pickle)
    with pytest.raises(WeightsError, match="not a table of tensors"):
        open_weights([pickle])
