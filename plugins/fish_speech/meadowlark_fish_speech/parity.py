"""This plugin against what upstream computed: the models' side of `script/bench parity` and of the tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor

from meadowlark.kit.parity import Check, equal, within
from meadowlark.kit.precision import Bits, Plan
from meadowlark.kit.stream import State
from meadowlark.kit.weights import Weights, write

from . import codec
from .config import config_of
from .generate import Eager, Speaker, Speech
from .model import JOINS, KNOWN, TABLE, DualAR, Tokens
from .ort_speaker import OrtSpeaker
from .sampler import FrameNoise, Manner, Sampler

LOGITS = 2e-5
AUDIO = 2e-6
PIECES = (1, 2, 4, 7)


class Recorded:
    """The noise that upstream drew; for a run without any, of which each draw has one choice, the middle."""

    def __init__(self, trace: Mapping[str, Tensor], run: str, *, uniform: bool, rows: Tensor | None = None) -> None:
        """uniform: recorded before it was made exponential (S2). rows: of the main head, where it is not whole."""
        self._trace, self._run, self._uniform, self._rows = trace, run, uniform, rows
        self._frame = -1

    def frame(self, codes: int) -> FrameNoise:
        self._frame += 1
        main, again = (self._take(name, self._rows) for name in ("noise_slow", "noise_ras"))
        if (noise := self._trace.get(f"{self._run}.noise_fast")) is None:
            return FrameNoise(main, again, (main,) * codes)
        return FrameNoise(main, again, tuple(self._exponential(each) for each in self._now(noise)))

    def _take(self, name: str, rows: Tensor | None) -> Tensor:
        noise = self._trace.get(f"{self._run}.{name}")
        if noise is None:
            return torch.full((1, 1), 0.5)
        frame = self._now(noise)
        return self._exponential(frame if rows is None else frame[rows])

    def _now(self, noise: Tensor) -> Tensor:
        """Who draws ahead asks for more frames than were recorded, and forgets them."""
        return noise[min(self._frame, len(noise) - 1)]

    def _exponential(self, noise: Tensor) -> Tensor:
        return (-torch.log(noise) if self._uniform else noise)[None]


@dataclass(slots=True)
class _Listening:
    """A sampler that keeps the logits it was given, before it changes them."""

    sampler: Sampler
    main_logits: list[Tensor]
    code_logits: list[Tensor]

    def main(self, logits: Tensor) -> Tensor:
        self.main_logits.append(logits)
        return self.sampler.main(logits)

    def code(self, place: int, logits: Tensor) -> Tensor:
        self.code_logits.append(logits)
        return self.sampler.code(place, logits)

    def remember(self, row: Tensor, frame: Tensor, who: Tensor | None = None) -> None:
        self.sampler.remember(row, frame, who)


@dataclass(frozen=True, slots=True)
class _Run:
    """One recorded run, ready to be repeated."""

    name: str
    network: DualAR
    manner: Manner
    noise: Recorded
    prompt: Tensor
    wanted: Tensor  # (11, frames)
    rows: Tensor | None
    """Vocabulary ids of the main head, where it is not whole."""

    most: int
    """Frames to ask for: one more than was recorded, unless it was upstream's limit that ended it."""


def _opened(
    file: Path,
    model: Mapping[str, Any],
    tokens: Mapping[str, int],
    run: str,
    settings: Mapping[str, Any],
    trace: Mapping[str, Tensor],
) -> _Run:
    config = config_of(model)
    known = Tokens(tokens["semantic_begin_id"], tokens["semantic_end_id"], tokens["im_end"])
    whole = config.generation != "s2"  # the others draw from the whole vocabulary
    weights = Weights([file], TABLE, JOINS)
    network = DualAR(weights, config, known, Plan(), whole_head=whole)
    weights.finish(KNOWN)
    if (row := trace.get(f"{run}.output_row_im_end")) is not None:
        network.head.weight[known.stop] = row  # type: ignore[attr-defined]
    rows = None if whole else network.row_tokens
    manner = Manner(
        settings["temperature"],
        settings["top_p"],
        settings.get("repetition_penalty", 1.0),
        settings.get("top_k", 0),
    )
    wanted = trace[f"{run}.tokens"].long()
    noise = Recorded(trace, run, uniform=not whole, rows=rows)
    ended = row is not None or bool(settings.get("stopped"))
    prompt, most = trace[f"{run}.prompt"].long(), wanted.shape[1] + int(ended)
    return _Run(run, network, manner, noise, prompt, wanted, rows, most)


def language_checks(
    file: Path,
    model: Mapping[str, Any],
    tokens: Mapping[str, int],
    run: str,
    settings: Mapping[str, Any],
    trace: Mapping[str, Tensor],
    graphs: Path | None = None,
) -> list[Check]:
    """One run of the language model: tokens equal, logits close. graphs: a folder for those of ONNX Runtime, which then
    compute it; else torch does."""
    opened = _opened(file, model, tokens, run, settings, trace)
    name, speaker = run, cast(Speaker, Eager(opened.network))
    if graphs is not None:
        name = f"{run} by ONNX Runtime,"
        speaker = _graphs_of(file, opened, trace.get(f"{run}.output_row_im_end"), graphs)
    listening = _Listening(speaker.sampler(opened.manner, opened.noise, as_published=True), [], [])
    frames = torch.stack(list(Speech(speaker, opened.prompt, listening, opened.most)), dim=1)
    slow, fast = trace[f"{run}.slow_logits"], trace[f"{run}.fast_logits"]
    main = torch.cat(listening.main_logits)[: slow.shape[0]]
    drawn = opened.network.config.codebooks - 1
    codes = torch.cat(listening.code_logits)[: drawn * fast.shape[0]].unflatten(0, (-1, drawn))
    return [
        equal(f"{name} tokens", frames, opened.wanted),
        within(f"{name} main logits", main, slow if opened.rows is None else slow[:, opened.rows], LOGITS),
        within(f"{name} code logits", codes, fast[:, 1:, : codes.shape[-1]], LOGITS),
    ]


def _graphs_of(file: Path, opened: _Run, stop_row: Tensor | None, folder: Path) -> Speaker:
    """The same model by ONNX Runtime, in float32."""
    if stop_row is not None:
        tensors = load_file(file)
        tensors["output.weight"][opened.network.tokens.stop] = stop_row
        file = folder / f"{opened.name}.safetensors"
        write(tensors, file)
    whole = len(opened.network.row_tokens) == opened.network.config.vocabulary
    config, tokens = opened.network.config, opened.network.tokens
    return OrtSpeaker(Weights([file], TABLE, JOINS), config, tokens, Bits.FULL, folder, threads=1, whole_head=whole)


def token_checks(
    file: Path,
    model: Mapping[str, Any],
    tokens: Mapping[str, int],
    run: str,
    settings: Mapping[str, Any],
    trace: Mapping[str, Tensor],
    speaker: Callable[[DualAR], Speaker],
) -> list[Check]:
    """One run as another `Speaker` computes it: tokens equal."""
    opened = _opened(file, model, tokens, run, settings, trace)
    speaks = speaker(opened.network)
    sampler = speaks.sampler(opened.manner, opened.noise, as_published=True)
    frames = torch.stack(list(Speech(speaks, opened.prompt, sampler, opened.most)), dim=1)
    return [equal(f"{run} tokens", frames, opened.wanted)]


def codec_checks(decoder: codec.Decoder, trace: Mapping[str, Tensor], encoder: codec.Encoder | None) -> list[Check]:
    """The codec whole, in pieces, and backwards."""
    codes = trace["codes"].long()
    whole = decoder.decode(codes)
    checks = [within("audio", whole, trace["audio"], AUDIO)]
    for size in PIECES:
        state = State()
        parts = [decoder.decode(codes[:, :, at : at + size], state) for at in range(0, codes.shape[2], size)]
        checks.append(within(f"audio in pieces of {size}", torch.cat(parts, dim=2), whole, AUDIO))
    if encoder is not None:
        checks.append(equal("codes of a sound", encoder.encode(trace["enc.wav"]), trace["enc.codes"].long()))
    return checks
