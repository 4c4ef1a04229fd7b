"""Styles, events and pauses over whole replies."""

from __future__ import annotations

import pytest

from meadowlark.api import Marker, MarkerKind
from meadowlark.text import MarkerMap, Segmenter, Sentence

MARKERS = MarkerMap(
    [
        Marker("sad", MarkerKind.STYLE, "sad"),
        Marker("joyful", MarkerKind.STYLE, {"rate": 1.2}),
        Marker("excited", MarkerKind.STYLE, {"rate": 1.2}),
        Marker("laughing", MarkerKind.EVENT, "laugh"),
    ]
)


def told(sentences: list[Sentence]) -> list[str]:
    """One line for each sentence: style, then text with "^" where an event is."""
    lines = []
    for sentence in sentences:
        text = sentence.text
        for event in reversed(sentence.events):
            assert (event.name, event.native) == ("laughing", "laugh")
            text = text[: event.position] + "^" + text[event.position :]
        lines.append(f"{sentence.style.name if sentence.style else '-'}: {text}")
    return lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am (sad) but (happy) fine.", ["-: I am", "sad: but", "joyful: fine."]),
        ("(sad) It rains. It pours.", ["sad: It rains.", "sad: It pours."]),
        ("(sad) It rains. (neutral) It stops.", ["sad: It rains.", "-: It stops."]),
        ("(sad) It rains. (furious) Stop it!", ["sad: It rains.", "-: Stop it!"]),
        ("(happy) One (excited) and two.", ["joyful: One and two."]),
        ("I am (sad), but fine.", ["-: I am", "sad: but fine."]),
        ("Hello (laughs) there.", ["-: Hello^ there."]),
        ("Hello (laughs), there.", ["-: Hello^, there."]),
        ("That is funny. (laughs) There is more.", ["-: That is funny.", "-: ^There is more."]),
        ("That is funny. *laughs*", ["-: That is funny.^"]),
        ("That is funny.(laughs)There is more.", ["-: That is funny.", "-: ^There is more."]),
        ("Well(laughs)then.", ["-: Well^ then."]),
        ("今日(laughs)は晴れ。", ["-: 今日^は晴れ。"]),
        ("(laughs)", ["-: ^"]),
        ("(laughs)(laughs) Well.", ["-: ^^Well."]),
        ("(laughs)\nThat is funny.", ["-: ^That is funny."]),
        ("(laughs) (sad) Oh no.", ["sad: ^Oh no."]),
        ("(sighs)", []),
        ("(sad)", []),
        ("(sad) (happy) [dances]", []),
        ("It is *really* on.", ["-: It is really on."]),
        ("The meeting (serious business) starts.", ["-: The meeting (serious business) starts."]),
        ("It is (very (laughs)) on.", ["-: It is (very^) on."]),
        ("It is on ((laughs)) now.", ["-: It is on ^now."]),
        ("Look:\n```\nprint(sad)\n```\nDone with it.", ["-: Look:", "-: Done with it."]),
        ("Yes. (sad) No. Well then, let us go.", ["-: Yes.", "sad: No. Well then, let us go."]),
    ],
)
def test_styles_and_events(text: str, expected: list[str]) -> None:
    segmenter = Segmenter(MARKERS)
    assert told([*segmenter.push(text), *segmenter.finish()]) == expected


def test_a_style_ends_the_sentence_before_it_at_once() -> None:
    segmenter = Segmenter(MARKERS)
    assert told(segmenter.push("I am (sad)")) == ["-: I am"]


@pytest.mark.parametrize(
    ("text", "given", "rest"),
    [
        ("The light is on.", ["-: The light is on."], []),
        ("The light is on!", ["-: The light is on!"], []),
        ("He said: “It is on.”", ["-: He said: “It is on.”"], []),
        ("The light is", [], ["-: The light is"]),
        ("The light, the lamp", [], ["-: The light, the lamp"]),
        (
            "In the living room of the old house by the sea, the light is",
            ["-: In the living room of the old house by the sea,"],
            ["-: the light is"],
        ),
        ("I called Dr.", [], ["-: I called Dr."]),
        ("It costs 21.", [], ["-: It costs 21."]),
        ("In the living room by the lake it is 21,", [], ["-: In the living room by the lake it is 21,"]),
        ("The light is on (la", [], ["-: The light is on (la"]),
        ("Wait...", [], ["-: Wait..."]),
        ("(laughs)", ["-: ^"], []),
        ("", [], []),
    ],
)
def test_pause_gives_what_is_surely_complete(text: str, given: list[str], rest: list[str]) -> None:
    segmenter = Segmenter(MARKERS)
    assert segmenter.push(text) == []
    assert told(segmenter.pause()) == given
    assert segmenter.pause() == []
    assert told(segmenter.finish()) == rest


def test_a_bracket_held_over_a_pause_is_still_a_marker() -> None:
    segmenter = Segmenter(MARKERS)
    sentences = [*segmenter.push("The light is on. (la"), *segmenter.pause(), *segmenter.push("ughs) It is late.")]
    assert told([*sentences, *segmenter.finish()]) == ["-: The light is on.", "-: ^It is late."]


def test_a_pause_lets_a_short_piece_go() -> None:
    segmenter = Segmenter(MARKERS)
    assert told(segmenter.push("The light is on. Yes. ")) == ["-: The light is on."]
    assert told(segmenter.pause()) == ["-: Yes."]
    assert segmenter.finish() == []


def test_first_clause_reaches_the_splitter() -> None:
    segmenter = Segmenter(MARKERS, first_clause_chars=10)
    assert told(segmenter.push("In the hall, the light is on, and on.")) == ["-: In the hall,"]
    assert told(segmenter.finish()) == ["-: the light is on, and on."]


def test_long_sentences_keep_their_events() -> None:
    segmenter = Segmenter(MARKERS, max_chars=20)
    sentences = [*segmenter.push("one two three four five (laughs) six seven eight nine"), *segmenter.finish()]
    assert told(sentences) == ["-: one two three four", "-: five^ six seven", "-: eight nine"]
