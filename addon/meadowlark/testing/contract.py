"""What the tests of conformance.py stand on: the settings, the engine with its one worker, readable failures."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, NoReturn

import pytest

from ..api import Marker, Utterance, Value, Voice
from ..errors import EngineError, LoadError
from ..text import MarkerMap, Segmenter, Sentence
from .phrases import STRANGE, sentence
from .subject import Found, Leaves, Limits, Spoken, Subject, find, spread

SAME_SHARE = 0.01
SAME_SECONDS = 0.02
"""Two lengths are the same when they differ by no more than 1 % or 20 ms."""

SAME_SOUND = 0.05
"""Two sounds are the same when what differs is no louder than this share of the first: sums in another order differ."""

SENTENCE_CHARS = 400
"""The longest sentence that the core sends to a pipeline."""


class Contract:
    """The class attributes are the settings of a suite."""

    engine: ClassVar[str] = ""
    """Its id, as in its manifest."""

    environments: ClassVar[tuple[str, ...]] = ()
    """Interpreters of other virtualenvs to look in, if it is not installed in this one."""

    voice_dir: ClassVar[Path | None] = None
    """The user's own voices, for an engine that finds them there; None = an empty folder."""

    device: ClassVar[str] = "cpu"
    """Where to load it: "cpu", "cuda:0"."""

    options: ClassVar[Mapping[str, Value]] = {}
    """The user's settings for the engine."""

    sentences: ClassVar[Mapping[str, str]] = {}
    """Language → what to say in it, where the suite's own sentence does not do."""

    max_voices: ClassVar[int | None] = 500
    """Of more voices than that, so many are spoken, evenly taken; None = all."""

    max_markers: ClassVar[int | None] = 100
    """The same for markers."""

    load_seconds: ClassVar[float] = 600.0
    sentence_seconds: ClassVar[float] = 60.0
    """Without any audio; then the worker counts as hung."""

    cancel_seconds: ClassVar[float] = 0.5
    """From the listener's leaving to the next sentence."""

    end_seconds: ClassVar[float] = 2.0
    """From the order to end to the last process gone."""

    two_at_once: ClassVar[bool] = True
    """False where two of them do not fit into the memory of the machine that runs the tests."""

    _subject: ClassVar[Subject | None] = None
    _broken: ClassVar[str] = ""
    _lengths: ClassVar[dict[str, float]] = {}

    @classmethod
    def setup_class(cls) -> None:
        """Nothing is started before it is needed."""
        cls._subject, cls._broken, cls._lengths = None, "", {}

    @classmethod
    def teardown_class(cls) -> None:
        """End all processes."""
        if cls._subject:
            cls._subject.close()
            cls._subject = None

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """One test a voice, a marker, a strange text."""
        wanted = metafunc.fixturenames
        if "case" in wanted:
            cases = list(cls._cases())
            metafunc.parametrize("case", cases, ids=[_id_of(*each) for each in cases])
        if "marker" in wanted:
            markers = spread(cls._manifest_markers(), cls.max_markers)
            metafunc.parametrize("marker", markers, ids=[each.name for each in markers])
        if "strange" in wanted:
            metafunc.parametrize("strange", list(STRANGE))
        if "leaves" in wanted:
            metafunc.parametrize("leaves", list(Leaves), ids=str)

    @classmethod
    def _found(cls) -> Found:
        return find(cls.engine, cls.environments, cls.voice_dir)

    @classmethod
    def _cases(cls) -> Iterator[tuple[Voice, str, str, str]]:
        """Each voice in its first language; then languages, variants and speakers that this leaves out."""
        manifest = cls._found().manifest
        if not manifest or not manifest.voices:
            return
        voices = spread([voice for voice in manifest.voices if voice.languages], cls.max_voices)
        for voice in voices:
            yield voice, voice.languages[0], "", ""
        heard = {voice.languages[0] for voice in voices}
        for voice in voices:
            for language in voice.languages:
                if language not in heard:
                    heard.add(language)
                    yield voice, language, "", ""
            for speaker in spread(voice.speakers, 2):
                yield voice, voice.languages[0], "", speaker
        for variant in spread(manifest.variants, 10):
            yield voices[0], voices[0].languages[0], variant, ""

    @classmethod
    def _manifest_markers(cls) -> tuple[Marker, ...]:
        manifest = cls._found().manifest
        return manifest.markers if manifest else ()

    def _need_found(self) -> Found:
        found = self._found()
        if not found.manifest or not found.row:
            pytest.skip("the engine was not found, see test_is_found_without_errors")
        return found

    def _subject_now(self) -> Subject:
        cls = type(self)
        if cls._subject is None:
            found = self._need_found()
            if found.manifest and not found.manifest.voices:
                pytest.skip("the engine has no voices, see test_manifest_is_valid")
            limits = Limits(self.load_seconds, self.sentence_seconds)
            cls._subject = Subject(found, limits, self.device, self.options, self.voice_dir)
        return cls._subject

    def _subject_ready(self) -> Subject:
        """The subject with a worker; skips when it cannot be loaded, which test_loads has said."""
        if self._broken:
            pytest.skip(f"the engine cannot be loaded, see test_loads: {self._broken}")
        subject = self._subject_now()
        try:
            subject.load()
        except LoadError as error:
            fail(f"The engine cannot be loaded: {error}", "it loads whenever it is asked to", "see test_loads")
        return subject

    @property
    def _rate(self) -> int:
        return self._subject_ready().manifest.sample_rate

    def _text(self) -> str:
        """A short sentence for the first voice."""
        voice = self._subject_ready().manifest.voices[0]
        return sentence(voice.languages[0], self.sentences)

    def _sentence_text(self) -> str:
        """As long as the core ever sends."""
        text = self._text()
        return " ".join([text] * (SENTENCE_CHARS // (len(text) + 1)))

    def _front_end(self, text: str) -> list[Sentence]:
        found = self._need_found()
        assert found.manifest
        known = tuple(marker for engine in found.registry.engines for marker in engine.markers)
        segmenter = Segmenter(MarkerMap(found.manifest.markers, known), found.manifest.voices[0].languages[0])
        return [*segmenter.push(text), *segmenter.finish()]

    def _speak(self, utterance: Utterance, what: str = "") -> Spoken:
        """Speak a text that every engine must be able to speak."""
        try:
            return self._subject_ready().speak(utterance)
        except EngineError as error:
            name = voice_name(self.engine, utterance.voice, utterance.language, utterance.variant, utterance.speaker)
            fail(
                f"{name} {what or f'saying {utterance.text[:60]!r}'}: {error}",
                "`synthesize` yields finite mono audio that is not silent, as float32 in [-1, 1] or s16le",
                "the traceback, if the engine raised, is in the captured stderr; other texts: set `sentences`",
            )

    def _length(self, text: str) -> float:
        spoken = self._speak(self._subject_ready().utterance(text)).seconds
        if not spoken:
            fail(f"{text!r} gives no audio", "words are audible", "see test_voice_speaks")
        return spoken

    def _plain_length(self, text: str) -> float:
        """Of a text without style, remembered; the median of three where the engine samples."""
        known = self._lengths
        if text not in known:
            times = 3 if self._subject_ready().manifest.samples else 1
            known[text] = statistics.median(self._length(text) for _ in range(times))
        return known[text]

    def _require_well(self, when: str) -> None:
        """The first voice says its sentence as it did before."""
        text = self._text()
        before, now = self._plain_length(text), self._length(text)
        if not self._subject_ready().manifest.samples and not same(before, now):
            fail(
                f"{text!r} lasted {before:.3f} s; {when} it lasts {now:.3f} s",
                "what was said before does not change how an utterance sounds",
                "reset style, speed and buffers at the start of `synthesize`, not at its end: it may be cancelled",
            )


def fail(what: str, contract: str, remedy: str) -> NoReturn:
    """End a test with what is wrong, what the contract says, and what to do; no traceback of the suite."""
    message = f"{what}\n  contract: {contract}\n  remedy:   {remedy}"
    raise pytest.fail.Exception(message, pytrace=False) from None


def same(one: float, other: float) -> bool:
    """Whether two lengths in seconds are the same."""
    return abs(one - other) <= max(SAME_SECONDS, SAME_SHARE * max(one, other))


def voice_name(engine: str, voice: Voice, language: str, variant: str, speaker: str) -> str:
    name = f"{engine}/{voice.id}" + (f"+{variant}" if variant else "")
    return f"{name} (speaker {speaker})" if speaker else f"{name} in {language}"


def _id_of(voice: Voice, language: str, variant: str, speaker: str) -> str:
    name = f"{voice.id}+{variant}" if variant else voice.id
    if speaker:
        return f"{name}, {speaker}"
    return name if language == voice.languages[0] else f"{name}, {language}"
