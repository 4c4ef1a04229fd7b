"""S1's and 1.5's tokenizer (a tiktoken file) and S2's (a tokenizers file). What a user writes is never a special token.

A user's "<|im_end|>" would end the sentence, or speak as somebody else.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Protocol

import tiktoken
from tokenizers import Tokenizer as HubTokenizer

from .model import Tokens

_SPECIAL = re.compile(r"<\|[^|<>]{0,64}\|>")

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|\p{P}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(\?!\S)|\s+"
)
"""How S1's text is cut, and 1.5's as far as is known; `(\\?!` is a slip of its makers that the models were trained
with."""


class TokenizerError(ValueError):
    """Tokenizer files cannot be used."""


class Tokenizer(Protocol):
    """Text to numbers."""

    tokens: Tokens

    def text(self, text: str) -> list[int]:
        """A user's text, of which nothing is special."""

    def trusted(self, text: str) -> list[int]:
        """Text of the prompt itself, special tokens included."""


class S1Tokenizer:
    """`tokenizer.tiktoken` and `special_tokens.json`."""

    def __init__(self, ranks: Path, specials: Path) -> None:
        """Raises TokenizerError, OSError."""
        table = _ranks(ranks)
        try:
            names = list(json.loads(specials.read_text(encoding="utf-8")))
        except ValueError as error:
            raise TokenizerError(f"{specials.name} is not JSON: {error}") from error
        # The numbers in the file do not count, the order does.
        numbers = {name: len(table) + place for place, name in enumerate(names)}
        self._encoding = tiktoken.Encoding("s1", pat_str=PATTERN, mergeable_ranks=table, special_tokens=numbers)
        semantic = [number for name, number in numbers.items() if name.startswith("<|semantic:")]
        if "<|im_end|>" not in numbers or not semantic:
            raise TokenizerError(f"{specials.name} has no <|im_end|> or no <|semantic:…|>: it is another model's")
        self.tokens = Tokens(min(semantic), max(semantic), numbers["<|im_end|>"])

    def text(self, text: str) -> list[int]:
        return self._encoding.encode_ordinary(without_specials(text))

    def trusted(self, text: str) -> list[int]:
        return self._encoding.encode(text, allowed_special="all")


class S2Tokenizer:
    """`tokenizer.json`; the configuration knows the numbers."""

    def __init__(self, file: Path, tokens: Tokens) -> None:
        """Raises TokenizerError."""
        try:
            self._tokenizer = HubTokenizer.from_file(str(file))
        except Exception as error:  # tokenizers raises bare Exception
            raise TokenizerError(f"{file.name} cannot be read: {error}") from error
        self.tokens = tokens

    def text(self, text: str) -> list[int]:
        return self._encode(without_specials(text))

    def trusted(self, text: str) -> list[int]:
        return self._encode(text)

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def without_specials(text: str) -> str:
    """A text in which nothing is left that a tokenizer takes for a special token."""
    text = _SPECIAL.sub(" ", text)
    return text.replace("<|", "< ").replace("|>", " >")  # halves, which two texts joined could make whole


def _ranks(path: Path) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            token, _, rank = line.partition(" ")
            if token and token != "=":
                found[base64.b64decode(token, validate=True)] = int(rank)
    except ValueError as error:
        raise TokenizerError(f"{path.name} is not a tiktoken file: {error}") from error
    if not found:
        raise TokenizerError(f"{path.name} is empty; download it again")
    return found
