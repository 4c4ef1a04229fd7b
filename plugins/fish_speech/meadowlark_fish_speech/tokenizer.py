"""S1's and 1.5's tokenizer (a tiktoken file) and S2's (a tokenizers file). What a user writes is never a special token.

A user's "<|im_end|>" would end the sentence, or speak as somebody else.
"""

from __future__ import annotations

import base64
import json
import re
import string
from pathlib import Path
from typing import Protocol

import tiktoken
from tokenizers import Tokenizer as HubTokenizer

from .config import MOST
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
    size: int
    """Tokens of text."""

    def text(self, text: str) -> list[int]:
        """A user's text, of which nothing is special."""

    def trusted(self, text: str) -> list[int]:
        """Text of the prompt itself, special tokens included."""


class S1Tokenizer:
    """`tokenizer.tiktoken` and `special_tokens.json`."""

    def __init__(self, ranks: Path, specials: Path) -> None:
        """Raises TokenizerError, OSError."""
        table, names = _ranks(ranks), _names(specials)
        # The numbers in the file do not count, the order does.
        numbers = {name: len(table) + place for place, name in enumerate(names)}
        semantic = [number for name, number in numbers.items() if name.startswith("<|semantic:")]
        if "<|im_end|>" not in numbers or not semantic:
            raise TokenizerError(f"{specials.name} has no <|im_end|> or no <|semantic:…|>: it is another model's")
        if max(semantic) - min(semantic) + 1 != len(semantic):
            raise TokenizerError(f"{specials.name} has other tokens between those of <|semantic:…|>: it is broken")
        self._encoding = tiktoken.Encoding("s1", pat_str=PATTERN, mergeable_ranks=table, special_tokens=numbers)
        self._unknown = {byte for byte in range(256) if bytes([byte]) not in table}
        self.tokens, self.size = Tokens(min(semantic), max(semantic), numbers["<|im_end|>"]), len(table)

    def text(self, text: str) -> list[int]:
        text = without_specials(text)
        if self._unknown:  # the encoding would panic
            text = "".join(each if self._unknown.isdisjoint(each.encode("utf-8", "replace")) else " " for each in text)
        return self._encoding.encode_ordinary(text)

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
        self.tokens, self.size = tokens, self._tokenizer.get_vocab_size(with_added_tokens=False)
        for name, number in (("<|im_end|>", tokens.stop), ("<|semantic:0|>", tokens.semantic_begin)):
            if (found := self._tokenizer.token_to_id(name)) not in (None, number):
                raise TokenizerError(
                    f"{name} is token {found} in {file.name}, and {number} in config.json: one of the two is another "
                    "model's"
                )
        others = {each.content for each in self._tokenizer.get_added_tokens_decoder().values()}
        others = {each for each in others if each[:1] == "<" and each[:2] != "<|" and each[-1:] == ">"}
        self._others = re.compile("|".join(map(re.escape, sorted(others, reverse=True))) or r"(?!)")

    def text(self, text: str) -> list[int]:
        return self._encode(self._others.sub(" ", without_specials(text)))

    def trusted(self, text: str) -> list[int]:
        return self._encode(text)

    def _encode(self, text: str) -> list[int]:
        text = text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair is no text
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def without_specials(text: str) -> str:
    """A text in which nothing is left that a tokenizer takes for a special token."""
    text = _SPECIAL.sub(" ", text)
    return text.replace("<|", "< ").replace("|>", " >")  # halves, which two texts joined could make whole


def _ranks(path: Path) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    try:
        for line in path.read_text(encoding="utf-8-sig").splitlines():
            token, _, rank = line.partition(" ")
            if token and token != "=":
                found[base64.b64decode(token, validate=True)] = int(rank)
    except ValueError as error:
        raise TokenizerError(f"{path.name} is not a tiktoken file: {error}") from error
    if not found:
        raise TokenizerError(f"{path.name} is empty; download it again")
    if len({*found.values()}) != len(found) or not 0 <= min(found.values()) <= max(found.values()) <= MOST:
        raise TokenizerError(f"{path.name} has two tokens of one number, or numbers out of all reason")
    if missing := [letter for letter in string.ascii_letters + " " if letter.encode() not in found]:
        raise TokenizerError(f"{path.name} has no token for {missing[0]!r}: it is another model's, or a part of it")
    return found


def _names(path: Path) -> list[str]:
    try:
        names = list(json.loads(path.read_text(encoding="utf-8-sig")))
    except (ValueError, TypeError, RecursionError) as error:
        raise TokenizerError(f"{path.name} is not JSON: {error}") from error
    if not all(isinstance(name, str) for name in names) or len({*names}) != len(names):
        raise TokenizerError(f"{path.name} is not a table of tokens: it is another model's")
    return names
