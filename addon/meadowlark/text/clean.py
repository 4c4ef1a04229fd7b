"""Markup and symbols made speakable, in a stream: Markdown, HTML, addresses, emoji, typographic odds.

Line-level state (a fence, a table row, the beginning of a line) lives here. Knows nothing of markers or sentences, and
leaves numbers and units alone. No letter or digit of prose is lost; what goes is markup, addresses' paths and code.
"""

from __future__ import annotations

import html
import unicodedata
from enum import Enum
from typing import Final, TypeAlias

import regex

from meadowlark.text import words
from meadowlark.text.stream import NeedMoreError


class Break(Enum):
    """An end that no punctuation needs to show."""

    LINE = "line"


TextOrBreak: TypeAlias = str | Break

_WORD = r"\p{L}\p{N}"
# Words that need no second look, with lone spaces and punctuation between them. "h" and "w" may begin an address.
_PLAIN_RE = regex.compile(rf"(?:(?<=[{_WORD}])|(?![hHwW]))[{_WORD}]++(?:(?:[ ,;:'’\-]|[,;:.] )(?![hHwW])[{_WORD}]++)*+")
_WORD_RE = regex.compile(rf"[{_WORD}]+")
_LINE_END_RE = regex.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_LINE_PREFIX_RE = regex.compile(r"[-=_*|:+~#> \t\u00a0•◦▪‣·–—]{1,64}")
_ADDRESS_RE = regex.compile(r"[!#-;=?-Z^_a-z~\p{Latin}]{0,2048}")
_ADDRESS_STARTS = ("https://", "http://", "www.")
_ADDRESS_START_RE = regex.compile(r"https?://|www\.", regex.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?'*_)]}|~"
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
_TAG_RE = regex.compile(r"</?([A-Za-z][A-Za-z0-9]{0,15})(?=[\s/>])[^<>]{0,512}>")
_TAG_NAME_RE = regex.compile(r"</?([A-Za-z][A-Za-z0-9]{0,15}+)?")
_TAG_START_RE = regex.compile(r"</?[A-Za-z][A-Za-z0-9]{0,15}(?:[\s/][^<>]{0,512})?")
_COMMENT_LIMIT: Final = 2048
_BLOCK_NAMES = (
    "address article aside blockquote br dd details div dl dt footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre "
    "section summary table tbody thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_INLINE_NAMES = (
    "a abbr b bdi bdo big body button caption center cite code col del dfn em figcaption figure font form head html i "
    "img input ins kbd label mark math meta nav option q ruby rp rt s samp script select small source span strike "
    "strong style sub sup svg td th time title tt u var video wbr"
)
_INLINES = frozenset(_INLINE_NAMES.split())
_SYMBOL_KEPT = frozenset("°℃℉№℡㎏㎡㎥㎝㎞㎜㎎㏄")
_CLOSING = frozenset(",.;:!?…)]}、。，．！？；：）」』】〉》”’%")
_DIGRAPHS = {"‼": "!", "⁇": "?", "⁈": "?!", "⁉": "!?"}
_ARROW_RE = regex.compile(r"[\u2190-\u21ff\u2794-\u27bf\u27f0-\u27ff\u2900-\u297f\u2b00-\u2b11]")
_PICTURES = frozenset(("So", "Co", "Cn", "Cc", "Zs"))
_LETTER_END_RE = regex.compile(r"[\p{L}\p{M}]$")
_INSIDE_RE = regex.compile(rf"[{_WORD}\p{{M}}]$")
# More than 8 combining marks on one letter are noise, and a letter must fit into any piece.
_NO_ROOM_RE = regex.compile(r"(?:\p{M}{8}|^)$")
_TAIL: Final = 96
_CODE_KEPT: Final = 1000
"""Characters of fenced code remembered, for a reply that holds nothing else."""


class Cleaner:
    """Speakable text out of marked-up text; `Break.LINE` where a line, item or row ends.

    What comes out never depends on where the chunks were cut; held back are a few characters, or one address or tag.
    """

    def __init__(self, language: str = "en") -> None:
        primary = words.primary(language)
        self._and = words.AND.get(primary)
        self._at = words.AT.get(primary)
        self._about = words.ABOUT.get(primary)
        self._buffer = ""
        self._position = 0
        self._out: list[TextOrBreak] = []
        self._tail = ""  # the last of what was given out
        self._space = False  # white space is given out only with what follows it
        self._comma = False  # so is the comma that stands for a cell's end or an arrow
        self._marked = False  # a marker stood here: no space before punctuation that follows it
        self._line_start = True
        self._fence = ""  # what closes the code fence in which we are
        self._skip: regex.Pattern[str] | None = None  # drop up to this: the rest of an endless address
        self._angle = False
        self._final = False
        self.code = ""
        """The beginning of what stood in code fences, which is not spoken."""

    def push(self, text: str) -> list[TextOrBreak]:
        """What is decided by now."""
        self._buffer += text
        return self._clean(final=False)

    def interrupt(self) -> list[TextOrBreak]:
        """All that was held back; a marker stands here."""
        out = self._clean(final=True)
        self._marked = True
        return out

    def finish(self) -> list[TextOrBreak]:
        """All that was held back; the text ends here."""
        return self._clean(final=True)

    @property
    def fenced(self) -> bool:
        """Whether we are inside a code fence."""
        return bool(self._fence)

    def _clean(self, final: bool) -> list[TextOrBreak]:
        self._final = final
        while self._position < len(self._buffer):
            before = self._position
            try:
                self._step()
            except NeedMoreError:
                self._position = before
                break
        self._buffer = self._buffer[self._position :]
        self._position = 0
        out, self._out = self._out, []
        return out

    # Reading

    def _peek(self, offset: int = 1) -> str:
        """The character so far behind the present one, "" behind the end; NeedMoreError when it has not come."""
        index = self._position + offset
        if index < len(self._buffer):
            return self._buffer[index]
        if self._final:
            return ""
        raise NeedMoreError

    def _match(self, pattern: regex.Pattern[str], limit: int | None = None) -> regex.Match[str] | None:
        """A greedy match from here that more text cannot lengthen; NeedMoreError when it could."""
        match = pattern.match(self._buffer, self._position)
        if match and match.end() == len(self._buffer) and not self._final and (limit is None or len(match[0]) < limit):
            raise NeedMoreError
        return match

    def _run(self, char: str, limit: int = 64) -> int:
        """How often this character is repeated from here."""
        count = 1
        while count < limit and self._peek(count) == char:
            count += 1
        return count

    # Writing

    def _emit(self, text: str) -> None:
        if self._comma and self._tail[-1:].isalnum() and text[0] not in _CLOSING:
            text = ", " + text
        elif (self._space or self._comma) and not (self._marked and text[0] in _CLOSING) and self._tail:
            text = " " + text
        self._space = self._comma = self._marked = False
        self._out.append(text)
        self._tail = (self._tail + text)[-_TAIL:]
        self._line_start = False

    def _break(self) -> None:
        self._out.append(Break.LINE)
        self._space = self._comma = self._angle = False
        self._tail = ""

    # Deciding

    def _step(self) -> None:
        if self._fence:
            self._in_fence()
            return
        if self._skip:
            self._skipped(self._skip)
            return
        if self._line_start and self._line_prefix():
            return
        plain = _PLAIN_RE.match(self._buffer, self._position)
        if plain:
            self._emit(plain[0])
            self._position = plain.end()
            return
        char = self._buffer[self._position]
        if char.isalnum() and (word := _WORD_RE.match(self._buffer, self._position)):
            self._address_or_word(char, word)
            return
        handler = _HANDLERS.get(char)
        if handler:
            handler(self, char)
        else:
            self._other(char)

    def _in_fence(self) -> None:
        end = self._buffer.find(self._fence, self._position)
        if end < 0:
            # A closing run may have been cut.
            end = len(self._buffer) if self._final else max(self._position, len(self._buffer) - len(self._fence) + 1)
            if end == self._position:
                raise NeedMoreError
            self._remember_code(end)
            return
        self._remember_code(end)
        self._position = end + len(self._fence)
        self._fence = ""
        self._skip = regex.compile(r"[^`~]")
        self._break()

    def _remember_code(self, end: int) -> None:
        self.code += self._buffer[self._position : min(end, self._position + _CODE_KEPT - len(self.code))]
        self._position = end

    def _skipped(self, until: regex.Pattern[str]) -> None:
        found = until.search(self._buffer, self._position)
        if found:
            self._skip = None
            self._position = found.start()
        else:
            self._position = len(self._buffer)

    def _line_prefix(self) -> bool:
        """Whether bullets, rules, heading and quote signs, and the edge of a table were here, and are dropped now."""
        prefix = self._match(_LINE_PREFIX_RE, 64)
        if prefix is None:
            return False
        if prefix[0].strip().startswith("~~~"):
            self._open_fence("~~~", prefix.end())
            return True
        sign = prefix[0][-1]
        self._position = prefix.end()
        if len(prefix[0]) == 64 or self._position == len(self._buffer):
            return True
        signed = sign in "-+~#" and prefix[0][-2:-1] in ("", " ", "\t", "|", ">", "*", "_")
        if signed and self._buffer[self._position].isdecimal():
            self._position -= 1
            self._line_start = False
        elif not _LINE_END_RE.match(self._buffer, self._position):
            self._line_start = False
        return True

    def _open_fence(self, closing: str, after: int) -> None:
        self._fence = closing
        self._position = after
        self._line_start = False

    def _address_or_word(self, char: str, word: regex.Match[str]) -> None:
        """A word that begins like an address, or the rest of a word of which the beginning has been given out."""
        inside = not (self._space or self._comma) and _INSIDE_RE.search(self._tail) is not None
        if char in "hHwW" and not inside:
            rest = self._buffer[self._position : self._position + 8].lower()
            if not self._final and any(len(rest) < len(start) and start.startswith(rest) for start in _ADDRESS_STARTS):
                raise NeedMoreError
            if _ADDRESS_START_RE.match(self._buffer, self._position):
                self._address()
                return
        self._emit(word[0])
        self._position = word.end()

    def _address(self) -> None:
        """An address is spoken as its host."""
        match = self._match(_ADDRESS_RE, 2048)
        whole = match[0] if match else ""
        if len(whole) == 2048:
            self._skip = regex.compile(r"[\s<>\"]")
        address = whole.rstrip(_AFTER_ADDRESS)
        found = _HOST_RE.match(address)
        host = found[1].strip(".-_") if found else ""
        if not host:
            host = address.split(":")[0].rstrip(".")
        spoken = regex.sub(rf"[^{_WORD}\p{{M}}.\-]+", " ", host).strip()
        if spoken:
            self._emit(spoken)
        self._position += len(whole) if self._skip else max(1, len(address))

    def _line_end(self, char: str) -> None:
        self._position += 1
        self._break()
        self._line_start = True

    def _white(self, char: str) -> None:
        self._position += 1
        self._space = True

    def _drop(self, char: str) -> None:
        self._position += 1

    def _as_comma(self, char: str) -> None:
        self._position += 1
        self._comma = True

    def _bullet(self, char: str) -> None:
        self._position += 1
        self._break()

    def _punctuation(self, char: str, limit: int = 1) -> None:
        """Given out, but not again and again."""
        self._position += 1
        if not self._space and self._tail.endswith(char * limit):
            return
        if char in "!?" and not self._space and regex.search(r"[!?]{2}$", self._tail):
            return
        self._emit(char)

    def _full_stop(self, char: str) -> None:
        self._punctuation(char, 3)

    def _plus(self, char: str) -> None:
        self._punctuation(char, 2)

    def _exclamation(self, char: str) -> None:
        if (self._space or not self._tail) and self._peek() == "[":
            self._position += 1  # an image
            return
        self._punctuation(char)

    def _hyphen(self, char: str) -> None:
        following = self._peek()
        if following in ("-", ">"):
            run = self._run(char)
            self._position += run + (self._peek(run) == ">")
            self._comma = True
            return
        alone = self._space and (not following or following.isspace())
        self._position += 1
        self._emit("–" if alone else char)

    def _asterisk(self, char: str) -> None:
        times = False
        if self._tail[-1:].isdecimal():
            ahead = self._peek()
            times = ahead.isdecimal() or (self._space and ahead == " " and self._peek(2).isdecimal())
        self._position += 1
        if times:
            self._emit("×")

    def _underscore(self, char: str) -> None:
        following = self._peek()
        self._position += 1
        if following.isalnum() and not self._space and self._tail[-1:].isalnum():
            self._space = True

    def _backtick(self, char: str) -> None:
        run = self._run(char, 3)
        if run < 3:
            self._position += run
            return
        for offset in range(3, 68):
            following = self._peek(offset)
            if following == "\n":
                self._open_fence("```", self._position + offset)
                self._break()
                return
            if following in ("", "`"):
                break
        self._position += run

    def _tilde(self, char: str) -> None:
        run = self._run(char)
        about = run == 1 and self._peek().isdecimal()
        self._position += run
        if about:
            self._emit(self._about or char)
            self._space = self._about is not None

    def _hash(self, char: str) -> None:
        following = self._peek()
        self._position += 1
        sharp = not self._space and regex.search(r"(?<![\p{L}\p{N}])\p{Lu}$", self._tail) is not None
        if following.isdecimal() or (sharp and not following.isalnum()):
            self._emit(char)

    def _equals(self, char: str) -> None:
        following = self._peek()
        self._position += 1
        if following == ">":
            self._position += 1
            self._comma = True
        elif following == "=" or self._tail.endswith("="):
            self._space = True
        else:
            self._emit(char)

    def _ampersand(self, char: str) -> None:
        self._match(_ENTITY_START_RE, 34)
        entity = _ENTITY_RE.match(self._buffer, self._position)
        decoded = html.unescape(entity[0]) if entity else ""
        if entity and decoded == char:
            self._word_for(self._and, char, len(entity[0]))
        elif entity and decoded != entity[0]:
            # Read once more in its place: a decoded "<" or line end is what it looks like. It is always shorter.
            self._buffer = decoded + self._buffer[entity.end() :]
            self._position = 0
        else:
            self._word_for(self._and, char, self._run(char))

    def _word_for(self, word: str | None, char: str, length: int) -> None:
        """A word instead of a symbol, or the symbol where the language has none here."""
        self._position += length
        self._space = self._space or word is not None
        self._emit(word or char)
        self._space = word is not None

    def _at_sign(self, char: str) -> None:
        following = self._peek()
        if self._tail[-1:].isalnum() and not self._space and following.isalnum():
            self._word_for(self._at, char, 1)
        else:
            self._position += 1
            self._space = True

    def _slash(self, char: str) -> None:
        if not self._space and _DOMAIN_RE.search(self._tail):
            match = self._match(_ADDRESS_RE, 2048)
            whole = match[0] if match else char
            if len(whole) == 2048:
                self._skip = regex.compile(r"[\s<>\"]")
            self._position += len(whole) if self._skip else max(1, len(whole.rstrip(_AFTER_ADDRESS)))
            return
        following = self._peek()
        if following == "/" or (self._space and following.isspace()):
            self._as_comma(char)
        else:
            self._punctuation(char)

    def _backslash(self, char: str) -> None:
        following = self._peek()
        self._position += 1
        if following.isalnum():
            self._space = True

    def _open_bracket(self, char: str) -> None:
        if self._peek() == "^":
            for offset in range(2, 36):
                if self._peek(offset) in ("]", "", " ", "\n"):
                    self._peek(offset + 1)
                    break
            footnote = _FOOTNOTE_RE.match(self._buffer, self._position)
            if footnote:
                self._position = footnote.end()
                return
        self._position += 1
        self._space = True

    def _close_bracket(self, char: str) -> None:
        if self._peek() == "(":
            self._link_target()
            return
        self._position += 1
        self._space = self._space or self._buffer[self._position : self._position + 1].isalnum()

    def _link_target(self) -> None:
        """A link's target is not spoken; what only looks like one is."""
        address = depth = 0
        quote = ""
        for offset in range(2, _TARGET_LIMIT):
            char = self._peek(offset)
            if quote:
                quote = "" if char == quote else quote
            elif char in ('"', "'") and address and self._peek(offset - 1).isspace():
                quote = char
            elif char == ")" and not depth:
                if address or offset == 2:
                    self._position += offset + 1
                    return
                break
            elif char in ("", "\n", "[", "]") or (char.isspace() and self._peek(offset + 1) not in ('"', "'", ")")):
                break
            depth += (char == "(") - (char == ")")
            address += char in "/:#.?@"
        else:
            if address:
                self._skip = regex.compile(r"[\s)]")
                self._position += _TARGET_LIMIT
                return
        self._position += 1

    def _brace(self, char: str) -> None:
        self._position += 1
        self._space = True

    def _less(self, char: str) -> None:
        following = self._peek()
        if following == "-":
            self._position += 2
            self._comma = True
            return
        if following == "!":
            self._comment()
            return
        if not (following.isascii() and following.isalpha()) and following != "/":
            self._position += 1
            if following == "" or following.isspace() or following.isdecimal() or following == "=":
                self._emit(char)
            return
        named = self._match(_TAG_NAME_RE)
        name = (named[1] or "").lower() if named else ""
        tag = None
        if name in _BLOCKS or name in _INLINES:
            self._match(_TAG_START_RE)
            tag = _TAG_RE.match(self._buffer, self._position)
        if tag and name in _BLOCKS:
            self._position = tag.end()
            self._break()
            self._line_start = True
        elif tag and name in _INLINES:
            self._position = tag.end()
        else:
            self._position += 2 if following == "/" else 1
            self._angle = True

    def _comment(self) -> None:
        end = self._buffer.find("-->", self._position, self._position + _COMMENT_LIMIT)
        if end >= 0:
            self._position = end + 3
            return
        if not self._final and len(self._buffer) < self._position + _COMMENT_LIMIT:
            raise NeedMoreError
        self._position += 1

    def _greater(self, char: str) -> None:
        self._position += 1
        if self._angle:
            self._angle = False
        elif self._tail[-1:].isalpha():
            self._comma = True
        elif self._tail[-1:].isdecimal():
            self._emit(char)

    def _other(self, char: str) -> None:
        """By Unicode category: marks and punctuation stay, pictures and what cannot be seen go."""
        category = unicodedata.category(char)
        if category[0] == "M":
            self._combining(char)
        elif char in _DIGRAPHS:
            self._punctuation(_DIGRAPHS[char])
        elif _ARROW_RE.match(char):
            self._as_comma(char)
        elif (category in _PICTURES and char not in _SYMBOL_KEPT) or "\U0001f3fb" <= char <= "\U0001f3ff":
            self._position += 1
            self._space = self._space or char not in "™©®℠"
        elif category[0] == "C":
            joiner = char in "\u200c\u200d" and not self._space and _LETTER_END_RE.search(self._tail)
            self._position += 1
            if joiner:
                self._emit(char)
        else:
            self._punctuation(char)

    def _combining(self, char: str) -> None:
        self._position += 1
        if char == "\u20e3" or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
            return  # keycap and variation selectors belong to emoji
        if self._space or self._comma or _NO_ROOM_RE.search(self._tail):
            return
        self._emit(char)


_HANDLERS = {
    **dict.fromkeys("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", Cleaner._line_end),
    **dict.fromkeys(" \t\u00a0\u202f\u3000", Cleaner._white),
    **dict.fromkeys("•◦▪‣●■◆", Cleaner._bullet),
    "|": Cleaner._as_comma,
    "^": Cleaner._brace,
    "{": Cleaner._brace,
    "}": Cleaner._brace,
    ".": Cleaner._full_stop,
    "+": Cleaner._plus,
    "!": Cleaner._exclamation,
    "-": Cleaner._hyphen,
    "*": Cleaner._asterisk,
    "_": Cleaner._underscore,
    "`": Cleaner._backtick,
    "~": Cleaner._tilde,
    "#": Cleaner._hash,
    "=": Cleaner._equals,
    "&": Cleaner._ampersand,
    "@": Cleaner._at_sign,
    "/": Cleaner._slash,
    "\\": Cleaner._backslash,
    "[": Cleaner._open_bracket,
    "]": Cleaner._close_bracket,
    "<": Cleaner._less,
    ">": Cleaner._greater,
}
