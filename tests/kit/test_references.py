"""Reference voices: found by name, checked, kept by content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from meadowlark.kit.references import VoiceReferenceError, describe, find, load, trimmed


def test_finds_what_has_a_text(tmp_path: Path) -> None:
    for name in ("anna.wav", "bert.FLAC", "carl.mp3", "notes.md"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "anna.txt").write_text("  Good\n morning. ")
    (tmp_path / "anna.json").write_text('{"language": "en-GB", "origin": "herself", "consent": "2026-01-01"}')
    (tmp_path / "bert.lab").write_text("Hello.")
    found = find(tmp_path)
    assert [(each.name, each.text, each.language) for each in found.usable] == [
        ("anna", "Good morning.", "en-GB"),
        ("bert", "Hello.", ""),
    ]
    assert (found.usable[0].origin, found.usable[0].consent) == ("herself", "2026-01-01")
    with pytest.raises(VoiceReferenceError, match=r"carl\.mp3 has no text: write what is said into carl\.txt"):
        found.complain()
    assert find(tmp_path / "none").usable == ()


@pytest.mark.parametrize(
    ("text", "notes", "complaint"),
    [("", "", "empty"), ("a", "{", "not JSON"), ("a", "[]", "table")],
)
def test_what_is_beside_it_must_be_right(tmp_path: Path, text: str, notes: str, complaint: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    if notes:
        (tmp_path / "a.json").write_text(notes)
    with pytest.raises(VoiceReferenceError, match=complaint):
        describe(tmp_path / "a.wav")


def test_silence_at_the_ends_is_cut() -> None:
    rate = 16000
    speech = 0.3 * np.sin(np.arange(2 * rate) / 5).astype(np.float32)
    quiet = np.full(rate, 1e-4, np.float32)
    found = trimmed(np.concatenate([quiet, speech, quiet]), rate)
    assert abs(len(found) - 2.2 * rate) < 0.05 * rate


def test_reads_stereo_at_another_rate(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="for plugins that read reference voices")
    pytest.importorskip("soxr")
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(3 * 24000) / 24000)
    soundfile.write(tmp_path / "a.flac", np.stack([tone, tone], axis=1), 24000)
    found = load(tmp_path / "a.flac", 44100)
    assert found.dtype == np.float32
    assert abs(len(found) / 44100 - 3) < 0.1
    assert abs(np.abs(found).max() - 0.3) < 0.02
    (tmp_path / "b.wav").write_bytes(b"RIFF....")
    with pytest.raises(VoiceReferenceError, match=r"b\.wav cannot be read as audio"):
        load(tmp_path / "b.wav", 44100)
