"""Engines and a neighbour that hold real memory, for the residency benches: on a GPU through torch, else in RAM.

`python _ballast.py DEVICE FIRST STEP STEPS PAUSE` is the neighbour: it takes FIRST bytes, then STEP bytes STEPS times
with PAUSE seconds between, prints "ok" or "oom" for each, and keeps them until its standard input ends.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meadowlark.api import Pipeline, Utterance

ROW = 8192
LAYER_BYTES = 64 * 1024 * 1024
"""A weight matrix of 4096 × 8192 in half precision."""


def write_weights(path: Path, size: int) -> None:
    """A safetensors file of random weights: a JSON header behind its length, then the tensors end to end."""
    sizes = [LAYER_BYTES] * (size // LAYER_BYTES)
    if rest := size % LAYER_BYTES // (2 * ROW) * 2 * ROW:
        sizes.append(rest)
    header, offset = {}, 0
    for number, each in enumerate(sizes):
        place = [offset, offset + each]
        header[f"layer.{number}.weight"] = {"dtype": "F16", "shape": [each // 2 // ROW, ROW], "data_offsets": place}
        offset += each
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    # random, yet no NaN and no infinity: the top bit of the exponent of each number is cleared
    noise = bytes(byte & 0xBF if place & 1 else byte for place, byte in enumerate(os.urandom(1 << 16)))
    layer = noise * (LAYER_BYTES >> 16)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for each in sizes:
            file.write(layer[:each])


class Ballast(Pipeline):
    """Loads a safetensors file memory-mapped and speaks a tone. Options: weights (path), rtf."""

    def load(self) -> None:
        """Every weight to the device."""
        self._weights: list[Any] = []
        if path := self.context.options.get("weights"):
            with Path(str(path)).open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            start = 8 + int.from_bytes(mapped[:8], "little")
            header = json.loads(mapped[8:start])
            for tensor in header.values():
                begin, end = tensor["data_offsets"]
                self._weights.append(self._placed(mapped, start + begin, start + end, tensor["shape"]))
        elif self._on_gpu:
            self._weights.append(hold(self.context.device, 1))  # the smallest engine: nothing but the CUDA context

    def warm_up(self) -> None:
        """One multiplication, which brings cuBLAS and its workspace."""
        self._work()

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """A tone of 0.06 s a character, in chunks of 0.1 s, each after its share of work."""
        rtf = float(utterance.options.get("rtf", 0.25))
        samples = int(22050 * 0.06 * len(utterance.text))
        for start in range(0, samples, 2205):
            begun = time.monotonic()
            self._work()
            count = min(2205, samples - start)
            time.sleep(max(0.0, rtf * count / 22050 - (time.monotonic() - begun)))
            yield b"\x00\x10\x00\xf0" * (count // 2) + b"\x00\x10" * (count % 2)

    @property
    def _on_gpu(self) -> bool:
        return self.context.device.startswith("cuda")

    def _placed(self, mapped: mmap.mmap, begin: int, end: int, shape: list[int]) -> Any:
        if not self._on_gpu:
            return bytearray(mapped[begin:end])
        import torch

        weight = torch.frombuffer(mapped, dtype=torch.float16, count=(end - begin) // 2, offset=begin)
        return weight.reshape(shape).to(self.context.device)

    def _work(self) -> None:
        if self._on_gpu and self._weights and len(self._weights[0].shape) == 2:
            import torch

            vector = torch.ones(ROW, 1, dtype=torch.float16, device=self.context.device)
            torch.mm(self._weights[0], vector).sum().item()


def hold(device: str, size: int) -> Any:
    """So many bytes of a device's memory, touched."""
    if not device.startswith("cuda"):
        return bytearray(b"\1") * size
    import torch

    held = torch.empty(size, dtype=torch.uint8, device=device).fill_(1)
    torch.cuda.synchronize()
    return held


def _neighbour(device: str, first: int, step: int, steps: int, pause: float) -> None:
    held: list[Any] = []
    for number in range(steps + 1):
        size = step if number else first
        try:
            held.append(hold(device, size) if size else None)
            print("ok", flush=True)
        except (MemoryError, RuntimeError):  # torch.OutOfMemoryError is a RuntimeError
            print("oom", flush=True)
        time.sleep(pause)
    sys.stdin.read()


if __name__ == "__main__":
    _neighbour(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
