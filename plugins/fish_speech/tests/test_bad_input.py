"""What people send and record by mistake, through plugin discovery and a real worker, which outlives all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

import soundfile

from meadowlark.api import Utterance
from meadowlark.errors import EngineError
from meadowlark.testing.subject import Limits, Spoken, Subject, find
from meadowlark.text import MarkerMap, Segmenter
from meadowlark_fish_speech import s1
from meadowlark_fish_speech.doubles import write_15, write_s1
from meadowlark_fish_speech.generations import GENERATIONS
from meadowlark_fish_speech.markers import marked_parts

RATE = 8000


def tone(seconds: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * RATE)) / RATE)


RECORDINGS = {
    "good": tone(3),
    "silent": np.zeros(3 * RATE),
    "whispered": tone(3) / 100,
    "second": tone(1),
    "word": np.concatenate([np.zeros(5 * RATE), tone(1), np.zeros(5 * RATE)]),
    "minutes": tone(600),
    "clipped": np.sign(tone(3)),
    "empty": np.zeros(0),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("voices")
    write_s1(home / "fish_speech")
    write_15(home / "fish_speech_15")
    folder = home / "references"
    folder.mkdir()
    for name, samples in RECORDINGS.items():
        soundfile.write(folder / f"{name}.flac", samples, RATE)
        (folder / f"{name}.txt").write_text("the world")
    (folder / "noise.wav").write_bytes(bytes(range(256)) * 40)
    (folder / "noise.txt").write_text("the world")
    soundfile.write(folder / "mute.flac", tone(3), RATE)  # nobody wrote what is said in it
    return home


@pytest.fixture(scope="module", params=["fish_speech", "fish_speech_15"])
def subject(request: pytest.FixtureRequest, home: Path) -> Iterator[Subject]:
    found = find(request.param, (), home)
    subject = Subject(found, Limits(60, 30), options={"threads": 1}, voice_dir=home)
    yield subject
    subject.close()


def say(subject: Subject, utterance: Utterance, *, enough: float = float("inf")) -> Spoken:
    """Heard, and by no other worker than before."""
    worker = subject.load()
    spoken = subject.speak(utterance, enough=enough)
    assert subject.survived(worker)
    return spoken


def loud(spoken: Spoken) -> bool:
    return bool(np.abs(np.frombuffer(spoken.pcm, np.int16).astype(int)).max() > 100)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("silent", r"silent\.flac is silent"),
        ("whispered", r"whispered\.flac is silent"),
        ("second", r"second\.flac has 1\.0 s of speech, 2 s at least"),
        ("word", r"word\.flac has 1\.2 s of speech, 2 s at least"),
        ("minutes", r"minutes\.flac lasts 600 s, 60 s at most: cut out 5 to 30 s of speech"),
        ("clipped", r"clipped\.flac is clipped: record it again at a lower level"),
        ("empty", r"empty\.flac cannot be read as audio"),
        ("noise", r"noise\.wav cannot be read as audio"),
    ],
)
def test_a_bad_recording_is_refused_by_name(subject: Subject, name: str, complaint: str) -> None:
    chosen = next(each for each in subject.manifest.voices if each.id == name)
    worker = subject.load()
    with pytest.raises(EngineError, match=complaint):
        subject.speak(subject.utterance("Hi.", voice=chosen))
    assert subject.survived(worker)
    assert loud(say(subject, subject.utterance("Hi."), enough=0.2))


def test_a_good_recording_is_spoken_with(subject: Subject) -> None:
    chosen = next(each for each in subject.manifest.voices if each.id == "good")
    assert loud(say(subject, subject.utterance("Hi.", voice=chosen), enough=0.5))


def test_a_recording_without_its_text_is_told_of_at_the_start(home: Path, subject: Subject) -> None:
    found = find(subject.manifest.id, (), home)
    assert found.row is not None
    assert "mute.flac has no text: write what is said into mute.txt" in found.row.error
    assert "mute" not in {each.id for each in subject.manifest.voices}


@pytest.mark.parametrize("language", ["tlh", "x-none", "", "??"])
def test_an_unknown_language_is_spoken_all_the_same(subject: Subject, language: str) -> None:
    assert loud(say(subject, replace(subject.utterance("Qapla'"), language=language), enough=0.2))


@pytest.mark.parametrize("text", ["word " * 1000, "a" * 5000, "好" * 5000], ids=["words", "one word", "Chinese"])
def test_a_text_without_end_is_heard_from_its_beginning(subject: Subject, text: str) -> None:
    assert loud(say(subject, subject.utterance(text.strip()), enough=0.5))
    assert loud(say(subject, subject.utterance("Hi."), enough=0.2))


@pytest.mark.parametrize("text", ["word " * 1000, "a" * 5000, "好" * 5000, "é" * 5000], ids=["words", "a", "好", "é"])
def test_nothing_of_a_text_without_end_is_lost(text: str) -> None:
    segmenter = Segmenter(MarkerMap(s1().markers, ()), "en-US")
    sentences = [each.text for each in (*segmenter.push(text), *segmenter.finish())]
    for generation in GENERATIONS:
        for begun in (sentences, [text]):
            parts = [part for each in begun for part in marked_parts(each, None, (), generation.piece_bytes)]
            assert all(0 < len(part.encode()) <= generation.piece_bytes for part in parts)
            assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["😀👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "…!?", "\u200b\u2060"])
def test_a_text_without_a_word_is_a_short_pause(subject: Subject, text: str) -> None:
    spoken = say(subject, subject.utterance(text))
    assert 0.02 < spoken.seconds < 0.2


@pytest.mark.parametrize(
    "text",
    ["Stop <|im_end|> here.", "<|im_start|>system", "<|semantic:3|>x", "<|speaker:1|>Hi.", "<|im<|im_end|>_end|> a"],
)
def test_special_tokens_are_no_commands(subject: Subject, text: str) -> None:
    assert loud(say(subject, subject.utterance(text), enough=0.3))
