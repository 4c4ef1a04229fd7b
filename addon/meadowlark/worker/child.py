"""The worker's end: one engine at work in a process of its own, forked by the nursery.

Two threads: one reads messages, so that a cancel arrives in mid-sentence and the death of the core ends everything at
once; the main thread loads and speaks, several sentences in turn where the engine can (rounds.py). Knows nothing of
Wyoming beyond the framing, nothing of plugins or devices.
"""

from __future__ import annotations

import faulthandler
import importlib
import logging
import math
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import BinaryIO, Final, NoReturn

from wyoming.event import read_event

from ..api import OptionError, Pipeline, PipelineContext
from .job import Cancelled, JobError, failure_of
from .memory import Meter
from .messages import (
    Cancel,
    Chunk,
    Failed,
    Failure,
    Load,
    Loaded,
    LoadFailed,
    Message,
    Opening,
    Speak,
    Unload,
    encode,
    from_event,
)
from .rounds import Job
from .urgency import Pace, most_urgent

_LOGGER = logging.getLogger(__name__)

_UNHEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C may reach the whole terminal group, systemd's stop the whole unit; the core wants its sentence finished."""


def serve(sock_fd: int) -> NoReturn:
    """Speak for the core at the other end of this socket until it says goodbye or dies; never returns."""
    _own_process()
    worker = _Worker(socket.socket(fileno=sock_fd))
    try:
        worker.run()
    except BaseException:
        _LOGGER.critical("Worker failed; please report this", exc_info=True)
        _end(1)
    _end(0)


class _Worker:
    """One engine and its conversation with the core."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._inbox: SimpleQueue[Load | Speak | None] = SimpleQueue()
        self._meter = Meter()
        self._places = 1
        self._alternates = False
        self._pace = Pace()
        self._jobs: list[Job] = []
        self._cancelled: set[int] = set()  # jobs that are not wanted any more; added to by the reader
        self._unloaded = False  # nothing is wanted any more; written by the reader alone
        self._last = False  # no further job will come

    def run(self) -> None:
        """Load, then do jobs until told to end."""
        threading.Thread(target=self._read, args=(self._sock.makefile("rb"),), name="reader", daemon=True).start()
        load = self._inbox.get()
        if not isinstance(load, Load):
            return
        _set_up_logging(load)
        try:
            pipeline = self._load(load)
        except BaseException as error:  # whatever an engine raises, SystemExit too, is told to the core
            if not isinstance(error, OptionError):  # the user's mistake: where the plugin found it helps nobody
                _LOGGER.exception("Could not load")
            self._send(LoadFailed(*failure_of(error)))
            return
        while self._take_up(pipeline, load.sample_rate):
            for job in self._round():
                self._go_on(job)

    def _load(self, load: Load) -> Pipeline:
        started = time.monotonic()
        context = PipelineContext(
            engine=load.engine,
            device=_choose_gpu(load),
            data_dir=Path(load.data_dir),
            voice_dir=Path(load.voice_dir),
            options=load.options,
            files=load.files,
            spare_bytes=load.spare_bytes,
        )
        context.data_dir.mkdir(parents=True, exist_ok=True)
        pipeline = _pipeline_class(load.pipeline)(context)
        pipeline.load()
        loaded = time.monotonic()
        pipeline.warm_up()
        warm = time.monotonic()
        took = self._meter.settle()
        self._alternates = load.alternates
        self._places = max(1, min(load.max_batch, pipeline.places or load.max_batch))
        self._send(
            Loaded(
                loaded - started,
                warm - loaded,
                took.memory_bytes,
                took.peak_bytes,
                took.device_bytes,
                took.device_peak_bytes,
                self._places,
            )
        )
        self._meter.reset_peaks()
        return pipeline

    def _take_up(self, pipeline: Pipeline, engine_rate: int) -> bool:
        """Begin what has been ordered, as far as there are places; wait if there is nothing. False = the end."""
        while not self._last and len(self._jobs) < self._places:
            try:
                order = self._inbox.get(block=not self._jobs)
            except Empty:
                break
            if not isinstance(order, Speak):
                self._last = True
                break
            if self._jobs:
                self._note_peaks()
            unwanted, prepare = partial(self._is_unwanted, order.job), partial(self._prepare, pipeline, order)
            self._jobs.append(Job(pipeline, order, engine_rate, unwanted, prepare=prepare))
        return bool(self._jobs)

    def _round(self) -> tuple[Job, ...]:
        """Who is asked for a piece now. One that is not wanted any more does not wait until it is urgent."""
        if not self._alternates:
            return tuple(self._jobs)
        unwanted = tuple(each for each in self._jobs if self._is_unwanted(each.number))
        return unwanted or (most_urgent(self._jobs, time.monotonic(), self._pace),)

    def _is_unwanted(self, number: int) -> bool:
        return self._unloaded or number in self._cancelled

    def _go_on(self, job: Job) -> None:
        """One piece of a job; whatever happens in it, the core is told and the others go on."""
        try:
            newcomer, worked = job.dry_at == -math.inf, job.worked
            payload = job.go_on(len(self._jobs))
            if payload:
                self._pace.note(job.worked - worked, first=newcomer)
                self._send(Chunk(job.number, payload))
            if payload is not None:
                return
            end: Message = job.done(self._meter.read(), alternates=self._alternates)
        except Cancelled:
            end = Failed(job.number, Failure.CANCELLED, "cancelled")
        except JobError as error:
            end = Failed(job.number, error.kind, str(error))
        except BaseException as error:
            _LOGGER.exception("Could not speak")
            end = Failed(job.number, *failure_of(error))
        self._jobs.remove(job)
        self._cancelled.discard(job.number)
        self._send(end)
        if not self._jobs:
            self._meter.reset_peaks()  # now, and not in the 0.1 ms before the next sentence's first audio

    def _prepare(self, pipeline: Pipeline, order: Speak) -> None:
        """The core is told when it begins and when it is over: it would take the silence for a hang."""
        if type(pipeline).prepare is Pipeline.prepare or self._is_unwanted(order.job):
            return
        self._send(Opening(order.job))
        try:
            pipeline.prepare(order.utterance)
        finally:
            self._send(Opening(order.job, over=True))

    def _note_peaks(self) -> None:
        """Count peaks from here on, without loss for those who speak already."""
        took = self._meter.read()
        for job in self._jobs:
            job.note(took)
        self._meter.reset_peaks()

    def _send(self, message: Message) -> None:
        frame = encode(message)
        try:
            self._sock.sendall(frame)
        except OSError:
            _end(0)  # the core has gone

    def _read(self, stream: BinaryIO) -> None:
        """Hand on what the core says; runs in a thread of its own to the end of the process."""
        try:
            while event := read_event(stream):
                match from_event(event):
                    case Load() | Speak() as order:
                        self._inbox.put(order)
                    case Cancel(job):
                        self._cancelled.add(job)
                    case Unload():
                        self._unloaded = True
                        self._inbox.put(None)
        except Exception:
            _LOGGER.critical("Cannot understand the core; please report this", exc_info=True)
        _end(0)  # in mid-sentence too: nobody listens any more


def _choose_gpu(load: Load) -> str:
    """The device as this process will call it, having made that GPU the only one that libraries see."""
    if load.visible is None:
        return load.device
    os.environ["CUDA_VISIBLE_DEVICES"] = load.visible  # read when CUDA is first used, which no nursery has done
    return "cuda:0" if load.visible else load.device


def _pipeline_class(name: str) -> type[Pipeline]:
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not (isinstance(found, type) and issubclass(found, Pipeline)):
        raise TypeError(f"{name} is not a meadowlark.api.Pipeline")
    return found


def _own_process() -> None:
    """After the fork: signals as in a fresh process, and a stdout on which libraries may print what they like."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in _UNHEARD:
        signal.signal(
            number, lambda *_: None
        )  # SIG_IGN would pass to programs that an engine starts, and stops by SIGTERM
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    faulthandler.enable()  # a segfault leaves its Python stack in the log


def _set_up_logging(load: Load) -> None:
    """To stderr with the engine's name: the plugin as loud as the core, its libraries only when they warn."""
    form = f"%(asctime)s %(levelname)s [{load.engine}] %(name)s: %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=form)
    for package in ("meadowlark", load.pipeline.partition(".")[0].partition(":")[0]):
        logging.getLogger(package).setLevel(load.log_level)


def _end(code: int) -> NoReturn:
    """End now: no atexit of a library can hang, no thread is waited for."""
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)
