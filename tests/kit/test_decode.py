"""Sequences decoded together, step by step or from recorded graphs, are what they are alone: an engine of another kind
than Fish-Speech, with LayerNorm, GELU, learned positions, a penalty for all that was said, and guidance."""
# ruff: noqa: E402  torch may be absent

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch", reason="the kit's torch modules are for plugins that bring torch")
from torch import Tensor
from torch.nn import functional

from meadowlark.kit import sampling
from meadowlark.kit.decode import Batch, Opening, Positions, Together, each_row, places_for
from meadowlark.kit.guidance import guided, guided_plainly
from meadowlark.kit.kvcache import KVCache, attend, attend_plainly, causal_mask, live_mask
from meadowlark.kit.recorded import Recorded
from meadowlark.kit.tape import Tape

LAYERS, HEADS, WIDTH, TOKENS, LENGTH = 2, 2, 8, 24, 48
DIM, STOP = HEADS * WIDTH, 0


class Gpt:
    """Like GPT-2; a prompt is vectors (C, T), a frame is one token, with a position for its number."""

    def __init__(self, rows: int = 2) -> None:
        self.rows = rows
        generator = torch.Generator().manual_seed(0)

        def made(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator) * shape[-1] ** -0.5

        self.tokens, self.numbers, self.head = made(TOKENS, DIM) * 4, made(LENGTH, DIM) * 4, made(TOKENS, DIM) * 6
        self.qkv, self.out = made(LAYERS, 3 * DIM, DIM), made(LAYERS, DIM, DIM)
        self.up, self.down = made(LAYERS, 4 * DIM, DIM), made(LAYERS, DIM, 4 * DIM)

    def cache(self, length: int, batch: int = 1) -> KVCache:
        return KVCache(LAYERS, HEADS, WIDTH, length, batch=batch)

    def prefill(self, prompt: Tensor, cache: KVCache, start: int = 0) -> Tensor:
        count = prompt.shape[2]
        return self.run(prompt.mT, cache, start, start + count, causal_mask(count, start + count))[:, -1]

    def step(self, frames: Tensor, cache: KVCache, where: Positions) -> Tensor:
        x = self.tokens[frames] + self.numbers[where.number]
        return self.run(x[:, None], cache, where.at, where.length, live_mask(where.at, where.length))[:, 0]

    def is_last(self, frame: Tensor, number: int) -> bool:
        return int(frame) == STOP

    def run(self, x: Tensor, cache: KVCache, at: int | Tensor, length: int, mask: Tensor | None) -> Tensor:
        for layer in range(LAYERS):
            queries, keys, values = self.heads(x, layer)
            cache.write(layer, at, keys, values)
            x = self.rest(x, attend(queries, *cache.read(layer, length), mask), layer)
        return x

    def heads(self, x: Tensor, layer: int) -> Sequence[Tensor]:
        normed = functional.layer_norm(x, (DIM,))
        return (normed @ self.qkv[layer].T).unflatten(-1, (3, HEADS, WIDTH)).permute(2, 0, 3, 1, 4).unbind()

    def rest(self, x: Tensor, attended: Tensor, layer: int) -> Tensor:
        x = x + attended.transpose(1, 2).flatten(2) @ self.out[layer].T
        return x + functional.gelu(functional.layer_norm(x, (DIM,)) @ self.up[layer].T) @ self.down[layer].T

    def logits(self, states: Tensor) -> Tensor:
        return functional.layer_norm(states, (DIM,)) @ self.head.T

    def plainly(self, prompt: Tensor, tokens: Sequence[int]) -> Tensor:
        """Logits after a prompt and tokens, all of it computed anew."""
        spoken = [self.tokens[token] + self.numbers[number] for number, token in enumerate(tokens)]
        x = torch.cat([prompt.T, *(each[None] for each in spoken)])[None]
        for layer in range(LAYERS):
            queries, keys, values = self.heads(x, layer)
            x = self.rest(x, attend_plainly(queries, keys, values, causal_mask(x.shape[1], x.shape[1])), layer)
        return self.logits(x[:, -1])


@dataclass
class Voice:
    """What a sequence has of its own."""

    seed: int
    scale: float
    penalty: float
    heat: float

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)
        self.said: list[int] = []

    def chance(self) -> Tensor:
        return sampling.uniform(1, 1, generator=self.generator)


VOICES = (Voice(5, 3.0, 1.2, 0.9), Voice(2, 1.0, 1.0, 0.4), Voice(7, 0.5, 1.8, 1.5), Voice(4, 2.0, 1.1, 0.7))


def drawn(logits: Tensor, said: Sequence[int], voice: Voice) -> Tensor:
    logits = sampling.repetition_penalty(logits, torch.tensor([[*said]], dtype=torch.long), voice.penalty)
    return sampling.draw(sampling.temperature(logits, voice.heat), voice.chance())


class Drawn:
    """The same in all places, from tensors that stay where they are."""

    def __init__(self, model: Gpt, places: int) -> None:
        self.model = model
        self.read, self.frame, self.chance = torch.zeros(model.rows, DIM), torch.zeros((), dtype=torch.long), 1
        self.knobs = torch.ones(3, places, 1)
        self.said = torch.zeros(places, TOKENS, dtype=torch.bool)
        self.state = [self.said]

    def begin(self, place: int, own: Voice) -> None:
        self.knobs[:, place, 0] = torch.tensor([own.scale, own.penalty, own.heat])
        self.said[place] = False

    def next_chance(self, own: Voice) -> Tensor:
        return own.chance()[0]

    def draw(self, read: Tensor, chance: Tensor, who: Tensor) -> Tensor:
        scale, penalty, heat = self.knobs
        logits = self.model.logits(read)
        logits = guided(logits, scale) if self.model.rows == 2 else logits
        scores = torch.where(logits < 0, logits * penalty, logits / penalty)
        tokens = sampling.draw(sampling.temperature(torch.where(self.said, scores, logits), heat), chance)
        self.said.copy_(self.said | (torch.arange(TOKENS) == tokens[:, None]) & who[:, None])
        return tokens


def batch_of(way: str, model: Gpt, places: int, length: int = LENGTH) -> Batch[Voice]:
    if way == "together":

        def draw(states: Tensor, rows: Sequence[int], voices: Sequence[Voice]) -> Tensor:
            logits = model.logits(states[list(rows)])
            logits = guided(logits, torch.tensor([[each.scale] for each in voices])) if model.rows == 2 else logits
            tokens = [drawn(logits[row : row + 1], each.said, each) for row, each in enumerate(voices)]
            for each, token in zip(voices, tokens, strict=True):
                each.said.append(int(token))
            return torch.cat(tokens)

        return Together(model, draw, places, length)
    recorder = Tape() if way == "taped" else None
    kind = Hasty if way == "hasty" else Recorded
    return kind(model, Drawn(model, places), places, length, recorder=recorder, shortest=16)


class Hasty(Recorded[Voice]):
    """The host looks ahead as it does on a GPU."""

    def _look_ahead(self) -> None:
        self._launch()


def alone(model: Gpt, prompts: Sequence[Tensor], voice: Voice, most: int = 30) -> list[int]:
    """Without cache, batch or guidance in a batch."""
    tokens: list[int] = []
    while len(tokens) < most and STOP not in tokens:
        found = [model.plainly(prompt, tokens) for prompt in prompts]
        logits = guided_plainly(*found, voice.scale) if model.rows == 2 else found[0]
        tokens.append(int(drawn(logits, tokens, voice)))
    return tokens


def prompts_of(model: Gpt, number: int) -> list[Tensor]:
    """Of each row, of different lengths."""
    generator = torch.Generator().manual_seed(10 + number)
    return [torch.randn(DIM, 3 + (number * 5 + row * 4) % 9, generator=generator) for row in range(model.rows)]


def fresh(number: int) -> Voice:
    return replace(VOICES[number])


class WithStates(Gpt):
    """Of what a vocoder hears the states of, as XTTS and Tortoise: a frame is its token and the state it came from."""

    def step(self, frames: Tensor, cache: KVCache, where: Positions) -> Tensor:
        return super().step(frames[:, 0].long(), cache, where)

    def is_last(self, frame: Tensor, number: int) -> bool:
        return super().is_last(frame[0], number)


class DrawnWithStates(Drawn):
    def __init__(self, model: Gpt, places: int) -> None:
        super().__init__(model, places)
        self.frame = torch.zeros(1 + DIM)

    def draw(self, read: Tensor, chance: Tensor, who: Tensor) -> Tensor:
        return torch.cat([super().draw(read, chance, who)[:, None], read], dim=1)


WAYS = pytest.mark.parametrize("way", ["together", "recorded", "taped", "hasty"])


@WAYS
@pytest.mark.parametrize("rows", [1, 2])
def test_each_is_what_it_is_alone(way: str, rows: int) -> None:
    """Whoever comes and goes, in whatever order they are asked for."""
    model = Gpt(rows)
    wanted = [alone(model, prompts_of(model, number), fresh(number)) for number in range(len(VOICES))]
    assert len({len(each) for each in wanted if each[-1] == STOP}) > 1, "they end at different times"
    batch, chance = batch_of(way, model, 3), random.Random(rows)
    heard: dict[int, tuple[int, int]] = {}  # place → number, frames
    ended = 0
    for _ in range(250):
        if batch.free and chance.random() < 0.2:
            number = chance.randrange(len(VOICES))
            openings = [Opening(each) for each in prompts_of(model, number)]
            heard[batch.join(fresh(number), *openings)] = number, 0
        elif heard:
            place = chance.choice(list(heard))
            number, count = heard.pop(place)
            if count == len(wanted[number]):
                if wanted[number][-1] == STOP:
                    with pytest.raises(IndexError, match="has ended"):
                        batch.frame(place)
                batch.leave(place)
                ended += 1
            elif chance.random() < 0.03:
                batch.leave(place)
            else:
                assert int(batch.frame(place)) == wanted[number][count]
                heard[place] = number, count + 1
    assert ended > 3
    if isinstance(batch, Recorded):
        assert batch.recorded == (way == "taped")


def test_guidance_guides() -> None:
    model = Gpt()
    prompts = prompts_of(model, 0)
    assert alone(model, prompts, fresh(0)) != alone(model, prompts, replace(VOICES[0], scale=1.0))


@WAYS
def test_begins_behind_prefixes(way: str) -> None:
    """Each row with its own, as long as the half of its prompt."""
    model = Gpt()
    prompts, openings = prompts_of(model, 1), []
    for prompt in prompts:
        cache, half = model.cache(LENGTH), prompt.shape[1] // 2
        model.prefill(prompt[None, :, :half], cache)
        openings.append(Opening(prompt, cache.snapshot(half)))
    batch = batch_of(way, model, 2)
    place = batch.join(fresh(1), *openings)
    wanted = alone(model, prompts, fresh(1), 12)
    assert [int(batch.frame(place)) for _ in wanted] == wanted


@pytest.mark.parametrize("recorder", [None, Tape()])
def test_frames_may_be_more_than_tokens(recorder: Tape | None) -> None:
    model, plain = WithStates(rows=1), Gpt(rows=1)
    batch = Recorded(model, DrawnWithStates(model, 2), 2, LENGTH, recorder=recorder, shortest=16)
    prompts = [prompts_of(model, number)[0] for number in (1, 3)]
    places = [batch.join(fresh(number), Opening(prompt)) for number, prompt in zip((1, 3), prompts, strict=True)]
    for number, prompt, place in zip((1, 3), prompts, places, strict=True):
        wanted = alone(plain, [prompt], fresh(number), 10)
        frames = torch.stack([batch.frame(place) for _ in wanted])
        assert frames[:, 0].tolist() == wanted
        for count, frame in enumerate(frames):
            logits = plain.plainly(prompt, wanted[:count])
            torch.testing.assert_close(plain.logits(frame[None, 1:]), logits, atol=1e-4, rtol=0)


@WAYS
def test_what_cannot_join_says_why(way: str) -> None:
    batch = batch_of(way, Gpt(), 1, 16)
    long, short = Opening(torch.zeros(DIM, 16)), Opening(torch.zeros(DIM, 4))
    with pytest.raises(ValueError, match="a prompt of 16 positions where there is room for 16"):
        batch.join(fresh(0), short, long)
    with pytest.raises(ValueError, match="1 prompts for 2 rows"):
        batch.join(fresh(0), short)
    assert batch.free == 1
    place = batch.join(fresh(0), short, short)
    assert batch.free == 0
    with pytest.raises(IndexError, match="all 1 places are taken"):
        batch.join(fresh(1), short, short)
    batch.leave(place)
    assert batch.free == 1


@WAYS
def test_who_fails_to_join_takes_no_place(way: str) -> None:
    class Broken(Gpt):
        broken = True

        def prefill(self, prompt: Tensor, cache: KVCache, start: int = 0) -> Tensor:
            if self.broken:
                raise RuntimeError("CUDA error: out of memory")
            return super().prefill(prompt, cache, start)

    model = Broken()
    batch, openings = batch_of(way, model, 1), [Opening(each) for each in prompts_of(model, 1)]
    with pytest.raises(RuntimeError, match="out of memory"):
        batch.join(fresh(1), *openings)
    assert batch.free == 1
    model.broken = False
    place, wanted = batch.join(fresh(1), *openings), alone(model, prompts_of(model, 1), fresh(1), 5)
    assert [int(batch.frame(place)) for _ in wanted] == wanted


def test_each_row() -> None:
    assert each_row(torch.tensor([[1, 2], [3, 4]]), 2).tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    assert each_row(torch.tensor([True, False]), 1).tolist() == [True, False]


def test_places_for() -> None:
    def count(free: int) -> int:
        return places_for(free, 300, reserve=1000, most=4)

    assert [count(free) for free in (0, 999, 1599, 1600, 2199, 2200, 10**6)] == [1, 1, 1, 2, 3, 4, 4]
