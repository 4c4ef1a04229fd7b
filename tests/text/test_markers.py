"""The vocabulary, what it becomes on an engine, and what counts as a marker."""

from __future__ import annotations

import pytest

from meadowlark.api import Marker, MarkerKind
from meadowlark.text import MarkerMap, vocabulary
from meadowlark.text.markers import Mark, MarkerLifter


def style(name: str, *aliases: str) -> Marker:
    return Marker(name, MarkerKind.STYLE, f"<{name}>", aliases)


def event(name: str, *aliases: str) -> Marker:
    return Marker(name, MarkerKind.EVENT, f"<{name}>", aliases)


def test_vocabulary_is_whole_and_closed() -> None:
    assert (len(vocabulary.EMOTIONS), len(vocabulary.TONES), len(vocabulary.EFFECTS)) == (51, 5, 10)
    assert len(set(vocabulary.NAMES)) == 66
    assert {name for name in vocabulary.NEAREST.values() if name} <= {*vocabulary.NAMES, "neutral"}
    assert set(vocabulary.ALIASES.values()) <= set(vocabulary.NAMES)
    assert not set(vocabulary.ALIASES) & set(vocabulary.NAMES)


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("angry", ["frustrated"]),
        ("furious", ["angry", "frustrated"]),
        ("sneering", ["scornful", "disgusted", "angry", "frustrated"]),
        ("whispering", ["soft tone", "relaxed", "neutral"]),
        ("sighing", []),
        ("groaning", ["sighing"]),
        ("crowd laughing", ["laughing", "chuckling"]),
        ("no such thing", []),
    ],
)
def test_relatives_end(name: str, chain: list[str]) -> None:
    assert list(vocabulary.relatives(name)) == chain


def test_every_chain_ends() -> None:
    assert all(len(list(vocabulary.relatives(name))) < 66 for name in vocabulary.NAMES)


def test_engine_gets_its_own_marker_or_the_nearest() -> None:
    sad, laughing, relaxed = style("sad"), event("laughing"), style("relaxed")
    markers = MarkerMap([sad, laughing, relaxed])
    assert markers.resolve("sad") == sad
    assert markers.resolve("Melancholic") == sad
    assert markers.resolve("upset") == sad
    assert markers.resolve("crowd laughing") == laughing
    assert markers.resolve("chuckles") == laughing
    assert markers.resolve("whispers") == relaxed
    assert markers.resolve("SOFT   Tone") == relaxed
    assert markers.resolve("furious") is None
    assert markers.resolve("neutral") is None
    assert markers.resolve("no such thing") is None


def test_nothing_is_tried_behind_neutral() -> None:
    assert MarkerMap([style("neutral")]).resolve("confident") is None


def test_markers_of_other_engines_are_known_but_not_made() -> None:
    cough = event("cough", "coughs")
    other = MarkerMap([], [cough])
    assert other.mark("coughs") == Mark(MarkerKind.EVENT, None)
    assert MarkerMap([cough], [cough]).resolve("coughs") == cough
    assert MarkerMap([]).mark("cough") is None


def test_an_engine_may_own_what_is_an_alias_elsewhere() -> None:
    gasp, surprised = event("gasp"), style("surprised")
    assert MarkerMap([gasp, surprised], [gasp]).resolve("gasp") == gasp
    assert MarkerMap([surprised], [gasp]).resolve("gasp") == surprised


SAD = style("sad")
HAPPY = Mark(MarkerKind.STYLE, None)
TAKEN = "¤"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("(sad)", "¤"),
        ("a [Sad] b", "a ¤ b"),
        ("a ( SAD ) b", "a ¤ b"),
        ("*sad*", "¤"),
        ("*sad**sad*", "¤¤"),
        ("**sad**", "**sad**"),
        ("* sad *", "* sad *"),
        ("*really* sad", "*really* sad"),
        ("（sad）【sad】", "¤¤"),
        ("【お知らせ】【sad】", "【お知らせ】¤"),
        ("((sad))", "(¤)"),
        ("(soft tone)", "¤"),
        ("(soft\n tone)", "¤"),
        ("(so sad)", "(so sad)"),
        ("(sad", "(sad"),
        ("(sad]", "(sad]"),
        ("(serious business)", "(serious business)"),
        ("[dances wildly]", "¤"),
        ("[ляля]", "¤"),
        ("[गाना]", "¤"),
        ("[three little words]", "[three little words]"),
        ("[1]", "[1]"),
        ("[a/b]", "[a/b]"),
        ("[]", "[]"),
        ("[[wiki]]", "[[wiki]]"),
        ("[word](https://a.example)", "[word](https://a.example)"),
        ("[sad](https://a.example)", "[sad](https://a.example)"),
        ("[sad](sad)", "¤¤"),
        ("[dances](sad)", "¤¤"),
        ("[sad](quietly)", "¤(quietly)"),
        ("[word][1]", "[word][1]"),
        ("[" + "a" * 60 + "]", "[" + "a" * 60 + "]"),
    ],
)
def test_lifting(text: str, left: str) -> None:
    lifter = MarkerLifter(MarkerMap([SAD]))
    items = [*lifter.push(text), *lifter.finish()]
    assert "".join(item if isinstance(item, str) else TAKEN for item in items) == left
