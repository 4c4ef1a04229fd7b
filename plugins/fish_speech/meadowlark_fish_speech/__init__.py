"""Fish-Speech: OpenAudio S1-mini, S2-pro and Fish-Speech 1.5, heard from their first frames.

Light: knows files' names and reads no weights; the work is done in `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from meadowlark.api import Asset, Attribution, EngineManifest, Value, Voice, hookimpl
from meadowlark.kit.references import find

from . import settings
from .markers import S1_MARKERS, S2_MARKERS

RATE = 44100

LANGUAGES = [
    "en-US",
    "zh-CN",
    "ja-JP",
    "de-DE",
    "fr-FR",
    "es-ES",
    "ko-KR",
    "ar-SA",
    "ru-RU",
    "nl-NL",
    "it-IT",
    "pl-PL",
    "pt-BR",
]  # of S1 and 1.5; S2 knows 80 more

TIMBRES = {"one": 1, "two": 2, "three": 3, "four": 4}
"""Voices without a reference: the models have none of their own and draw a timbre each time, so a seed names it."""

_S1_FILES = ("config.json", "model.pth", "codec.pth", "tokenizer.tiktoken", "special_tokens.json")
_S2_FILES = (
    "config.json",
    "model.safetensors.index.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "codec.pth",
    "tokenizer.json",
)

_V15_FILES = (
    "config.json",
    "model.pth",
    "firefly-gan-vq-fsq-8x1024-21hz-generator.pth",
    "tokenizer.tiktoken",
    "special_tokens.json",
)


@hookimpl
def register_engines(register: Callable[[EngineManifest], None]) -> None:
    """Register an engine per generation: their markers differ."""
    for manifest in (s1(), s2(), v15()):
        register(manifest)


@hookimpl
def register_voices(register: Callable[[str, Voice], None], voice_dir: Path) -> None:
    """Register each reference voice of the user's; raises VoiceReferenceError in the end for those without text."""
    found = find(voice_dir / "references")
    for reference in found.usable:
        for engine in ("fish_speech", "fish_speech_s2", "fish_speech_15"):
            register(
                engine,
                Voice(
                    id=reference.name,
                    languages=(reference.language,) if reference.language else tuple(LANGUAGES),
                    options={"reference": str(reference.audio)},
                    attribution=Attribution(reference.origin) if reference.origin else None,
                ),
            )
    found.complain()


@hookimpl
def check_options(options: Mapping[str, Value]) -> None:
    """Raise OptionError for what Fish-Speech cannot do."""
    settings.check(options)


def s1() -> EngineManifest:
    """OpenAudio S1-mini."""
    return EngineManifest(
        id="fish_speech",
        title="Fish-Speech S1-mini",
        license="Apache-2.0 AND CC-BY-NC-SA-4.0",  # the code; the weights, which are not to be used commercially
        pipeline="meadowlark_fish_speech.pipeline:FishPipeline",
        sample_rate=RATE,
        voices=_voices(),
        markers=S1_MARKERS,
        memory={"cpu": 2_700_000_000, "cuda": 3_300_000_000},  # cuda: 1.4 weights, 0.4 codec, 0.9 four places, CUDA's
        preload=("torch",),
        assets=tuple(Asset("fishaudio/s1-mini", path, license="CC-BY-NC-SA-4.0") for path in _S1_FILES),
        streaming=True,
        cloning=True,
        max_batch=4,
        samples=True,
        attribution=Attribution("Fish Audio", "https://huggingface.co/fishaudio/s1-mini"),
        description="Expressive, 13 languages, 66 markers; wants an NVIDIA GPU. Weights: non-commercial, on request",
    )


def s2() -> EngineManifest:
    """S2-pro."""
    return EngineManifest(
        id="fish_speech_s2",
        title="Fish-Speech S2-pro",
        license="Apache-2.0 AND LicenseRef-Fish-Audio-Research",
        pipeline="meadowlark_fish_speech.pipeline:FishPipeline",
        sample_rate=RATE,
        voices=_voices(),
        markers=S2_MARKERS,
        memory={"cuda": 11_300_000_000},  # 9.1 weights, 0.4 codec, 1.2 four places, CUDA's
        preload=("torch",),
        assets=tuple(Asset("fishaudio/s2-pro", path, license="LicenseRef-Fish-Audio-Research") for path in _S2_FILES),
        streaming=True,
        cloning=True,
        max_batch=4,
        samples=True,
        attribution=Attribution("Fish Audio", "https://huggingface.co/fishaudio/s2-pro"),
        description="Expressive, 80 languages, 66 markers; wants an NVIDIA GPU of 12 GB. Weights: research only",
    )


def v15() -> EngineManifest:
    """Fish-Speech 1.5. It was never taught markers; a text that has some is spoken without them."""
    return EngineManifest(
        id="fish_speech_15",
        title="Fish-Speech 1.5",
        license="Apache-2.0 AND CC-BY-NC-SA-4.0",
        pipeline="meadowlark_fish_speech.pipeline:FishPipeline",
        sample_rate=RATE,
        voices=_voices(),
        markers=(),
        memory={"cpu": 2_000_000_000, "cuda": 2_000_000_000},
        preload=("torch",),
        assets=tuple(Asset("fishaudio/fish-speech-1.5", path, license="CC-BY-NC-SA-4.0") for path in _V15_FILES),
        streaming=True,
        cloning=True,
        max_batch=4,
        samples=True,
        attribution=Attribution("Fish Audio", "https://huggingface.co/fishaudio/fish-speech-1.5"),
        description="13 languages, no markers, the smallest of the three; wants an NVIDIA GPU. Weights: non-commercial",
    )


def _voices() -> tuple[Voice, ...]:
    return tuple(
        Voice(name, tuple(LANGUAGES), name=name.title(), options={"timbre": seed}) for name, seed in TIMBRES.items()
    )
