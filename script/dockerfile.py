"""What a Dockerfile and a .dockerignore say. Reads text, runs nothing; script/try-dockerfile and tests/addon share it.

Covers what our own Dockerfile may use. Here-documents, ONBUILD and the `# escape` directive are refused, not misread.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

INSTRUCTIONS = re.compile(
    "ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR"
)
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S+))?\s+")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class DockerfileError(ValueError):
    """The file says something that this reader does not understand; names the line."""


@dataclass(frozen=True, slots=True)
class Instruction:
    line: int
    """Where it begins, counted from 1."""

    word: str
    """Upper case: RUN, COPY, …"""

    flags: Mapping[str, str]
    """`--from=wheels` is {"from": "wheels"}."""

    text: str
    """All behind the flags, continuation lines joined."""

    @property
    def words(self) -> list[str]:
        """The exec form's list, else the text split as a shell would."""
        return json.loads(self.text) if self.is_exec_form else shlex.split(self.text)

    @property
    def is_exec_form(self) -> bool:
        return self.text.startswith("[")

    @property
    def pairs(self) -> dict[str, str]:
        """`NAME=value …` of ENV, LABEL and ARG; an ARG without a default is the empty string."""
        return {name: value for name, _, value in (word.partition("=") for word in self.words)}


@dataclass(frozen=True, slots=True)
class Stage:
    image: str
    name: str
    """Behind AS, else the stage's number."""

    instructions: tuple[Instruction, ...]
    """All after FROM."""

    def all(self, word: str) -> list[Instruction]:
        return [one for one in self.instructions if one.word == word]

    def last(self, word: str) -> Instruction | None:
        """The one in force where only the last counts: CMD, ENTRYPOINT, HEALTHCHECK, USER."""
        found = self.all(word)
        return found[-1] if found else None


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile. Raises DockerfileError."""
    found: list[Stage] = []
    for instruction in instructions(text):
        if instruction.word == "FROM":
            image, *rest = instruction.words
            name = rest[1] if len(rest) == 2 and rest[0].upper() == "AS" else str(len(found))
            found.append(Stage(image, name, ()))
        elif found:
            stage = found[-1]
            found[-1] = Stage(stage.image, stage.name, (*stage.instructions, instruction))
        elif instruction.word != "ARG":
            raise DockerfileError(f"line {instruction.line}: {instruction.word} before the first FROM")
    return found


def instructions(text: str) -> list[Instruction]:
    """Every instruction in order. Raises DockerfileError."""
    found: list[Instruction] = []
    start, parts = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not parts and not line.strip()):
            continue
        if not parts:
            start = number
        parts.append(line.strip().removesuffix("\\").strip())
        if not line.rstrip().endswith("\\"):
            found.append(_instruction(start, " ".join(parts).strip()))
            parts = []
    if parts:
        raise DockerfileError(f"line {start}: the file ends in the middle of an instruction")
    return found


def _instruction(line: int, text: str) -> Instruction:
    word, _, rest = text.partition(" ")
    if not INSTRUCTIONS.fullmatch(word.upper()) or "<<" in rest:
        raise DockerfileError(f"line {line}: {text[:40]!r} is not understood")
    rest, flags = rest.lstrip(), {}
    while flag := _FLAG.match(rest):
        flags[flag[1]] = flag[2] or ""
        rest = rest[flag.end() :]
    return Instruction(line, word.upper(), flags, rest)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` replaced, as Docker does everywhere but in RUN; an unknown name is empty."""
    return _VARIABLE.sub(lambda found: variables.get(found[1] or found[2], ""), text)


def context(ignore: str, files: Iterable[str]) -> list[str]:
    """Those of `files` (paths relative to the context) that reach the builder past a .dockerignore."""
    rules = [
        (_pattern(line.lstrip("!")), line.startswith("!"))
        for line in (raw.strip() for raw in ignore.splitlines())
        if line and not line.startswith("#")
    ]
    return [file for file in files if _included(PurePosixPath(file), rules)]


def _included(path: PurePosixPath, rules: list[tuple[re.Pattern[str], bool]]) -> bool:
    """The last rule that matches the path or a folder above it decides."""
    names = [str(path), *(str(parent) for parent in path.parents if parent.name)]
    included = True
    for pattern, includes in rules:
        if any(pattern.fullmatch(name) for name in names):
            included = includes
    return included


def _pattern(rule: str) -> re.Pattern[str]:
    """Go's filepath.Match and Docker's `**`: any number of folders, none as well."""
    parts = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    tokens = re.split(r"(\*\*/|\*\*|\*|\?)", rule.strip("/"))
    return re.compile("".join(parts.get(token, re.escape(token)) for token in tokens))
