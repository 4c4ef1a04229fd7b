"""`quality: auto` speaks as well as this machine can, as it was measured."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.api import PipelineContext, Value
from meadowlark.kit.pace import Paces, machine
from meadowlark.kit.precision import Bits
from meadowlark_fish_speech.doubles import write_s1
from meadowlark_fish_speech.pipeline import FishPipeline


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    voices = tmp_path_factory.mktemp("home")
    write_s1(voices / "fish_speech")
    return voices


def loaded(voices: Path, data: Path, **options: Value) -> FishPipeline:
    made = FishPipeline(PipelineContext("fish_speech", data_dir=data, voice_dir=voices, options=options))
    made.load()
    return made


def test_begins_quick_and_gets_better(voices: Path, tmp_path: Path) -> None:
    first = loaded(voices, tmp_path)
    assert first._plan.bits is Bits.INT4
    first.warm_up()
    paces = Paces(tmp_path, "fish_speech", machine("cpu", torch.get_num_threads()))
    assert set(paces.rtf()) == {"int4"}
    assert paces.rtf()["int4"] > 0


@pytest.mark.parametrize(("rtf", "bits"), [(1.9, Bits.INT4), (0.4, Bits.INT8), (0.1, Bits.FULL)])
def test_takes_what_keeps_up(voices: Path, tmp_path: Path, rtf: float, bits: Bits) -> None:
    Paces(tmp_path, "fish_speech", machine("cpu", torch.get_num_threads())).note("int4", rtf)
    assert loaded(voices, tmp_path)._plan.bits is bits
    assert loaded(voices, tmp_path, quality="fast")._plan.bits is Bits.INT4


def test_a_voice_stays_the_same_at_every_precision(voices: Path, tmp_path: Path) -> None:
    anchors = [loaded(voices, tmp_path, quality=each)._timbres.codes(1) for each in ("fast", "quality")]
    assert torch.equal(*anchors)
