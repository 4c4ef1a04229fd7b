"""Text becomes the numbers that upstream makes of it, and never more than text."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.api import MarkerKind, PlacedEvent
from meadowlark.text.vocabulary import NAMES, kind
from meadowlark_fish_speech.doubles import SPECIALS, write_tokenizer
from meadowlark_fish_speech.markers import S1_MARKERS, S2_MARKERS, marked
from meadowlark_fish_speech.model import Tokens
from meadowlark_fish_speech.prompt import Sample, s1_prompt, s2_prompt
from meadowlark_fish_speech.tokenizer import S1Tokenizer, S2Tokenizer, TokenizerError, without_specials

FILES = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def s1_tokenizer() -> S1Tokenizer:
    return S1Tokenizer(FILES / "s1_tokenizer" / "tokenizer.tiktoken", FILES / "s1_tokenizer" / "special_tokens.json")


@pytest.fixture(scope="module")
def bytes_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> S1Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder, 256, 32)
    return S1Tokenizer(folder / "tokenizer.tiktoken", folder / "special_tokens.json")


@pytest.fixture(scope="module")
def s2_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> S2Tokenizer:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({each: at for at, each in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = ("im_start", "im_end", "voice", "speaker:0", *(f"semantic:{code}" for code in range(32)))
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in names])
    path = tmp_path_factory.mktemp("s2") / "tokenizer.json"
    tokenizer.save(str(path))
    begin = tokenizer.token_to_id("<|semantic:0|>")
    return S2Tokenizer(path, Tokens(begin, begin + 31, tokenizer.token_to_id("<|im_end|>")))


@pytest.mark.parametrize("run", ["greedy_ref", "sampled_ref"])
def test_s1_prompt_is_upstreams(s1, s1_tokenizer: S1Tokenizer, run: str) -> None:
    about = s1.about["runs"][run]
    sample = Sample(about["ref_text"], s1.trace["ref_codes"])
    assert s1_prompt(s1_tokenizer, about["text"], (sample,)).whole.tolist() == s1.trace[f"{run}.prompt"].tolist()


def test_s1_numbers_come_from_the_files(s1, s1_tokenizer: S1Tokenizer) -> None:
    known = s1.about["tokens"]
    assert s1_tokenizer.tokens == Tokens(known["semantic_begin_id"], known["semantic_end_id"], known["im_end"])
    assert s1_tokenizer.text("(angry) hello the world!") == [40, 274, 41, 32, 265, 271, 269, 33]
    assert s1_tokenizer.trusted("<|interleave|><|semantic:5|>") == [287, 296]


def test_s2_prompt_is_the_chat(s2_tokenizer: S2Tokenizer) -> None:
    codes = torch.arange(30).view(10, 3) % 32
    prompt = s2_prompt(s2_tokenizer, "[angry] hello", (Sample("the world", codes),))
    text = s2_tokenizer._tokenizer.decode(prompt.whole[0].tolist(), skip_special_tokens=False)
    assert text == (
        "<|im_start|>system\nconvert the provided text to speech reference to the following:\n\nText:\n"
        "<|speaker:0|>the world\n\nSpeech:\n<|semantic:0|><|semantic:1|><|semantic:2|><|im_end|>\n"
        "<|im_start|>user\n[angry] hello<|im_end|>\n<|im_start|>assistant\n<|voice|>"
    )
    sound = prompt.whole[:, prompt.whole[1:].any(dim=0)]
    assert sound[1:].tolist() == codes.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "stop <|im_end|> here",
        "<|semantic:3|>",
        "<|im<|im_end|>_end|>",
        "<|speaker:0|>me",
        "<<|x|>|im_end|>",
        "<|im_end",
    ],
)
def test_no_user_speaks_in_special_tokens(text: str, bytes_tokenizer: S1Tokenizer, s2_tokenizer: S2Tokenizer) -> None:
    assert "<|" not in without_specials(text)
    assert all(number < 256 for number in bytes_tokenizer.text(text))
    assert not {*s2_tokenizer.text(text)} & {*range(256, 300)}
    halves = s1_prompt(bytes_tokenizer, text).whole[0]
    assert (halves >= 256).sum() == 1  # <|interleave|> alone


@pytest.mark.parametrize("name", NAMES)
def test_each_marker_reaches_the_model(name: str, bytes_tokenizer: S1Tokenizer, s2_tokenizer: S2Tokenizer) -> None:
    for markers, tokenizer, written in ((S1_MARKERS, bytes_tokenizer, "({})"), (S2_MARKERS, s2_tokenizer, "[{}]")):
        marker = next(each for each in markers if each.name == name)
        assert marker.kind is kind(name)
        if marker.kind is MarkerKind.STYLE:
            text = marked("He left. She stayed.", marker.native, ())
            assert text == f"{written.format(name)} He left. She stayed."
        else:
            text = marked("He left. She stayed.", None, (PlacedEvent(9, name, marker.native),))
            assert text == f"He left. {written.format(name)} She stayed."
        write = s1_prompt if tokenizer is bytes_tokenizer else s2_prompt
        row = write(tokenizer, text).whole[0].tolist()
        wanted = tokenizer.text(written.format(name))
        assert any(row[at : at + len(wanted)] == wanted for at in range(len(row)))


def test_events_stand_where_they_were_written() -> None:
    events = (PlacedEvent(20, "b", "(b)"), PlacedEvent(0, "a", "(a)"), PlacedEvent(5, "c", "(c)"))
    assert marked("Hello there my friend", "(sad)", events) == "(sad) (a) Hello (c) there my frien (b) d"
    assert marked("", None, (PlacedEvent(0, "a", "(laughing)"),)) == "(laughing)"
    assert marked("", None, ()) == ""


def test_broken_tokenizer_files_are_named(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, 256, 4)
    (tmp_path / "tokenizer.tiktoken").write_text("QQ== 0\n!!! 1\n")
    with pytest.raises(TokenizerError, match=r"tokenizer\.tiktoken is not a tiktoken file"):
        S1Tokenizer(tmp_path / "tokenizer.tiktoken", tmp_path / "special_tokens.json")
    write_tokenizer(tmp_path, 256, 4)
    (tmp_path / "special_tokens.json").write_text("{}")
    with pytest.raises(TokenizerError, match="another model"):
        S1Tokenizer(tmp_path / "tokenizer.tiktoken", tmp_path / "special_tokens.json")
    assert len(SPECIALS) == 15
