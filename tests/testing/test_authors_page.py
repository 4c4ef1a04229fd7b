"""plugins/README.md tells the truth: its code is the example's, every hook and every setting of the suite is in it."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from meadowlark import api, hookspecs, manifest, plugins
from meadowlark.discovery import STEP_SECONDS
from meadowlark.residency.supervisor import FIRST_PATIENCE, SHORTEST_PATIENCE
from meadowlark.testing.conformance import EngineConformance, suite
from meadowlark.testing.contract import SENTENCE_CHARS, Contract
from meadowlark.testing.lightness import HEAVY
from meadowlark.text import MarkerMap, Segmenter
from meadowlark.worker.job import Cancelled
from meadowlark.worker.messages import Speak
from meadowlark.worker.patience import CANCEL_SECONDS, patience
from meadowlark.worker.rounds import Job

FOLDER = Path(__file__).parent.parent.parent / "plugins"
PAGE = (FOLDER / "README.md").read_text()

HOOKS = {name: getattr(hookspecs, name) for name in hookspecs.HOOKS}


@pytest.mark.parametrize(
    "file",
    ["pyproject.toml", "meadowlark_example/__init__.py", "meadowlark_example/pipeline.py", "tests/test_example.py"],
)
def test_the_example_on_the_page_is_the_one_that_is_tested(file: str) -> None:
    [block] = re.findall(rf"^`{re.escape(file)}` [^\n]*\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert block == (FOLDER / "example" / file).read_text()


def test_the_example_is_about_thirty_lines() -> None:
    modules = (FOLDER / "example" / "meadowlark_example").glob("*.py")
    code = [line for each in modules for line in each.read_text().splitlines() if line.strip()]
    assert len(code) <= 35


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_explained_with_its_arguments(name: str) -> None:
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    assert f"### `{name}({arguments})`" in PAGE


def test_every_check_and_every_setting_of_the_suite_is_listed() -> None:
    for name in vars(EngineConformance):
        if name.startswith("test_") and name != "test_survives_a_huge_text":  # in one row with test_survives
            assert f"| `{name}` |" in PAGE
    for name in Contract.__annotations__:
        if not name.startswith("_") and name != "engine":
            assert f"`{name}`" in PAGE


def test_fields_that_are_named_exist() -> None:
    table = PAGE[PAGE.index("| field |") : PAGE.index("The manifest must not depend")]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert named
    assert named <= {each.name for each in fields(api.EngineManifest)}


def test_numbers_are_the_code_s() -> None:
    assert f"after {STEP_SECONDS:g} s a plugin is left out" in PAGE
    assert f"at most {SENTENCE_CHARS} characters" in PAGE
    assert inspect.signature(Segmenter).parameters["max_chars"].default == SENTENCE_CHARS
    assert f"nothing for {CANCEL_SECONDS:g} s after a cancel" in PAGE
    assert f"within {Contract.cancel_seconds:g} s" in PAGE
    assert f"gone within {Contract.end_seconds:g} s" in PAGE
    assert ", ".join(HEAVY) in PAGE


def test_the_silences_are_the_code_s() -> None:
    said = " ".join(PAGE.partition("**Do not fall silent.**")[2].partition("\n\n")[0].split())
    times = patience(100, 1.0, floor=SHORTEST_PATIENCE) / 100
    assert f"is {patience(100, None):g} s for an engine that has never been measured" in said
    assert f"{FIRST_PATIENCE:g} s in the first sentence of a new process" in said
    assert f"{times:g} times what the sentence usually takes, but at least {SHORTEST_PATIENCE:g} s" in said


def test_every_field_of_an_asset_is_explained() -> None:
    section = PAGE.partition("## Model files")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {each.name for each in fields(api.Asset)}


def test_the_model_files_on_the_page_are_a_manifest() -> None:
    section = PAGE.partition("## Model files")[2].partition("\n## ")[0]
    [code] = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    given = 'id="mine", title="Mine", license="Apache-2.0", pipeline="mine:Mine", sample_rate=16000'
    code = (
        code.replace("3f5a…", "3f5a" * 10)
        .replace("9c0e…", "9c0e" * 16)
        .replace("EngineManifest(\n    ...", f"made = EngineManifest({given}")
    )
    scope: dict[str, api.EngineManifest] = {}
    exec(code, scope)
    assert list(manifest.problems(scope["made"])) == []
    assert scope["made"].voices[0].assets[0].key in section


def test_the_choir_on_the_page_sings() -> None:
    """In turns, as in the worker: one comes later, one is cancelled, the rest sound as they do alone."""
    section = PAGE.partition("## Several sentences at a time")[2].partition("\n## ")[0]
    [code] = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    scope = {"__name__": "choir"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "choir", ModuleType("choir"))  # where dataclasses look for names
        exec(code, scope)
    choir = scope["Choir"](api.PipelineContext("choir"))
    choir.load()

    def job(number: int, text: str, cancelled: list[int]) -> Job:
        utterance = api.Utterance(text, api.Voice("v", ("en",)), "en", options={"hertz": 200.0 + 100 * number})
        return Job(choir, Speak(number, utterance), 16000, lambda: number in cancelled)

    def alone(number: int, text: str) -> bytes:
        only, heard = job(number, text, []), b""
        while (piece := only.go_on(1)) is not None:
            heard += piece
        return heard

    texts = ["A first one", "Second", "And this is a third"]
    cancelled: list[int] = []
    jobs = {number: job(number, text, cancelled) for number, text in enumerate(texts[:2])}
    heard = dict.fromkeys(range(3), b"")
    for turn in range(20):
        if turn == 2:
            jobs[2] = job(2, texts[2], cancelled)
        if turn == 3:
            cancelled.append(0)
        for number, each in list(jobs.items()):
            try:
                piece = each.go_on(len(jobs))
            except Cancelled:
                piece = None
            if piece is None:
                del jobs[number]
            else:
                heard[number] += piece
    assert not jobs
    assert choir.singers == []
    assert heard[1] == alone(1, texts[1])
    assert heard[2] == alone(2, texts[2])
    assert alone(0, texts[0]).startswith(heard[0])
    assert 0 < len(heard[0]) < len(alone(0, texts[0]))


def test_a_marker_may_be_named_by_an_alias() -> None:
    happy = api.Marker("happy", api.MarkerKind.STYLE, "happy")
    assert MarkerMap([happy], []).resolve("joyful") == happy


def test_what_is_said_of_relatives_is_so() -> None:
    angry = api.Marker("angry", api.MarkerKind.STYLE, "angry")
    assert MarkerMap([angry], []).resolve("furious") == angry
    assert MarkerMap([], []).resolve("furious") is None


def test_every_row_on_the_page_is_what_the_code_says() -> None:
    source = inspect.getsource(plugins)
    for said in ("there is no hook", "is not marked;", "is already registered by plugin"):
        assert said in PAGE
        assert said in source


def test_every_setting_is_accepted() -> None:
    settings = {name: getattr(Contract, name) for name in Contract.__annotations__ if not name.startswith("_")}
    made = suite(**{**settings, "engine": "beeps"})
    assert made.engine == "beeps"


def test_the_doubles_that_are_named_exist() -> None:
    table = PAGE[PAGE.index("## Testing doubles") : PAGE.index("## When something is wrong")]
    for module, said in re.findall(r"^\| `([\w.]+)` \| (.*) \|$", table, re.MULTILINE):
        names = re.findall(r"`(\w+)`", said)
        assert names
        for name in names:
            assert hasattr(importlib.import_module(module), name)


def test_the_parity_test_on_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np = pytest.importorskip("numpy")
    [code] = re.findall(r"^```python\n(.*?)^```", PAGE.partition("## Parity")[2].partition("\n## ")[0], re.M | re.S)
    monkeypatch.syspath_prepend(FOLDER / "example")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(code, scope)
    beep = importlib.import_module("meadowlark_example.pipeline").beep
    audio = np.concatenate([beep(330, 0.5, 0.1 + 0.03 * 3) for _ in range(2)])
    golden = tmp_path / "tests" / "golden"
    golden.mkdir(parents=True)
    np.savez(golden / "beeps.npz", audio=audio, samples=len(audio))
    scope["test_is_what_was_recorded"]()
    np.savez(golden / "beeps.npz", audio=audio + 1e-5, samples=len(audio))
    with pytest.raises(AssertionError, match="audio: 1e-05 > 2e-06"):
        scope["test_is_what_was_recorded"]()


def test_the_recorded_step_on_the_page_runs() -> None:
    pytest.importorskip("torch")
    [code] = re.findall(r"^```python\n(.*?)^```", PAGE.partition("## On a GPU")[2].partition("\n## ")[0], re.M | re.S)
    exec(code, {})
