"""Punctuation and symbols, one by one: what stays, what becomes a pause or a word, what goes."""

from __future__ import annotations

import unicodedata

import regex

from meadowlark.text.scan import Scanner

_SYMBOL_KEPT = frozenset("°℃℉№℡㎏㎡㎥㎝㎞㎜㎎㏄")
_DIGRAPHS = {"‼": "!", "⁇": "?", "⁈": "?!", "⁉": "!?"}
_ARROW_RE = regex.compile(r"[\u2190-\u21ff\u2794-\u27bf\u27f0-\u27ff\u2900-\u297f\u2b00-\u2b11]")
_PICTURES = frozenset(("So", "Co", "Cn", "Cc", "Zs"))
_EMOTICON_RE = regex.compile(
    r"[:;]['’]?[-–^]?(?:[()\[\]]{1,8}|[DPpOo/\\](?![/\\]))(?![\p{L}\p{N}])|<3(?= {0,8}(?:[.!?,<\n]|\Z))"
)
_HEART_RE = regex.compile(r"<3(?= )")
_WHO_LOVES_RE = regex.compile(
    r"(?<![\p{L}\p{N}])(?:I|we|they|you|ich|wir|ihr|ik|wij|je|nous|te|ti|io|yo|eu|ja|já|tě|cię)$", regex.IGNORECASE
)
_EMOTICON_SIGNS = frozenset(":;'’-–^()[]DPpOo/\\<3")
_HEX_RE = regex.compile(r"(?<![\p{L}\p{N}])(?:[0-9a-fA-F]{1,4}:)+$|(?:^|\s):$")
_TWO_MARKS_RE = regex.compile(r"[!?]{2}$")
_LONE_CAPITAL_RE = regex.compile(r"(?<![\p{L}\p{N}])\p{Lu}$")
_LETTER_END_RE = regex.compile(r"[\p{L}\p{M}]$")
# More than 8 combining marks on one letter are noise, and a letter must fit into any piece.
_NO_ROOM_RE = regex.compile(r"(?:\p{M}{8}|^)$")


def line_end(scan: Scanner, char: str) -> None:
    """All kinds of line ends."""
    scan.position += 1
    scan.end_line()
    scan.line_start = True


def white(scan: Scanner, char: str) -> None:
    """Given out with what follows."""
    scan.position += 1
    scan.space = True


def as_comma(scan: Scanner, char: str) -> None:
    """A short pause."""
    scan.position += 1
    scan.comma = True


def bullet(scan: Scanner, char: str) -> None:
    """An item begins here."""
    scan.position += 1
    scan.end_line()


def brace(scan: Scanner, char: str) -> None:
    """No more than a space."""
    scan.position += 1
    scan.space = True


def punctuation(scan: Scanner, char: str, limit: int = 1) -> None:
    """Given out, but not again and again."""
    scan.position += 1
    if not scan.space and scan.tail.endswith(char * limit):
        return
    if char in "!?" and not scan.space and _TWO_MARKS_RE.search(scan.tail):
        return
    scan.emit(char)


def full_stop(scan: Scanner, char: str) -> None:
    """Up to three: an ellipsis."""
    punctuation(scan, char, 3)


def plus(scan: Scanner, char: str) -> None:
    """Up to two: "C++", "§§"."""
    punctuation(scan, char, 2)


def exclamation(scan: Scanner, char: str) -> None:
    """Not given out where it begins an image."""
    if (scan.space or not scan.tail) and scan.peek() == "[":
        scan.position += 1
        return
    punctuation(scan, char)


def hyphen(scan: Scanner, char: str) -> None:
    """Dashes and arrows are pauses."""
    following = scan.peek()
    if following in ("-", ">"):
        run = scan.run(char)
        scan.position += run + (scan.peek(run) == ">")
        scan.comma = True
        return
    alone = scan.space and (not following or following.isspace())
    scan.position += 1
    scan.emit("–" if alone else char)


def asterisk(scan: Scanner, char: str) -> None:
    """Emphasis goes; between numbers it multiplies."""
    times = False
    if scan.tail[-1:].isdecimal():
        ahead = scan.peek()
        beyond = scan.peek(2) if scan.space and ahead == " " else ahead
        times = beyond.isdecimal() or (ahead == " " and beyond == "(")
    scan.position += 1
    if times:
        scan.emit("×")


def underscore(scan: Scanner, char: str) -> None:
    """Emphasis goes; within a name it is a space."""
    following = scan.peek()
    scan.position += 1
    if following.isalnum() and not scan.space and scan.tail[-1:].isalnum():
        scan.space = True


def tilde(scan: Scanner, char: str) -> None:
    """Before a number it means "about"."""
    run = scan.run(char)
    money = run == 1 and scan.peek() in tuple("$€£") and scan.peek(2).isdecimal()
    about = run == 1 and (money or scan.peek().isdecimal())
    scan.position += run
    if about:
        scan.emit(scan.about_word or char)
        scan.space = scan.about_word is not None


def sharp_sign(scan: Scanner, char: str) -> None:
    """Stays in "#1" and "C#"."""
    following = scan.peek()
    scan.position += 1
    sharp = not scan.space and _LONE_CAPITAL_RE.search(scan.tail) is not None
    if following.isdecimal() or (sharp and not following.isalnum()):
        scan.emit(char)


def equals(scan: Scanner, char: str) -> None:
    """A single one stays."""
    following = scan.peek()
    scan.position += 1
    if following == ">":
        scan.position += 1
        scan.comma = True
    elif following == "=" or scan.tail.endswith("="):
        scan.space = True
    else:
        scan.emit(char)


def emoticon(scan: Scanner) -> bool:
    """Whether one stands here, ":-)" or "<3", and is passed over now: nobody says them."""
    if not (scan.space or scan.comma or not scan.tail or scan.tail[-1] in ".!?…,)"):
        return False
    offset = 1
    while offset < 12 and (following := scan.peek(offset)) and following in _EMOTICON_SIGNS:
        offset += 1
    if scan.buffer.startswith("<3", scan.position):
        offset = 2
        while offset < 12 and scan.peek(offset) == " ":
            offset += 1
    found = _EMOTICON_RE.match(scan.buffer, scan.position)
    if found is None and _WHO_LOVES_RE.search(scan.tail):
        found = _HEART_RE.match(scan.buffer, scan.position)  # "I <3 you", but not "below <3 kW"
    if found is None:
        return False
    scan.position = found.end()
    scan.marked = True  # as where a marker stood: no space before a full stop behind it
    return True


def eyes(scan: Scanner, char: str) -> None:
    """Of an emoticon, or punctuation; two colons stay in an IPv6 address."""
    if not emoticon(scan):
        address = char == ":" and scan.tail.endswith(":") and not scan.space and _HEX_RE.search(scan.tail) is not None
        if scan.space or not scan.tail:
            address = char == ":" and scan.peek() == ":" and _is_hex(scan.peek(2))
        punctuation(scan, char, 2 if address else 1)


def _is_hex(char: str) -> bool:
    return char != "" and char in "0123456789abcdefABCDEF"


def caret(scan: Scanner, char: str) -> None:
    """Squares and cubes: "m^2"."""
    following = scan.peek()
    power = {"2": "²", "3": "³"}.get(following)
    behind = not scan.space and (scan.tail[-1:].isalnum() or scan.tail[-1:] in (")", "]"))
    if power and behind and not scan.peek(2).isdecimal():
        scan.position += 2
        scan.emit(power)
    elif behind and (following.isdecimal() or (following in ("-", "−") and scan.peek(2).isdecimal())):
        scan.position += 1
        scan.emit(char)
    else:
        brace(scan, char)


def word_for(scan: Scanner, word: str | None, char: str, length: int) -> None:
    """A word instead of a symbol, or the symbol where the language has none here."""
    scan.position += length
    scan.space = scan.space or word is not None
    scan.emit(word or char)
    scan.space = word is not None


def at_sign(scan: Scanner, char: str) -> None:
    """A word in an e-mail address, and between words in English."""
    following = scan.peek()
    if scan.tail[-1:].isalnum() and not scan.space and following.isalnum():
        word_for(scan, scan.at_word, char, 1)
    elif scan.at_word == "at" and scan.space and scan.tail[-1:].isalnum() and following == " ":
        word_for(scan, scan.at_word, char, 1)  # "we meet @ 5"
    else:
        scan.position += 1
        scan.space = True


def backslash(scan: Scanner, char: str) -> None:
    """Escapes go."""
    following = scan.peek()
    scan.position += 1
    if following.isalnum():
        scan.space = True


def other(scan: Scanner, char: str) -> None:
    """By Unicode category: marks and punctuation stay, pictures and what cannot be seen go."""
    category = unicodedata.category(char)
    if category[0] == "M":
        combining(scan, char)
    elif char in _DIGRAPHS:
        punctuation(scan, _DIGRAPHS[char])
    elif _ARROW_RE.match(char):
        as_comma(scan, char)
    elif (category in _PICTURES and char not in _SYMBOL_KEPT) or "\U0001f3fb" <= char <= "\U0001f3ff":
        scan.position += 1
        scan.space = scan.space or char not in "™©®℠"
    elif category[0] == "C":
        joiner = char in "\u200c\u200d" and not scan.space and _LETTER_END_RE.search(scan.tail)
        scan.position += 1
        if joiner:
            scan.emit(char)
    else:
        punctuation(scan, char)


def combining(scan: Scanner, char: str) -> None:
    """Stays on a letter that has room for it."""
    scan.position += 1
    if char == "\u20e3" or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return  # keycap and variation selectors belong to emoji
    if scan.space or scan.comma or _NO_ROOM_RE.search(scan.tail):
        return
    scan.emit(char)


SYMBOLS = {
    **dict.fromkeys("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", line_end),
    **dict.fromkeys(" \t\u00a0\u202f\u3000", white),
    **dict.fromkeys("•◦▪‣●■◆", bullet),
    "|": as_comma,
    ":": eyes,
    ";": eyes,
    "^": caret,
    "{": brace,
    "}": brace,
    ".": full_stop,
    "+": plus,
    "§": plus,
    "!": exclamation,
    "-": hyphen,
    "*": asterisk,
    "_": underscore,
    "~": tilde,
    "#": sharp_sign,
    "=": equals,
    "@": at_sign,
    "\\": backslash,
}
