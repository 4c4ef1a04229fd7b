"""Markup and symbols made speakable, in a stream: Markdown, HTML, addresses, emoji, typographic odds.

Lines are known here (what begins one, a fence over several), what is within a line in markup.py and symbols.py. Knows
nothing of markers or sentences, and leaves numbers and units alone. No letter or digit of prose is lost; what goes is
markup, addresses' paths and code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import regex

from meadowlark.text.markup import MARKUP, open_fence, word_or_address
from meadowlark.text.scan import WORD, Break, Scanner, TextOrBreak
from meadowlark.text.stream import NeedMoreError
from meadowlark.text.symbols import SYMBOLS, other

__all__ = ["Break", "Cleaner", "TextOrBreak"]

# Words that need no second look, with lone spaces and punctuation between them. "h" and "w" may begin an address.
_PLAIN_RE = regex.compile(rf"(?:(?<=[{WORD}])|(?![hHwW]))[{WORD}]++(?:(?:[ ,;:'’\-]|[,;:.] )(?![hHwW])[{WORD}]++)*+")
_WORD_RE = regex.compile(rf"[{WORD}]+")
_LINE_END_RE = regex.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_LINE_PREFIX_RE = regex.compile(r"[-=_*|:+~#> \t\u00a0•◦▪‣·・–—]{1,64}")
_BEHIND_FENCE_RE = regex.compile(r"[^`~]")
_CODE_KEPT: Final = 1000
"""Characters of fenced code remembered, for a reply that holds nothing else."""
_HANDLERS: dict[str, Callable[[Scanner, str], None]] = {**SYMBOLS, **MARKUP}


class Cleaner:
    """Speakable text out of marked-up text; `Break.LINE` where a line, item or row ends.

    What comes out never depends on where the chunks were cut; held back are a few characters, or one address or tag.
    """

    def __init__(self, language: str = "en") -> None:
        self._scan = Scanner(language)
        self.code = ""
        """The beginning of what stood in code fences, which is not spoken."""

    def push(self, text: str) -> list[TextOrBreak]:
        """What is decided by now."""
        self._scan.buffer += text
        return self._clean(final=False)

    def interrupt(self) -> list[TextOrBreak]:
        """All that was held back; a marker stands here."""
        out = self._clean(final=True)
        self._scan.marked = True
        return out

    def flush(self) -> list[TextOrBreak]:
        """All that was held back; what follows is decided without it."""
        return self._clean(final=True)

    def finish(self) -> list[TextOrBreak]:
        """All that was held back; the text ends here."""
        return self._clean(final=True)

    @property
    def fenced(self) -> bool:
        """Whether we are inside a code fence."""
        return bool(self._scan.fence)

    def _clean(self, final: bool) -> list[TextOrBreak]:
        scan = self._scan
        scan.final = final
        while scan.position < len(scan.buffer):
            before = scan.position
            try:
                self._step()
            except NeedMoreError:
                scan.position = before
                break
        scan.buffer = scan.buffer[scan.position :]
        scan.position = 0
        out, scan.out = scan.out, []
        return out

    def _step(self) -> None:
        scan = self._scan
        if scan.fence:
            self._in_fence()
            return
        if scan.skip:
            self._skipped(scan.skip)
            return
        if scan.line_start and self._line_prefix():
            return
        plain = _PLAIN_RE.match(scan.buffer, scan.position)
        if plain:
            scan.emit(plain[0])
            scan.position = plain.end()
            return
        char = scan.buffer[scan.position]
        if char.isalnum() and (word := _WORD_RE.match(scan.buffer, scan.position)):
            word_or_address(scan, word[0])
            return
        handler = _HANDLERS.get(char)
        if handler:
            handler(scan, char)
        else:
            other(scan, char)

    def _in_fence(self) -> None:
        scan = self._scan
        end = scan.buffer.find(scan.fence, scan.position)
        if end < 0:
            # A closing run may have been cut.
            end = len(scan.buffer) if scan.final else max(scan.position, len(scan.buffer) - len(scan.fence) + 1)
            if end == scan.position:
                raise NeedMoreError
            self._remember_code(end)
            return
        self._remember_code(end)
        scan.position = end + len(scan.fence)
        scan.fence = ""
        scan.skip = _BEHIND_FENCE_RE
        scan.end_line()

    def _remember_code(self, end: int) -> None:
        scan = self._scan
        self.code += scan.buffer[scan.position : min(end, scan.position + _CODE_KEPT - len(self.code))]
        scan.position = end

    def _skipped(self, until: regex.Pattern[str]) -> None:
        scan = self._scan
        found = until.search(scan.buffer, scan.position)
        if found:
            scan.skip = None
            scan.position = found.start()
        else:
            scan.position = len(scan.buffer)

    def _line_prefix(self) -> bool:
        """Whether bullets, rules, heading and quote signs, and the edge of a table were here, and are dropped now."""
        scan = self._scan
        prefix = scan.match(_LINE_PREFIX_RE, 64)
        if prefix is None:
            return False
        if prefix[0].strip().startswith("~~~"):
            open_fence(scan, "~~~", prefix.end())
            return True
        sign = prefix[0][-1]
        scan.position = prefix.end()
        if len(prefix[0]) == 64 or scan.position == len(scan.buffer):
            return True
        signed = sign in "-+~#>" and prefix[0][-2:-1] in ("", " ", "\t", "|", ">", "*", "_")
        if signed and scan.buffer[scan.position].isdecimal():
            scan.position -= 1
            scan.line_start = False
        elif not _LINE_END_RE.match(scan.buffer, scan.position):
            scan.line_start = False
        return True
