"""1.5's model against the same in numpy, written out: all is computed anew for every frame, and nothing is kept."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="Fish-Speech needs torch: script/setup fish_speech")

from meadowlark.kit.precision import Plan
from meadowlark.kit.weights import Weights, write
from meadowlark_fish_speech.config import config_of
from meadowlark_fish_speech.doubles import V15_TINY, language_tensors
from meadowlark_fish_speech.generate import Eager, Speech
from meadowlark_fish_speech.model import TABLE, DualAR, Tokens
from meadowlark_fish_speech.sampler import V15_MANNER, FrameNoise, Manner

Array = NDArray[np.float64]

CODES, WORDS, BOOKS, FRAMES = 48, 40, 8, 24
BEGIN, STOP = WORDS, 7
VALUES: dict[str, Any] = {
    **V15_TINY,
    "vocab_size": WORDS + CODES,
    "codebook_size": CODES,
    "n_layer": 2,
    "n_fast_layer": 2,
}


class Slow:
    """Two transformers, one position of one head at a time."""

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        self.data = {name: tensor.double().numpy() for name, tensor in tensors.items()}
        self.main_logits: list[Array] = []
        self.code_logits: list[Array] = []

    def norm(self, name: str, x: Array) -> Array:
        return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6) * self.data[f"{name}.weight"]

    def layer(self, name: str, x: Array) -> Array:
        qkv = self.norm(f"{name}.attention_norm", x) @ self.data[f"{name}.attention.wqkv.weight"].T
        heads = [qkv[:, at : at + 16] for at in range(0, 64, 16)]  # two of queries, one of keys, one of values
        turned = [turn(each) for each in heads[:3]]
        seen = []
        for query in turned[:2]:
            scores = query @ turned[2].T / 4
            scores[np.triu_indices(len(x), 1)] = -np.inf
            chances = np.exp(scores - scores.max(axis=1, keepdims=True))
            seen.append(chances / chances.sum(axis=1, keepdims=True) @ heads[3])
        x = x + np.concatenate(seen, axis=1) @ self.data[f"{name}.attention.wo.weight"].T
        y = self.norm(f"{name}.ffn_norm", x)
        gate = y @ self.data[f"{name}.feed_forward.w1.weight"].T
        up = y @ self.data[f"{name}.feed_forward.w3.weight"].T
        return x + (gate / (1 + np.exp(-gate)) * up) @ self.data[f"{name}.feed_forward.w2.weight"].T

    def state(self, frames: NDArray[np.int64]) -> Array:
        x = self.data["embeddings.weight"][frames[0]].copy()
        for at, main in enumerate(frames[0]):
            if BEGIN <= main < BEGIN + CODES:  # not divided by anything: that is S1's
                x[at] += sum(
                    self.data["codebook_embeddings.weight"][book * CODES + code]
                    for book, code in enumerate(frames[1:, at])
                )
        for index in range(2):
            x = self.layer(f"layers.{index}", x)
        return x[-1]

    def frame(self, frames: NDArray[np.int64], window: NDArray[np.int64] | None, noise: FrameNoise) -> list[int]:
        state = self.state(frames)
        logits = self.data["output.weight"] @ self.norm("norm", state)
        self.main_logits.append(logits)
        main = drawn(logits, None if window is None else window[0], noise.main[0].double().numpy())
        found = [main, max(0, main - BEGIN)]
        read = [state, self.data["fast_embeddings.weight"][found[1]]]
        for place in range(1, BOOKS):
            x = np.stack(read)
            for index in range(2):
                x = self.layer(f"fast_layers.{index}", x)
            logits = self.data["fast_output.weight"] @ self.norm("fast_norm", x[-1])
            self.code_logits.append(logits)
            previous = None if window is None else window[place + 1]
            found.append(drawn(logits, previous, noise.codes[place - 1][0].double().numpy()))
            read.append(self.data["fast_embeddings.weight"][found[-1]])
        return found


def turn(x: Array) -> Array:
    """Neighbours as the two parts of a number, turned by angles that were rounded in training."""
    angles = np.arange(len(x))[:, None] * 1e6 ** (-np.arange(8) / 8)
    cos, sin = (torch.from_numpy(each).float().bfloat16().double().numpy() for each in (np.cos(angles), np.sin(angles)))
    y = np.empty_like(x)
    y[:, ::2], y[:, 1::2] = x[:, ::2] * cos - x[:, 1::2] * sin, x[:, 1::2] * cos + x[:, ::2] * sin
    return y


def drawn(logits: Array, previous: NDArray[np.int64] | None, noise: Array) -> int:
    """Penalty, what is likely before it is heated, heat, the first of the clocks."""
    logits = logits.copy()
    for each in set() if previous is None else set(previous.tolist()):
        logits[each] *= 1.5 if logits[each] < 0 else 1 / 1.5
    order = np.argsort(-logits)
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    total = 0.0
    for rank, each in enumerate(order):
        total += chances[each]
        if total > 0.7 and rank:
            logits[each] = -np.inf
    heated = np.exp((logits - logits.max()) / 0.7)
    return int((heated / heated.sum() / noise).argmax())


class Listening:
    """What the model under test gives its sampler."""

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler
        self.main_logits: list[torch.Tensor] = []
        self.code_logits: list[torch.Tensor] = []

    def main(self, logits: torch.Tensor) -> torch.Tensor:
        self.main_logits.append(logits[0])
        return self.sampler.main(logits)

    def code(self, place: int, logits: torch.Tensor) -> torch.Tensor:
        self.code_logits.append(logits[0])
        return self.sampler.code(place, logits)

    def remember(self, *arguments: torch.Tensor) -> None:
        self.sampler.remember(*arguments)


class Clocks:
    """The same noise for both."""

    def __init__(self) -> None:
        self._generator = torch.Generator().manual_seed(9)
        self.frames: list[FrameNoise] = []

    def frame(self, codes: int) -> FrameNoise:
        def new(rows: int) -> torch.Tensor:
            return torch.empty(1, rows).exponential_(generator=self._generator)

        main = new(WORDS + CODES)
        self.frames.append(FrameNoise(main, main, tuple(new(CODES) for _ in range(codes))))
        return self.frames[-1]


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    made = language_tensors(VALUES, torch.Generator().manual_seed(4))
    made["output.weight"][STOP] = -10 * made["output.weight"].mean(dim=0)
    for name in ("output.weight", "fast_output.weight"):
        made[name] *= 20  # so that the likeliest are few, and the penalty matters
    return made


@pytest.fixture(scope="module")
def speaker(tensors: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Eager:
    path = tmp_path_factory.mktemp("v15") / "model.safetensors"
    write(tensors, path)
    tokens = Tokens(BEGIN, BEGIN + CODES - 1, STOP)
    return Eager(DualAR(Weights([path], TABLE), config_of(VALUES), tokens, Plan(), whole_head=True))


@pytest.fixture(scope="module")
def prompt() -> torch.Tensor:
    columns = torch.zeros(BOOKS + 1, 9, dtype=torch.long)
    columns[0] = torch.tensor([1, 5, 3, BEGIN + 4, BEGIN + 47, BEGIN, 8, 2, 30])
    columns[1:, 3:6] = torch.randint(0, CODES, (BOOKS, 3), generator=torch.Generator().manual_seed(0))
    columns[1, 3:6] = torch.tensor([4, 47, 0])
    return columns


def test_speaks_as_published(speaker: Eager, tensors: dict[str, torch.Tensor], prompt: torch.Tensor) -> None:
    """Penalised are the main tokens of the last 16 frames but the first, and 0 as long as there are fewer."""
    noise = Clocks()
    listening = Listening(speaker.sampler(V15_MANNER, noise, as_published=True))
    found = torch.stack(list(Speech(speaker, prompt, listening, FRAMES)), dim=1)
    slow = Slow(tensors)
    read, history = prompt.numpy(), np.zeros((BOOKS + 1, FRAMES + 16), np.int64)
    for number, each in enumerate(noise.frames):
        past = number - 1
        window = None if number == 0 else history[:, :16] if past < 16 else history[:, past - 16 : past]
        frame = slow.frame(read, window, each)
        assert found[:, number].tolist() == frame, number
        if number:
            history[:, past] = frame
        read = np.concatenate([read, np.array(frame)[:, None]], axis=1)
    assert len(noise.frames) == found.shape[1] >= 20
    np.testing.assert_allclose(
        torch.stack(listening.main_logits), np.stack(slow.main_logits), atol=1e-4
    )  # 20 times larger than a model's
    np.testing.assert_allclose(torch.stack(listening.code_logits), np.stack(slow.code_logits), atol=1e-4)
    assert len(set(found[0].tolist())) > 3


def test_a_frame_has_eight_codes_and_all_rows_may_be_drawn(speaker: Eager, prompt: torch.Tensor) -> None:
    found = torch.stack(list(Speech(speaker, prompt, speaker.sampler(Manner(1.5, 1.0), Clocks()), FRAMES)), dim=1)
    assert found.shape[0] == BOOKS + 1
    assert found[1:].min() >= 0
    assert found[1:].max() < CODES
    assert speaker.model.fast_head.weight.shape[0] == CODES  # type: ignore[attr-defined]
    spoken = found[0] >= BEGIN
    assert (found[1][spoken] == found[0][spoken] - BEGIN).all()
    assert (found[1][~spoken] == 0).all()
