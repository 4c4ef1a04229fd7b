"""Kokoro-82M: natural voices in nine languages, heard before the sentence is computed.

Light: looks which files are there and loads nothing; the work is done in `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from meadowlark.api import Asset, EngineManifest, Value, Voice, hookimpl

from . import blends, settings
from .errors import ModelFileError
from .files import OWN_FOLDER, RAW_BYTES, Found, divided, folders, look
from .voices import ATTRIBUTION, PUBLISHED, language_of, title

HOMES = (Path("/share"),)
REPOSITORY = "onnx-community/Kokoro-82M-v1.0-ONNX"
MODELS = {"fp32": "onnx/model.onnx", "fp16": "onnx/model_fp16.onnx"}
"""Value of the option `model` → file of the repository. Its 8-bit files are slower than fp32 on x86."""


@hookimpl
def register_engines(register: Callable[[EngineManifest], None]) -> None:
    """Register the engine; its voices follow from the files that are there."""
    register(manifest())


@hookimpl
def register_voices(register: Callable[[str, Voice], None], voice_dir: Path) -> None:
    """Register the voices that are there; without a model, the published ones with the files to download.

    Raises ModelFileError in the end, with all files and lines that cannot be used.
    """
    wrong: list[str] = []
    found = look(search(voice_dir), wrong.append)
    local = bool(found.models and found.voices)
    names = tuple(found.voices) if local else PUBLISHED
    for voice in _voices(names, local=local):
        register("kokoro", voice)
    for folder in folders(voice_dir):
        for name, blend in blends.read(folder / blends.FILE, wrong.append):
            if unknown := [each for each, _ in blend if each not in names]:
                wrong.append(f"{folder / blends.FILE}: blend {name} needs {', '.join(unknown)}, which is not there")
            elif local and (why := divided((each for each, _ in blend), found.voices)):
                wrong.append(f"{folder / blends.FILE}: blend {name}: {why}")
            else:
                register("kokoro", _blended(name, blend, local=local))
    if wrong:
        raise ModelFileError("; ".join(wrong))


@hookimpl
def check_options(options: Mapping[str, Value]) -> None:
    """Raise OptionError for what Kokoro cannot do."""
    settings.check(options)


def search(voice_dir: Path) -> tuple[Path, ...]:
    """The folders in which files are looked for, in order."""
    return (*folders(voice_dir), *(home / OWN_FOLDER for home in HOMES))


def manifest() -> EngineManifest:
    """What the core knows of the engine."""
    return EngineManifest(
        id="kokoro",
        title="Kokoro",
        license="GPL-3.0-or-later AND Apache-2.0",  # espeak-ng in the process, and the weights
        pipeline="meadowlark_kokoro.pipeline:KokoroPipeline",
        sample_rate=24000,
        variants=PUBLISHED,  # "af_heart+af_sky" is half of each
        memory={"cpu": 650 * 1024**2, "cuda": 1500 * 1024**2},
        preload=("numpy", "meadowlark_kokoro.settings"),
        streaming=True,
        max_batch=8,  # of listeners heard at once; each waits with its features and sound source: 7 MB for 11 s
        alternates=True,
        attribution=ATTRIBUTION,
        description="82 million parameters, close to natural; wants a processor of this decade",
    )


def found_in(voice_dir: Path) -> Found:
    """The local files, for the pipeline."""
    return look(search(voice_dir))


def _voices(names: tuple[str, ...], *, local: bool) -> Iterator[Voice]:
    for name in names:
        language = language_of(name)
        yield Voice(
            id=name,
            languages=(language.tag,),
            name=title(name) + (f" (needs {language.remedy})" if language.remedy else ""),
            options={"blend": name},
            attribution=ATTRIBUTION,
            advertised=not language.remedy,
            assets=() if local else _assets(name),
        )


def _blended(name: str, blend: blends.Blend, *, local: bool) -> Voice:
    """Speaks the language of the voice with the largest share."""
    first = max(blend, key=lambda part: part[1])[0]
    options: dict[str, Value] = {"blend": blends.written(blend)}
    assets = () if local else tuple(dict.fromkeys(each for voice, _ in blend for each in _assets(voice)))
    return Voice(name, (language_of(first).tag,), name, options=options, attribution=ATTRIBUTION, assets=assets)


def _assets(voice: str) -> tuple[Asset, ...]:
    """The hub's own checksums are trusted."""
    models = (Asset(REPOSITORY, path, option="model", value=value) for value, path in MODELS.items())
    return (*models, Asset(REPOSITORY, f"voices/{voice}.bin", bytes=RAW_BYTES))
