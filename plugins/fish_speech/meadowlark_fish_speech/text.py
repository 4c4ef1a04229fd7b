"""What a text is before it becomes tokens: cleaned as 1.5 wants it, and in parts that are not too long. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_EMOJI = re.compile("[\U0001f600-\U0001f64f\U0001f300-\U0001f5ff\U0001f680-\U0001f6ff\U0001f1e0-\U0001f1ff]+")
_COMMAS = re.compile(",{2,}")

CUTS = (
    re.compile(r"(?<=[.!?…])(?=\s)|(?<=[。！？])"),
    re.compile(r"(?<=[,;:])(?=\s)|(?<=[，、；：])"),
    re.compile(r"(?=\s)"),
)
"""Where a long text may be cut, best first: behind a sentence, behind a clause, between words. Numbers stay whole: no
space stands behind the point in one."""


def cleaned(text: str) -> str:
    """As 1.5 was trained: straight apostrophes, no emoji, one comma for many."""
    text = text.strip().replace("‘", "'").replace("’", "'")
    return _COMMAS.sub(",", _EMOJI.sub("", text))


def has_words(text: str) -> bool:
    """Whether there is anything to say."""
    return any(letter.isalnum() for letter in text)


def spans(text: str, most: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of parts of at most so many bytes of UTF-8, without spaces at their ends; all but spaces is in one.

    A cut is made at the best place in the second half of what fits; else at the best in the first; else anywhere.
    """
    begin = 0
    while (begin := begin + len(text[begin:]) - len(text[begin:].lstrip())) < len(text):
        end = _cut(text, begin, most)
        yield begin, begin + len(text[begin:end].rstrip())
        begin = end


def cut(text: str, most: int) -> Iterator[str]:
    """The parts themselves."""
    for begin, end in spans(text, most):
        yield text[begin:end]


def _cut(text: str, begin: int, most: int) -> int:
    reach = _reach(text, begin, most)
    if reach == len(text):
        return reach
    window = text[begin : reach + 1]  # one more: whether a sentence ends is seen from what follows
    for earliest in ((reach - begin) // 2, 0):
        for pattern in CUTS:
            places = [match.start() for match in pattern.finditer(window) if earliest < match.start() <= reach - begin]
            if places:
                return begin + places[-1]
    return _whole_characters(text, begin, reach)


def _reach(text: str, begin: int, most: int) -> int:
    """The end of what fits, at least one character."""
    size, at = 0, begin
    while at < len(text):
        size += len(text[at].encode("utf-8", "replace"))
        if size > most:
            break
        at += 1
    return max(at, begin + 1)


def _whole_characters(text: str, begin: int, end: int) -> int:
    """Further back, where the cut would part an accent from its letter."""
    at = end
    while at > begin + 1 and (unicodedata.combining(text[at]) or "\u200d" in text[at - 1 : at + 1]):
        at -= 1
    return at if at > begin + 1 else end
