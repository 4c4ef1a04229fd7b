"""The files of a checkpoint, wherever they lie: what the model store found, else a folder of the user's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from meadowlark.kit.downloads import mistaken
from meadowlark.kit.precision import Plan
from meadowlark.kit.weights import Weights, WeightsError, open_weights

from .config import ModelConfig, read_config
from .generations import Decoder, Encoder, Generation, named
from .model import JOINS, KNOWN, TABLE, DualAR, Tokens
from .tokenizer import S1Tokenizer, S2Tokenizer, Tokenizer

INDEX = "model.safetensors.index.json"


class CheckpointError(ValueError):
    """A checkpoint is not whole: names the file and how to get it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Paths by their names in the repository, with "/" between folders."""

    files: Mapping[str, Path]
    cache_dir: Path
    """For what is converted, where a model's own folder cannot be written."""

    generation: Generation

    @classmethod
    def find(
        cls, files: Mapping[str, str], folders: tuple[Path, ...], cache_dir: Path, generation: Generation
    ) -> Checkpoint:
        """What was found for the engine, else the first folder with a config.json. Raises CheckpointError."""
        if "config.json" in files:
            return cls({name: Path(path) for name, path in files.items()}, cache_dir, generation)
        for folder in folders:
            if (folder / "config.json").is_file():
                found = {path.name: path for path in folder.iterdir() if path.is_file()}
                return cls(found, cache_dir, generation)
        raise CheckpointError(_how_to_get(generation, folders[0]))

    def path(self, name: str) -> Path:
        """A file that is what its name says, as far as its beginning tells. Raises CheckpointError."""
        if name not in self.files:
            raise CheckpointError(f"{name} of {self.generation.repository} is missing; put it beside config.json")
        try:
            wrong = mistaken(self.files[name])
        except OSError as error:
            raise CheckpointError(f"{name} of {self.generation.repository} cannot be read: {error.strerror}") from error
        if wrong:
            raise CheckpointError(wrong)
        return self.files[name]

    def config(self) -> ModelConfig:
        """Raises CheckpointError, ConfigError."""
        config = read_config(self.path("config.json"))
        if config.generation != self.generation.name:
            other = named(config.generation)
            raise CheckpointError(
                f"config.json is that of {other.repository}, and this engine speaks with {self.generation.repository}: "
                f"put the files into the folder of the engine {other.engine}, and use its voices"
            )
        return config

    def tokenizer(self, config: ModelConfig) -> Tokenizer:
        """Raises CheckpointError, TokenizerError."""
        if config.generation != "s2":
            name = "special_tokens.json"
            found: Tokenizer = S1Tokenizer(self.path("tokenizer.tiktoken"), self.path(name))
        else:
            name = "tokenizer.json"
            found = S2Tokenizer(self.path(name), Tokens(config.semantic_begin, config.semantic_end, config.stop))
        if found.size > config.vocabulary:
            raise CheckpointError(
                f"{name} and config.json do not belong together: {found.size} tokens of text, and the model has "
                f"{config.vocabulary}"
            )
        for each in self.generation.needs:
            numbers = found.trusted(each)
            if len(numbers) != 1 or numbers[0] >= config.vocabulary:
                raise CheckpointError(f"{name} has no {each}: it is another model's")
        return found

    def model(self, config: ModelConfig, tokens: Tokens, plan: Plan) -> DualAR:
        """Raises CheckpointError, WeightsError, which names tensor and file."""
        weights = self.model_weights(config, tokens)
        model = DualAR(weights, config, tokens, plan)
        weights.finish(KNOWN)
        return model

    def model_weights(self, config: ModelConfig, tokens: Tokens) -> Weights:
        """Those of both stacks. Raises CheckpointError, WeightsError."""
        count = tokens.semantic_end - tokens.semantic_begin + 1
        if max(tokens.semantic_end, tokens.stop) >= config.vocabulary or count != config.codebook_size:
            raise CheckpointError(
                "tokenizer and config.json do not belong together: the numbers of codes differ "
                f"({count} tokens to {tokens.semantic_end}; {config.codebook_size} codes of {config.vocabulary} tokens)"
            )
        return open_weights(self._model_files(), TABLE, self.cache_dir, JOINS)

    def decoder(self, plan: Plan, codebooks: int | None = None) -> Decoder:
        """codebooks: of the model. Raises CheckpointError, WeightsError."""
        decoder = self.generation.codec.decoder(self.codec_weights(), plan)
        if codebooks is not None and decoder.places != codebooks:
            raise CheckpointError(
                f"{self._codec_name()} has {decoder.places} codebooks and config.json {codebooks}: one of the two is "
                "another model's"
            )
        return decoder

    def encoder(self, plan: Plan) -> Encoder:
        """Raises CheckpointError, WeightsError."""
        return self.generation.codec.encoder(self.codec_weights(), plan)

    def codec_weights(self) -> Weights:
        """Raises CheckpointError, WeightsError."""
        path = self.path(self._codec_name())
        return open_weights([path], self.generation.codec.table, self.cache_dir, within="generator.")

    def _codec_name(self) -> str:
        files = self.generation.codec.files
        return next((each for each in reversed(files) if each in self.files), files[0])

    def _model_files(self) -> list[Path]:
        if INDEX in self.files:
            return [self.path(name) for name in _shards(self.path(INDEX))]
        if "model.safetensors" in self.files:
            return [self.path("model.safetensors")]
        parts = any(re.fullmatch(r"model-\d+-of-\d+\.safetensors", name) for name in self.files)
        return [self.path(INDEX if parts else "model.pth")]


def _shards(index: Path) -> list[str]:
    try:
        names = set(json.loads(index.read_text(encoding="utf-8-sig"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{index.name} is not whole; download it again") from error
    if not names or not all(isinstance(name, str) for name in names):
        raise WeightsError(f"{index.name} names no files; download it again")
    return sorted(names)


def _how_to_get(generation: Generation, folder: Path) -> str:
    page = f"https://huggingface.co/{generation.repository}"
    first = (
        f"ask for access at {page}, set HF_TOKEN to a token of yours"
        if generation.gated
        else f"`meadowlark pull {generation.engine}/one` downloads it from {page}"
    )
    return f"there is no checkpoint of {generation.repository}: {first}, or put its files into {folder}"
