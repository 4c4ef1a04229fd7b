"""A voice that is put into the voices folder can be asked for without a restart."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from meadowlark.catalog import VoiceRequest
from meadowlark.cli.wiring import open_house
from meadowlark.errors import VoiceError
from meadowlark.settings import Settings

PLUGIN = """
import os
import time

from meadowlark.api import Voice, hookimpl
from meadowlark.testing.engines import tone_manifest

@hookimpl
def register_engines(register):
    register(tone_manifest("folder", voices=()))

@hookimpl
def register_voices(register, voice_dir):
    for path in sorted(voice_dir.glob("*.tone")):
        if (voice_dir / "odd").exists() and path.stem > "c":
            break
        register("folder", Voice(path.stem, ("en",)))
    if (voice_dir / "fatal").exists():
        os._exit(1)
    if (voice_dir / "odd").exists():
        raise OSError("the voices cannot be counted")
    if (voice_dir / "slow").exists():
        (voice_dir / "slow").unlink()
        time.sleep(2.5)
"""


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, metadata = tmp_path / "test_new_voices", tmp_path / "test_new_voices-1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: test-new-voices\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[meadowlark]\nfolder = test_new_voices\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


async def test_a_new_voice_appears(tmp_path: Path) -> None:
    async with open_house(Settings(data_dir=tmp_path / "data")) as house:
        with pytest.raises(VoiceError):
            house.catalog.resolve(VoiceRequest("folder/bell"))
        (tmp_path / "data" / "voices").mkdir()
        (tmp_path / "data" / "voices" / "bell.tone").write_text("")
        before = house.catalog
        await house.rediscover()
        assert house.catalog.resolve(VoiceRequest("folder/bell")).name == "folder/bell"
        assert house.catalog is not before
        again = house.catalog
        await house.rediscover()
        assert house.catalog is again  # nothing new: Info stays as it is


async def test_a_look_that_fails_takes_nothing_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    voices = tmp_path / "data" / "voices"
    voices.mkdir(parents=True)
    (voices / "bell.tone").write_text("")
    async with open_house(Settings(data_dir=tmp_path / "data")) as house:
        before = house.catalog
        (voices / "fatal").write_text("")
        assert not await house.rediscover()
        assert house.catalog is before
        assert "Left as before, since this look for plugins failed: folder" in caplog.text
        (voices / "fatal").unlink()
        (voices / "bell.tone").unlink()
        assert await house.rediscover()
        with pytest.raises(VoiceError):
            house.catalog.resolve(VoiceRequest("folder/bell"))


async def test_a_plugin_that_fails_at_a_later_look_keeps_its_voices(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    voices = tmp_path / "data" / "voices"
    voices.mkdir(parents=True)
    for name in ("bell", "gong", "horn"):
        (voices / f"{name}.tone").touch()
    async with open_house(Settings(data_dir=tmp_path / "data")) as house:
        (voices / "odd").touch()
        (voices / "alarm.tone").touch()
        (voices / "horn.tone").unlink()
        for _ in range(3):
            assert not await house.rediscover()  # so that it is tried again
            for name in ("alarm", "bell", "gong", "horn"):
                assert house.catalog.resolve(VoiceRequest(f"folder/{name}")).name == f"folder/{name}"
        assert caplog.text.count("folder keeps 2 voices: its plugin has failed to list them") == 1
        assert caplog.text.count("Plugin folder: register_voices failed: OSError: the voices cannot be counted") == 1
        (voices / "odd").unlink()
        assert await house.rediscover()
        assert [voice.id for voice in house.catalog.manifest("folder").voices] == ["alarm", "bell", "gong"]


async def test_of_two_looks_at_once_the_later_has_the_last_word(tmp_path: Path) -> None:
    """The first is slow, and has not seen the voice that came meanwhile."""
    voices = tmp_path / "data" / "voices"
    async with open_house(Settings(data_dir=tmp_path / "data")) as house:
        voices.mkdir()
        (voices / "slow").write_text("")
        first = asyncio.create_task(house.rediscover())
        while (voices / "slow").exists():  # noqa: ASYNC110 - another process removes it
            await asyncio.sleep(0.02)
        (voices / "bell.tone").write_text("")
        await asyncio.gather(first, house.rediscover())
        assert house.catalog.resolve(VoiceRequest("folder/bell")).name == "folder/bell"
