"""Engines that break the contract, one way each; test_conformance.py installs this file as a plugin."""

from __future__ import annotations

import os
import random
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from meadowlark.api import Marker, MarkerKind, hookimpl
from meadowlark.testing.chorus import ChorusEngine
from meadowlark.testing.engines import ToneEngine, tone_manifest

EXCITED = Marker("excited", MarkerKind.STYLE, {"rate": 1.3})
LAUGHING = Marker("laughing", MarkerKind.EVENT, {"pitch": 3.0})


class Scaled(ToneEngine):
    """Too loud, or too quiet."""

    factor = 1e-4

    def synthesize(self, utterance):
        for chunk in super().synthesize(utterance):
            yield chunk * self.factor


class Int16InFloats(Scaled):
    factor = 32767


class Offset(ToneEngine):
    def synthesize(self, utterance):
        for chunk in super().synthesize(utterance):
            yield chunk * 0.1 + 0.3


class Drawling(ToneEngine):
    def synthesize(self, utterance):
        for _ in range(30):
            yield from super().synthesize(utterance)


class Raises(ToneEngine):
    def synthesize(self, utterance):
        raise ValueError("no phonemes for this")
        yield


class DoesNotLoad(ToneEngine):
    def load(self):
        raise FileNotFoundError("weights.safetensors")


class OnlyTheStart(ToneEngine):
    def synthesize(self, utterance):
        yield from super().synthesize(replace(utterance, text=utterance.text[:20]))


class Dice(ToneEngine):
    """Never twice the same in a row: that would be no fault."""

    thrown = 0

    def synthesize(self, utterance):
        self.thrown = random.choice([each for each in (20, 100, 500, 2000) if each != self.thrown])
        yield from super().synthesize(replace(utterance, text="x" * self.thrown))


class InOnePiece(ToneEngine):
    def synthesize(self, utterance):
        yield b"".join((chunk * 32767).astype("<i2").tobytes() for chunk in super().synthesize(utterance))


class Deaf(ToneEngine):
    """Busy for a second after each chunk: far longer than a busy machine is late in handing the cancellation over."""

    def synthesize(self, utterance):
        for chunk in super().synthesize(utterance):
            yield chunk
            time.sleep(1.0)


class Stubborn(ToneEngine):
    def synthesize(self, utterance):
        try:
            for chunk in super().synthesize(utterance):
                time.sleep(0.02)  # still at it when the listener leaves, however late that is handed over
                yield chunk
        except GeneratorExit:
            time.sleep(60)


class SaysItsMarkers(ToneEngine):
    """As a model does that reads "(excited)" aloud; the rate changes too, which must not hide it."""

    def synthesize(self, utterance):
        said = f"({utterance.style_name}) {utterance.text}" if utterance.style else utterance.text
        yield from super().synthesize(replace(utterance, text=said))


class DropsMarkedWords(ToneEngine):
    def synthesize(self, utterance):
        yield from super().synthesize(replace(utterance, text="a") if utterance.style else utterance)


class NeverCalmsDown(ToneEngine):
    style = None

    def synthesize(self, utterance):
        self.style = utterance.style or self.style
        yield from super().synthesize(replace(utterance, style=self.style))


class NeedsWords(ToneEngine):
    def synthesize(self, utterance):
        if not utterance.text:
            raise IndexError("string index out of range")
        yield from super().synthesize(utterance)


class DiesOfNull(ToneEngine):
    def synthesize(self, utterance):
        if "\x00" in utterance.text:
            os.abort()
        yield from super().synthesize(utterance)


class LeavesAChild(ToneEngine):
    def load(self):
        self.child = subprocess.Popen(["sleep", "20"])


class LeavesSharedMemory(ToneEngine):
    def load(self):
        import mmap

        path = Path(f"/dev/shm/meadowlark-test-{os.getpid()}")
        path.write_bytes(b"0" * 4096)
        self.file = path.open("r+b")
        self.memory = mmap.mmap(self.file.fileno(), 4096)


class Alone(ToneEngine):
    def load(self):
        self.context.data_dir.mkdir(parents=True, exist_ok=True)
        (self.context.data_dir / "lock").touch(exist_ok=False)


class Muddled(ChorusEngine):
    """Sounds another way in company."""

    def synthesize(self, utterance):
        for chunk in super().synthesize(utterance):
            yield chunk * (1.0 if len(self._open) == 1 else 0.5)


class OneForAll(ChorusEngine):
    """Whoever leaves takes the others along."""

    def synthesize(self, utterance):
        whole = False
        try:
            yield from super().synthesize(utterance)
            whole = True
        finally:
            for each in () if whole else self._open:
                each.chunks = iter(())


def manifest(engine, pipeline=ToneEngine, **fields):
    given = tone_manifest(engine, 16000, chunk_seconds=0.5)
    voice = given.voices[0]
    fields = {"voices": (voice,), "markers": (EXCITED, LAUGHING), **fields}
    return replace(given, pipeline=f"{pipeline.__module__}:{pipeline.__name__}", **fields)


def chorus(engine, pipeline):
    """Slow enough that sentences meet."""
    voice = tone_manifest(engine, 16000, chunk_seconds=0.5, rtf=0.05).voices[0]
    return manifest(engine, pipeline, voices=(voice,), max_batch=3)


@hookimpl
def register_engines(register):
    register(manifest("fine"))
    register(manifest("mute", voices=()))
    register(manifest("quiet", Scaled))
    register(manifest("int16-in-floats", Int16InFloats))
    register(manifest("offset", Offset))
    register(manifest("drawling", Drawling))
    register(manifest("raises", Raises))
    register(manifest("does-not-load", DoesNotLoad))
    register(manifest("only-the-start", OnlyTheStart))
    register(manifest("dice", Dice))
    register(manifest("dice-that-say-so", Dice, samples=True))
    register(manifest("in-one-piece", InOnePiece))
    register(manifest("deaf", Deaf))
    register(manifest("stubborn", Stubborn))
    register(manifest("says-its-markers", SaysItsMarkers))
    register(manifest("drops-marked-words", DropsMarkedWords))
    register(manifest("never-calms-down", NeverCalmsDown))
    register(manifest("needs-words", NeedsWords))
    register(manifest("odd-marker", markers=(Marker("ha) ha", MarkerKind.EVENT, {}),)))
    register(manifest("stolen-name", markers=(EXCITED, Marker("wild", MarkerKind.STYLE, {}, aliases=("excited",)))))
    register(manifest("dies-of-null", DiesOfNull))
    register(manifest("leaves-a-child", LeavesAChild))
    register(manifest("leaves-shared-memory", LeavesSharedMemory))
    register(manifest("alone", Alone))
    register(chorus("chorus", ChorusEngine))
    register(chorus("muddled", Muddled))
    register(chorus("one-for-all", OneForAll))
