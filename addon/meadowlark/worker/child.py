"""The worker's end: one engine at work in a process of its own, forked by the nursery.

Two threads: one reads messages, so that a cancel arrives in mid-sentence and the death of the core ends everything at
once; the main thread loads and speaks. Knows nothing of Wyoming beyond the framing, nothing of plugins or devices.
"""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, Final, NoReturn

from wyoming.event import read_event

from ..api import OptionError, Pipeline, PipelineContext
from ..audio import level
from .job import Cancelled, JobError, failure_of, framed, perform
from .memory import Meter
from .messages import (
    Cancel,
    Chunk,
    Done,
    Failed,
    Failure,
    Load,
    Loaded,
    LoadFailed,
    Message,
    Speak,
    Unload,
    encode,
    from_event,
)

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
        self._cancelled = 0  # jobs up to this one are not wanted any more; written by the reader alone

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
        while isinstance(job := self._inbox.get(), Speak):
            self._speak(pipeline, load.sample_rate, job)

    def _load(self, load: Load) -> Pipeline:
        started = time.monotonic()
        context = PipelineContext(
            engine=load.engine,
            device=_choose_gpu(load),
            data_dir=Path(load.data_dir),
            voice_dir=Path(load.voice_dir),
            options=load.options,
            files=load.files,
        )
        context.data_dir.mkdir(parents=True, exist_ok=True)
        pipeline = _pipeline_class(load.pipeline)(context)
        pipeline.load()
        loaded = time.monotonic()
        pipeline.warm_up()
        warm = time.monotonic()
        took = self._meter.settle()
        self._send(
            Loaded(
                loaded - started,
                warm - loaded,
                took.memory_bytes,
                took.peak_bytes,
                took.device_bytes,
                took.device_peak_bytes,
            )
        )
        return pipeline

    def _speak(self, pipeline: Pipeline, engine_rate: int, speak: Speak) -> None:
        """Do one job; whatever happens in it, the core is told and the worker takes the next."""
        job = speak.job
        started = time.monotonic()
        first_audio = 0.0
        audio_seconds = energy = 0.0
        self._meter.reset_peaks()
        try:
            pieces = perform(pipeline, speak, engine_rate, lambda: self._cancelled >= job)
            for piece in framed(pieces, time.monotonic):
                self._send(Chunk(job, piece.payload))
                first_audio = first_audio or time.monotonic() - started
                audio_seconds += piece.seconds
                energy += level(piece.payload) * piece.seconds
            seconds = time.monotonic() - started
            took = self._meter.read()
            self._send(
                Done(
                    job,
                    audio_seconds,
                    seconds,
                    first_audio,
                    took.memory_bytes,
                    took.peak_bytes,
                    took.device_bytes,
                    took.device_peak_bytes,
                    energy / max(audio_seconds, 1e-9) / speak.gain**2,
                )
            )
        except Cancelled:
            self._send(Failed(job, Failure.CANCELLED, "cancelled"))
        except JobError as error:
            self._send(Failed(job, error.kind, str(error)))
        except BaseException as error:
            _LOGGER.exception("Could not speak")
            self._send(Failed(job, *failure_of(error)))

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
                        self._cancelled = max(self._cancelled, job)
                    case Unload():
                        self._cancelled = sys.maxsize
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
