"""Models of random shapes against the same written out plainly: no cache, no batch, one operation after the other.

`Plain` is held against what upstream computed where there is such data, then everything else against `Plain`.
"""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")
pytest.importorskip("onnxruntime", reason="Fish-Speech needs onnxruntime on a CPU: script/setup fish_speech")
pytest.importorskip("onnx", reason="Fish-Speech needs onnx on a CPU: script/setup fish_speech")
from safetensors.torch import load_file
from torch import Tensor

from meadowlark.kit import parity
from meadowlark.kit.precision import Bits, Plan
from meadowlark.kit.tape import Tape
from meadowlark.kit.weights import Weights, write
from meadowlark_fish_speech.batch import choir
from meadowlark_fish_speech.captured import Captured
from meadowlark_fish_speech.config import config_of
from meadowlark_fish_speech.generate import Eager, Speaker, Speech
from meadowlark_fish_speech.model import TABLE, DualAR, Tokens
from meadowlark_fish_speech.ort_speaker import OrtSpeaker
from meadowlark_fish_speech.parity import LOGITS, language_checks, token_checks
from meadowlark_fish_speech.sampler import Manner, RandomNoise

FRAMES = 18
"""Beyond the penalty's window of 16."""


class Plain:
    """A model by its config.json and its tensors under S1's names, in float32; all is computed anew for each frame."""

    def __init__(self, values: dict[str, Any], found: dict[str, Tensor], known: dict[str, int]) -> None:
        self.nested = values["model_type"] == "fish_qwen3_omni"
        self.weights = {_flat(name): tensor.float() for name, tensor in found.items()}
        self.slow = dict(values["text_config"] if self.nested else values)
        if self.nested:
            self.fast, self.codes = dict(values["audio_decoder_config"]), values["audio_decoder_config"]["vocab_size"]
        else:
            names = ("dim", "n_head", "n_local_heads", "head_dim", "intermediate_size", "attention_qk_norm")
            names += ("attention_qkv_bias", "attention_o_bias")
            self.codes = values["codebook_size"]
            self.fast = {**self.slow, "n_layer": values["n_fast_layer"]}
            self.fast |= {name: values[f"fast_{name}"] for name in names if values.get(f"fast_{name}") is not None}
        self.books = (self.fast if self.nested else self.slow)["num_codebooks"]
        self.scaled = self.nested or self.slow.get("scale_codebook_embeddings", False)
        self.normed = self.nested or self.slow.get("norm_fastlayer_input", False)
        self.begin, self.end, self.stop = (known[name] for name in ("semantic_begin_id", "semantic_end_id", "im_end"))
        self.first = not self.nested and (self.scaled or self.books == 10)

    def embedded(self, columns: Tensor) -> Tensor:
        """(1 + books, T) → (T, C)."""
        x = self.weights["embeddings.weight"][columns[0]]
        spoken = (columns[0] >= self.begin) & (columns[0] <= self.end)
        for place, codes in enumerate(columns[1:]):
            x[spoken] += self.weights["codebook_embeddings.weight"][codes[spoken] + place * self.codes]
        if self.scaled:
            x[spoken] /= (self.books + 1) ** 0.5
        return x

    def stack(self, x: Tensor, prefix: str, about: dict[str, Any]) -> Tensor:
        """(T, C) → (T, C), each position seeing those before."""
        heads = about["n_head"]
        groups = heads if about.get("n_local_heads", -1) == -1 else about["n_local_heads"]
        width = about.get("head_dim") or about["dim"] // heads
        eps, base = about.get("norm_eps", 1e-5), about.get("rope_base", 10000)
        for layer in range(about["n_layer"]):
            name = f"{prefix}.{layer}"
            n = _norm(x, self.weights[f"{name}.attention_norm.weight"], eps)
            qkv = n @ self.weights[f"{name}.attention.wqkv.weight"].T
            if about.get("attention_qkv_bias"):
                qkv = qkv + self.weights[f"{name}.attention.wqkv.bias"]
            out = torch.zeros(len(x), heads, width)
            for head in range(heads):
                group = head // (heads // groups)
                query = qkv[:, head * width : (head + 1) * width]
                key = qkv[:, (heads + group) * width : (heads + group + 1) * width]
                value = qkv[:, (heads + groups + group) * width : (heads + groups + group + 1) * width]
                if about.get("attention_qk_norm"):
                    query = _norm(query, self.weights[f"{name}.attention.q_norm.weight"], eps)
                    key = _norm(key, self.weights[f"{name}.attention.k_norm.weight"], eps)
                scores = _turned(query, base) @ _turned(key, base).T / width**0.5
                hidden = torch.ones_like(scores).triu(1).bool()
                out[:, head] = torch.softmax(scores.masked_fill(hidden, float("-inf")), dim=1) @ value
            y = out.flatten(1) @ self.weights[f"{name}.attention.wo.weight"].T
            if about.get("attention_o_bias"):
                y = y + self.weights[f"{name}.attention.wo.bias"]
            x = x + y
            n = _norm(x, self.weights[f"{name}.ffn_norm.weight"], eps)
            gate, up = (n @ self.weights[f"{name}.feed_forward.{each}.weight"].T for each in ("w1", "w3"))
            x = x + (gate * torch.sigmoid(gate) * up) @ self.weights[f"{name}.feed_forward.w2.weight"].T
        return x

    def main_logits(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        """(V,), and what the fast stack begins with."""
        x = self.stack(self.embedded(columns), "layers", self.slow)[-1]
        normed = _norm(x, self.weights["norm.weight"], self.slow.get("norm_eps", 1e-5))
        tied = self.slow.get("tie_word_embeddings", True)
        state = normed if self.normed else x
        if "fast_project_in.weight" in self.weights:
            state = self.weights["fast_project_in.weight"] @ state + self.weights["fast_project_in.bias"]
        return self.weights["embeddings.weight" if tied else "output.weight"] @ normed, state

    def code_logits(self, state: Tensor, codes: list[int]) -> Tensor:
        """Of what follows these codes, (codes,)."""
        x = torch.stack([state, *(self.weights["fast_embeddings.weight"][code] for code in codes)])
        x = self.stack(x, "fast_layers", self.fast)[-1]
        return self.weights["fast_output.weight"] @ _norm(
            x, self.weights["fast_norm.weight"], self.fast.get("norm_eps", 1e-5)
        )

    def run(self, prompt: Tensor, settings: dict[str, Any], noise: dict[str, Tensor] | None) -> dict[str, Tensor]:
        """As published, with its faults: what would have been recorded."""
        columns, frames, slow, fast = prompt, [], [], []
        history = torch.zeros(self.books + 1, FRAMES + 16, dtype=torch.long)
        mains: list[int] = [0] * 10
        for number in range(settings["max_new_tokens"]):
            now = None if noise is None else {name: each[number] for name, each in noise.items()}
            logits, state = self.main_logits(columns)
            slow.append(logits)
            if self.nested:
                main = self.second_way(logits, settings, now, mains if number else None)
            else:
                at = number - 1  # the so-manieth after the first
                window = history[:, :16] if at < 16 else history[:, at - 16 : at]
                before = None if not number else window[:, 0] if self.first else window[0]
                main = _first_way(logits, settings, None if now is None else now["noise_slow"], before)
            codes = [min(max(main - self.begin, 0), self.codes - 1)]
            row = [self.code_logits(state, [])]
            for place in range(1, self.books):
                row.append(self.code_logits(state, codes))
                clock = None if now is None else now["noise_fast"][place - 1]
                if self.nested:
                    code = _draw(row[-1], settings, None if clock is None else -clock.log(), settings["top_k"])
                else:
                    kept = row[-1][:1024] if self.first else row[-1]
                    code = _first_way(kept, settings, clock, window[place + 1] if number else None)
                codes.append(code)
            fast.append(torch.stack(row))
            frame = torch.tensor([main, *codes])
            frames.append(frame)
            columns = torch.cat([columns, frame[:, None]], dim=1)
            if number:
                history[:, number - 1] = frame
                mains = [*mains[1:], main]
                if main == self.stop:
                    break
        return {
            "tokens": torch.stack(frames, dim=1).int(),
            "slow_logits": torch.stack(slow),
            "fast_logits": torch.stack(fast),
        }

    def second_way(
        self, logits: Tensor, settings: dict[str, Any], now: dict[str, Tensor] | None, mains: list[int] | None
    ) -> int:
        allowed = torch.full_like(logits, float("-inf"))
        allowed[self.begin : self.end + 1] = 0
        allowed[self.stop] = 0
        logits = logits + allowed
        clocks = (None, None) if now is None else (-now["noise_slow"].log(), -now["noise_ras"].log())
        main = _draw(logits, settings, clocks[0], settings["top_k"])
        other = _draw(logits, {"temperature": 1.0, "top_p": 0.9}, clocks[1], settings["top_k"])
        return other if mains is not None and main in mains and self.begin <= main <= self.end else main


def _flat(name: str) -> str:
    if name.startswith("text_model.model."):
        return name.removeprefix("text_model.model.")
    if name.startswith("audio_decoder."):
        name = name.removeprefix("audio_decoder.")
        return name if name.startswith("codebook_embeddings.") else f"fast_{name}"
    return name


def _norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return x * (x.square().mean(dim=-1, keepdim=True) + eps).rsqrt() * weight


def _turned(x: Tensor, base: float) -> Tensor:
    """(T, D), pairs of neighbours, by angles rounded to bfloat16."""
    angles = torch.arange(len(x))[:, None] / base ** (torch.arange(0, x.shape[1], 2).float() / x.shape[1])
    cos, sin = (each.bfloat16().float() for each in (angles.cos(), angles.sin()))
    even, odd = x[:, 0::2], x[:, 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=2).flatten(1)


def _first_way(logits: Tensor, settings: dict[str, Any], noise: Tensor | None, before: Tensor | None) -> int:
    if before is not None:
        logits, penalty = logits.clone(), settings["repetition_penalty"]
        scores = logits[before]
        logits[before] = torch.where(scores < 0, scores * penalty, scores / penalty)
    return _draw(logits, settings, noise)


def _draw(logits: Tensor, settings: dict[str, Any], noise: Tensor | None, most: int = 0) -> int:
    """Top-p before the temperature; the token that crosses it is dropped, the first never."""
    ordered, places = logits.sort(descending=True)
    drop = torch.softmax(ordered, dim=0).cumsum(dim=0) > settings["top_p"]
    if most:
        drop |= torch.arange(len(drop)) >= most
    drop[0] = False
    logits = logits.masked_fill(torch.zeros_like(drop).scatter(0, places, drop), float("-inf"))
    chances = torch.softmax(logits / max(settings["temperature"], 1e-5), dim=0)
    return int((chances if noise is None else chances / noise[: len(chances)]).argmax())


class Case:
    """A random model with its prompt, and runs of it."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random, self.generator = random.Random(seed), torch.Generator().manual_seed(seed)
        kind = ("s1", "s2", "1.5")[seed % 3]
        self.nested = kind == "s2"
        pick = self.random.choice
        slow, fast = self._stack(), self._stack()
        if pick([True, False]):
            fast["dim"] = slow["dim"]
        books = 8 if kind == "1.5" else pick([10, 6, 3])
        codes, ranks = pick([30, 257, 1030]), pick([20, 300])
        self.known = {"im_end": ranks + 1, "semantic_begin_id": ranks + 3, "semantic_end_id": ranks + 2 + codes}
        if pick([True, False]):  # the end of speech behind the codes
            self.known["im_end"] = ranks + 3 + codes
        vocabulary = ranks + codes + pick([5, 40])
        tied = pick([True, False])
        if self.nested:
            self.values: dict[str, Any] = {
                "model_type": "fish_qwen3_omni",
                "semantic_start_token_id": self.known["semantic_begin_id"],
                "semantic_end_token_id": self.known["semantic_end_id"],
                "eos_token_id": self.known["im_end"],
                "text_config": {**slow, "vocab_size": vocabulary, "tie_word_embeddings": tied, "max_seq_len": 200},
                "audio_decoder_config": {**fast, "vocab_size": codes, "num_codebooks": books},
            }
        else:
            fast |= {"rope_base": slow["rope_base"], "norm_eps": slow["norm_eps"]}
            given = {name: each for name, each in fast.items() if name not in ("n_layer", "rope_base", "norm_eps")}
            self.values = {
                "model_type": "dual_ar",
                **slow,
                **{f"fast_{name}": each for name, each in given.items()},
                "n_fast_layer": fast["n_layer"],
                "vocab_size": vocabulary,
                "codebook_size": codes,
                "num_codebooks": books,
                "tie_word_embeddings": tied,
                "max_seq_len": 200,
                "norm_fastlayer_input": pick([True, False]),
                "scale_codebook_embeddings": kind == "s1",
            }
        found = self._tensors(slow, fast, vocabulary, books, codes, tied)
        self.file = folder / f"{seed}.safetensors"
        write({self._published(name): tensor for name, tensor in found.items()}, self.file)
        self.plain = Plain(self.values, load_file(self.file), self.known)
        begin = self.known["semantic_begin_id"]
        text = torch.randint(0, ranks, (1, pick([3, 9])), generator=self.generator)
        sound = torch.randint(0, min(codes, 1024), (books, pick([1, 7])), generator=self.generator)
        zeros = torch.zeros(books, text.shape[1], dtype=torch.long)
        self.prompt = torch.cat([torch.cat([text, zeros]), torch.cat([sound[:1] + begin, sound])], dim=1)
        self.prompt = torch.cat([self.prompt, torch.cat([text, zeros])[:, :2]], dim=1)

    def _stack(self) -> dict[str, Any]:
        pick = self.random.choice
        groups = pick([1, 2, 3])
        found = {
            "n_layer": pick([1, 2, 3]),
            "dim": pick([16, 24, 40, 64]),
            "n_local_heads": groups,
            "n_head": groups * pick([1, 2, 3]),
            "head_dim": pick([8, 10, 16, 24, 32]),
            "intermediate_size": pick([16, 40, 96]),
            "attention_qk_norm": pick([True, False]),
            "attention_qkv_bias": pick([True, False]),
            "attention_o_bias": pick([True, False]),
            "rope_base": pick([10000, 1000000, 500.0]),
            "norm_eps": pick([1e-5, 1e-6]),
        }
        if pick([True, False, False]):  # left out: all heads have their own keys
            found["n_head"], found["n_local_heads"] = groups, -1
        return found

    def _tensors(
        self, slow: dict[str, Any], fast: dict[str, Any], vocabulary: int, books: int, codes: int, tied: bool
    ) -> dict[str, Tensor]:
        def new(*shape: int, mean: float = 0.0) -> Tensor:
            scale = 0.2 if len(shape) == 1 else shape[1] ** -0.5
            return torch.randn(*shape, generator=self.generator) * scale + mean

        dim, wide = slow["dim"], fast["dim"]
        found = {
            "embeddings.weight": new(vocabulary, dim),
            "codebook_embeddings.weight": new(books * codes, dim),
            "norm.weight": new(dim, mean=1.0),
            "fast_embeddings.weight": new(codes, wide),
            "fast_output.weight": new(codes, wide),
            "fast_norm.weight": new(wide, mean=1.0),
        }
        if not tied:
            found["output.weight"] = new(vocabulary, dim)
        if dim != wide:
            found |= {"fast_project_in.weight": new(wide, dim), "fast_project_in.bias": new(wide)}
        for prefix, about in (("layers", slow), ("fast_layers", fast)):
            width, hidden, heads = about["head_dim"], about["intermediate_size"], about["n_head"]
            groups = heads if about["n_local_heads"] == -1 else about["n_local_heads"]
            rows, size = (heads + 2 * groups) * width, about["dim"]
            for layer in range(about["n_layer"]):
                name = f"{prefix}.{layer}"
                found |= {
                    f"{name}.attention.wqkv.weight": new(rows, size),
                    f"{name}.attention.wo.weight": new(size, heads * width),
                    f"{name}.feed_forward.w1.weight": new(hidden, size),
                    f"{name}.feed_forward.w3.weight": new(hidden, size),
                    f"{name}.feed_forward.w2.weight": new(size, hidden),
                    f"{name}.attention_norm.weight": new(size, mean=1.0),
                    f"{name}.ffn_norm.weight": new(size, mean=1.0),
                }
                if about["attention_qk_norm"]:
                    found |= {f"{name}.attention.{each}_norm.weight": new(width, mean=1.0) for each in "qk"}
                if about["attention_qkv_bias"]:
                    found[f"{name}.attention.wqkv.bias"] = new(rows)
                if about["attention_o_bias"]:
                    found[f"{name}.attention.wo.bias"] = new(size)
        return found

    def _published(self, name: str) -> str:
        if not self.nested:
            return name
        if name.startswith("fast_"):
            return f"audio_decoder.{name.removeprefix('fast_')}"
        return f"audio_decoder.{name}" if name.startswith("codebook_") else f"text_model.model.{name}"

    def recorded(self, run: str, sampled: bool) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Settings and a trace, as upstream would have left them."""
        pick = self.random.choice
        settings: dict[str, Any] = {"max_new_tokens": FRAMES, "repetition_penalty": pick([1.0, 1.1, 1.5, 2.0])}
        settings |= {"temperature": pick([0.1, 0.8, 1.5]), "top_p": pick([0.05, 0.8, 0.95, 0.99]), "top_k": 0}
        noise = None
        if self.nested:
            settings["top_k"] = pick([1, 5, 30, 1000]) if sampled else 1
        if sampled:
            rows = min(1024, self.plain.codes) if self.plain.first else self.plain.codes
            shapes = {"noise_slow": (FRAMES, len(self.plain.weights["embeddings.weight"]))}
            shapes |= {"noise_ras": shapes["noise_slow"], "noise_fast": (FRAMES, self.plain.books - 1, rows)}
            noise = {
                name: torch.rand(*shape, generator=self.generator).clamp(1e-6, 1 - 1e-6)
                for name, shape in shapes.items()
            }
            if not self.nested:
                noise = {name: -each.log() for name, each in noise.items()}
        elif not self.nested:
            settings["top_p"] = 1e-6
        trace = self.plain.run(self.prompt, settings, noise)
        frames = trace["tokens"].shape[1]
        settings["stopped"] = int(trace["tokens"][0, -1]) == self.plain.stop and frames > 1
        found = {f"{run}.{name}": each for name, each in {**trace, **(noise or {}), "prompt": self.prompt}.items()}
        return settings, found


@pytest.mark.parametrize(("name", "run"), [("s1", "greedy_ref"), ("s1", "sampled_ref"), ("s2", "sampled_ras")])
def test_plain_is_upstream(request: pytest.FixtureRequest, name: str, run: str) -> None:
    golden = request.getfixturevalue(name)
    trace = golden.trace
    plain = Plain(golden.about["model"], load_file(golden.file), golden.about["tokens"])
    names = [name for name in ("noise_slow", "noise_ras", "noise_fast") if f"{run}.{name}" in trace]
    noise = {name: trace[f"{run}.{name}"] for name in names}
    settings = {**golden.about["runs"][run], "max_new_tokens": trace[f"{run}.tokens"].shape[1]}
    found = plain.run(trace[f"{run}.prompt"].long(), settings, noise or None)
    assert found["tokens"].tolist() == trace[f"{run}.tokens"].tolist()
    main, codes = (trace[f"{run}.{name}"] for name in ("slow_logits", "fast_logits"))
    rows = slice(plain.begin if plain.nested else 0, plain.end + 1)  # what is kept of the recording
    parity.require([parity.within("main", found["slow_logits"][: len(main), rows], main[:, rows], LOGITS)])
    some = (slice(len(codes)), slice(1, None), slice(None if plain.nested else 1024))
    parity.require([parity.within("codes", found["fast_logits"][some], codes[some], LOGITS)])


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_random_model_speaks_as_published_in_all_ways(seed: int, tmp_path: Path) -> None:
    """By torch, by ONNX Runtime, in batched places and from recorded graphs."""
    case, found = Case(seed, tmp_path), []
    for run, sampled in (("greedy", False), ("sampled", True)):
        settings, trace = case.recorded(run, sampled)
        about = (case.file, case.values, case.known, run, settings, trace)
        found += language_checks(*about)
        found += language_checks(*about, tmp_path / "graphs")
        found += token_checks(*about, lambda network: choir(Eager(network), 2, 128))
        found += token_checks(*about, lambda network, sampled=sampled: captured(network, sampled, as_published=True))
    parity.require(found)
    assert len(found) == 16


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_random_model_speaks_alike_in_all_ways(seed: int, tmp_path: Path) -> None:
    """In earnest: no sentence ends before it begins, nothing but codes is drawn."""
    case = Case(seed, tmp_path)
    known = Tokens(*(case.known[name] for name in ("semantic_begin_id", "semantic_end_id", "im_end")))
    config = config_of(case.values)
    model = DualAR(Weights([case.file], TABLE), config, known, Plan())
    ort = OrtSpeaker(Weights([case.file], TABLE), config, known, Bits.FULL, tmp_path / "graphs", threads=1)
    eager = Eager(model)
    ways: list[Speaker] = [eager, ort, choir(eager, 2, 128), choir(ort, 2, 128), captured(model, sampled=False)]
    for manner in (Manner(0.1, 0.05, 2.0, top_k=1000), Manner(1.5, 1.0, 1.0, top_k=3)):
        heard = [spoken(way, case.prompt, manner) for way in ways]
        assert all(each == heard[0] for each in heard[1:])
        first, *_, last = heard[0]
        assert first[0] != known.stop
        mains = {frame[0] for frame in heard[0]}
        assert all(known.semantic_begin <= main <= known.semantic_end for main in mains - {last[0]})
        assert len(heard[0]) == 8 or last[0] == known.stop


def captured(model: DualAR, sampled: bool, *, as_published: bool = False) -> Captured:
    """Recorded where chance was; else what is recorded is computed as it is, which takes a tenth of the time."""
    recorder = Tape() if sampled else None
    return Captured(
        model, places=2, capacity=128, shortest=128, as_published=as_published, clocks=sampled, recorder=recorder
    )


def spoken(speaker: Speaker, prompt: Tensor, manner: Manner) -> list[list[int]]:
    """Eight frames at most; the second half of the prompt follows a prefix that was read before."""
    speech = Speech(speaker, prompt, speaker.sampler(manner, RandomNoise(5)), 8, speaker.prefix(prompt[:, :4]))
    return [frame.tolist() for frame in speech]
