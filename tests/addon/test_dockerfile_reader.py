"""script/dockerfile.py: what a Dockerfile and a .dockerignore say."""

from __future__ import annotations

from types import ModuleType

import pytest

TEXT = r"""
# a comment
ARG TAG=1
FROM base:1 AS first
RUN one \
    # a comment inside
    && two --flag

FROM base:2
COPY --from=first --chown=1:1 /a /b/ /c
ENV A=1 B="two words" \
    C=$A
HEALTHCHECK --interval=5s CMD ["x", "y z"]
CMD ["serve", "--uri", "tcp://0.0.0.0:1"]
"""


def test_stages_and_their_instructions(dockerfiles: ModuleType) -> None:
    first, second = dockerfiles.stages(TEXT)
    assert (first.image, first.name, second.name) == ("base:1", "first", "1")
    assert [(step.word, step.text, step.line) for step in first.instructions] == [("RUN", "one && two --flag", 5)]
    copy = second.all("COPY")[0]
    assert copy.flags == {"from": "first", "chown": "1:1"}
    assert copy.words == ["/a", "/b/", "/c"]
    assert second.last("ENV").pairs == {"A": "1", "B": "two words", "C": "$A"}
    assert second.last("CMD").words == ["serve", "--uri", "tcp://0.0.0.0:1"]
    assert second.last("CMD").is_exec_form
    assert not first.last("RUN").is_exec_form
    assert first.last("CMD") is None
    assert second.last("HEALTHCHECK").flags == {"interval": "5s"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM a\nRUN <<EOF\nx\nEOF", 2),
        ("FROM a\nONBUILD RUN x", 2),
        ("RUN x\nFROM a", 1),
        ("FROM a\n\nRUN x \\", 3),
        ("FROM a\nRUNN x", 2),
    ],
)
def test_what_is_not_understood_is_refused(dockerfiles: ModuleType, text: str, line: int) -> None:
    with pytest.raises(dockerfiles.DockerfileError, match=f"^line {line}: "):
        dockerfiles.stages(text)


def test_variables(dockerfiles: ModuleType) -> None:
    assert dockerfiles.expand("$A-${B}-$C", {"A": "1", "B": "2"}) == "1-2-"


@pytest.mark.parametrize(
    ("ignore", "kept"),
    [
        ("", ["a.md", "docs/b.md", "src/__pycache__/c", "src/d.py", "src/tests/e.py"]),
        ("*.md", ["docs/b.md", "src/__pycache__/c", "src/d.py", "src/tests/e.py"]),
        ("**/*.md", ["src/__pycache__/c", "src/d.py", "src/tests/e.py"]),
        ("*\n!src", ["src/__pycache__/c", "src/d.py", "src/tests/e.py"]),
        ("# all\n*\n!src\n**/__pycache__\n**/tests", ["src/d.py"]),
        ("*\n!src\nsrc/tests\n!src/tests/e.py", ["src/__pycache__/c", "src/d.py", "src/tests/e.py"]),
        ("/docs/\nsrc/?.py", ["a.md", "src/__pycache__/c", "src/tests/e.py"]),
        ("s*", ["a.md", "docs/b.md"]),
    ],
)
def test_dockerignore(dockerfiles: ModuleType, ignore: str, kept: list[str]) -> None:
    files = ["a.md", "docs/b.md", "src/__pycache__/c", "src/d.py", "src/tests/e.py"]
    assert dockerfiles.context(ignore, files) == kept
