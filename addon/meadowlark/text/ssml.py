"""SSML down to the text that it speaks, with pauses and ends as punctuation, and IPA as `[word](/ipa/)`."""

from __future__ import annotations

from xml.parsers import expat

import regex

from meadowlark.errors import RequestError
from meadowlark.text.given import written

_DECLARATION_RE = regex.compile(r"^\s*<\?xml[^>]*\?>")
_DOCUMENT_TYPE_RE = regex.compile(r"(?:\s|<!--.*?-->)*<!DOCTYPE", regex.IGNORECASE | regex.DOTALL)
_NOT_XML_RE = regex.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROOT = "<speak>"
_ENDS = frozenset(("p", "s", "paragraph", "sentence", "speak", "voice", "lang"))
_SILENT = frozenset(("desc", "metadata", "meta", "lexicon", "lookup", "mark", "title", "style", "script"))
_FULL_STOPS = frozenset(("strong", "x-strong"))
_NO_PAUSE = frozenset(("none",))
_LONG_BREAK_S = 0.7
_TIME_RE = regex.compile(r"\+?(\d*\.?\d+)\s*(ms|s)")


def plain_text(ssml: str) -> str:
    """What SSML says: no tags, breaks as commas or full stops, substitutes in their places, IPA behind its word.

    RequestError for what is not well-formed, and for a document type (entities could expand without end).
    """
    parser = expat.ParserCreate()
    reader = _Reader()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    body = _DECLARATION_RE.sub("", _NOT_XML_RE.sub(" ", ssml))
    if _DOCUMENT_TYPE_RE.match(body):
        # Within our root element expat refuses it anyway, but would not say why.
        raise RequestError("The SSML declares a document type, which is not accepted. Remove the <!DOCTYPE …> part.")
    try:
        parser.Parse(f"{_ROOT}{body}</speak>", True)
    except expat.ExpatError as error:
        column = error.offset - (len(_ROOT) if error.lineno == 1 else 0)
        raise RequestError(
            f"The SSML is not well-formed: {expat.ErrorString(error.code)} in line {error.lineno}, column "
            f"{max(column, 0) + 1}. Close every tag that is opened, write & as &amp; and < as &lt;, or send plain text."
        ) from error
    return reader.text()


class _Reader:
    """Collects what is spoken while the parser walks."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._last = ""  # letter or sign that is spoken, white space apart
        self._silent = 0  # open elements, from the outermost that is not spoken
        self._sounds: list[tuple[int, str]] = []  # of the open <phoneme> elements: where they began, and their IPA

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = name.rpartition(":")[2].lower()
        if self._silent or element in _SILENT:
            self._silent += 1
        elif element == "sub" and "alias" in attributes:
            self._say(attributes["alias"])
            self._silent = 1
        elif element == "phoneme":
            self._sounds.append((len(self._parts), _ipa(attributes)))
        elif element == "break":
            self._pause(_pause_mark(attributes))
        elif element in _ENDS:
            self._parts.append("\n")

    def end(self, name: str) -> None:
        element = name.rpartition(":")[2].lower()
        if self._silent:
            self._silent -= 1
        elif element == "phoneme":
            start, ipa = self._sounds.pop()
            word = "".join(self._parts[start:])
            del self._parts[start:]
            self._say(written(word, ipa))
        elif element in _ENDS:
            self._parts.append("\n")

    def characters(self, data: str) -> None:
        if not self._silent:
            self._say(data.replace("\n", " "))

    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._parts).split("\n"))
        return "\n".join(regex.sub(r" +([,.])", r"\1", line) for line in lines if line)

    def _pause(self, mark: str) -> None:
        """A comma or a full stop, unless something of the kind stands there."""
        self._say(f"{mark} " if mark and self._last and self._last not in ",.;:!?…。！？、" else " ")

    def _say(self, text: str) -> None:
        self._parts.append(text)
        self._last = text.rstrip()[-1:] or self._last


def _ipa(attributes: dict[str, str]) -> str:
    """Of a <phoneme>; "" where it is in another alphabet."""
    return attributes.get("ph", "") if attributes.get("alphabet", "ipa").strip().lower() == "ipa" else ""


def _pause_mark(attributes: dict[str, str]) -> str:
    time = _TIME_RE.fullmatch(attributes.get("time", "").strip())
    if time:
        seconds = float(time[1]) / (1000 if time[2] == "ms" else 1)
        return "." if seconds >= _LONG_BREAK_S else "," if seconds else ""
    strength = attributes.get("strength", "medium")
    return "" if strength in _NO_PAUSE else "." if strength in _FULL_STOPS else ","
