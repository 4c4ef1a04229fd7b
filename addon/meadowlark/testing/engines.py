"""Engines for tests: real pipelines that speak sine tones, or fail in every way an engine can fail.

Shipped for plugin authors, used by the core's own tests. Importing this costs nothing; numpy comes with the first tone.

`ToneEngine` options (for the engine, or overridden for a voice where marked *):
    sample_rate       Hz, 22050 *
    seconds_per_char  length of the tone, 0.06 *
    chunk_seconds     audio per chunk, 0.1 *
    rtf               compute time per second of audio, slept away before each chunk, 0 *
    hz                pitch *; otherwise it follows from the voice's id
    load_seconds      slept in `load`, 0
    open_seconds      slept before each sentence, 0 *
    memory_bytes      allocated and touched in `load`, 0
    kept_bytes        said to be held beyond what is needed, as far as the core has so much to spare, 0

A style's native form may hold pitch, rate and volume as factors; an event is a short high tone.

`FaultyEngine` adds one fault, named by the option `fault` or in the text as "!fault", "!fault:2" (after two chunks) or
"!fault:2:once" (only the first time; remembered in `data_dir`, so also by the next process). Options: `fault_at`
("load", "warm_up", or "speak", the default), `fault_after` (chunks), `fault_once`. The faults are the keys of `FAULTS`.
"""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ..api import EngineManifest, Marker, MarkerKind, Pipeline, Utterance, Value, Voice
from .faults import FAULTS

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
        self.kept_bytes = min(self.context.spare_bytes, int(_number(self.context.options, "kept_bytes", 0)))

    def prepare(self, utterance: Utterance) -> None:
        """Take the time that the options say."""
        time.sleep(_number({**self.context.options, **utterance.options}, "open_seconds", 0.0))

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
