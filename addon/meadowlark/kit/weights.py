"""Weights from files: memory-mapped, renamed by a table, each taken once, what is missing or left over is named.

safetensors are mapped as they are. A `.pth` is read with `weights_only` (a pickle may run code; tensors cannot) and
written as safetensors once, without what the table leaves out. Knows nothing of any model.
"""

from __future__ import annotations

import json
import logging
import os
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_LOGGER = logging.getLogger(__name__)

Table = Sequence[tuple[str, str | None]]
"""(pattern, name): the first pattern that matches the whole of a name in a file gives the name here, as re.sub does;
None: not wanted. A name that no pattern matches stays as it is."""

SHOWN = 6
"""Names in an error, before "and 17 more"."""


class WeightsError(ValueError):
    """A checkpoint cannot be used: names the file and the tensor."""


class Weights:
    """The tensors of one checkpoint, under the names that the model uses."""

    def __init__(self, files: Iterable[Path], table: Table = ()) -> None:
        """Open safetensors files. Raises WeightsError for one that is truncated or none at all, OSError."""
        self.files = tuple(files)
        self._where: dict[str, tuple[Any, str, Path]] = {}
        self._taken: set[str] = set()
        for path in self.files:
            _check_whole(path)
            try:
                handle = safe_open(path, framework="pt")  # type: ignore[no-untyped-call]
            except SafetensorError as error:
                raise WeightsError(f"{path.name} is not a safetensors file: {error}; download it again") from error
            for original in handle.keys():  # noqa: SIM118  not a mapping
                name = renamed(original, table)
                if name is not None:
                    self._where[name] = (handle, original, path)

    def __contains__(self, name: str) -> bool:
        return name in self._where

    def shape(self, name: str) -> tuple[int, ...]:
        """Without reading the tensor. Raises WeightsError."""
        handle, original, _ = self._find(name)
        return tuple(handle.get_slice(original).get_shape())

    def take(self, name: str, shape: Sequence[int] | None = None) -> Tensor:
        """A tensor that still lies in the file; copy what shall be changed. Raises WeightsError."""
        handle, original, path = self._find(name)
        tensor: Tensor = handle.get_tensor(original)
        if shape is not None and tuple(tensor.shape) != tuple(shape):
            raise WeightsError(
                f"{path.name}: {original} has the shape {tuple(tensor.shape)} where the configuration says "
                f"{tuple(shape)}: it belongs to another model"
            )
        self._taken.add(name)
        return tensor

    def finish(self) -> None:
        """Raises WeightsError when there is a tensor that nobody has taken: it is another model's."""
        left = sorted(name for name in self._where if name not in self._taken)
        if left:
            raise WeightsError(f"{self._names()} holds tensors that the model does not have: {_some(left)}")

    def _find(self, name: str) -> tuple[Any, str, Path]:
        if name not in self._where:
            raise WeightsError(
                f"{self._names()} has no tensor {name}: it is another model's, or only a part was downloaded"
            )
        return self._where[name]

    def _names(self) -> str:
        return ", ".join(path.name for path in self.files) or "the checkpoint"


def renamed(name: str, table: Table) -> str | None:
    """The name under which a tensor is known here; None = not wanted."""
    for pattern, ours in table:
        if match := re.fullmatch(pattern, name):
            return None if ours is None else match.expand(ours)
    return name


def open_weights(files: Sequence[Path], table: Table = (), cache_dir: Path | None = None) -> Weights:
    """Weights of safetensors files or of one `.pth`. Raises WeightsError, OSError."""
    if len(files) == 1 and files[0].suffix in {".pth", ".pt", ".ckpt"}:
        return Weights((converted(files[0], table, cache_dir),))
    return Weights(files, table)


def converted(pickle: Path, table: Table = (), cache_dir: Path | None = None) -> Path:
    """The same tensors as safetensors: beside the file, else in `cache_dir`; written once for each content.

    Raises WeightsError for a truncated file or one that holds more than tensors.
    """
    status = pickle.stat()
    stamp = f"{status.st_size} {status.st_mtime_ns} {table!r}"
    places = [pickle.with_name(f"{pickle.stem}.converted.safetensors")]
    if cache_dir is not None:
        places.append(cache_dir / f"{pickle.stem}.converted.safetensors")
    for place in places:
        if place.is_file() and _stamp(place) == stamp:
            return place
    tensors = _tensors_of(pickle, table)
    failure: OSError | None = None
    for place in places:
        part = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, part, metadata={"stamp": stamp})
            part.replace(place)
        except (OSError, SafetensorError) as error:  # a read-only folder, a full disk
            part.unlink(missing_ok=True)
            failure = error if isinstance(error, OSError) else OSError(str(error))
            continue
        _LOGGER.info("Converted %s to %s", pickle.name, place)
        return place
    raise failure or OSError(f"nowhere to write {pickle.stem}.converted.safetensors")


def write(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write safetensors to a temporary name and rename it, so that nobody ever reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(dict(tensors), part, metadata=dict(metadata or {}))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _tensors_of(pickle: Path, table: Table) -> dict[str, Tensor]:
    try:
        content = torch.load(pickle, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch raises RuntimeError, UnpicklingError, EOFError, KeyError …
        raise WeightsError(
            f"{pickle.name} cannot be read ({_first_line(error)}): it is truncated or holds more than tensors; "
            "download it again"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(each, Tensor) for each in content.values()):
        raise WeightsError(f"{pickle.name} is not a table of tensors")
    found: dict[str, Tensor] = {}
    for original, tensor in content.items():
        name = renamed(original, table)
        if name is not None:
            found[name] = tensor.detach().clone() if _shares(tensor) else tensor.detach().contiguous()
    return found


def _shares(tensor: Tensor) -> bool:
    """Whether a tensor is a view of a larger one, which safetensors refuses to write."""
    return tensor.untyped_storage().nbytes() != tensor.numel() * tensor.element_size()


def _check_whole(path: Path) -> None:
    """Name the first tensor that a truncated file lacks. Raises WeightsError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 2 <= length <= size - 8:
            raise WeightsError(f"{path.name} is not a whole safetensors file: {size} bytes; download it again")
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise WeightsError(f"{path.name} is not a safetensors file; download it again") from error
    for name, entry in header.items():
        if name != "__metadata__" and entry["data_offsets"][1] > size - 8 - length:
            raise WeightsError(f"{path.name} is truncated: it ends within {name}; download it again")


def _stamp(path: Path) -> str:
    try:
        with safe_open(path, framework="pt") as handle:  # type: ignore[no-untyped-call]
            return str((handle.metadata() or {}).get("stamp", ""))
    except (SafetensorError, OSError):
        return ""


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
