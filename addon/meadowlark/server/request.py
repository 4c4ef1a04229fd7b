"""A speech request between reader and speaker: what was asked for, and text that may still be arriving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

from ..catalog import VoiceRequest
from ..errors import LimitError, RequestError
from ..text.ssml import plain_text


class TextFeed:
    """Text that the reader pushes and the speaker takes; bounded by the text limit, so that pushing never waits."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._chars = 0
        self._waiting: list[str] = []
        self._news = asyncio.Event()
        self.complete = False

    def push(self, text: str) -> None:
        """Add text; raises LimitError."""
        self._chars += len(text)
        if self._chars > self._max_chars:
            raise LimitError(
                f"the text is longer than {self._max_chars} characters (max_text_chars): "
                "send it in several requests, or raise the limit"
            )
        if text:
            self._waiting.append(text)
            self._news.set()

    def finish(self) -> None:
        """There is no more text."""
        self.complete = True
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield what has arrived since the last time, as one piece, until the text is complete."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._waiting:
                text = "".join(self._waiting)
                self._waiting.clear()
                yield text
            if self.complete and not self._waiting:
                return


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One reply to give."""

    voice: VoiceRequest
    feed: TextFeed
    ssml: bool

    streamed: bool
    """The reply ends with `synthesize-stopped`."""

    deadline: float
    """Loop time at which the reply must be over, in seconds."""

    def text(self) -> AsyncIterator[str]:
        """Yield plain text as it arrives; SSML is one document, so it is waited for as a whole."""
        return _plain(self.feed) if self.ssml else aiter(self.feed)


async def _plain(feed: TextFeed) -> AsyncIterator[str]:
    yield plain_text("".join([piece async for piece in feed]))


def text_of(event: Event) -> str:
    """Return an event's text; raises RequestError."""
    text = event.data.get("text")
    if not isinstance(text, str):
        raise RequestError(f'{event.type} has no text: its data needs a string under "text"')
    return text


def voice_of(event: Event, program: str) -> VoiceRequest:
    """Return the voice that an event asks for within a program's scope; raises RequestError."""
    voice = event.data.get("voice") or {}
    if not isinstance(voice, dict):
        raise RequestError(f'the voice of {event.type} is no JSON object: use {{"name": …}} or {{"language": …}}')
    return VoiceRequest(_word(voice, "name"), _word(voice, "language"), _word(voice, "speaker"), program)


def is_ssml(event: Event) -> bool:
    """Tell SSML from plain text; raises RequestError for any other format."""
    match event.data.get("text_format"):
        case None | "text":
            return False
        case "ssml":
            return True
        case other:
            raise RequestError(f'text_format {str(other)[:40]!r} is unknown: use "text" or "ssml"')


def _word(voice: dict[str, Any], key: str) -> str:
    word = voice.get(key)
    if word is None:
        return ""
    if not isinstance(word, str):
        raise RequestError(f"the voice's {key} is {str(word)[:40]!r}: it needs a string")
    return word
