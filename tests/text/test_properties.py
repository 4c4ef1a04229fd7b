"""Promises that hold for any text: chunks do not matter, nothing is lost, no known marker is spoken, nothing fails."""

from __future__ import annotations

import itertools

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from meadowlark.api import Marker, MarkerKind
from meadowlark.text import MarkerMap, Segmenter, Sentence, vocabulary


def _marker(name: str) -> Marker:
    return Marker(name, vocabulary.kind(name), f"<{name}>")


OTHER = (Marker("clear throat", MarkerKind.EVENT, "c", aliases=("ahem",)), Marker("pirate", MarkerKind.STYLE, "p"))
ENGINES = {
    "all": MarkerMap([_marker(name) for name in vocabulary.NAMES], OTHER),
    "none": MarkerMap([], OTHER),
    "some": MarkerMap([_marker("sad"), _marker("excited"), _marker("laughing"), OTHER[0]], OTHER),
}
KNOWN = (*vocabulary.NAMES, *vocabulary.ALIASES, "neutral", "clear throat", "ahem", "pirate")
LANGUAGES = ("en", "de", "cs", "ja", "th", "xx")

# fmt: off
FRAGMENTS = st.sampled_from(
    [
        ":)", " :-D", " ;)", "<3", "m^2", "x²", "^", " > 5", "~$5",
        "(excited)", "[laughs]", "*sighs*", "*really*", "(not a marker)", "[heavy breathing]", "[1]", "[a/b]",
        "（sad）", "(", ")", "[", "]", "((", "*", "**", "***", "_", "__", "`", "```", "~~", "~", "#", "##", "|",
        "\\", "/", "//", "```python\nprint(angry)\n```", "\n```\ncode\n```\n", "~~~\nx\n~~~\n", "\n\n", "\n",
        "\r\n", "\r", "\t", " ", "  ", "- ", "\n- ", "\n* ", "\n1. ", "\n2) ", "\n# ", "\n> ",
        "\n| a | b |\n|---|:-:|\n", "\n---\n", "-", "--", "->", "[Home](https://a.example/x)", "[docs](page)",
        "[a](/ə/)",
        "![cat](c.png)", "[x](", "](", "[^1]", "[^1]: ", "[[wiki]]", "https://www.example.com/path?x=1",
        "http://", "www.", "https", "hello@example.com", "@me", "example.com/a/b", "<b>", "</b>", "<br>", "<",
        ">", "<!-- x -->", "<!--", "&amp;", "&", "&#40;", "&lt;b&gt;", "a&b", "<weird>", "Dr.", "z.B.", "e.g.",
        "etc.", "St.", "p.m.", "J.", "U.S.", "No.", "3.", "21.5", "5", "2024.", "Oktober", "ledna", "Hello",
        "the light", "It is on", "Yes", "they", "Who", "what", "Straße", "éa", "你好", "今日は", "と言った", "สวัสดี",
        ".", "!", "?", "...", "…", "?!", "!!!", ",", ";", ":", "–", "—", "。", "！", "」", "「", "»", "«", '"', "'",
        "”", "؟", "।", "😀", "👩‍💻", "🇩🇪", "1️⃣", "👍🏽", "™", "→", "=>", "=", "==", "°C", "€", "%", "+", "++", "•",
        "{", "}", "\u0301", "\u0301" * 20, "\u200d", "\u00ad", "\u200b", "\ufeff", "\x00", "\ud800", "\u200f",
        "\u00a0", "\u2028",
    ]
)
# fmt: on
ASSEMBLED = st.lists(FRAGMENTS, max_size=25).map("".join)
ANY_TEXT = st.text(st.characters(), max_size=200)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=12)


def speak(
    chunks: list[str], markers: MarkerMap, language: str = "en", max_chars: int = 400, **options: int
) -> list[Sentence]:
    segmenter = Segmenter(markers, language, max_chars, **options)
    return [sentence for chunk in chunks for sentence in segmenter.push(chunk)] + segmenter.finish()


def chunked(text: str, sizes: list[int]) -> list[str]:
    chunks, start = [], 0
    for size in itertools.cycle(sizes):
        if start >= len(text):
            return chunks
        chunks.append(text[start : start + size])
        start += size
    return chunks


def word_characters(text: str) -> str:
    return "".join(regex.findall(r"[\p{L}\p{N}]", text))


@given(
    st.one_of(ASSEMBLED, ANY_TEXT),
    SIZES,
    st.sampled_from(sorted(ENGINES)),
    st.sampled_from(LANGUAGES),
    st.sampled_from([400, 30, 7]),
    st.sampled_from([{}, {"first_clause_chars": 8}]),
)
def test_output_does_not_depend_on_chunks(
    text: str, sizes: list[int], engine: str, language: str, max_chars: int, options: dict[str, int]
) -> None:
    whole = speak([text], ENGINES[engine], language, max_chars, **options)
    assert speak(list(text), ENGINES[engine], language, max_chars, **options) == whole
    assert speak(chunked(text, sizes), ENGINES[engine], language, max_chars, **options) == whole


@given(st.one_of(ASSEMBLED, ANY_TEXT), st.sampled_from(sorted(ENGINES)), st.sampled_from([400, 30, 7, 1]))
def test_any_text_gives_sentences_that_keep_their_promises(text: str, engine: str, max_chars: int) -> None:
    for sentence in speak([text], ENGINES[engine], max_chars=max_chars):
        assert len(sentence.text) <= max_chars
        assert sentence.text == sentence.text.strip()
        assert "\n" not in sentence.text
        assert sentence.events or word_characters(sentence.text)
        assert all(0 <= event.position <= len(sentence.text) for event in sentence.events)
        assert list(sentence.events) == sorted(sentence.events, key=lambda event: event.position)
        sentence.text.encode()


WORDS = st.one_of(
    st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=12).filter(str.isalnum),
    st.sampled_from(
        ["Dr.", "z.B.", "e.g.", "3.", "a.m.", "U.S.", "J.", "5", "Hello", "the", "St.", "etc.", "你好。", "はい！"]
    ),
)
ENDS = st.sampled_from([" ", " ", " ", ". ", "? ", "! ", ", ", "; ", ": ", "… ", '." ', "\n", "\n\n", " – ", ".\n- "])
PROSE = st.lists(st.tuples(WORDS, ENDS), max_size=40).map(lambda pairs: "".join(word + end for word, end in pairs))


@given(PROSE, SIZES, st.sampled_from(LANGUAGES), st.sampled_from([400, 40, 11]), st.booleans())
def test_prose_is_neither_lost_nor_doubled(
    text: str, sizes: list[int], language: str, max_chars: int, pausing: bool
) -> None:
    segmenter = Segmenter(ENGINES["none"], language, max_chars)
    sentences: list[Sentence] = []
    for chunk in chunked(text, sizes):
        sentences += segmenter.push(chunk)
        if pausing:
            sentences += segmenter.pause()
    sentences += segmenter.finish()
    assert word_characters("".join(sentence.text for sentence in sentences)) == word_characters(text)


@given(st.lists(FRAGMENTS, max_size=20), st.sampled_from(sorted(ENGINES)))
def test_pausing_anywhere_changes_cuts_only(fragments: list[str], engine: str) -> None:
    segmenter = Segmenter(ENGINES[engine])
    paused: list[Sentence] = []
    for fragment in fragments:
        paused += segmenter.push(fragment)
        paused += segmenter.pause()
    paused += segmenter.finish()
    whole = speak(["".join(fragments)], ENGINES[engine])

    def told(sentences: list[Sentence]) -> tuple[str, list[str]]:
        events = [event.name for sentence in sentences for event in sentence.events]
        return word_characters("".join(sentence.text for sentence in sentences)), events

    assert told(paused) == told(whole)


TEMPLATES = ("Well {} then.", "{} So be it.", "So be it. {}", "Well{}then", "So be it, {}, yes.", "- {} item")
FORMS = {"()": "({})", "[]": "[{}]", "**": "*{}*", "spaced": "( {} )", "shouted": "[{}]", "full width": "（{}）"}


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("form", FORMS)
def test_no_known_marker_is_spoken(form: str, engine: str) -> None:
    for name in KNOWN:
        written = FORMS[form].format(name.upper() if form == "shouted" else name)
        for template in (
            "Well {} then.",
            "{} So be it.",
            "So be it. {}",
            "Well{}then",
            "So be it, {}, yes.",
            "- {} item",
        ):
            text = template.format(written)
            for chunks in ([text], list(text)):
                spoken = " ".join(sentence.text for sentence in speak(chunks, ENGINES[engine]))
                expected = word_characters(template.format(" "))
                assert word_characters(spoken) == expected, text
                assert not regex.search(r"[()\[\]*（）]", spoken), text


@given(
    st.lists(
        st.tuples(
            st.sampled_from(KNOWN), st.sampled_from(["({})", "[{}]", "*{}*"]), st.sampled_from(["", " ", ". ", "\n"])
        ),
        max_size=12,
    ),
    st.sampled_from(sorted(ENGINES)),
)
def test_markers_in_a_row_are_never_spoken(marks: list[tuple[str, str, str]], engine: str) -> None:
    text = "".join(form.format(name) + after for name, form, after in marks)
    assert word_characters("".join(sentence.text for sentence in speak([text], ENGINES[engine]))) == ""


FLOODS = {
    "letters": "a" * 1_000_000,
    "brackets": "(" * 100_000,
    "square brackets": "[a" * 50_000,
    "marker beginnings": "(ex" * 50_000,
    "asterisks": "*" * 100_000,
    "hyphens": "-" * 100_000,
    "full stops": "." * 100_000,
    "initials": "a. " * 50_000,
    "spaces": " " * 200_000,
    "line ends": "\n" * 100_000,
    "combining marks": "a" + "\u0301" * 100_000,
    "right to left": "שלום " * 20_000,
    "ideographs": "好" * 100_000,
    "addresses": "https://" + "a" * 100_000,
    "entities": "&amp;" * 20_000,
    "angles": "<a " * 20_000,
    "fences": "```\n" * 20_000,
    "links": "[a](" * 20_000,
    "targets": "[a](" + "/a" * 50_000,
    "comments": "<!--" * 20_000,
    "closers": "a." + '")' * 50_000,
    "joiners": "\u200d" * 100_000,
    "NULs": "\x00" * 100_000,
    "surrogates": "\ud800" * 100_000,
    "emoji": "👩‍💻" * 20_000,
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_are_survived_and_not_held(flood: str) -> None:
    text = FLOODS[flood]
    segmenter = Segmenter(ENGINES["some"])
    sentences = segmenter.push(text)
    held = (segmenter._lifter._buffer, segmenter._cleaner._scan.buffer, segmenter._splitter._text)
    assert sum(map(len, held)) < 6000
    sentences += segmenter.finish()
    assert all(len(sentence.text) <= 400 for sentence in sentences)
    if flood in ("letters", "ideographs", "right to left"):
        assert word_characters("".join(sentence.text for sentence in sentences)) == word_characters(text)
