"""Text becomes the numbers that upstream makes of it, and never more than text."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.api import EngineManifest, MarkerKind, Native, PlacedEvent
from meadowlark.text import MarkerMap, Segmenter
from meadowlark.text.vocabulary import NAMES, kind
from meadowlark_fish_speech import s1, s2, v15
from meadowlark_fish_speech.doubles import SPECIALS, V15_SPECIALS, write_tokenizer
from meadowlark_fish_speech.generations import of_engine
from meadowlark_fish_speech.markers import S1_MARKERS, S2_MARKERS, marked, marked_parts
from meadowlark_fish_speech.model import Tokens
from meadowlark_fish_speech.prompt import Sample, s1_prompt, s2_prompt, v15_prompt
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
def v15_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> S1Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer15")
    write_tokenizer(folder, 256, 1024, V15_SPECIALS)
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


def test_15_prompt_is_a_chat_without_breaks(v15_tokenizer: S1Tokenizer) -> None:
    codes = torch.arange(24).view(8, 3)
    prompt = v15_prompt(v15_tokenizer, "hello", (Sample("the world", codes),))
    text = v15_tokenizer._encoding.decode(prompt.whole[0].tolist())
    assert text == (
        "<|im_start|>system\nSpeak out the provided text.<|im_end|>"
        "<|im_start|>user\nthe world<|im_end|><|im_start|>assistant\n<|voice|>"
        "<|semantic:0|><|semantic:1|><|semantic:2|><|im_end|>"
        "<|im_start|>user\nhello<|im_end|><|im_start|>assistant\n<|voice|>"
    )
    assert prompt.whole.shape[0] == 9
    sound = prompt.whole[:, prompt.whole[1:].any(dim=0)]
    assert sound[1:].tolist() == codes.tolist()
    assert torch.equal(torch.cat([prompt.voice, prompt.sentence], dim=1), prompt.whole)
    alone = v15_prompt(v15_tokenizer, "hello")
    assert v15_tokenizer._encoding.decode(alone.whole[0].tolist()) == (
        "<|im_start|>user\nhello<|im_end|><|im_start|>assistant\n<|voice|>"
    )
    assert alone.voice.shape == (9, 0)


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
def test_each_marker_reaches_the_model(
    name: str, bytes_tokenizer: S1Tokenizer, s2_tokenizer: S2Tokenizer, v15_tokenizer: S1Tokenizer
) -> None:
    """From what a user writes, through the core, to the row of tokens that the model reads."""
    written = f"({name}) He left. She stayed." if kind(name) is MarkerKind.STYLE else f"He left ({name}). She stayed."
    for manifest, tokenizer, native in (
        (s1(), bytes_tokenizer, f"({name})"),
        (s2(), s2_tokenizer, f"[{name}]"),
        (v15(), v15_tokenizer, ""),
    ):
        rows = [_row(manifest, tokenizer, *each) for each in _lifted(manifest, written)]
        assert len(rows) == 2
        plain = [_row(manifest, tokenizer, text, None, ()) for text, _, _ in _lifted(manifest, written)]
        if not native:  # 1.5: nothing of it is left
            assert rows == plain
            assert [text for text, _, _ in _lifted(manifest, written)] == ["He left.", "She stayed."]
            continue
        marks = [_count(row, tokenizer.text(native)) for row in rows]
        assert marks == ([1, 1] if kind(name) is MarkerKind.STYLE else [1, 0])
        if kind(name) is MarkerKind.STYLE:
            assert all(_count(row, tokenizer.text(f"{native} {text}")) for row, text in zip(rows, TWO, strict=True))
        assert not any(_count(row, tokenizer.text(native)) for row in plain)


TWO = ["He left.", "She stayed."]


@pytest.mark.parametrize("manifest", [s1(), s2(), v15()], ids=["s1", "s2", "1.5"])
@pytest.mark.parametrize("neutral", ["(neutral)", "[neutral]"])
def test_neutral_ends_a_style_and_is_not_spoken(manifest: EngineManifest, neutral: str) -> None:
    found = _lifted(manifest, f"(angry) He left. {neutral} She stayed.")
    assert [text for text, _, _ in found] == TWO
    assert [bool(style) for _, style, _ in found] == [bool(manifest.markers), False]


def test_every_portable_marker_is_there() -> None:
    assert len(NAMES) == 66
    for manifest in (s1(), s2()):
        assert {each.name for each in manifest.markers} == set(NAMES)
    assert v15().markers == ()


def _lifted(manifest: EngineManifest, text: str) -> list[tuple[str, Native | None, tuple[PlacedEvent, ...]]]:
    """Sentences as the core hands them over: text, style, events."""
    known = (*S1_MARKERS, *S2_MARKERS)
    segmenter = Segmenter(MarkerMap(manifest.markers, known), "en-US")
    return [
        (each.text, each.style.native if each.style else None, each.events)
        for each in (*segmenter.push(text), *segmenter.finish())
        if each.text
    ]


def _row(
    manifest: EngineManifest,
    tokenizer: S1Tokenizer | S2Tokenizer,
    text: str,
    style: Native | None,
    events: tuple[PlacedEvent, ...],
) -> list[int]:
    """The first row of the prompt."""
    generation = of_engine(manifest.id)
    (part,) = marked_parts(text, style, events, generation.piece_bytes)
    row: list[int] = generation.write(tokenizer, part, (), 10).whole[0].tolist()
    return row


def _count(row: list[int], wanted: list[int]) -> int:
    return sum(row[at : at + len(wanted)] == wanted for at in range(len(row)))


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
