"""What was made of a recording is kept by its content; the recording is not read for nothing."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")

from meadowlark.kit.references import Library, Reference


def test_kept_by_content_engine_and_version(tmp_path: Path) -> None:
    made: list[str] = []

    def make(name: str) -> object:
        made.append(name)
        return torch.tensor([len(made)])

    first, second = Library(tmp_path, "fish", "1"), Library(tmp_path, "fish", "2")
    assert first.kept(b"one", lambda: make("a")).tolist() == [1]
    assert first.kept(b"one", lambda: make("b")).tolist() == [1]
    assert first.kept(b"two", lambda: make("c")).tolist() == [2]
    assert second.kept(b"one", lambda: make("d")).tolist() == [3]
    for path in (tmp_path / "references").iterdir():
        path.write_bytes(b"half")
    assert first.kept(b"one", lambda: make("e")).tolist() == [4]
    assert made == ["a", "c", "d", "e"]


class Counted(type(Path())):  # type: ignore[misc]
    """A file that says how often it was read."""

    times = 0

    def read_bytes(self) -> bytes:
        Counted.times += 1
        return super().read_bytes()


def test_a_recording_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    audio, library, made = Counted(tmp_path / "anna.wav"), Library(tmp_path, "fish", "1"), list[bytes]()
    Counted.times = 0

    def speak() -> int:
        def encode() -> object:
            made.append(Path(audio).read_bytes())
            return torch.tensor([len(made)])

        return int(library.encoded(Reference("anna", audio, "Hello."), encode))

    def write(content: bytes, age: float) -> None:
        audio.write_bytes(content)
        os.utime(audio, (time.time() - age, time.time() - age))

    write(b"one", 100)
    assert [speak() for _ in range(3)] == [1, 1, 1]
    assert Counted.times == 1
    write(b"two", 50)  # as long as the first
    assert [speak() for _ in range(3)] == [2, 2, 2]
    assert Counted.times == 2
    write(b"one", 40)
    assert speak() == 1
    assert made == [b"one", b"two"]


def test_a_recording_that_has_just_changed_is_looked_at_again(tmp_path: Path) -> None:
    """On a disk whose times are whole seconds, say."""
    audio, library = tmp_path / "anna.wav", Library(tmp_path, "fish", "1")
    now, found = time.time_ns() + 60_000_000_000, []
    for content in (b"one", b"two"):
        audio.write_bytes(content)
        os.utime(audio, ns=(now, now))
        encode = lambda: torch.tensor([*audio.read_bytes()])  # noqa: E731
        found.append(bytes(library.encoded(Reference("anna", audio, "Hello."), encode).tolist()))
    assert found == [b"one", b"two"]
