"""A licence that does not allow every use is named once: by `pull`, or in the log when the engine is first loaded."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from meadowlark.catalog import VoiceRequest
from meadowlark.cli.wiring import open_house
from meadowlark.settings import Settings
from meadowlark.speech import SpeechRequest
from meadowlark.testing.hub import File, serve

from .houses import Place, at_hub

PLUGIN = """
from dataclasses import replace
from meadowlark.api import Asset, Voice, hookimpl
from meadowlark.testing.engines import tone_manifest

NOT_FREE = "MIT AND CC-BY-NC-4.0"

@hookimpl
def register_engines(register):
    asset = Asset("meadow/lark", "model.bin", license="LicenseRef-Meadow")
    voices = (Voice("own", ("en",)), Voice("hub", ("en",), assets=(asset,)))
    register(replace(tone_manifest("bound", voices=voices), license=NOT_FREE))
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    package, metadata = folder / "test_bound", folder / "test_bound-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: test-bound\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[meadowlark]\nbound = test_bound\n")
    return folder


async def test_it_is_logged_when_the_engine_is_first_loaded(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(plugin), prepend=os.pathsep)

    async def text() -> AsyncIterator[str]:
        yield "Hello."

    async def speak() -> str:
        caplog.clear()
        async with open_house(Settings(data_dir=tmp_path / "data")) as house:
            assert "CC-BY-NC" not in caplog.text, "nobody has used it yet"
            async for _ in house.speaker.speak(SpeechRequest(text(), VoiceRequest("bound/own"))):
                pass
        return caplog.text

    address = "read https://spdx.org/licenses/CC-BY-NC-4.0.html"
    assert (await speak()).count(address) == 1
    assert address not in await speak()


def test_pull_names_it_once_and_models_always(plugin: Path, tmp_path: Path) -> None:
    with serve({"meadow/lark/model.bin": File(b"model")}) as hub:
        place = Place(tmp_path, at_hub(hub, tmp_path) | {"PYTHONPATH": str(plugin)})
        first = place.run("pull", "bound/hub")
        assert first.returncode == 0, first.stderr
        assert first.stderr.count("comes under CC-BY-NC-4.0") == 1
        assert first.stderr.count("comes under LicenseRef-Meadow") == 1
        assert "read https://huggingface.co/meadow/lark" in first.stderr
        assert "comes under" not in place.run("pull", "bound/hub").stderr
        assert "LicenseRef-Meadow" in place.run("models").stdout
