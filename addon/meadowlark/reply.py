"""Audio between the engine and the client, and the clock of its playing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from weakref import WeakSet

from .audio import silence
from .residency.fallback import next_silence

AHEAD_SECONDS = 30.0
"""Audio held for a client that does not read; the next sentence is begun only below it. 1.3 MB at 22050 Hz."""

HELD_BYTES = 64_000_000
"""For all replies together: with many clients that do not read, each may hold less."""

LEAST_AHEAD_SECONDS = 2.0

PIECE_BYTES = 32_768
"""About 0.7 s at 22050 Hz."""


class Reply:
    """One reply: the engine adds, the client takes; neither waits for the other."""

    def __init__(self, rate: int, clock: Callable[[], float], replies: WeakSet[Reply]) -> None:
        """replies: those of this server that are going on."""
        self.rate = rate
        """Hz; the same throughout, whoever speaks."""
        self.speech_seconds = 0.0
        """Of speech made so far, silence that bridged a stall not counted."""
        self.voices: dict[str, None] = {}
        """Who has been heard, in order."""
        self._replies = replies
        replies.add(self)
        self.started = asyncio.Event()
        """Set with the first audio."""
        self._clock = clock
        self._seconds = 0.0
        self._first_at = 0.0
        self._pieces: list[bytes] = []
        self._held = 0
        self._bridging = False
        self._more = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def runs_dry_at(self) -> float | None:
        """When a listener who began with the first audio has heard all; None before."""
        return self._first_at + self._seconds if self.started.is_set() else None

    def add(self, data: bytes) -> None:
        """Audio from the engine; never waits, so that a slow client does not hold the engine."""
        self._add(data)
        self.speech_seconds += len(data) / 2 / self.rate
        self._bridging = False

    async def room(self) -> None:
        """Wait until the client has taken enough for another sentence."""
        while self._held > self._allowed:
            self._taken.clear()
            await self._taken.wait()

    @property
    def _allowed(self) -> float:
        """Bytes that may be held for this client."""
        share = HELD_BYTES / max(1, len(self._replies))
        return max(LEAST_AHEAD_SECONDS * 2 * self.rate, min(AHEAD_SECONDS * 2 * self.rate, share))

    async def pieces(self, producer: asyncio.Task[None]) -> AsyncIterator[bytes]:
        """All audio until the producer is done; raises what the producer raised, after the audio that came before.

        While the producer has nothing to give, a listener who has heard all is given paced silence, so that no gap
        becomes so long that satellites give up.
        """
        producer.add_done_callback(lambda _: self._more.set())
        while True:
            while self._pieces:
                data = self._take()
                self._held -= len(data)
                self._taken.set()
                yield data
            if producer.done():
                producer.result()
                return
            await self._wait()

    async def _wait(self) -> None:
        """For more audio, for the end, or until silence is due."""
        self._more.clear()
        if not self.started.is_set():
            await self._more.wait()
            return
        due, seconds = next_silence(self._first_at + self._seconds, self._bridging)
        try:
            async with asyncio.timeout(max(0.0, due - self._clock())):
                await self._more.wait()
        except TimeoutError:
            if self._more.is_set():  # in the same moment, or while this process stood still
                return
            if not self._bridging:  # what was silent already has passed: the clock goes on from now
                self._first_at = self._clock() - self._seconds
            self._add(silence(seconds, self.rate))
            self._bridging = True

    def _add(self, data: bytes) -> None:
        if not self.started.is_set():
            self._first_at = self._clock()
            self.started.set()
        self._seconds += len(data) / 2 / self.rate
        self._held += len(data)
        self._pieces.append(data)
        self._more.set()

    def _take(self) -> bytes:
        """What is there, as one piece of about PIECE_BYTES at most: an engine far ahead costs few system calls."""
        size, count = 0, 0
        while count < len(self._pieces) and size < PIECE_BYTES:
            size += len(self._pieces[count])
            count += 1
        data = b"".join(self._pieces[:count])
        del self._pieces[:count]
        return data
