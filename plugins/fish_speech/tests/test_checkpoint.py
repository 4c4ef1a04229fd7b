"""Checkpoints as they are published, as they once were, and as people have them by mistake: each of those is named."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from safetensors.torch import load_file

from meadowlark.kit.precision import Plan
from meadowlark.kit.weights import WeightsError, write
from meadowlark_fish_speech import _S1_FILES, _S2_FILES, _V15_FILES, firefly
from meadowlark_fish_speech.checkpoint import Checkpoint, CheckpointError
from meadowlark_fish_speech.config import ConfigError, config_of
from meadowlark_fish_speech.doubles import S1_TINY, V15_TINY, write_15, write_s1, write_s2
from meadowlark_fish_speech.generations import GENERATIONS, named, of_engine
from meadowlark_fish_speech.model import DualAR
from meadowlark_fish_speech.tokenizer import TokenizerError

WRITE = {"s1": write_s1, "s2": write_s2, "1.5": write_15}

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1740000000\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("written")
    for name, write_it in WRITE.items():
        write_it(home / name)
    return {name: home / name for name in WRITE}


@pytest.fixture
def folder(written: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    def copied(name: str) -> Path:
        return Path(shutil.copytree(written[name], tmp_path / name, dirs_exist_ok=True))  # whole again

    return copied


def opened(folder: Path, name: str = "s1") -> tuple[Checkpoint, DualAR]:
    """Everything is read, as for speaking and for references."""
    checkpoint = Checkpoint.find({}, (folder,), folder / "cache", named(name))
    config = checkpoint.config()
    model = checkpoint.model(config, checkpoint.tokenizer(config).tokens, Plan())
    checkpoint.decoder(Plan())
    checkpoint.encoder(Plan())
    return checkpoint, model


@pytest.mark.parametrize("name", list(WRITE))
def test_the_published_layout_is_read(folder: Callable[[str], Path], name: str) -> None:
    _, model = opened(folder(name), name)
    assert model.config.generation == name
    assert model.config.codebooks == (8 if name == "1.5" else 10)
    codes = model.config.codebook_size
    assert model.tokens.semantic_end - model.tokens.semantic_begin + 1 == codes
    assert model.row_tokens.tolist().count(model.tokens.stop) == 1


@pytest.mark.parametrize(("name", "files"), [("s1", _S1_FILES), ("s2", _S2_FILES), ("1.5", _V15_FILES)])
def test_what_is_downloaded_is_what_is_read(folder: Callable[[str], Path], name: str, files: tuple[str, ...]) -> None:
    assert sorted(path.name for path in folder(name).iterdir()) == sorted(files)


@pytest.mark.parametrize("name", list(WRITE))
def test_the_model_stores_files_are_used(folder: Callable[[str], Path], name: str, tmp_path: Path) -> None:
    files = {path.name: str(path) for path in folder(name).iterdir()}
    checkpoint = Checkpoint.find(files, (tmp_path / "nowhere",), tmp_path / "cache", named(name))
    assert checkpoint.config().generation == name


def test_15_is_read_from_its_configuration() -> None:
    config = config_of({**V15_TINY, "vocab_size": 102048, "dim": 1024, "n_layer": 24, "n_head": 16, "n_local_heads": 2})
    assert config.generation == "1.5"
    assert config.residual_rows == 1024
    assert not config.scale_embeddings
    assert not config.norm_before_fast
    assert not config.slow.qk_norm
    assert config.fast.kv_heads == config.slow.kv_heads == 2
    assert config_of(S1_TINY).residual_rows == 1024
    assert config_of({**S1_TINY, "num_codebooks": 8, "scale_codebook_embeddings": False}).residual_rows == 4096


def test_s1_with_another_number_of_codebooks_is_s1() -> None:
    config = config_of({**S1_TINY, "num_codebooks": 8})
    assert (config.generation, config.residual_rows, config.codebooks) == ("s1", 1024, 8)


def test_15s_numbers_come_from_its_files(folder: Callable[[str], Path]) -> None:
    checkpoint = Checkpoint.find({}, (folder("1.5"),), Path(), named("1.5"))
    tokens = checkpoint.tokenizer(checkpoint.config()).tokens
    assert tokens.semantic_begin == 256 + 12  # with 100,000 ranks 100,012, as an independent port has it
    assert tokens.stop == 256 + 4


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "model.pth", weights_only=True)


def change(folder: Path, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    torch.save(edit(tensors(folder)), folder / "model.pth")


def apart(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As before queries, keys and values were one."""
    changed = {}
    for name, tensor in found.items():
        if name.endswith("wqkv.weight"):
            query, key, value = tensor.split([32, 16, 16])
            for part, each in (("wq", query), ("wk", key), ("wv", value)):
                changed[name.replace("wqkv", part)] = each.clone()
        else:
            changed[name] = tensor
    return changed


@pytest.mark.parametrize(
    "edit",
    [
        lambda found: {"state_dict": found},
        lambda found: {f"model.{name}": each for name, each in found.items()},
        lambda found: {**found, "audio_projector.weight": torch.ones(3), "model.audio_x": torch.ones(2)},
        lambda found: {**found, "freqs_cis": torch.ones(4, 2), "causal_mask": torch.ones(4, 4, dtype=torch.bool)},
        apart,
    ],
    ids=["wrapped", "prefixed", "audio_", "buffers", "wq wk wv"],
)
def test_older_and_other_spellings_are_the_same_model(
    folder: Callable[[str], Path], edit: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    plain = folder("s1")
    _, model = opened(plain)
    change(plain, edit)
    _, other = opened(plain)
    for mine, theirs in ((model.slow, other.slow), (model.fast, other.fast)):
        for one, two in zip(mine.layers, theirs.layers, strict=True):
            assert torch.equal(one.attention.qkv.weight, two.attention.qkv.weight)  # type: ignore[attr-defined]
    assert torch.equal(model.head.weight, other.head.weight)  # type: ignore[attr-defined]


def spelt_old(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weight norm in its other spelling."""
    ends = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    changed = {}
    for name, tensor in found.items():
        old = name
        for new, end in ends.items():
            if name.endswith(new):
                old = name.replace(new, end)
        changed[old] = tensor
    return changed


@pytest.mark.parametrize("name", ["s1", "1.5"])
@pytest.mark.parametrize(
    "edit",
    [
        spelt_old,
        lambda found: {"state_dict": found},
        lambda found: {
            **{f"generator.{name}": each for name, each in found.items()},
            **{name: torch.zeros_like(each) for name, each in found.items()},  # another copy, which does not count
            "discriminator.weight": torch.ones(1),
        },
        lambda found: {
            **found,
            "quantizer.pre_module.freqs_cis": torch.ones(4, 2),
            "quantizer.pre_module.causal_mask": torch.ones(4, 4, dtype=torch.bool),
            "spec_transform.fb": torch.ones(4),
        },
    ],
    ids=["weight_g", "wrapped", "generator", "buffers"],
)
def test_spellings_of_the_codec_are_the_same_codec(
    folder: Callable[[str], Path], name: str, edit: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    plain = folder(name)
    file = plain / named(name).codec.files[0]
    codes = torch.arange(2 * opened(plain, name)[1].config.codebooks).view(1, -1, 2) % 1000
    sound = opened(plain, name)[0].decoder(Plan()).decode(codes)
    found = torch.load(file, weights_only=True)
    torch.save(edit(found.get("state_dict", found)), file)
    assert torch.equal(opened(plain, name)[0].decoder(Plan()).decode(codes), sound)


def test_without_a_checkpoint_is_said_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"ask for access at https://huggingface\.co/fishaudio/s1-mini.*HF_TOKEN"):
        opened(tmp_path, "s1")
    with pytest.raises(
        CheckpointError, match=r"`meadowlark pull fish_speech_15/one` downloads it from .*fish-speech-1\.5"
    ):
        opened(tmp_path, "1.5")


@pytest.mark.parametrize("name", list(WRITE))
def test_a_missing_file_is_named(folder: Callable[[str], Path], name: str) -> None:
    for file in sorted(path.name for path in folder(name).iterdir()):
        if file in ("config.json", "model.safetensors.index.json"):
            continue  # without the first there is no checkpoint; without the other a model.pth is looked for
        place = folder(name)
        (place / file).unlink()
        with pytest.raises(CheckpointError, match=f"{file} of {named(name).repository} is missing; put it beside"):
            opened(place, name)


@pytest.mark.parametrize("name", list(WRITE))
@pytest.mark.parametrize(
    ("content", "complaint"),
    [(LFS, "is a Git LFS pointer, not the file of 1,740,000,000 bytes"), (PAGE, "is a web page"), (b"", "is empty")],
)
def test_what_a_download_left_behind_is_named(
    folder: Callable[[str], Path], name: str, content: bytes, complaint: str
) -> None:
    for file in sorted(path.name for path in folder(name).iterdir()):
        place = folder(name)
        (place / file).write_bytes(content)
        with pytest.raises((CheckpointError, WeightsError), match=f"^{file} {complaint}"):
            opened(place, name)


@pytest.mark.parametrize("name", list(WRITE))
def test_a_truncated_file_is_named(folder: Callable[[str], Path], name: str) -> None:
    for file in sorted(path.name for path in folder(name).iterdir()):
        place = folder(name)
        half = (place / file).read_bytes()
        (place / file).write_bytes(half[: len(half) // 2])
        with pytest.raises((CheckpointError, ConfigError, TokenizerError, WeightsError), match=file) as caught:
            opened(place, name)
        if file.endswith(".safetensors"):
            assert "truncated: it ends within" in str(caught.value)
        elif file.endswith(".pth"):
            assert "it is truncated" in str(caught.value)


def test_a_missing_shard_is_named(folder: Callable[[str], Path]) -> None:
    place = folder("s2")
    index = place / "model.safetensors.index.json"
    values = json.loads(index.read_text())
    values["weight_map"]["lost"] = "model-00003-of-00003.safetensors"
    index.write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=r"model-00003-of-00003\.safetensors of fishaudio/s2-pro is missing"):
        opened(place, "s2")
    for broken in ("[]", "{}", '{"weight_map": []}', '{"weight_map'):
        index.write_text(broken)
        with pytest.raises(WeightsError, match=r"model\.safetensors\.index\.json is not whole"):
            opened(place, "s2")


def test_a_shard_without_a_tensor_is_named(folder: Callable[[str], Path]) -> None:
    place = folder("s2")
    file = place / "model-00001-of-00002.safetensors"
    found = load_file(file)
    del found["text_model.model.layers.0.attention.wo.weight"]
    write(found, file)
    with pytest.raises(WeightsError, match=r"model-00001-of-00002.*has no tensor layers\.0\.attention\.wo\.weight"):
        opened(place, "s2")


class _Config:
    """What an XTTS checkpoint holds beside its tensors."""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"model": {"gpt.x": torch.ones(1)}, "config": _Config()}, r"model\.pth cannot be read: it holds objects of a"),
        ({"bert": {"module.x": torch.ones(1)}, "decoder": {}}, r"model\.pth is not a table of tensors: bert, decoder"),
        ({"weight": torch.ones(2), "step": 7}, r"model\.pth is not a table of tensors: step are none"),
        ([torch.ones(1)], r"model\.pth is not a table of tensors but a list"),
        (
            {"gpt.wte.weight": torch.ones(2), "gpt.wpe.weight": torch.ones(2)},
            r"model\.pth has no tensor embeddings\.weight \(it holds gpt\.wpe\.weight, gpt\.wte\.weight\): it is",
        ),
    ],
    ids=["xtts", "kokoro", "training state", "a list", "a language model"],
)
def test_the_pickle_of_another_model_is_named(folder: Callable[[str], Path], content: object, complaint: str) -> None:
    place = folder("s1")
    torch.save(content, place / "model.pth")
    with pytest.raises(WeightsError, match=complaint):
        opened(place)


def test_the_safetensors_of_another_model_are_named(folder: Callable[[str], Path]) -> None:
    place = folder("s2")
    shard = {"model.embed_tokens.weight": torch.ones(4, 2), "lm_head.weight": torch.ones(4, 2)}
    for number in (1, 2):
        write(shard, place / f"model-0000{number}-of-00002.safetensors")
    with pytest.raises(WeightsError, match=r"no tensor embeddings\.weight \(it holds embed_tokens\.weight, lm_head"):
        opened(place, "s2")


@pytest.mark.parametrize("name", ["s1", "1.5"])
def test_the_codec_of_another_generation_is_named(
    folder: Callable[[str], Path], written: dict[str, Path], name: str
) -> None:
    other = "1.5" if name == "s1" else "s1"
    place, file = folder(name), named(name).codec.files[0]
    shutil.copy(written[other] / named(other).codec.files[0], place / file)
    with pytest.raises(
        WeightsError, match=rf"^{file} has no tensor quantizer\.[a-z_]*(quantizer|fsq)\..*it is another"
    ):
        opened(place, name)


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn])
def test_numbers_of_another_program_are_named(folder: Callable[[str], Path], dtype: torch.dtype) -> None:
    place = folder("s1")
    wrong = "layers.0.feed_forward.w1.weight"
    change(place, lambda found: {**found, wrong: found[wrong].to(dtype)})
    with pytest.raises(
        WeightsError, match=rf"^model\.pth: {wrong} is (int8|float8_e4m3fn) where.*download the original"
    ):
        opened(place)


def test_any_float_will_do(folder: Callable[[str], Path]) -> None:
    place = folder("s1")
    for dtype in (torch.float32, torch.float16, torch.float64):
        change(place, lambda found, dtype=dtype: {name: each.to(dtype) for name, each in found.items()})
        _, model = opened(place)
        assert model.head.weight.dtype == torch.float32  # type: ignore[attr-defined]


def test_a_configuration_of_another_model_is_named(folder: Callable[[str], Path]) -> None:
    place = folder("s1")
    values = json.loads((place / "config.json").read_text())

    def expect(change: dict[str, Any], error: type[Exception], complaint: str) -> None:
        (place / "config.json").write_text(json.dumps({**values, **change}))
        with pytest.raises(error, match=complaint):
            opened(place)

    expect(
        {"intermediate_size": 64},
        WeightsError,
        r"^model\.pth: layers\.0\.feed_forward\.w1\.weight has the shape .32, 32",
    )
    expect({"n_layer": 2}, WeightsError, r"model\.pth has no tensor layers\.1\.attention\.wqkv\.weight")
    expect({"n_layer": 0}, ConfigError, r"config\.json: n_layer is 0; it must be a whole number from 1")
    expect({"model_type": "llama"}, ConfigError, r"config\.json is of a model of type 'llama'; known are dual_ar")
    expect({"model_type": None}, ConfigError, r"config\.json names no model_type")
    expect({"n_head": "many"}, ConfigError, r"config\.json: n_head is 'many'; it must be a whole number")
    expect({"codebook_size": 2048}, CheckpointError, "tokenizer and config.json do not belong together")
    (place / "config.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"config\.json is not a table"):
        opened(place)


@pytest.mark.parametrize(("mine", "theirs"), [("s1", "1.5"), ("s1", "s2"), ("1.5", "s1"), ("s2", "1.5")])
def test_a_folder_of_another_generation_is_named(folder: Callable[[str], Path], mine: str, theirs: str) -> None:
    other, own = named(theirs), named(mine)
    wanted = rf"is that of {other.repository}.*{own.repository}.*folder of the engine {other.engine},"
    with pytest.raises(CheckpointError, match=wanted):
        opened(folder(theirs), mine)


def test_strangers_in_a_checkpoint_are_told_of(folder: Callable[[str], Path], caplog: pytest.LogCaptureFixture) -> None:
    place = folder("s1")
    change(place, lambda found: {**found, "loss.weight": torch.ones(1)})
    opened(place)
    assert "model.pth holds tensors that nothing here uses: loss.weight" in caplog.text


def test_each_engine_has_its_generation() -> None:
    assert [of_engine(each.engine) for each in GENERATIONS] == list(GENERATIONS)
    assert of_engine("fish_at_home").name == "s1"
    assert firefly.FIREFLY_FILE in named("1.5").codec.files
