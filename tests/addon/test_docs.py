"""DOCS.md, the documentation tab: nothing that a user can set or meets is missing from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from meadowlark import __main__ as command_line


@pytest.fixture(scope="module")
def docs(root: Path) -> str:
    return (root / "DOCS.md").read_text(encoding="utf-8")


def test_every_option_is_in_the_table(docs: str, manifest: dict[str, Any]) -> None:
    options = docs.partition("## Options")[2].partition("\n## ")[0]
    rows = set(re.findall(r"^\| `(\w+)` \|", options, re.MULTILINE))
    assert set(manifest["schema"]) <= rows


def test_every_engine_option_is_in_the_table_with_its_range(docs: str) -> None:
    settings = pytest.importorskip("meadowlark_espeak.settings", reason="the espeak engine is not installed")
    rows = dict(re.findall(r"^\| `espeak` \| `(\w+)` \| (.+) \|$", docs, re.MULTILINE))
    assert set(rows) == {*settings.KNOBS, "variant"}
    for name, knob in settings.KNOBS.items():
        assert [int(number) for number in re.findall(r"\d+", rows[name])] == [knob.low, knob.high, knob.normal]


def test_every_error_named_is_one_that_exists(docs: str, root: Path) -> None:
    """The fixed words of each message in the table stand in the source: who searches for them finds them."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "addon/meadowlark").rglob("*.py")))
    source = re.sub(r'"\s*\n\s*(_LOGGER\.\w+\()?f?"', "", source)
    table = docs.partition("## When something is wrong")[2].partition("\n## ")[0]
    messages = re.findall(r"^\| `(.+?)`", table, re.MULTILINE)
    assert len(messages) > 8
    for message in messages:
        for words in re.split(r"…|\bN\b|NAME|'|(?<=\.) ", message):
            assert words.strip(" .?;:") in source, message


def test_commands_exist(docs: str) -> None:
    named = set(re.findall(r"meadowlark (serve|voices|plugins|doctor|say|health)\b", docs))
    help_text = command_line._parser().format_help()
    assert {"voices", "plugins", "doctor"} <= named
    assert all(re.search(rf"^    {name}\b", help_text, re.MULTILINE) for name in named)


def test_build_arguments_and_folders_are_those_of_the_image(docs: str, image: Any, manifest: dict[str, Any]) -> None:
    assert "--volume meadowlark:/data" in docs
    assert image.last("WORKDIR").text == "/data"
    assert f"--stop-timeout {manifest['timeout']}" in docs
    assert manifest["environment"]["MEADOWLARK_VOICE_DIR"] in docs
