"""The promises about who imports whom, and about what is never imported at all."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "addon" / "meadowlark"

MAY_IMPORT = {
    "__init__": set(),
    "api": set(),
    "errors": set(),
    "audio": {"api", "errors"},
    "manifest": {"api"},
    "hookspecs": {"api"},
    "plugin_faults": set(),
    "pipelines": set(),
    "plugins": {"api", "manifest", "hookspecs", "models.shelves", "pipelines", "plugin_faults", "plugins"},
    "discovery": {"api", "plugins"},
    "catalog": {"api", "errors", "plugins", "unknown_voices"},
    "unknown_voices": {"errors"},
    "repeats": set(),
    "recordings": {"errors", "kit.references"},
    "enrolment": {"errors", "kit.references", "manifest", "plugins", "recordings"},
    "text": {"api", "errors", "text"},
    "schedule": set(),
    "schedule.policy": set(),
    "schedule.admission": {"schedule.policy"},
    "schedule.batch": {"schedule.policy"},
    "schedule.queue": {"schedule.admission", "schedule.batch", "schedule.policy"},
    "schedule.flow": {"schedule.admission", "schedule.policy"},
    "schedule.alternating": {
        "schedule.admission",
        "schedule.batch",
        "schedule.flow",
        "schedule.policy",
        "schedule.queue",
    },
    "models": {"api", "errors", "models"},
    "residency": set(),
    "residency.policy": set(),
    "residency.idle": {"residency.policy"},
    "residency.neighbours": {"residency.policy"},
    "residency.fallback": {"errors", "residency.policy"},
    "residency.ledger_file": {"residency.ledger"},
    "residency.devices": {"residency.gpus", "residency.ram"},
    "residency.rooms": {"residency"},
    "residency.engine": {
        "api",
        "residency.idle",
        "residency.ledger",
        "residency.opening",
        "residency.policy",
        "schedule.batch",
        "schedule.pieces",
        "schedule.queue",
        "worker.messages",
        "worker.process",
    },
    "residency.lease": {"api", "errors", "residency.engine", "schedule.queue"},
    "residency.chronicle": {
        "residency.engine",
        "residency.gpus",
        "residency.ledger",
        "residency.policy",
        "worker.messages",
    },
    "residency.residents": {
        "residency.chronicle",
        "residency.devices",
        "residency.engine",
        "residency.policy",
        "residency.rooms",
    },
    "residency.loading": {
        "errors",
        "residency.engine",
        "residency.policy",
        "residency.residents",
        "residency.rooms",
        "worker.process",
    },
    "residency.supervisor": {
        "api",
        "errors",
        "residency.chronicle",
        "residency.policy",
        "residency.devices",
        "residency.engine",
        "residency.lease",
        "residency.ledger",
        "residency.loading",
        "residency.residents",
        "residency.rooms",
        "schedule.alternating",
        "schedule.policy",
        "schedule.queue",
        "worker.patience",
        "worker.process",
    },
    "residency.keeper": {"residency"},
    "worker.child": {"api", "audio", "errors", "worker.messages", "worker.job", "worker"},
    "worker": {"__init__", "api", "audio", "errors", "worker"},
    "reply": {"audio", "residency.fallback"},
    "fallbacks": {
        "catalog",
        "errors",
        "residency.engine",
        "residency.fallback",
        "residency.supervisor",
        "schedule.admission",
        "schedule.queue",
    },
    "ahead": {"api", "catalog", "errors", "residency.supervisor"},
    "delivery": {
        "api",
        "catalog",
        "errors",
        "fallbacks",
        "reply",
        "residency.lease",
        "residency.supervisor",
        "text",
    },
    "incoming": {"errors", "text"},
    "speech": {
        "api",
        "catalog",
        "delivery",
        "errors",
        "fallbacks",
        "incoming",
        "repeats",
        "reply",
        "residency.supervisor",
        "schedule.pieces",
        "text",
    },
    "settings_sources": {"errors"},
    "settings": {"api", "errors", "server.limits", "settings_sources"},
    "server": {"api", "catalog", "enrolment", "errors", "repeats", "server", "speech", "text.ssml", "__init__"},
    "testing": {
        "api",
        "audio",
        "errors",
        "testing",
        "manifest",
        "plugins",
        "discovery",
        "models.shelves",
        "text",
        "worker",
        "residency.devices",
        "kit.parity",
    },
    "kit": {"api", "kit"},
    "cli": {"*"},
    "__main__": {"*"},
}
"""Module or package → what of meadowlark it may import. The longest name that fits counts."""

ONLY = {
    "wyoming": {"server", "worker", "testing"},
    "zeroconf": {"server.advertise"},
    "ifaddr": {"server"},
    "pluggy": {"api", "hookspecs", "plugins"},
    "pynvml": {"residency.devices"},
    "sentence_stream": {"text"},
    "yaml": {"settings_sources"},
    "soxr": {"audio", "kit.references"},
    "soundfile": {"kit.references"},
    "numpy": {"api", "audio", "testing", "kit"},
    "torch": {"kit"},
    "onnxruntime": {"kit.onnx_same", "kit.ort", "kit.ort_decoder"},
    "onnx": {
        "kit.onnx_build",
        "kit.onnx_graph",
        "kit.onnx_same",
        "kit.part_files",
        "kit.ort_decoder_graph",
    },
    "transformers": set(),
    "huggingface_hub": {"models.hub"},
    "tqdm": {"cli.transfer"},
}
"""Third party → the only ones that may import it, anywhere in the file."""


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = list(path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Absolute names of all that a file imports; top_level: only what is imported when it is."""
    tree = ast.parse(path.read_text())
    package = ["meadowlark", *path.relative_to(SOURCE).parts[:-1]]
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                child = SOURCE.joinpath(*module.split(".")[1:], alias.name)
                is_module = module.startswith("meadowlark") and (child.with_suffix(".py").exists() or child.is_dir())
                yield f"{module}.{alias.name}" if is_module else module


def allowed(name: str, permitted: set[str]) -> bool:
    return "*" in permitted or any(name == each or name.startswith(each + ".") for each in permitted)


def rule_for(name: str) -> set[str]:
    fitting = [each for each in MAY_IMPORT if name == each or name.startswith(each + ".")]
    assert fitting, f"{name} has no rule in MAY_IMPORT: decide what it may import"
    return MAY_IMPORT[max(fitting, key=len)]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    permitted = rule_for(name_of(path))
    for imported in imports(path):
        if imported == "meadowlark" or imported.startswith("meadowlark."):
            inner = imported.removeprefix("meadowlark").removeprefix(".") or "__init__"
            assert allowed(inner, permitted), f"{name_of(path)} must not import {imported}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_libraries_stay_where_they_belong(path: Path) -> None:
    for imported in imports(path):
        library = imported.partition(".")[0]
        if library in ONLY:
            assert allowed(name_of(path), ONLY[library]), f"{name_of(path)} must not import {library}"


def test_no_cycles() -> None:
    graph = {
        f"meadowlark.{name_of(path)}": {
            each for each in imports(path, top_level=True) if each.startswith("meadowlark.")
        }
        for path in modules()
    }
    finished: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " → ".join((*way, module))
        if module not in finished:
            for each in graph.get(module, ()):
                if each != module:
                    visit(each, (*way, module))
            finished.add(module)

    for module in graph:
        visit(module, ())


def test_no_cancellation_is_lost() -> None:
    """`asyncio.wait_for` of Python 3.11 loses one that meets the end of what it waits for; asyncio.timeout does not."""
    assert [str(each) for each in SOURCE.rglob("*.py") if "asyncio.wait_for(" in each.read_text(encoding="utf-8")] == []


HEAVY = ("torch", "onnxruntime", "transformers", "numpy", "soxr", "huggingface_hub", "tqdm")


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("meadowlark.cli.serve", HEAVY),
        ("meadowlark.cli.say", HEAVY),
        ("meadowlark.plugins", HEAVY),
        ("meadowlark.api", (*HEAVY, "asyncio", "wyoming", "msgspec", "zeroconf")),
        ("meadowlark.__main__", (*HEAVY, "asyncio", "msgspec", "zeroconf", "wyoming", "yaml")),
        ("meadowlark.worker.nursery", (*HEAVY, "zeroconf")),
    ],
)
def test_nothing_heavy_at_import(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-E", "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {each.partition(".")[0] for each in loaded} & set(absent)
