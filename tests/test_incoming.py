"""Text as it comes in, and what is expected to follow each sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from meadowlark.incoming import LOST_SECONDS, USUAL_CHARS, Incoming
from meadowlark.text import MarkerMap, Segmenter, Sentence

pytestmark = pytest.mark.usefixtures("virtual_time")

ONE, TWO, THREE = "The first sentence is here.", "The second one follows it.", "And that is the third."
WHOLE = f"{ONE} {TWO} {THREE}"


def incoming(text: AsyncIterator[str]) -> Incoming:
    def segmenter() -> Segmenter:
        return Segmenter(MarkerMap((), {}), "en")

    return Incoming(text, segmenter, asyncio.Event(), lambda: True)


async def said(text: AsyncIterator[str]) -> list[tuple[str, int]]:
    return [(sentence.text, rest) async for sentence, rest in incoming(text).sentences()]


async def test_of_a_text_that_is_there_as_a_whole_it_is_known_what_follows() -> None:
    async def text() -> AsyncIterator[str]:
        yield WHOLE

    assert await said(text()) == [(ONE, len(TWO + THREE)), (TWO, len(THREE)), (THREE, 0)]


async def test_of_one_that_is_still_being_written_it_is_guessed() -> None:
    async def text() -> AsyncIterator[str]:
        yield WHOLE
        await asyncio.sleep(0.01)

    assert await said(text()) == [(ONE, len(TWO) + USUAL_CHARS), (TWO, USUAL_CHARS), (THREE, 0)]


async def test_the_end_may_come_much_later_than_the_text_and_the_chunks_do_not_matter() -> None:
    async def text() -> AsyncIterator[str]:
        for word in WHOLE.split(" "):
            yield f"{word} "
            await asyncio.sleep(0)

    assert [sentence for sentence, _ in await said(text())] == [ONE, TWO, THREE]


async def test_what_fails_fails_after_the_sentences_before_it() -> None:
    async def text() -> AsyncIterator[str]:
        yield WHOLE
        raise ConnectionError("it has left")

    heard = []
    with pytest.raises(ConnectionError):
        async for sentence, _ in incoming(text()).sentences():
            heard.append(sentence.text)
    assert heard == [ONE, TWO]


async def test_of_many_texts_the_first_is_with_its_engine_before_the_next_is_cut() -> None:
    cutting, events = asyncio.Lock(), list[str]()

    class Recorded(Segmenter):
        def push(self, chunk: str) -> list[Sentence]:
            events.append("cut")
            return super().push(chunk)

    async def reply() -> None:
        async def text() -> AsyncIterator[str]:
            yield WHOLE

        def segmenter() -> Segmenter:
            return Recorded(MarkerMap((), {}), "en")

        async for sentence, _ in Incoming(text(), segmenter, asyncio.Event(), lambda: True, cutting).sentences():
            events.append(sentence.text)
            await asyncio.sleep(1)  # the engine at work

    await asyncio.gather(reply(), reply(), reply())
    assert events == ["cut", ONE] * 3 + [TWO] * 3 + [THREE] * 3


async def endless(*parts: str, pause: float) -> AsyncIterator[str]:
    """Each part after a pause; then nothing, and no end."""
    for part in parts:
        yield part
        await asyncio.sleep(pause)
    await asyncio.Event().wait()


def patient(text: AsyncIterator[str], told: list[float], *, heard: bool = True) -> Incoming:
    now = asyncio.get_running_loop().time

    def segmenter() -> Segmenter:
        return Segmenter(MarkerMap((), {}), "en")

    return Incoming(text, segmenter, asyncio.Event(), lambda: heard, lost=lambda: told.append(now()))


async def test_a_stream_that_stops_without_an_end_is_ended_and_what_it_had_is_said() -> None:
    told: list[float] = []
    found = []
    async for sentence, _ in patient(endless(f"{ONE} And then", pause=0.0), told).sentences():
        found.append(sentence.text)
        await asyncio.sleep(1000.0 if not told else 0.0)  # as long as there is something to say nothing is lost
    assert found == [ONE, "And then"]
    assert len(told) == 1
    assert told[0] >= 1000.0 + LOST_SECONDS


async def test_a_tool_may_take_its_time() -> None:
    told: list[float] = []
    found = [each.text async for each, _ in patient(endless(ONE, f" {TWO}", pause=60.0), told).sentences()]
    assert found == [ONE, TWO]
    assert told[0] >= 60.0 + LOST_SECONDS


async def test_a_stream_of_which_nothing_was_heard_yet_is_waited_for() -> None:
    told: list[float] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10 * LOST_SECONDS):
            async for _ in patient(endless("", pause=0.0), told, heard=False).sentences():
                pass
    assert not told
