"""Engines for tests: real pipelines that speak sine tones, or fail in every way an engine can fail.

Shipped for plugin authors, used by the core's own tests. Importing this costs nothing; numpy comes with the first tone.

`ToneEngine` options (for the engine, or overridden for a voice where marked *):
    sample_rate       Hz, 22050 *
    seconds_per_char  length of the tone, 0.06 *
    chunk_seconds     audio per chunk, 0.1 *
    rtf               compute time per second of audio, slept away before each chunk, 0 *
    hz                pitch *; otherwise it follows from the voice's id
    load_seconds      slept in `load`, 0
    memory_bytes      allocated and touched in `load`, 0

A style's native form may hold pitch, rate and volume as factors; an event is a short high tone.

`FaultyEngine` adds one fault, named by the option `fault` or in the text as "!fault", "!fault:2" (after two chunks) or
"!fault:2:once" (only the first time; remembered in `data_dir`, so also by the next process). Options: `fault_at`
("load", "warm_up", or "speak", the default), `fault_after` (chunks), `fault_once`. The faults are the keys of `FAULTS`.
"""

from __future__ import annotations

import ctypes
import math
import os
import re
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..api import EngineManifest, Marker, MarkerKind, Pipeline, Utterance, Value, Voice

if TYPE_CHECKING:
    from ..api import AudioChunk

_EVENT_SECONDS: Final = 0.2
_DEFAULT_VOICES: Final = (
    Voice("sine", ("en-US", "en"), name="Sine"),
    Voice("brummen", ("de-DE", "de"), name="Brummen"),
)
_DEFAULT_MARKERS: Final = (
    Marker("happy", MarkerKind.STYLE, {"pitch": 1.2, "rate": 1.1}),
    Marker("sad", MarkerKind.STYLE, {"pitch": 0.8, "rate": 0.9}),
    Marker("whispering", MarkerKind.STYLE, {"volume": 0.3}),
    Marker("laugh", MarkerKind.EVENT, {"pitch": 3.0}),
)


def tone_manifest(
    id: str = "tone",  # noqa: A002 - the manifest's own word
    sample_rate: int = 22050,
    voices: tuple[Voice, ...] = _DEFAULT_VOICES,
    markers: tuple[Marker, ...] = _DEFAULT_MARKERS,
    **options: Value,
) -> EngineManifest:
    """A complete manifest of a tone engine; `options` are given to each of its voices."""
    options = {"sample_rate": sample_rate, **options}
    return EngineManifest(
        id=id,
        title="Tones",
        license="Apache-2.0",
        pipeline="meadowlark.testing.engines:ToneEngine",
        sample_rate=sample_rate,
        voices=tuple(_with_options(voice, options) for voice in voices),
        markers=markers,
        memory={"cpu": 40_000_000},
        preload=("numpy",),
        streaming=True,
        description="Sine tones, for tests",
    )


def faulty_manifest(id: str = "faulty", sample_rate: int = 22050, **options: Value) -> EngineManifest:  # noqa: A002
    """The same for the engine that fails on demand."""
    manifest = tone_manifest(id, sample_rate)
    return replace(
        manifest,
        pipeline="meadowlark.testing.engines:FaultyEngine",
        voices=tuple(_with_options(voice, options) for voice in manifest.voices),
    )


class ToneEngine(Pipeline):
    """Speaks a tone whose length follows from the text and whose pitch from the voice; the same every time."""

    def load(self) -> None:
        """Take the time and the memory that the options say."""
        time.sleep(_number(self.context.options, "load_seconds", 0.0))
        self._memory = bytearray(b"\1") * int(_number(self.context.options, "memory_bytes", 0))

    def synthesize(self, utterance: Utterance) -> Iterator[AudioChunk]:
        """Yield the tone in chunks, no faster than `rtf` says."""
        import numpy as np

        options = {**self.context.options, **utterance.options}
        rate = int(_number(options, "sample_rate", 22050))
        rtf = _number(options, "rtf", 0.0)
        chunk = max(1, int(_number(options, "chunk_seconds", 0.1) * rate))
        for tone in _score(utterance, options):
            samples = int(tone.seconds * rate)
            for start in range(0, samples, chunk):
                at = np.arange(start, min(start + chunk, samples), dtype=np.float64) / rate
                if rtf:
                    time.sleep(rtf * len(at) / rate)
                yield (tone.volume * np.sin(2 * math.pi * tone.hz * at)).astype(np.float32)


class FaultyEngine(ToneEngine):
    """A ToneEngine that fails where it is told to."""

    def load(self) -> None:
        """Fail, or load."""
        self._fail_at("load")
        super().load()

    def warm_up(self) -> None:
        """Fail, or do nothing."""
        self._fail_at("warm_up")

    def synthesize(self, utterance: Utterance) -> Iterator[AudioChunk]:
        """Yield tones up to the fault, then what the fault makes of the rest."""
        order = self._order_for(utterance)
        chunks = super().synthesize(utterance)
        if order is None or (order.once and self._happened(order)):
            return chunks
        return _faulty(chunks, order)

    def _fail_at(self, place: str) -> None:
        options = self.context.options
        if options.get("fault") and options.get("fault_at", "speak") == place:
            order = _order_from(options)
            if not (order.once and self._happened(order)):
                for _ in FAULTS[order.fault](iter(())):
                    pass

    def _order_for(self, utterance: Utterance) -> _Order | None:
        """What this sentence is to suffer, by its text or by the options."""
        if found := _ORDER_IN_TEXT.search(utterance.text):
            fault, after, once = found.groups()
            return _Order(fault, int(after or 0), bool(once)) if fault in FAULTS else None
        options = {**self.context.options, **utterance.options}
        return _order_from(options) if options.get("fault") and options.get("fault_at", "speak") == "speak" else None

    def _happened(self, order: _Order) -> bool:
        """True from the second time on, in whatever process."""
        self.context.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            (self.context.data_dir / f"{self.context.engine}-{order.fault}.happened").touch(exist_ok=False)
        except FileExistsError:
            return True
        return False


@dataclass(frozen=True, slots=True)
class _Tone:
    seconds: float
    hz: float
    volume: float


@dataclass(frozen=True, slots=True)
class _Order:
    """A fault, when it comes, and whether only once."""

    fault: str
    after: int
    once: bool


_ORDER_IN_TEXT: Final = re.compile(r"!([a-z_]+)(?::(\d+))?(:once)?")


def _score(utterance: Utterance, options: Mapping[str, Value]) -> Iterator[_Tone]:
    """The tones of an utterance: its text, cut where events stand."""
    style = utterance.style if isinstance(utterance.style, Mapping) else {}
    voice = utterance.voice.id + utterance.variant + utterance.speaker
    hz = _number(options, "hz", 200 + zlib.crc32(voice.encode()) % 400) * _number(style, "pitch", 1.0)
    volume = min(1.0, 0.5 * _number(style, "volume", 1.0))
    per_char = _number(options, "seconds_per_char", 0.06) / _number(style, "rate", 1.0)
    position = 0
    for event in utterance.events:
        yield _Tone((event.position - position) * per_char, hz, volume)
        yield _Tone(_EVENT_SECONDS, 2 * hz, volume)
        position = event.position
    yield _Tone((len(utterance.text) - position) * per_char, hz, volume)


def _faulty(chunks: Iterator[AudioChunk], order: _Order) -> Iterator[Any]:
    for _ in range(order.after):
        if (chunk := next(chunks, None)) is None:
            break
        yield chunk
    yield from FAULTS[order.fault](chunks)


def _order_from(options: Mapping[str, Value]) -> _Order:
    fault = str(options["fault"])
    if fault not in FAULTS:
        raise ValueError(f"no such fault: {fault}; there are {', '.join(FAULTS)}")
    return _Order(fault, int(_number(options, "fault_after", 0)), bool(options.get("fault_once", False)))


def _with_options(voice: Voice, options: Mapping[str, Value]) -> Voice:
    return replace(voice, options={**options, **voice.options})


def _number(options: Mapping[str, Value], key: str, default: float) -> float:
    return float(options.get(key, default))


# The faults: each takes the chunks still to come and yields what the engine makes of them.

_Fault = Callable[[Iterator[Any]], Iterator[Any]]


class OutOfMemoryError(RuntimeError):
    """Named as torch's own, which nobody can import here."""


def _raise(chunks: Iterator[Any]) -> Iterator[Any]:
    raise ValueError("this engine is broken on purpose")
    yield


def _system_exit(chunks: Iterator[Any]) -> Iterator[Any]:
    sys.exit(3)
    yield


def _memory_error(chunks: Iterator[Any]) -> Iterator[Any]:
    raise MemoryError
    yield


def _device_memory_error(chunks: Iterator[Any]) -> Iterator[Any]:
    raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    yield


def _segfault(chunks: Iterator[Any]) -> Iterator[Any]:
    ctypes.string_at(0)
    yield


def _exit(chunks: Iterator[Any]) -> Iterator[Any]:
    os._exit(7)
    yield


def _orphan(chunks: Iterator[Any]) -> Iterator[Any]:
    """Dies, and a process that it had forked keeps its descriptors open for a while."""
    if os.fork() == 0:
        time.sleep(5)
    os._exit(7)
    yield


def _stop(chunks: Iterator[Any]) -> Iterator[Any]:
    os.kill(os.getpid(), signal.SIGSTOP)
    yield from chunks


def _hang(chunks: Iterator[Any]) -> Iterator[Any]:
    _sleep_for_ever()
    yield


def _spin(chunks: Iterator[Any]) -> Iterator[Any]:
    while True:
        pass
    yield


def _hold_gil(chunks: Iterator[Any]) -> Iterator[Any]:
    while True:
        ctypes.PyDLL(None).pause()  # unlike CDLL, keeps the interpreter's lock
    yield


def _ignore_cancel(chunks: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from chunks
    finally:
        _sleep_for_ever()


def _print(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        print('{"type": "chunk", "data_length": 3}', flush=True)  # noqa: T201 - the fault
        os.write(1, b"noise on stdout\n\x00\xff")
        yield chunk


def _nan(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        chunk[len(chunk) // 2] = math.nan
        yield chunk


def _infinity(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        chunk[0] = math.inf
        yield chunk


def _nothing(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from ()


def _zeros(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield 0 * chunk


def _wrong_type(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield chunk.tolist()


def _stereo(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield chunk.repeat(2).reshape(-1, 2)


def _half_sample(chunks: Iterator[Any]) -> Iterator[Any]:
    yield b"\1\2\3"


def _endless(chunks: Iterator[Any]) -> Iterator[Any]:
    while True:
        yield bytes(range(256)) * 4096


def _sleep_for_ever() -> NoReturn:
    while True:
        time.sleep(3600)


FAULTS: Final[dict[str, _Fault]] = {
    "raise": _raise,
    "system_exit": _system_exit,
    "memory_error": _memory_error,
    "device_memory_error": _device_memory_error,
    "segfault": _segfault,
    "exit": _exit,
    "orphan": _orphan,
    "stop": _stop,
    "hang": _hang,
    "spin": _spin,
    "hold_gil": _hold_gil,
    "ignore_cancel": _ignore_cancel,
    "print": _print,
    "nan": _nan,
    "infinity": _infinity,
    "nothing": _nothing,
    "zeros": _zeros,
    "wrong_type": _wrong_type,
    "stereo": _stereo,
    "half_sample": _half_sample,
    "endless": _endless,
}
"""Name → what it does to the chunks."""
