"""What stands before the first frame: voices to speak like, then the text. S1's way, S2's and 1.5's.

A prompt is (11, T) integers (1.5: 9): tokens in the first row; for sound, its codes below, zeros else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .phonemes import parts
from .tokenizer import Tokenizer

_S2_PLAIN = "convert the provided text to speech"
_V15_SYSTEM = "<|im_start|>system\nSpeak out the provided text.<|im_end|>"
_V15_SPEAK = "<|im_end|><|im_start|>assistant\n<|voice|>"
_S2_LIKE = "convert the provided text to speech reference to the following:\n\nText:\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """Somebody speaking."""

    text: str
    codes: Tensor  # (10, T); 1.5: 8


@dataclass(frozen=True, slots=True)
class Prompt:
    """A voice's part, the same for each of its sentences, and the sentence's."""

    voice: Tensor
    sentence: Tensor

    @property
    def whole(self) -> Tensor:
        return torch.cat([self.voice, self.sentence], dim=1)


def s1_prompt(tokenizer: Tokenizer, text: str, samples: Sequence[Sample] = (), codebooks: int = 10) -> Prompt:
    """References one after the other, each closed; the text's turn is open."""
    column = _Columns(tokenizer, codebooks)
    voice = [column.trusted("<|interleave|>")]
    for sample in samples:
        # "<|speaker:0|>" is no special token of S1's: it is spelt out, apart from what follows
        voice += [
            column.trusted("<|speaker:0|>"),
            column.text(sample.text),
            column.sound(sample.codes),
            column.trusted("<|im_end|>"),
        ]
    sentence = [column.trusted("<|speaker:0|>"), column.sentence(text)]
    return Prompt(torch.cat(voice, dim=1), torch.cat(sentence, dim=1))


def s2_prompt(tokenizer: Tokenizer, text: str, samples: Sequence[Sample] = (), codebooks: int = 10) -> Prompt:
    """A system message with the references, a user's with the text, an assistant's that begins."""
    column = _Columns(tokenizer, codebooks)
    voice = [column.trusted("<|im_start|>system\n")]
    if samples:
        voice.append(column.trusted(_S2_LIKE))
        for place, sample in enumerate(samples):
            voice += [column.trusted("\n" * (place > 0) + "<|speaker:0|>"), column.text(sample.text)]
        voice.append(column.trusted("\n\nSpeech:\n"))
        voice += [column.sound(sample.codes) for sample in samples]
    else:
        voice.append(column.trusted(_S2_PLAIN))
    voice.append(column.trusted("<|im_end|>\n"))
    sentence = [
        column.trusted("<|im_start|>user\n"),
        column.sentence(text),
        column.trusted("<|im_end|>\n<|im_start|>assistant\n<|voice|>"),
    ]
    return Prompt(torch.cat(voice, dim=1), torch.cat(sentence, dim=1))


def v15_prompt(tokenizer: Tokenizer, text: str, samples: Sequence[Sample] = (), codebooks: int = 8) -> Prompt:
    """A chat without line breaks between its turns: each reference is a question and its answer."""
    column = _Columns(tokenizer, codebooks)
    voice = [column.trusted(_V15_SYSTEM)] if samples else [column.trusted("")]
    for sample in samples:
        voice += [
            column.trusted("<|im_start|>user\n"),
            column.text(sample.text),
            column.trusted(_V15_SPEAK),
            column.sound(sample.codes),
            column.trusted("<|im_end|>"),
        ]
    sentence = [column.trusted("<|im_start|>user\n"), column.text(text), column.trusted(_V15_SPEAK)]
    return Prompt(torch.cat(voice, dim=1), torch.cat(sentence, dim=1))


class _Columns:
    """Columns of a prompt."""

    def __init__(self, tokenizer: Tokenizer, codebooks: int) -> None:
        self._tokenizer, self._codebooks = tokenizer, codebooks

    def trusted(self, text: str) -> Tensor:
        return self._words(self._tokenizer.trusted(text))

    def text(self, text: str) -> Tensor:
        return self._words(self._tokenizer.text(text))

    def sentence(self, text: str) -> Tensor:
        """A text in which words may be given by their sounds."""
        found = [self.trusted(part) if own else self.text(part) for part, own in parts(text)]
        return torch.cat(found, dim=1) if found else self.text("")

    def _words(self, tokens: Sequence[int]) -> Tensor:
        columns = torch.zeros(self._codebooks + 1, len(tokens), dtype=torch.long)
        columns[0] = torch.tensor(list(tokens), dtype=torch.long)
        return columns

    def sound(self, codes: Tensor) -> Tensor:
        codes = codes.long().cpu()
        return torch.cat([codes[:1] + self._tokenizer.tokens.semantic_begin, codes])
