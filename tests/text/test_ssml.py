"""SSML to text."""

from __future__ import annotations

import pytest

from meadowlark.errors import RequestError
from meadowlark.text import plain_text


@pytest.mark.parametrize(
    ("ssml", "text"),
    [
        ("<speak>Hello world.</speak>", "Hello world."),
        ("Hello world.", "Hello world."),
        ('<?xml version="1.0" encoding="UTF-8"?>\n<speak version="1.1">Hello</speak>', "Hello"),
        ("<speak>One<break/>two</speak>", "One, two"),
        ('<speak>One<break strength="strong"/>two</speak>', "One. two"),
        ('<speak>One<break time="200ms"/>two</speak>', "One, two"),
        ('<speak>One<break time="1.5s"/>two</speak>', "One. two"),
        ('<speak>One<break time="0s"/>two</speak>', "One two"),
        ('<speak>One.<break time="1s"/>Two.</speak>', "One. Two."),
        ('<speak><break time="1s"/>Two.</speak>', "Two."),
        (
            '<speak>The <sub alias="World Wide Web Consortium">W3C</sub> met.</speak>',
            "The World Wide Web Consortium met.",
        ),
        ("<speak><p><s>One</s><s>Two</s></p><p>Three</p></speak>", "One\nTwo\nThree"),
        ('<speak><prosody rate="slow">Slow <emphasis>now</emphasis></prosody></speak>', "Slow now"),
        ('<speak><say-as interpret-as="date">2024-01-02</say-as></speak>', "2024-01-02"),
        ("<speak><audio src='x.wav'><desc>a bell</desc>ding</audio></speak>", "ding"),
        ("<speak xmlns:m='urn:x'><m:express-as style='sad'>Oh</m:express-as></speak>", "Oh"),
        ("<speak>Tom &amp; Eva &lt;3 &#8364;</speak>", "Tom & Eva <3 €"),
        ("<speak>two\n  lines</speak>", "two lines"),
        ("<speak><![CDATA[a < b]]></speak>", "a < b"),
        ("<speak>a\x00b\ud800c</speak>", "a b c"),
        ("", ""),
    ],
)
def test_text(ssml: str, text: str) -> None:
    assert plain_text(ssml) == text


@pytest.mark.parametrize(
    ("ssml", "problem"),
    [
        ("<speak>Tom & Eva</speak>", "line 1, column 13.*&amp;"),
        ("<speak><p>open</speak>", "mismatched tag in line 1"),
        ("<speak>\n<p", "not well-formed"),
        ("<speak></speak></speak>", "not well-formed"),
        ("<speak>&nbsp;</speak>", "undefined entity"),
        ('<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><speak>&b;</speak>', "document type"),
        ('<speak><!DOCTYPE x [<!ENTITY b "bb">]>&b;</speak>', "not well-formed"),
    ],
)
def test_malformed_is_refused_with_the_remedy(ssml: str, problem: str) -> None:
    with pytest.raises(RequestError, match=problem) as caught:
        plain_text(ssml)
    assert "Remove" in str(caught.value) or "send plain text" in str(caught.value)


def test_deep_and_long_is_survived() -> None:
    assert plain_text("<p>" * 5_000 + "x" + "</p>" * 5_000) == "x"
    assert plain_text("<break/>" * 200_000 + "x") == "x"
