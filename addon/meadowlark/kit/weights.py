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
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .downloads import mistaken

_LOGGER = logging.getLogger(__name__)

Table = Sequence[tuple[str, str | None]]
"""(pattern, name): the first pattern that matches the whole of a name in a file gives the name here, as re.sub does;
None: not wanted. A name that no pattern matches stays as it is."""

Joins = Sequence[tuple[str, tuple[str, ...]]]
"""(pattern, parts): a tensor that no file has and whose name matches is these, one below the other, as re.sub names
them: older checkpoints keep apart what newer ones have in one."""

FLOATS = frozenset({torch.float32, torch.bfloat16, torch.float16, torch.float64})
"""What a model's weights may be; others were quantized by another program, whose scales mean nothing here."""

SHOWN = 6
"""Names in an error, before "and 17 more"."""


class WeightsError(ValueError):
    """A checkpoint cannot be used: names the file and the tensor."""


class Weights:
    """The tensors of one checkpoint, under the names that the model uses."""

    def __init__(
        self, files: Iterable[Path], table: Table = (), joins: Joins = (), within: str = "", called: str = ""
    ) -> None:
        """Open safetensors files. Raises WeightsError for one that is truncated or none at all, OSError.

        within: where any name in the files has this in it, only such names count, and without it (`generator.`).
        called: what errors name in place of the files, where they were made of another.
        """
        self.files = tuple(files)
        self._called = called
        self._joins = joins
        self._where: dict[str, tuple[Any, str, Path]] = {}
        self._taken: set[str] = set()
        for path in self.files:
            _check_whole(path)
            try:
                handle = safe_open(path, framework="pt")  # type: ignore[no-untyped-call]
            except SafetensorError as error:
                raise WeightsError(f"{path.name} is not a safetensors file: {error}; download it again") from error
            for original, name in named(handle.keys(), table, within).items():
                self._where[name] = (handle, original, path)

    def __contains__(self, name: str) -> bool:
        return name in self._where or self._parts(name) != ()

    def numbered(self, prefix: str) -> int:
        """How many layers there are from `prefix`.0 to the last one, though a tensor of one of them be missing."""
        found = (re.match(rf"{re.escape(prefix)}\.(\d+)\.", name) for name in self._where)
        return max((int(each[1]) + 1 for each in found if each), default=0)

    def shape(self, name: str) -> tuple[int, ...]:
        """Without reading the tensor. Raises WeightsError."""
        if parts := self._parts(name):
            shapes = [self.shape(part) for part in parts]
            return sum(shape[0] for shape in shapes), *shapes[0][1:]
        handle, original, _ = self._find(name)
        return tuple(handle.get_slice(original).get_shape())

    def take(self, name: str, shape: Sequence[int] | None = None) -> Tensor:
        """A tensor that still lies in the file; copy what shall be changed. Raises WeightsError."""
        if parts := self._parts(name):
            return self._fitting(
                torch.cat([self.take(part) for part in parts]), shape, " + ".join(parts), self._names()
            )
        handle, original, path = self._find(name)
        tensor: Tensor = handle.get_tensor(original)
        file = self._called or path.name
        if tensor.dtype not in FLOATS:
            raise WeightsError(
                f"{file}: {original} is {str(tensor.dtype).removeprefix('torch.')} where the model has floats: it was "
                "quantized by another program; download the original"
            )
        tensor = self._fitting(tensor, shape, original, file)
        self._taken.add(name)
        return tensor

    def finish(self, known: str = ".*") -> None:
        """Raises WeightsError when there is a tensor that nobody has taken: it is another model's.

        known: what this model's names look like. Others are told of and left alone: nothing is missing without them.
        """
        left = sorted(name for name in self._where if name not in self._taken)
        if own := [name for name in left if re.fullmatch(known, name)]:
            raise WeightsError(
                f"{self._names()} holds tensors that the model does not have: {_some(own)}; the configuration beside "
                "it belongs to another model"
            )
        if left:
            _LOGGER.warning("%s holds tensors that nothing here uses: %s", self._names(), _some(left))

    def _parts(self, name: str) -> tuple[str, ...]:
        """The tensors that a tensor is made of; none where it is in a file, or where one of them is not."""
        if name in self._where:
            return ()
        for pattern, parts in self._joins:
            if match := re.fullmatch(pattern, name):
                names = tuple(match.expand(part) for part in parts)
                return names if all(each in self._where for each in names) else ()
        return ()

    @staticmethod
    def _fitting(tensor: Tensor, shape: Sequence[int] | None, original: str, file: str) -> Tensor:
        if shape is not None and tuple(tensor.shape) != tuple(shape):
            raise WeightsError(
                f"{file}: {original} has the shape {tuple(tensor.shape)} where the configuration says "
                f"{tuple(shape)}: it belongs to another model"
            )
        return tensor

    def _find(self, name: str) -> tuple[Any, str, Path]:
        if name not in self._where:
            held = f" (it holds {_some(sorted(self._where))})" if self._where else " (it holds nothing)"
            raise WeightsError(
                f"{self._names()} has no tensor {name}{held}: it is another model's, or only a part was downloaded"
            )
        return self._where[name]

    def _names(self) -> str:
        return self._called or ", ".join(path.name for path in self.files) or "the checkpoint"


def renamed(name: str, table: Table) -> str | None:
    """The name under which a tensor is known here; None = not wanted."""
    for pattern, ours in table:
        if match := re.fullmatch(pattern, name):
            return None if ours is None else match.expand(ours)
    return name


def named(originals: Iterable[str], table: Table, within: str = "") -> dict[str, str]:
    """Name in a file → name here, of those that are wanted."""
    originals = list(originals)
    if within and any(within in each for each in originals):
        inner = {each: each.replace(within, "", 1) for each in originals if within in each}
    else:
        inner = {each: each for each in originals}
    return {each: name for each, short in inner.items() if (name := renamed(short, table)) is not None}


def open_weights(
    files: Sequence[Path], table: Table = (), cache_dir: Path | None = None, joins: Joins = (), within: str = ""
) -> Weights:
    """Weights of safetensors files or of one `.pth`. Raises WeightsError, OSError."""
    if len(files) == 1 and files[0].suffix in {".pth", ".pt", ".ckpt"}:
        return Weights((converted(files[0], table, cache_dir, within),), (), joins, called=files[0].name)
    return Weights(files, table, joins, within)


def converted(pickle: Path, table: Table = (), cache_dir: Path | None = None, within: str = "") -> Path:
    """The same tensors as safetensors: beside the file, else in `cache_dir`; written once for each content.

    Raises WeightsError for a truncated file or one that holds more than tensors.
    """
    status = pickle.stat()
    stamp = f"{status.st_size} {status.st_mtime_ns} {table!r} {within}"
    places = [pickle.with_name(f"{pickle.stem}.converted.safetensors")]
    if cache_dir is not None:
        places.append(cache_dir / f"{pickle.stem}.converted.safetensors")
    for place in places:
        if place.is_file() and _stamp(place) == stamp:
            return place
    tensors = _tensors_of(pickle, table, within)
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


def _tensors_of(pickle: Path, table: Table, within: str) -> dict[str, Tensor]:
    if wrong := mistaken(pickle):
        raise WeightsError(wrong)
    try:
        content = torch.load(pickle, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(pickle))
    except Exception as error:  # torch raises RuntimeError, UnpicklingError, EOFError, KeyError …
        raise WeightsError(f"{pickle.name} cannot be read: {_reason(pickle, error)}") from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise WeightsError(
            f"{pickle.name} is not a table of tensors but a {type(content).__name__}: it is no checkpoint"
        )
    if others := sorted(str(name) for name, each in content.items() if not isinstance(each, Tensor)):
        raise WeightsError(
            f"{pickle.name} is not a table of tensors: {_some(others)} are none; it is another model's checkpoint"
        )
    found: dict[str, Tensor] = {}
    stored: set[int] = set()
    for original, name in named(map(str, content), table, within).items():
        tensor = content[original].detach()
        tied = tensor.data_ptr() in stored
        found[name] = tensor.clone() if tied or _is_view(tensor) else tensor.contiguous()
        stored.add(tensor.data_ptr())
    return found


def _reason(pickle: Path, error: Exception) -> str:
    """What is wrong with a file that torch does not read, and what to do."""
    if found := re.search(r"(?:Unsupported global: GLOBAL|Trying to load unsupported GLOBAL) (\S+)", str(error)):
        return (
            f"it holds objects of a program ({found[1]}), not only tensors: it is another model's checkpoint, and "
            "might run code"
        )
    with pickle.open("rb") as file:
        begins = file.read(2)
    if begins == b"PK" and not zipfile.is_zipfile(pickle):
        return f"it is truncated ({pickle.stat().st_size:,} bytes are there, its end is not); download it again"
    return f"{_first_line(error)}; it is truncated or no checkpoint: download it again"


def _is_view(tensor: Tensor) -> bool:
    """Whether a tensor is a view of a larger one, which safetensors refuses to write."""
    return tensor.untyped_storage().nbytes() != tensor.numel() * tensor.element_size()


def _check_whole(path: Path) -> None:
    """Name the first tensor that a truncated file lacks. Raises WeightsError."""
    if wrong := mistaken(path):
        raise WeightsError(wrong)
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
    try:
        ends = {name: int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"}
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise WeightsError(f"{path.name} is not a safetensors file; download it again") from error
    for name, end in ends.items():
        if end > size - 8 - length:
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
