"""speak(): order, markers, back-pressure, pauses, endings; with an engine that a test controls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager

import pytest

from meadowlark.api import EngineManifest, Marker, MarkerKind, Utterance, Voice
from meadowlark.catalog import Catalog, VoiceRequest
from meadowlark.errors import RefusedError, VoiceError, WorkerError
from meadowlark.plugins import Registry
from meadowlark.reply import AHEAD_SECONDS
from meadowlark.residency.engine import Engine
from meadowlark.residency.ledger import Ledger
from meadowlark.schedule.queue import Turns
from meadowlark.speech import NothingToSayError, Pcm, Speaker, SpeechRequest, Words
from meadowlark.testing.clock import FakeClock
from meadowlark.text.lexicon import Lexicon
from meadowlark.worker.process import Launch

pytestmark = pytest.mark.usefixtures("virtual_time")

RATE = 8000
ENGINE = EngineManifest(
    "e",
    "E",
    "MIT",
    "x:Y",
    RATE,
    voices=(Voice("v", ("en",), options={"timbre": "soft"}), Voice("w", ("de",))),
    variants=("f1",),
    markers=(Marker("sad", MarkerKind.STYLE, {"rate": 0.8}), Marker("sighing", MarkerKind.EVENT, "<sigh>")),
)


class FakeSupervisor:
    """Leases an engine that speaks 100 ms for each character, or fails as told."""

    def __init__(self) -> None:
        self.heard: list[Utterance] = []
        self.runs_dry: list[float | None] = []
        self.leases = 0
        self.closed = 0
        self.error: Exception | None = None
        self.error_after = 0
        self.slow = asyncio.Event()
        self.slow.set()
        self._engine = Engine(ENGINE, Launch("e", "x:Y", RATE), Turns(FakeClock()), Ledger())

    def engine(self, engine: str) -> Engine:
        assert engine == "e"
        return self._engine

    def resting(self, engine: str) -> float:
        return 0.0

    @contextmanager
    def lease(self, engine: str) -> Iterator[FakeSupervisor]:
        assert engine == "e"
        self.leases += 1
        try:
            yield self
        finally:
            self.leases -= 1

    async def speak(
        self,
        utterance: Utterance,
        *,
        rate: int | None,
        gain: float,
        runs_dry_at: float | None = None,
        rest_chars: int = 0,
        again: bool = False,
    ) -> AsyncGenerator[bytes, None]:
        self.heard.append(utterance)
        self.runs_dry.append(runs_dry_at)
        try:
            for number, _ in enumerate(utterance.text):
                await self.slow.wait()
                if self.error and number >= self.error_after:
                    raise self.error
                yield b"\1\0" * (RATE // 10)
        finally:
            self.closed += 1


def make() -> tuple[Speaker, FakeSupervisor]:
    supervisor = FakeSupervisor()
    catalog = Catalog(Registry(engines=(ENGINE,)))
    options = {"e": {"rate": 160, "timbre": "hard"}}
    clock = asyncio.get_running_loop().time
    return Speaker(catalog, supervisor, options, clock=clock), supervisor  # type: ignore[arg-type]


async def chunks(*parts: str) -> AsyncIterator[str]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


async def collect(speaker: Speaker, *parts: str, voice: str = "") -> list[Pcm]:
    async with aclosing(speaker.speak(SpeechRequest(chunks(*parts), VoiceRequest(voice)))) as reply:
        return [pcm async for pcm in reply]


async def test_a_pronunciation_in_the_text_arrives_and_a_bad_one_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    speaker, engine = make()
    for _ in range(2):
        await collect(speaker, "Ask [Siob", "han](/ʃɪˈ", "vɔːn/) or [Bo](/", "/).")
    assert [each.text for each in engine.heard] == ["Ask Siobhan or Bo."] * 2
    assert [(p.start, p.end, p.ipa) for p in engine.heard[0].pronunciations] == [(4, 11, "ʃɪˈvɔːn")]
    assert [record.getMessage() for record in caplog.records if "pronunciation" in record.getMessage()] == [
        "A pronunciation in a text, [word](/ipa/), was left out: it has no sound"
    ]


async def test_sentences_in_order_with_their_styles_and_events() -> None:
    speaker, engine = make()
    reply = await collect(speaker, "One is he", "re. (sa", "d) Two [sigh", "ing] here.")
    assert [each.text for each in engine.heard] == ["One is here.", "Two here."]
    assert [each.style for each in engine.heard] == [None, {"rate": 0.8}]
    assert [(each.name, each.native) for each in engine.heard[1].events] == [("sighing", "<sigh>")]
    assert sum(len(pcm.data) for pcm in reply) == 2 * (RATE // 10) * sum(len(each.text) for each in engine.heard)
    assert {pcm.rate for pcm in reply} == {RATE}


async def test_utterances_carry_voice_variant_language_and_options() -> None:
    speaker, engine = make()
    await collect(speaker, "Hello.", voice="e/v+f1")
    heard = engine.heard[0]
    assert (heard.voice.id, heard.variant, heard.language) == ("v", "f1", "en")
    assert heard.options == {"rate": 160, "timbre": "soft"}


async def test_numbers_are_spoken_and_the_users_words_are_his() -> None:
    speaker, engine = make()
    speaker._words = Words(lexicon=Lexicon({"en": {"HVAC": "H vac", "Siobhan": "/ʃɪˈvɔːn/"}}))
    await collect(speaker, "Siobhan set the HVAC to 21.5 °C. [sighing] Fine.")
    said = engine.heard[0]
    assert said.text.startswith("Siobhan set the H vac to twenty-one point five degrees Celsius")
    assert [(said.text[p.start : p.end], p.ipa) for p in said.pronunciations] == [("Siobhan", "ʃɪˈvɔːn")]


async def test_the_playout_clock_starts_with_the_first_audio() -> None:
    speaker, engine = make()
    await collect(speaker, "One is here. Two is here.")
    assert engine.runs_dry[0] is None
    assert engine.runs_dry[1] is not None


async def test_the_first_sentence_is_spoken_before_the_text_is_whole() -> None:
    speaker, engine = make()
    more = asyncio.Event()

    async def text() -> AsyncIterator[str]:
        yield "One is here. Tw"
        await more.wait()
        yield "o."

    async with aclosing(speaker.speak(SpeechRequest(text()))) as reply:
        assert await asyncio.wait_for(anext(reply), 2)
        assert [each.text for each in engine.heard] == ["One is here."]
        more.set()
        rest = [pcm async for pcm in reply]
    assert rest
    assert engine.heard[-1].text == "Two."


async def test_a_pause_in_the_stream_lets_a_whole_sentence_go() -> None:
    speaker, engine = make()

    async def text() -> AsyncIterator[str]:
        yield "The light is on."
        await asyncio.sleep(60)
        yield " never"

    async with aclosing(speaker.speak(SpeechRequest(text()))) as reply:
        assert await asyncio.wait_for(anext(reply), 3)
    assert engine.heard[0].text == "The light is on."
    assert engine.leases == 0


async def test_a_stream_that_stalls_before_anything_was_heard_gives_what_it_has() -> None:
    """A language model calls a tool in mid-sentence: satellites would give up after 2 s of nothing."""
    speaker, engine = make()
    more = asyncio.Event()

    async def text() -> AsyncIterator[str]:
        yield "Let me check the weather"
        await more.wait()
        yield ". It is sunny. Bye."

    async with aclosing(speaker.speak(SpeechRequest(text()))) as reply:
        assert await asyncio.wait_for(anext(reply), 1.9)
        more.set()
        async for _ in reply:
            pass
    assert [each.text for each in engine.heard] == ["Let me check the weather", "It is sunny.", "Bye."]


async def test_a_reply_whose_language_model_failed_ends_and_lets_its_engine_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    speaker, engine = make()

    async def text() -> AsyncIterator[str]:
        yield "The light is on. And"
        await asyncio.Event().wait()

    pieces = []
    async with asyncio.timeout(120), aclosing(speaker.speak(SpeechRequest(text(), client="a satellite"))) as reply:
        pieces = [pcm async for pcm in reply]
    assert pieces
    assert [each.text for each in engine.heard] == ["The light is on.", "And"]
    assert engine.leases == 0
    [line] = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert "a satellite: the stream was not ended, and no text has come for 90 s" in line


async def test_draining_does_not_wait_for_a_text_that_does_not_come() -> None:
    speaker, engine = make()

    async def text() -> AsyncIterator[str]:
        yield "One is here. Two"
        await asyncio.sleep(60)

    with pytest.raises(RefusedError, match="shutting down"):
        async with asyncio.timeout(2), aclosing(speaker.speak(SpeechRequest(text()))) as reply:
            async for _ in reply:
                speaker.draining.set()
    assert engine.leases == 0


async def test_a_client_that_does_not_read_stops_the_next_sentence_not_this_one() -> None:
    speaker, engine = make()
    sentence = "x" * 390 + " end. "  # 39 s of audio each
    async with aclosing(speaker.speak(SpeechRequest(chunks(sentence * 20)))) as reply:
        await anext(reply)
        await asyncio.sleep(0.2)
        assert engine.closed == 1  # the engine is free for others
        assert len(engine.heard) == 1
        held = 0.0
        while len(engine.heard) == 1:
            held += len((await anext(reply)).data) / 2 / RATE
            await asyncio.sleep(0)
        assert held < AHEAD_SECONDS


async def test_closing_cancels_the_engine_and_gives_the_lease_back() -> None:
    speaker, engine = make()
    reply = speaker.speak(SpeechRequest(chunks("A long sentence is spoken here. And one more.")))
    await anext(reply)
    engine.slow.clear()
    await reply.aclose()
    assert engine.closed == len(engine.heard)
    assert engine.leases == 0


async def test_errors_come_after_the_audio_before_them() -> None:
    speaker, engine = make()
    engine.error, engine.error_after = WorkerError("e", "died"), 3
    got: list[Pcm] = []
    with pytest.raises(WorkerError):
        async with aclosing(speaker.speak(SpeechRequest(chunks("Hello.")))) as reply:
            async for pcm in reply:
                got.append(pcm)  # noqa: PERF401  what came before the error counts
    assert sum(len(pcm.data) for pcm in got) == 3 * 2 * (RATE // 10)
    assert engine.leases == 0


@pytest.mark.parametrize("text", ["", "   ", "…", "(sad)", "[hmm]", "🎉", "***"])
async def test_nothing_to_say_is_an_error_never_silence(text: str) -> None:
    speaker, engine = make()
    with pytest.raises(NothingToSayError, match="e/v"):
        await collect(speaker, text)
    assert engine.leases == 0


async def test_an_unknown_voice_is_said_before_anything_is_loaded() -> None:
    speaker, engine = make()
    with pytest.raises(VoiceError):
        await collect(speaker, "Hello.", voice="nope")
    assert not engine.heard


async def test_draining_ends_at_the_sentence_with_an_error() -> None:
    speaker, engine = make()

    async def text() -> AsyncIterator[str]:
        yield "One is here. Two is here. "
        speaker.draining.set()
        yield "Three is here. Four."

    got = 0
    with pytest.raises(RefusedError, match="shutting down"):
        async with aclosing(speaker.speak(SpeechRequest(text()))) as reply:
            async for pcm in reply:
                got += len(pcm.data)
    assert got == 2 * (RATE // 10) * sum(len(each.text) for each in engine.heard)


async def test_a_broken_text_stream_reaches_the_client() -> None:
    speaker, engine = make()

    async def text() -> AsyncIterator[str]:
        yield "One is here. "
        raise RefusedError("stop")

    with pytest.raises(RefusedError):
        async with aclosing(speaker.speak(SpeechRequest(text()))) as reply:
            async for _ in reply:
                pass
    assert engine.leases == 0
