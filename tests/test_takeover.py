"""Speak at once, better in a minute: a stand-in speaks until a voice's files are there, without a restart."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from meadowlark.catalog import VoiceRequest
from meadowlark.cli.serve import _keep_models
from meadowlark.cli.wiring import House, open_house
from meadowlark.server.info import build
from meadowlark.settings import Settings
from meadowlark.speech import SpeechRequest
from meadowlark.testing.hub import File, Hub, serve

MODEL = b"model " * 20_000

PLUGIN = """
from meadowlark.api import Asset, EngineManifest, Voice, hookimpl

@hookimpl
def register_engines(register):
    register(EngineManifest(
        id="horn", title="Horn", license="MIT", pipeline="test_takeover_plugin.pipeline:Horn", sample_rate=16000,
        memory={{"cpu": 1_000_000}}, assets=(Asset("meadow/lark", "model.onnx", bytes={size}),),
        voices=(
            Voice("anna", ("de-DE",), assets=(Asset("meadow/lark", "voices/anna.bin"),)),
            Voice("emma", ("en-US",), assets=(Asset("meadow/lark", "voices/emma.bin"),)),
        ),
    ))
"""
PIPELINE = """
from pathlib import Path
from meadowlark.api import Pipeline

class Horn(Pipeline):
    def load(self):
        self.model = Path(self.context.files["model.onnx"]).read_bytes()

    def synthesize(self, utterance):
        assert Path(utterance.files["model.onnx"]).read_bytes() == self.model
        level = Path(utterance.files[f"voices/{utterance.voice.id}.bin"]).read_bytes()[0]
        yield bytes([level, 1]) * 1600
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for each in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
        monkeypatch.delenv(each)
    package, metadata = tmp_path / "test_takeover_plugin", tmp_path / "test_takeover_plugin-1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").write_text(PLUGIN.format(size=len(MODEL)))
    (package / "pipeline.py").write_text(PIPELINE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: test-takeover-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[meadowlark]\nhorn = test_takeover_plugin\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    files = {"model.onnx": File(MODEL), "voices/anna.bin": File(b"\x05"), "voices/emma.bin": File(b"\x06")}
    with serve({f"meadow/lark/{name}": file for name, file in files.items()}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@asynccontextmanager
async def kept(settings: Settings) -> AsyncIterator[House]:
    """A house whose models are seen to, as in `serve`; a voice that has its files may be late on a busy machine."""
    async with open_house(replace(settings, first_audio_budget=30.0)) as house:
        keeping = asyncio.create_task(_keep_models(house))
        try:
            yield house
        finally:
            keeping.cancel()


async def say(house: House, voice: str = "") -> tuple[int, bytes]:
    """(rate, audio) of a reply."""

    async def text() -> AsyncIterator[str]:
        yield "Guten Abend."

    async with aclosing(house.speaker.speak(SpeechRequest(text(), VoiceRequest(voice)))) as reply:
        pieces = [pcm async for pcm in reply]
    return pieces[0].rate, b"".join(pcm.data for pcm in pieces)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  a process downloads
            await asyncio.sleep(0.01)


def offered(house: House) -> set[str]:
    return {voice.name for voice in build(house.catalog).tts[0].voices if voice.name.startswith("horn/")}


async def test_the_configured_voice_takes_over_when_it_is_there(
    hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hub.files["meadow/lark/model.onnx"].block_seconds = 10.0  # until the stand-in has spoken
    async with kept(Settings(data_dir=tmp_path / "data", voice="horn/anna")) as house:
        assert offered(house) == set()
        rate, audio = await say(house)
        assert rate == 16_000  # the voice's own, whoever speaks
        assert len(audio) > 20_000
        assert "horn/anna is " in caplog.text
        assert "; espeak/de speaks" in caplog.text
        hub.unblock()
        await until(lambda: not house.store.why("horn", "anna"))
        assert await say(house) == (16_000, b"\x05\x01" * 1600)
        assert offered(house) == {"horn/anna"}


async def test_a_failed_download_leaves_the_reason_and_the_stand_in(
    hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    del hub.files["meadow/lark/voices/anna.bin"]
    async with kept(Settings(data_dir=tmp_path / "data", voice="horn/anna")) as house:
        await until(lambda: "has no voices/anna.bin" in house.store.why("horn", "anna"))
        _, audio = await say(house, "horn/anna")
        assert len(audio) > 20_000
        assert "could not be downloaded: meadow/lark has no voices/anna.bin any more" in caplog.text


async def test_downloadable_voices_are_offered_on_request_and_come_when_asked_for(hub: Hub, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", voice="espeak/en-us", advertise_downloadable=True)
    async with kept(settings) as house:
        assert offered(house) == {"horn/anna", "horn/emma"}
        await asyncio.sleep(0.3)
        assert hub.authorizations == []  # nobody has asked for them
        assert len((await say(house, "horn/emma"))[1]) > 20_000
        await until(lambda: not house.store.why("horn", "emma"))
        assert await say(house, "horn/emma") == (16_000, b"\x06\x01" * 1600)
        assert house.store.why("horn", "anna")


async def test_what_another_command_has_pulled_is_noticed(hub: Hub, tmp_path: Path) -> None:
    async with kept(Settings(data_dir=tmp_path / "data", voice="espeak/en-us")) as house:
        folder = tmp_path / "data" / "models" / "horn"
        (folder / "voices").mkdir(parents=True)
        (folder / "model.onnx").write_bytes(MODEL)
        (folder / "voices" / "emma.bin").write_bytes(b"\x07")
        await until(lambda: offered(house) == {"horn/emma"})
        assert await say(house, "emma") == (16_000, b"\x07\x01" * 1600)
