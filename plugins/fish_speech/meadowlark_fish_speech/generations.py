"""What differs between 1.5, S1 and S2 beyond the numbers in a config.json: prompt, sampling, text, codec, licence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from meadowlark.kit.precision import Plan
from meadowlark.kit.stream import State
from meadowlark.kit.weights import Table, Weights

from . import codec, codec_packed, firefly
from .prompt import Prompt, Sample, s1_prompt, s2_prompt, v15_prompt
from .sampler import S1_MANNER, S2_MANNER, V15_MANNER, Manner
from .text import cleaned
from .tokenizer import Tokenizer


class Decoder(Protocol):
    """Codes to sound."""

    @property
    def places(self) -> int:
        """Codes a frame."""

    def decode(self, codes: Tensor, state: State | None = None) -> Tensor:
        """(B, N, T) → (B, 1, T · 2048); with a state, the next T frames of its stream."""


class Encoder(Protocol):
    """Sound to codes."""

    def encode(self, audio: Tensor) -> Tensor:
        """(B, 1, samples) → (B, N, T)."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How codes become sound and sound becomes codes."""

    files: tuple[str, ...]
    """In the repository, the published one first."""

    table: Table
    decoder: Callable[[Weights, Plan], Decoder]
    encoder: Callable[[Weights, Plan], Encoder]
    version: str
    """Of what the encoder gives: references are encoded anew for another."""


DAC = Codec(("codec.pth", "codec.safetensors"), codec.TABLE, codec_packed.decoder, codec_packed.encoder, "dac-1")
FIREFLY = Codec(
    (firefly.FIREFLY_FILE, firefly.FIREFLY_FILE.replace(".pth", ".safetensors")),
    firefly.TABLE,
    firefly.Decoder,
    firefly.Encoder,
    "firefly-1",
)


@dataclass(frozen=True, slots=True)
class Generation:
    """One of the models."""

    name: str
    """As `ModelConfig.generation` has it."""

    engine: str
    repository: str
    gated: bool
    """Whether its makers must be asked before the files can be downloaded."""

    write: Callable[[Tokenizer, str, Sequence[Sample], int], Prompt]
    manner: Manner
    codec: Codec
    piece_bytes: int
    """Of text that is spoken in one go; the core sends 400 characters, which may have more bytes."""

    marks: bool
    """Whether markers are written into the text; what does not know them would read them out."""

    needs: tuple[str, ...]
    """Special tokens of its prompts."""

    clean: Callable[[str], str] = str


CHAT = ("<|im_start|>", "<|voice|>")

GENERATIONS = (
    Generation(
        "s1", "fish_speech", "fishaudio/s1-mini", True, s1_prompt, S1_MANNER, DAC, 400, True, ("<|interleave|>",)
    ),
    Generation("s2", "fish_speech_s2", "fishaudio/s2-pro", True, s2_prompt, S2_MANNER, DAC, 400, True, CHAT),
    Generation(
        "1.5",
        "fish_speech_15",
        "fishaudio/fish-speech-1.5",
        False,
        v15_prompt,
        V15_MANNER,
        FIREFLY,
        200,  # what it was trained to speak at once: its own server cuts at 150 to 200
        False,
        CHAT,
        cleaned,
    ),
)


def of_engine(engine: str) -> Generation:
    """S1 for an engine with a name of somebody's own."""
    return next((each for each in GENERATIONS if each.engine == engine), GENERATIONS[0])


def named(name: str) -> Generation:
    """By the name in a ModelConfig."""
    return next(each for each in GENERATIONS if each.name == name)
