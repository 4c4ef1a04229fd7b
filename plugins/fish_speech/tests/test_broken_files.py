"""Files that somebody has changed, broken or made up: what is wrong is named, nothing in them runs."""
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
from meadowlark.kit.weights import Weights, WeightsError, write
from meadowlark_fish_speech.checkpoint import Checkpoint, CheckpointError
from meadowlark_fish_speech.config import ConfigError
from meadowlark_fish_speech.doubles import S1_TINY, V15_TINY, codec_tensors, write_15, write_s1, write_s2
from meadowlark_fish_speech.generations import named
from meadowlark_fish_speech.model import DualAR
from meadowlark_fish_speech.tokenizer import TokenizerError

SMALL = {"codebook_size": 64, "vocab_size": 256 + 15 + 64 + 1}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("written")
    write_s1(home / "s1", {**S1_TINY, **SMALL})
    write_s2(home / "s2")
    write_15(home / "1.5", {**V15_TINY, **SMALL, "vocab_size": 256 + 12 + 64 + 4})
    return {path.name: path for path in home.iterdir()}


@pytest.fixture
def folder(written: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    def copied(name: str) -> Path:
        return Path(shutil.copytree(written[name], tmp_path / name, dirs_exist_ok=True))

    return copied


def opened(folder: Path, name: str = "s1") -> DualAR:
    checkpoint = Checkpoint.find({}, (folder,), folder / "cache", named(name))
    config = checkpoint.config()
    model = checkpoint.model(config, checkpoint.tokenizer(config).tokens, Plan())
    checkpoint.decoder(Plan(), config.codebooks)
    return model


class _Runs:
    """A pickle that writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.path, "it ran"))


@pytest.mark.parametrize("file", ["model.pth", "codec.pth"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_does_not_run(folder: Callable[[str], Path], tmp_path: Path, file: str, zipped: bool) -> None:
    place = folder("s1")
    torch.save({"x": _Runs(tmp_path / "ran")}, place / file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=rf"^{file} cannot be read: it holds objects of a program.*might run code"):
        opened(place)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["s1", "1.5"])
@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "module._orig_mod.", "model.module."])
def test_what_training_puts_before_names_is_taken_off(folder: Callable[[str], Path], name: str, prefix: str) -> None:
    place = folder(name)
    wanted = opened(place, name).head.weight  # type: ignore[attr-defined]
    for file in ("model.pth", named(name).codec.files[0]):
        found = torch.load(place / file, weights_only=True)
        found = found.get("state_dict", found)
        torch.save({f"{prefix}{key}": each for key, each in found.items()}, place / file)
    assert torch.equal(opened(place, name).head.weight, wanted)  # type: ignore[attr-defined]


def test_what_training_puts_before_names_is_taken_off_in_s2(folder: Callable[[str], Path]) -> None:
    place = folder("s2")
    for file in place.glob("model-*.safetensors"):
        write({f"module.{key}": each.clone() for key, each in load_file(file).items()}, file)
    opened(place, "s2")


@pytest.mark.parametrize(
    "lost",
    [
        "quantizer.post_module.layers.1.attention.wqkv.weight",
        "quantizer.post_module.layers.0.ffn_norm.weight",
        "quantizer.quantizer.quantizers.4.codebook.weight",
        "quantizer.quantizer.quantizers.8.out_proj.weight_g",
        "quantizer.upsample.1.0.conv.weight",
        "decoder.model.3.block.1.conv.parametrizations.weight.original1",
        "decoder.model.4.block.4.block.2.alpha",
        "decoder.model.6.conv.bias",
    ],
)
def test_a_tensor_that_the_codec_lacks_is_named(tmp_path: Path, lost: str) -> None:
    """A layer in the middle too: the model is not taken for one of fewer layers."""
    found = codec_tensors(16, torch.Generator(), layers=3)
    del found[lost]
    write(found, tmp_path / "codec.safetensors")
    wanted = lost.replace("parametrizations.weight.original1", "weight_v")
    checkpoint = Checkpoint({"codec.safetensors": tmp_path / "codec.safetensors"}, tmp_path, named("s1"))
    with pytest.raises(WeightsError, match=rf"^codec\.safetensors has no tensor {wanted} "):
        checkpoint.decoder(Plan())


def test_a_group_that_the_firefly_codec_lacks_is_named(folder: Callable[[str], Path]) -> None:
    place = folder("1.5")
    file = place / named("1.5").codec.files[0]
    found = torch.load(file, weights_only=True)
    for lost in ("quantizer.residual_fsq.rvqs.3.project_out.weight", "head.resblocks.2.blocks.1.convs1.0.conv.bias"):
        torch.save({key: each for key, each in found.items() if key != lost}, file)
        with pytest.raises(WeightsError, match=rf"no tensor {lost} "):
            opened(place, "1.5")


def test_a_codec_of_fewer_codebooks_is_named(folder: Callable[[str], Path]) -> None:
    place = folder("s1")
    torch.save(codec_tensors(16, torch.Generator(), books=(64, 1024, 1024)), place / "codec.pth")
    with pytest.raises(CheckpointError, match=r"^codec\.pth has 3 codebooks and config\.json 10"):
        opened(place)


def test_shards_without_their_index_are_told_of(folder: Callable[[str], Path]) -> None:
    place = folder("s2")
    index = place / "model.safetensors.index.json"
    index.unlink()
    with pytest.raises(CheckpointError, match=r"^model\.safetensors\.index\.json of fishaudio/s2-pro is missing"):
        opened(place, "s2")
    for broken in ('{"weight_map": {}}', '{"weight_map": {"x": 7}}'):
        index.write_text(broken)
        with pytest.raises(WeightsError, match=r"^model\.safetensors\.index\.json names no files"):
            opened(place, "s2")


@pytest.mark.parametrize(
    "header", [b"[1, 2]", b'{"x": 5}', b'{"x": {"dtype": "F32"}}', b'{"x": {"data_offsets": [0]}}', b'{"x": {"data']
)
def test_a_safetensors_header_that_is_none_is_named(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    with pytest.raises(WeightsError, match=r"^model\.safetensors is not a safetensors file.*download it again"):
        Weights([file])


CONFIGS = [
    ("s1", {"n_layer": "4"}, "n_layer is '4'; it must be a whole number"),
    ("s1", {"dim": None}, "dim is None; it must be a whole number"),
    ("s1", {"dim": -32}, "dim is -32; it must be"),
    ("s1", {"vocab_size": 10**30}, "vocab_size is 1000000"),
    ("s1", {"max_seq_len": 10**12}, "max_seq_len is 1000000000000; it must be a whole number from 1 to"),
    ("s1", {"head_dim": 15}, "head_dim is 15; it must be even"),
    ("s1", {"n_head": 3, "n_local_heads": 2}, "n_head is 3, no multiple of n_local_heads, which is 2"),
    ("s1", {"fast_n_local_heads": 3}, "fast_n_head is 2, no multiple of n_local_heads, which is 3"),
    ("s1", {"rope_base": 0}, "rope_base is 0; it must be a number above 0"),
    ("s1", {"norm_eps": "1e-6"}, "norm_eps is '1e-6'; it must be a number"),
    ("s1", {"rope_base": float("nan")}, "rope_base is nan"),
    ("s1", {"attention_qk_norm": "false"}, "attention_qk_norm is 'false'; it must be true or false"),
    ("s1", {"num_codebooks": 1}, "num_codebooks is 1; it must be a whole number from 2"),
    ("s1", {"n_layer": True}, "n_layer is True"),
    ("s2", {"text_config": 5}, "text_config is 5; it must be a table"),
    ("s2", {"audio_decoder_config": []}, r"audio_decoder_config is \[\]; it must be a table"),
    ("s2", {"eos_token_id": [3]}, r"eos_token_id is \[3\]; it must be a whole number"),
]


@pytest.mark.parametrize(("name", "change", "complaint"), CONFIGS)
def test_a_value_that_cannot_be_is_named(
    folder: Callable[[str], Path], name: str, change: dict[str, Any], complaint: str
) -> None:
    place = folder(name)
    values = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps({**values, **change}))
    with pytest.raises(ConfigError, match=rf"^config\.json: {complaint}"):
        opened(place, name)


def test_a_value_that_is_missing_is_named_and_a_stranger_left_alone(folder: Callable[[str], Path]) -> None:
    place = folder("s1")
    file = place / "config.json"
    values = json.loads(file.read_text())
    for name in ("dim", "n_layer", "n_head", "vocab_size", "codebook_size", "num_codebooks"):
        file.write_text(json.dumps({key: each for key, each in values.items() if key != name}))
        with pytest.raises(ConfigError, match=rf"^config\.json lacks '{name}'"):
            opened(place)
    file.write_text("\ufeff" + json.dumps({**values, "is_reward_model": None, "x": {"y": [1]}}), encoding="utf-8")
    opened(place)
    for broken in ("[" * 100_000, "", "{'dim': 1}", "\x00"):
        file.write_text(broken)
        with pytest.raises((ConfigError, CheckpointError), match=r"^config\.json"):
            opened(place)


@pytest.mark.parametrize(
    "text", ["7", "null", '"<|im_end|>"', "[[1]]", "[7]", '["<|im_end|>", "<|im_end|>"]', "[" * 99_999]
)
def test_special_tokens_that_are_none_are_named(folder: Callable[[str], Path], text: str) -> None:
    place = folder("s1")
    (place / "special_tokens.json").write_text(text)
    with pytest.raises(TokenizerError, match=r"^special_tokens\.json"):
        opened(place)


def test_special_tokens_without_one_that_prompts_need_are_named(folder: Callable[[str], Path]) -> None:
    for name, lost in (("s1", "<|interleave|>"), ("1.5", "<|voice|>"), ("1.5", "<|im_start|>")):
        place = folder(name)
        names = json.loads((place / "special_tokens.json").read_text())
        (place / "special_tokens.json").write_text(json.dumps([each for each in names if each != lost]))
        with pytest.raises(CheckpointError, match=r"^special_tokens\.json has no <\|"):
            opened(place, name)


def test_tokens_between_codes_are_named(folder: Callable[[str], Path]) -> None:
    place = folder("s1")
    names = [*json.loads((place / "special_tokens.json").read_text())]
    (place / "special_tokens.json").write_text(json.dumps([*names[:-3], "<|more|>", *names[-3:]]))
    with pytest.raises(TokenizerError, match=r"^special_tokens\.json has other tokens between"):
        opened(place)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda lines: [line for line in lines if not line.startswith("QQ==")], "has no token for 'A'"),
        (lambda lines: [*lines, "QUI= 5"], "has two tokens of one number"),
        (lambda lines: [*lines, "QUI= -1"], "has two tokens of one number, or numbers out of all reason"),
        (lambda lines: [*lines, f"QUI= {2**40}"], "has two tokens of one number, or numbers out of all reason"),
        (lambda lines: [*lines, "QUI= x"], "is not a tiktoken file"),
        (lambda lines: [*lines, "é 300"], "is not a tiktoken file"),
        (lambda lines: lines[:40], "has no token for 'a'"),
    ],
)
def test_ranks_that_cannot_be_are_named(
    folder: Callable[[str], Path], change: Callable[[list[str]], list[str]], complaint: str
) -> None:
    place = folder("s1")
    file = place / "tokenizer.tiktoken"
    file.write_text("\n".join(change(file.read_text().splitlines())), encoding="utf-8")
    with pytest.raises(TokenizerError, match=rf"^tokenizer\.tiktoken {complaint}"):
        opened(place)


def test_ranks_as_editors_leave_them_are_read(folder: Callable[[str], Path]) -> None:
    """A mark of the byte order, other line ends, an empty line; a byte that no text has."""
    place = folder("s1")
    file = place / "tokenizer.tiktoken"
    lines = file.read_text().splitlines()
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, "", "= 999"]).encode())
    checkpoint = Checkpoint.find({}, (place,), place / "cache", named("s1"))
    tokenizer = checkpoint.tokenizer(checkpoint.config())
    assert tokenizer.text("AB") == [65, 66]
    assert tokenizer.text("a\ud800b")[0] == 97
    file.write_text("\n".join(line for line in lines if line.split()[1] != "195"))  # the first byte of é
    tokenizer = checkpoint.tokenizer(checkpoint.config())
    assert bytes(tokenizer.text("caf\u00e9s")) == b"caf s"


def test_s2s_tokenizer_of_another_model_is_named(folder: Callable[[str], Path]) -> None:
    place = folder("s2")
    values = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps({**values, "eos_token_id": 3}))
    with pytest.raises(TokenizerError, match=r"^<\|im_end\|> is token \d+ in tokenizer\.json, and 3 in config\.json"):
        opened(place, "s2")
    place = folder("s2")
    values["text_config"]["vocab_size"] = 200
    (place / "config.json").write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=r"^tokenizer\.json and config\.json do not belong together: 256 tokens"):
        opened(place, "s2")
    for broken in ("", "{}", "\ufeff{}", "[1]", "\x00\x01"):
        place = folder("s2")
        (place / "tokenizer.json").write_text(broken, encoding="utf-8")
        with pytest.raises((TokenizerError, CheckpointError), match=r"^tokenizer\.json"):
            opened(place, "s2")
