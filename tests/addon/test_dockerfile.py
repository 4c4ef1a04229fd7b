"""The Dockerfile: what hadolint would say, and what it must share with config.yaml and the command line."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import meadowlark
from meadowlark import __main__ as command_line
from meadowlark import settings


@pytest.fixture(scope="session")
def stages(root: Path, dockerfiles: ModuleType) -> list[Any]:
    return dockerfiles.stages((root / "Dockerfile").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def sent(root: Path, dockerfiles: ModuleType, tracked: list[str]) -> set[str]:
    """The files that reach the builder."""
    return set(dockerfiles.context((root / ".dockerignore").read_text(encoding="utf-8"), tracked))


def runs(stages: list[Any]) -> list[str]:
    return [step.text for stage in stages for step in stage.all("RUN")]


def test_bases_are_one_pinned_image_for_both_architectures(stages: list[Any]) -> None:
    assert {stage.image for stage in stages} == {"python:3.13-slim-trixie"}, "one base: one download"


def test_stages_and_sources_have_names(stages: list[Any]) -> None:
    names = [stage.name for stage in stages]
    assert len(set(names)) == len(names)
    for number, stage in enumerate(stages):
        for step in stage.all("COPY"):
            assert step.flags.get("from", names[0]) in names[: max(number, 1)]


def test_nothing_is_fetched_past_the_package_managers(stages: list[Any]) -> None:
    assert not [step for stage in stages for step in stage.all("ADD")], "COPY is enough"
    assert not [text for text in runs(stages) if re.search(r"\b(curl|wget|git clone|sudo)\b", text)]


def test_apt_leaves_nothing_behind(stages: list[Any]) -> None:
    for text in runs(stages):
        if "apt-get install" in text:
            assert "--no-install-recommends" in text
            assert "apt-get update" in text, "in the same layer, or a cached list is used"
            assert "rm -rf /var/lib/apt/lists" in text
        assert "apt-get upgrade" not in text
        assert not re.search(r"\bapt (install|update)", text)


def test_pip_leaves_no_cache_and_builds_nothing_in_the_image(stages: list[Any]) -> None:
    commands = [text for text in runs(stages) if re.search(r"\bpip (install|wheel)", text)]
    assert commands
    assert all("--no-cache-dir" in text for text in commands)
    for text in runs(stages[-1:]):
        if "pip install" in text:
            assert "--only-binary :all:" in text or "--no-index" in text
    assert not any(re.search(r"(-e|--editable)\b", text) for text in commands)


def test_requirements_are_constrained_and_cached_before_the_sources(image: Any) -> None:
    steps = [step.text for step in image.instructions if step.word in ("RUN", "COPY")]
    (requirements,) = (number for number, text in enumerate(steps) if "--requirement" in text)
    (ours,) = (number for number, text in enumerate(steps) if text.endswith("/usr/share/meadowlark/wheels"))
    assert "--constraint" in steps[requirements]
    assert requirements < ours, "a new release would download everything again"
    assert "pip check" in steps[-1], "--no-deps needs somebody to look"


def test_build_arguments_come_after_the_layers_worth_caching(image: Any) -> None:
    """The Supervisor passes another BUILD_VERSION with each release."""
    words = [step.word for step in image.instructions]
    assert words.index("ARG") > len(words) - 1 - words[::-1].index("RUN")


def test_exec_form(image: Any) -> None:
    for word in ("ENTRYPOINT", "CMD"):
        assert image.last(word).is_exec_form, f"{word}: a shell in between would not pass SIGTERM on"
        assert len(image.all(word)) == 1


def test_health_check_asks_the_port_that_is_served(image: Any, manifest: dict[str, Any]) -> None:
    (port,) = (key.partition("/")[0] for key in manifest["ports"])
    assert image.last("EXPOSE").words == [port]
    assert f"tcp://0.0.0.0:{port}" in image.last("CMD").words
    assert image.last("HEALTHCHECK").text.endswith(f'["meadowlark", "health", "--uri", "tcp://127.0.0.1:{port}"]')
    assert manifest["watchdog"] == f"tcp://[HOST]:[PORT:{port}]"


def test_healthy_early(image: Any) -> None:
    """The Supervisor tells Home Assistant of the add-on once it is healthy: not after a whole interval."""
    assert image.last("HEALTHCHECK").flags["start-interval"] == "2s"


def test_command_line_takes_what_the_image_says(image: Any) -> None:
    entry = image.last("ENTRYPOINT").words
    assert entry == ["meadowlark"]
    parsed = command_line._parser().parse_args(image.last("CMD").words)
    assert (parsed.command, parsed.uri) == ("serve", "tcp://0.0.0.0:10200")


def test_environment_names_settings(image: Any) -> None:
    ours = {
        name: value
        for step in image.all("ENV")
        for name, value in step.pairs.items()
        if name.startswith(settings.PREFIX)
    }
    loaded = settings.load({}, environ=ours)
    assert ours == {"MEADOWLARK_DATA_DIR": "/data"}
    assert loaded.data_dir == Path("/data")
    assert image.last("WORKDIR").text == "/data"


def test_labels_and_version(image: Any, manifest: dict[str, Any]) -> None:
    labels = {name: value for step in image.all("LABEL") for name, value in step.pairs.items()}
    assert labels["io.hass.name"] == manifest["name"]
    assert labels["io.hass.description"] == manifest["description"]
    assert {"io.hass.version", "io.hass.arch", "io.hass.type"} <= set(labels)
    arguments = {name: value for step in image.all("ARG") for name, value in step.pairs.items()}
    assert arguments["BUILD_VERSION"] == meadowlark.__version__
    assert "BUILD_FROM" not in arguments, "the Supervisor would put its own base there if ever a build.yaml appeared"


def test_every_copied_file_reaches_the_builder(stages: list[Any], sent: set[str]) -> None:
    for stage in stages:
        for step in stage.all("COPY"):
            if "from" in step.flags:
                continue
            for source in step.words[:-1]:
                assert source == "." or any(path == source or path.startswith(f"{source}/") for path in sent), source


def test_context_holds_what_the_build_needs(sent: set[str]) -> None:
    needed = ["constraints.txt", "pyproject.toml", "LICENSE", "README.md", "addon/meadowlark/__init__.py"]
    needed += ["script/requirements.py"]
    needed += ["addon/meadowlark/py.typed", "addon/meadowlark/testing/__init__.py"]
    for engine in ("espeak", "espeakng", "kokoro", "piper"):
        needed += [f"plugins/{engine}/{name}" for name in ("pyproject.toml", "README.md")]
        needed += [f"plugins/{engine}/meadowlark_{engine}/__init__.py"]
    assert [path for path in needed if path not in sent] == []


def test_context_holds_nothing_else(sent: set[str]) -> None:
    """A change of a test or a page must not build the image anew."""
    folders = ("addon/meadowlark/", "plugins/")
    files = {"constraints.txt", "pyproject.toml", "LICENSE", "README.md", "script/requirements.py"}
    assert [path for path in sent if not path.startswith(folders) and path not in files] == []
    assert [path for path in sent if "/tests/" in path] == []


def test_default_engines_are_light(stages: list[Any], root: Path) -> None:
    arguments = {name: value for step in stages[0].all("ARG") for name, value in step.pairs.items()}
    for engine in arguments["ENGINES"].split():
        assert "torch" not in (root / "plugins" / engine / "pyproject.toml").read_text(encoding="utf-8")
