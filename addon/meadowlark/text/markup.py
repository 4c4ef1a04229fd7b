"""Markup within a line: addresses, links, footnotes, code, HTML. What is not for the ear goes, the words stay."""

from __future__ import annotations

import html
from typing import Final

import regex

from meadowlark.text.scan import WORD, Scanner
from meadowlark.text.stream import NeedMoreError
from meadowlark.text.symbols import as_comma, emoticon, punctuation, word_for

_ADDRESS_RE = regex.compile(r"[!#-;=?-Z^_a-z~\p{Latin}]{0,2048}")
_ADDRESS_STARTS = ("https://", "http://", "www.")
_ADDRESS_START_RE = regex.compile(r"https?://|www\.", regex.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?'*_)]}|~"
_ADDRESS_END_RE = regex.compile(r"[\s<>\"]")
_TARGET_END_RE = regex.compile(r"[\s)]")
_INSIDE_RE = regex.compile(rf"[{WORD}\p{{M}}]$")
_HOST_RE = regex.compile(r"(?:https?://)?(?:[^/?#@]*@)?(?:www\.(?=.))?([^/?#:@]*)", regex.IGNORECASE)
_DOMAIN_RE = regex.compile(
    r"(?<![\w.])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|info|eu|edu|gov|ai|app|de|at|ch|fr|es|it|nl|be|pl|pt|br|cz|sk|"
    r"uk|us|ca|au|jp|cn|ru|in|se|no|dk|fi|hu|ro|gr|tr|ie|local)$",
    regex.IGNORECASE,
)
_TARGET_LIMIT: Final = 2048
_FOOTNOTE_RE = regex.compile(r"\[\^[^\]\s]{1,32}\]:?")
_ENTITY_RE = regex.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ENTITY_START_RE = regex.compile(r"&[#A-Za-z0-9]{0,33}")
_TAG_RE = regex.compile(r"</?([A-Za-z][A-Za-z0-9-]{0,15})(?=[\s/>])[^<>]{0,512}>")
_TAG_NAME_RE = regex.compile(r"</?([A-Za-z][A-Za-z0-9-]{0,15}+)?")
_TAG_START_RE = regex.compile(r"</?[A-Za-z][A-Za-z0-9-]{0,15}(?:[\s/][^<>]{0,512})?")
_COMMENT_LIMIT: Final = 2048
_BLOCK_NAMES = (
    "address article aside blockquote br dd details div dl dt footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre "
    "section summary table tbody thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_INLINE_NAMES = (
    "audio break emphasis lang phoneme prosody say-as speak voice w "  # SSML, which models write unasked
    "a abbr b bdi bdo big body button caption center cite code col del dfn em figcaption figure font form head html i "
    "img input ins kbd label mark math meta nav option q ruby rp rt s samp script select small source span strike "
    "strong style sub sup svg td th time title tt u var video wbr"
)
_INLINES = frozenset(_INLINE_NAMES.split())


def word_or_address(scan: Scanner, word: str) -> None:
    """A word, or the rest of one whose beginning has been given out; or the address that begins like it."""
    inside = not (scan.space or scan.comma) and _INSIDE_RE.search(scan.tail) is not None
    if word[0] in "hHwW" and not inside:
        rest = scan.buffer[scan.position : scan.position + 8].lower()
        if not scan.final and any(len(rest) < len(start) and start.startswith(rest) for start in _ADDRESS_STARTS):
            raise NeedMoreError
        if _ADDRESS_START_RE.match(scan.buffer, scan.position):
            _address(scan)
            return
    scan.emit(word)
    scan.position += len(word)


def open_fence(scan: Scanner, closing: str, after: int) -> None:
    """What follows is code, up to `closing`."""
    scan.fence = closing
    scan.position = after
    scan.line_start = False


def _address(scan: Scanner) -> None:
    """An address is spoken as its host."""
    match = scan.match(_ADDRESS_RE, 2048)
    whole = match[0] if match else ""
    if len(whole) == 2048:
        scan.skip = _ADDRESS_END_RE
    whole_address = whole.rstrip(_AFTER_ADDRESS)
    found = _HOST_RE.match(whole_address)
    host = found[1].strip(".-_") if found else ""
    if not host:
        host = whole_address.split(":")[0].rstrip(".")
    spoken = regex.sub(rf"[^{WORD}\p{{M}}.\-]+", " ", host).strip()
    if spoken:
        scan.emit(spoken)
    scan.position += len(whole) if scan.skip else max(1, len(whole_address))


def _slash(scan: Scanner, char: str) -> None:
    """A host's path goes; "//" and a slash by itself are pauses."""
    if not scan.space and _DOMAIN_RE.search(scan.tail):
        match = scan.match(_ADDRESS_RE, 2048)
        whole = match[0] if match else char
        if len(whole) == 2048:
            scan.skip = _ADDRESS_END_RE
        scan.position += len(whole) if scan.skip else max(1, len(whole.rstrip(_AFTER_ADDRESS)))
        return
    following = scan.peek()
    if following == " " and scan.space and scan.tail[-1:].isdecimal() and scan.peek(2).isdecimal():
        punctuation(scan, char)  # "100 / 4"
    elif following == "/" or (scan.space and following.isspace()):
        as_comma(scan, char)
    else:
        punctuation(scan, char)


def _open_bracket(scan: Scanner, char: str) -> None:
    """Square brackets go, and so do footnotes."""
    if scan.peek() == "^":
        for offset in range(2, 36):
            if scan.peek(offset) in ("]", "", " ", "\n"):
                scan.peek(offset + 1)
                break
        footnote = _FOOTNOTE_RE.match(scan.buffer, scan.position)
        if footnote:
            scan.position = footnote.end()
            return
    scan.position += 1
    scan.space = True


def _close_bracket(scan: Scanner, char: str) -> None:
    """With the target behind it."""
    if scan.peek() == "(":
        _link_target(scan)
        return
    scan.position += 1
    scan.space = scan.space or scan.buffer[scan.position : scan.position + 1].isalnum()


def _link_target(scan: Scanner) -> None:
    """A link's target is not spoken; what only looks like one is."""
    address = depth = 0
    quote = ""
    for offset in range(2, _TARGET_LIMIT):
        char = scan.peek(offset)
        if quote:
            quote = "" if char == quote else quote
        elif char in ('"', "'") and address and scan.peek(offset - 1).isspace():
            quote = char
        elif char == ")" and not depth:
            if address or offset == 2:
                scan.position += offset + 1
                return
            break
        elif char in ("", "\n", "[", "]") or (char.isspace() and scan.peek(offset + 1) not in ('"', "'", ")")):
            break
        depth += (char == "(") - (char == ")")
        address += char in "/:#.?@"
    else:
        if address:
            scan.skip = _TARGET_END_RE
            scan.position += _TARGET_LIMIT
            return
    scan.position += 1


def _backtick(scan: Scanner, char: str) -> None:
    """Inline code is text; three backticks and a line end open a fence."""
    run = scan.run(char, 3)
    if run < 3:
        scan.position += run
        return
    for offset in range(3, 68):
        following = scan.peek(offset)
        if following == "\n":
            open_fence(scan, "```", scan.position + offset)
            scan.end_line()
            return
        if following in ("", "`"):
            break
    scan.position += run


def _ampersand(scan: Scanner, char: str) -> None:
    """An entity, or a word."""
    scan.match(_ENTITY_START_RE, 34)
    entity = _ENTITY_RE.match(scan.buffer, scan.position)
    decoded = html.unescape(entity[0]) if entity else ""
    if entity and decoded == char:
        word_for(scan, scan.and_word, char, len(entity[0]))
    elif entity and decoded != entity[0]:
        # Read once more in its place: a decoded "<" or line end is what it looks like. It is always shorter.
        scan.buffer = decoded + scan.buffer[entity.end() :]
        scan.position = 0
    else:
        word_for(scan, scan.and_word, char, scan.run(char))


def _less(scan: Scanner, char: str) -> None:
    """A tag goes, and so do the brackets of what only looks like one; a comparison stays."""
    following = scan.peek()
    if following == "-":
        scan.position += 2
        scan.comma = True
        return
    if following == "!":
        _comment(scan)
        return
    if following == "3" and emoticon(scan):
        return
    if not (following.isascii() and following.isalpha()) and following != "/":
        scan.position += 1
        if following == "" or following.isspace() or following.isdecimal() or following == "=":
            scan.emit(char)
        return
    named = scan.match(_TAG_NAME_RE)
    name = (named[1] or "").lower() if named else ""
    tag = None
    if name in _BLOCKS or name in _INLINES:
        scan.match(_TAG_START_RE)
        tag = _TAG_RE.match(scan.buffer, scan.position)
    if tag and name in _BLOCKS:
        scan.position = tag.end()
        scan.end_line()
        scan.line_start = True
    elif tag and name in _INLINES:
        scan.position = tag.end()
    else:
        scan.position += 2 if following == "/" else 1
        scan.angle = True


def _comment(scan: Scanner) -> None:
    """Not spoken."""
    end = scan.buffer.find("-->", scan.position, scan.position + _COMMENT_LIMIT)
    if end >= 0:
        scan.position = end + 3
        return
    if not scan.final and len(scan.buffer) < scan.position + _COMMENT_LIMIT:
        raise NeedMoreError
    scan.position += 1


def _greater(scan: Scanner, char: str) -> None:
    """The end of a "<...>", a step in a path through menus, or a comparison."""
    number = scan.peek(2) if scan.peek() == " " else scan.peek()
    more = not scan.angle and number.isdecimal()
    scan.position += 1
    if scan.angle:
        scan.angle = False
    elif more and (scan.space or not scan.tail):
        scan.emit(char)
    elif scan.tail[-1:].isalpha():
        scan.comma = True
    elif scan.tail[-1:].isdecimal():
        scan.emit(char)


MARKUP = {
    "/": _slash,
    "[": _open_bracket,
    "]": _close_bracket,
    "`": _backtick,
    "&": _ampersand,
    "<": _less,
    ">": _greater,
}
