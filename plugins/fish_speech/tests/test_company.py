"""Two listeners at once on a tiny checkpoint, through a real worker: each hears what he would hear alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
pytest.importorskip("onnxruntime", reason="Fish-Speech needs onnxruntime on a CPU: script/setup fish_speech")

from meadowlark.api import Utterance
from meadowlark.kit.precision import Bits, Plan
from meadowlark.kit.tape import Tape
from meadowlark.kit.weights import Weights
from meadowlark.worker.environments import Nurseries
from meadowlark.worker.process import Launch, WorkerProcess, start
from meadowlark_fish_speech import RATE
from meadowlark_fish_speech import s1 as s1_manifest
from meadowlark_fish_speech import s2 as s2_manifest
from meadowlark_fish_speech.batch import Choir
from meadowlark_fish_speech.captured import CAPACITY, Captured
from meadowlark_fish_speech.company import CPU_PLACES, GPU_PLACES, RESERVE_BYTES, gpu_places, in_company
from meadowlark_fish_speech.config import config_of
from meadowlark_fish_speech.doubles import write_s1
from meadowlark_fish_speech.generate import Eager
from meadowlark_fish_speech.model import TABLE, DualAR, Tokens

TEXTS = ("Yes.", "No?")
"""Random weights find no end: each is spoken for as long as it may."""

NEARLY = 0.02
"""Of the loudness: with packed weights a product of two rows is not rounded as that of one."""

Begin = Callable[[str], "asyncio.Future[WorkerProcess]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("company")
    write_s1(home / "voices" / "fish_speech")
    return home


@pytest.fixture
async def begin(home: Path) -> AsyncIterator[Begin]:
    nurseries, workers = Nurseries(), list[WorkerProcess]()
    manifest = s1_manifest()

    async def begin(quality: str) -> WorkerProcess:
        launch = Launch(
            manifest.id,
            manifest.pipeline,
            manifest.sample_rate,
            data_dir=home / "data",
            voice_dir=home / "voices",
            options={"threads": 1, "quality": quality},
            max_batch=manifest.max_batch,
        )
        workers.append(await start(launch, nurseries))
        return workers[-1]

    yield begin
    for each in workers:
        await each.stop()
    await nurseries.close()


async def say(worker: WorkerProcess, text: str) -> np.ndarray:
    voice = s1_manifest().voices[0]
    utterance = Utterance(text, voice, "en-US", options=voice.options)
    pcm = b"".join([chunk async for chunk in worker.speak(utterance, patience=15)])
    return np.frombuffer(pcm, "<i2").astype(np.float32)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    assert len(one) == len(other) > RATE / 10
    return float(np.sqrt(np.mean((one - other) ** 2)) / np.sqrt(np.mean(one**2)))


@pytest.mark.timeout(60)  # a load of torch and of ONNX Runtime, on a busy machine
async def test_they_hear_what_they_would_hear_alone(begin: Begin) -> None:
    worker = await begin("fast")
    assert worker.loaded.places == CPU_PLACES
    many = await asyncio.gather(*(say(worker, text) for text in TEXTS))
    assert worker.last_done is not None
    assert 1.5 < worker.last_done.together <= 2.0
    assert difference(await say(worker, TEXTS[1]), many[1]) < NEARLY
    assert np.abs(many[0]).max() > 0


async def test_whole_precision_gains_nothing_from_company(begin: Begin) -> None:
    worker = await begin("quality")
    assert worker.loaded.places == 1


def test_places_depend_on_what_computes(s1) -> None:
    known = s1.about["tokens"]
    tokens = Tokens(known["semantic_begin_id"], known["semantic_end_id"], known["im_end"])
    model = DualAR(Weights([s1.file], TABLE), config_of(s1.about["model"]), tokens, Plan())
    eager = Eager(model)
    assert in_company(eager, Plan(), never) == (eager, 1)
    speaker, places = in_company(eager, Plan("cpu", bits=Bits.INT8), never)
    assert isinstance(speaker, Choir)
    assert places == speaker.batch.free == CPU_PLACES
    speaker, places = in_company(eager, Plan(), lambda device: 80_000_000_000, Tape())
    assert isinstance(speaker, Captured)
    assert places == speaker.batch.free == GPU_PLACES == s1_manifest().max_batch == s2_manifest().max_batch


def never(device: str) -> int:
    raise AssertionError("a CPU's memory is not counted in places")


def test_places_follow_free_memory(s1) -> None:
    known = s1.about["tokens"]
    tokens = Tokens(known["semantic_begin_id"], known["semantic_end_id"], known["im_end"])
    model = DualAR(Weights([s1.file], TABLE), config_of(s1.about["model"]), tokens, Plan())
    each = model.cache(min(CAPACITY, model.config.context)).bytes
    free = (0, RESERVE_BYTES + 2 * each - 1, RESERVE_BYTES + 2 * each, RESERVE_BYTES + 3 * each, 80_000_000_000)
    assert [gpu_places(model, each) for each in free] == [1, 1, 2, 3, 4]
