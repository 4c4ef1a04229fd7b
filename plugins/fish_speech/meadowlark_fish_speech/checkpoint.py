"""The files of a checkpoint, wherever they lie: what the model store found, else a folder of the user's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from meadowlark.kit.precision import Plan
from meadowlark.kit.weights import Weights, WeightsError, open_weights

from . import codec
from .config import ModelConfig, read_config
from .model import TABLE, DualAR, Tokens
from .tokenizer import S1Tokenizer, S2Tokenizer, Tokenizer


class CheckpointError(ValueError):
    """A checkpoint is not whole: names the file and how to get it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Paths by their names in the repository, with "/" between folders."""

    files: Mapping[str, Path]
    cache_dir: Path
    """For what is converted, where a model's own folder cannot be written."""

    repository: str

    @classmethod
    def find(cls, files: Mapping[str, str], folders: tuple[Path, ...], cache_dir: Path, repository: str) -> Checkpoint:
        """What was found for the engine, else the first folder with a config.json. Raises CheckpointError."""
        if "config.json" in files:
            return cls({name: Path(path) for name, path in files.items()}, cache_dir, repository)
        for folder in folders:
            if (folder / "config.json").is_file():
                found = {path.name: path for path in folder.iterdir() if path.is_file()}
                return cls(found, cache_dir, repository)
        raise CheckpointError(
            f"there is no checkpoint of {repository}: ask for access at https://huggingface.co/{repository}, set "
            f"HF_TOKEN to a token of yours, or put its files into {folders[0]}"
        )

    def path(self, name: str) -> Path:
        """Raises CheckpointError."""
        if name not in self.files:
            raise CheckpointError(f"{name} of {self.repository} is missing; put it beside config.json")
        return self.files[name]

    def config(self) -> ModelConfig:
        """Raises CheckpointError, ConfigError."""
        return read_config(self.path("config.json"))

    def tokenizer(self, config: ModelConfig) -> Tokenizer:
        """Raises CheckpointError, TokenizerError."""
        if "tokenizer.tiktoken" in self.files:
            return S1Tokenizer(self.files["tokenizer.tiktoken"], self.path("special_tokens.json"))
        known = Tokens(config.semantic_begin, config.semantic_end, config.stop)
        return S2Tokenizer(self.path("tokenizer.json"), known)

    def model(self, config: ModelConfig, tokens: Tokens, plan: Plan) -> DualAR:
        """Raises CheckpointError, WeightsError, which names tensor and file."""
        if tokens.semantic_end >= config.vocabulary or (
            tokens.semantic_end - tokens.semantic_begin + 1 != config.codebook_size
        ):
            raise CheckpointError("tokenizer and config.json do not belong together: the numbers of codes differ")
        weights = open_weights(self._model_files(), TABLE, self.cache_dir)
        model = DualAR(weights, config, tokens, plan)
        weights.finish()
        return model

    def codec_weights(self) -> Weights:
        """Raises CheckpointError, WeightsError."""
        name = "codec.safetensors" if "codec.safetensors" in self.files else "codec.pth"
        return open_weights([self.path(name)], codec.TABLE, self.cache_dir)

    def _model_files(self) -> list[Path]:
        if "model.safetensors.index.json" in self.files:
            try:
                index = json.loads(self.files["model.safetensors.index.json"].read_text(encoding="utf-8"))
                names = sorted(set(index["weight_map"].values()))
            except (ValueError, KeyError) as error:
                raise WeightsError("model.safetensors.index.json is not whole; download it again") from error
            return [self.path(name) for name in names]
        return [self.path("model.safetensors" if "model.safetensors" in self.files else "model.pth")]
