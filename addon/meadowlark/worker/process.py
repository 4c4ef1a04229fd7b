"""The core's end of a worker: one engine in a process of its own, that speaks, is cancelled, hangs, dies.

Knows nothing of policies and never imports numpy. What reads the socket does not wait for who consumes the audio, so a
client that never reads cannot stop a worker.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Final

from wyoming.event import async_read_event

from ..api import Utterance
from ..errors import WorkerError
from .environments import Forked, Nurseries
from .launch import EXIT_SECONDS, answer, load_message
from .launch import Launch as Launch
from .messages import (
    Cancel,
    Chunk,
    Done,
    Failed,
    Failure,
    Loaded,
    Message,
    Opening,
    Speak,
    Unload,
    encode,
    from_event,
)
from .patience import stops_until
from .pending import JOB_BYTES, Pending

_LOGGER = logging.getLogger(__name__)

OPEN_SECONDS: Final = 240.0
"""A worker that opens what a sentence needs for longer has hung. The first time a Piper voice takes 5 s, Kokoro's model
18 s of a server's processor; a small board is taken to be ten times slower, which nobody has measured. Killed before
its end it would begin anew each time."""

_LOOK_SECONDS: Final = 0.25
"""Between looks at whether others still listen, while a worker does not stop."""

_LATE_SECONDS: Final = 0.25
"""An event loop that is so late at the end of somebody's patience has stood still: nobody could be heard."""

_MOST_LATE: Final = 3
"""Times in a row that this excuses a worker; on a machine that is always so busy it may hang all the same."""

_BUFFER_BYTES: Final = 1024 * 1024

_GONE_SECONDS: Final = 20.0
"""A driver that gives back gigabytes may hold a killed process for a while; one that hangs holds it for ever."""


async def start(launch: Launch, nurseries: Nurseries, *, load_timeout: float = 600.0) -> WorkerProcess:
    """A worker that has loaded its engine; LoadError, or a cancel, leaves no process behind."""
    forked = await nurseries.fork(launch.engine, launch.interpreter, launch.preload)
    writer: asyncio.StreamWriter | None = None
    try:
        reader, writer = await asyncio.open_connection(sock=forked.sock, limit=_BUFFER_BYTES)
        writer.write(encode(load_message(launch)))
        loaded = await answer(launch.engine, reader, forked, load_timeout)
    except BaseException:
        forked.kill()
        await asyncio.wait({forked.exit}, timeout=EXIT_SECONDS)  # its memory is wanted for another try
        (writer or forked.sock).close()
        raise
    return WorkerProcess(launch, forked, reader, writer, loaded)


class WorkerProcess:
    """A resident engine. As many jobs at a time as it has places, further ones wait; bound to one event loop."""

    def __init__(
        self,
        launch: Launch,
        forked: Forked,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        loaded: Loaded,
    ) -> None:
        self.engine = launch.engine
        self.loaded = loaded
        self.last_done: Done | None = None
        """Of the last job that was spoken to its end; when `speak` has come to its end, of that job."""

        self.exited: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """How it ended, "killed by SIGSEGV"; done when the process is gone and its memory is back."""

        self._forked = forked
        self._reader = reader
        self._writer = writer
        self._places = max(1, loaded.places)
        self._alternates = launch.alternates
        self._heard_at = -math.inf
        """When the last chunk came that anybody listens to, in the event loop's time."""
        self._opens_until = -math.inf
        """Until then it may be silent to all, because it opens what a sentence needs."""
        self._jobs: dict[int, Pending] = {}
        """Those that the worker has not finished."""
        self._count = 0
        self._death = ""  # why we ended it
        self._settling: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] = asyncio.create_task(self._read(), name=f"worker {self.engine}")

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._forked.pid

    @property
    def alive(self) -> bool:
        """It takes jobs, as far as is known."""
        return not (self._death or self._reading.done() or self._forked.exit.done())

    async def speak(
        self,
        utterance: Utterance,
        *,
        rate: int | None = None,
        gain: float = 1.0,
        patience: float,
        dry_at: float | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """The utterance as s16le mono at `rate`, times `gain`, as it comes; WorkerError when it breaks off.

        `patience` is how many seconds may pass without audio, from its beginning, before the worker counts as hung and
        is killed; while others are heard, only this job is given up (none on an engine that alternates: it waits while
        others are more urgent). The time in which the worker opens what a sentence needs does not count, up to
        OPEN_SECONDS. Close the generator to cancel: it returns when the place is free again, or the worker has been
        killed because it did not stop; not as long as others are heard.

        `dry_at`: when the listener runs dry, for an engine that alternates; None = a newcomer.
        """
        job = await self._take_up(utterance, rate, gain, dry_at)
        now = asyncio.get_running_loop().time
        late = 0
        try:
            while True:
                until = now() + patience
                try:
                    async with asyncio.timeout_at(until):
                        payload = await job.next()
                except TimeoutError:
                    # It may be this process that stood still: a busy or a suspended machine.
                    late = late + 1 if now() > until + _LATE_SECONDS else 0
                    if job.waiting or 0 < late <= _MOST_LATE:
                        continue
                    # On an engine that alternates it may have audio in hand and wait while others are served.
                    excused = max(self._opens_until, self._heard_at if self._alternates else -math.inf)
                    if now() < excused + patience:
                        continue
                    raise self._give_up(job, patience) from None
                late = 0
                if payload is None:
                    self.last_done = job.done  # of this one, as long as nobody else has had the event loop
                    return
                yield payload
        finally:
            if not job.over:
                job.cancelled = True
                settling = asyncio.create_task(self._settle(job), name=f"settle {self.engine}")
                self._settling.add(settling)
                settling.add_done_callback(self._settling.discard)
                await asyncio.shield(settling)

    async def prepare(self, utterance: Utterance, patience: float = OPEN_SECONDS) -> Done | None:
        """Open what an utterance needs, before anybody wants it spoken; its figures. WorkerError when that cannot be
        done.

        A worker that is silent for so long has hung and is killed; while others are heard, only this is given up.
        """
        job = await self._take_up(utterance, None, 1.0, None, ahead=True)
        try:
            async with asyncio.timeout(patience):
                await job.next()
        except TimeoutError:
            if not job.over:
                self._send(Cancel(job.number))
                raise self._give_up(job, patience) from None
            await job.next()  # it was this process that stood still
        return job.done

    async def stop(self, timeout: float = 1.0) -> None:
        """Unload; returns when the process is gone, by force after `timeout` seconds: it has nothing to save."""
        if self.alive:
            self._death = "was unloaded in mid-sentence"
            self._send(Unload())
            await asyncio.wait({self.exited}, timeout=timeout)
        self._forked.kill()
        await asyncio.wait({self.exited}, timeout=_GONE_SECONDS)
        if not self.exited.done():
            _LOGGER.error("%s: process %d does not die; its memory is lost until it does", self.engine, self.pid)

    async def _take_up(
        self, utterance: Utterance, rate: int | None, gain: float, dry_at: float | None, *, ahead: bool = False
    ) -> Pending:
        while self.alive and len(self._jobs) >= self._places:
            await asyncio.wait({job.ended for job in self._jobs.values()}, return_when=asyncio.FIRST_COMPLETED)
        if not self.alive:
            raise WorkerError(self.engine, self._death or "the process has ended; it must be loaded again")
        self._count += 1
        self._jobs[self._count] = job = Pending(self._count)
        job.cancelled = ahead  # nobody listens
        self._send(Speak(job.number, _encodable(utterance), rate, gain, dry_at, ahead))
        return job

    def _give_up(self, job: Pending, patience: float) -> WorkerError:
        """A job has been silent for too long: the worker has hung, unless others are heard."""
        since = asyncio.get_running_loop().time() - patience
        if any(each.heard_at > since for each in self._jobs.values() if each is not job):
            return WorkerError(self.engine, f"hung: nothing heard for {patience:g} s, while others were; stopped")
        return self._kill(f"hung: nothing heard for {patience:g} s; killed")

    async def _settle(self, job: Pending) -> None:
        """Have the worker stop speaking, or kill it; returns when it is free or gone."""
        if self.alive:
            self._send(Cancel(job.number))
            now = asyncio.get_running_loop().time
            asked = now()
            while not job.over and now() < self._stops_until(max(asked, self._opens_until)):
                await asyncio.wait({job.ended}, timeout=_LOOK_SECONDS)
            if not job.over and self.alive:
                _LOGGER.warning("%s", self._kill(f"did not stop speaking within {now() - asked:.0f} s; killed"))
        await asyncio.wait({job.ended}, timeout=EXIT_SECONDS)

    def _stops_until(self, asked: float) -> float:
        others = any(not each.cancelled for each in self._jobs.values())
        return stops_until(asked, self._heard_at, others=others)

    def _kill(self, why: str) -> WorkerError:
        """End the process; all that it still had to say is void."""
        self._death = self._death or why
        self._forked.kill()
        return WorkerError(self.engine, why)

    def _send(self, message: Message) -> None:
        """Never waits: a few hundred bytes for each job, and the socket holds 200 kB."""
        self._writer.write(encode(message))

    async def _read(self) -> None:
        """Hand on what the worker says until it says no more, then see that it is gone."""
        self._forked.exit.add_done_callback(self._hang_up_soon)
        try:
            while event := await async_read_event(self._reader):
                self._receive(from_event(event))
            if not self._reader.at_eof():
                self._kill("sent something that is no message; killed")
        except (OSError, EOFError):
            pass  # it died in the middle of a message
        except Exception as error:
            _LOGGER.exception("%s: cannot understand its worker", self.engine)
            self._kill(f"sent what cannot be understood ({error}); killed")
        how = await self._bury()
        for job in self._jobs.values():
            job.fail(WorkerError(self.engine, self._death or f"died: {how}"))
        self._jobs.clear()
        self.exited.set_result(how)

    def _hang_up_soon(self, _: asyncio.Future[str]) -> None:
        """A process that the engine forked may hold the socket open beyond the worker's end."""
        asyncio.get_running_loop().call_later(EXIT_SECONDS, self._writer.close)

    def _receive(self, message: Message) -> None:
        match message:
            case Opening(_, over):
                self._opens_until = asyncio.get_running_loop().time() + (0.0 if over else OPEN_SECONDS)
            case Chunk(number, payload) if job := self._jobs.get(number):
                job.push(payload)
                if not job.cancelled:
                    self._heard_at = job.heard_at
                if job.received > JOB_BYTES:
                    self._kill(f"ran away: more than {JOB_BYTES >> 20} MiB of audio for one sentence; killed")
            case Done(number) if job := self._jobs.pop(number, None):
                if not job.cancelled:
                    self.last_done = message
                job.finish(message)
            case Failed(number, kind, text) if job := self._jobs.pop(number, None):
                text = self._death or text
                job.fail(WorkerError(self.engine, text, out_of_memory=kind is Failure.OUT_OF_MEMORY))

    async def _bury(self) -> str:
        """How it ended; a process that has closed its socket and still lives is killed."""
        await asyncio.wait({self._forked.exit}, timeout=EXIT_SECONDS)
        self._forked.kill()
        how = await self._forked.exit
        self._writer.close()
        return how


def _encodable(utterance: Utterance) -> Utterance:
    """Half a surrogate pair, which a client may send in JSON, has no UTF-8."""
    try:
        utterance.text.encode()
    except UnicodeEncodeError:
        return replace(utterance, text=utterance.text.encode(errors="replace").decode())
    return utterance
