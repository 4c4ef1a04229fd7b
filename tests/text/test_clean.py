"""What markup and symbols become."""

from __future__ import annotations

import pytest

from meadowlark.text import MarkerMap, Segmenter


def spoken(text: str, language: str = "en") -> list[str]:
    segmenter = Segmenter(MarkerMap([]), language)
    return [sentence.text for sentence in (*segmenter.push(text), *segmenter.finish())]


LINES = {
    # Markdown within a line
    "# Weather today": "Weather today",
    "## The *Big* _Picture_ ##": "The Big Picture",
    "**bold**, *italic*, ***both***, __strong__, _em_ and ~~gone~~.": "bold, italic, both, strong, em and gone.",
    "Use `light.turn_on` now.": "Use light.turn on now.",
    'See [the docs](https://docs.example.com/a_(b)?x=1 "Title") now.': "See the docs now.",
    "See [https://example.com/a](https://example.com/a) now.": "See example.com now.",
    "A picture ![a cat](cat.png) here.": "A picture a cat here.",
    "See [1] and [a/b].": "See 1 and a/b.",
    "A note[^1] here.": "A note here.",
    "[^1]: The note itself.": "The note itself.",
    "> > quoted words": "quoted words",
    "- [ ] first task": "first task",
    "- [x] second task": "second task",
    "+ plus item": "plus item",
    "1. First step": "1. First step",
    "Run ```ls -la``` please.": "Run ls -la please.",
    "An unclosed ```fence `here": "An unclosed fence here",
    # Addresses
    "Go to https://www.example.com/path?x=1.": "Go to example.com.",
    "Go to (https://user:pw@sub.example.org:8123/x), then.": "Go to (sub.example.org), then.",
    "Go to <https://example.org/b> or example.com/path?y=2 now.": "Go to example.org or example.com now.",
    "Go to http://192.168.1.10:8123/lovelace now.": "Go to 192.168.1.10 now.",
    "Mail john.doe@example.com!": "Mail john.doe at example.com!",
    "http and https and www and how": "http and https and www and how",
    # HTML
    "a <b>bold</b> &amp; <i class='x'>loud</i> word": "a bold and loud word",
    "&lt;tag&gt; &nbsp; &euro;5 &#8364;": "tag €5 €",
    "before <!-- hidden --> after": "before after",
    "x <thing> y": "x thing y",
    "5 < 6 and 6 > 5": "5 < 6 and 6 > 5",
    # Emoji
    "1️⃣ One, 2️⃣ two": "1 One, 2 two",
    "👩‍💻 coding 🇩🇪 flag 👍🏽 ok ❤️ love": "coding flag ok love",
    "Foo™ and Bar® ©2024": "Foo and Bar 2024",
    # Typographic odds
    "zero\u200bwidth soft\u00adhyphen no\u00a0break \ufeffbom right\u200fmark": (
        "zerowidth softhyphen no break bom rightmark"
    ),
    "a\x00b \ud800c\u0007d": "a b c d",
    "می\u200cخواهم": "می\u200cخواهم",
    "a" + "\u0301" * 30 + "b": "a" + "\u0301" * 8 + "b",
    # Symbols
    "Settings > Devices -> Add => ok → fine": "Settings, Devices, Add, ok, fine",
    "AT&T and Q&A && more": "AT and T and Q and A and more",
    "snake_case_name and __init__": "snake case name and init",
    "5 * 3 = 15 and 2*4": "5 × 3 = 15 and 2×4",
    "~5 minutes": "about 5 minutes",
    "C++, C# and #1, #hashtag": "C++, C# and #1, hashtag",
    "well - known -- dash --- more": "well – known, dash, more",
    "Hmm..... ok,, fine;; yes": "Hmm... ok, fine; yes",
    "Hello (really)!!!": "Hello (really)!",
    "{braces} () []": "braces",
    "a | b | c": "a, b, c",
    "-5 degrees outside": "-5 degrees outside",
    "$5.25, 50%, 21.5 °C, ½, 10 km/h": "$5.25, 50%, 21.5 °C, ½, 10 km/h",
}


@pytest.mark.parametrize(("text", "expected"), LINES.items(), ids=[ascii(text)[:40] for text in LINES])
def test_line(text: str, expected: str) -> None:
    assert spoken(text) == [expected]


PAGES = {
    "heading and list": (
        "# Shopping list\n\n- two litres of milk\n- a dozen eggs\n",
        "Shopping list|two litres of milk|a dozen eggs",
    ),
    "short items are joined": (
        "Buy the following:\n* milk\n* eggs\n* Bread rolls",
        "Buy the following:|milk, eggs|Bread rolls",
    ),
    "capitals are joined with full stops": (
        "Zu kaufen wären:\n- Milch\n- Eier\n- Brot",
        "Zu kaufen wären:|Milch. Eier|Brot",
    ),
    "table": (
        "| Room | Temperature |\n|:-----|-----:|\n| Living room | 21 °C |\n| Bed room | |\n",
        "Room, Temperature|Living room, 21 °C|Bed room",
    ),
    "table without edges": (
        "Room | Temperature\n--- | ---\nLiving room | 21 °C",
        "Room, Temperature|Living room, 21 °C",
    ),
    "fence": (
        "Look at this:\n```python\nx = {1: 2}\nprint('hello')\n```\nThat is all there is.",
        "Look at this:|That is all there is.",
    ),
    "fence within a line": ("The code is ```sh\nls\n``` and that is all.", "The code is|and that is all."),
    "tildes": ("Look at this:\n~~~\ncode\n~~~ \nAfter the code.", "Look at this:|After the code."),
    "fence never closed": ("Look at this:\n```\ncode", "Look at this:"),
    "nothing but code": ("```python\nx = {1: 2}\nprint('hello there')\n```", "x 1 2|print hello there"),
    "rules": ("Above the rule\n\n---\n***\n____\n\nBelow the rule", "Above the rule|Below the rule"),
    "numbers": ("1. Open the door\n2. Close the door", "1. Open the door|2. Close the door"),
    "html blocks": ("<ul><li>first item</li><li>second item</li></ul>", "first item|second item"),
    "inline bullets": ("first thing • second thing • third thing", "first thing|second thing|third thing"),
    "Japanese bullets": (
        "今日は次のとおりです。\n・ライトはオンです\n・ドアは閉です",
        "今日は次のとおりです。|ライトはオンです|ドアは閉です",
    ),
    "line separators": (
        "first line\u2028second line\x0bthird line\r\nfourth line",
        "first line|second line|third line|fourth line",
    ),
    "only symbols": ("😀 *** --- () [] {} … ?!", ""),
}


@pytest.mark.parametrize(("text", "expected"), PAGES.values(), ids=list(PAGES))
def test_page(text: str, expected: str) -> None:
    assert spoken(text) == [sentence for sentence in expected.split("|") if sentence]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de-DE", "Tom & Eva", "Tom und Eva"),
        ("fr", "Tom & Eva", "Tom et Eva"),
        ("es_MX", "Tom & Eva", "Tom y Eva"),
        ("it", "tom@example.it", "tom chiocciola example.it"),
        ("cs", "tom@example.cz", "tom zavináč example.cz"),
        ("pl", "~5 minut", "około 5 minut"),
        ("xx", "Tom & Eva, a@b.de, ~5", "Tom & Eva, a@b.de, ~5"),
    ],
)
def test_words_for_symbols(language: str, text: str, expected: str) -> None:
    assert spoken(text, language) == [expected]
