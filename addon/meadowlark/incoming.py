"""Text as it comes in, cut into sentences: as soon as the stream, or a pause in it, lets them go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

from .errors import RefusedError
from .text import Segmenter, Sentence

PAUSE_SECONDS = 0.5
"""A text stream silent for so long gives what it surely has: a language model at work sends several tokens a second."""

LONG_PAUSE_SECONDS = 1.2
"""While nothing has been heard, a stream silent for so long gives all it has, whole sentence or not: the model calls a
tool, and a satellite gives up 2 s after the reply was announced."""

LOST_SECONDS = 90.0
"""A stream that began to be heard and has been silent for so long, while nothing was left to say, has no more text:
Home Assistant never ends one whose language model failed. A tool that the model uses may take 60 s."""

PORTION_CHARS = 2_000
"""Cut into sentences at a time: 3 ms."""

USUAL_CHARS = 180
"""Expected to follow while a text is still being written: three sentences. With one, newcomers are let in who cannot be
spoken to in the end: at RTF 0.25 and 80 % load 0.005 s of gap a reply instead of 0.003 s (`script/bench order`)."""


class Incoming:
    """One reply's text."""

    def __init__(
        self,
        text: AsyncIterator[str],
        segmenter: Callable[[], Segmenter],
        draining: asyncio.Event,
        heard: Callable[[], bool],
        cutting: asyncio.Lock | None = None,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        """segmenter: makes one. draining: set when the server stops. heard: whether the listener has had any audio.

        cutting: held while a text is cut. Of many that come at once the first is then at its engine before the last is
        looked at, and whoever wants something else of the event loop waits for one of them and not for all.
        lost: called when no more text is waited for.
        """
        self._text = text
        self._new_segmenter = segmenter
        self._segmenter = segmenter()
        self._draining = draining
        self._heard = heard
        self._cutting = cutting or asyncio.Lock()
        self._lost = lost

    async def sentences(self) -> AsyncGenerator[tuple[Sentence, int], None]:
        """Each with the characters expected after it. Raises RefusedError when the server stops meanwhile."""
        stopping = asyncio.create_task(self._draining.wait())
        pending = asyncio.ensure_future(_next(self._text))
        try:
            while True:
                async for each in self._until(pending, stopping):
                    yield each
                if not pending.done():
                    self._lost()
                    break
                if (chunk := pending.result()) is None:
                    break
                pending = asyncio.ensure_future(_next(self._text))
                for start in range(0, len(chunk), PORTION_CHARS):
                    async with self._cutting:
                        await asyncio.sleep(0)  # others go on; and a text that is there as a whole ends here
                        found = self._segmenter.push(chunk[start : start + PORTION_CHARS])
                        at_end = start + PORTION_CHARS >= len(chunk) and _is_the_end(pending)
                        if at_end:  # what follows is known, not guessed
                            found += self._segmenter.finish()
                    for each in _with_rest(found, 0 if at_end else USUAL_CHARS):
                        yield each
                    if at_end:
                        return
            for each in _with_rest(self._segmenter.finish(), 0):
                yield each
        finally:
            stopping.cancel()
            pending.cancel()

    async def _until(
        self, pending: asyncio.Future[str | None], stopping: asyncio.Task[bool]
    ) -> AsyncGenerator[tuple[Sentence, int], None]:
        """Wait for more text, unless it is lost; what a pause lets go meanwhile."""
        either: set[asyncio.Future[Any]] = {pending, stopping}
        pauses: tuple[tuple[float, Callable[[], list[Sentence]] | None], ...] = (
            (PAUSE_SECONDS, self._segmenter.pause),
            (LONG_PAUSE_SECONDS - PAUSE_SECONDS, self._flush),
            (LOST_SECONDS, None),
        )
        for pause, found in pauses:
            timeout = pause if found or self._heard() else None  # a model may take long to begin
            await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if pending.done():
                return
            if stopping.done():
                raise RefusedError("The server is shutting down; the rest of the text was not spoken.")
            for each in _with_rest(found() if found else [], USUAL_CHARS):
                yield each

    def _flush(self) -> list[Sentence]:
        """All there is, where the listener has heard nothing yet."""
        if self._heard():
            return []
        sentences, self._segmenter = self._segmenter.finish(), self._new_segmenter()
        return sentences


def _with_rest(sentences: list[Sentence], coming: int) -> Iterator[tuple[Sentence, int]]:
    """Each with the characters after it: those of this list, and as many as may still come."""
    rest = sum(len(each.text) for each in sentences) + coming
    for each in sentences:
        rest -= len(each.text)
        yield each, rest


def _is_the_end(pending: asyncio.Future[str | None]) -> bool:
    return pending.done() and not pending.cancelled() and pending.exception() is None and pending.result() is None


async def _next(text: AsyncIterator[str]) -> str | None:
    return await anext(text, None)
